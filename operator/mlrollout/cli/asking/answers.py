"""Waiting for what the operator answers."""

import time

from mlrollout.cli.cluster.following import Follower, Sight
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode, program
from mlrollout.cli.terminal import Terminal
from mlrollout.domain.request import Verb
from mlrollout.glance.reply import VerbReply, reply

from .plans import VerbAsked


def await_answer(verb: Verb, asked: VerbAsked, cluster: ClusterRollouts, ends: float, timeout: str) -> VerbReply:
    """What the operator answers.

    Args:
        verb: What was asked for.
        asked: On which object.
        cluster: Where.
        ends: By `time.monotonic`, when nobody waits any more.
        timeout: The same, as it was said.

    Raises:
        CommandError: It refused, or did not answer in time.
    """
    trouble, note = "", Terminal().note
    sight = Sight(lambda line: note(f"{asked.target}: {line}"))
    # It is asked for: a cluster that fails from now on leaves that so, and is waited through.
    with Follower(cluster.within(asked.target.namespace), asked.target.name, asked.found) as follower:
        while (news := follower.next(ends - time.monotonic())) is not None:
            if news.found is None:
                raise CommandError("it was deleted meanwhile")
            trouble = news.trouble
            sight.take_in(news, follower.now)
            answer = reply(news.found, verb, asked.after)
            if answer is not None and answer.refused:
                raise CommandError(answer.message)
            if answer is not None:
                return answer
    why = f": {trouble}" if trouble else f": see `{program()} doctor`"
    raise CommandError(f"the operator has not answered within {timeout}{why}", ExitCode.TIMED_OUT)
