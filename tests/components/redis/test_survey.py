"""The survey's answers, in a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
from mlrollout.adapters.redis import Calls, Ratings, RedisSurvey
from mlrollout.adapters.redis.survey import KEPT

from devstack.redis_server import RedisServer


@pytest.fixture
async def survey(server: RedisServer, patient: None) -> AsyncIterator[RedisSurvey]:
    calls = Calls.from_url(server.url)
    yield RedisSurvey(calls)
    await calls.close()


async def test_without_an_answer_there_is_no_average(survey: RedisSurvey, key: str) -> None:
    assert await survey.totals(key, 1) == {}
    assert Ratings().average is None


async def test_ratings_are_counted_by_group(survey: RedisSurvey, key: str) -> None:
    await survey.rate(key, 1, "control", "a", 3)
    await survey.rate(key, 1, "control", "b", 4)
    await survey.rate(key, 1, "treatment", "c", 5)

    totals = await survey.totals(key, 1)
    assert {group: (ratings.number, ratings.average) for group, ratings in totals.items()} == {
        "control": (2, 3.5),
        "treatment": (1, 5.0),
    }


async def test_only_the_first_rating_with_a_mark_counts(survey: RedisSurvey, key: str) -> None:
    assert await survey.rate(key, 1, "control", "a", 3)
    assert not await survey.rate(key, 1, "control", "a", 5)
    assert not await survey.rate(key, 2, "treatment", "a", 5)

    assert await survey.totals(key, 1) == {"control": Ratings({3: 1})}
    assert await survey.totals(key, 2) == {}


async def test_of_many_at_once_one_counts(survey: RedisSurvey, key: str) -> None:
    counted = await asyncio.gather(*(survey.rate(key, 1, "control", "a", 3) for _ in range(20)))

    assert sum(counted) == 1
    assert await survey.totals(key, 1) == {"control": Ratings({3: 1})}


async def test_answers_expire(survey: RedisSurvey, key: str, raw: "redis.Redis") -> None:
    await survey.rate(key, 1, "control", "a", 3)

    lives = [raw.ttl(name) for name in raw.scan_iter(f"{key}*")]
    assert len(lives) == 2
    assert all(KEPT - 60 < int(str(seconds)) <= KEPT for seconds in lives)
