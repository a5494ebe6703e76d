"""The traffic that `mlrollout simulate` runs at: as it is given, or as a Prometheus has seen it."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.api import duration
from mlrollout.api.spec import Spec
from mlrollout.evidence.answer import Answer
from mlrollout.ports import SourceError
from mlrollout.simulate import command, history
from mlrollout.simulate.load import Load, PastTraffic

_SHORTEST, _LONGEST = 86_400.0, 90 * 86_400.0
_DEADLINE = 60.0


def load(
    spec: Spec, traffic: str | None, bad: str | None, prometheus: str | None, since: str
) -> tuple[Load, Sequence[str]]:
    """The traffic, and what could not be read of it.

    Raises:
        UnusableError: An option can't be used, or Prometheus does not tell.
        UnknownError: No guardrail says which counters tell the traffic, or they have counted nothing.
    """
    if (traffic is None) == (prometheus is None) or (bad is None and prometheus is None):
        raise command.UnusableError("say the traffic by --traffic and --bad, or where it can be read by --prometheus")
    share = None if bad is None else command.share(bad)
    if traffic is not None:
        return Load(command.traffic(traffic), share or 0.0), ()
    found = history.read(asyncio.run(_ask(spec, prometheus or "", seconds := _since(since))), seconds)
    past = found.past if share is None else PastTraffic(found.past.step, [(one, share) for one, _ in found.past.spans])
    if not past.bad:
        raise command.UnusableError("there was no bad event in this time: say by --bad how many a healthy model has")
    return Load(past.requests, past.bad, past=past), found.notes


def _since(text: str) -> float:
    try:
        found = duration.parse(text)
    except ValueError as error:
        raise command.UnusableError(f"--since {error}") from error
    if not _SHORTEST <= found <= _LONGEST:
        raise command.UnusableError(f"--since {text} is too short or too long: from 1d to 90d")
    return found


async def _ask(spec: Spec, prometheus: str, seconds: float) -> Mapping[str, Answer]:
    asked = history.questions(spec, seconds)
    try:
        source = PrometheusSource(prometheus, by_environment())
    except ValueError as error:
        raise command.UnusableError(f"--prometheus: {error}") from error
    try:
        now = time.time()
        return {name: await source.query(query, deadline=_DEADLINE, at=now) for name, query in asked.items()}
    except SourceError as error:
        raise command.UnusableError(str(error)) from error
    finally:
        await source.close()
