"""The CustomResourceDefinition of `MLRollout`."""

from typing import Any

from . import GROUP, KIND, PLURAL, SHORT_NAME, SINGULAR, VERSION
from .schema import structural
from .spec import Spec
from .status import Status

_ABOUT = "An ML feature that is rolled out to users by percentage, and taken back by itself."
_READY = '.status.conditions[?(@.type=="Ready")]'

# Priority 1 is shown by `kubectl get -o wide` only.
_COLUMNS = (
    {"name": "Revision", "type": "string", "jsonPath": ".status.revision"},
    {"name": "Stage", "type": "string", "jsonPath": ".status.stage"},
    {"name": "Percentage", "type": "integer", "jsonPath": ".status.percentage"},
    {"name": "Status", "type": "string", "jsonPath": f"{_READY}.reason"},
    {"name": "Served", "type": "string", "jsonPath": ".status.served"},
    {"name": "Next", "type": "string", "jsonPath": ".status.next"},
    {"name": "Ready", "type": "string", "jsonPath": f"{_READY}.status", "priority": 1},
    {"name": "Attempt", "type": "integer", "jsonPath": ".status.attempt", "priority": 1},
    {"name": "Message", "type": "string", "jsonPath": f"{_READY}.message", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
)

# Without this default, tools that wait for readiness take an object that nobody has seen yet for ready, and a person
# without a running operator sees nothing at all.
UNSEEN: dict[str, Any] = {
    "observedGeneration": -1,
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "AwaitingOperator",  # what the operator itself never says
            "message": "no operator has seen this object yet; if this stays, see whether mlrollout runs, and its log",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ],
}
"""The status of an object that no operator has seen yet."""


def crd() -> dict[str, Any]:
    """The whole object, as it is applied."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [dict(column) for column in _COLUMNS],
        "schema": {"openAPIV3Schema": schema()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
            },
            "versions": [version],
        },
    }


def schema() -> dict[str, Any]:
    """The schema of one `MLRollout`."""
    status = structural(Status, defaults=False) | {"default": UNSEEN}
    return {
        "description": _ABOUT,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": KIND},
            "metadata": {"type": "object"},
            "spec": structural(Spec),
            "status": status,
        },
    }
