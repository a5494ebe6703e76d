"""What Prometheus' query API says, as an `Answer`; checked, since anybody may stand at its address."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, FailFast, Field, ValidationError

from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.statistics.counting.series import Series

from .http.peer import UnusableReplyError, moment

MAX_TEXT = 200
"""How many characters of a text of Prometheus' are passed on."""

_REMARK = "PromQL info:"
_PARTIAL = "a part of the storage did not answer (`isPartial`)"
"""VictoriaMetrics says so in no warning; unless it is told to refuse, its cluster answers with what it has."""
_BAD_DATA = "bad_data"
_PARSE = re.compile("pars(e|ing) error|cannot parse|; unparsed data: |^unsupported function ", re.IGNORECASE)
"""As Prometheus, its relatives and VictoriaMetrics say that they can't read a query."""
_REPEATED = re.compile(r'^error when executing query="(?:\\.|[^"\\])*" (?:for|on the time range) \([^)]*\): ')
"""What VictoriaMetrics says before the reason: the whole query, in whose strings anything may stand."""

_ReplyTime = Annotated[float, Field(ge=0, le=1e11)]
"""Seconds since the epoch; a number beyond belief would spoil every sum that it enters."""


T = TypeVar("T")

# Of each element that is wrong pydantic makes an error, which takes hundreds of times as many bytes as the element: one
# reply of nothing but wrong ones would end every replica.
_Many = Annotated[list[T], FailFast()]
_Values = Annotated[tuple[tuple[_ReplyTime, float], ...], FailFast()]
_Labels = Annotated[dict[str, str], FailFast()]


class UnreadableQueryError(UnusableReplyError):
    """The reply says that the query can't be parsed."""


@dataclass(frozen=True, slots=True)
class _InstantSeries:
    metric: _Labels
    value: tuple[_ReplyTime, float] | None = None


@dataclass(frozen=True, slots=True)
class _InstantVector:
    resultType: Literal["vector"]  # noqa: N815 - Prometheus' name
    result: _Many[_InstantSeries]


@dataclass(frozen=True, slots=True)
class _Scalar:
    resultType: Literal["scalar"]  # noqa: N815 - likewise
    result: tuple[_ReplyTime, float]


@dataclass(frozen=True, slots=True)
class _NoNumber:
    resultType: Literal["matrix", "string"]  # noqa: N815 - likewise


@dataclass(frozen=True, slots=True)
class _RangeSeries:
    metric: _Labels
    values: _Values = ()
    histograms: _Many[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Matrix:
    resultType: Literal["matrix"]  # noqa: N815 - likewise
    result: _Many[_RangeSeries]


class _AnySuccess(BaseModel):
    status: Literal["success"]
    warnings: list[str] | None = Field(default=None, fail_fast=True)
    isPartial: bool | None = None  # noqa: N815 - VictoriaMetrics' name


class _RangedSuccess(_AnySuccess):
    data: _Matrix


class _Success(_AnySuccess):
    data: Annotated[_InstantVector | _Scalar | _NoNumber, Field(discriminator="resultType")]


class _ErrorReply(BaseModel):
    status: Literal["error"]
    error: str
    errorType: str = ""  # noqa: N815 - likewise


def answer(body: bytes, *, date: str | None, took: float) -> Answer:
    """The answer in a reply.

    Args:
        body: The reply.
        date: Its `Date` header, the server's clock in whole seconds.
        took: Seconds between sending the question and the reply's first byte.

    Raises:
        UnusableReplyError: It is no reply of the query API, or holds what is no number.
    """
    try:
        reply = _Success.model_validate_json(body)
    except ValidationError:
        raise UnusableReplyError("gave no answer of its query API: check the address, and the path in it") from None
    samples, evaluated = _samples(reply.data)
    return Answer(samples, evaluated, _lag(evaluated, date, took), _warnings(reply), reply.data.resultType)


def ranged(body: bytes, *, ahead: float = 0.0) -> Answer:
    """The samples of a range selector in a reply.

    Args:
        body: The reply.
        ahead: By how much the server's clock is ahead of the one here.

    Raises:
        UnusableReplyError: It is no such reply of the query API.
    """
    try:
        reply = _RangedSuccess.model_validate_json(body)
    except ValidationError:
        raise UnusableReplyError(
            "gave no samples of a range selector: check the address, the path in it, and the selector"
        ) from None
    series = tuple(Series(one.metric, one.values, native=bool(one.histograms)) for one in reply.data.result)
    return Answer((), warnings=_warnings(reply), kind="matrix", series=series, ahead=ahead)


def ahead(date: str | None, sent: float, received: float) -> float:
    """By how many seconds at least the server's clock is ahead of the one here; below zero, behind; 0 if unknown.

    Args:
        date: The reply's `Date` header, the server's clock cut to the second, somewhen between the other two.
        sent: When the question was sent by the clock here, seconds since the epoch.
        received: When the reply began.
    """
    said = moment(date)
    if said is None:
        return 0.0
    return max(0.0, said - received) or min(0.0, said + 1 - sent)


def refusal(body: bytes, status: int) -> UnusableReplyError:
    """Why Prometheus refused a query, in its own words; where the reply is not Prometheus', by its HTTP status."""
    try:
        failure = _ErrorReply.model_validate_json(body)
    except ValidationError:
        return UnusableReplyError(f"refused the query: HTTP {status}")
    reason = _REPEATED.sub("", failure.error)
    # What fails only in its execution may work with other data; VictoriaMetrics calls both by the same number.
    unreadable = failure.errorType == _BAD_DATA or _PARSE.search(reason) is not None
    kind = UnreadableQueryError if unreadable else UnusableReplyError
    return kind(f"refused the query: {shorten(reason)}")


def shorten(text: str) -> str:
    """One line of at most `MAX_TEXT` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _warnings(reply: _AnySuccess) -> tuple[str, ...]:
    """Why the answer may be partial. Some versions and relatives of Prometheus mix mere remarks into the warnings."""
    told = [shorten(text) for text in reply.warnings or () if not text.startswith(_REMARK)]
    return (*told, *([_PARTIAL] if reply.isPartial else []))


def _samples(data: _InstantVector | _Scalar | _NoNumber) -> tuple[tuple[Sample, ...], float | None]:
    """The samples of a result, and when they were evaluated."""
    if isinstance(data, _Scalar):
        evaluated, value = data.result
        return (Sample(value),), evaluated
    samples, moment = [], None
    for series in data.result if isinstance(data, _InstantVector) else ():
        if series.value is None:
            raise UnusableReplyError(
                "answered with a native histogram: take a number out of it, for example with histogram_quantile"
            )
        moment, value = series.value
        samples.append(Sample(value, series.metric))
    return tuple(samples), moment


def _lag(evaluated: float | None, date: str | None, took: float) -> float:
    """How old an evaluation was when the question was sent: the server's clock held against itself.

    Of an evaluation made for this question, nothing is left: `date` is cut to the second, and it can't have
    begun before the question was sent.
    """
    said = moment(date)
    return 0.0 if evaluated is None or said is None else max(0.0, said - took - evaluated)
