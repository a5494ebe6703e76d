"""The ML path for treatment, legacy for all others and wherever the ML path fails, and both measured alike."""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine

import pytest
from mlrollout import Feature, Group

from tests.pure.assignment.calls import BrokenModelError, World
from tests.pure.assignment.paths import FAILURE, SUCCESS, broken, broken_async, legacy, legacy_async, ml, ml_async


async def hanging_async(user_id: str, order: int = 0) -> str:
    await asyncio.Event().wait()
    return "never"


# --- who answers -------------------------------------------------------------------------------


def test_treatment_gets_the_ml_path_and_control_gets_legacy(world: World) -> None:
    recommend = world.feature()(legacy=legacy)(ml)

    assert recommend("kim", order=3) == "ml kim 3"
    world.group_of_all = Group.CONTROL
    assert recommend("kim", order=3) == "legacy kim 3"
    assert world.outcomes == [("treatment", False, None), ("control", False, None)]
    assert {call.user_id for call in world.calls} == {"kim"}


async def test_so_it_is_for_async_def(world: World) -> None:
    recommend = world.feature()(legacy=legacy_async)(ml_async)

    assert await recommend("kim", order=3) == "ml kim 3"
    world.group_of_all = Group.CONTROL
    assert await recommend("kim", order=3) == "legacy kim 3"
    assert world.outcomes == [("treatment", False, None), ("control", False, None)]


def test_where_the_ml_path_fails_legacy_answers_and_it_is_a_failure_of_treatment(world: World) -> None:
    scored = list[str]()

    def score(answer: str) -> float:
        scored.append(answer)
        return 0.9

    recommend = world.feature()(legacy=legacy, score=score)(broken)

    assert recommend("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]
    assert not scored, "the answer of legacy says nothing about how good the ML path is"


async def test_so_it_is_where_an_async_def_fails(world: World) -> None:
    recommend = world.feature()(legacy=legacy_async, score=lambda _: 0.9)(broken_async)

    assert await recommend("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]


def test_control_never_runs_the_ml_path(world: World) -> None:
    world.group_of_all = Group.CONTROL
    ran = list[str]()

    world.feature(timeout=60)(legacy=legacy)(ran.append)("kim")  # type: ignore[arg-type]  # all that counts is whether it runs
    assert not ran


@pytest.mark.parametrize("group", list(Group))
def test_what_legacy_raises_passes_through_and_is_a_failure_of_the_users_group(world: World, group: Group) -> None:
    world.group_of_all = group
    recommend = world.feature()(legacy=broken)(broken)

    with pytest.raises(BrokenModelError) as raised:
        recommend("kim")

    assert raised.value.__context__ is None, "the ML path's error is none of the application's business"
    assert world.outcomes == [(group.value, True, None)]


class GreenletExit(BaseException):
    """How somebody ends a greenlet of gevent's, with whatever runs in it."""


NO_FAILURES = [
    *((one, timeout) for one in (KeyboardInterrupt, GeneratorExit) for timeout in (None, 60.0)),
    (SystemExit, None),
    (GreenletExit, None),
]


@pytest.mark.parametrize(("none", "timeout"), NO_FAILURES)
def test_what_is_no_failure_of_the_model_passes_through(
    world: World, none: type[BaseException], timeout: float | None
) -> None:
    def interrupted(user_id: str, order: int = 0) -> str:
        raise none

    with pytest.raises(none):
        world.feature(timeout)(legacy=legacy)(interrupted)("kim")

    assert world.calls == []


class FunctionTimedOut(BaseException):
    """A time-out as func_timeout and gevent have them: by its base no failure."""


@pytest.mark.parametrize("ended", [FunctionTimedOut, SystemExit, asyncio.CancelledError, GreenletExit])
def test_in_a_thread_of_ours_whatever_ends_the_ml_path_is_its_own_failure(
    world: World, ended: type[BaseException]
) -> None:
    def ends(user_id: str, order: int = 0) -> str:
        raise ended

    assert world.feature(timeout=60)(legacy=legacy)(ends)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]


@pytest.mark.parametrize("group", list(Group))
def test_a_time_out_that_may_be_the_callers_passes_through_and_is_counted(world: World, group: Group) -> None:
    def ends(user_id: str, order: int = 0) -> str:
        raise FunctionTimedOut

    world.group_of_all = group
    with pytest.raises(FunctionTimedOut):
        world.feature()(legacy=ends)(ends)("kim")
    assert world.outcomes == [(group.value, True, None)]


class PanicException(BaseException):
    """What a panic of a library in Rust is to Python: by its base no failure, and by its meaning one."""


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_panic_of_a_library_is_a_failure_of_the_model(world: World, timeout: float | None) -> None:
    def panics(user_id: str, order: int = 0) -> str:
        raise PanicException

    assert world.feature(timeout)(legacy=legacy)(panics)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]


