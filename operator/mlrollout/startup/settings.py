"""Settings that every process reads alike: the URL of Redis, an address to listen on; and a wrong setting's error."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from mlrollout.redis_common.address import Tls
from mlrollout.redis_common.failure import UnusableRedisError


class SettingsError(ValueError):
    """The process can't start with these settings; the text says which and what to do."""


def redis_url(environment: Mapping[str, str]) -> str:
    """The URL of Redis, from the environment or the file that it names; empty for none.

    Raises:
        SettingsError: The file can't be read.
    """
    path = redis_url_file(environment)
    if path is None:
        return environment.get("MLROLLOUT_REDIS_URL", "")
    try:
        url = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"MLROLLOUT_REDIS_URL_FILE names {path}, which can't be read ({error.strerror}): mount the Secret there"
        ) from error
    except UnicodeDecodeError:
        url = ""
    if not url:
        raise SettingsError(f"MLROLLOUT_REDIS_URL_FILE names {path}, which holds no text: put the URL of a Redis there")
    return url


def redis_url_file(environment: Mapping[str, str]) -> Path | None:
    """The file that holds the URL of Redis; `None` for none."""
    path = environment.get("MLROLLOUT_REDIS_URL_FILE")
    return Path(path) if path else None


def redis_tls(environment: Mapping[str, str]) -> Tls:
    """The TLS files for Redis that the environment names.

    Raises:
        SettingsError: One is not there.
    """
    files = (environment.get(f"MLROLLOUT_REDIS_{name}", "") for name in ("CA", "CERTIFICATE", "KEY"))
    try:
        return Tls(*(Path(file) if file else None for file in files))
    except UnusableRedisError as error:
        raise SettingsError(str(error)) from error


def listen(text: str) -> tuple[str, int]:
    """The host and port of an address to listen on; port 0 means any free one, and an empty host every interface.

    Raises:
        SettingsError: It is none.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:  # noqa: PLR2004 - the highest port there is
        raise SettingsError(f"{text!r} is no address to listen on: write host:port, for example 0.0.0.0:8080")
    return host.strip("[]"), int(port)  # asyncio takes an empty host for every interface, of IPv4 and IPv6 as there are


def cannot_listen(host: str, port: int, error: OSError, *, where: str) -> SettingsError:
    """What to say where an address can't be had; `where` names the setting."""
    # The event loop words the system's errors anew, and those of names have numbers of their own.
    why = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror
    return SettingsError(f"can't listen on {host}:{port} ({why}): choose another address with {where}")
