"""A real control plane without nodes: etcd and kube-apiserver.

There is no controller-manager: nothing is garbage-collected, a deleted namespace is
never finalized, and a Deployment becomes no pods.
"""

import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Self

from . import binaries, certificates, web
from .cluster import Cluster, trusted, write_kubeconfig
from .etcd_server import Etcd
from .files import replace_text
from .lifetime import Lifetime
from .processes import Launch, supervise
from .servers import Server


class ApiServer(Server):
    """A kube-apiserver with RBAC, one administrator and ServiceAccount tokens."""

    name: ClassVar[str] = "kube-apiserver"
    ready_within: ClassVar[float] = 120

    def __init__(self, etcd: Etcd, directory: Path, *, launch: Launch = supervise) -> None:
        super().__init__(directory, launch=launch)
        self._etcd = etcd
        self.certificates = certificates.make(directory / "tls")

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin_token(self) -> str:
        """The token of the administrator, made up at first use."""
        return self._tokens().read_text().partition(",")[0]

    def command(self) -> Sequence[str]:
        """Make the key that signs ServiceAccount tokens, and the flags."""
        signer = certificates.private_key(self.directory / "service-accounts.key")
        return [
            str(binaries.path("kube-apiserver")),
            f"--etcd-servers={self._etcd.url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.certificates.certificate}",
            f"--tls-private-key-file={self.certificates.key}",
            f"--token-auth-file={self._tokens()}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={signer}",
            f"--service-account-key-file={signer}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
            # Nobody makes the tokens that this plugin would mount into pods.
            "--disable-admission-plugins=ServiceAccount",
        ]

    def ready(self) -> bool:
        """Ready for use: the default roles and the default namespace exist."""
        return self._answers("/readyz") and self._answers("/api/v1/namespaces/default")

    def _tokens(self) -> Path:
        file = self.directory / "tokens.csv"
        if not file.exists():
            replace_text(file, f"{secrets.token_hex()},admin,admin,system:masters\n")
        return file

    def _answers(self, path: str) -> bool:
        login = {"Authorization": f"Bearer {self.admin_token}"}
        return web.get(self.url + path, headers=login, ca=self.certificates.ca) is not None


class ControlPlane(Cluster, Lifetime):
    """etcd and kube-apiserver together, as a `Cluster` whose administrator we are."""

    def __init__(self, directory: Path | None = None, *, launch: Launch = supervise) -> None:
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mlrollout-control-plane-"))
        self.etcd = Etcd(self.directory / "etcd", launch=launch)
        self.api_server = ApiServer(self.etcd, self.directory / "kube-apiserver", launch=launch)
        super().__init__(self.directory / "kubeconfig", self.directory)

    @property
    def url(self) -> str:
        """The address of the API server."""
        return self.api_server.url

    def start(self) -> Self:
        """Start both and write the administrator's kubeconfig."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.etcd.start()
            self.api_server.start()
            write_kubeconfig(
                Path(self.kubeconfig),
                trusted(self.url, self.api_server.certificates.ca),
                self.api_server.admin_token,
            )
            undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop both, the API server first: without its store it would linger."""
        self.api_server.stop()
        self.etcd.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def restart(self) -> None:
        """An outage of the API that loses nothing."""
        self.api_server.restart()

    def pause(self) -> None:
        """Freeze the API server: clients connect and wait."""
        self.api_server.pause()

    def resume(self) -> None:
        """Let the API server go on after `pause`."""
        self.api_server.resume()

    def kill(self) -> None:
        """End the API server like a power cut; `api_server.start()` brings it back."""
        self.api_server.kill()
