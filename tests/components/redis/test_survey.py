"""The survey's answers, in a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
from mlrollout.adapters.redis import Calls, Rating, Ratings, RedisSurvey, Taken
from mlrollout.adapters.redis import survey as module
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


DAY = 86_400.0


async def rate(
    survey: RedisSurvey,
    key: str,
    user: str,
    rating: int,
    *,
    dispatch: str = "d",
    day: int = 7,
    group: str = "control",
    attempt: int = 1,
) -> Taken:
    given = Rating(user, dispatch, rating)
    return await survey.rate(key, attempt, group, given, now=day * DAY + 5, every=DAY)


async def test_ratings_are_counted_by_group(survey: RedisSurvey, key: str) -> None:
    await rate(survey, key, "a", 3)
    await rate(survey, key, "b", 4)
    await rate(survey, key, "c", 5, group="treatment")

    totals = await survey.totals(key, 1)
    assert {group: (ratings.number, ratings.average) for group, ratings in totals.items()} == {
        "control": (2, 3.5),
        "treatment": (1, 5.0),
    }


async def test_of_one_user_the_first_rating_of_a_period_counts(survey: RedisSurvey, key: str) -> None:
    assert await rate(survey, key, "a", 3) is Taken.COUNTED
    assert await rate(survey, key, "a", 5) is Taken.AGAIN
    assert await rate(survey, key, "a", 5, dispatch="e") is Taken.ENOUGH
    assert await rate(survey, key, "a", 5, dispatch="e", group="treatment") is Taken.ENOUGH
    assert await survey.totals(key, 1) == {"control": Ratings({3: 1})}

    assert await rate(survey, key, "a", 5, dispatch="f", day=8) is Taken.COUNTED
    assert await rate(survey, key, "a", 1, attempt=2) is Taken.COUNTED
    assert await survey.totals(key, 1) == {"control": Ratings({3: 1, 5: 1})}
    assert await survey.totals(key, 2) == {"control": Ratings({1: 1})}


async def test_user_and_dispatch_are_not_mixed_up(survey: RedisSurvey, key: str) -> None:
    assert await rate(survey, key, "ab", 3, dispatch="c") is Taken.COUNTED
    assert await rate(survey, key, "a", 3, dispatch="bc") is Taken.COUNTED


async def test_of_many_at_once_one_counts(survey: RedisSurvey, key: str) -> None:
    outcomes = await asyncio.gather(*(rate(survey, key, "a", 3) for _ in range(20)))

    assert outcomes.count(Taken.COUNTED) == 1
    assert await survey.totals(key, 1) == {"control": Ratings({3: 1})}


async def test_however_much_is_sent_what_is_kept_is_bounded(
    survey: RedisSurvey, key: str, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_RATERS", 200)
    for number in range(200):
        assert await rate(survey, key, f"u{number}", 3) is Taken.COUNTED
    kept = sum(int(str(raw.memory_usage(name))) for name in raw.scan_iter(f"{key}*"))
    for number in range(200, 1000):
        assert await rate(survey, key, f"u{number}", 5) is Taken.FULL
        assert await rate(survey, key, "u0", 5, dispatch=f"d{number}") is Taken.ENOUGH

    assert sum(int(str(raw.memory_usage(name))) for name in raw.scan_iter(f"{key}*")) == kept
    assert kept < 200 * 150
    assert await survey.totals(key, 1) == {"control": Ratings({3: 200})}


async def test_answers_expire_and_who_gave_them_sooner(survey: RedisSurvey, key: str, raw: "redis.Redis") -> None:
    await rate(survey, key, "kim", 3)

    lives = {str(name): int(str(raw.ttl(name))) for name in raw.scan_iter(f"{key}*")}
    assert len(lives) == 2
    assert KEPT - 60 < lives[f"{key}:ratings:1"] <= KEPT
    assert 0 < lives[f"{key}:rated:1:7"] <= 2 * DAY + 1
    assert b"kim" not in raw.dump(f"{key}:rated:1:7")  # type: ignore[operator]  # of a blocking client it is bytes
