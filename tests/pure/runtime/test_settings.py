"""What the operator is told at its start, and how it says that this makes no sense."""

from pathlib import Path

import pytest
from mlrollout.redis_common.address import Tls
from mlrollout.runtime.settings import DEFAULT_NAMESPACE, Settings, load
from mlrollout.startup.settings import SettingsError


def test_nothing_set_listens_on_this_machine_alone() -> None:
    assert load({}) == Settings(host="127.0.0.1", port=8080, namespace=DEFAULT_NAMESPACE)


def test_the_environment_is_enough() -> None:
    environment = {
        "MLROLLOUT_REDIS_URL": "redis://redis",
        "MLROLLOUT_PROMETHEUS_URL": "http://prometheus:9090",
        "MLROLLOUT_ALLOWED_PROMETHEUS": "http://a:9090, https://prometheus.*.example.com,",
        "MLROLLOUT_ALLOWED_REVISION_SOURCES": "http://mlflow.*:5000",
        "MLROLLOUT_LISTEN": "0.0.0.0:9000",
        "MLROLLOUT_NAMESPACE": "rollouts",
        "MLROLLOUT_WATCH_NAMESPACE": "dispatch",
        "MLROLLOUT_PROMETHEUS_AUTH": "/etc/auth",
    }
    assert load(environment) == Settings(
        redis_url="redis://redis",
        prometheus_address="http://prometheus:9090",
        allowed_prometheus=("http://a:9090", "https://prometheus.*.example.com"),
        allowed_revision_sources=("http://mlflow.*:5000",),
        host="0.0.0.0",  # noqa: S104 - as asked
        port=9000,
        namespace="rollouts",
        watched="dispatch",
        prometheus_auth=Path("/etc/auth"),
    )


def test_files_for_tls_are_named_by_the_environment(tmp_path: Path) -> None:
    authority, certificate, key = (tmp_path / name for name in ("ca.crt", "tls.crt", "tls.key"))
    environment = {
        "MLROLLOUT_REDIS_CA": str(authority),
        "MLROLLOUT_REDIS_CERTIFICATE": str(certificate),
        "MLROLLOUT_REDIS_KEY": str(key),
    }
    with pytest.raises(SettingsError, match=r"ca.crt for Redis does not exist. Mount it, or correct the path"):
        load(environment)
    for file in (authority, certificate, key):
        file.touch()
    assert load(environment).redis_tls == Tls(authority, certificate, key)


def test_a_flag_wins() -> None:
    environment = {
        "MLROLLOUT_PROMETHEUS_URL": "http://prometheus:9090",
        "MLROLLOUT_ALLOWED_PROMETHEUS": "http://a:9090",
        "MLROLLOUT_ALLOWED_REVISION_SOURCES": "http://mlflow:5000",
        "MLROLLOUT_LISTEN": "0.0.0.0:9000",
        "MLROLLOUT_NAMESPACE": "rollouts",
        "MLROLLOUT_WATCH_NAMESPACE": "dispatch",
    }
    loaded = load(
        environment,
        prometheus_address="http://other",
        allowed_prometheus=("http://b",),
        allowed_revision_sources=("http://c",),
        listen="127.0.0.1:1",
        namespace="elsewhere",
        watched="pricing",
        json_logs=False,
    )
    assert loaded == Settings(
        prometheus_address="http://other",
        allowed_prometheus=("http://b",),
        allowed_revision_sources=("http://c",),
        port=1,
        namespace="elsewhere",
        watched="pricing",
        json_logs=False,
    )


@pytest.mark.parametrize("name", ["Dispatch", "*", "a,b", "-a", "a" * 64])
def test_what_is_no_namespace_is_not_watched(name: str) -> None:
    with pytest.raises(SettingsError, match="no namespace to watch: name one with --watch-namespace"):
        load({"MLROLLOUT_WATCH_NAMESPACE": name})


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        (":9000", "", 9000),
        ("[::1]:0", "::1", 0),
        ("[::]:65535", "::", 65535),
        ("localhost:08080", "localhost", 8080),
    ],
)
def test_addresses_to_listen_on(text: str, host: str, port: int) -> None:
    loaded = load({"MLROLLOUT_LISTEN": text})
    assert (loaded.host, loaded.port) == (host, port)


@pytest.mark.parametrize(
    "text", ["8080", "localhost", "localhost:", "localhost:http", "a:65536", "a:-1", "a:8²", "a: 1"]
)
def test_what_is_no_address_to_listen_on_is_told_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"no address to listen on: write host:port, for example 0.0.0.0:8080"):
        load({"MLROLLOUT_LISTEN": text})


@pytest.mark.parametrize("text", ["*", "prometheus:9090", "*://prometheus", "ftp://prometheus"])
def test_what_is_no_pattern_is_told_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"no pattern of Prometheus addresses: write for example http://"):
        load({"MLROLLOUT_ALLOWED_PROMETHEUS": f"http://a,{text}"})
    with pytest.raises(SettingsError, match=r"no pattern of sources of revisions: write for example http://mlflow"):
        load({"MLROLLOUT_ALLOWED_REVISION_SOURCES": f"http://a,{text}"})


def test_the_redis_url_may_stand_in_a_file_which_wins(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("rediss://user:password@redis\n")
    environment = {"MLROLLOUT_REDIS_URL_FILE": str(file), "MLROLLOUT_REDIS_URL": "redis://other"}
    assert load(environment).redis_url == "rediss://user:password@redis"


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"", "holds no text"), (b"\xff\xfe", "no text")])
def test_a_file_without_a_url_is_told_by_its_path(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=why) as refused:
        load({"MLROLLOUT_REDIS_URL_FILE": str(file)})
    assert str(file) in str(refused.value)


def test_a_folder_in_its_place_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load({"MLROLLOUT_REDIS_URL_FILE": str(tmp_path)})


def test_what_is_printed_holds_no_password() -> None:
    assert "hunter2" not in repr(load({"MLROLLOUT_REDIS_URL": "redis://:hunter2@redis"}))


def test_what_objects_may_be_notified_at_is_read() -> None:
    environment = {
        "MLROLLOUT_NOTIFICATIONS_FILE": "/etc/notifications.yaml",
        "MLROLLOUT_ALLOWED_RECEIVERS": "https://hooks.*.example.com/, slack",
        "MLROLLOUT_ALLOWED_RECEIVER_NETWORKS": "10.20.0.0/16,fd00::/64",
    }
    loaded = load(environment)
    assert loaded.notifications_file == Path("/etc/notifications.yaml")
    assert loaded.allowed_receivers == ("https://hooks.*.example.com", "slack")
    assert [str(one) for one in loaded.allowed_networks.allowed] == ["10.20.0.0/16", "fd00::/64"]
    flags = load(environment, notifications="/x", allowed_receivers=("teams",), allowed_networks=("::/0",))
    assert (flags.notifications_file, flags.allowed_receivers) == (Path("/x"), ("teams",))


@pytest.mark.parametrize(
    "pattern", ["http", "https://hooks.example.com/path", "slack://token", "hooks.example.com", "https://a@b", ""]
)
def test_a_pattern_of_receivers_is_refused_where_it_can_match_nothing(pattern: str) -> None:
    with pytest.raises(SettingsError, match="no pattern of receivers' addresses"):
        load({}, allowed_receivers=(pattern,))


def test_a_range_is_refused_where_it_is_none() -> None:
    with pytest.raises(SettingsError, match="write a range of IP addresses"):
        load({}, allowed_networks=("cluster.local",))
