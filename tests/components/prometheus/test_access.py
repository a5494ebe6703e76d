"""A Prometheus that asks who is there: a proxy checks what it is shown, and a real Prometheus stands behind."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from mlrollout.adapters.http.access import AGAIN, UnusableAccessError
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import VARIABLE, AccessFolder, by_environment
from mlrollout.adapters.prometheus_figures import PrometheusFigures
from mlrollout.evidence.answer import Answer
from mlrollout.ports import SourceError

from devstack import certificates
from devstack.prometheus_server import PrometheusServer
from tests.support.checking_proxy import CheckingProxy, checking

BASIC = {"Authorization": f"Basic {base64.b64encode(b'grafana:hunter2:').decode()}"}


class Shown:
    """A folder whose files a test writes, and a clock that it sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = 0.0

    def put(self, **files: str | bytes | None) -> None:
        for name, content in files.items():
            if content is None:
                (self.folder / name).unlink()
            else:
                (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        self.time += AGAIN

    def opened(self) -> AccessFolder:
        return AccessFolder(self.folder, lambda: self.time)

    def refusal(self) -> str:
        with pytest.raises(UnusableAccessError) as error:
            self.opened()
        return str(error.value)


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return Shown(tmp_path)


@asynccontextmanager
async def asking(proxy: CheckingProxy, shown: Shown) -> AsyncIterator[PrometheusSource]:
    source = PrometheusSource(proxy.address, shown.opened().current)
    yield source
    await source.close()


@asynccontextmanager
async def showing(address: str, shown: Shown) -> AsyncIterator[PrometheusFigures]:
    figures = PrometheusFigures(address, shown.opened().current)
    yield figures
    await figures.close()


async def good(source: PrometheusSource) -> Answer:
    answer = await source.query("good", deadline=5)
    assert [sample.value for sample in answer.samples] == [0.0125]
    return answer


async def refused(source: PrometheusSource) -> str:
    with pytest.raises(SourceError) as error:
        await source.query("good", deadline=5)
    return str(error.value)


@pytest.mark.parametrize(
    ("files", "asks"),
    [
        ({"token": "t0ken\n"}, {"Authorization": "Bearer t0ken"}),
        ({"username": "grafana\n", "password": "hunter2:\n"}, BASIC),
        ({"headers": "X-Scope-OrgID: dispatch\n\nX-Other:a b\n"}, {"X-Scope-OrgID": "dispatch", "X-Other": "a b"}),
        ({"headers": "Authorization: AWS4 x"}, {"Authorization": "AWS4 x"}),
        ({"token": "t", "headers": "X-Scope-OrgID: a"}, {"Authorization": "Bearer t", "X-Scope-OrgID": "a"}),
    ],
    ids=["token", "password", "headers", "another scheme", "token and tenant"],
)
async def test_who_shows_what_is_asked_for_is_answered(
    prometheus: PrometheusServer, shown: Shown, files: dict[str, str], asks: dict[str, str]
) -> None:
    async with checking(prometheus.url, asks) as proxy:
        bare = PrometheusSource(proxy.address)
        assert "HTTP 401: it asks for credentials" in await refused(bare)
        await bare.close()
        shown.put(**files)
        async with asking(proxy, shown) as source:
            await good(source)


async def test_a_token_that_is_renewed_is_read_again(prometheus: PrometheusServer, shown: Shown) -> None:
    shown.put(token="first")  # noqa: S106 - a test's
    async with checking(prometheus.url, {"Authorization": "Bearer first"}) as proxy, asking(proxy, shown) as source:
        await good(source)
        proxy.asks["Authorization"] = "Bearer second"
        assert "HTTP 401" in await refused(source)
        shown.put(token="second")  # noqa: S106 - a test's
        await good(source)


async def test_what_can_t_be_used_just_now_leaves_what_was_there_before(
    prometheus: PrometheusServer, shown: Shown
) -> None:
    shown.put(token="first")  # noqa: S106 - a test's
    async with checking(prometheus.url, {"Authorization": "Bearer first"}) as proxy, asking(proxy, shown) as source:
        with structlog.testing.capture_logs() as logs:
            shown.put(username="half")
            for _ in range(3):
                await good(source)
                shown.time += AGAIN
            shown.put(token="two\nlines", username=None)  # noqa: S106 - likewise
            await good(source)
        told = [entry["error"] for entry in logs if entry["log_level"] == "warning"]
        assert len(told) == 2
        assert "one of username and password" in told[0]
        assert not any("two" in text or "half" in text for text in told)


# --- certificates ---


def serving(made: certificates.Certificates, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_a_private_authority_is_trusted_where_it_is_given(
    prometheus: PrometheusServer, shown: Shown, ours: certificates.Certificates
) -> None:
    async with checking(prometheus.url, tls=serving(ours)) as proxy, asking(proxy, shown) as source:
        assert "no TLS connection could be made" in await refused(source)
        shown.put(ca=ours.ca.read_bytes())
        await good(source)


async def test_a_server_may_ask_for_a_certificate(
    prometheus: PrometheusServer, shown: Shown, ours: certificates.Certificates
) -> None:
    async with checking(prometheus.url, tls=serving(ours, ours.ca)) as proxy:
        shown.put(ca=ours.ca.read_bytes())
        async with asking(proxy, shown) as source:
            await refused(source)
            shown.put(certificate=ours.certificate.read_bytes(), key=ours.key.read_bytes())
            await good(source)


async def test_an_authority_that_is_renewed_is_trusted_and_the_one_before_is_not(
    prometheus: PrometheusServer, shown: Shown, ours: certificates.Certificates, tmp_path: Path
) -> None:
    theirs = certificates.make(tmp_path / "theirs")
    shown.put(ca=theirs.ca.read_bytes())
    async with checking(prometheus.url, tls=serving(ours)) as proxy, asking(proxy, shown) as source:
        assert "no TLS connection could be made" in await refused(source)
        shown.put(ca=ours.ca.read_bytes())
        await good(source)
        shown.put(ca=theirs.ca.read_bytes())
        assert "no TLS connection could be made" in await refused(source), "also where a connection stood"


# --- what makes no sense ---


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"username": "a"}, "one of username and password"),
        ({"password": "s3cret"}, "one of username and password"),
        ({"certificate": "a"}, "one of certificate and key"),
        ({"token": "s3cret", "username": "a", "password": "b"}, "a token and a username"),
        ({"token": ""}, "token holds no single line of text"),
        ({"token": "s3cret\nmore"}, "token holds no single line of text"),
        ({"token": b"\xff"}, "token is no text in UTF-8"),
        ({"headers": "s3cret"}, "a line that is no header: write `Name: value`"),
        ({"headers": "X-A: s3cret\x00"}, "a line that is no header"),
        ({"headers": "Host: s3cret"}, "sets Host, which each request sets by itself"),
        ({"headers": "content-length: 1"}, "sets content-length"),
        ({"ca": "s3cret"}, "ca holds no certificates in PEM"),
        ({"certificate": "s3cret", "key": "s3cret"}, "no certificate and its key in PEM"),
    ],
    ids=str,
)
def test_files_that_make_no_sense_are_refused_by_name_and_not_repeated(
    shown: Shown, files: dict[str, str | bytes], told: str
) -> None:
    shown.put(**files)
    said = shown.refusal()
    assert told in said
    assert "s3cret" not in said


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableAccessError, match=r"nowhere is no folder: mount the Secret there"):
        AccessFolder(tmp_path / "nowhere")


