"""Which cluster, and as whom: kubeconfig files, tokens that are replaced, and the pod's ServiceAccount."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.config import incluster_config
from mlrollout.adapters.kubernetes import Client, connect
from mlrollout.ports import ObjectsError

from devstack import certificates
from devstack.cluster import trusted, write_kubeconfig
from tests.support.places import Place


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user and a machine that know no cluster."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def cluster(place: Place) -> dict[str, Any]:
    """The cluster part of a kubeconfig."""
    found: dict[str, Any] = json.loads(Path(place.control_plane.kubeconfig).read_text())["clusters"][0]["cluster"]
    return found


@pytest.fixture
def tokens(place: Place) -> dict[str, str]:
    """Of two ServiceAccounts."""
    for name in ("one", "two"):
        place.account(name, [])
    return {name: place.control_plane.token_for(place.namespace, name) for name in ("one", "two")}


async def me(client: Client) -> str:
    """Whom the API server takes us for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.ask("see who I am", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    return str(answer["status"]["userInfo"]["username"]).rpartition(":")[2]


def kubeconfig(file: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Path:
    written = json.loads(write_kubeconfig(file, cluster, "").read_text())
    written["users"][0]["user"] = user
    file.write_text(json.dumps(written))
    return file


async def test_the_files_of_kubeconfig_are_taken(connecting: Any, place: Place) -> None:
    assert await me(await connecting(place.control_plane.kubeconfig)) == "admin"


async def test_without_kubeconfig_it_is_the_one_of_the_user(home: Path, place: Place) -> None:
    (home / ".kube").mkdir()
    (home / ".kube" / "config").symlink_to(place.control_plane.kubeconfig)

    async with await connect() as client:
        assert await me(client) == "admin"


async def test_of_several_files_the_first_that_names_a_context_decides(
    connecting: Any, place: Place, home: Path, cluster: dict[str, Any], tokens: dict[str, str]
) -> None:
    missing, empty, first, second = (home / name for name in ("missing", "empty", "first", "second"))
    empty.write_text("{apiVersion: v1, kind: Config}")
    for file in (first, second):
        named = json.loads(write_kubeconfig(file, cluster, tokens["one" if file == first else "two"]).read_text())
        for kind in ("clusters", "users", "contexts"):
            named[kind][0]["name"] = file.name
        named["contexts"][0]["context"] |= {"cluster": file.name, "user": file.name}
        file.write_text(json.dumps(named | {"current-context": file.name}))

    assert await me(await connecting(":".join(map(str, (missing, empty, first, second))))) == "one"
    assert await me(await connecting(":".join(map(str, (second, first))))) == "two"


async def test_a_token_file_is_read_again_for_each_request(
    connecting: Any, home: Path, cluster: dict[str, Any], tokens: dict[str, str]
) -> None:
    file = home / "token"
    file.write_text(tokens["one"] + "\n")
    client = await connecting(kubeconfig(home / "kubeconfig", cluster, {"tokenFile": "token"}))

    assert await me(client) == "one"
    file.write_text(tokens["two"] + "\n")
    assert await me(client) == "two"

    file.unlink()
    with pytest.raises(ObjectsError, match=r"kubeconfig.* can't be used"):
        await me(client)
    file.write_text(tokens["one"])
    assert await me(client) == "one"


async def _until_me(client: Client) -> str:
    async with asyncio.timeout(60):
        while True:
            with suppress(ObjectsError):
                return await me(client)
            await asyncio.sleep(0.2)


async def test_a_kubeconfig_that_is_replaced_is_read_again_once_its_token_is_refused(
    connecting: Any, home: Path, cluster: dict[str, Any], tokens: dict[str, str]
) -> None:
    client = await connecting(kubeconfig(home / "kubeconfig", cluster, {"token": "revoked"}))

    with pytest.raises(ObjectsError, match="answered 401"):
        await me(client)
    kubeconfig(home / "kubeconfig", cluster, {"token": tokens["two"]})

    assert await _until_me(client) == "two"


async def test_an_authority_that_is_replaced_is_read_again_once_the_server_is_not_believed(
    connecting: Any, home: Path, cluster: dict[str, Any], tokens: dict[str, str]
) -> None:
    other = trusted(cluster["server"], certificates.make(home / "authority").ca)
    client = await connecting(kubeconfig(home / "kubeconfig", other, {"token": tokens["one"]}))

    with pytest.raises(ObjectsError, match="can't be reached"):
        await me(client)
    kubeconfig(home / "kubeconfig", cluster, {"token": tokens["one"]})

    assert await _until_me(client) == "one"


@pytest.mark.filterwarnings("ignore:datetime.*utcnow:DeprecationWarning")  # the library's own
async def test_a_plug_in_is_asked_again_once_its_token_has_expired(
    connecting: Any, home: Path, cluster: dict[str, Any], tokens: dict[str, str]
) -> None:
    plug_in, answer = home / "plug-in.py", home / "answer"
    plug_in.write_text(f"print(open({str(answer)!r}).read())")
    version = "client.authentication.k8s.io/v1"
    command = {"apiVersion": version, "command": sys.executable, "args": [str(plug_in)], "interactiveMode": "Never"}

    def say(name: str, expires: str) -> None:
        status = {"token": tokens[name], "expirationTimestamp": expires}
        answer.write_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))

    say("one", "2020-01-01T00:00:00Z")
    client = await connecting(kubeconfig(home / "kubeconfig", cluster, {"exec": command}))

    assert await me(client) == "one"
    say("two", "2199-01-01T00:00:00Z")
    assert await me(client) == "two"
    say("one", "2199-01-01T00:00:00Z")
    assert await me(client) == "two"


async def test_in_a_pod_it_is_the_service_account_whose_token_is_replaced(
    place: Place, home: Path, monkeypatch: pytest.MonkeyPatch, tokens: dict[str, str]
) -> None:
    file = home / "token"
    file.write_text(tokens["one"])
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(file))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(place.control_plane.api_server.certificates.ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(place.control_plane.api_server.port))

    async with await connect() as client:
        assert await me(client) == "one"
        file.write_text(tokens["two"])
        assert await me(client) == "two"


async def test_where_there_is_no_cluster_it_says_what_to_do() -> None:
    with pytest.raises(ObjectsError, match=r"no Kubernetes cluster.*Let KUBECONFIG name"):
        await connect()


@pytest.mark.parametrize(
    "text",
    [
        "users: [{user: {token: s3cret}}]",
        "{users: [{name: a, user: {token: s3cret}}], current-context: b}",
        "s3cret: [",
        "s3cret",
        "",
    ],
)
async def test_a_broken_kubeconfig_is_told_without_what_is_in_it(connecting: Any, home: Path, text: str) -> None:
    file = home / "broken"
    file.write_text(text)

    with pytest.raises(ObjectsError, match=r"broken can't be used .*kubectl") as told:
        await connecting(file)

    assert "s3cret" not in str(told.value)
    assert told.value.__suppress_context__


async def test_a_server_whose_certificate_is_not_trusted_is_not_talked_to(
    connecting: Any, home: Path, cluster: dict[str, Any]
) -> None:
    stranger = {"server": cluster["server"]}
    client = await connecting(write_kubeconfig(home / "kubeconfig", stranger, "token"))

    with pytest.raises(ObjectsError, match="certificate verify failed"):
        await me(client)
