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
        unguarded: What can't be understood or asked, where nothing that can could take traffic down; empty otherwise.
    """

    spec: Spec | None
    whole: bool
    problem: Problem | None = None
    unguarded: str = ""


def read(raw: object, before: Spec | None) -> SpecReading:
    """Read a spec. One that was understood as a whole guards on until another is; without it, what can be."""
    found = understand(raw)
    if found.spec is not None and not found.problems:
        return _whole(found.spec, before)
    wrong = summary(found.problems)
    if before is not None:
        meanwhile = "until it is corrected, nothing grows, and the spec before it goes on guarding"
        revision = found.spec.revision if found.spec is not None else ""
        # But for the revision: another gets nothing of the traffic that one has earned.
        guarding = before.model_copy(update={"revision": revision or before.revision})
        return SpecReading(guarding, whole=True, problem=_until(_invalid(wrong), meanwhile))
    problem, guards = _until(_invalid(wrong), _meanwhile(found)), found.spec is not None and _armed(found.spec)
    return SpecReading(found.spec, whole=False, problem=problem, unguarded="" if guards else wrong)


def _whole(spec: Spec, before: Spec | None) -> SpecReading:
    """A spec that was understood. In the place of a guardrail that can't be asked, the one before it guards on."""
    broken = _broken(spec)
    if broken is None:
        return SpecReading(spec, whole=True)
    known = {one.name: one for one in (before.guardrails if before is not None else ()) if _can_be_asked(one)}
    guardrails = tuple(one if _can_be_asked(one) else known.get(one.name, one) for one in spec.guardrails)
    guarding = spec.model_copy(update={"guardrails": guardrails})
    if _armed(guarding) or not any(one.action is Action.ROLLBACK for one in spec.guardrails):
        stays = "; until it is corrected, what it was before goes on guarding" if guardrails != spec.guardrails else ""
        return SpecReading(guarding, whole=True, problem=Problem(broken.reason, f"{broken.message}{stays}"))
    return SpecReading(guarding, whole=True, problem=_until(broken, _UNGUARDED), unguarded=broken.message)


_UNGUARDED = (
    f"until it is corrected, nothing guards its traffic, which goes to zero after {render(UNGUARDED_FOR)} of that"
)


def _invalid(wrong: str) -> Problem:
    return Problem(Reason.INVALID_SPEC, f"the spec can't be used: {wrong}")


def _until(problem: Problem, meanwhile: str) -> Problem:
    return Problem(problem.reason, f"{problem.message}; {meanwhile}")


def _meanwhile(found: Partial) -> str:
    """What becomes of traffic until the spec is corrected; for people."""
    if found.spec is None:
        return "which key is its own can't be told from it, so nothing can be done for its traffic"
    if not _armed(found.spec):
        return _UNGUARDED
    names = ", ".join(one.name for one in found.spec.guardrails if _can_be_asked(one))
    return f"until it is corrected, nothing grows, and what can be understood goes on guarding: {names}"


def _armed(spec: Spec) -> bool:
    """Whether a guardrail could take traffic down: one that can't be asked never does."""
    return any(one.action is Action.ROLLBACK and _can_be_asked(one) for one in spec.guardrails)


def _can_be_asked(guardrail: Guardrail) -> bool:
    return not isinstance(check_of(guardrail), Unmeasurable)


def _broken(spec: Spec) -> Problem | None:
    """What is wrong with the first guardrail whose query can't be asked: it never passes, so nothing grows."""
    for guardrail in spec.guardrails:
        check = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            return Problem(Reason.INVALID_QUERY, f"guardrail {guardrail.name}, {check.where}: {check.reason}")
    return None
