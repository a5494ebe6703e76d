"""Which cluster and who asks: by kubectl's rules, and where that can't be known, one line says why."""

import base64
import json
import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from mlrollout.cli.cluster.connection import of_environment

from devstack import certificates
from devstack.certificates import Certificates
from tests.components.cli.conftest import Kubeconfig
from tests.support.command_line import Answer, ApiDouble, CommandLine, api_double

LIST: dict[str, Any] = {"kind": "MLRolloutList", "items": [], "metadata": {}}
UNUSABLE = 3
AROUND = "set the rollout's key (spec.traffic.key in its manifest) to 0 in its Redis by hand"
ONE = "{current-context: a, contexts: [{name: a, context: {cluster: c}}]"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def encrypted(authority: Certificates) -> Iterator[ApiDouble]:
    """One that is encrypted, and asks for a client's certificate without insisting on it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca))
    context.load_cert_chain(authority.certificate, authority.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    with api_double(context) as running:
        running.answers["*"] = Answer(LIST)
        yield running


def test_no_kubeconfig(mlrollout: CommandLine) -> None:
    ran = mlrollout("list")
    told = "there is no cluster to talk to: there is no ~/.kube/config. Let KUBECONFIG name the cluster's kubeconfig"
    assert (ran.err, ran.code) == (f"mlrollout list: {told}\n", UNUSABLE)


def test_a_kubeconfig_that_is_not_there(mlrollout: CommandLine) -> None:
    mlrollout.setenv("KUBECONFIG", "/nowhere")
    ran = mlrollout("status", "x")
    assert "there is no cluster to talk to: KUBECONFIG names /nowhere, which is not there." in ran.err
    assert ran.code == UNUSABLE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hunter2: [", "is no YAML"),
        ("current-context: 2026-02-30", "is no YAML"),
        ("current-context: !!bool hunter2", "is no YAML"),
        ("- hunter2", "is none"),
        ("clusters: hunter2", "is none"),
        ("", "has no current context: choose one with --context (it has none)"),
        ("current-context: x", "has no context x: it has none"),
        ("contexts: [{name: a, context: {}}, {name: b, context: {}}]", "choose one with --context (it has a, b)"),
        ("{current-context: prodd, contexts: [{name: prod, context: {}}]}", "has no context prodd: did you mean prod?"),
        (f"{ONE}}}", "names the cluster c, which is not in"),
        ("{current-context: a, contexts: [{name: a}]}", "names the cluster (none), which is not in"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], clusters: [{name: c}]}",
            "names the user u, which is not in",
        ),
        (f"{ONE}, clusters: [{{name: c}}]}}", "the context a has no server that can be used: it names none"),
        (f"{ONE}, clusters: [{{name: c, cluster: {{server: 'ftp://x'}}}}]}}", "no server that can be used: ftp://x"),
    ],
)
def test_a_kubeconfig_that_says_nothing_that_can_be_used(
    mlrollout: CommandLine, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    mlrollout.setenv("KUBECONFIG", file)
    ran = mlrollout("list")
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert "hunter2" not in ran.err
    assert ran.code == UNUSABLE


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig in a folder that nobody may enter."""
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.joinpath("kubeconfig").write_text("{}")
    folder.chmod(0)
    yield folder / "kubeconfig"
    folder.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_kubeconfig_that_may_not_be_looked_for(mlrollout: CommandLine, shut: Path) -> None:
    mlrollout.setenv("KUBECONFIG", shut)
    ran = mlrollout("list")
    assert ran.err == f"mlrollout list: the kubeconfig {shut} can't be read (Permission denied)\n"
    assert ran.code == UNUSABLE


def _refused(*_: object, **__: object) -> str:
    raise PermissionError(13, "Permission denied")


