"""What a request is sent with so that the API server knows who asks."""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .kubeconfig import Entry, KubeContext, pem, unusable

_PLUGIN_DEADLINE = 60.0
"""Seconds that a plug-in of the kubeconfig may take: it may wait for a person at a browser."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INSECURE = "insecure-skip-tls-verify"
_API = "client.authentication.k8s.io/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in.

    Attributes:
        headers: What each request carries, names and values.
        certificate: The user's own, in PEM; empty for none.
        key: Its key.
        renewable: Whether another try may find a newer token.
    """

    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    renewable: bool = False


def login(context: KubeContext) -> Credentials:
    """How the user of a context logs in now; tokens in files and those of plug-ins are read anew.

    Raises:
        CommandError: The kubeconfig says nothing that can be used.
    """
    user = context.user
    given = _plugin(context, said) if (said := _mapping(user, "exec")) else {}
    headers = (*_authorization(user, str(given.get("token") or "")), *_impersonation(user))
    return Credentials(
        headers=tuple((name, _sendable(context, name, value)) for name, value in headers),
        certificate=str(given.get("clientCertificateData") or pem(user, "client-certificate")),
        key=str(given.get("clientKeyData") or pem(user, "client-key")),
        renewable=bool(user.get("exec") or user.get("tokenFile")),
    )


def tls(context: KubeContext, of: Credentials) -> ssl.SSLContext:
    """Whom to trust, and the user's own certificate.

    Raises:
        CommandError: A certificate can't be used.
    """
    authority, insecure = pem(context.cluster, "certificate-authority"), context.cluster.get(_INSECURE) or False
    if not isinstance(insecure, bool):  # "false" as a text would switch off what it is to keep
        raise unusable(f"the {_INSECURE} of the context {context.name} is neither true nor false: mend the kubeconfig")
    try:
        made = ssl.create_default_context(cadata=authority or None)
        # Many clusters' own authorities lack what RFC 5280 asks for; kubectl does not ask for it either.
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if insecure:
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        if of.certificate:
            _show(made, of)
    except (ssl.SSLError, ValueError) as error:
        raise unusable(f"a certificate of the context {context.name} can't be used ({type(error).__name__})") from None
    return made


def _show(made: ssl.SSLContext, of: Credentials) -> None:
    """Let the user's certificate be shown; Python takes it from a file alone."""
    with tempfile.NamedTemporaryFile("w", prefix="mlrollout-", suffix=".pem") as file:  # for its owner alone
        file.write(f"{of.certificate}\n{of.key}\n")
        file.flush()
        made.load_cert_chain(file.name)


def _sendable(context: KubeContext, name: str, value: str) -> bytes:
    """A value as a header can carry it; a token in a kubeconfig often ends with a line break.

    Raises:
        CommandError: None can carry it; it does not show the value, which may be a secret.
    """
    stripped = value.strip()
    if _CONTROL.search(stripped):
        told = f"what the user of the context {context.name} is known by (sent as {name}) has a line break or another"
        raise unusable(f"{told} control character in it, so it can't be sent: mend it in the kubeconfig or its plug-in")
    return stripped.encode(errors="replace")


def _authorization(user: Entry, given: str) -> Iterator[tuple[str, str]]:
    token = given or _token(user)
    if token:
        yield "Authorization", f"Bearer {token}"
    elif user.get("username"):
        said = f"{user['username']}:{user.get('password') or ''}"
        yield "Authorization", f"Basic {base64.b64encode(said.encode(errors='replace')).decode()}"


def _token(user: Entry) -> str:
    file = user.get("tokenFile")
    if file:
        try:
            return Path(file).read_text()
        except OSError as error:
            raise unusable(f"the token file {file} can't be read ({error.strerror})") from None
        except ValueError:
            raise unusable(f"the token file {file} can't be read (it is no text)") from None
    provider = _mapping(_mapping(user, "auth-provider"), "config")
    return str(user.get("token") or provider.get("id-token") or provider.get("access-token") or "")


def _impersonation(user: Entry) -> Iterator[tuple[str, str]]:
    for name, value in (("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))):
        if value:
            yield name, str(value)
    for group in _listed(user, "as-groups"):
        yield "Impersonate-Group", str(group)
    extra = _mapping(user, "as-user-extra")
    for name in extra:
        for value in _listed(extra, name):
            yield f"Impersonate-Extra-{quote(str(name), safe='', errors='replace')}", str(value)


def _mapping(entry: Entry, name: str) -> Entry:
    """A part of what the kubeconfig says of a user; empty where it says nothing.

    Raises:
        CommandError: It is of another kind.
    """
    found = entry.get(name) or {}
    if not isinstance(found, Mapping):
        raise unusable(f"the {name} of a user is no mapping, so nobody can log in by it: mend the kubeconfig")
    return found


def _listed(entry: Entry, name: str) -> Sequence[object]:
    """A list in what the kubeconfig says of a user; empty where it says nothing.

    Raises:
        CommandError: It is of another kind.
    """
    found = entry.get(name) or ()
    if not isinstance(found, list | tuple):
        raise unusable(f"the {name} of a user is no list, so nobody can log in by it: mend the kubeconfig")
    return found


def _plugin(context: KubeContext, said: Entry) -> Mapping[str, Any]:
    """What a plug-in of the kubeconfig says of who asks: a cloud's own login, most often."""
    command, variables = [str(said.get("command") or ""), *map(str, _listed(said, "args"))], _variables(context, said)
    try:
        ran = subprocess.run(  # noqa: S603 - the user's own kubeconfig asks for it
            command,
            env=os.environ | variables,
            stdin=None if sys.stdin is not None and sys.stdin.isatty() else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PLUGIN_DEADLINE,
            check=False,
        )
        status = (json.loads(ran.stdout).get("status") or {}) if ran.returncode == 0 else None
    except OSError as error:
        hint = " ".join(str(said.get("installHint") or "").split())
        told = f"{command[0]}, by which the kubeconfig logs in, can't be run ({error.strerror}). {hint}"
        raise unusable(told.strip()) from None
    except subprocess.TimeoutExpired:
        raise unusable(f"{command[0]}, by which the kubeconfig logs in, did not end in time") from None
    except (ValueError, AttributeError):
        status = None
    if not isinstance(status, dict):
        raise unusable(f"{command[0]}, by which the kubeconfig logs in, failed: run it by hand to see why")
    return status


def _variables(context: KubeContext, said: Mapping[str, Any]) -> dict[str, str]:
    version = str(said.get("apiVersion") or f"{_API}v1")
    spec: dict[str, Any] = {"interactive": sys.stdin is not None and sys.stdin.isatty()}
    if said.get("provideClusterInfo"):
        spec["cluster"] = {
            "server": context.cluster.get("server"),
            "certificate-authority-data": context.cluster.get("certificate-authority-data"),
        }
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    named = [one for one in _listed(said, "env") if isinstance(one, dict)]
    own = {str(one.get("name")): str(one.get("value") or "") for one in named}
    return own | {"KUBERNETES_EXEC_INFO": json.dumps(info, default=str)}
