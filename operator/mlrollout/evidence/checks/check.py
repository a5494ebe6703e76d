"""What every kind of guardrail is: what it asks, and what the answers mean.

A check asks nobody itself. It is told what has been answered so far, and says what is to be asked next, or the
measurement. So a kind is pure and can be read and tested by itself, and whoever asks (`runtime/measuring.py`) knows no
kind. What a kind has to remember from one measurement to the next it keeps itself, and gives it out with each as a
checkpoint, from which another process goes on.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mlrollout.api import limits
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Requirement
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.promql.query import Query, QueryError

G = TypeVar("G", bound=Guardrail)

_SHORTEST = 1.0
"""Seconds that `$window` is at least: a stage that has just begun has no window yet."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt that a measurement is about. Times are seconds since the epoch.

    Attributes:
        number: Which attempt of the object it is; records are put in order by it.
        began: When it got its first users, or got them anew after it had none.
        stage: When the stage began that it is in.
        percentage: The percentage in force, and not one that was only announced; `None` where it can't be known.
        steady: Since when it is known to have been in force.
        seen: Until when it was seen to be. Later it is only supposed: who stood still for long, or can't ask, does not
            know what others did meanwhile.
        followed: Since when applications are known to go by it again, after a silence of what they read it from.
        holdback: Per cent of the users who stay in control at every percentage.
        evidence_from: Evidence from before this is about an earlier attempt.
    """

    number: int
    began: float
    stage: float
    percentage: int | None
    evidence_from: float = 0.0
    holdback: int = 0
    steady: float = 0.0
    seen: float = math.inf
    followed: float = -math.inf

    @property
    def share(self) -> float | None:
        """The share of users that get the treatment now; `None` where that can't be known."""
        return None if self.percentage is None else self.percentage * (100 - self.holdback) / 10_000


@dataclass(frozen=True, slots=True)
class Occasion:
    """The circumstances of one measurement: when it is made, and of which attempt.

    Attributes:
        at: When its first question is sent, seconds since the epoch by the operator's clock.
        stood: For how many seconds the percentage in force has stood.
        attempt: What it is about; `None` while nobody has had the treatment yet.
        sharing: Among how many guardrails of the object the chance of a false alarm is divided.
    """

    at: float
    stood: float
    attempt: Attempt | None = None
    sharing: int = 1

    def window(self, longest: float) -> float:
        """What `$window` stands for, in seconds: the time since the stage began, at most `longest`.

        In whole milliseconds, as PromQL has it, and one less than have passed, for a status has the stage's begin to
        the millisecond, too: it must not reach before that, by however little, as what was counted there is another's.
        """
        stood = math.floor(self.stood * 1000 - 1) / 1000 if math.isfinite(self.stood) else self.stood
        return min(longest, max(_SHORTEST, stood))


@dataclass(frozen=True, slots=True)
class Question:
    """An instant query, evaluated now; or a range selector, whose samples are the answer.

    Attributes:
        promql: The query.
        at: For a range selector: where its range ends, seconds since the epoch.
    """

    promql: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a question got no answer.

    Attributes:
        reason: For people.
        refused: Whether the source said that it can't read the query, so that asking again is no help.
    """

    reason: str
    refused: bool = False


Questions = Mapping[str, Question]
"""What is to be asked, each by a name of the check's own: for a query of the user's, the field where it stands."""

Answers = Mapping[str, Answer | Failure]
"""What has been answered, by the same names."""


class UnmeasurableError(ValueError):
    """A guardrail can't be measured as it is written; the text says why.

    Attributes:
        where: The field that has to be corrected.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


class Check(ABC, Generic[G]):
    """One guardrail, read once and measured again and again.

    Args:
        guardrail: As the user wrote it.

    Raises:
        UnmeasurableError: It can't be measured.
    """

    def __init__(self, guardrail: G) -> None:
        self.guardrail = guardrail

    def restore(self, checkpoint: str) -> None:
        """Go on from a checkpoint of an earlier measurement; from nothing where it is of another guardrail or broken.

        Args:
            checkpoint: As it stood in a `Measurement`; empty for none.
        """

    @abstractmethod
    def reach(self, occasion: Occasion) -> float:
        """How many seconds before a measurement its evidence begins."""

    @abstractmethod
    def proceed(self, occasion: Occasion, answers: Answers) -> Measurement | Questions:
        """The measurement, or what has to be answered before it can be made.

        It is asked again with each answer that arrives; what is under way already may be named again. Down is always
        allowed: a breach that the answers show by themselves is returned at once, whatever is still to come. What
        comes within a moment may then complete its message.

        Args:
            occasion: When it is made.
            answers: What has been answered so far.
        """

    def failed(self, occasion: Occasion, reason: str, *, refused: bool = False) -> Measurement:
        """The measurement where a question got no answer; `refused` as in `Failure`, of a query of the user's."""
        return Measurement(Verdict.ERROR, occasion.at, self.reach(occasion), message=reason, refused=refused)

    def unanswered(self, occasion: Occasion, answers: Answers, reason: str) -> Measurement:  # noqa: ARG002 - most kinds need all
        """The measurement where the deadline has passed, with what had been answered until then."""
        return self.failed(occasion, reason)

    @staticmethod
    def meets(requirement: Requirement, measurement: Measurement) -> bool:
        """Whether a measurement passed with a value inside a stage's stricter limit, and with the proof it asks for."""
        passed, value = measurement.verdict is Verdict.PASS, measurement.value
        proven = requirement.proven is None or measurement.proven is requirement.proven
        # Of two groups without a bad event there is no ratio, and a proof there may be all the same.
        limited = requirement.min is not None or requirement.max is not None
        inside = limits.contains(requirement, value) if value is not None else not limited
        return passed and proven and inside

    @staticmethod
    def limit(guardrail: G, value: float | None) -> float | None:  # noqa: ARG004 - most kinds have none
        """The limit that the status shows beside a value; `None` for none."""
        return None


class Unmeasurable(Check[Guardrail]):
    """A guardrail that can't be measured: nothing is ever asked for it, and every measurement is an error.

    Args:
        guardrail: As the user wrote it.
        error: What is wrong with it.
    """

    def __init__(self, guardrail: Guardrail, error: UnmeasurableError) -> None:
        super().__init__(guardrail)
        self.where = error.where
        self.reason = str(error)

    def reach(self, occasion: Occasion) -> float:  # noqa: ARG002 - the base's
        """No seconds at all: nothing is asked."""
        return 0.0

    def proceed(self, occasion: Occasion, answers: Answers) -> Measurement:  # noqa: ARG002 - the base's
        """A measurement that says what is wrong with the guardrail."""
        return self.failed(occasion, self.reason)


def parsed(where: str, text: str) -> Query:
    """The query that stands in a field.

    Raises:
        UnmeasurableError: It can be no evidence.
    """
    try:
        return Query.parse(text)
    except QueryError as error:
        raise UnmeasurableError(where, str(error)) from error
