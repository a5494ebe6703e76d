"""Who the user of a call is, and what can be decorated at all."""

import inspect
import math
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from typing import Any, assert_type

import pytest
from mlrollout import Feature, Metrics

from tests.pure.assignment.calls import World
from tests.pure.assignment.paths import legacy, legacy_async, ml, ml_async

# --- the user --------------------------------------------------------------------------------------


def test_the_user_is_the_first_argument_by_whatever_way_it_comes(world: World) -> None:
    recommend = world.feature()(legacy=legacy)(ml)

    recommend("kim")
    recommend(user_id="lee")
    recommend(order=3, user_id="park")
    assert [call.user_id for call in world.calls] == ["kim", "lee", "park"]


def test_the_user_is_the_argument_that_is_named(world: World) -> None:
    def other(order: int, user_id: str, *, region: str = "") -> str:
        return "legacy"

    def recommend(order: int, user_id: str, *, region: str = "") -> str:
        return "ml"

    by_user = world.feature()(legacy=other, user="user_id")(recommend)
    by_user(3, "kim")
    by_user(3, user_id="lee")
    world.feature()(legacy=other, user="region")(recommend)(3, "kim", region="north")
    assert [call.user_id for call in world.calls] == ["kim", "lee", "north"]


def test_methods_name_the_users_argument(world: World) -> None:
    feature = world.feature()

    class Service:
        def nearest(self, user_id: str) -> str:
            return f"legacy {user_id}"

        @feature(legacy=nearest, user="user_id")
        def recommend(self, user_id: str) -> str:
            return f"ml {user_id}"

    assert Service().recommend("kim") == "ml kim"
    assert [call.user_id for call in world.calls] == ["kim"]


def test_who_is_nobody_gets_legacy(world: World) -> None:
    assert world.feature()(legacy=legacy)(ml)("", 3) == "legacy  3"
    assert world.outcomes == [("control", False, None)]


def test_arguments_that_do_not_fit_are_the_callers_mistake(world: World) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        world.feature()(legacy=legacy)(ml)("kim", colour="red")  # type: ignore[call-arg]  # that is the point


def test_a_default_is_the_users_id_as_any_other(world: World) -> None:
    def other(user_id: str = "kim", *, region: str = "north") -> str:
        return "legacy"

    def recommend(user_id: str = "kim", *, region: str = "north") -> str:
        return "ml"

    assert world.feature()(legacy=other)(recommend)() == "ml"
    assert world.feature()(legacy=other, user="region")(recommend)() == "ml"
    assert [call.user_id for call in world.calls] == ["kim", "north"]


def test_the_users_id_is_found_where_any_name_is_taken(world: World) -> None:
    def other(**_: str) -> str:
        return "legacy"

    def recommend(**_: str) -> str:
        return "ml"

    assert world.feature()(legacy=other, user="user_id")(recommend)(user_id="kim", order="3") == "ml"
    assert [call.user_id for call in world.calls] == ["kim"]


def test_a_decorator_that_says_what_it_wraps_hides_no_user(world: World) -> None:
    def logged(path: Callable[..., str]) -> Callable[..., str]:
        @wraps(path)
        def wrapper(*args: object, **kwargs: object) -> str:
            return path(*args, **kwargs)

        return wrapper

    recommend = world.feature()(legacy=legacy, user="user_id")(logged(ml))
    recommend("kim", 3)
    recommend(order=3, user_id="lee")
    world.feature()(legacy=legacy)(partial(ml, order=3))("park")
    assert [call.user_id for call in world.calls] == ["kim", "lee", "park"]


def test_where_the_model_is_given_already_the_user_is_the_argument_that_is_named(world: World) -> None:
    def rank(model: object, user_id: str) -> str:
        return f"ml {user_id}"

    recommend = world.feature()(legacy=legacy, user="user_id")(partial(rank, object()))
    assert recommend("kim") == "ml kim"
    assert [call.user_id for call in world.calls] == ["kim"]


def test_what_is_left_of_a_partial_is_the_user_where_legacy_begins_with_it_too(world: World) -> None:
    def rank(model: object, user_id: str, order: int) -> str:
        return f"{model} {user_id} {order}"

    recommend = world.feature()(legacy=partial(rank, "old"))(partial(rank, "ml"))
    assert recommend("kim", 3) == "ml kim 3"
    assert [call.user_id for call in world.calls] == ["kim"]


# --- what it is made of ----------------------------------------------------------------------------


