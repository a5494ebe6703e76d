"""A number inside limits: what its query, its samples and the life of its series say together. Pure and total.

Down is always allowed and up must be earned: a value outside its limits is a breach whatever its companions say, and
one inside them passes only if every companion is good. Two things say nothing in either direction, though. An answer
that Prometheus itself calls partial: what it lacks may be what was counted as well as what it was divided by. And a
value on fewer samples than the user asks for, of which chance alone puts some outside every limit: a bad one is held
back, and so is one whose samples can't be counted. What goes on like that, the guardrail's policy ends
(`domain/gate.py`).
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from mlrollout.api import limits
from mlrollout.api.guardrail import HoldsBack
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence import causes, wording
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.measurement import Held, Measurement, Verdict
from mlrollout.evidence.presence import COUNT, Need, Presence, ask, needs
from mlrollout.evidence.promql.query import Query

from .check import Answers, Check, Failure, Occasion, Question, Questions, parsed

VALUE = "query"
"""The question for the value; `COUNT` is the one for its samples."""
PRESENCE = "presence"
"""The question whether the series of both live."""
HISTORY = "history"
"""The question what was, where one does not: it tells a series that died from one that never was."""

_NUMERIC = frozenset({"vector", "scalar"})


@dataclass(frozen=True, slots=True)
class _QuestionPlan:
    """Which questions a measurement asks with one `$window`.

    Attributes:
        reach: How far back the query looks, in seconds.
        first: The questions for the value and for its samples.
        needed: What both queries need of their series.
        companions: The questions that a good value waits for, the most important first.
    """

    reach: float
    first: Questions
    needed: tuple[Need, ...]
    companions: Questions


class ThresholdCheck(Check[ThresholdGuardrail]):
    """A guardrail whose query answers with one number, held against `min` and `max`."""

    def __init__(self, guardrail: ThresholdGuardrail) -> None:
        super().__init__(guardrail)
        self._value = parsed(VALUE, guardrail.query)
        counting = None if guardrail.min_samples is None else guardrail.min_samples.query
        self._count = None if counting is None else parsed(COUNT, counting)
        # The window is the same at each step of a measurement, and from one to the next once the stage is old enough.
        self._plan = lru_cache(maxsize=1)(self._make_plan)

    def reach(self, occasion: Occasion) -> float:
        """How far back the query looks."""
        return self._plan(occasion.window(self.guardrail.window)).reach

    def proceed(self, occasion: Occasion, answers: Answers) -> Measurement | Questions:
        """The value first, with its count beside it; and if it is no breach, what both stand on."""
        plan = self._plan(occasion.window(self.guardrail.window))
        value = answers.get(VALUE)
        if value is None:
            return plan.first
        if isinstance(value, Failure):
            return self.failed(occasion, value.reason, refused=value.refused)
        look, samples = self._look(occasion, plan), _answer(answers, COUNT)
        if found := exceeds(look, value, samples) or exceeds_on_few(look, value, samples):
            return found
        if COUNT not in answers and _outside(look, value):
            return {COUNT: plan.companions[COUNT]}  # whether it is a breach, nothing else can say
        return self._with_companions(plan, look, value, answers)

    def unanswered(self, occasion: Occasion, answers: Answers, reason: str) -> Measurement:
        """An error, which does not forget a value that is known: a bad one whose samples are never told goes on."""
        value = answers.get(VALUE)
        if isinstance(value, Answer):
            return _failed(self._look(occasion, self._plan(occasion.window(self.guardrail.window))), value, reason)
        return self.failed(occasion, reason)

    def _look(self, occasion: Occasion, plan: _QuestionPlan) -> "Look":
        return Look(self.guardrail, occasion.at, plan.reach, occasion.stood, self._value)

    def _with_companions(
        self, plan: _QuestionPlan, look: "Look", value: Answer, answers: Answers
    ) -> Measurement | Questions:
        """What a value that is no breach comes to, once everything that it stands on is known."""
        for name, question in plan.companions.items():
            match answers.get(name):
                case None:
                    return {name: question}
                case Failure(reason, refused):
                    # A question of our own is not the user's to correct where it is refused.
                    ours = f"how old its samples are can't be asked: {reason}" if name == PRESENCE and refused else ""
                    return _failed(look, value, ours or reason, refused=refused and not ours)
        samples, now = _answer(answers, COUNT), _answer(answers, PRESENCE)
        presence = None if now is None else Presence(plan.needed, look.guardrail.max_age, now)
        if presence is not None and (presence.missing or not value.samples or (samples and not samples.samples)):
            before = presence.history(look.reach)
            if before is not None and HISTORY not in answers:
                return {HISTORY: Question(before)}
            # Not to know what was is to fear it: the history stays unknown where it could not be had.
            presence = replace(presence, before=_answer(answers, HISTORY))
        return judge(look, value, presence=presence, samples=samples)

    def _make_plan(self, window: float) -> _QuestionPlan:
        max_age = self.guardrail.max_age
        value, needed = Question(self._value.render(window)), needs(self._value, window, max_age)
        counting: dict[str, Question] = {}
        if self._count is not None:
            counting[COUNT] = Question(self._count.render(window))
            needed += needs(self._count, window, max_age, COUNT)
        lives = ask(needed)
        return _QuestionPlan(
            reach=self._value.reach(window, self.guardrail.window),
            first={VALUE: value, **counting},
            needed=needed,
            companions={**({} if lives is None else {PRESENCE: Question(lives)}), **counting},
        )

    @staticmethod
    def limit(guardrail: ThresholdGuardrail, value: float | None) -> float | None:
        """The limit that the value lies beyond, or the upper one."""
        return limits.shown_beside(guardrail, value)


def _answer(answers: Answers, name: str) -> Answer | None:
    """An answer, if there is one by now."""
    found = answers.get(name)
    return found if isinstance(found, Answer) else None


@dataclass(frozen=True, slots=True)
class Look:
    """One evaluation of a guardrail, before its outcome is known.

    Attributes:
        guardrail: What is looked at.
        at: When its queries were sent, seconds since the epoch by the operator's clock.
        reach: How many seconds before its evaluation the query's evidence begins.
        stood: For how many seconds the percentage in force has stood.
        query: Its query as it was read; `None` where it could not be.
    """

    guardrail: ThresholdGuardrail
    at: float
    reach: float
    stood: float = math.inf
    query: Query | None = None

    @property
    def unread(self) -> str:
        """Why the query's meaning could not be read here; empty where it could."""
        return self.query.unread if self.query else ""

    @property
    def loses_le(self) -> bool:
        """Whether its query throws the buckets together that it takes a quantile over."""
        return self.query is not None and self.query.loses_le

    @property
    def holds_back(self) -> bool:
        """Whether a bad value waits for its samples, as a good one does."""
        wanted = self.guardrail.min_samples
        return wanted is not None and wanted.holds_back is not HoldsBack.PASS


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why a look neither passes nor breaches."""

    verdict: Verdict
    reason: str


def judge(look: Look, answer: Answer, *, presence: Presence | None, samples: Answer | None) -> Measurement:
    """The verdict on a look.

    Args:
        look: What was asked, and when.
        answer: What the guardrail's query answered.
        presence: How it stands with the series that are asked about; `None` only where there are none.
        samples: What `minSamples.query` answered; `None` only where the guardrail has none.
    """
    # Of buckets without `le`, Prometheus warns in words that only its authors read.
    unusable = None if look.loses_le and not answer.samples else _unread(answer) or _many(answer)
    if unusable:
        return Measurement(unusable.verdict, look.at, look.reach, message=unusable.reason)
    if found := exceeds(look, answer, samples) or exceeds_on_few(look, answer, samples):
        return found
    # What is missing comes first: that there is no number only follows from it.
    doubt = _stale(look, answer, presence, samples)
    if not _number(answer):
        doubt = doubt or _Doubt(Verdict.NO_DATA, _nothing(look, answer, presence))
        return Measurement(doubt.verdict, look.at, look.reach, message=doubt.reason)
    doubt = doubt or _too_few(look, presence, samples)
    if doubt:
        return _verdict(doubt.verdict, look, answer, samples, but=f", but {doubt.reason}")
    # The evidence begins with its newest sample at the latest, however short the query's window is.
    age = presence.age if presence else 0.0
    how = f"; read word by word, as its grammar is not known here: {look.unread}" if look.unread else ""
    return _verdict(Verdict.PASS, replace(look, reach=max(look.reach, age)), answer, samples, but=how)


def exceeds(look: Look, answer: Answer, samples: Answer | None = None) -> Measurement | None:
    """The breach that an answer shows, with the count of its samples where it needs one; else `None`.

    Nobody need wait for its other companions. Infinity is a number like any other: errors divided by none are more than
    any limit.
    """
    if not _outside(look, answer) or (look.holds_back and not _enough(look, _count(samples))):
        return None
    return _verdict(Verdict.BREACH, look, answer, samples)


def exceeds_on_few(look: Look, answer: Answer, samples: Answer | None) -> Measurement | None:
    """What a bad value on too few samples is, once they are counted; `None` where it is none, or on enough."""
    count = _count(samples)
    if not _outside(look, answer) or count is None or _enough(look, count):
        return None
    return _verdict(Verdict.INCONCLUSIVE, look, answer, samples, but=f", but {_wanted(look)}")


def _outside(look: Look, answer: Answer) -> bool:
    """Whether an answer is one number outside the limits."""
    return not _unread(answer) and _number(answer) and not limits.contains(look.guardrail, answer.samples[0].value)


def _count(samples: Answer | None) -> float | None:
    """How many samples there are; `None` where that is not known."""
    if samples is None or _unread(samples) or not _number(samples):
        return None
    return samples.samples[0].value if math.isfinite(samples.samples[0].value) else None


def _enough(look: Look, count: float | None) -> bool:
    wanted = look.guardrail.min_samples
    return wanted is None or (count is not None and count >= wanted.count)


def _wanted(look: Look) -> str:
    wanted = look.guardrail.min_samples
    return f"at least {wanted.count} samples are needed" if wanted is not None else ""


def _verdict(verdict: Verdict, look: Look, answer: Answer, samples: Answer | None, *, but: str = "") -> Measurement:
    value, count = answer.samples[0].value, _count(samples)
    message = wording.line(look.guardrail, value, look.reach, count) + but
    held = None
    if verdict is not Verdict.BREACH and _outside(look, answer):
        held = Held.UNCOUNTED if count is None else Held.FEW
    return Measurement(verdict, look.at, look.reach + answer.lag, value, count, message, held=held)


def _failed(look: Look, answer: Answer, reason: str, *, refused: bool = False) -> Measurement:
    """The error of a look whose value is known, and not what it stands on."""
    if _outside(look, answer):
        but = f", but its samples can't be counted: {reason}"
        return replace(_verdict(Verdict.ERROR, look, answer, None, but=but), refused=refused)
    value = answer.samples[0].value if not _unread(answer) and _number(answer) else None
    return Measurement(Verdict.ERROR, look.at, look.reach, value, message=reason, refused=refused)


def _number(answer: Answer) -> bool:
    """Whether an answer is one number; what is divided by nothing of nothing is none."""
    return len(answer.samples) == 1 and not math.isnan(answer.samples[0].value)


def _unread(answer: Answer) -> _Doubt | None:
    """Why an answer's samples can't be relied on, however many there are."""
    if answer.warnings:
        return _Doubt(Verdict.ERROR, f"the answer may be partial and counts for nothing: {answer.warnings[0]}")
    if answer.kind not in _NUMERIC:
        return _Doubt(Verdict.ERROR, f"the query answers with a {answer.kind}: make it one number")
    return None


def _many(answer: Answer) -> _Doubt | None:
    if len(answer.samples) <= 1:
        return None
    return _Doubt(
        Verdict.ERROR,
        f"the query answers with {len(answer.samples)} series: make them one number, for example with sum or max",
    )


def _nothing(look: Look, answer: Answer, presence: Presence | None, where: str = "") -> str:
    """Why there is no number, although every series that is asked about lives."""
    if answer.samples:
        return "the query's answer is NaN, which is no evidence: there was nothing to divide by, or nothing observed"
    found = [one for one in presence.found if one.need.where == where] if presence else []
    return causes.empty(found, look.guardrail, look.stood, loses_le=look.loses_le and not where)


def _stale(look: Look, answer: Answer, presence: Presence | None, samples: Answer | None) -> _Doubt | None:
    """Why an answer may be about a time that is over, or about nothing."""
    limit = look.guardrail.max_age
    for each in (answer, presence.now if presence else None, samples):
        if each is not None and not each.lag <= limit:
            return _Doubt(
                Verdict.NO_DATA, f"it was evaluated {wording.ago(each.lag, limit)}: something serves old answers"
            )
    if presence is None:
        unknown = f"nothing shows which series it asks about ({look.unread}), nor whether they live: name them"
        return _Doubt(Verdict.NO_DATA, unknown) if look.unread else None
    if unread := _unread(presence.now):
        return _Doubt(unread.verdict, f"the age of its samples is unknown: {unread.reason}")
    cause = causes.lacking(presence.found, look.guardrail, look.stood)
    return _Doubt(Verdict.NO_DATA, cause) if cause else None


def _too_few(look: Look, presence: Presence | None, samples: Answer | None) -> _Doubt | None:
    """Why an answer does not stand on enough samples."""
    wanted = look.guardrail.min_samples
    if wanted is None:
        return None
    if samples is None:
        return _Doubt(Verdict.INCONCLUSIVE, "its samples were not counted")
    if unusable := _unread(samples) or _many(samples):
        return _Doubt(Verdict.ERROR, f"its samples can't be counted (minSamples.query): {unusable.reason}")
    if not _number(samples):
        reason = _nothing(look, samples, presence, COUNT)
        return _Doubt(Verdict.INCONCLUSIVE, f"its samples can't be counted (minSamples.query): {reason}")
    return None if _enough(look, _count(samples)) else _Doubt(Verdict.INCONCLUSIVE, _wanted(look))