def test_what_a_folder_keeps_from_whoever_looks_is_told_with_the_way_around(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kubeconfig(double.url)
    monkeypatch.setattr(Path, "is_file", _refused)
    monkeypatch.setattr(Path, "read_text", _refused)
    ran = mlrollout("rollback", "x", "--reason", "y")
    assert ran.err.startswith(f"mlrollout rollback: the kubeconfig {file} can't be read (Permission denied). Nothing")
    assert (AROUND in ran.err, ran.code) == (True, UNUSABLE)


def test_without_a_home_there_is_no_kubeconfig(mlrollout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)
    ran = mlrollout("list")
    assert "there is no cluster to talk to: there is no ~/.kube/config. Let KUBECONFIG name" in ran.err
    assert ran.code == UNUSABLE


@pytest.mark.parametrize(
    ("server", "cluster", "told"),
    [
        ("https://a..b:6443", {}, "the context here has no server that can be used: https://a..b:6443"),
        ("https://a", {"proxy-url": "http://a..b"}, "the proxy http://a..b can't be used"),
        ("http://a", {"tls-server-name": "a..b"}, "the tls-server-name of the context here is no name of a host: a..b"),
        ("https://bob:hunter2@a..b", {}, "the context here has no server that can be used: https://a..b"),
        ("https://bob:hunter2/x@a", {}, "the context here has no server that can be used: a"),
    ],
)
def test_a_host_that_no_host_can_be_called(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, server: str, cluster: dict[str, str], told: str
) -> None:
    kubeconfig(server, cluster=cluster)
    ran = mlrollout("rollback", "x", "--reason", "y")
    assert told in ran.err
    assert ("hunter2" in ran.err, AROUND in ran.err, ran.code) == (False, True, UNUSABLE)
    ran = mlrollout("doctor", "-o", "json")
    assert [one["about"] for one in json.loads(ran.out)["findings"]][0::7] == ["API server", "clocks"]
    assert (ran.err, ran.code) == ("", UNUSABLE)


def test_a_password_in_the_servers_address_is_shown_to_nobody(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, closed: int
) -> None:
    double.answers["*"] = Answer(LIST)
    kubeconfig(f"http://bob:hunter2@127.0.0.1:{closed}")
    ran = mlrollout("list")
    assert f"the API server 127.0.0.1:{closed} can't be reached" in ran.err
    assert "hunter2" not in ran.err
    kubeconfig(double.url.replace("//", "//bob:hunter2@"))
    ran = mlrollout("doctor")
    assert "hunter2" not in ran.out + ran.err
    assert f"127.0.0.1:{double.port}" in ran.out


def test_of_several_files_the_first_that_names_something_stands(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path
) -> None:
    double.answers["*"] = Answer(LIST)
    second = kubeconfig(double.url, {"token": "second"}, namespace="there")
    first = tmp_path / "first"
    first.write_text("users: [{name: u, user: {token: first}}]")
    mlrollout.setenv("KUBECONFIG", f"{first}:/nowhere:{second}")
    ran = mlrollout("list")

    assert ran.err == "There is no MLRollout in the namespace there.\n"
    assert double.asked[0].headers["Authorization"] == "Bearer first"
    assert "/namespaces/there/mlrollouts" in double.asked[0].path


def test_a_context_and_a_namespace_can_be_chosen(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble
) -> None:
    double.answers["*"] = Answer(LIST)
    file = kubeconfig(double.url)
    found = yaml.safe_load(file.read_text())
    found["contexts"].append({"name": "other", "context": {"cluster": "c", "user": "u", "namespace": "there"}})
    file.write_text(yaml.safe_dump(found))

    assert "namespace there" in mlrollout("list", "--context", "other").err
    assert "namespace elsewhere" in mlrollout("list", "--context", "other", "-n", "elsewhere").err
    assert "in any namespace" in mlrollout("list", "-A", "-l", "team=dispatch").err
    assert double.asked[-1].path == "/apis/mlrollout.dev/v1alpha1/mlrollouts?limit=500&labelSelector=team%3Ddispatch"
    ran = mlrollout("list", "--context", "othr")
    assert "has no context othr: did you mean other?" in ran.err
    assert ran.code == UNUSABLE


def test_a_server_may_lie_below_a_path(mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble) -> None:
    double.answers["*"] = Answer(LIST)
    kubeconfig(f"{double.url}/k8s/clusters/c-1/")
    assert mlrollout("list").code == 0
    assert double.asked[0].path.startswith("/k8s/clusters/c-1/apis/mlrollout.dev/")


@pytest.mark.parametrize(
    ("user", "headers"),
    [
        ({"token": "t"}, {"Authorization": "Bearer t"}),
        ({"token": "t\n"}, {"Authorization": "Bearer t"}),
        ({"token": "t", "as": "한 é\n"}, {"Impersonate-User": "한 é".encode().decode("latin-1")}),
        ({"username": "jane", "password": "p"}, {"Authorization": "Basic amFuZTpw"}),
        ({"auth-provider": {"name": "oidc", "config": {"id-token": "i"}}}, {"Authorization": "Bearer i"}),
        (
            {"token": "t", "as": "jane", "as-uid": "1", "as-groups": ["g"], "as-user-extra": {"a/b": ["c"]}},
            {
                "Impersonate-User": "jane",
                "Impersonate-Uid": "1",
                "Impersonate-Group": "g",
                "Impersonate-Extra-a%2Fb": "c",
            },
        ),
    ],
)
def test_who_asks(
    mlrollout: CommandLine,
    kubeconfig: Kubeconfig,
    double: ApiDouble,
    user: dict[str, Any],
    headers: dict[str, str],
) -> None:
    double.answers["*"] = Answer(LIST)
    kubeconfig(double.url, user)
    assert mlrollout("list").code == 0
    assert headers.items() <= double.asked[0].headers.items()


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "hunter2\nhunter2"}, "Authorization"),
        ({"auth-provider": {"config": {"id-token": "hunter2\r\nX: hunter2"}}}, "Authorization"),
        ({"token": "t", "as": "hunter2\nhunter2"}, "Impersonate-User"),
        ({"token": "t", "as-groups": ["hunter2\0hunter2"]}, "Impersonate-Group"),
    ],
)
def test_what_no_header_can_carry_is_not_shown(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, user: dict[str, Any], header: str
) -> None:
    kubeconfig(double.url, user)
    ran = mlrollout("list")
    assert f"what the user of the context here is known by (sent as {header}) has a line break" in ran.err
    assert (ran.err.count("\n"), "hunter2" in ran.err, ran.code) == (1, False, UNUSABLE)


