"""What a guardrail says, look by look."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

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
        refused: Whether the source said that the query is none, so that somebody has to correct it.
    """

    finding: Finding
    at: float
    reach: float
    value: float | None = None
    samples: float | None = None
    message: str = ""
    refused: bool = False

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
        passing_since: When the present run of passes began, none of them out of date before the next;
            infinity where the last look did not pass.
        silent_since: When the first look without data was made since there was an answer; infinity for none.
            Failed looks between do not end it: a source that fails now and then has no data all the same.
        failing_since: When the present run of failed looks began; infinity where the last did not fail.
    """

    guardrail: Guardrail
    last: Verdict | None = None
    answered: tuple[Verdict, ...] = ()
    passing_since: float = inf
    silent_since: float = inf
    failing_since: float = inf

    @property
    def missing_since(self) -> float:
        """Since when evidence has been missing in the way of the last look; infinity where it is not."""
        return self.failing_since if self.last is not None and self.last.finding is Finding.ERROR else self.silent_since

    def add(self, verdict: Verdict) -> "Trail":
        """The trail with one more look."""
        finding, at = verdict.finding, verdict.at
        answered = tuple(look for look in self.answered if look.at <= at)  # a clock set back leaves later ones
        if not verdict.missing:
            answered = (*answered, verdict)[-self.guardrail.breach_after.of :]
        silent = self.silent_since if verdict.missing else inf
        return Trail(
            guardrail=self.guardrail,
            last=verdict,
            answered=answered,
            passing_since=min(self._passing(at), at) if finding is Finding.PASS else inf,
            silent_since=min(silent, at) if finding is Finding.NO_DATA else silent,
            failing_since=min(self.failing_since, at) if finding is Finding.ERROR else inf,
        )

    def _passing(self, at: float) -> float:
        """Since when it has passed, if the last pass was not out of date yet."""
        lasts = self.last is not None and 0 <= at - self.last.at <= self.guardrail.max_age
        return self.passing_since if lasts else inf

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
