"""`status --watch`: a rollout as it goes on."""

import time

from rich.console import Group
from rich.live import Live
from rich.text import Text

from mlrollout.api import moment
from mlrollout.cli.cluster.api import Data
from mlrollout.cli.cluster.following import Follower, News
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.output import OutputForm
from mlrollout.cli.screens.look import BAD, FAINT
from mlrollout.cli.screens.wrap import wrapped
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.advice import advise
from mlrollout.glance.rollout import Glance, glance

from .one import lines

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
    follower = Follower(ClusterRollouts(context, namespace), name)
    if terminal.console.is_terminal:
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
                now = time.time()
                screen = _screen(news.found, news.trouble, now, terminal, context)
                clock = Text(f"{moment.to_second(now)}, Ctrl-C ends this", FAINT)
                live.update(Group(*screen, Text(), clock), refresh=True)
                news = follower.next(_TICK) or news
    finally:
        terminal.show(screen)


def _screen(found: Data, trouble: str, now: float, terminal: Terminal, context: str | None) -> list[Text]:
    warning = wrapped(f"As it was last seen: {trouble}", terminal.room, style=BAD) if trouble else []
    return [*warning, *lines(glance(found, now), terminal, context)]


def _tell(follower: Follower, terminal: Terminal) -> None:
    """A line for each change, where nobody looks at a screen."""
    before = None
    while (news := follower.next(60.0) or News({})).found is not None:
        if not news.found:
            continue
        seen = glance(news.found, time.time())
        line = _line(seen)
        if line != before:
            terminal.write(f"{moment.to_second(seen.now)}  {line}")
            terminal.console.file.flush()
        before = line


def _line(seen: Glance) -> str:
    stage = f" in {seen.here.name}" if seen.here is not None else ""
    return f"{seen.percentage} %{stage}  {seen.state}: {seen.message or advise(seen).why}"