def test_a_token_in_a_file_beside_the_kubeconfig(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    double.answers["*"] = Answer(LIST)
    kubeconfig(double.url, {"token": "old", "tokenFile": "token"})
    assert mlrollout("list").code == 0
    assert double.asked[0].headers["Authorization"] == "Bearer from-a-file"

    (tmp_path / "token").write_bytes(b"\xff")
    ran = mlrollout("list")
    assert (f"the token file {tmp_path}/token can't be read (it is no text)" in ran.err, ran.code) == (True, UNUSABLE)

    (tmp_path / "token").unlink()
    ran = mlrollout("list")
    assert f"the token file {tmp_path}/token can't be read (No such file or directory)" in ran.err
    assert ran.code == UNUSABLE


def _plugin(folder: Path, script: str) -> dict[str, Any]:
    file = folder / "plugin"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    version = "client.authentication.k8s.io/v1"
    return {
        "exec": {
            "apiVersion": version,
            "command": str(file),
            "args": ["get-token"],
            "env": [{"name": "PROFILE", "value": "prod"}],
            "provideClusterInfo": True,
            "installHint": "Install it\nfrom there",
        }
    }


def test_a_plug_in_says_who_asks_and_is_asked_again_when_that_is_refused(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script = f"""
    echo "$1 $PROFILE $KUBERNETES_EXEC_INFO" >> {asked}
    n=$(wc -l < {asked})
    echo '{{"kind": "ExecCredential", "status": {{"token": "token-'$n'"}}}}'
    """
    kubeconfig(double.url, _plugin(tmp_path, script))
    double.answers["*"] = lambda asked: Answer(
        LIST if asked.headers["Authorization"].endswith("2") else {"kind": "Status"},
        200 if asked.headers["Authorization"].endswith("2") else 401,
    )
    assert mlrollout("list").code == 0
    first = asked.read_text().splitlines()[0]
    assert first.startswith("get-token prod ")
    info = json.loads(first.removeprefix("get-token prod "))
    assert info["spec"]["cluster"]["server"] == double.url


def test_a_plug_ins_token_that_no_header_can_carry_is_not_shown(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path
) -> None:
    kubeconfig(double.url, _plugin(tmp_path, """printf '{"status": {"token": "hunter2%sn2"}}' '\\'"""))
    ran = mlrollout("list")
    assert "(sent as Authorization) has a line break" in ran.err
    assert ("hunter2" in ran.err, ran.code) == (False, UNUSABLE)


def test_a_plug_in_may_lie_beside_the_kubeconfig_or_on_path(
    mlrollout: CommandLine,
    kubeconfig: Kubeconfig,
    double: ApiDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    double.answers["*"] = Answer(LIST)
    user = _plugin(tmp_path, """echo '{"status": {"token": "t"}}'""")
    user["exec"]["command"] = "./plugin"
    kubeconfig(double.url, user)
    assert mlrollout("list").code == 0

    monkeypatch.chdir(tmp_path)
    mlrollout.setenv("KUBECONFIG", "kubeconfig")
    assert mlrollout("list").code == 0

    user["exec"]["command"] = "plugin"
    kubeconfig(double.url, user)
    assert "can't be run (No such file or directory)" in mlrollout("list").err
    mlrollout.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert mlrollout("list").code == 0


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ({"exec": "hunter2"}, "exec"),
        ({"auth-provider": "hunter2"}, "auth-provider"),
        ({"auth-provider": {"config": "hunter2"}}, "config"),
        ({"token": "t", "as-user-extra": ["hunter2"]}, "as-user-extra"),
    ],
)
def test_a_user_of_another_shape(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, user: dict[str, Any], what: str
) -> None:
    kubeconfig(double.url, user)
    ran = mlrollout("list")
    assert ran.err == (
        f"mlrollout list: the {what} of a user is no mapping, so nobody can log in by it: mend the kubeconfig\n"
    )
    assert ran.code == UNUSABLE


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ({"exec": {"command": "hunter2", "args": 5}}, "args"),
        ({"exec": {"command": "hunter2", "env": 5}}, "env"),
        ({"token": "t", "as-groups": "hunter2"}, "as-groups"),
        ({"token": "t", "as-groups": 5}, "as-groups"),
        ({"token": "t", "as-user-extra": {"a": 5}}, "a"),
        ({"token": "t", "as-user-extra": {"a": "hunter2"}}, "a"),
    ],
)
def test_what_is_no_list_is_named(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, user: dict[str, Any], what: str
) -> None:
    kubeconfig(double.url, user)
    ran = mlrollout("list")
    told = f"the {what} of a user is no list, so nobody can log in by it: mend the kubeconfig"
    assert (ran.err, ran.code) == (f"mlrollout list: {told}\n", UNUSABLE)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 1", "failed: run it by hand to see why"),
        ("echo nonsense", "failed: run it by hand to see why"),
        ("echo '[]'", "failed: run it by hand to see why"),
    ],
)
def test_a_plug_in_that_fails(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path, script: str, told: str
) -> None:
    kubeconfig(double.url, _plugin(tmp_path, script))
    ran = mlrollout("list")
    assert f"{tmp_path}/plugin, by which the kubeconfig logs in, {told}" in ran.err
    assert ran.code == UNUSABLE


