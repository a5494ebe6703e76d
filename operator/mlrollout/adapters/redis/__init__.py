"""The percentage in Redis: `TrafficStore` over a plain Redis, a Cluster, or one behind Sentinel."""

from .address import Tls
from .store import RedisTrafficStore

__all__ = ["RedisTrafficStore", "Tls"]