async def test_a_cancelled_request_is_no_failure(world: World) -> None:
    began = asyncio.Event()

    async def hanging(user_id: str) -> str:
        began.set()
        return await hanging_async(user_id)

    async def other(user_id: str) -> str:
        return legacy(user_id)

    request = asyncio.create_task(world.feature(timeout=60)(legacy=other)(hanging)("kim"))
    await began.wait()
    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    assert world.calls == []


async def _cancels_its_own() -> str:
    task = asyncio.ensure_future(hanging_async("kim"))
    asyncio.get_running_loop().call_soon(task.cancel)
    return await task


async def test_a_task_that_the_ml_path_itself_cancels_is_its_failure(world: World) -> None:
    async def ml_path(user_id: str, order: int = 0) -> str:
        return await _cancels_its_own()

    assert await world.feature(timeout=60)(legacy=legacy_async)(ml_path)("kim", 3) == "legacy kim 3"
    assert await world.feature()(legacy=legacy_async)(ml_path)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE, FAILURE]


async def test_so_it_is_in_a_block_and_for_legacy(world: World) -> None:
    async def in_a_block() -> str:
        with world.feature().observe("kim") as call, call.falling_back():
            return await _cancels_its_own()
        return "legacy"

    assert await in_a_block() == "legacy"
    world.group_of_all = Group.CONTROL
    with pytest.raises(asyncio.CancelledError), world.feature().observe("kim"):
        await _cancels_its_own()
    assert world.outcomes == [FAILURE, ("control", True, None)]


def test_an_event_loop_of_the_ml_paths_own_can_not_cancel_its_caller(world: World) -> None:
    def ml_path(user_id: str, order: int = 0) -> str:
        return asyncio.run(_cancels_its_own())

    assert world.feature()(legacy=legacy)(ml_path)("kim", 3) == "legacy kim 3"
    assert world.feature(timeout=60)(legacy=legacy)(ml_path)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE, FAILURE]


async def test_a_request_that_is_cancelled_while_the_ml_path_cancels_its_own_task_ends(world: World) -> None:
    began = asyncio.Event()

    async def ml_path(user_id: str, order: int = 0) -> str:
        task = asyncio.ensure_future(hanging_async(user_id))
        began.set()
        try:
            return await task
        finally:
            task.cancel()

    request = asyncio.create_task(world.feature(timeout=60)(legacy=legacy_async)(ml_path)("kim"))
    await began.wait()
    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    assert world.calls == []


async def _cancelled(request: Callable[[], Coroutine[None, None, object]]) -> "asyncio.Task[object]":
    """A task that was cancelled in its first wait, and has ended."""
    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task


async def _makes_an_error_of_its_cancellation(user_id: str, order: int = 0) -> str:
    try:
        return await hanging_async(user_id)
    except asyncio.CancelledError as cancelled:
        raise BrokenModelError from cancelled


@pytest.mark.parametrize("limit", [None, 60.0])
async def test_a_cancelled_request_ends_also_where_the_ml_path_makes_an_error_of_it(
    world: World, limit: float | None
) -> None:
    recommend = world.feature(limit)(legacy=legacy_async)(_makes_an_error_of_its_cancellation)

    assert (await _cancelled(lambda: recommend("kim"))).cancelled()
    assert world.calls == []


async def test_so_it_does_in_a_block(world: World) -> None:
    async def in_a_block() -> str:
        with world.feature().observe("kim") as call, call.falling_back():
            await _makes_an_error_of_its_cancellation("kim")
        return "legacy"

    assert (await _cancelled(in_a_block)).cancelled()
    assert world.calls == []


async def test_what_legacy_makes_of_its_cancellation_passes_through_and_counts_as_nothing(world: World) -> None:
    world.group_of_all = Group.CONTROL
    recommend = world.feature()(legacy=_makes_an_error_of_its_cancellation)(ml_async)

    assert isinstance((await _cancelled(lambda: recommend("kim"))).exception(), BrokenModelError)
    assert world.calls == []


