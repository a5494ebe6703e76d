"""The Kubernetes API behind the ports `Objects`, `Secrets` and `LeaseStore`, and for the server."""

from .client import Client
from .cluster import cluster_uid
from .config_maps import KubernetesConfigMaps
from .connection import connect, log_in
from .lease import KubernetesLease
from .objects import KubernetesObjects
from .reviews import KubernetesReviews, User
from .secrets import KubernetesSecrets
from .verbs import KubernetesVerbs
from .watching import KubernetesWatch

__all__ = [
    "Client",
    "KubernetesConfigMaps",
    "KubernetesLease",
    "KubernetesObjects",
    "KubernetesReviews",
    "KubernetesSecrets",
    "KubernetesVerbs",
    "KubernetesWatch",
    "User",
    "cluster_uid",
    "connect",
    "log_in",
]
