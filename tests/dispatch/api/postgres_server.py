"""A PostgreSQL of a test's own, where the machine has one."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from devstack.servers import Server


def installed() -> str | None:
    """Where its programs are."""
    found = shutil.which("initdb")
    return str(Path(found).resolve().parent) if found else None


class PostgresServer(Server):
    """One PostgreSQL on loopback. It refuses to run as root: then it runs as the user `nobody`."""

    name: ClassVar[str] = "postgres"

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"postgresql://dispatch@127.0.0.1:{self.port}/postgres"

    def command(self) -> Sequence[str]:
        """Make the data the first time."""
        data = self.directory / "data"
        if not data.exists():
            self.directory.chmod(0o711)
            data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(data, nobody.pw_uid, nobody.pw_gid)
            made = [*self._as_nobody("initdb"), "-D", str(data), "-U", "dispatch", "-A", "trust", "-N"]
            subprocess.run(made, check=True, capture_output=True, cwd="/")
        return [*self._as_nobody("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F"]

    def ready(self) -> bool:
        """Whether it takes connections."""
        asked = [f"{installed()}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _as_nobody(self, program: str) -> list[str]:
        command = [f"{installed()}/{program}"]
        return (
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
            if not os.geteuid()
            else command
        )