async def test_an_ml_path_that_makes_an_error_of_our_time_out_has_failed(world: World) -> None:
    recommend = world.feature(timeout=0.001)(legacy=legacy_async)(_makes_an_error_of_its_cancellation)

    assert await recommend("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("raised", [TimeoutError, BrokenModelError])
async def test_a_time_out_of_a_library_that_leaves_the_task_cancelled_is_a_failure(
    world: World,
    raised: type[Exception],
    goes_on: bool,  # noqa: FBT001 - a case
) -> None:
    async def answers_too_late() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise TimeoutError from None

    async def ml_path(user_id: str, order: int = 0) -> str:
        try:
            await answers_too_late()
        except TimeoutError as late:
            if not goes_on:
                raise raised from late
        raise raised

    assert await world.feature()(legacy=legacy_async)(ml_path)("kim", 3) == "legacy kim 3"
    assert world.outcomes == [FAILURE]


async def test_who_is_being_cancelled_and_calls_once_more_is_answered(world: World) -> None:
    async def request() -> str:
        try:
            return await hanging_async("kim")
        finally:
            await world.feature()(legacy=legacy_async)(ml_path)("kim", 3)

    async def ml_path(user_id: str, order: int = 0) -> str:
        return await _cancels_its_own()

    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.outcomes == [FAILURE]


async def test_an_async_def_that_takes_too_long_is_cancelled_and_legacy_answers(world: World) -> None:
    ended = list[BaseException]()

    async def hanging(user_id: str, order: int = 0) -> str:
        try:
            return await hanging_async(user_id, order)
        except asyncio.CancelledError as cancelled:
            ended.append(cancelled)
            raise

    recommend = world.feature(timeout=0.001)(legacy=legacy_async)(hanging)

    assert await recommend("kim", 3) == "legacy kim 3"
    assert len(ended) == 1
    assert world.outcomes == [FAILURE]


# --- how long, and how good ------------------------------------------------------------------------


def test_the_time_of_a_failed_call_is_what_the_user_waited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("mlrollout.assignment.call.monotonic", lambda: now[0])

    def slow(user_id: str) -> str:
        now[0] += 3
        raise BrokenModelError

    def slower(user_id: str) -> str:
        now[0] += 4
        return "legacy"

    world.feature()(legacy=slower)(slow)("kim")
    world.group_of_all = Group.CONTROL
    world.feature()(legacy=slower)(slow)("kim")

    assert [call.seconds for call in world.calls] == [7, 4]


def test_both_groups_are_scored_alike(world: World) -> None:
    recommend = world.feature()(legacy=legacy, score=lambda answer: len(answer) / 100)(ml)

    recommend("kim")
    world.group_of_all = Group.CONTROL
    recommend("kim")
    assert world.outcomes == [("treatment", False, 0.08), ("control", False, 0.12)]


def _raise(_: object) -> float:
    raise BrokenModelError


@pytest.mark.parametrize(
    "score", [_raise, lambda _: math.nan, lambda _: math.inf, lambda _: "good", lambda _: None, lambda _: 10**400]
)
def test_a_score_that_is_none_harms_neither_the_answer_nor_the_averages(
    world: World, score: Callable[[object], float]
) -> None:
    recommend = world.feature()(legacy=legacy, score=score)(ml)

    assert recommend("kim", 3) == "ml kim 3"
    assert world.outcomes == [SUCCESS]


def test_metrics_that_fail_harm_no_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        def record(self, *_: object, **__: object) -> None:
            raise OSError("no space left on device")

    with caplog.at_level(logging.WARNING, logger="mlrollout"):
        assert Feature(world, Full())(legacy=legacy)(ml)("kim", 3) == "ml kim 3"
    assert "a call could not be recorded: OSError" in caplog.text


def test_without_metrics_nothing_is_recorded(world: World) -> None:
    assert Feature(world)(legacy=legacy)(ml)("kim", 3) == "ml kim 3"
    assert Feature(world)(legacy=legacy)(broken)("kim", 3) == "legacy kim 3"


def test_failures_are_logged_more_and_more_rarely(world: World, caplog: pytest.LogCaptureFixture) -> None:
    recommend = world.feature()(legacy=legacy)(broken)
    with caplog.at_level(logging.WARNING, logger="mlrollout"):
        for number in range(100):
            recommend(f"user-{number}")

    assert [record.getMessage() for record in caplog.records] == [
        f"broken failed and legacy answers instead: BrokenModelError ({times} times so far)"
        for times in (1, 2, 4, 8, 16, 32, 64)
    ]
    assert "raise BrokenModelError" in caplog.text, "where it happened"


# --- where it can't be two functions -----------------------------------------------------------------


def test_a_block_is_measured_as_well(world: World) -> None:
    with world.feature().observe("kim") as call:
        assert call.treatment
        call.score(0.8)

    assert world.outcomes == [("treatment", False, 0.8)]


def test_in_a_block_legacy_follows_what_fails(world: World) -> None:
    def answer() -> str:
        with world.feature().observe("kim") as call:
            if call.treatment:
                with call.falling_back():
                    call.score(0.8)
                    return broken("kim")
            return legacy("kim")

    assert answer() == "legacy kim 0"
    assert world.outcomes == [FAILURE]


def test_a_block_that_handles_its_failure_by_itself_says_so(world: World) -> None:
    with world.feature().observe("kim") as call:
        call.fail()

    assert world.outcomes == [FAILURE]


def test_an_exception_that_leaves_a_block_is_a_failure(world: World) -> None:
    with pytest.raises(BrokenModelError), world.feature().observe("kim"):
        raise BrokenModelError

    assert world.outcomes == [FAILURE]
