"""What each guardrail said last."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlrollout.api.recent import PastLook, looks

from .fields import Fields

_WORST = ("Breach", "Error", "NoData", "Inconclusive", "", "Pass")
"""Findings, the worst first; one that has not been looked at has none."""
_LIMITS: Mapping[str, tuple[str, ...]] = {
    "query": ("max", "min"),
    "rate": ("max",),
    "compare": ("ratio", "difference", "max"),
    "balance": (),
}
"""By the field that marks a kind of guardrail: what its limits are called."""


@dataclass(frozen=True, slots=True)
class GuardrailGlance:
    """One guardrail.

    Attributes:
        name: Its name.
        kind: The field that marks its kind.
        action: What a breach of it does: `Rollback`, `Hold`, `Alert`.
        finding: What the last look came to; empty where there was none yet.
        value: The number that was found.
        bound: What the limit is called: `max`, `min`, `ratio`.
        limit: The number that the value was held against, or will be.
        window: Seconds that its evidence reaches back.
        samples: How many samples or events it stands on.
        at: When that was seen, seconds since the epoch.
        message: The same for people, and what to do.
        recent: The last looks, as the status has them; `looks` reads them.
    """

    name: str
    kind: str
    action: str
    finding: str = ""
    value: float | None = None
    bound: str = ""
    limit: float | None = None
    window: float | None = None
    samples: float | None = None
    at: float | None = None
    message: str = ""
    recent: str = ""

    @property
    def looks(self) -> tuple[PastLook, ...]:
        """The last looks, oldest first. Read only where they are shown: a list of a thousand rollouts shows none."""
        return looks(self.recent)

    @property
    def strain(self) -> float:
        """How near its limit it is: 1 at the limit, more beyond it, 0 where that can't be said."""
        if self.value is None or self.limit is None or self.value < 0 or self.limit < 0:
            return 0.0
        part, whole = (self.limit, self.value) if self.bound == "min" else (self.value, self.limit)
        return part / whole if whole else 0.0


def guardrails(spec: Fields, status: Fields) -> tuple[GuardrailGlance, ...]:
    """Those of the spec, in its order."""
    said = {one.text("name"): one for one in status.parts("guardrails")}
    return tuple(_guardrail(one, said.get(one.text("name"), Fields(None))) for one in spec.parts("guardrails"))


def worst(found: tuple[GuardrailGlance, ...]) -> GuardrailGlance | None:
    """The one to look at first; `None` where there is none."""
    return min(found, key=lambda one: (_rank(one.finding), -one.strain), default=None)


def _rank(finding: str) -> int:
    return _WORST.index(finding) if finding in _WORST else 0


def _guardrail(asked: Fields, said: Fields) -> GuardrailGlance:
    kind = next((mark for mark in _LIMITS if mark in asked), "")
    limits = asked if kind == "query" else asked.part(kind)
    bound, limit = _limit(limits, _LIMITS.get(kind, ()), said.number("limit"))
    return GuardrailGlance(
        name=asked.text("name"),
        kind=kind,
        action=asked.text("action") or ("Hold" if kind == "balance" else "Rollback"),
        finding=said.text("finding"),
        value=said.number("value"),
        bound=bound,
        limit=limit,
        window=said.seconds("window"),
        samples=said.number("samples"),
        at=said.moment("at"),
        message=said.text("message"),
        recent=said.text("recent"),
    )


def _limit(limits: Fields, names: tuple[str, ...], held: float | None) -> tuple[str, float | None]:
    """What a limit is called and what it is: the one that the value was held against, or else the first there is."""
    given = {name: limits.number(name) for name in names if name in limits}
    if held is not None:
        return next((name for name, value in given.items() if value == held), next(iter(given), "")), held
    return next(iter(given.items()), ("", None))