def test_nothing_of_it_is_shown_by_accident(shown: Shown) -> None:
    shown.put(token="s3cret")  # noqa: S106 - a test's
    assert "s3cret" not in repr(shown.opened().current())


async def test_figures_are_asked_for_with_the_same(prometheus: PrometheusServer, shown: Shown) -> None:
    shown.put(token="first")  # noqa: S106 - a test's
    asks = {"Authorization": "Bearer first"}
    async with checking(prometheus.url, asks) as proxy, showing(proxy.address, shown) as it:
        assert [figure.points for figure in await it.at("vector(3)", 1000)] == [[(1000, 3.0)]]
        proxy.asks["Authorization"] = "Bearer second"
        with pytest.raises(SourceError, match="HTTP 401"):
            await it.at("vector(3)", 1000)
        shown.put(token="second")  # noqa: S106 - a test's
        assert await it.at("vector(3)", 1000)


async def test_figures_come_from_a_server_of_a_private_authority_that_asks_for_a_certificate(
    prometheus: PrometheusServer, shown: Shown, ours: certificates.Certificates, tmp_path: Path
) -> None:
    theirs = certificates.make(tmp_path / "theirs")
    async with checking(prometheus.url, tls=serving(ours, ours.ca)) as proxy, showing(proxy.address, shown) as figures:
        for files in ({}, {"ca": ours.ca}, {"ca": theirs.ca, "certificate": ours.certificate, "key": ours.key}):
            shown.put(**{name: file.read_bytes() for name, file in files.items()})
            with pytest.raises(SourceError, match="can't be reached"):
                await figures.at("vector(3)", 1000)
        shown.put(ca=ours.ca.read_bytes())
        assert await figures.at("vector(3)", 1000)


def test_the_environment_names_the_folder(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert by_environment()().headers == {}
    shown.put(token="t0ken")  # noqa: S106 - a test's
    monkeypatch.setenv(VARIABLE, str(shown.folder))
    assert by_environment()().headers == {"Authorization": "Bearer t0ken"}
    shown.put(username="u")
    with pytest.raises(UnusableAccessError, match=f"{VARIABLE}: .* has one of username and password"):
        by_environment()
