"""What a guardrail says, look by look."""

from dataclasses import dataclass, replace
from enum import StrEnum

from mlrollout.api.spec import Guardrail


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

    @property
    def missing(self) -> bool:
        """Whether there was no answer to judge."""
        return self.finding in (Finding.NO_DATA, Finding.ERROR)


@dataclass(frozen=True, slots=True)
class Trail:
    """The last looks of one guardrail, as far as a decision needs them.

    Attributes:
        guardrail: The definition they were made under.
        last: The newest look, of whatever finding.
        answered: The newest looks that had an answer, oldest first, as many as a breach is counted over.
        missing_since: When the present run of looks without data (or of failed ones) began.
    """

    guardrail: Guardrail
    last: Verdict | None = None
    answered: tuple[Verdict, ...] = ()
    missing_since: float | None = None

    def add(self, verdict: Verdict) -> "Trail":
        """The trail with one more look."""
        answered = self.answered
        if not verdict.missing:
            answered = (*answered, verdict)[-self.guardrail.breach_after.of :]
        return replace(self, last=verdict, answered=answered, missing_since=self._missing_since(verdict))

    def _missing_since(self, verdict: Verdict) -> float | None:
        if not verdict.missing:
            return None
        if self.last is not None and self.last.finding is verdict.finding:
            return self.missing_since
        return verdict.at

    def breach(self, began: float, clear: float) -> Verdict | None:
        """The bad look that completes a breach, if enough of the last looks were bad.

        Args:
            began: Looks before this belong to an earlier attempt.
            clear: Evidence from before this does, too.
        """
        bad = [
            look
            for look in self.answered
            if look.finding is Finding.BREACH and look.at >= began and look.begins >= clear
        ]
        return bad[-1] if len(bad) >= self.guardrail.breach_after.failures else None
