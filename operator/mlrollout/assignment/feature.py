"""A feature with two paths: who is in treatment gets the ML path, and legacy wherever that fails."""

import logging
from asyncio import timeout
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from math import isfinite
from typing import Any, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

from mlrollout.seldom import seldom

from . import arguments
from .bucket import Group
from .call import Call
from .ids import UserId
from .paths import UserOf, finished, go_together, is_async, is_lazy, name_of, own_errors, user_of
from .threads import Threads

log = logging.getLogger("mlrollout")

P = ParamSpec("P")
R = TypeVar("R")


class Groups(Protocol):
    """Says which group a user is in: a `Rollout`."""

    def group(self, user_id: Any) -> Group:  # noqa: ANN401 - as it takes ids: a Rollout all, another one texts alone
        """The user's group now; never an exception."""


@runtime_checkable
class Overriding(Protocol):
    """Knows for whom the application decides by hand: a `Rollout`."""

    def overrides(self, user_id: Any) -> bool:  # noqa: ANN401 - likewise
        """Whether it does for this user; never an exception."""


class Recorder(Protocol):
    """Counts what became of calls: `Metrics`, or another system."""

    def record(
        self,
        user_id: Any,  # noqa: ANN401 - likewise
        group: Group,
        *,
        failed: bool,
        seconds: float,
        score: float | None,
    ) -> None:
        """A call has ended.

        Args:
            user_id: The user, who may be nobody: whatever the application gave for an id.
            group: The user's group.
            failed: Whether the group's own path failed.
            seconds: How long it took to answer the user.
            score: How good the answer was, a finite number; `None` where nobody said.
        """


