"""Figures to show, through `prometheus-api-client`: from a real Prometheus, and from what is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mlrollout.adapters import prometheus_figures
from mlrollout.adapters.prometheus_figures import Figure, PrometheusFigures
from mlrollout.ports import SourceError

from devstack.prometheus_server import PrometheusServer
from tests.support import raw_server as raw
from tests.support.raw_server import Behaviour, raw_server


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[PrometheusFigures]:
    figures = PrometheusFigures(address)
    try:
        yield figures
    finally:
        await figures.close()


async def test_an_instant_is_asked_for(prometheus: PrometheusServer) -> None:
    async with opened(prometheus.url) as figures:
        assert await figures.at('label_replace(vector(3), "a", "b", "", "")', 1000) == [
            Figure({"a": "b"}, [(1000, 3.0)])
        ]


async def test_a_series_is_asked_for(prometheus: PrometheusServer) -> None:
    async with opened(prometheus.url) as figures:
        assert await figures.over("vector(time())", 600, 720, 60) == [Figure({}, [(600, 600), (660, 660), (720, 720)])]


async def test_a_query_that_is_refused_is_told_without_its_text(prometheus: PrometheusServer) -> None:
    async with opened(prometheus.url) as figures:
        with pytest.raises(SourceError, match="HTTP 400") as told:
            await figures.at("secret(", 1000)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "behaviour",
    [
        raw.answers(b"secret", status="500 Internal Server Error"),
        raw.answers(b"secret"),
        raw.answers(b"{}"),
        raw.answers(b'{"status":"success","data":{"result":"secret"}}'),
        raw.answers(b'{"status":"success","data":{"result":[{"metric":{}}]}}'),
    ],
)
async def test_what_is_no_answer_is_told_once_and_without_its_text(behaviour: Behaviour) -> None:
    async with raw_server(behaviour) as server, opened(server.address) as figures:
        with pytest.raises(SourceError) as told:
            await figures.at("up", 1000)
        assert len(server.requests) == 1
    assert "secret" not in str(told.value)


async def test_silence_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_figures, "ANSWER_WITHIN", 0.2)
    async with raw_server(raw.is_silent) as server, opened(server.address) as figures:
        with pytest.raises(SourceError, match=r"within 0\.2 s"):
            await figures.at("up", 1000)


async def test_nobody_there_is_told(prometheus: PrometheusServer) -> None:
    async with opened("http://127.0.0.1:1") as figures:
        with pytest.raises(SourceError, match="can't be reached"):
            await figures.at("up", 1000)


async def test_many_may_ask_at_once(prometheus: PrometheusServer) -> None:
    async with opened(prometheus.url) as figures:
        answers = await asyncio.gather(*(figures.at(f"vector({number})", 1000) for number in range(20)))

    assert [answer[0].points[0][1] for answer in answers] == list(range(20))


@pytest.mark.parametrize("address", ["", "prometheus:9090", "ftp://p", "http://user:secret@p:9090", "http://p?secret"])
def test_an_address_that_is_none_is_refused_without_its_text(address: str) -> None:
    with pytest.raises(ValueError, match="http") as told:
        PrometheusFigures(address)
    assert "secret" not in str(told.value)
