"""What the A/B API stands on, as the configuration says."""

import time

import pytest
from mlrollout.adapters.redis import Rating, Taken
from mlrollout.ports import TrafficError
from mlrollout.server import backends
from mlrollout.server.config import Config

from devstack.redis_server import RedisServer

KEY = "dispatch:percentage"


async def test_users_and_ratings_are_counted_in_a_redis_with_an_authority_of_its_own() -> None:
    told = {"rollouts": [{"name": "a", "key": KEY}]}
    given = Rating("kim", "d-1", 4)
    with RedisServer(tls=True) as own:
        trusting = Config.model_validate({**told, "redis_tls": {"ca": str(own.ca_file)}})
        async with backends.opened(trusting, own.url) as behind:
            await behind.users.add(KEY, 1, [b"kim"], [b"lee", b"sam"])
            counted = await behind.users.count(KEY, 1)
            outcome = await behind.survey.rate(KEY, 1, "control", given, now=time.time(), every=3600.0)
        async with backends.opened(Config.model_validate(told), own.url) as behind:
            with pytest.raises(TrafficError, match="can't be verified"):
                await behind.users.count(KEY, 1)

    assert (counted.control, counted.treatment) == (1, 2)
    assert outcome is Taken.COUNTED
