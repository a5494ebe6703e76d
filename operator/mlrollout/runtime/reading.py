"""Reading the spec of an object: as a whole, or what can be understood of it."""

from dataclasses import dataclass
from typing import NamedTuple

from mlrollout.api.duration import render
from mlrollout.api.guardrail import Action, Guardrail
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
    """Read a spec. One that was understood as a whole guards on until another is; without it, what can be.

    One of whose guardrails none can be asked would guard nothing: it does not take the place of one that does.
    """
    found = understand(raw)
    if found.spec is not None and not found.problems:
        broken = _broken(found.spec)
        if broken is None or before is None or _armed(found.spec) or not _armed(before):
            return SpecReading(found.spec, whole=True, problem=broken)
        return _guarded_by(before, found.spec.revision, broken)
    wrong = summary(found.problems)
    if before is not None:
        return _guarded_by(before, found.spec.revision if found.spec is not None else "", _invalid(wrong))
    guards = found.spec is not None and _armed(found.spec)
    problem = _until(_invalid(wrong), _meanwhile(found))
    return SpecReading(found.spec, whole=False, problem=problem, unguarded="" if guards else wrong)


def _guarded_by(before: Spec, revision: str | None, problem: Problem) -> SpecReading:
    """The spec before guards on, but for the revision: another gets nothing of the traffic that one has earned."""
    meanwhile = "until it is corrected, nothing grows, and the spec before it goes on guarding"
    guarding = before.model_copy(update={"revision": revision or before.revision})
    return SpecReading(guarding, whole=True, problem=_until(problem, meanwhile))


def _invalid(wrong: str) -> Problem:
    return Problem(Reason.INVALID_SPEC, f"the spec can't be used: {wrong}")


def _until(problem: Problem, meanwhile: str) -> Problem:
    return Problem(problem.reason, f"{problem.message}; {meanwhile}")


def _meanwhile(found: Partial) -> str:
    """What becomes of traffic until the spec is corrected; for people."""
    if found.spec is None:
        return "which key is its own can't be told from it, so nothing can be done for its traffic"
    if not _armed(found.spec):
        ends = render(UNGUARDED_FOR)
        return f"until it is corrected, nothing guards its traffic, which goes to zero after {ends} of that"
    names = ", ".join(one.name for one in found.spec.guardrails if _can_be_asked(one))
    return f"until it is corrected, nothing grows, and what can be understood goes on guarding: {names}"


def _armed(spec: Spec) -> bool:
    """Whether a guardrail could take traffic down: one that can't be asked never does."""
    return any(one.action is Action.ROLLBACK and _can_be_asked(one) for one in spec.guardrails)


def _can_be_asked(guardrail: Guardrail) -> bool:
    return not isinstance(check_of(guardrail), Unmeasurable)


def _broken(spec: Spec) -> Problem | None:
    """A guardrail whose query can't be asked never passes, so nothing grows; the others go on guarding."""
    for guardrail in spec.guardrails:
        check = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            return Problem(Reason.INVALID_QUERY, f"guardrail {guardrail.name}, {check.where}: {check.reason}")
    return None
