"""Rights that commands and the operator need, and what is told of those that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrollout.api import GROUP, PLURAL

from .diagnosis import Diagnosis, DiagnosisLevel, ok

_LEASES = "coordination.k8s.io"


@dataclass(frozen=True, slots=True)
class AccessRight:
    """One right.

    Attributes:
        verb: The API server's verb.
        resource: Of what, with its subresource: `mlrollouts/status`.
        group: The API group of that.
        purpose: What is done by it.
        vital: Whether nothing works without it.
        namespace: Where; empty for everywhere.
        name: Of which object; empty for all.
    """

    verb: str
    resource: str
    group: str = GROUP
    purpose: str = ""
    vital: bool = True
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        called = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{called}" + (f" ({self.purpose})" if self.purpose else "")


def yours(namespace: str) -> Sequence[AccessRight]:
    """What a person's commands need; empty for every namespace."""
    return [
        AccessRight("get", PLURAL, purpose="status, why, history", namespace=namespace),
        AccessRight("list", PLURAL, purpose="list", namespace=namespace),
        AccessRight("watch", PLURAL, purpose="wait, --wait, --watch", vital=False, namespace=namespace),
        AccessRight("patch", PLURAL, purpose="rollback and all other verbs", vital=False, namespace=namespace),
        AccessRight("list", "events", "", "events", vital=False, namespace=namespace),
    ]


def of_operator(watched: str, lives: str, lease: str, named: Sequence[tuple[str, str, str]]) -> Sequence[AccessRight]:
    """What the operator needs; a test holds that it is what the chart grants.

    Args:
        watched: The namespace that it looks after; empty for all.
        lives: The namespace of its Lease.
        lease: The name of it.
        named: Resource, namespace and name of the Secrets and ConfigMaps that objects name.
    """
    return [
        *(AccessRight(verb, PLURAL, namespace=watched) for verb in ("get", "list", "watch", "patch")),
        AccessRight("patch", f"{PLURAL}/status", namespace=watched),
        *(AccessRight(verb, "events", "", vital=False, namespace=watched) for verb in ("create", "patch")),
        AccessRight("create", "leases", _LEASES, namespace=lives),
        *(AccessRight(verb, "leases", _LEASES, namespace=lives, name=lease) for verb in ("get", "update")),
        *(AccessRight("get", resource, "", namespace=space, name=name) for resource, space, name in named),
    ]


def rights(about: str, who: str, missing: Sequence[AccessRight], namespace: str, todo: str) -> Diagnosis:
    """What is told of somebody's rights.

    Args:
        about: Whose they are, for the line.
        who: The same for the sentence.
        missing: Those that are needed and not there.
        namespace: Where they were asked about; empty for everywhere.
        todo: What to do where any is missing.
    """
    where = f"in the namespace {namespace}" if namespace else "in every namespace"
    if not missing:
        return ok(about, f"{who} may do all that is needed {where}")
    level = DiagnosisLevel.FAILED if any(one.vital for one in missing) else DiagnosisLevel.WARNING
    return Diagnosis(about, level, f"{where}, {who} may not {', '.join(map(str, missing))}", todo)
