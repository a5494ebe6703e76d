"""The application's side: who is in treatment. Needs Redis and a hash, and nothing of the operator's."""

from mlrollout.redis_server.address import Tls

from .bucket import Group
from .rollout import Assignment, Rollout, State
from .view import Reason

__all__ = ["Assignment", "Group", "Reason", "Rollout", "State", "Tls"]
