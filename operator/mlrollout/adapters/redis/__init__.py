"""Redis: a plain one, a Cluster, or one behind Sentinel."""

from .calls import Calls
from .of_secret import open_of_secret
from .store import RedisTrafficStore
from .survey import Rating, Ratings, RedisSurvey, Taken
from .users import RedisUsers, UserCounts

__all__ = [
    "Calls",
    "Rating",
    "Ratings",
    "RedisSurvey",
    "RedisTrafficStore",
    "RedisUsers",
    "Taken",
    "UserCounts",
    "open_of_secret",
]
