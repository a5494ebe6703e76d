"""Asking for a verb: the annotation that the operator hears, set for somebody who called over HTTP."""

from mlrollout.api import GROUP
from mlrollout.ports import Object, Ref

from .client import Client, Data
from .objects import OBJECT


class KubernetesVerbs:
    """Reads one `MLRollout` and annotates it; needs the rights `get` and `patch` and no other."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, ref: Ref) -> Object:
        """The object as it stands now.

        Raises:
            GoneError: It does not exist.
            ObjectsError: It can't be known.
        """
        return await self._client.ask(f"read {ref}", "GET", OBJECT, namespace=ref.namespace, name=ref.name)

    async def ask(self, ref: Ref, verb: str, why: str, *, version: str = "") -> Object:
        """Set the annotation of a verb; answers with the object after it.

        Args:
            ref: The object.
            verb: For example `rollback`.
            why: What the operator is told with it.
            version: The resourceVersion that the object must still have; empty for any.

        Raises:
            ConflictError: It has another one by now; nothing was written.
            GoneError: It does not exist.
            ObjectsError: Whether it was written is unknown.
        """
        metadata: Data = {"annotations": {f"{GROUP}/{verb}": why}}
        if version:
            metadata["resourceVersion"] = version
        what = f"ask {ref} for {verb}"
        return await self._client.ask(
            what, "PATCH", OBJECT, {"metadata": metadata}, namespace=ref.namespace, name=ref.name
        )
