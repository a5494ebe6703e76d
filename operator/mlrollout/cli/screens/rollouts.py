"""The screen of `list`: one line for each rollout."""

from collections.abc import Callable, Sequence

from rich.text import Text

from mlrollout.api.duration import brief
from mlrollout.glance.advice import advise
from mlrollout.glance.guardrails import GuardrailGlance, worst
from mlrollout.glance.rollout import Glance
from mlrollout.glance.stages import StagePlace

from .columns import Column, lines
from .look import FAINT, FINDINGS, OTHERWISE, PLACES, TONES, Signs, age, number, percent

Cell = Callable[[Glance], Text]


def screen(glances: Sequence[Glance], room: int | None, drawn: Signs, *, everywhere: bool, wide: bool) -> list[Text]:
    """The lines.

    Args:
        glances: The rollouts.
        room: Cells in a line; `None` for no end.
        drawn: What to draw with.
        everywhere: Whether they are of several namespaces.
        wide: Whether to show more.
    """

    def column(
        head: str, cell: Cell, keeps: int = 9, *, least: int = 0, right: bool = False, middle: bool = False
    ) -> Column:
        return Column(head, [cell(one) for one in glances], keeps, least, right=right, middle=middle)

    columns = [
        column("NAME", lambda one: Text(one.name), least=20, middle=True),
        column("STAGES", lambda one: stages(one, drawn), 6),
        column("NOW", lambda one: Text(percent(one.percentage)), right=True),
        column("STATE", lambda one: Text(one.state, TONES[one.tone]), least=18, middle=True),
        column("IN STAGE", _served, 5),
        column("NEXT IN", _next, 3),
        column("WORST GUARDRAIL", _worst, 4, least=20),
        column("WAITS FOR", lambda one: Text(advise(one).waits), 7, least=10),
    ]
    if everywhere:
        columns.insert(0, column("NAMESPACE", lambda one: Text(one.namespace), least=16, middle=True))
    if wide:
        columns += [
            column("REVISION", lambda one: Text(one.revision), 2),
            column("ATTEMPT", lambda one: Text(str(one.attempt or "")), 2, right=True),
            column("AGE", lambda one: Text(age(one.now, one.created)), 2, right=True),
            column("WHY", lambda one: Text(advise(one).why), 2),
        ]
    return lines(columns, room, drawn.cut)


def stages(glance: Glance, drawn: Signs) -> Text:
    """The percentages of the stages, with the one that it stands in marked."""
    line = Text()
    for place, stage in enumerate(glance.stages):
        line.append(drawn.then if place else "", FAINT)
        shown = {
            StagePlace.HERE: f"[{stage.percentage}]",
            StagePlace.FAILED: f"{drawn.places[StagePlace.FAILED]}{stage.percentage}",
        }
        line.append(shown.get(stage.place, str(stage.percentage)), PLACES.get(stage.place, FAINT))
    return line


def guardrail(found: GuardrailGlance) -> Text:
    """A guardrail in few words: its name, and the value against the limit or else what is wrong."""
    line = Text(found.name)
    if found.finding in ("Pass", "Breach") and found.value is not None:
        line.append(f" {number(found.value, 3)}", FINDINGS[found.finding])
        line.append(f"/{number(found.limit, 3)}" if found.limit is not None else "", FAINT)
    elif found.finding:
        line.append(f" {found.finding}", FINDINGS.get(found.finding, OTHERWISE))
    return line


def _worst(glance: Glance) -> Text:
    found = worst(glance.guardrails)
    return Text() if found is None else guardrail(found)


def _served(glance: Glance) -> Text:
    here = glance.here
    return Text() if here is None else Text(f"{brief(here.served or 0)}/{brief(here.duration)}")


def _next(glance: Glance) -> Text:
    """When the next stage may be entered at the earliest."""
    here = glance.here
    return Text() if here is None else Text(brief(here.rest) if here.rest else "now")
