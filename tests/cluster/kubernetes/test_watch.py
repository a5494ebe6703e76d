"""Kopf's watch of the objects."""

import asyncio
from contextlib import suppress

import pytest
from mlrollout.runtime.kopf_app import watch

from tests.support.places import Place


async def test_it_stands_for_a_user_without_a_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)  # as for a number in a container
    monkeypatch.setenv("KUBECONFIG", str(place.control_plane.kubeconfig))
    told: asyncio.Queue[bool] = asyncio.Queue()
    watching = asyncio.create_task(watch(lambda *_: None, told.put_nowait, namespace=place.namespace))
    stood = asyncio.create_task(told.get())
    async with asyncio.timeout(60):
        await asyncio.wait((watching, stood), return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching

    assert stood.result()