def test_it_is_still_the_function_that_it_was(world: World) -> None:
    recommend, recommend_async = world.feature()(legacy=legacy)(ml), world.feature()(legacy=legacy_async)(ml_async)

    assert (recommend.__name__, inspect.signature(recommend)) == ("ml", inspect.signature(ml))
    assert inspect.iscoroutinefunction(recommend_async)
    assert not inspect.iscoroutinefunction(recommend)


async def test_its_types_survive(world: World) -> None:
    answer = world.feature()(legacy=legacy, score=lambda answer: float(len(answer)))(ml)("kim", 3)
    awaited = await world.feature()(legacy=legacy_async, score=lambda answer: float(len(answer)))(ml_async)("kim", 3)

    assert_type(answer, str)
    assert_type(awaited, str)
    assert answer == awaited


def _nothing() -> str:
    return ""


def _many(user_id: str) -> Iterator[str]:
    yield user_id


class _Many:
    def __call__(self, user_id: str) -> Iterator[str]:
        yield user_id


class _ManyAsync:
    async def __call__(self, user_id: str) -> AsyncIterator[str]:
        yield user_id


def _anything(*args: object) -> str:
    return ""


def _any_name(**kwargs: object) -> str:
    return ""


def _hidden(*args: object, **kwargs: object) -> str:
    return ""


@pytest.mark.parametrize(
    ("path", "other", "user", "complaint"),
    [
        (ml, legacy_async, None, "either both paths are async def, or neither is: ml, and legacy_async for legacy"),
        (ml_async, legacy, None, "either both paths are async def, or neither is"),
        (
            ml,
            legacy,
            "user",
            r"ml has the parameters \['user_id: str', 'order: int = 0'\], and user can't be the user's",
        ),
        (_nothing, _nothing, None, "say which one it is"),
        (World.group, World.group, None, r'World.group has .*, and self can\'t be the user\'s id.* user="…"'),
        (_many, _many, None, "_many is a generator, which fails after it has answered: use observe"),
        (ml, _many, None, "_many is a generator"),
        (_Many(), legacy, None, "_Many object at .* is a generator"),
        (legacy_async, _ManyAsync(), None, "_ManyAsync object at .* is a generator"),
        (partial(_many, "kim"), legacy, None, "is a generator"),
        (
            _anything,
            legacy,
            None,
            r"_anything has the parameters \['\*args: object'\], and args can't be .* functools.wraps",
        ),
        (_anything, legacy, "user_id", "and user_id can't be the user's id"),
        (_hidden, legacy, "user_id", r"'\*\*kwargs: object'\], and user_id can't be the user's id"),
        (_any_name, legacy, None, "and kwargs can't be the user's id"),
        (partial(ml, "kim"), legacy, None, "some arguments of ml are given already, by functools.partial"),
        (partial(ml, "kim"), legacy, "user_id", "and user_id can't be the user's id"),
    ],
)
def test_what_can_not_work_is_refused_when_the_program_starts(
    world: World, path: Callable[..., str], other: Callable[..., str], user: str | None, complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        world.feature()(legacy=other, user=user)(path)


def test_numbers_that_make_no_sense_are_refused(world: World) -> None:
    for timeout in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="must be above 0"):
            Feature(world, timeout=timeout)
    with pytest.raises(ValueError, match="must be at least 1"):
        Feature(world, threads=0)


class _Recorder:
    record = "is no method"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"rollout": None}, r"rollout must be Rollout\(…\), or something else with a method group\(\), and not None"),
        ({"rollout": "ml_dispatch"}, "rollout must be .*, and not of type str"),
        ({"rollout": World}, "rollout must be .*, and not the class World"),
        ({"metrics": "ml_dispatch"}, r"metrics must be Metrics\(…\), .* a method record\(\), and not of type str"),
        ({"metrics": Metrics}, "metrics must be .*, and not the class Metrics"),
        ({"metrics": _Recorder()}, "metrics must be .*, and not of type _Recorder"),
        ({"timeout": "0.5"}, "timeout must be a number of seconds, and not of type str"),
        ({"threads": 2.5}, "threads must be a whole number, and not of type float"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_any_user_comes(
    world: World, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        Feature(**{"rollout": world, **arguments})


def test_so_is_what_is_no_function(world: World) -> None:
    with pytest.raises(TypeError, match="legacy must be a function, and not None"):
        world.feature()(legacy=None)(ml)  # type: ignore[call-overload]  # that is the point
    with pytest.raises(TypeError, match="score must be a function, and not of type str"):
        world.feature()(legacy=legacy, score="fit")(ml)  # type: ignore[call-overload]  # likewise