def test_a_plug_in_that_is_not_installed_is_told_with_its_hint(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path
) -> None:
    user = _plugin(tmp_path, "true")
    (tmp_path / "plugin").unlink()
    kubeconfig(double.url, user)
    ran = mlrollout("list")
    assert "can't be run (No such file or directory). Install it from there" in ran.err
    assert ran.code == UNUSABLE


# --- encryption ---


def _data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def test_a_server_is_trusted_by_the_authority_of_the_kubeconfig(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, encrypted: ApiDouble, authority: Certificates
) -> None:
    kubeconfig(encrypted.url, cluster={"certificate-authority-data": _data(authority.ca)})
    assert mlrollout("list").code == 0
    kubeconfig(encrypted.url, cluster={"certificate-authority": str(authority.ca)})
    assert mlrollout("list").code == 0
    kubeconfig(encrypted.url, cluster={"insecure-skip-tls-verify": True})
    assert mlrollout("list").code == 0
    assert not any(asked.certificate for asked in encrypted.asked)


def test_a_server_that_can_not_be_trusted(mlrollout: CommandLine, kubeconfig: Kubeconfig, encrypted: ApiDouble) -> None:
    kubeconfig(encrypted.url)
    ran = mlrollout("list")
    assert f"the API server 127.0.0.1:{encrypted.port} can't be trusted (" in ran.err
    assert ran.err.endswith("see the certificate-authority in the kubeconfig\n")
    assert ran.code == UNUSABLE
    assert encrypted.asked == []


