"""Releases of the chart on a stack's cluster, by either Helm."""

import json
from collections.abc import Mapping
from pathlib import Path

from devstack import binaries
from devstack.chart import NAMESPACE
from devstack.commands import run
from devstack.stack import Stack
from tests.support.helm import CHART

OLDER = next(Path(__file__).parents[1].glob("versions/*.tgz"))
"""The chart of an older version; see `tests/versions/README.md`."""


class Release:
    """One release, whether it is there or not."""

    def __init__(self, stack: Stack, program: str, name: str = "mlrollout", namespace: str = NAMESPACE) -> None:
        self._cluster = stack.cluster
        self.program = program
        self.name = name
        self.namespace = namespace

    def install(self, chart: Path = CHART, *options: str, **values: object) -> str:
        """Install a chart; what Helm says."""
        return self._ok("install", self.name, str(chart), "--create-namespace", *options, values=values)

    def upgrade(self, chart: Path = CHART, *options: str, **values: object) -> str:
        """Upgrade to a chart with these values."""
        return self._ok("upgrade", self.name, str(chart), *options, values=values)

    def rollback(self, revision: int) -> str:
        """Go back to what an earlier revision was."""
        return self._ok("rollback", self.name, str(revision))

    def uninstall(self) -> str:
        """Take it away."""
        return self._ok("uninstall", self.name)

    def fails(self, *arguments: str, **values: object) -> str:
        """What Helm says where it does not do it."""
        code, said = self._helm(*arguments, values=values)
        assert code != 0, said
        return said

    def _ok(self, *arguments: str, values: Mapping[str, object] | None = None) -> str:
        code, said = self._helm(*arguments, values=values)
        assert code == 0, said
        return said

    def _helm(self, *arguments: str, values: Mapping[str, object] | None = None) -> tuple[int, str]:
        given = [] if values is None else ["--values=-"]
        where = [f"--kubeconfig={self._cluster.kubeconfig}", f"--namespace={self.namespace}"]
        ran = run([binaries.path(self.program), *arguments, *where, *given], text=json.dumps(values or {}))
        return ran.returncode, ran.stdout + ran.stderr
