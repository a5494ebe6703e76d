"""`wait`: until a rollout has come where a pipeline wants it."""

import math
import sys
import time
from dataclasses import dataclass

from mlrollout.cli.cluster.following import Follower, Sight
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.options import seconds
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.goal import GoalOutcome, is_goal, reached
from mlrollout.glance.rollout import glance

from .watching import tell_change

_LONG = 3600.0
ROLLED_BACK = 2
"""The exit code of `wait` for a rollback that nobody waited for; its wrong usage is a failure, so that none is taken
for that."""


@dataclass(frozen=True, slots=True)
class WaitGoal:
    """What is waited for.

    Attributes:
        goal: Where the rollout shall come.
        revision: The one that shall come there; `None` for whichever the object asks for.
    """

    goal: str
    revision: str | None = None

    def check(self) -> None:
        """Hold it against what can be waited for.

        Raises:
            CommandError: This can't.
        """
        if not is_goal(self.goal):
            raise CommandError(f"--for {self.goal}: write complete, rolled-back or stage=NAME")
        if self.revision is not None and not self.revision.strip():  # a pipeline's variable that is not set
            raise CommandError("--revision is empty: name the revision, or leave the option out")

    def __str__(self) -> str:
        return f"{self.goal} with revision {self.revision}" if self.revision else self.goal


def wait(context: str | None, namespace: str | None, name: str, goal: WaitGoal, timeout: str | None) -> None:
    """Wait for a goal; without an end where no timeout is given.

    Raises:
        CommandError: It was not reached.
    """
    goal.check()
    wanted = goal.revision or ""
    ends = time.monotonic() + (math.inf if timeout is None else _seconds(timeout))
    before, stands, trouble, sight = "", "", "", Sight(_note)
    with ClusterRollouts(context, namespace) as cluster, Follower(cluster, name) as follower:
        while True:
            left = ends - time.monotonic()
            news = follower.next(min(left, _LONG))
            if news is None:
                if left <= 0:
                    break
                continue
            if news.found is None:
                raise CommandError(f"the MLRollout {name} is gone: it was deleted")
            sight.take_in(news, follower.now)
            before, trouble = tell_change(news.found, before, _note, follower.now), news.trouble
            seen = glance(news.found, follower.now)
            stands = f"{before}, with revision {seen.revision}" if wanted else before
            ended = reached(goal.goal, seen, wanted)
            if ended is not None and ended.outcome is GoalOutcome.REACHED:
                Terminal().write(f"{name}: {ended.message}")
                return
            if ended is not None:
                code = ROLLED_BACK if ended.outcome is GoalOutcome.ROLLED_BACK else ExitCode.FAILED
                raise CommandError(f"{name}: {ended.message}", code)
    why = trouble or f"it stands at {stands}"
    raise CommandError(f"{name} has not come to {goal} within {timeout}: {why}", ExitCode.TIMED_OUT)


def _seconds(timeout: str) -> float:
    try:
        return seconds("--timeout", timeout)
    except CommandError as error:
        raise CommandError(str(error)) from None  # 2 is a rollback here


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - how it goes on, beside what came of it
