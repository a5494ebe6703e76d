"""Kopf's watch of the objects."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import log_in
from mlrollout.ports import ObjectsError
from mlrollout.runtime.kopf_app import watch

from tests.support.places import Place


async def _stands(place: Place) -> bool:
    """Whether the API server takes a watch up, begun as the environment says."""
    told: asyncio.Queue[bool] = asyncio.Queue()
    watching = asyncio.create_task(watch(lambda *_: None, told.put_nowait, log_in=log_in, namespace=place.namespace))
    stood = asyncio.create_task(told.get())
    async with asyncio.timeout(60):
        await asyncio.wait((watching, stood), return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    with suppress(asyncio.CancelledError, ObjectsError):
        await watching
    return stood.done() and stood.result()


async def test_it_stands_for_a_user_without_a_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)  # as for a number in a container
    monkeypatch.setenv("KUBECONFIG", str(place.control_plane.kubeconfig))
    assert await _stands(place)


@pytest.fixture
def kubeconfig(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], str]:
    """Has a kubeconfig name a user, and answers with a token that is good."""
    known = json.loads(Path(place.control_plane.kubeconfig).read_text())
    file = tmp_path / "kubeconfig"

    def name(user: dict[str, Any]) -> str:
        file.write_text(json.dumps(known | {"users": [known["users"][0] | {"user": user}]}))
        monkeypatch.setenv("KUBECONFIG", f"{file}:{tmp_path}/missing")
        return str(known["users"][0]["user"]["token"])

    return name


async def test_a_plug_in_of_the_kubeconfig_is_asked(
    place: Place, tmp_path: Path, kubeconfig: Callable[[dict[str, Any]], str]
) -> None:
    plug = tmp_path / "plug.py"
    api = "client.authentication.k8s.io/v1"
    command = {"apiVersion": api, "command": sys.executable, "args": [str(plug)], "interactiveMode": "Never"}
    token = kubeconfig({"exec": command})
    answer = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": {"token": token}})
    plug.write_text(f"print({answer!r})")
    assert await _stands(place)


async def test_each_watch_is_begun_with_the_token_of_now(
    place: Place, tmp_path: Path, kubeconfig: Callable[[dict[str, Any]], str]
) -> None:
    file = tmp_path / "token"
    file.write_text("revoked")
    token = kubeconfig({"tokenFile": str(file)})
    assert not await _stands(place)
    file.write_text(f"{token}\n")
    assert await _stands(place)
