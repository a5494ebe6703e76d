"""The Leases of operators, and the pod behind one."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from urllib.parse import quote

from mlrollout.api.lease import OF_ALL, lease_of
from mlrollout.cli.cluster.api import Api, ApiCall, ClusterError, Data
from mlrollout.cli.cluster.rollouts import items
from mlrollout.glance.doctor.lease import LeaseGlance, lease
from mlrollout.glance.fields import Fields

_LEASES = "/apis/coordination.k8s.io/v1"
_NODES = "kube-node-lease"
"""The namespace where every node has a Lease, and no operator."""


def find(api: Api, lives: str, space: str) -> Sequence[LeaseGlance]:
    """The Leases of all operators that look after a namespace.

    Args:
        api: The API server.
        lives: The namespace that they are in; empty for any.
        space: The namespace that is looked after; empty for all.

    Raises:
        ClusterError: They can't be seen.
    """
    if not space:
        return [one for one in map(lease, _all(api, lives)) if one.name == lease_of(one.watched)]
    names = (OF_ALL, lease_of(space))
    return [lease(one) for name in names for one in (_in(api, lives, name) if lives else _anywhere(api, name))]


def account(api: Api, one: LeaseGlance) -> str:
    """The ServiceAccount of the pod that holds a Lease; empty where it is no pod there.

    Raises:
        ClusterError: It can't be seen.
    """
    pod = one.holder.rpartition("_")[0]  # as runtime/leadership.py makes it
    path = f"/api/v1/namespaces/{quote(one.namespace, safe='')}/pods/{quote(pod, safe='')}"
    try:
        found = api.ask(ApiCall(f"read the pod {one.namespace}/{pod}", "GET", path))
    except ClusterError as error:
        if error.absent:
            return ""
        raise
    return Fields(found).part("spec").text("serviceAccountName") or "default"


def named(found: Sequence[Data]) -> Sequence[tuple[str, str, str]]:
    """Resource, namespace and name of each Secret and ConfigMap that objects name, which the operator has to read."""
    names = [
        (resource, one.part("metadata").text("namespace"), name)
        for one in map(Fields, found)
        for resource, name in _named_by(one.part("spec"))
    ]
    return [one for one in dict.fromkeys(names) if one[2]]


def _named_by(spec: Fields) -> Iterator[tuple[str, str]]:
    source = spec.part("revisionFrom")
    holders = (spec.part("traffic").part("redis"), spec.part("prometheus"), source.part("mlflow"), source.part("http"))
    for holder in (*holders, *spec.parts("notifications")):
        yield "secrets", holder.part("secretRef").text("name")
    yield "configmaps", source.part("configMap").text("name")


def _in(api: Api, space: str, name: str) -> Sequence[Data]:
    path = f"{_LEASES}/namespaces/{quote(space, safe='')}/leases/{quote(name, safe='')}"
    try:
        return [api.ask(ApiCall(f"read the Lease {space}/{name}", "GET", path))]
    except ClusterError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return ()
        raise


def _all(api: Api, lives: str) -> Sequence[Data]:
    """Every Lease: nobody else knows which namespaces operators were installed for."""
    if not lives:
        return _listed(api, "", f"metadata.namespace!={_NODES}")
    try:
        return _listed(api, lives, "")
    except ClusterError as error:
        found = _in(api, lives, OF_ALL) if error.status == HTTPStatus.FORBIDDEN else ()
        if found:
            return found  # who looks after all is not to be listed with others
        raise


def _listed(api: Api, lives: str, fields: str) -> Sequence[Data]:
    within = f"/namespaces/{quote(lives, safe='')}" if lives else ""
    query = {"fieldSelector": fields} if fields else {}
    return items(api.ask(ApiCall("list the Leases of operators", "GET", f"{_LEASES}{within}/leases", query)))


def _anywhere(api: Api, name: str) -> Sequence[Data]:
    return _listed(api, "", f"metadata.name={name}")
