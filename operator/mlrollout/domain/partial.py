"""What can be understood of a spec that as a whole can't be. Pure.

A newer version's word in one guardrail, or a person's slip, must not leave traffic with nobody looking: what can
be understood is guarded, nothing grows, and what can't is told. Only what is needed to guard is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.kinds import guardrail
from mlrollout.api.model import Model
from mlrollout.api.notification import Notification
from mlrollout.api.spec import DEFAULT_STAGES, AfterCompletion, OnDelete, Prometheus, Spec, Stage, TrafficSpec
from mlrollout.plain import plain

from .record import Record

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

UNGUARDED_FOR = 600.0
"""Seconds for which traffic may stand while nothing that is understood could take it down; then it goes to zero."""
_TOLD = 3
_REACHED_BY = (("key",), ("redis",))
"""The fields of `traffic` without which nobody knows where the percentage is."""
M = TypeVar("M", bound=Model)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Partial:
    """What was understood of a spec.

    Attributes:
        spec: All of it, or what could be; `None` where not even its key is known, so that nothing can be done.
        problems: What could not be understood, for people; empty where all was.
    """

    spec: Spec | None
    problems: tuple[str, ...] = ()


class HeldSpec(Spec):
    """A spec of which a part is understood, for a rollout that stays where it is.

    Healthy time that was earned under guardrails which are not understood now is kept, not judged anew.
    """

    guards: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """The name of the guardrails that the time was earned under."""
        return self.guards

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """That name alone, for no version has given it another."""
        return frozenset({self.guards})


def understand(raw: object) -> Partial:
    """What can be understood of an object's `spec`; never raises."""
    try:
        return Partial(Spec.model_validate(raw))
    except ValidationError as error:
        fields: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        problems = tuple(f"{where}: {problem}" if where else problem for where, problem in _refused(error, fields))
    traffic = _traffic(fields.get("traffic"))
    if traffic is None:
        return Partial(None, problems)
    prometheus = _one(Prometheus.model_validate, fields.get("prometheus"))
    # Another Prometheus than was meant knows nothing of this application.
    unknown = fields.get("prometheus") is not None and prometheus is None
    spec = Spec.model_construct(
        revision=_text(fields.get("revision")),
        traffic=traffic,
        prometheus=prometheus,
        stages=_ascending(
            _each(Stage.model_validate, [_without_requirements(one) for one in _items(fields.get("stages"))])
        ),
        guardrails=() if unknown else _named(_each(guardrail.validate_python, _items(fields.get("guardrails")))),
        paused=True,
        after_completion=_word(AfterCompletion, fields.get("afterCompletion"), AfterCompletion.GUARD),
        on_delete=_word(OnDelete, fields.get("onDelete"), OnDelete.ZERO),
        notifications=_each(Notification.model_validate, _items(fields.get("notifications"))),
    )
    return Partial(spec, problems)


def hold(spec: Spec, record: Record, guards: str) -> Spec:
    """A spec of which a part is understood, so that a rollout stays in its stage.

    A stage that is not understood stands for itself as the record has it; one that is, and asks for less, counts.
    """
    stages = spec.stages
    if record.stage and all(stage.name != record.stage for stage in stages):
        # Not checked: what stands in Redis anybody may have written, and a strange name is no reason to guard nothing.
        own = Stage.model_construct(name=record.stage, percentage=record.percentage, duration=0.0)
        stages = _ascending((own, *stages))
    fields = dict(spec) | {"revision": spec.revision or record.revision, "stages": stages or DEFAULT_STAGES}
    return HeldSpec.model_construct(**fields | {"guards": guards, "paused": True})


def summary(problems: Sequence[str]) -> str:
    """The first of what could not be understood, for a message."""
    more = len(problems) - _TOLD
    return "; ".join(problems[:_TOLD]) + (f"; and {more} more" if more > 0 else "")


def refused(raw: object) -> Sequence[tuple[str, str]]:
    """What an API server refuses of a spec by its rules: where, and what is wrong; nothing where it takes it."""
    try:
        Spec.model_validate(raw)
    except ValidationError as error:
        return _refused(error, raw if isinstance(raw, Mapping) else {})
    return ()


def _refused(error: ValidationError, fields: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    wrong = error.errors(include_url=False, include_input=False)
    return [(_where(one["loc"], fields), plain(one)) for one in wrong if not _follows(one, wrong)]


def _follows(error: "ErrorDetails", errors: Sequence["ErrorDetails"]) -> bool:
    """Whether a list is only called too short because of what is wrong with an item in it."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _where(place: tuple[int | str, ...], fields: Mapping[str, Any]) -> str:
    """A field, with the name of the guardrail or stage it is in: its number says little to people."""
    parts = [str(part) for part in place]
    match place:
        case (str(field), int(number), *_):
            item = _items(fields.get(field))[number]
            name = item.get("name") if isinstance(item, Mapping) else None
            parts[:2] = [f"{field}[{_text(name) or number}]"]
    return ".".join(parts)


def _traffic(raw: object) -> TrafficSpec | None:
    """Where the percentage is, if that can be known.

    A field that can't be read is left out, for the key can be reached without it; where it can't, nothing is known.
    """
    try:
        return TrafficSpec.model_validate(raw)
    except ValidationError as error:
        wrong = {one["loc"][:1] for one in error.errors(include_url=False, include_input=False)}
    if not isinstance(raw, Mapping) or not wrong.isdisjoint(_REACHED_BY):
        return None
    return TrafficSpec.model_validate({name: value for name, value in raw.items() if (name,) not in wrong})


def _one(read: Callable[[object], M], raw: object) -> M | None:
    try:
        return read(raw)
    except ValidationError:
        return None


def _each(read: Callable[[object], M], items: Sequence[object]) -> tuple[M, ...]:
    return tuple(found for item in items if (found := _one(read, item)) is not None)


def _items(raw: object) -> Sequence[object]:
    return raw if isinstance(raw, list | tuple) else ()


def _without_requirements(item: object) -> object:
    """A stage without its requirements: they only keep traffic from growing, and here it does not grow."""
    return {name: value for name, value in item.items() if name != "require"} if isinstance(item, Mapping) else item


def _ascending(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Each percentage and each name once, the first of each, in their order."""
    kept: list[Stage] = []
    for stage in stages:
        if all(stage.name != other.name and stage.percentage != other.percentage for other in kept):
            kept.append(stage)
    return tuple(sorted(kept, key=lambda stage: stage.percentage))


def _named(guardrails: tuple[Guardrail, ...]) -> tuple[Guardrail, ...]:
    """The guardrails, the first of each name."""
    return tuple({guardrail.name: guardrail for guardrail in reversed(guardrails)}.values())[::-1]


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) and len(raw) <= 253 else ""  # noqa: PLR2004 - as the schema has it


def _word(kind: type[E], raw: object, default: E) -> E:
    return next((word for word in kind if word == raw), default)
