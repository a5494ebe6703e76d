"""The application's side: who is in treatment. Needs Redis and a hash, and nothing of the operator's."""

from mlrollout.redis_common.address import Tls

from .bucket import Group
from .exposed import Exposure
from .last_known import LastKnown
from .overrides import Overrides
from .rollout import Rollout
from .state import Assignment, State
from .view import Reason

__all__ = ["Assignment", "Exposure", "Group", "LastKnown", "Overrides", "Reason", "Rollout", "State", "Tls"]
