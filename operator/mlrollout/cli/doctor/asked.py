"""Redis and Prometheus, asked from this machine where somebody says where they are."""

import asyncio
import os
from collections.abc import Iterator, Sequence

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.cli.cluster.api import Data
from mlrollout.domain.traffic import Traffic
from mlrollout.glance.doctor.diagnosis import Diagnosis, DiagnosisLevel, ok
from mlrollout.glance.doctor.services import objects
from mlrollout.glance.fields import Fields
from mlrollout.ports import SourceError, TrafficError
from mlrollout.startup.settings import SettingsError, redis_tls, redis_url

_REDIS, _PROMETHEUS = "that Redis", "that Prometheus"
_DEADLINE = 10.0
_ANY = "mlrollout:doctor"
"""A key that is read where no object has one."""


def services(redis: str, prometheus: str, found: Sequence[Data]) -> Iterator[Diagnosis]:
    """How each of them does that has an address; that of Redis may stand in a file as well."""
    try:
        url = redis or redis_url(os.environ)
    except SettingsError as error:
        url = ""
        yield Diagnosis(_REDIS, DiagnosisLevel.FAILED, str(error), "give its URL with --redis")
    if url:
        yield asyncio.run(_redis(url, found))
    if prometheus:
        yield asyncio.run(_prometheus(prometheus))


async def _redis(url: str, found: Sequence[Data]) -> Diagnosis:
    """Whether it answers, and holds what objects without a Redis of their own mean."""
    whole = [one for one in map(Fields, found) if "redis" not in one.part("spec").part("traffic")]
    keys = {one.part("spec").part("traffic").text("key"): one.part("status") for one in whole}
    try:
        store = RedisTrafficStore.from_url(url, redis_tls(os.environ))  # as the operator asks it
    except TrafficError as error:
        return Diagnosis(_REDIS, DiagnosisLevel.FAILED, str(error), "correct --redis")
    except SettingsError as error:
        return Diagnosis(_REDIS, DiagnosisLevel.FAILED, str(error), "correct the variables MLROLLOUT_REDIS_…")
    try:
        answers = dict(zip(keys or (_ANY,), await store.read_many(list(keys) or [_ANY]), strict=True))
    finally:
        await store.close()
    for answer in answers.values():
        if isinstance(answer, TrafficError):
            return Diagnosis(
                _REDIS, DiagnosisLevel.FAILED, str(answer), "see its address, its password and the network"
            )
    other = [told for key, answer in answers.items() if key in keys and (told := _differs(key, answer, keys[key]))]
    if other:
        todo = "is it the operator's Redis? If it is, look again in a second: a step may be under way"
        return Diagnosis(_REDIS, DiagnosisLevel.WARNING, f"it answers, but {'; '.join(other[:3])}", todo)
    return ok(_REDIS, f"it answers{f', and holds what the status of {objects(len(keys))} says' if keys else ''}")


def _differs(key: str, answer: Traffic | TrafficError, status: Fields) -> str:
    """What Redis holds for a key other than its object says; empty for nothing."""
    applied = status.part("progress").whole("applied")
    if isinstance(answer, TrafficError) or answer.in_force == applied:
        return ""
    return f"holds {answer.in_force} % under {key}, where the status says {applied} %"


async def _prometheus(address: str) -> Diagnosis:
    try:
        source = PrometheusSource(address, by_environment())
    except ValueError as error:
        return Diagnosis(_PROMETHEUS, DiagnosisLevel.FAILED, str(error), "correct --prometheus")
    try:
        await source.query("vector(1)", deadline=_DEADLINE)
    except SourceError as error:
        return Diagnosis(_PROMETHEUS, DiagnosisLevel.FAILED, str(error), "see its address and the network")
    finally:
        await source.close()
    return ok(_PROMETHEUS, f"{address} answers queries")
