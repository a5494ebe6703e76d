"""What a guardrail was measured to be: one measurement, its verdict, and the last of them that a decision needs."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from mlrollout.api.guardrail import Guardrail, Proof
from mlrollout.api.recent import longer


class Verdict(StrEnum):
    """The states of evidence. Only `PASS` can help traffic up, only `BREACH` takes it down by itself."""

    PASS = "Pass"  # noqa: S105 - not a password
    BREACH = "Breach"
    INCONCLUSIVE = "Inconclusive"
    NO_DATA = "NoData"
    ERROR = "Error"


class Held(StrEnum):
    """Why a bad value is no breach."""

    FEW = "Few"
    """It stands on fewer samples than it has to."""
    UNCOUNTED = "Uncounted"
    """On how many, could not be found out."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one group in this stage: events, and how many of them were bad, where there are bad ones."""

    events: float
    bad: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a test stands on that stays valid at every look.

    Attributes:
        treatment: What was counted of the treatment in this stage.
        control: The same of the control; `None` where there is none.
        estimate: Of what is tested (a share, a ratio, a difference), in this stage; `None` without events.
        low: The least that it may be.
        high: The most.
        e_value: How much stronger than chance the evidence is that it is worse than allowed, over the attempt.
        false_alarm: The chance that it ever breaches although nothing is wrong; it breaches at an e-value of 1 by this.
        proven: What is proven in this stage, if anything.
        limit: What the estimate is held against, where the guardrail alone does not tell.
        design_effect: How many requests are worth one, as users make several; `None` where that is not known.
    """

    treatment: Counted
    control: Counted | None
    estimate: float | None
    low: float
    high: float
    e_value: float
    false_alarm: float
    proven: Proof | None = None
    limit: float | None = None
    design_effect: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one look at a guardrail brought.

    Attributes:
        verdict: What it means for the traffic.
        at: When it was made; seconds since the epoch, by the operator's clock.
        reach: How many seconds before `at` its evidence begins.
        value: The number the query answered; `None` where there was none.
        samples: The number of samples it stands on; `None` where the guardrail does not count them.
        message: For people: value, limit, window and samples, or what went wrong and what to do.
        refused: Whether the source said that the query is none, so that somebody has to correct it.
        evidence: What a sequential test stands on; `None` for any other.
        checkpoint: What the check has to remember, for another process to go on from; empty for nothing.
        held: Why its value, which lies outside the limits, is no breach; `None` where it does not, or is one.
        ahead: By more than so many seconds the source's clock is ahead of the operator's; below zero, behind; 0 where
            that makes no difference.
    """

    verdict: Verdict
    at: float
    reach: float
    value: float | None = None
    samples: float | None = None
    message: str = ""
    refused: bool = False
    evidence: Evidence | None = None
    checkpoint: str = ""
    held: Held | None = None
    ahead: float = 0.0

    @property
    def begins(self) -> float:
        """When its evidence begins, seconds since the epoch."""
        return self.at - self.reach

    @property
    def proven(self) -> Proof | None:
        """What is proven in this stage, if anything."""
        return None if self.evidence is None else self.evidence.proven

    @property
    def missing(self) -> bool:
        """Whether there was no answer to judge."""
        return self.verdict in (Verdict.NO_DATA, Verdict.ERROR)


@dataclass(frozen=True, slots=True)
class MeasurementHistory:
    """The last measurements of one guardrail, as far as a decision needs them.

    Attributes:
        guardrail: The definition they were made under.
        last: The newest measurement, of whatever verdict.
        answered: The newest ones that had an answer, oldest first, as many as a breach is counted over.
        passing_since: When the present run of passes began, none of them out of date before the next;
            infinity where the last did not pass.
        silent_since: When the first one without data was made since there was an answer; infinity for none.
            Failed ones between do not end it: a source that fails now and then has no data all the same.
        failing_since: When the present run of failed ones began; infinity where the last did not fail.
        checkpoint: What the check remembers, by its last measurement or by an earlier process; empty for nothing.
        held_since: When the first bad value was held back since there was one that was not bad; infinity for none.
            Looks without a value do not end it: little traffic has nothing to say now and then. Nor does a breach:
            one in every three, where two are asked for, would keep the guardrail silent for ever.
        uncounted_since: The same of those whose samples could not be counted; one that was counted ends it.
        recent: The last ones on one line, for people; nothing is decided by it.
    """

    guardrail: Guardrail
    last: Measurement | None = None
    answered: tuple[Measurement, ...] = ()
    passing_since: float = inf
    silent_since: float = inf
    failing_since: float = inf
    checkpoint: str = ""
    held_since: float = inf
    uncounted_since: float = inf
    recent: str = ""

    @property
    def missing_since(self) -> float:
        """Since when evidence has been missing in the way of the last look; infinity where it is not."""
        return self.failing_since if self.last is not None and self.last.verdict is Verdict.ERROR else self.silent_since

    def add(self, measurement: Measurement) -> "MeasurementHistory":
        """The history with one more measurement."""
        verdict, at = measurement.verdict, measurement.at
        answered = tuple(one for one in self.answered if one.at <= at)  # a clock set back leaves later ones
        if not measurement.missing:
            answered = (*answered, measurement)[-self.guardrail.breach_after.of :]
        silent = self.silent_since if measurement.missing else inf
        silenced = measurement.missing and measurement.value is None
        held = self.held_since if measurement.held or silenced or verdict is Verdict.BREACH else inf
        uncounted = self.uncounted_since if measurement.held is Held.UNCOUNTED or silenced else inf
        return MeasurementHistory(
            guardrail=self.guardrail,
            last=measurement,
            answered=answered,
            passing_since=min(self._passing(at), at) if verdict is Verdict.PASS else inf,
            silent_since=min(silent, at) if verdict is Verdict.NO_DATA else silent,
            failing_since=min(self.failing_since, at) if verdict is Verdict.ERROR else inf,
            checkpoint=measurement.checkpoint or self.checkpoint,
            held_since=min(held, at) if measurement.held else held,
            uncounted_since=min(uncounted, at) if measurement.held is Held.UNCOUNTED else uncounted,
            recent=longer(self.recent, verdict, measurement.value),
        )

    def _passing(self, at: float) -> float:
        """Since when it has passed, if the last pass was not out of date yet."""
        lasts = self.last is not None and 0 <= at - self.last.at <= self.guardrail.max_age
        return self.passing_since if lasts else inf

    def breach(self, measurements_from: float, evidence_from: float) -> Measurement | None:
        """The bad measurement that completes a breach, if enough of the last ones were bad.

        Args:
            measurements_from: Measurements before this belong to an earlier attempt.
            evidence_from: Evidence from before this does, too.
        """
        bad = [
            one
            for one in self.answered
            if one.verdict is Verdict.BREACH and one.at >= measurements_from and one.begins >= evidence_from
        ]
        return bad[-1] if len(bad) >= self.guardrail.breach_after.failures else None
