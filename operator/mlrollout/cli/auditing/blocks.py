"""`mlrollout blocks` and `mlrollout replay`: what verdicts stand on is fetched, and the verdicts are made again."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.api import KIND
from mlrollout.api.duration import brief
from mlrollout.cli.authoring.manifests import UnreadableInputError, manifests
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.domain.request import one_line
from mlrollout.ports import Object, SourceError
from mlrollout.replay.document import LARGEST, BlocksDocument, UnreadableDocumentError, parse, told
from mlrollout.replay.gather import NoBlocksError, Tick, gather
from mlrollout.replay.replay import Replayed, replay


class NotFetchedError(ValueError):
    """There is nothing to write out; the text says why."""


def in_cluster(context: str | None, namespace: str | None, name: str) -> Object:
    """The object of that name.

    Raises:
        NotFetchedError: There is none.
        CommandError: The cluster can't be worked with.
    """
    try:
        with ClusterRollouts(context, namespace) as cluster:
            return cluster.get(name)
    except CommandError as error:
        if error.code == ExitCode.CLUSTER_UNUSABLE:
            raise
        raise NotFetchedError(str(error)) from None


def saved(file: str) -> Object:
    """The object that was saved to a file.

    Raises:
        NotFetchedError: There is none in it.
    """
    try:
        found = manifests(file)
    except UnreadableInputError as error:
        raise NotFetchedError(str(error)) from error
    if not found:
        raise NotFetchedError(f"{file} holds no {KIND}: save one by kubectl get -o yaml, with its status")
    if len(found) > 1:
        raise NotFetchedError(f"{file} holds {len(found)} objects of the kind {KIND}: save one alone, with its status")
    return found[0].found


def fetch(found: Object, prometheus: str, guardrail: str, attempt: int) -> BlocksDocument:
    """The document of an object.

    Args:
        found: The object.
        prometheus: The address of the Prometheus that has its samples.
        guardrail: The one that is wanted; empty for all.
        attempt: The attempt that is wanted; 0 for the present one.

    Raises:
        NotFetchedError: It can't be had.
    """
    try:
        return asyncio.run(_fetch(found, prometheus, guardrail, attempt))
    except (NoBlocksError, SourceError) as error:
        raise NotFetchedError(str(error)) from error


def read(file: str) -> BlocksDocument:
    """The document in a file.

    Raises:
        UnreadableDocumentError: There is none in it.
    """
    return parse(_bytes(file))


def again(document: BlocksDocument) -> list[Replayed]:
    """What the blocks of each guardrail come to.

    Raises:
        UnreadableDocumentError: They make no verdict.
    """
    return [replay(one) for one in document.guardrails]


def unchecked(found: Sequence[Replayed]) -> bool:
    """Whether there was nothing to make a verdict of, nor anything that asks for one."""
    return not any(one.blocks or one.differences for one in found)


def tell(document: BlocksDocument, found: list[Replayed]) -> str:
    """A line for each guardrail, and no more, whatever somebody wrote into the document."""
    missing = (f"{told(one.name)}: no blocks: {one.why}" for one in document.missing)
    return "\n".join(map(one_line, (*map(_line, found), *missing)))


def _line(found: Replayed) -> str:
    what = f"{found.name}: {found.verdict}, e-value {found.e_value!r} (a breach from {found.breach:.6g} on)"
    blocks = f"{found.blocks} blocks over {brief(found.span)}" if found.blocks else "no blocks"
    well = "as it was recorded, to the last bit" if found.kept else "as the history tells, which keeps no e-value"
    same = "; ".join(found.differences) or well
    return f"{what}, of {blocks}: {same}"


async def _fetch(found: Object, prometheus: str, guardrail: str, attempt: int) -> BlocksDocument:
    try:
        source = PrometheusSource(prometheus, by_environment())
    except ValueError as error:
        raise NotFetchedError(f"--prometheus: {error}") from error
    try:
        with _progress() as tick:
            return await gather(found, source, only=guardrail, attempt=attempt, tick=tick)
    finally:
        await source.close()


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(file).open("rb") as opened:
            return opened.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableDocumentError(f"it can't be read ({error.strerror})") from error


@contextmanager
def _progress() -> Iterator[Tick]:
    if not sys.stderr.isatty():
        yield lambda _name, _done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda name, done: bar.update(task, description=name, completed=done)
