"""The live picture: stages, percentage, share, guardrails and the newest Events."""

from collections.abc import Sequence

from mlrollout.api.spec import Spec, Stage
from mlrollout.api.status import GuardrailStatus
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .chronicle import Scene, Spell, spells
from .promises import would_have_been_taken_back

RECENT = 3.0
EVENTS = 6
_COLOURS = {"Pass": "green", "Breach": "bold red", "Error": "red", "Inconclusive": "yellow", "NoData": "yellow"}


def picture(spec: Spec, scenes: Sequence[Scene]) -> RenderableType:
    """Everything at a glance."""
    scene = scenes[-1]
    held = spells(scenes)
    parts = Group(
        _stages(spec, held),
        Text(),
        _traffic(scenes),
        Text(),
        _guardrails(scene.status.guardrails),
        Text(),
        _events(scene),
    )
    ready = scene.condition("Ready")
    title = f"ml-dispatch  {scene.status.revision or 'not there yet'}  attempt {scene.attempt}"
    subtitle = f"{ready.reason}: {ready.message}" if ready else ""
    border = "red" if scene.latched else "green" if scene.is_true("Ready") else "blue"
    return Panel(parts, title=escape(title), subtitle=escape(subtitle), border_style=border)


def _stages(spec: Spec, held: Sequence[Spell]) -> Table:
    row = Table.grid(expand=True, padding=(0, 2))
    for _ in spec.stages:
        row.add_column(ratio=1)
    row.add_row(*(_stage(stage, held) for stage in spec.stages))
    return row


def _stage(stage: Stage, held: Sequence[Spell]) -> Text:
    """Done, lasting or still to come."""
    label = f"{stage.name} {stage.percentage} %"
    now = held[-1] if held else None
    spell = next((s for s in held if now and s.attempt == now.attempt and s.percentage == stage.percentage), None)
    if spell is None:
        return Text(f"○ {label}", style="dim")
    lasted = f"{spell.end - spell.begin:.0f} s"
    if spell is now:
        return Text(f"◐ {label}  {lasted} of {stage.duration:g} s or more", style="bold cyan")
    if now and now.scenes[-1].latched and spell is held[-2]:
        return Text(f"✘ {label}  after {lasted}", style="bold red")
    return Text(f"● {label}  {lasted}", style="green")


def _traffic(scenes: Sequence[Scene]) -> Table:
    scene = scenes[-1]
    earlier = next(s for s in scenes if s.at >= scene.at - RECENT)
    served = scene.requests - earlier.requests
    share = served.share
    rate = "no traffic" if scene.error_rate is None else f"{scene.error_rate:.1%}"
    rows = Table.grid(padding=(0, 2))
    rows.add_row("Percentage in Redis", f"[bold]{scene.percentage} %[/]", _bar(scene.percentage))
    rows.add_row(
        "Share of requests in treatment",
        "" if share is None else f"{share:.1f} %",
        "" if share is None else _bar(share),
    )
    rows.add_row("Error rate of the ML path", rate, "[dim]last 5 s, by Prometheus[/]")
    if scene.quiet:
        told = "the old rule would have taken it back" if would_have_been_taken_back(scene) else ""
        rows.add_row("The quiet one", f"{scene.quiet.percentage} %", f"[dim]{told}[/]")
    return rows


def _bar(percentage: float) -> ProgressBar:
    return ProgressBar(total=100, completed=percentage, width=40)


def _guardrails(guardrails: Sequence[GuardrailStatus]) -> Table:
    table = _table("Guardrail", "Says", "Because")
    for guardrail in guardrails:
        colour = _COLOURS.get(guardrail.finding, "")
        table.add_row(guardrail.name, Text(guardrail.finding, style=colour), escape(guardrail.message))
    return table


def _events(scene: Scene) -> Table:
    table = _table("Event", "Type", "Message")
    for event in scene.events[-EVENTS:]:
        kind = Text("Warning", style="red") if event.warning else "Normal"
        table.add_row(event.reason, kind, escape(event.message))
    return table


def _table(name: str, kind: str, text: str) -> Table:
    """Columns that stand still while their contents change."""
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0))
    table.add_column(name, width=22)
    table.add_column(kind, width=14)
    table.add_column(text, ratio=1, no_wrap=True, overflow="ellipsis")
    return table
