"""What is new from one scene to the next, in plain lines."""

from collections.abc import Iterator, Sequence

from .chronicle import Happening, Scene

# The other conditions say the same from other angles.
_TOLD = ("Ready", "Stalled")


def changes(*scenes: Scene) -> Iterator[str]:
    """The lines about the last of two scenes; about the first one of all there are none."""
    if len(scenes) > 1:
        before, after = scenes
        yield from _traffic(before, after)
        yield from _guardrails(before, after)
        known = [guardrail.message for guardrail in after.status.guardrails if guardrail.message]
        for line in (*_conditions(before, after), *_events(before, after)):
            yield _without(known, line)
        yield from _quiet(before, after)


def _without(known: Sequence[str], line: str) -> str:
    """The line, with dots for what guardrails have said already."""
    for message in known:
        line = line.replace(message, "…")
    return line


def _traffic(before: Scene, after: Scene) -> Iterator[str]:
    if before.attempt != after.attempt:
        yield f"Redis      attempt {after.attempt}"
    if before.percentage != after.percentage:
        yield f"Redis      {before.percentage} % -> {after.percentage} %"


def _guardrails(before: Scene, after: Scene) -> Iterator[str]:
    known = {guardrail.name: guardrail.finding for guardrail in before.status.guardrails}
    for guardrail in after.status.guardrails:
        if known.get(guardrail.name) != guardrail.finding:
            yield f"Guardrail  {guardrail.name} is {guardrail.finding}: {guardrail.message}"


def _conditions(before: Scene, after: Scene) -> Iterator[str]:
    known = {condition.type: (condition.status, condition.reason) for condition in before.status.conditions}
    for condition in after.status.conditions:
        if condition.type in _TOLD and known.get(condition.type) != (condition.status, condition.reason):
            yield f"Condition  {condition.type}={condition.status} {condition.reason}: {condition.message}"


def _events(before: Scene, after: Scene) -> Iterator[str]:
    return _new(before.events, after.events, "Event")


def _new(before: Sequence[Happening], after: Sequence[Happening], told: str) -> Iterator[str]:
    known = {event.serial for event in before}
    for event in after:
        if event.serial not in known:
            yield f"{told:10} {'Warning' if event.warning else 'Normal'} {event.reason}: {event.message}"


def _quiet(before: Scene, after: Scene) -> Iterator[str]:
    """Of the second rollout, only what is about its users or the old rule."""
    if before.quiet and after.quiet:
        if before.quiet.percentage != after.quiet.percentage:
            yield f"Quiet      {before.quiet.percentage} % -> {after.quiet.percentage} %"
        yield from _new(before.quiet.warnings, after.quiet.warnings, "Quiet")
