"""A Redis of our own: plain, with a password, with TLS, as a cluster or as a replica."""

from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import ClassVar

from . import binaries, certificates
from .certificates import Certificates
from .commands import run
from .errors import DevstackError
from .files import replace_text
from .processes import Launch, supervise
from .servers import Server


class RedisServer(Server):
    """One redis-server, without persistence unless `config` asks for it.

    Args:
        config: Further lines of redis.conf; they come last, so they win.
        password: What clients must authenticate with.
        tls: Serve TLS only, with a certificate for loopback signed by `ca_file`.
        cluster: Cluster mode, this node holding all slots.
        replica_of: The primary that this one follows.
    """

    name: ClassVar[str] = "redis"

    def __init__(
        self,
        directory: Path | None = None,
        *,
        config: Sequence[str] = (),
        password: str | None = None,
        tls: bool = False,
        cluster: bool = False,
        replica_of: "RedisServer | None" = None,
        name: str | None = None,
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, name=name, launch=launch)
        self.password = password
        self.config = tuple(config)
        self.tls: Certificates | None = None
        if tls:
            self.tls = certificates.make(self.directory / "tls")
        self._cluster = cluster
        self._primary = replica_of

    @property
    def url(self) -> str:
        """What clients connect to, the password included."""
        scheme = "rediss" if self.tls else "redis"
        login = f":{self.password}@" if self.password else ""
        return f"{scheme}://{login}127.0.0.1:{self.port}/0"

    @property
    def ca_file(self) -> Path:
        """The authority that signed the TLS certificate."""
        if not self.tls:
            raise DevstackError(f"{self.title} has no TLS.")
        return self.tls.ca

    def cli(self, *arguments: str) -> str:
        """Run one command with redis-cli; its answer, or its error raised."""
        ran = self._cli(*arguments)
        if ran.returncode:
            raise DevstackError(f"redis-cli {arguments[0]}: {(ran.stderr or ran.stdout).strip()}")
        return ran.stdout.rstrip("\n")

    def command(self) -> Sequence[str]:
        """Write the configuration, readable by us alone for its password."""
        lines = [*self._basics(), *self._security(), *self._topology(), *self.config]
        file = replace_text(self.directory / "redis.conf", "\n".join(lines) + "\n")
        return [str(binaries.path("redis-server")), str(file)]

    def ready(self) -> bool:
        """Ready when it serves: the cluster's slots are assigned, the replica has its data."""
        if f"process_id:{self.child.pid}" not in self._cli("info", "server").stdout:
            return False
        if self._cluster:
            return self._cluster_ready()
        if self._primary:
            return "master_link_status:up" in self._cli("info", "replication").stdout
        return True

    def _cluster_ready(self) -> bool:
        info = self._cli("cluster", "info").stdout
        if "cluster_slots_assigned:0" in info:
            self._cli("cluster", "addslotsrange", "0", "16383")
        return "cluster_state:ok" in info

    def _basics(self) -> list[str]:
        return [
            "bind 127.0.0.1",
            f"{'tls-port' if self.tls else 'port'} {self.port}",
            f'dir "{self.directory}"',
            'save ""',
            "enable-debug-command local",
            # A replica that comes back should not wait for others to join it.
            "repl-diskless-sync-delay 0",
        ]

    def _security(self) -> list[str]:
        lines = []
        if self.tls:
            lines += [
                "port 0",
                f'tls-cert-file "{self.tls.certificate}"',
                f'tls-key-file "{self.tls.key}"',
                f'tls-ca-cert-file "{self.tls.ca}"',
                "tls-auth-clients no",
            ]
        if self.password:
            lines += [f"requirepass {self.password}", f"masterauth {self.password}"]
        return lines

    def _topology(self) -> list[str]:
        lines = []
        if self._cluster:
            lines += ["cluster-enabled yes", f"cluster-port {self.ports.get('bus')}"]
        if self._primary:
            lines += [f"replicaof 127.0.0.1 {self._primary.port}"]
            lines += ["tls-replication yes"] if self._primary.tls else []
        return lines

    def _cli(self, *arguments: str) -> CompletedProcess[str]:
        command = [str(binaries.path("redis-cli")), "-e", "-h", "127.0.0.1", "-p", str(self.port)]
        if self.tls:
            command += ["--tls", "--cacert", str(self.tls.ca)]
        login = {"REDISCLI_AUTH": self.password} if self.password else {}
        return run([*command, *arguments], env=login, timeout=10)
