"""Asking the API server who a token belongs to, and what that user may do.

What may be done is asked about the caller, never about this process: its own rights are no reason to act for somebody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlrollout.api import GROUP, PLURAL
from mlrollout.ports import Ref

from .client import Client

_TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class User:
    """Who a token belongs to, as the API server says.

    Attributes:
        name: For example `system:serviceaccount:dispatch:console`.
        uid: Set apart from a namesake of another time.
        groups: What the user belongs to.
        extra: What the cluster's authenticator says besides.
    """

    name: str
    uid: str = ""
    groups: Sequence[str] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


class KubernetesReviews:
    """Needs the right to create `tokenreviews` and `subjectaccessreviews`, and no other."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def user(self, token: str) -> User | None:
        """Whose token this is; `None` where it is nobody's.

        Raises:
            ObjectsError: It can't be known now.
        """
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        answer = await self._client.ask("have a token reviewed", "POST", _TOKENS, review)
        status = answer.get("status") or {}
        found = status.get("user") or {}
        if status.get("authenticated") is not True or not found.get("username"):
            return None
        return User(found["username"], found.get("uid") or "", found.get("groups") or (), found.get("extra") or {})

    async def may(self, user: User, verb: str, ref: Ref) -> bool:
        """Whether a user may do something to an `MLRollout`.

        Args:
            user: The one who asks.
            verb: Of the API: `get` or `patch`.
            ref: The object, whether it exists or not.

        Raises:
            ObjectsError: It can't be known now.
        """
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.name,
                "uid": user.uid,
                "groups": list(user.groups),
                "extra": {name: list(values) for name, values in user.extra.items()},
                "resourceAttributes": {
                    "group": GROUP,
                    "resource": PLURAL,
                    "verb": verb,
                    "namespace": ref.namespace,
                    "name": ref.name,
                },
            },
        }
        answer = await self._client.ask("have a caller's rights reviewed", "POST", _ACCESS, review)
        return (answer.get("status") or {}).get("allowed") is True