class Feature:
    """Runs the ML path for users in treatment and legacy for all others, and measures both alike.

        feature = Feature(rollout, Metrics("ml_dispatch"), timeout=0.5)

        @feature(legacy=nearest_vehicle, score=lambda vehicles: vehicles[0].fit)
        def recommend(user_id: str, order: Order) -> list[Vehicle]: ...

    Whatever the ML path raises, and where it takes too long, legacy answers instead. That is a failure of
    treatment, and its response time is that of both paths: what the user waited. What legacy raises passes through.
    What the ML path raises that is no `Exception` is a failure as well, but passes through without a `timeout`: it may
    be a time-out that the caller has set around the call.
    Answering with a coroutine, a generator or the like is no answer yet: for the ML path that is a failure.

    Args:
        rollout: Who is in treatment.
        metrics: Where outcome, score and time go; `None` for nowhere.
        timeout: Seconds that the ML path may take; `None` for no end. An `async def` is cancelled then. Any other
            runs in a thread, with the caller's context variables, and is abandoned there.
        threads: How many of the latter may run at once, the abandoned included; further calls fail at once.
        count_overrides: Count the calls of users whose groups the application gives by hand (`Overrides`) as well. By
            default they are nobody's evidence.

    Raises:
        TypeError: Something is of another kind than it must be.
        ValueError: A number makes no sense.
    """

    def __init__(
        self,
        rollout: Groups,
        metrics: Recorder | None = None,
        timeout: float | None = None,
        *,
        threads: int = 32,
        count_overrides: bool = False,
    ) -> None:
        if not isinstance(threads, int):
            raise TypeError(f"threads must be a whole number, and not of type {type(threads).__name__}")
        if threads < 1:
            raise ValueError(f"threads ({threads}) must be at least 1, or no call of the ML path could begin")
        self._rollout = arguments.having("group", "rollout", rollout, "Rollout(…)")
        self._by_hand = rollout.overrides if isinstance(rollout, Overriding) and not count_overrides else _for_nobody
        self._metrics = None if metrics is None else arguments.having("record", "metrics", metrics, "Metrics(…)")
        self._timeout = None if timeout is None else arguments.seconds("timeout", timeout)
        self._threads = Threads(threads)
        self._troubles: dict[str, int] = {}

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a coroutine is an answer as well, and the first that fits is taken
        self,
        *,
        legacy: Callable[P, Coroutine[Any, Any, R]],
        score: Callable[[R], float] | None = None,
        user: str | None = None,
    ) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]: ...

    @overload
    def __call__(
        self, *, legacy: Callable[P, R], score: Callable[[R], float] | None = None, user: str | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def __call__(
        self, *, legacy: Callable[..., Any], score: Callable[[Any], float] | None = None, user: str | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make a function the ML path.

        Args:
            legacy: The other path: takes the same arguments, and is `async def` where the ML path is.
            score: How good an answer of either path is. Where it fails, the answer has no score.
            user: The parameter that holds the user's id; by default, the first.

        Raises:
            TypeError: The two paths don't go together, one of them or `score` is no function, or there is no such
                parameter.
        """
        arguments.function("legacy", legacy)
        if score is not None:
            arguments.function("score", score)

        def decorate(path: Callable[..., Any]) -> Callable[..., Any]:
            go_together(path, legacy)
            make = self._asynchronous if is_async(path) else self._synchronous
            return make(path, legacy, score, user_of(path, user, legacy))

        return decorate

    def observe(self, user_id: UserId) -> Call:
        """Measure a block, where the two paths can't be two functions; there is no time-out in it.

        with feature.observe(user_id) as call:
            if call.treatment:
                with call.falling_back():
                    best = model.rank(order)
                    call.score(best[0].fit)
                    return best
            return nearest(order)
        """
        return self._call(user_id, "the ML path")

    def _call(self, user_id: UserId, name: str) -> Call:
        def tell(error: BaseException) -> None:
            self._tell(f"{name} failed and legacy answers instead", error)

        return Call(user_id, self._rollout.group(user_id), on_error=tell, on_end=self._record)

    # --- the two kinds of functions ----------------------------------------------------------

    def _synchronous(
        self,
        path: Callable[..., Any],
        legacy: Callable[..., Any],
        score: Callable[[Any], float] | None,
        find_user: UserOf,
    ) -> Callable[..., Any]:
        name = name_of(path)

        @wraps(path)
        def answer(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the paths take and answer
            with self._call(find_user(args, kwargs), name) as call:
                if call.treatment:
                    with call.falling_back():
                        found = finished(self._in_time(partial(path, *args, **kwargs)), name)
                        return self._scored(call, score, found)
                return self._known(call, score, legacy(*args, **kwargs))

        return answer

    def _in_time(self, path: Callable[[], R]) -> R:
        return path() if self._timeout is None else self._threads.run(partial(own_errors, path), self._timeout)

    def _asynchronous(
        self,
        path: Callable[..., Any],
        legacy: Callable[..., Any],
        score: Callable[[Any], float] | None,
        find_user: UserOf,
    ) -> Callable[..., Any]:
        name = name_of(path)

        @wraps(path)
        async def answer(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - likewise
            with self._call(find_user(args, kwargs), name) as call:
                if call.treatment:
                    with call.falling_back():
                        async with timeout(self._timeout):
                            found = await path(*args, **kwargs)
                        return self._scored(call, score, finished(found, name))
                return self._known(call, score, await legacy(*args, **kwargs))

        return answer

    # --- what must never harm an answer ------------------------------------------------------

    def _known(self, call: Call, score: Callable[[R], float] | None, answer: R) -> R:
        """Legacy's answer, which is the user's whatever it is; what may still fail is not counted as a success."""
        if call.failed or not is_lazy(answer):
            return self._scored(call, score, answer)
        call.forget()
        kind = type(answer).__name__
        self._tell("legacy's answer may still fail, and so is not counted", TypeError(f"it is a {kind}: use observe()"))
        return answer

    def _scored(self, call: Call, score: Callable[[R], float] | None, answer: R) -> R:
        if score is not None and not call.failed:
            try:
                call.score(score(answer))
            except Exception as error:  # noqa: BLE001 - the answer is good all the same
                self._tell("score failed: the answer has none", error)
        return answer

    def _record(self, call: Call) -> None:
        if self._metrics is None or self._by_hand(call.user_id):
            return
        try:
            score = self._finite(call)
            self._metrics.record(call.user_id, call.group, failed=call.failed, seconds=call.seconds, score=score)
        except Exception as error:  # noqa: BLE001 - likewise
            self._tell("a call could not be recorded", error)

    def _finite(self, call: Call) -> float | None:
        """The score; one NaN would make NaN of every average from then on."""
        if call.result is None:
            return None
        try:
            score = float(call.result)
            if not isfinite(score):
                raise ValueError(f"a score must be a finite number, and not {score}")  # noqa: TRY301 - told alike
        except Exception as error:  # noqa: BLE001 - likewise
            self._tell("what is no score was not recorded", error)
            return None
        return score

    def _tell(self, trouble: str, error: BaseException) -> None:
        key = f"{trouble}: {type(error).__name__}"
        self._troubles[key] = times = self._troubles.get(key, 0) + 1
        if seldom(times):
            log.warning("%s (%d times so far)", key, times, exc_info=error)


def _for_nobody(_: UserId) -> bool:
    return False
