"""`status --watch`: a rollout as it goes on."""

from collections.abc import Callable, Sequence

from rich.console import Group
from rich.live import Live
from rich.text import Text

from mlrollout.api import moment
from mlrollout.cli.cluster.api import Data
from mlrollout.cli.cluster.following import Follower, News, Sight
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.output import OutputForm
from mlrollout.cli.screens.look import BAD, FAINT
from mlrollout.cli.screens.wrap import wrapped
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.advice import advise
from mlrollout.glance.rollout import glance

from .one import lines

_LONG = 60.0
_TICK = 1.0
"""Seconds from one drawing to the next where nothing happens: time itself is shown."""


def watch(context: str | None, namespace: str | None, name: str, output: str) -> None:
    """Show a rollout until somebody presses Ctrl-C, or it is gone.

    Raises:
        CommandError: It is gone.
        KeyboardInterrupt: Somebody did.
    """
    if not OutputForm.parse(output).for_people:
        raise CommandError("--watch is for people: leave out --output", ExitCode.WRONG_USAGE)
    terminal = Terminal()
    with ClusterRollouts(context, namespace) as cluster, Follower(cluster, name) as follower:
        if terminal.redrawn:
            _draw(follower, terminal, context)
        else:
            _tell(follower, terminal)
    raise CommandError(f"the MLRollout {name} is gone: it was deleted")


def _draw(follower: Follower, terminal: Terminal, context: str | None) -> None:
    """One screen, drawn anew; the last one stays when it ends."""
    screen: list[Text] = []
    try:
        with Live(console=terminal.console, screen=True, auto_refresh=False, transient=True) as live:
            news = follower.next(_TICK) or News(None)
            while news.found is not None:
                now = follower.now
                screen = _screen(news.found, news.trouble, now, terminal, context)
                clock = Text(f"{moment.to_second(now)}, Ctrl-C ends this", FAINT)
                live.update(Group(*fitted(screen, terminal.console.height, terminal.drawn.cut), clock), refresh=True)
                news = follower.next(_TICK) or news
    finally:
        terminal.show(screen)


def fitted(screen: Sequence[Text], height: int, cut: str) -> Sequence[Text]:
    """As much of a screen as there is room for above the last line, and how much more there would be."""
    if len(screen) + 1 < height:
        return [*screen, Text()]
    shown = max(1, height - 2)
    return [*screen[:shown], Text(f"{cut} and {len(screen) - shown} more", FAINT)]


def _screen(found: Data, trouble: str, now: float, terminal: Terminal, context: str | None) -> list[Text]:
    warning = wrapped(f"As it was last seen: {trouble}", terminal.room, style=BAD) if trouble else []
    return [*warning, *lines(glance(found, now), terminal, context)]


def _tell(follower: Follower, terminal: Terminal) -> None:
    """A line for each change, where nobody looks at a screen."""
    before, sight = "", Sight(terminal.tell)
    while (news := follower.next(_LONG) or News({})).found is not None:
        if news.found:
            sight.take_in(news, follower.now)
            before = tell_change(news.found, before, terminal.tell, follower.now)


def tell_change(found: Data, before: str, tell: Callable[[str], None], now: float) -> str:
    """Tell where a rollout stands, if that is somewhere else than was told before; answers with where that is.

    Numbers change all the time, and are no change.
    """
    seen = glance(found, now)
    stage = f" in {seen.here.name}" if seen.here is not None else ""
    unheard = ", and no operator is heard of" if seen.silent is not None else ""
    stands = f"{seen.percentage} %{stage}  {seen.state}{unheard}"
    if stands != before:
        tell(f"{moment.to_second(seen.now)}  {stands}: {advise(seen).why}")
    return stands
