"""A Prometheus that is shown what a Secret holds: a proxy checks it, and a real Prometheus stands behind."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from mlrollout.adapters.http import access_of_secret
from mlrollout.adapters.http.access_of_secret import AccessOfSecret
from mlrollout.adapters.prometheus_of_secret import PrometheusOfSecret
from mlrollout.ports import AbsentError, ObjectsError, SourceError

from devstack import certificates
from devstack.prometheus_server import PrometheusServer
from tests.components.prometheus.test_access import serving
from tests.support.checking_proxy import checking

WHERE = "the Secret dispatch/tenant"


@dataclass
class Held:
    """What the Secret holds, and whether it can be read."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    unreadable: bool = False
    gone: bool = False
    hangs: bool = False
    reads: int = 0

    async def read(self) -> Mapping[str, bytes]:
        self.reads += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.unreadable:
            raise ObjectsError(f"Could not read {WHERE}: 503")
        if self.gone:
            raise AbsentError(f"Could not read {WHERE}: 404 not found")
        return self.contents


@asynccontextmanager
async def opened(address: str, held: Held) -> AsyncIterator[PrometheusOfSecret]:
    source = PrometheusOfSecret(address, AccessOfSecret(WHERE, held.read))
    yield source
    await source.close()


async def good(source: PrometheusOfSecret) -> None:
    answer = await source.query("vector(1)", deadline=5)
    assert [sample.value for sample in answer.samples] == [1.0]


async def refused(source: PrometheusOfSecret, deadline: float = 5) -> str:
    with pytest.raises(SourceError) as error:
        await source.query("vector(1)", deadline=deadline)
    return str(error.value)


@pytest.fixture
def at_each_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_of_secret, "AGAIN", 0.0)


async def test_it_is_shown_what_the_secret_holds_and_other_keys_are_not(prometheus: PrometheusServer) -> None:
    held = Held({"token": b"t0ken\n", "headers": b"X-Scope-OrgID: dispatch", "url": b"redis://else"})
    async with (
        checking(prometheus.url, {"Authorization": "Bearer t0ken", "X-Scope-OrgID": "dispatch"}) as proxy,
        opened(proxy.address, held) as source,
    ):
        for _ in range(3):
            await good(source)
    assert held.reads == 1


async def test_certificates_may_come_from_it(prometheus: PrometheusServer, ours: certificates.Certificates) -> None:
    files = {"ca": ours.ca, "certificate": ours.certificate, "key": ours.key}
    held = Held({name: file.read_bytes() for name, file in files.items()})
    async with checking(prometheus.url, tls=serving(ours, ours.ca)) as proxy, opened(proxy.address, held) as source:
        await good(source)


@pytest.mark.usefixtures("at_each_query")
async def test_what_is_renewed_is_shown_and_what_can_t_be_read_or_used_leaves_what_was(
    prometheus: PrometheusServer,
) -> None:
    held = Held({"token": b"first"})
    async with (
        checking(prometheus.url, {"Authorization": "Bearer first"}) as proxy,
        opened(proxy.address, held) as source,
    ):
        await good(source)
        with structlog.testing.capture_logs() as logs:
            for change in (
                {"unreadable": True},
                {"unreadable": False, "contents": {"username": b"half"}},
                {"contents": {"Token": b"renamed"}},
                {"contents": {"headers": b"X-A: b\n" * 4000}},
                {"hangs": True},
            ):
                for name, value in change.items():
                    setattr(held, name, value)
                await good(source)
                await good(source)
        assert [entry["error"] for entry in logs if "first" in str(entry) or "half" in str(entry)] == []
        assert any("one of username and password" in entry["error"] for entry in logs)


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ({"Token": b"s3cret", "header": b"X-A: s3cret"}, "has nothing to show"),
        ({}, "has nothing to show"),
        ({"headers": b"X-A: s3cret\n" * 4000}, "headers is longer than"),
        ({"token": b"s3cret" * 4000}, "token is longer than"),
    ],
)
async def test_a_secret_that_shows_nothing_or_too_much_is_no_reason_to_ask_as_nobody(
    prometheus: PrometheusServer, contents: Mapping[str, bytes], why: str
) -> None:
    async with opened(prometheus.url, Held(contents)) as source:
        told = await refused(source)
    assert why in told
    assert "s3cret" not in told


@pytest.mark.usefixtures("at_each_query")
async def test_a_new_token_is_shown(prometheus: PrometheusServer) -> None:
    held = Held({"token": b"first"})
    async with (
        checking(prometheus.url, {"Authorization": "Bearer second"}) as proxy,
        opened(proxy.address, held) as source,
    ):
        assert "HTTP 401" in await refused(source)
        held.contents = {"token": b"second"}
        async with asyncio.timeout(10):  # read beside a query, and shown with a later one
            while True:
                try:
                    return await good(source)
                except SourceError:
                    await asyncio.sleep(0)


@pytest.mark.usefixtures("at_each_query")
async def test_what_two_reads_find_gone_is_shown_no_more_until_it_is_back(prometheus: PrometheusServer) -> None:
    held = Held({"token": b"first"})
    async with (
        checking(prometheus.url, {"Authorization": "Bearer first"}) as proxy,
        opened(proxy.address, held) as source,
    ):
        await good(source)
        held.gone = True
        assert "404 not found" in await _soon_refused(source)
        before = held.reads
        assert "404 not found" in await refused(source)
        assert held.reads == before + 1
        held.gone = False
        await good(source)


@pytest.mark.usefixtures("at_each_query")
@pytest.mark.parametrize("between", [{"unreadable": True, "gone": False}, {"gone": False}], ids=["unreadable", "back"])
async def test_to_be_missed_once_and_once_again_is_not_to_be_gone(between: Mapping[str, bool]) -> None:
    held = Held({"token": b"first"})
    access = AccessOfSecret(WHERE, held.read)
    for change in ({}, {"gone": True}, between, {"unreadable": False, "gone": True}):
        for name, value in change.items():
            setattr(held, name, value)
        await access.ready(1)
        await asyncio.sleep(0)  # the read that was begun beside it
        await asyncio.sleep(0)
    assert access.current().headers == {"Authorization": "Bearer first"}


async def _soon_refused(source: PrometheusOfSecret) -> str:
    async with asyncio.timeout(10):
        while True:
            try:
                await good(source)
            except SourceError as error:
                return str(error)


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (Held(gone=True), "Could not read the Secret dispatch/tenant: 404 not found"),
        (Held({"token": b"s3cret\nmore"}), "the Secret dispatch/tenant/token holds no single line of text"),
        (Held(hangs=True), "the Secret dispatch/tenant could not be read within 100ms"),
    ],
    ids=["gone", "nonsense", "hangs"],
)
async def test_without_anything_to_show_nothing_is_asked(held: Held, told: str) -> None:
    async with opened("http://127.0.0.1:9", held) as source:
        said = await refused(source, 0.1)
    assert told in said
    assert "s3cret" not in said
