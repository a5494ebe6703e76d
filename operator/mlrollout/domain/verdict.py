"""What a guardrail says, look by look."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Finding(StrEnum):
    """The states of evidence. Only `PASS` can help traffic up, only `BREACH` takes it down by itself."""

    PASS = "Pass"  # noqa: S105 - not a password
    BREACH = "Breach"
    INCONCLUSIVE = "Inconclusive"
    NO_DATA = "NoData"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One look of one guardrail.

    Attributes:
        finding: What was found.
        at: When it was seen; seconds since the epoch, by the operator's clock.
        reach: How many seconds before `at` its evidence begins.
        value: The number the query answered; `None` where there was none.
        samples: The number of samples it stands on; `None` where the guardrail does not count them.
        message: For people: value, limit, window and samples, or what went wrong and what to do.
    """

    finding: Finding
    at: float
    reach: float
    value: float | None = None
    samples: float | None = None
    message: str = ""

    @property
    def begins(self) -> float:
        """When its evidence begins, seconds since the epoch."""
        return self.at - self.reach


_CONCLUSIVE = frozenset({Finding.PASS, Finding.BREACH, Finding.INCONCLUSIVE})
_MISSING = frozenset({Finding.NO_DATA, Finding.ERROR})


@dataclass(frozen=True, slots=True)
class Trail:
    """The last looks of one guardrail in one attempt, oldest first, as far as a decision needs them.

    Attributes:
        failures: How many of the last `of` looks with an answer must be bad to make a breach.
        of: See `failures`.
        last: The newest look, of whatever finding.
        answered: The findings of the last `of` looks that had an answer, oldest first.
        worst: The newest look that was bad; what a rollback gives as its reason.
        missing_since: When looks without an answer of the present kind (no data, or error) began.
    """

    failures: int = 1
    of: int = 1
    last: Verdict | None = None
    answered: tuple[Finding, ...] = ()
    worst: Verdict | None = None
    missing_since: float | None = None

    def add(self, verdict: Verdict) -> "Trail":
        """The trail with one more look."""
        answered = self.answered
        if verdict.finding in _CONCLUSIVE:
            answered = (*answered, verdict.finding)[-self.of :]
        return replace(
            self,
            last=verdict,
            answered=answered,
            worst=verdict if verdict.finding is Finding.BREACH else self.worst,
            missing_since=self._missing_since(verdict),
        )

    def _missing_since(self, verdict: Verdict) -> float | None:
        if verdict.finding not in _MISSING:
            return None
        same = self.last is not None and self.last.finding is verdict.finding
        return self.missing_since if same and self.missing_since is not None else verdict.at

    @property
    def breached(self) -> bool:
        """Whether enough of the last looks were bad, and the last one that had an answer among them."""
        return (
            bool(self.answered)
            and self.answered[-1] is Finding.BREACH
            and self.answered.count(Finding.BREACH) >= self.failures
        )
