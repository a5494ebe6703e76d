"""How hard hypothesis searches, and who shares an API server.

`HYPOTHESIS_PROFILE=deep pytest tests/pure/domain --timeout 0` takes minutes. In CI it takes the same examples every
time, so that a failure there is about the change; elsewhere new ones.
"""

import os
import signal

import pytest
from hypothesis import settings

# A shell has its background jobs ignore Ctrl-C, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("quick", max_examples=100, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile("deep", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

SHARED = ("proxied", "stack", "control_plane")
"""Fixtures of a session with an API server. Who uses the same one runs on the same worker, or each worker would have
one of each: an API server that idles costs as much as a test."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what shares an API server, or the fixtures of a module, into one group, for `--dist loadgroup`."""
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    """See that the groups were heard: without them all is green, and takes twice as long."""
    grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
    if getattr(session.config.option, "loadgroup", False) and not all("@" in item.nodeid for item in grouped):
        raise RuntimeError("pytest-xdist put no groups into the tests' names: does it fit this pytest?")


def _group(item: pytest.Item) -> str:
    """What it shares parts with; nothing where it has a stack of its own, as most of the whole have."""
    place = item.path.relative_to(item.config.rootpath)
    ring = place.parts[1]
    used = [name for name in SHARED if name in getattr(item, "fixturenames", ())]
    if used:
        return f"{ring}-{used[0]}"
    return "" if ring == "whole" else str(place)
