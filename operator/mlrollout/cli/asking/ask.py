"""Asking for a verb: planned by the domain, confirmed by a person, and waited for where that is wanted."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.options import seconds
from mlrollout.cli.terminal import Terminal
from mlrollout.domain.request import Verb, one_line, signed

from .answers import await_answer
from .meant import ObjectMeant, ObjectsMeant
from .plans import VerbWish, plan_and_ask
from .unheard import unheard


def ask(wish: VerbWish, targets: ObjectsMeant, timeout: str | None, *, yes: bool) -> None:
    """Ask for a verb on every object that is meant, and wait for the answers.

    Args:
        wish: What is wanted.
        targets: On which objects.
        timeout: How long to wait; `None` for not at all.
        yes: Whether nothing is to be asked back.

    Raises:
        CommandError: An object refused, or did not answer in time. The others were asked all the same.
    """
    failures = list[tuple[str, CommandError]]()
    with _collected(failures, ""):
        _ask(wish, targets, timeout, failures, yes=yes)
    if failures:
        errors = [error for _, error in failures]
        told = "\n".join(f"{called}{error}" for called, error in failures)
        raise CommandError(f"{told}{unheard(wish.verb, errors)}", max(error.code for error in errors))


def _ask(
    wish: VerbWish, targets: ObjectsMeant, timeout: str | None, failures: list[tuple[str, CommandError]], *, yes: bool
) -> None:
    """The same, where what fails of one object is collected."""
    wish.check()
    patience, terminal = 0.0 if timeout is None else seconds("--timeout", timeout), Terminal()
    with ClusterRollouts(targets.context, targets.namespace) as cluster:
        found = targets.find(cluster)
        _confirm(wish.verb, found, yes=yes)
        called = {one: f"{one}: " if len(found) > 1 else "" for one in found}
        wish = wish.with_reason(_signed(wish.reason or _asked_back(wish.verb), cluster.asker()))
        asked = []
        for target in found:
            with _collected(failures, called[target]):
                asked.append(plan_and_ask(wish, target, cluster))
                terminal.write(f"{target}: asked for {wish.verb}: {asked[-1].means}")
                if asked[-1].doubt:
                    terminal.note(f"{target}: {asked[-1].doubt}")
        ends = time.monotonic() + patience
        for one in asked:
            if timeout is None or one.settled:
                continue
            with _collected(failures, called[one.target]):
                terminal.write(f"{one.target}: {await_answer(wish.verb, one, cluster, ends, timeout).message}")


@contextmanager
def _collected(failures: list[tuple[str, CommandError]], called: str) -> Iterator[None]:
    """Keep a failure for later: the other objects are not to wait for it."""
    try:
        yield
    except CommandError as error:
        failures.append((called, error))


def _confirm(verb: Verb, found: Sequence[ObjectMeant], *, yes: bool) -> None:
    """Several objects at once are confirmed by a person.

    Raises:
        CommandError: They were not.
    """
    if len(found) == 1 or yes:
        return
    listed = ", ".join(map(str, found))
    if not _somebody_is_there():
        raise CommandError(f"that would be {len(found)} rollouts ({listed}): say --yes", ExitCode.WRONG_USAGE)
    if not typer.confirm(f"{verb} {len(found)} rollouts: {listed}?", err=True):
        raise CommandError("nothing was asked for")


def _asked_back(verb: Verb) -> str:
    return str(typer.prompt(f"Why {verb}?", default="", show_default=False, err=True)) if _somebody_is_there() else ""


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _signed(reason: str, asker: str) -> str:
    """Why, and who says so: the history is read by others."""
    said = one_line(reason)
    if not asker:
        return said
    return signed(said, f"(by {asker})") if said else f"by {asker}"
