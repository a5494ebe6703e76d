"""A Kubernetes API to talk to: ours, a kind cluster's, or one that somebody gave us."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from . import binaries
from .commands import run
from .errors import DevstackError
from .files import replace_text


class Cluster:
    """What its kubeconfig allows, through kubectl.

    Args:
        kubeconfig: A file, or several joined by colons as kubectl takes them.
        directory: Where kubeconfig files of ServiceAccounts are written.
    """

    def __init__(self, kubeconfig: str | Path, directory: Path) -> None:
        self.kubeconfig = str(kubeconfig)
        self._directory = directory

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        """Run kubectl, which finds `kubectl mlrollout`; what it prints, or its complaint raised."""
        ran = run(
            [binaries.path("kubectl"), *arguments],
            env={
                "KUBECONFIG": self.kubeconfig,
                # A cache of its own: another server may have had this port before.
                "KUBECACHEDIR": str(self._directory / "kubectl-cache"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            text=input or "",
        )
        if ran.returncode:
            raise DevstackError(f"kubectl {' '.join(arguments)}: {ran.stderr.strip()}")
        return ran.stdout

    def apply(self, manifests: str) -> None:
        """Apply YAML or JSON documents, server-side."""
        self.kubectl(
            *("apply", "--server-side", "--force-conflicts", "--field-manager=devstack"),
            *("-f", "-"),
            input=manifests,
        )

    def get(self, *arguments: str) -> dict[str, Any]:
        """What `kubectl get … -o json` answers with."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def token_for(self, namespace: str, service_account: str, lifetime: str = "24h") -> str:
        """A token of the ServiceAccount, by the TokenRequest API."""
        return self.kubectl(
            *("create", "token", service_account),
            *("--namespace", namespace, "--duration", lifetime),
        ).strip()

    def kubeconfig_for(self, namespace: str, service_account: str, lifetime: str = "24h") -> Path:
        """A kubeconfig file that can do what the ServiceAccount may do, and no more."""
        view = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        file = self._directory / f"kubeconfig-{namespace}-{service_account}"
        token = self.token_for(namespace, service_account, lifetime)
        return write_kubeconfig(file, view["clusters"][0]["cluster"], token, namespace)

    def server(self) -> str:
        """The address of the API server."""
        return self.kubectl(*("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"))


def write_kubeconfig(file: Path, cluster: dict[str, Any], token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig with one context for one bearer token."""
    context = {"cluster": "mlrollout", "user": "mlrollout", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "mlrollout",
        "clusters": [{"name": "mlrollout", "cluster": cluster}],
        "users": [{"name": "mlrollout", "user": {"token": token}}],
        "contexts": [{"name": "mlrollout", "context": context}],
    }
    return replace_text(file, json.dumps(config, indent=2))


def trusted(server: str, ca: Path) -> dict[str, Any]:
    """The cluster part of a kubeconfig, the authority's certificate embedded."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    return {"server": server, "certificate-authority-data": authority}
