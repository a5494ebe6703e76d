"""Which cluster, which namespace and which user, by kubectl's rules.

The files of `KUBECONFIG`, or else `~/.kube/config`; of two that name the same, the first stands. Where there is none of
them, the pod's own ServiceAccount.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlrollout import yaml_text
from mlrollout.cli.ending import CommandError, ExitCode

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""What names a file, relative to its kubeconfig."""

_USER = re.compile(r"^([a-z]+://)?[^/?#]*@", re.IGNORECASE)
"""A user and a password in an address, which nobody is shown or sent."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KubeContext:
    """A cluster, who asks it, and in which namespace.

    Attributes:
        name: The context's.
        cluster: As the kubeconfig has it, its files by their absolute paths.
        user: Likewise; what it says of secrets is shown to nobody.
        namespace: Where a command looks that names none.
    """

    name: str
    cluster: Entry = field(repr=False)
    user: Entry = field(repr=False)
    namespace: str = "default"


def read(wanted: str | None = None) -> KubeContext:
    """The context of that name, or else the current one.

    Raises:
        CommandError: There is none, or no kubeconfig that can be used.
    """
    files = _files()
    if not files:
        return _in_pod(wanted)
    return _Merged([_loaded(file) for file in files], files).context(wanted)


def contexts() -> Sequence[str]:
    """The names of all contexts; none where no kubeconfig can be read."""
    files = _files()
    with suppress(CommandError):
        return sorted(_Merged([_loaded(file) for file in files], files).entries("contexts"))
    return ()


def pem(entry: Entry, name: str) -> str:
    """A certificate or key of an entry, as text: it stands there itself, or in a file; empty where it does neither.

    Raises:
        CommandError: It can't be read.
    """
    try:
        if entry.get(f"{name}-data"):
            return base64.b64decode(entry[f"{name}-data"]).decode()
        return Path(entry[name]).read_text() if entry.get(name) else ""
    except OSError as error:
        raise unusable(f"the {name} {entry[name]} of the kubeconfig can't be read ({error.strerror})") from None
    except (TypeError, ValueError):
        raise unusable(f"the {name} of the kubeconfig can't be read") from None


class _Merged:
    """Kubeconfigs, read as one."""

    def __init__(self, loaded: Sequence[Entry], files: Sequence[Path]) -> None:
        self._loaded = loaded
        self._files = ", ".join(map(str, files))

    def context(self, wanted: str | None) -> KubeContext:
        known = self.entries("contexts")
        name = wanted or next((str(one["current-context"]) for one in self._loaded if one.get("current-context")), "")
        if not name:
            raise unusable(f"{self._files} has no current context: choose one with --context (it has {_listed(known)})")
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"it has {_listed(known)}"
            raise unusable(f"{self._files} has no context {name}: {meant}")
        context = known[name]
        return KubeContext(
            name,
            cluster=_without_user(self._named("clusters", context, "cluster", name)),
            user=self._named("users", context, "user", name) if context.get("user") else {},
            namespace=str(context.get("namespace") or "default"),
        )

    def _named(self, kind: str, context: Entry, what: str, of: str) -> Entry:
        name = str(context.get(what) or "")
        entry = self.entries(kind).get(name)
        if entry is None:
            raise unusable(f"the context {of} names the {what} {name or '(none)'}, which is not in {self._files}")
        return entry

    def entries(self, kind: str) -> Mapping[str, Entry]:
        """What the files have of a kind, by name."""
        found: dict[str, Entry] = {}
        for loaded in self._loaded:
            for item in loaded.get(kind) or ():
                if isinstance(item, Mapping) and "name" in item:
                    entry = item.get(kind.removesuffix("s"))
                    found.setdefault(str(item["name"]), entry if isinstance(entry, Mapping) else {})
        return found


def _files() -> Sequence[Path]:
    return [file for file in map(Path, _paths()) if _is_there(file)]


def _is_there(file: Path) -> bool:
    """Whether there is such a file; one that may not be looked for counts as there, so that reading it says why."""
    try:
        return file.is_file()
    except OSError:
        return True


def _paths() -> Iterator[str]:
    try:
        named = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    except RuntimeError:  # without HOME, where nobody knows this user
        return iter(())
    return filter(None, named.split(os.pathsep))


def _without_user(cluster: Entry) -> Entry:
    server = cluster.get("server")
    return {**cluster, "server": _USER.sub(r"\1", server)} if isinstance(server, str) else cluster


def _loaded(file: Path) -> Entry:
    # What yaml itself says of a file may quote it, a token included.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml_text.load(file.read_text(encoding="utf-8"), loader) or {}
    except OSError as error:
        raise unusable(f"the kubeconfig {file} can't be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise unusable(f"the kubeconfig {file} is no YAML") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(kind) or [], list) for kind in _KINDS):
        raise unusable(f"the kubeconfig {file} is none")
    folder = file.parent.absolute()
    return {**found, **{kind: [_absolute(item, folder) for item in found.get(kind) or ()] for kind in _KINDS}}


_KINDS = ("clusters", "users", "contexts")


def _absolute(item: object, folder: Path) -> object:
    """An entry with the paths in it made absolute."""
    if not isinstance(item, dict):
        return item
    return {
        kind: {key: _placed(key, value, folder) for key, value in entry.items()} if isinstance(entry, dict) else entry
        for kind, entry in item.items()
    }


def _placed(key: str, value: object, folder: Path) -> object:
    if key in _FILES and value:
        return str(folder / str(value))
    if key == "exec" and isinstance(value, dict) and "/" in str(value.get("command")):
        return value | {"command": str(folder / str(value["command"]))}  # one without a slash is looked for on PATH
    return value


def _in_pod(wanted: str | None) -> KubeContext:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if wanted or not host or not _is_there(_SERVICE_ACCOUNT / "token"):
        named = os.environ.get("KUBECONFIG")
        missing = f"KUBECONFIG names {named}, which is not there" if named else "there is no ~/.kube/config"
        raise unusable(f"there is no cluster to talk to: {missing}. Let KUBECONFIG name the cluster's kubeconfig")
    return KubeContext(
        name="in-cluster",
        cluster={
            "server": f"https://{f'[{host}]' if ':' in host else host}:{port}",
            "certificate-authority": str(_SERVICE_ACCOUNT / "ca.crt"),
        },
        user={"tokenFile": str(_SERVICE_ACCOUNT / "token")},
        namespace=_own_namespace(),
    )


def _own_namespace() -> str:
    file = _SERVICE_ACCOUNT / "namespace"
    try:
        return file.read_text().strip() if file.is_file() else "default"
    except OSError as error:
        raise unusable(f"the pod's own namespace, {file}, can't be read ({error.strerror})") from None


def _listed(known: Mapping[str, Entry]) -> str:
    return ", ".join(sorted(known)) or "none"


def unusable(message: str) -> CommandError:
    """What ends a command that can't work with this cluster."""
    return CommandError(message, ExitCode.CLUSTER_UNUSABLE)
