"""Which cluster, and how to log in: by kubectl's rules.

The files of `KUBECONFIG`, or else `~/.kube/config`; where there is none of them, the pod's own
ServiceAccount.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import incluster_config

from mlrollout.ports import ApiLogin, ObjectsError

from .client import Client

_Login = Callable[[Configuration], Awaitable[None] | None]
"""Writes the server's address and what to log in with into a configuration."""


async def connect(deadline: float = 10.0) -> Client:
    """A client for the cluster that this process is meant for; nothing has been sent yet.

    Args:
        deadline: Seconds that each of its calls may take.

    Raises:
        ObjectsError: There is no cluster to be found, or what describes it can't be used.
    """
    return Client(await _log_in_first(), deadline, renew=_log_in_first)


async def log_in() -> ApiLogin:
    """What to log in with now, for a connection that somebody else makes.

    Raises:
        ObjectsError: As `connect`.
    """
    async with await _log_in_first() as library:
        settings = await library.configuration.auth_settings()
        return ApiLogin(
            server=library.configuration.host,
            encryption=library.rest_client.ssl_context,
            headers={one["key"]: one["value"] for one in settings.values() if one["in"] == "header"},
            proxy=library.configuration.proxy,
        )


async def _log_in_first() -> ApiClient:
    configuration = Configuration()
    # Many clusters' own authorities lack what RFC 5280 asks for; kubectl does not ask for it either.
    configuration.disable_strict_ssl_verification = True
    files = _kubeconfigs()
    with _told(files):
        login = await _by_kubeconfig(files, configuration) if files else _by_service_account()
        await _log_in(login, configuration)

    # Tokens are looked up for each request, since files are rotated and plug-ins' tokens expire.
    async def refresh(configuration: Configuration) -> None:
        with _told(files):
            await _log_in(login, configuration)

    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]  # the library types it as None
    library = ApiClient(configuration)
    library.user_agent = "mlrollout"
    return library


@contextmanager
def _told(files: list[Path]) -> Iterator[None]:
    """Tell any failure by its type alone: the library's texts may quote the files, a token included."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the library raises what it comes across in a file
        raise ObjectsError(_unusable(files, type(error).__name__)) from None


async def _log_in(login: _Login, configuration: Configuration) -> None:
    done = login(configuration)
    if isawaitable(done):
        await done
    keys = configuration.api_key
    keys.update({name: key.strip() for name, key in keys.items()})  # files end in a line break


def _kubeconfigs() -> list[Path]:
    named = os.environ.get("KUBECONFIG") or f"{os.environ.get('HOME', '')}/.kube/config"
    return [file for file in map(Path, filter(None, named.split(os.pathsep))) if file.is_file()]


async def _by_kubeconfig(files: list[Path], configuration: Configuration) -> _Login:
    loader = await config.load_kube_config(  # type: ignore[no-untyped-call]  # the library left it so
        config_file=os.pathsep.join(map(str, files)),
        context=_current_context(files),
        client_configuration=configuration,
        persist_config=False,
    )
    login: _Login = loader.load_and_set
    return login


def _current_context(files: list[Path]) -> str | None:
    """The first that is named, as for kubectl; the library would take the last."""
    contexts = ((yaml.safe_load(file.read_text()) or {}).get("current-context") for file in files)
    return next(filter(None, contexts), None)


def _by_service_account() -> _Login:
    loader = incluster_config.InClusterConfigLoader(  # type: ignore[no-untyped-call]  # likewise
        incluster_config.SERVICE_TOKEN_FILENAME, incluster_config.SERVICE_CERT_FILENAME, try_refresh_token=False
    )
    login: _Login = loader.load_and_set
    return login


def _unusable(files: list[Path], error: str) -> str:
    if not files:
        named = os.environ.get("KUBECONFIG")
        missing = f"KUBECONFIG names {named}, which is not there" if named else "there is no kubeconfig"
        return (
            f"There is no Kubernetes cluster to talk to: {missing}, and this is no pod with a ServiceAccount. "
            "Let KUBECONFIG name the cluster's kubeconfig, or run this in the cluster."
        )
    names = ", ".join(map(str, files))
    return f"The kubeconfig {names} can't be used ({error}). See what `kubectl version` says with the same one."
