"""The screen of `status`: everything about one rollout that somebody on call looks at first."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from mlrollout.api.duration import brief, rough
from mlrollout.glance.advice import Advice
from mlrollout.glance.guardrails import GuardrailGlance
from mlrollout.glance.rollout import Glance
from mlrollout.glance.stages import StageGlance, StagePlace

from .columns import GAP, Column, lines
from .history import steps
from .look import FAINT, HEAD, PLACES, TONES, Signs, age, finding, number, percent
from .wrap import wrapped

STEPS = 5
"""How many of the last steps are shown."""
_NARROW = 60
"""Cells below which stages stand below each other."""
_LABEL = 6


def screen(glance: Glance, advice: Advice, command: str, room: int, drawn: Signs) -> list[Text]:
    """The lines.

    Args:
        glance: The rollout.
        advice: What it waits for and what to do.
        command: What to type for that; empty for nothing.
        room: Cells in a line.
        drawn: What to draw with.
    """
    parts = (
        [*_head(glance, room, drawn)],
        [*told(glance, advice, command, room)],
        stage_bar(glance.stages, room, drawn),
        [*_guardrails(glance, room, drawn)],
        steps(tuple(reversed(glance.history))[:STEPS], glance.now, room, drawn),
    )
    return [line for part in parts if part for line in (*part, Text())][:-1]


def _head(glance: Glance, room: int, drawn: Signs) -> Iterator[Text]:
    title = Text.assemble((glance.name, HEAD), f" in {glance.namespace}")
    title.truncate(room, overflow="ellipsis")
    held = f", {glance.holdback} % held back" if glance.holdback else ""
    share = Text.assemble((percent(glance.percentage), f"bold {TONES[glance.tone]}"), f" of users{held}")
    space = room - title.cell_len - share.cell_len
    if space < GAP:
        yield from (title, share)
    else:
        yield title.append(" " * space).append_text(share)
    facts = [glance.state, glance.revision, f"attempt {glance.attempt}" if glance.attempt else ""]
    if glance.wanted != glance.revision:
        facts.append(f"{glance.wanted} is asked for")
    if glance.waiting:
        facts.append(f"{glance.waiting} waits{' for approval' if glance.unapproved else ''}")
    for line in wrapped(f" {drawn.dot} ".join(filter(None, facts)), room):
        line.highlight_words([glance.state], TONES[glance.tone])
        yield line


# --- the stages ---


def stage_bar(stages: Sequence[StageGlance], room: int, drawn: Signs) -> list[Text]:
    """The stages beside each other, each with its time; below each other where there is no room for that."""
    if not stages:
        return []
    width = (room - GAP * (len(stages) - 1)) // len(stages)
    if room < _NARROW or width < max(cell_len(_title(stage, drawn)) for stage in stages):
        return [_flat(stage, room, drawn) for stage in stages]
    rows = (
        [Text(_title(stage, drawn), PLACES.get(stage.place, FAINT)) for stage in stages],
        [Text(drawn.bar(stage.share, width), PLACES.get(stage.place, FAINT)) for stage in stages],
        [Text(_time(stage), "" if stage.place is StagePlace.HERE else FAINT) for stage in stages],
    )
    return [_beside(row, width) for row in rows]


def _title(stage: StageGlance, drawn: Signs) -> str:
    return f"{drawn.places[stage.place]} {stage.name} {percent(stage.percentage)}"


def _time(stage: StageGlance) -> str:
    """How long it has been, of how long it must be."""
    whole = brief(stage.duration)
    match stage.place:
        case StagePlace.HERE:
            early = f", or {brief(stage.soonest)} if proven safe" if stage.soonest < stage.duration else ""
            return f"{brief(stage.served or 0)} of {whole}{early}"
        case StagePlace.AHEAD:
            return f"{whole}{', once approved' if stage.manual else ''}"
    if stage.entered is None or stage.left is None:
        return ""
    return f"{'rolled back ' if stage.place is StagePlace.FAILED else ''}after {brief(stage.left - stage.entered)}"


def _beside(row: Sequence[Text], width: int) -> Text:
    line = Text()
    for cell in row:
        shown = cell.copy()
        shown.truncate(width, pad=True)
        line.append_text(shown).append(" " * GAP)
    line.rstrip()
    return line


def _flat(stage: StageGlance, room: int, drawn: Signs) -> Text:
    line = Text.assemble((_title(stage, drawn), PLACES.get(stage.place, FAINT)), (f"  {_time(stage)}", FAINT))
    line.truncate(room)
    return line


# --- the guardrails ---


def _guardrails(glance: Glance, room: int, drawn: Signs) -> Iterator[Text]:
    """A row for each, and below it what is wrong where anything is."""
    if not glance.guardrails:
        return
    head, *rows = lines(_columns(glance.guardrails, glance.now, drawn), room, drawn.cut)
    yield head
    for row, one in zip(rows, glance.guardrails, strict=True):
        yield row
        if one.message and one.finding != "Pass":
            yield from wrapped(one.message, room, style=FAINT, indent="  ")


def _columns(found: Sequence[GuardrailGlance], now: float, drawn: Signs) -> list[Column]:
    return [
        Column("GUARDRAIL", [Text(one.name) for one in found], least=16),
        Column("SAYS", [finding(one.finding) for one in found]),
        Column("VALUE", [Text(number(one.value)) for one in found], 8, right=True),
        Column("LIMIT", [Text(f"{one.bound} {number(one.limit)}".strip()) for one in found], 7),
        Column("LAST LOOKS", [drawn.sparkline(one.looks) for one in found], 4),
        Column("WINDOW", [Text("" if one.window is None else rough(one.window)) for one in found], 3),
        Column("SAMPLES", [Text(number(one.samples)) for one in found], 5, right=True),
        Column("SEEN", [Text(f"{age(now, one.at)} ago" if one.at else "") for one in found], 6),
        Column("ON BREACH", [Text(one.action, FAINT) for one in found], 2),
    ]


# --- what it waits for ---


def told(glance: Glance, advice: Advice, command: str, room: int) -> Iterator[Text]:
    """Why it stands where it stands, and what to do."""
    yield from _labelled("Why", f"{advice.why.rstrip('.')}.", room)
    yield from _labelled("Do", advice.todo, room)
    yield from _labelled("", command, room, style=HEAD)
    if glance.unseen and glance.reason != "AwaitingOperator" and glance.deleting is None:  # which counts as a change
        yield from _labelled("But", "the spec was changed, and the operator has yet to look at it", room)
    yield from _labelled("But", glance.contested, room)


def _labelled(label: str, text: str, room: int, style: str = "") -> Iterator[Text]:
    if not text:
        return
    shown = text if style else text[:1].upper() + text[1:]  # a command is typed as it stands
    for place, line in enumerate(wrapped(shown, room - _LABEL, style=style)):
        yield Text.assemble((("" if place else label).ljust(_LABEL), HEAD), line)
