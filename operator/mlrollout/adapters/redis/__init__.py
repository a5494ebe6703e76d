"""The percentage in Redis: `TrafficStore` over a plain Redis, a Cluster, or one behind Sentinel."""

from .store import RedisTrafficStore

__all__ = ["RedisTrafficStore"]
