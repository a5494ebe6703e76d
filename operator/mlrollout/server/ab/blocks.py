"""What the verdicts of a rollout's guardrails stand on, as a document that `mlrollout replay` reads."""

import asyncio

from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesVerbs
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.ports import GoneError, ObjectsError, Ref, SourceError
from mlrollout.replay.document import BlocksDocument
from mlrollout.replay.gather import NoBlocksError, TooMuchError, gather
from mlrollout.server.auth.access import permitted_rollout
from mlrollout.server.auth.callers import Role
from mlrollout.server.auth.guard import LIMIT
from mlrollout.server.backends import BACKENDS, Backends
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollouts import ServedRollout

from .models import BlocksAnswer

COUNTED_WITHIN = 60.0
"""Seconds for an answer: two weeks have 80 000 blocks."""
MOST_NUMBERS = 500_000
"""Numbers in the blocks of one answer. Each takes some 200 bytes of memory. A block of `rate` has 4, of `compare` 6,
and with 20 cohorts 82."""
_BY_HAND = "`mlrollout blocks` takes the time that it needs."


async def blocks(request: web.Request) -> BlocksAnswer:
    """What the last verdicts stand on: all blocks of the attempt, counted again from the samples in Prometheus.

    `mlrollout replay` makes the verdicts again of this document alone. docs/replay.md says what its fields mean.
    """
    served = await permitted_rollout(request, Role.VIEW)
    backends = request.app[BACKENDS]
    verbs, samples, ref = _known(backends, served)
    if backends.counting.locked():
        raise HttpProblem(503, "Blocks are being counted for another request. Try again.", headers={"Retry-After": "5"})
    async with backends.counting:
        request[LIMIT].reschedule(asyncio.get_running_loop().time() + COUNTED_WITHIN + 1)
        try:
            async with asyncio.timeout(COUNTED_WITHIN):
                found = await _gathered(verbs, samples, ref, request.query.get("guardrail", ""), _attempt(request))
        except TimeoutError:
            raise HttpProblem(503, f"There are more than are counted in {COUNTED_WITHIN:g} s. {_BY_HAND}") from None
    return BlocksAnswer(**dict(found))


def _attempt(request: web.Request) -> int:
    """The attempt that is asked for; 0 for the present one."""
    try:
        return int(request.query.get("attempt", "0"))
    except ValueError:
        raise HttpProblem(422, "attempt is a whole number: one of the history, or -1 for the one before.") from None


async def _gathered(
    verbs: KubernetesVerbs, samples: PrometheusSource, ref: Ref, guardrail: str, attempt: int
) -> BlocksDocument:
    try:
        return await gather(await verbs.read(ref), samples, only=guardrail, attempt=attempt, most=MOST_NUMBERS)
    except TooMuchError as error:
        less = "" if guardrail else " Ask for one guardrail, by `guardrail=`."
        raise HttpProblem(
            422, f"That is too much for one answer: {error}.{less} `mlrollout blocks` writes as many as there are."
        ) from None
    except NoBlocksError as error:
        raise HttpProblem(404, f"{error}.") from None
    except GoneError:
        raise HttpProblem(404, f"There is no MLRollout {ref}.") from None
    except (SourceError, ObjectsError) as error:
        raise HttpProblem(503, f"{error} Traffic goes on as it is meanwhile.", headers={"Retry-After": "5"}) from None


def _known(backends: Backends, served: ServedRollout) -> tuple[KubernetesVerbs, PrometheusSource, Ref]:
    if backends.samples is None:
        raise HttpProblem(501, "The server knows no Prometheus: name it as `prometheus` in the server's configuration.")
    if served.ref is None:
        raise HttpProblem(501, "The server's configuration names no `object` for this rollout.")
    if backends.verbs is None:
        raise HttpProblem(501, "The server has no cluster to talk to: its log says why.")
    return backends.verbs, backends.samples, served.ref
