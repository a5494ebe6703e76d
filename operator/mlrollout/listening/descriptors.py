"""How many connections the process has descriptors for."""

import resource

import structlog

from mlrollout.startup.settings import SettingsError

log = structlog.get_logger(__name__)

RESERVE = 256
"""Descriptors for everything else: Redis, Prometheus, the API server, files, and what is accepted only to be closed."""

_LEAST = 64  # connections
_ENOUGH = 65_536


def room(wanted: int) -> int:
    """How many of the wanted connections there is room for; the process' limit is raised where it may be.

    Where there is room for fewer, the log says so.

    Raises:
        SettingsError: There is room for next to none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVE
    if soft != resource.RLIM_INFINITY and soft < needed:
        highest = _ENOUGH if hard == resource.RLIM_INFINITY else hard
        soft = max(soft, min(needed, highest))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - RESERVE)
    if found < min(wanted, _LEAST):
        raise SettingsError(
            f"the process may open {soft} files, of which it needs {RESERVE} for itself: raise the limit "
            f"(`ulimit -n`, or LimitNOFILE of the unit) to {needed}"
        )
    if found < wanted:
        log.warning("There are descriptors for fewer connections: raise the limit of open files", connections=found)
    return found
