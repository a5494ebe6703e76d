"""The operator's own HTTP server."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from mlrollout.runtime import web
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.web import MOST_PER_ADDRESS, serve
from mlrollout.startup.settings import SettingsError, listen
from prometheus_client.parser import text_string_to_metric_families


class Missing:
    """What is missing, as the test says."""

    text = ""

    def __call__(self) -> str:
        return self.text


@pytest.fixture
async def served() -> AsyncIterator[tuple[Missing, OperatorMetrics, str]]:
    missing, metrics = Missing(), OperatorMetrics()
    runner = await serve("127.0.0.1", 0, missing, metrics)
    yield missing, metrics, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_it_is_ready_where_nothing_is_missing_and_lives_either_way(
    served: tuple[Missing, OperatorMetrics, str],
) -> None:
    missing, _, url = served
    assert await _get(f"{url}/readyz") == (200, "ok")
    missing.text = "the MLRollout objects have not been read yet"
    assert await _get(f"{url}/readyz") == (503, "the MLRollout objects have not been read yet")
    assert await _get(f"{url}/livez") == (200, "ok")


async def test_it_shows_the_metrics(served: tuple[Missing, OperatorMetrics, str]) -> None:
    _, metrics, url = served
    metrics.leads.set(1)
    status, text = await _get(f"{url}/metrics")
    assert status == 200
    assert "mlrollout_leader 1.0" in text.splitlines()


async def test_there_is_nothing_else(served: tuple[Missing, OperatorMetrics, str]) -> None:
    assert (await _get(f"{served[2]}/"))[0] == 404


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python knows no IPv6")
async def test_without_a_host_it_is_reached_by_both_families_of_addresses() -> None:
    """In a cluster that has IPv6 alone, the probes come by it."""
    runner = await serve(*listen(":0"), Missing(), OperatorMetrics())
    try:
        ports = {len(address): address[1] for address in runner.addresses}
        for host, port in (("127.0.0.1", ports[2]), ("[::1]", ports[4])):
            assert await _get(f"http://{host}:{port}/livez") == (200, "ok")
    finally:
        await runner.cleanup()


# --- whoever reaches the port ---------------------------------------------------------------------


async def _connected(
    url: str, stack: AsyncExitStack, source: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    stack.callback(writer.close)
    return reader, writer


async def _counted(url: str, name: str, **labels: str) -> float:
    _, text = await _get(f"{url}/metrics")
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return next((one.value for one in samples if (one.name, one.labels) == (name, labels)), 0.0)


async def test_a_crowd_takes_neither_the_descriptors_nor_the_probe_of_another_address(
    served: tuple[Missing, OperatorMetrics, str],
) -> None:
    """Each connection holds memory and a descriptor, and the operator needs both for Redis."""
    url = served[2]
    async with AsyncExitStack() as stack:
        crowd = [await _connected(url, stack, "127.0.0.2") for _ in range(MOST_PER_ADDRESS * 4)]
        for _, writer in crowd:
            writer.write(b"GET /livez HTTP/1.1\r\n")  # and no more: it asks for nothing yet

        assert await _get(f"{url}/livez") == (200, "ok")
        assert await _counted(url, "mlrollout_operator_connections") <= MOST_PER_ADDRESS + 1
        assert await _counted(url, "mlrollout_operator_closed_total", why="idle") == MOST_PER_ADDRESS * 3


async def test_a_head_without_end_is_cut_off_and_told_in_words(served: tuple[Missing, OperatorMetrics, str]) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await _connected(served[2], stack)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"\r\nServer: mlrollout\r\n" in await reader.readuntil(b"\r\n\r\nok")
        writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"x" * 8000 + b"\r\n") * 10)
        with suppress(ConnectionError):
            assert b"431" in await reader.read()
    assert await _counted(served[2], "mlrollout_operator_closed_total", why="large head") == 1


async def test_what_can_not_be_read_is_answered_and_not_repeated(
    served: tuple[Missing, OperatorMetrics, str], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await _connected(served[2], stack)
        writer.write(b"GET /livez HTTP/1.1\r\nAuthorization\x00: Bearer t0ken\r\n\r\n")
        answer = await reader.read()
    told = capsys.readouterr()
    assert answer.split()[1] == b"400"
    assert b"\r\nServer: mlrollout\r\n" in answer
    assert "t0ken" not in answer.decode() + caplog.text + told.out + told.err


async def test_however_many_ask_for_metrics_one_thread_makes_them(
    served: tuple[Missing, OperatorMetrics, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is done in the same threads is done all the same."""
    _, metrics, url = served
    at_once, most, made = 0, 0, 0
    begun, go = threading.Event(), threading.Event()

    def objects() -> list[str]:
        nonlocal at_once, most, made
        at_once, made = at_once + 1, made + 1
        most = max(most, at_once)
        begun.set()
        go.wait()
        at_once -= 1
        return [f"made {made}\n"]

    metrics.objects = objects
    async with AsyncExitStack() as stack:
        asking = [asyncio.ensure_future(_get(f"{url}/metrics")) for _ in range(20)]
        stack.callback(go.set)
        await asyncio.to_thread(begun.wait)
        found = await asyncio.get_running_loop().getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
        go.set()
        answers = await asyncio.gather(*asking)

    assert found
    assert {status for status, _ in answers} == {200}
    assert most == 1
    assert made <= 3, "who asks while one is made shares the next"


async def test_who_hangs_up_ends_the_metrics_of_nobody_else(served: tuple[Missing, OperatorMetrics, str]) -> None:
    _, metrics, url = served
    go, begun = threading.Event(), threading.Event()

    def objects() -> list[str]:
        begun.set()
        go.wait()
        return ["made\n"]

    metrics.objects = objects
    async with AsyncExitStack() as stack:
        stack.callback(go.set)
        _, writer = await _connected(url, stack)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        other = asyncio.ensure_future(_get(f"{url}/metrics"))
        await asyncio.to_thread(begun.wait)
        writer.close()
        await writer.wait_closed()
        go.set()
        status, text = await other
    assert (status, text.splitlines()[-1]) == (200, "made")


async def test_a_rendering_that_fails_fails_for_nobody_later(served: tuple[Missing, OperatorMetrics, str]) -> None:
    _, metrics, url = served

    def fails() -> list[str]:
        raise ValueError("no")

    metrics.objects = fails
    assert (await _get(f"{url}/metrics"))[0] == 500
    metrics.objects = list
    assert (await _get(f"{url}/metrics"))[0] == 200


async def test_where_next_to_no_files_may_be_opened_it_serves_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """What it listens for is worth less than what it guards."""

    def too_few(_wanted: int) -> int:
        raise SettingsError("raise the limit of open files")

    monkeypatch.setattr(web, "room", too_few)
    runner = await serve("127.0.0.1", 0, str, OperatorMetrics())
    try:
        assert await _get(f"http://127.0.0.1:{runner.addresses[0][1]}/livez") == (200, "ok")
    finally:
        await runner.cleanup()
    assert "raise the limit of open files" in capsys.readouterr().out + caplog.text
