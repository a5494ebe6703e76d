"""`wait`: until a rollout has come where a pipeline wants it."""

import math
import sys
import time

from mlrollout.cli.cluster.following import Follower
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


def wait(context: str | None, namespace: str | None, name: str, goal: str, timeout: str) -> None:
    """Wait for a goal.

    Raises:
        CommandError: It was not reached.
    """
    if not is_goal(goal):
        raise CommandError(f"--for {goal}: write complete, rolled-back or stage=NAME")
    ends = time.monotonic() + (_seconds(timeout) if timeout else math.inf)
    before, trouble = "", ""
    with ClusterRollouts(context, namespace) as cluster, Follower(cluster, name) as follower:
        while (left := ends - time.monotonic()) > 0:
            news = follower.next(min(left, _LONG))
            if news is None:
                continue
            if news.found is None:
                raise CommandError(f"the MLRollout {name} is gone: it was deleted")
            before, trouble = tell_change(news.found, before, _note, follower.now), news.trouble
            ended = reached(goal, glance(news.found, follower.now))
            if ended is not None and ended.outcome is GoalOutcome.REACHED:
                Terminal().write(f"{name}: {ended.message}")
                return
            if ended is not None:
                code = ROLLED_BACK if ended.outcome is GoalOutcome.ROLLED_BACK else ExitCode.FAILED
                raise CommandError(f"{name}: {ended.message}", code)
    why = trouble or f"it stands at {before}"
    raise CommandError(f"{name} has not come to {goal} within {timeout}: {why}", ExitCode.TIMED_OUT)


def _seconds(timeout: str) -> float:
    try:
        return seconds("--timeout", timeout)
    except CommandError as error:
        raise CommandError(str(error)) from None  # 2 is a rollback here


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - how it goes on, beside what came of it
