"""Objects of the Kubernetes API, read as often as a test asks: kubectl for each would cost more than what is tested."""

import json
from functools import cached_property
from typing import Any

from kubernetes.client import ApiClient, ApiException, CoreV1Api, CustomObjectsApi
from kubernetes.config import new_client_from_config

from devstack.errors import DevstackError

PATIENCE = 30.0
"""Seconds for one answer."""


class Reader:
    """Reads what a kubeconfig allows, in one namespace.

    Args:
        kubeconfig: A file, or several joined by colons.
        namespace: Where.
    """

    def __init__(self, kubeconfig: str, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace

    def rollout(self, name: str) -> dict[str, Any]:
        """An MLRollout as it stands.

        Raises:
            DevstackError: It is refused, as kubectl would be.
        """
        where = ("mlrollout.dev", "v1alpha1", self._namespace, "mlrollouts", name)
        api = CustomObjectsApi(self._client)
        try:
            answer: Any = api.get_namespaced_custom_object(*where, _preload_content=False, _request_timeout=PATIENCE)
        except ApiException as error:
            raise DevstackError(f"get mlr {name}: {error.status} {error.body}") from error
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def events(self) -> list[dict[str, Any]]:
        """All Events of the namespace."""
        api = CoreV1Api(self._client)
        answer: Any = api.list_namespaced_event(self._namespace, _preload_content=False, _request_timeout=PATIENCE)
        found: list[dict[str, Any]] = json.loads(answer.data)["items"]
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()  # type: ignore[no-untyped-call]  # kubernetes has no types there

    @cached_property
    def _client(self) -> ApiClient:
        client: ApiClient = new_client_from_config(self._kubeconfig)  # type: ignore[no-untyped-call]  # nor there
        return client
