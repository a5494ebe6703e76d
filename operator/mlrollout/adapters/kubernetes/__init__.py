"""The Kubernetes API behind the ports `Objects`, `Secrets` and `LeaseStore`."""

from .client import Client
from .connection import connect
from .lease import KubernetesLease
from .objects import KubernetesObjects
from .secrets import KubernetesSecrets

__all__ = ["Client", "KubernetesLease", "KubernetesObjects", "KubernetesSecrets", "connect"]