@pytest.mark.parametrize("said", ["false", "true", 1])
def test_verification_is_switched_off_by_true_alone(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, encrypted: ApiDouble, said: str | int
) -> None:
    kubeconfig(encrypted.url, cluster={"insecure-skip-tls-verify": said})
    ran = mlrollout("list")
    told = "the insecure-skip-tls-verify of the context here is neither true nor false: mend the kubeconfig"
    assert (ran.err, ran.code) == (f"mlrollout list: {told}\n", UNUSABLE)
    assert encrypted.asked == []


def test_a_server_under_another_name(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, encrypted: ApiDouble, authority: Certificates
) -> None:
    trusted = {"certificate-authority": str(authority.ca)}
    kubeconfig(encrypted.url, cluster=trusted | {"tls-server-name": "localhost"})
    assert mlrollout("list").code == 0
    kubeconfig(encrypted.url, cluster=trusted | {"tls-server-name": "elsewhere"})
    assert "can't be trusted" in mlrollout("list").err


def test_a_users_own_certificate_is_shown(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, encrypted: ApiDouble, authority: Certificates
) -> None:
    trusted = {"certificate-authority": str(authority.ca)}
    files = {"client-certificate": str(authority.certificate), "client-key": str(authority.key)}
    data = {"client-certificate-data": _data(authority.certificate), "client-key-data": _data(authority.key)}
    for user in (files, data):
        kubeconfig(encrypted.url, user, cluster=trusted)
        assert mlrollout("list").code == 0
        assert encrypted.asked[-1].certificate


@pytest.mark.parametrize(
    ("user", "cluster", "told"),
    [
        ({"client-certificate-data": "aHVudGVyMg=="}, {}, "a certificate of the context here can't be used"),
        ({}, {"certificate-authority-data": "hunter2!"}, "the certificate-authority of the kubeconfig can't be read"),
        ({}, {"certificate-authority": "missing"}, "can't be read (No such file or directory)"),
        ({}, {"certificate-authority-data": "aHVudGVyMg=="}, "a certificate of the context here can't be used"),
    ],
)
def test_certificates_that_are_none(
    mlrollout: CommandLine,
    kubeconfig: Kubeconfig,
    encrypted: ApiDouble,
    user: dict[str, str],
    cluster: dict[str, str],
    told: str,
) -> None:
    kubeconfig(encrypted.url, user or None, cluster=cluster)
    ran = mlrollout("list")
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert "hunter2" not in ran.err
    assert ran.code == UNUSABLE


# --- a proxy ---


def test_a_proxy_of_the_kubeconfig_is_shown_the_user_and_the_password_in_its_address(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble
) -> None:
    double.answers |= {"10.99.0.1": Answer(b""), "*": Answer(LIST)}
    kubeconfig("http://10.99.0.1:6443", cluster={"proxy-url": double.url.replace("//", "//jane%40x:p%3A%ED%95%9C@")})
    assert mlrollout("list").code == 0
    way, asked = double.asked
    assert (way.method, way.path) == ("CONNECT", "10.99.0.1:6443")
    assert base64.b64decode(way.headers["Proxy-Authorization"].removeprefix("Basic ")).decode() == "jane@x:p:한"
    assert "Authorization" not in way.headers
    assert (asked.headers["Authorization"], "Proxy-Authorization" in asked.headers) == ("Bearer hunter2", False)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, "403 Forbidden\n"),
        (
            407,
            "407 Proxy Authentication Required. Write a user and a password that it takes into its address: proxy-url ",
        ),
    ],
)
def test_a_proxy_that_lets_nobody_through_is_named(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, status: int, told: str
) -> None:
    double.answers["*"] = Answer(b"", status)
    kubeconfig("https://10.99.0.1:6443", cluster={"proxy-url": double.url.replace("//", "//jane:hunter2@")})
    ran = mlrollout("list")
    assert f"the API server 10.99.0.1:6443 can't be reached: the proxy 127.0.0.1 answered {told}" in ran.err
    assert ("hunter2" in ran.err, ran.err.count("\n"), ran.code) == (False, 1, UNUSABLE)


