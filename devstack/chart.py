"""What the operator needs in a cluster, taken from the chart and the CRDs we ship."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from . import binaries
from .cluster import Cluster
from .commands import run
from .errors import DevstackError
from .gobuild import KUBERNETES
from .processes import wait_until

REPOSITORY = Path(__file__).resolve().parent.parent
NAMESPACE = "mlrollout-system"
SERVICE_ACCOUNT = "mlrollout"

_ACCESS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_KIND = re.compile(r"^kind: *\"?(\w+)", re.MULTILINE)


def install_crds(cluster: Cluster) -> None:
    """Apply every CRD and wait until the API serves it."""
    files = sorted((REPOSITORY / "crds").glob("*.yaml"))
    if not files:
        return
    cluster.apply("\n---\n".join(file.read_text() for file in files))
    wait_until(lambda: _established(cluster, files), within=30, what="the API to serve the CRDs")


def _established(cluster: Cluster, files: Sequence[Path]) -> bool:
    # Not by `kubectl wait`, which fails at once on a CRD that has no conditions yet.
    found = cluster.get(*(argument for file in files for argument in ("-f", str(file))))
    states = [crd.get("status", {}).get("conditions") or [] for crd in found.get("items", [found])]
    return all(any(c["type"] == "Established" and c["status"] == "True" for c in state) for state in states)


def install_access(cluster: Cluster, values: Sequence[str] = ()) -> None:
    """Apply the namespace, and of the chart the ServiceAccount and its permissions.

    Args:
        cluster: Where to.
        values: What `helm --set` takes, for example `secretNamespaces={dispatch}`.
    """
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.apply(json.dumps(namespace))
    cluster.apply(access_of(render(REPOSITORY / "charts" / "mlrollout", values)))


def render(chart: Path, values: Sequence[str] = ()) -> str:
    """The chart's manifests as `helm template` prints them."""
    if not (chart / "Chart.yaml").exists():
        raise DevstackError(
            f"{chart.name} has no chart at {chart.parent.name}/{chart.name}.",
            meaning="The operator's permissions are taken from it.",
            remedy="Leave the operator out with --no-operator.",
        )
    command: list[str | Path] = [binaries.path("helm"), "template", "mlrollout", chart, "--namespace", NAMESPACE]
    # A Helm built without its release's stamps thinks of Kubernetes 1.20, which the chart refuses.
    sets = [argument for value in values for argument in ("--set", value)]
    ran = run([*command, "--kube-version", KUBERNETES.version, *sets])
    if ran.returncode:
        raise DevstackError(f"The chart cannot be rendered: {ran.stderr.strip()}")
    return ran.stdout


def access_of(manifests: str) -> str:
    """Only the documents about who the operator is and what it may do."""
    documents = re.split(r"^---.*$", manifests, flags=re.MULTILINE)
    kinds = [(_KIND.search(document), document) for document in documents]
    return "---".join(text for kind, text in kinds if kind and kind[1] in _ACCESS)
