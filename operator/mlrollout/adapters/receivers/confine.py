"""What a library may do in the process that sends where an object's address leads: by Python's audit events.

Apprise's plugins read what they need by their URL: a tenant's may name a file of this pod or a host of this cluster.
A hook can't be taken away again, so it belongs into a process that does nothing else.
"""

import os
import site
import sys
from collections.abc import Callable

from .networks import Networks

_READABLE = (
    sys.prefix,
    sys.base_prefix,
    *site.getsitepackages(),
    "/etc/ssl",
    "/usr/lib/ssl",
    "/usr/share",
    "/etc/mime.types",
)
"""Where Python, its packages and the authorities of TLS are. No Secret is mounted there, nor the pod's own token."""
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty"})


class ForbiddenError(PermissionError):
    """Something that an address of an object must not make this process do."""


def confine(networks: Networks, tell: Callable[[str], None]) -> None:
    """From here on, connect to allowed networks alone, read no file but the libraries' own, and start nothing.

    Args:
        networks: Where an address may lead to.
        tell: Told why something was refused: whoever tried may swallow the error.
    """

    def hook(event: str, args: tuple[object, ...]) -> None:
        problem = ""
        if event in _SENDS:
            problem = _place(networks, args[1])
        elif event == "open":
            problem = _file(args[0])
        elif event in _STARTS:
            problem = "its address asks for a program to be started"
        if problem:
            tell(problem)
            raise ForbiddenError(problem)

    sys.addaudithook(hook)


def _place(networks: Networks, address: object) -> str:
    """Why nothing may be sent to this address of a socket; empty where it may."""
    if isinstance(address, tuple) and address and isinstance(address[0], str):
        return networks.problem(address[0])
    return "its address leads to a socket of this machine"


def _file(path: object) -> str:
    if not isinstance(path, str | bytes):
        return ""  # a descriptor that is open already
    real = os.path.realpath(os.fsdecode(path))
    inside = any(real == place or real.startswith(f"{place}/") for place in _READABLE)
    return "" if inside else "its address asks for a file to be read"
