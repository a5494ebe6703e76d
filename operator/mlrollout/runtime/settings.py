"""The operator's settings. Secrets come from the environment or a file, never from a flag."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlrollout.adapters.receivers.networks import Networks, networks
from mlrollout.redis_common.address import NO_FILES, Tls
from mlrollout.startup.settings import SettingsError, redis_tls, redis_url, redis_url_file
from mlrollout.startup.settings import listen as address

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "mlrollout-system"
DEFAULT_LISTEN = "127.0.0.1:8080"
_A_PROMETHEUS = "http://prometheus.*.svc:9090"
_A_REGISTRY = "http://mlflow.*.svc:5000"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set.

    Attributes:
        redis_url: Its own Redis; empty for none.
        redis_url_file: The file that this URL was read from; `None` for none.
        redis_tls: Files for Redis with TLS.
        prometheus_address: Its own Prometheus; empty for none.
        prometheus_auth: The folder with what that one is shown; `None` for nothing.
        allowed_prometheus: Patterns of the addresses that an object may name.
        allowed_revision_sources: Patterns of the addresses that may name an object's revision.
        host: Where its HTTP server listens.
        port: Likewise; 0 for any free one.
        namespace: Where its Lease lives.
        watched: The namespace whose objects it looks after; empty for those of every namespace.
        json_logs: Whether logs are JSON rather than for reading.
        notifications_file: The administrator's file of notifications; `None` for none.
        allowed_receivers: Patterns of the addresses that an object's receivers may have.
        allowed_networks: Ranges beside the public internet that these may lead to.
    """

    redis_url: str = ""
    redis_url_file: Path | None = None
    redis_tls: Tls = NO_FILES
    prometheus_address: str = ""
    prometheus_auth: Path | None = None
    allowed_prometheus: tuple[str, ...] = ()
    allowed_revision_sources: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8080
    namespace: str = DEFAULT_NAMESPACE
    watched: str = ""
    json_logs: bool = True
    notifications_file: Path | None = None
    allowed_receivers: tuple[str, ...] = ()
    allowed_networks: Networks = Networks()  # noqa: RUF009 - it is frozen

    def __repr__(self) -> str:
        """Without the Redis URL, which holds a password."""
        redis = "set" if self.redis_url else "none"
        return (
            f"Settings(listen={self.host}:{self.port}, redis={redis}, prometheus={self.prometheus_address or 'none'}, "
            f"watched={self.watched or 'every namespace'})"
        )


def load(  # noqa: PLR0913 - a flag each
    environment: Mapping[str, str] = os.environ,
    *,
    prometheus_address: str | None = None,
    allowed_prometheus: tuple[str, ...] = (),
    allowed_revision_sources: tuple[str, ...] = (),
    notifications: str | None = None,
    allowed_receivers: tuple[str, ...] = (),
    allowed_networks: tuple[str, ...] = (),
    listen: str | None = None,
    namespace: str | None = None,
    watched: str | None = None,
    json_logs: bool = True,
) -> Settings:
    """The settings of flags and environment; a flag wins.

    Raises:
        SettingsError: Something does not make sense.
    """
    host, port = address(listen or environment.get("MLROLLOUT_LISTEN") or DEFAULT_LISTEN)
    file = notifications or environment.get("MLROLLOUT_NOTIFICATIONS_FILE")
    prometheus = allowed_prometheus or _items(environment, "MLROLLOUT_ALLOWED_PROMETHEUS")
    sources = allowed_revision_sources or _items(environment, "MLROLLOUT_ALLOWED_REVISION_SOURCES")
    receivers = allowed_receivers or _items(environment, "MLROLLOUT_ALLOWED_RECEIVERS")
    ranges = allowed_networks or _items(environment, "MLROLLOUT_ALLOWED_RECEIVER_NETWORKS")
    return Settings(
        redis_url=redis_url(environment),
        redis_url_file=redis_url_file(environment),
        redis_tls=redis_tls(environment),
        prometheus_address=prometheus_address or environment.get("MLROLLOUT_PROMETHEUS_URL", ""),
        prometheus_auth=Path(auth) if (auth := environment.get("MLROLLOUT_PROMETHEUS_AUTH")) else None,
        allowed_prometheus=tuple(_pattern(one, "Prometheus addresses", _A_PROMETHEUS) for one in prometheus),
        allowed_revision_sources=tuple(_pattern(one, "sources of revisions", _A_REGISTRY) for one in sources),
        notifications_file=Path(file) if file else None,
        allowed_receivers=tuple(map(_receiver, receivers)),
        allowed_networks=_networks(ranges),
        host=host,
        port=port,
        namespace=namespace or environment.get("MLROLLOUT_NAMESPACE") or _own_namespace(),
        watched=_watched(watched or environment.get("MLROLLOUT_WATCH_NAMESPACE", "")),
        json_logs=json_logs,
    )


def _items(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """What stands in a variable, with commas between."""
    return tuple(item.strip() for item in environment.get(name, "").split(",") if item.strip())


def _receiver(text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9+-]*", text) and text not in ("http", "https"):
        return text
    if re.fullmatch(r"https?://[A-Za-z0-9.*_:\[\]-]+/?", text):
        return text.rstrip("/")
    raise SettingsError(
        f"{text!r} is no pattern of receivers' addresses: write for webhooks https://hooks.*.example.com, where * "
        "stands for one part of a name, without path; or a service as Apprise calls it, for example slack"
    )


def _networks(texts: tuple[str, ...]) -> Networks:
    try:
        return networks(texts)
    except ValueError as error:
        raise SettingsError(f"{error}: write a range of IP addresses, for example 10.20.0.0/16") from error


def _pattern(text: str, what: str, example: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise SettingsError(
            f"{text!r} is no pattern of {what}: write for example {example}, where * stands for one part of a name"
        )
    return text


def _watched(text: str) -> str:
    if text and not re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", text):
        raise SettingsError(
            f"{text!r} is no namespace to watch: name one with --watch-namespace, or leave it out for every namespace"
        )
    return text


def _own_namespace() -> str:
    try:
        return SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE
