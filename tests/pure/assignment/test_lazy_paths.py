"""Paths that answer with what may still fail: generators, and what wraps one."""

import codecs
import inspect
import itertools
from array import array
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from functools import partial
from io import BytesIO, StringIO
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest
from mlrollout import Group

from tests.pure.assignment.calls import BrokenModelError, World
from tests.pure.assignment.paths import FAILURE, SUCCESS, broken, broken_async, legacy, legacy_async, ml


def _lazily(user_id: str, order: int = 0) -> Iterator[str]:
    raise BrokenModelError
    yield user_id


async def _lazily_async(user_id: str, order: int = 0) -> AsyncIterator[str]:
    raise BrokenModelError
    yield user_id


async def _answers_lazily(user_id: str, order: int = 0) -> AsyncIterator[str]:
    return _lazily_async(user_id)


def _wrapped(user_id: str, order: int = 0) -> object:
    return broken_async(user_id, order)


def _made(user_id: str, order: int = 0) -> object:
    return _lazily(user_id, order)


def _queued(user_id: str, order: int = 0) -> object:
    return Future[str]()


class _Cursor:
    """An iterator by its methods alone, as drivers of databases have them."""

    def __iter__(self) -> "_Cursor":
        return self

    def __next__(self) -> str:
        raise BrokenModelError


def _selected(user_id: str, order: int = 0) -> object:
    return _Cursor()


def _mapped_by_threads(user_id: str, order: int = 0) -> object:
    with ThreadPool(1) as threads:
        return threads.imap(broken, [user_id])


LAZY: dict[str, Callable[..., Any]] = {
    "a wrapped async def": _wrapped,
    "a generator": _made,
    "an async generator": lambda user_id, order=0: _lazily_async(user_id, order),
    "a map": lambda user_id, order=0: map(broken, [user_id], [order]),
    "a zip": lambda user_id, *_: zip([user_id], _lazily(user_id), strict=True),
    "an enumeration": lambda user_id, *_: enumerate(_lazily(user_id)),
    "a slice": lambda user_id, *_: itertools.islice(_lazily(user_id), 3),
    "a chain": lambda user_id, *_: itertools.chain([user_id], _lazily(user_id)),
    "a filter": lambda user_id, order=0: filter(broken, [user_id, order]),
    "a future": _queued,
    "a function that is called until it ends": lambda user_id, *_: iter(partial(broken, user_id), None),
    "a map of a pool's": _mapped_by_threads,
    "a cursor": _selected,
}

FINISHED = {
    "list": iter(["kim"]),
    "text": iter("kim"),
    "numbers": iter(range(3)),
    "dictionary": iter({"kim": 1}.items()),
    "the other way round": reversed(["kim"]),
    "queue": iter(deque(["kim"])),
    "ordered": iter(OrderedDict(kim=1)),
    "ordered items": iter(OrderedDict(kim=1).items()),
    "ordered, from behind": reversed(OrderedDict(kim=1)),
    "array": iter(array("b", [1])),
    "decoded": codecs.getreader("utf-8")(BytesIO(b"kim")),
    "file": StringIO("kim"),
    "what is no iterator": range(3),
}


@pytest.mark.parametrize("timeout", [None, 60.0])
@pytest.mark.parametrize("path", LAZY.values(), ids=LAZY)
def test_an_ml_path_that_has_not_done_its_work_yet_has_failed(
    world: World, caplog: pytest.LogCaptureFixture, path: Callable[..., str], timeout: float | None
) -> None:
    assert world.feature(timeout)(legacy=legacy)(path)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]
    assert "may fail after it has answered" in caplog.text


async def test_so_has_an_async_def_that_answers_with_a_generator(world: World) -> None:
    assert await world.feature()(legacy=legacy_async)(_answers_lazily)("kim", 3) == "legacy kim 3"  # type: ignore[arg-type]  # the point
    assert world.outcomes == [FAILURE]


async def test_what_legacy_has_not_done_yet_is_the_users_and_counts_as_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.group_of_all = Group.CONTROL
    answer = world.feature()(legacy=_wrapped)(ml)("kim")
    assert inspect.isawaitable(answer)
    with pytest.raises(BrokenModelError):
        await answer

    assert world.calls == []
    assert "so is not counted" in caplog.text


def test_where_the_ml_path_failed_it_has_failed_whatever_legacy_does(world: World) -> None:
    world.feature()(legacy=_made)(broken)("kim")

    assert world.outcomes == [FAILURE]


@pytest.mark.parametrize("answer", FINISHED.values(), ids=FINISHED)
def test_what_takes_things_out_of_what_is_there_is_an_answer(world: World, answer: object) -> None:
    def ml_path(user_id: str) -> object:
        return answer

    assert world.feature()(legacy=ml_path)(ml_path)("kim") is answer
    assert world.outcomes == [SUCCESS]


def test_a_list_that_was_made_of_a_generator_is_an_answer(world: World) -> None:
    def listed(user_id: str) -> list[str]:
        return [*map(ml, [user_id])]

    assert world.feature()(legacy=listed)(listed)("kim") == ["ml kim 0"]
    assert world.outcomes == [SUCCESS]
