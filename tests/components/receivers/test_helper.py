"""The process that sends by Apprise and renders templates: ended in time, started anew, and confined."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlrollout.adapters.receivers import helper_process, receivers, turns
from mlrollout.notify.address import address
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import ReceiverError, WordingError

from tests.components.receivers.conftest import Make
from tests.components.receivers.services import SECRET, service
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server


@pytest.mark.parametrize("behaviour", [raw.is_silent, raw.drips(raw.http("200 OK", b"x" * 9999))])
async def test_who_hangs_is_ended_and_delays_nobody(
    make: Make, message: OutgoingMessage, behaviour: raw.Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "SEND_WITHIN", 1.0)
    sender = make()
    async with raw_server(behaviour) as server, service() as double:
        hanging = asyncio.ensure_future(sender.send(address(f"json://127.0.0.1:{server.port}/"), message))
        await server.asked(1)
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
        assert not hanging.done()
        with pytest.raises(ReceiverError, match=r"^did not end in time$"):
            await hanging
        await server.hung_up.wait()


async def test_the_process_is_started_anew_where_it_has_ended(make: Make, message: OutgoingMessage) -> None:
    sender = make()
    async with raw_server(raw.is_silent) as server, service() as double:
        hanging = asyncio.ensure_future(sender.send(address(f"json://127.0.0.1:{server.port}/"), message))
        await server.asked(1)
        process = sender._helper._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
        with pytest.raises(ReceiverError, match="the helper process failed"):
            await hanging
        assert len(double.got) == 1


async def test_what_it_is_told_of_the_environment_holds_no_secret(
    make: Make, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLROLLOUT_REDIS_URL", f"redis://:{SECRET}@redis")
    sender = make()
    async with service() as double:
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
    process = sender._helper._process
    assert process is not None
    place = Path("/proc") / str(process.pid)
    assert SECRET not in (place / "environ").read_text() + (place / "cmdline").read_text()


# --- what an object may name -----------------------------------------------------------------


async def test_an_object_s_address_may_not_lead_into_the_cluster(make: Make, message: OutgoingMessage) -> None:
    async with service() as double:
        for url in (
            f"json://127.0.0.1:{double.port}/",
            f"mailto://127.0.0.1:{double.port}?from=a@example.com&to=b@example.com",
        ):
            with pytest.raises(ReceiverError, match=r"^may not be sent to: its name leads to no public address"):
                await make().send(address(url, chosen_by_tenant=True), message)
        assert double.got == []


async def test_a_network_that_is_allowed_may_be_named(make: Make, message: OutgoingMessage) -> None:
    async with service() as double:
        await make("127.0.0.0/8").send(address(f"json://127.0.0.1:{double.port}/", chosen_by_tenant=True), message)
        assert len(double.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        "vapid://user@example.com/target?keyfile={file}",
        "fcm://project/device?mode=oauth2&keyfile={file}",
        "mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&pgp=yes&pgpkey={file}",
        "syslog://user",
        "dbus://x",
        "gnome://x",
        "macosx://x",
    ],
)
async def test_an_object_s_address_reads_no_file_and_starts_nothing(
    make: Make, message: OutgoingMessage, url: str, tmp_path: Path, mail: Any
) -> None:
    box, port = mail
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.touch()
    os.utime(file, (1, 1))
    before = file.stat().st_atime_ns
    tenant = address(url.format(file=file, port=port), chosen_by_tenant=True)
    with pytest.raises(ReceiverError) as found:
        await make("127.0.0.0/8").send(tenant, message)
    assert SECRET not in str(found.value)
    assert not any(SECRET.encode() in envelope.content for envelope in box.taken)
    assert file.stat().st_atime_ns == before


async def test_receivers_of_one_namespace_that_hang_delay_no_other_s(
    make: Make, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = make("127.0.0.0/8")
    other = replace(message, about=replace(message.about, namespace="other"))
    async with raw_server(raw.is_silent) as server, service() as double:
        hangs = address(f"json://127.0.0.1:{server.port}/", chosen_by_tenant=True)
        hanging = [asyncio.ensure_future(sender.send(hangs, message)) for _ in range(3 * turns.AT_ONCE)]
        await server.asked(turns.OF_ONE)
        await sender.send(address(f"json://127.0.0.1:{double.port}/", chosen_by_tenant=True), other)
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
        assert len(double.got) == 2
        assert len(server.requests) == turns.OF_ONE
        assert not any(one.done() for one in hanging)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_long_answer_costs_a_child_and_no_more_memory_than_it_may_have(
    make: Make, message: OutgoingMessage
) -> None:
    long = b"x" * (2 * helper_process.MEMORY)
    async with raw_server(raw.answers(long)) as server, service() as double:
        with pytest.raises(ReceiverError):
            await make().send(address(f"json://127.0.0.1:{server.port}/"), message)
        await make().send(address(f"json://127.0.0.1:{double.port}/"), message)


# --- templates -------------------------------------------------------------------------------


async def test_a_template_is_rendered(make: Make) -> None:
    text = await make().render(
        "{{ name | upper }}: {% for one in labels %}{{ one }}{% endfor %}", {"name": "a", "labels": "xy"}
    )
    assert text == "A: xy"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if", "line 1: unexpected 'end of template'"),
        ("{{ unknown }}", "'unknown' is undefined"),
        ("{{ 1 / 0 }}", "it fails: ZeroDivisionError"),
        ("{{ ''.__class__.__mro__ }}", "it fails: SecurityError"),
        ("{{ cycler.__init__.__globals__.os.system('id') }}", "it fails: SecurityError"),
        ("{% include '/etc/passwd' %}", "it fails: TypeError"),
        ("{{ 'x' * 99999 }}", "it becomes longer than 16384 characters"),
        ("{{ 'x' * 10 ** 10 }}", "it fails: MemoryError"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "it fails: OverflowError"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "did not end in time"),
    ],
)
async def test_a_template_that_can_not_be_used_says_why_and_ends(
    make: Make, template: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "RENDER_WITHIN", 1.0)
    with pytest.raises(WordingError) as found:
        await make().render(template, {})
    assert said in str(found.value)


async def test_the_loop_goes_on_while_a_template_loops(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "RENDER_WITHIN", 1.0)
    sender = make()
    await sender.render("x", {})
    loops = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    rendering = asyncio.ensure_future(sender.render(loops, {}))
    ticks, began = 0, time.monotonic()
    while not rendering.done() and time.monotonic() - began < 30:
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 10
    with pytest.raises(WordingError):
        await rendering
