"""The users of the dispatch service, as one part of the stack."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from devstack.servers import Server

from .service import EXAMPLE, PYTHON


class Users(Server):
    """A few hundred people at their work.

    Args:
        url: The service.
        rate: Looks at orders per second.
        assign: The share of looks that end in an assignment.
    """

    name: ClassVar[str] = "users"

    def __init__(self, url: str, directory: Path, *, rate: float, assign: float) -> None:
        super().__init__(directory)
        self._url = url
        self._rate = rate
        self._assign = assign

    def command(self) -> Sequence[str]:
        """The load, from the working copy."""
        told = ("--url", self._url, "--rate", str(self._rate), "--assign", str(self._assign))
        return [str(PYTHON), "-m", "dispatch.load", *told]

    def environment(self) -> Mapping[str, str]:
        """Where its package is."""
        return {"PYTHONPATH": os.pathsep.join(filter(None, [str(EXAMPLE), os.environ.get("PYTHONPATH")]))}

    def ready(self) -> bool:
        """They begin to work at once."""
        return self.child.alive
