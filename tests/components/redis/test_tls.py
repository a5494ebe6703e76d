"""TLS: verified by default, with an authority of our own, and with a certificate of the client's."""

from collections.abc import Iterator

import pytest
from mlrollout.domain.traffic import Lower, Outcome, Traffic
from mlrollout.ports import TrafficError
from mlrollout.redis_common.address import Tls
from mlrollout.redis_common.failure import UnusableRedisError

from devstack.redis_server import RedisServer
from tests.components.redis.examples import ZERO
from tests.components.redis.opening import opened

KEY = "ml_dispatch:rollout_percentage"


@pytest.fixture(scope="module")
def secured() -> Iterator[RedisServer]:
    with RedisServer(tls=True, config=["bind 127.0.0.1 127.0.0.2"]) as running:
        yield running


async def test_an_authority_of_our_own(secured: RedisServer) -> None:
    async with opened(secured.url, Tls(ca=secured.ca_file)) as store:
        assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_an_unknown_authority_is_refused(secured: RedisServer) -> None:
    async with opened(secured.url) as store:
        with pytest.raises(TrafficError, match="certificate that can't be verified"):
            await store.read(KEY)


async def test_a_certificate_for_another_host_is_refused(secured: RedisServer) -> None:
    async with opened(secured.url.replace("127.0.0.1", "127.0.0.2"), Tls(ca=secured.ca_file)) as store:
        with pytest.raises(TrafficError, match="certificate that can't be verified"):
            await store.read(KEY)


async def test_a_server_without_tls_is_named(server: RedisServer, secured: RedisServer) -> None:
    async with opened(server.url.replace("redis:", "rediss:"), Tls(ca=secured.ca_file)) as store:
        with pytest.raises(TrafficError, match="has no TLS"):
            await store.read(KEY)


async def test_a_server_may_ask_for_our_certificate() -> None:
    # redis-cli, which says when the server is ready, has no certificate; the server need not insist yet.
    with RedisServer(tls=True) as server:
        server.cli("config", "set", "tls-auth-clients", "yes")
        assert server.tls
        async with opened(server.url, Tls(ca=server.ca_file)) as store:
            with pytest.raises(TrafficError, match="client's certificate"):
                await store.read(KEY)
        ours = Tls(ca=server.ca_file, certificate=server.tls.certificate, key=server.tls.key)
        async with opened(server.url, ours) as store:
            assert await store.read(KEY) == Traffic(None, None)


async def test_a_hung_server_ends_calls(secured: RedisServer) -> None:
    async with opened(secured.url, Tls(ca=secured.ca_file)) as store:
        await store.read(KEY)
        secured.pause()
        with pytest.raises(TrafficError, match="did not answer in time"):
            await store.read(KEY)
        secured.resume()
        await store.read(KEY)


def test_a_file_that_is_missing_is_named(secured: RedisServer) -> None:
    with pytest.raises(UnusableRedisError, match=r"missing\.crt"):
        Tls(ca=secured.directory / "missing.crt")


@pytest.mark.parametrize("file", ["ca", "certificate", "key"])
def test_a_file_that_is_named_by_a_text_is_refused(file: str) -> None:
    """A text has no `is_file`: the application would hear of an attribute, and not of what to write."""
    with pytest.raises(TypeError, match=r"must be a Path, and not of type str: Path\(…\)"):
        Tls(**{file: "/etc/redis/ca.pem"})  # type: ignore[arg-type]  # that is the point
