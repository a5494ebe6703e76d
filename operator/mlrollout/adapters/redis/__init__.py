"""Redis: a plain one, a Cluster, or one behind Sentinel."""

from .calls import Calls
from .store import RedisTrafficStore
from .survey import Ratings, RedisSurvey
from .users import RedisUsers, Users

__all__ = ["Calls", "Ratings", "RedisSurvey", "RedisTrafficStore", "RedisUsers", "Users"]
