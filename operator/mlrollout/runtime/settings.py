"""The operator's settings. Secrets come from the environment or a file, never from a flag."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlrollout.redis_common.address import NO_FILES, Tls
from mlrollout.startup.settings import SettingsError, redis_tls, redis_url
from mlrollout.startup.settings import listen as address

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "mlrollout-system"
DEFAULT_LISTEN = "127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set.

    Attributes:
        redis_url: Its own Redis; empty for none.
        redis_tls: Files for Redis with TLS.
        prometheus_address: Its own Prometheus; empty for none.
        allowed_prometheus: Patterns of the addresses that an object may name.
        host: Where its HTTP server listens.
        port: Likewise; 0 for any free one.
        namespace: Where its Lease lives.
        watched: The namespace whose objects it looks after; empty for those of every namespace.
        json_logs: Whether logs are JSON rather than for reading.
    """

    redis_url: str = ""
    redis_tls: Tls = NO_FILES
    prometheus_address: str = ""
    allowed_prometheus: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8080
    namespace: str = DEFAULT_NAMESPACE
    watched: str = ""
    json_logs: bool = True

    def __repr__(self) -> str:
        """Without the Redis URL, which holds a password."""
        redis = "set" if self.redis_url else "none"
        return (
            f"Settings(listen={self.host}:{self.port}, redis={redis}, prometheus={self.prometheus_address or 'none'}, "
            f"watched={self.watched or 'every namespace'})"
        )


def load(
    environment: Mapping[str, str] = os.environ,
    *,
    prometheus_address: str | None = None,
    allowed_prometheus: tuple[str, ...] = (),
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
    patterns = allowed_prometheus or tuple(environment.get("MLROLLOUT_ALLOWED_PROMETHEUS", "").split(","))
    return Settings(
        redis_url=redis_url(environment),
        redis_tls=redis_tls(environment),
        prometheus_address=prometheus_address or environment.get("MLROLLOUT_PROMETHEUS_URL", ""),
        allowed_prometheus=tuple(_pattern(pattern.strip()) for pattern in patterns if pattern.strip()),
        host=host,
        port=port,
        namespace=namespace or environment.get("MLROLLOUT_NAMESPACE") or _own_namespace(),
        watched=_watched(watched or environment.get("MLROLLOUT_WATCH_NAMESPACE", "")),
        json_logs=json_logs,
    )


def _pattern(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise SettingsError(
            f"{text!r} is no pattern of Prometheus addresses: write for example http://prometheus.*.svc:9090, "
            "where * stands for one part of a name"
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