def test_a_proxy_of_the_environment_is_one_as_well(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble
) -> None:
    double.answers["*"] = Answer(b"", 403)
    mlrollout.setenv("HTTPS_PROXY", double.url)
    kubeconfig("https://10.99.0.1:6443")
    assert "can't be reached: the proxy 127.0.0.1 answered 403 Forbidden" in mlrollout("list").err


@pytest.mark.parametrize("proxy", ["socks5://10.0.0.1:1080", "https://u:hunter2@proxy"])
def test_a_proxy_of_a_kind_that_is_not_known(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, proxy: str
) -> None:
    kubeconfig(double.url, cluster={"proxy-url": proxy})
    ran = mlrollout("list")
    assert "can't be used: this program knows those with http:// alone" in ran.err
    assert "hunter2" not in ran.err
    assert ran.code == UNUSABLE


def test_a_proxy_that_can_not_be_reached_is_named(mlrollout: CommandLine, kubeconfig: Kubeconfig, closed: int) -> None:
    kubeconfig("https://10.99.0.1:6443", cluster={"proxy-url": f"http://jane:hunter2@127.0.0.1:{closed}"})
    ran = mlrollout("list")
    why = f"the proxy 127.0.0.1:{closed} can't be worked with (Connection refused)"
    assert f"the API server 10.99.0.1:6443 can't be reached: {why}\n" in ran.err
    assert ("hunter2" in ran.err, ran.code) == (False, UNUSABLE)


def test_what_is_on_this_machine_is_asked_without_a_proxy(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, closed: int
) -> None:
    double.answers["*"] = Answer(LIST)
    mlrollout.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed}")
    for server in (double.url, double.url.replace("127.0.0.1", "localhost")):
        kubeconfig(server)
        assert mlrollout("list").code == 0
    kubeconfig(double.url, cluster={"proxy-url": f"http://127.0.0.1:{closed}"})
    assert mlrollout("list").code == UNUSABLE


@pytest.mark.parametrize(
    ("server", "kept", "direct"),
    [
        ("https://10.1.2.3:6443", "", False),
        ("https://10.1.2.3:6443", "x, 10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.0.0.0/16,10.0/8,10.1.2.0/33", False),
        ("https://10.1.2.3:6443", "10.1.2.3", True),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3:6443", "10.1.2.3:443", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://[fd00::1]:6443", "fd00::1", True),
        ("https://127.8.8.8", "", True),
        ("https://[::1]", "", True),
        ("https://localhost", "", True),
        ("https://kubernetes.Example.com", "example.com", True),
        ("https://kubernetes.example.com", ".EXAMPLE.com", True),
        ("https://kubernetes.example.com", "*.example.com", True),
        ("https://kubernetes.example.com", "example.com:8443", False),
        ("https://example.com", "example.com", True),
        ("https://example.com", ".example.com", False),
        ("https://notexample.com", "example.com", False),
        ("https://example.com", ":443, ., ,*.", False),
        ("https://example.com", "other,*", True),
        ("https://example.com", "10.0.0.0/8", False),
    ],
)
def test_no_proxy_is_heard_as_kubectl_hears_it(mlrollout: CommandLine, server: str, kept: str, *, direct: bool) -> None:
    mlrollout.setenv("HTTPS_PROXY", "http://proxy")
    mlrollout.setenv("no_proxy", kept)
    assert of_environment(urlsplit(server)) == ("" if direct else "http://proxy")


def test_of_two_spellings_kubectl_hears_the_great_one(mlrollout: CommandLine) -> None:
    mlrollout.setenv("https_proxy", "http://small")
    assert of_environment(urlsplit("https://example.com")) == "http://small"
    mlrollout.setenv("HTTPS_PROXY", "http://great")
    assert of_environment(urlsplit("https://example.com")) == "http://great"
    assert not of_environment(urlsplit("http://example.com"))
