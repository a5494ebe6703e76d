"""Whether somebody has a right: the API server is asked, which knows all of its authorizers."""

from mlrollout.cli.cluster.api import Api, ApiCall, Data
from mlrollout.glance.doctor.rights import AccessRight
from mlrollout.glance.fields import Fields

_API = "/apis/authorization.k8s.io/v1"
_ALL = "system:serviceaccounts"


def mine(api: Api, right: AccessRight) -> bool:
    """Whether whoever asks has it.

    Raises:
        ClusterError: That can't be known.
    """
    return _allowed(api, "SelfSubjectAccessReview", "ask for your rights", {}, right)


def of_account(api: Api, namespace: str, account: str, right: AccessRight) -> bool:
    """Whether a ServiceAccount has it.

    Raises:
        ClusterError: That can't be known: not everybody may ask about others.
    """
    who = {
        "user": f"system:serviceaccount:{namespace}:{account}",
        "groups": [_ALL, f"{_ALL}:{namespace}", "system:authenticated"],
    }
    return _allowed(api, "SubjectAccessReview", "ask for the rights of the operator", who, right)


def _allowed(api: Api, kind: str, what: str, who: Data, right: AccessRight) -> bool:
    resource, _, below = right.resource.partition("/")
    wanted = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": below,
        "namespace": right.namespace,
        "name": right.name,
    }
    spec = {**who, "resourceAttributes": {name: value for name, value in wanted.items() if value}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    told = api.ask(ApiCall(what, "POST", f"{_API}/{kind.lower()}s", body=body))
    return Fields(told).part("status").flag("allowed")
