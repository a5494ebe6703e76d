"""The machines and the Pythons that there are archives for."""

import platform
from dataclasses import dataclass

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""The Pythons that an archive works with: each has compiled parts of its own in it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine.

    Attributes:
        os: As krew names it.
        arch: Likewise.
        tags: The tags of wheels that run there.
    """

    os: str
    arch: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"


def _linux(arch: str, machine: str) -> Machine:
    return Machine("linux", arch, tuple(f"manylinux_2_{glibc}_{machine}" for glibc in (28, 24, 17, 5)))


MACHINES = (
    _linux("amd64", "x86_64"),
    _linux("arm64", "aarch64"),
    Machine("darwin", "amd64", ("macosx_13_0_x86_64",)),
    Machine("darwin", "arm64", ("macosx_13_0_arm64",)),
)
"""No Windows: what finds a Python is a script of the shell. There, `pip install '.[cli]'` does it."""


def here() -> Machine:
    """The machine that this runs on."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return next(one for one in MACHINES if (one.os, one.arch) == (platform.system().lower(), arch))
