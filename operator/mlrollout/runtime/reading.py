"""Reading the spec of an object: as a whole, or what can be understood of it."""

from dataclasses import dataclass
from typing import NamedTuple

from mlrollout.api.duration import render
from mlrollout.api.spec import Spec
from mlrollout.domain.decision import Alert
from mlrollout.domain.partial import UNGUARDED_FOR, Partial, summary, understand
from mlrollout.domain.reason import Reason
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.kinds import check_of


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps an object from being looked after until somebody changes something."""

    reason: Reason
    message: str

    @property
    def alert(self) -> Alert:
        """What a person hears of it while it lasts."""
        return Alert(self.reason, "object", self.message)


class SpecReading(NamedTuple):
    """What became of reading a spec.

    Attributes:
        spec: What to go by.
        whole: Whether it was understood as a whole, now or before.
        problem: What is wrong with the newest.
        unguarded: What can't be understood, where nothing that can could take traffic down; empty otherwise.
    """

    spec: Spec | None
    whole: bool
    problem: Problem | None = None
    unguarded: str = ""


def read(raw: object, before: Spec | None) -> SpecReading:
    """Read a spec. One that was understood as a whole guards on until another is; without it, what can be."""
    found = understand(raw)
    if found.spec is not None and not found.problems:
        return SpecReading(found.spec, whole=True, problem=_broken(found.spec))
    wrong = summary(found.problems)
    if before is not None:
        meanwhile = "until it is corrected, nothing grows, and the spec before it goes on guarding"
        revision = found.spec.revision if found.spec is not None else ""
        guarding = before.model_copy(update={"revision": revision or before.revision})
        return SpecReading(guarding, whole=True, problem=_invalid(wrong, meanwhile))
    problem = _invalid(wrong, _meanwhile(found))
    return SpecReading(found.spec, whole=False, problem=problem, unguarded="" if found.guards else wrong)


def _invalid(wrong: str, meanwhile: str) -> Problem:
    return Problem(Reason.INVALID_SPEC, f"the spec can't be used: {wrong}; {meanwhile}")


def _meanwhile(found: Partial) -> str:
    """What becomes of traffic until the spec is corrected; for people."""
    if found.spec is None:
        return "which key is its own can't be told from it, so nothing can be done for its traffic"
    if not found.guards:
        ends = render(UNGUARDED_FOR)
        return f"until it is corrected, nothing guards its traffic, which goes to zero after {ends} of that"
    names = ", ".join(guardrail.name for guardrail in found.spec.guardrails)
    return f"until it is corrected, nothing grows, and what can be understood goes on guarding: {names}"


def _broken(spec: Spec) -> Problem | None:
    """A guardrail whose query can't be asked never passes, so nothing grows; the others go on guarding."""
    for guardrail in spec.guardrails:
        check = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            return Problem(Reason.INVALID_QUERY, f"guardrail {guardrail.name}, {check.where}: {check.reason}")
    return None
