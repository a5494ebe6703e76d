"""What a verb comes to on one object, and the annotation that asks for it."""

import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self

from mlrollout.api import GROUP
from mlrollout.api.duration import brief
from mlrollout.cli.cluster.api import ClusterError, Data
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode, program
from mlrollout.domain.request import Verb
from mlrollout.glance.fields import Fields
from mlrollout.glance.reply import last_step, rolled_back
from mlrollout.glance.rollout import glance

from .meant import ObjectMeant

TRIES = 5
"""How often a verb is planned anew because the object has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class VerbWish:
    """What a person wants.

    Attributes:
        verb: The verb.
        reason: Why.
        to: Of `demote`, the stage or the percentage; `None` for the stage before.
    """

    verb: Verb
    reason: str
    to: str | None = None

    def check(self) -> None:
        """Hold it against what can be meant.

        Raises:
            CommandError: Nothing can: most often, a variable of a script is not set.
        """
        if self.to is not None and not self.to.strip():
            told = "--to is empty: name the stage or the percentage, or leave the option out"
            raise CommandError(told, ExitCode.WRONG_USAGE)

    def with_reason(self, reason: str) -> Self:
        """The same for another reason."""
        return replace(self, reason=reason)


@dataclass(frozen=True, slots=True)
class VerbAsked:
    """A verb that was asked for.

    Attributes:
        target: Of which object.
        found: The object right after that.
        after: The last step in its history before.
        means: What comes of it.
        settled: Whether it is as asked already, so that there is no answer to wait for.
        doubt: Why the operator may not act on it; empty for no reason to think so.
    """

    target: ObjectMeant
    found: Data
    after: int
    means: str
    settled: bool = False
    doubt: str = ""


def plan_and_ask(wish: VerbWish, target: ObjectMeant, cluster: ClusterRollouts) -> VerbAsked:
    """Ask for a verb, if the operator would act on it as the object stands.

    Raises:
        CommandError: It would refuse, or the object does not exist.
        ClusterError: It could not be asked for.
    """
    there = cluster.within(target.namespace)
    if wish.verb is Verb.ROLLBACK:
        return _roll_back(wish, target, there)
    for _ in range(TRIES):
        found = there.get(target.name)
        value, means = _planned(wish, found)
        try:
            # It was planned for the object as it was read: one stage later, the same verb would go further.
            version = str(found["metadata"]["resourceVersion"])
            asked = there.annotate(target.name, {f"{GROUP}/{wish.verb}": value}, version)
        except ClusterError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        else:
            return VerbAsked(target, asked, last_step(found), means, doubt=_doubt(found, there))
    raise CommandError("it changes too often now: try again")


def _roll_back(wish: VerbWish, target: ObjectMeant, there: ClusterRollouts) -> VerbAsked:
    """A rollback needs no look at the object, so nothing can be in its way, nor have it wait for a library."""
    found = there.annotate(target.name, {f"{GROUP}/{Verb.ROLLBACK}": wish.reason})
    back = rolled_back(found)
    means = "it is rolled back already, and stays so" if back else "traffic goes to 0 %, and stays there"
    doubt = _doubt(found, there)
    if doubt:
        doubt += f", or set {Fields(found).part('spec').part('traffic').text('key')} to 0 in its Redis by hand"
    return VerbAsked(target, found, last_step(found), means, settled=back, doubt=doubt)


def _doubt(found: Data, there: ClusterRollouts) -> str:
    """Why the operator may not act, as far as the object shows it."""
    seen = glance(found, there.now)
    if seen.silent is None:
        return ""
    heard = f"the operator was last heard of {brief(seen.silent)} ago, and may not act on it"
    if seen.reason == "AwaitingOperator":
        heard = f"no operator has looked at it since it was created {brief(seen.silent)} ago, and none may act on it"
    return f"{heard}: see `{program()} doctor`"


def _planned(wish: VerbWish, found: Data) -> tuple[str, str]:
    """What the annotation says, and what comes of it.

    Raises:
        CommandError: The operator would refuse.
    """
    from mlrollout.domain.foretell import foretell, offered

    now = time.time()
    value = f"{_most(wish.to, found)} {wish.reason}" if wish.verb is Verb.DEMOTE else wish.reason
    told = foretell(found, wish.verb, value, now)
    if told.refused:
        others = ", ".join(one.verb for one in offered(found, now))
        raise CommandError(f"refused: {told.refused}. What would work now: {others}")
    return value, told.means


def _most(to: str | None, found: Data) -> int:
    """The percentage that a demotion goes to at most."""
    from mlrollout.domain.foretell import step_down

    if to is None:
        return step_down(found)
    stages = {one.text("name"): one.whole("percentage") for one in Fields(found).part("spec").parts("stages")}
    if to in stages:  # also one that is called by a number
        return stages[to]
    number = to.removesuffix("%").strip()
    if number.isdecimal():
        return int(number)
    raise CommandError(f"--to {to}: there is no such stage, but {', '.join(stages)}", ExitCode.WRONG_USAGE)
