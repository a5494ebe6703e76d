"""What is remembered of the API server's answers, and for how long."""

import asyncio

import pytest
from mlrollout.ports import ObjectsError
from mlrollout.server.auth import answer_cache
from mlrollout.server.auth.answer_cache import REMEMBERED, AnswerCache
from mlrollout.server.http.problem import HttpProblem


class ApiServer:
    """Answers with the number of times that it was asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.up = asyncio.Event()
        self.up.set()
        self.broken = False

    async def answer(self) -> int:
        self.asked += 1
        number = self.asked
        await self.up.wait()
        if self.broken:
            raise ObjectsError("The Kubernetes API is away.")
        return number


@pytest.fixture
async def api() -> ApiServer:
    return ApiServer()


async def test_an_answer_holds_for_a_while_and_then_is_asked_for_anew(api: ApiServer) -> None:
    answers = AnswerCache(lambda: api.now)
    first = await answers.get("kim", api.answer)
    api.now = REMEMBERED - 0.001
    second = await answers.get("kim", api.answer)
    api.now = REMEMBERED
    third = await answers.get("kim", api.answer)

    assert (first, second, third) == (1, 1, 2)


async def test_what_is_known_of_one_is_not_known_of_another(api: ApiServer) -> None:
    answers = AnswerCache(lambda: api.now)

    assert [await answers.get(who, api.answer) for who in ("kim", "lee", "kim")] == [1, 2, 1]


async def test_whoever_asks_meanwhile_waits_for_the_same_answer(api: ApiServer) -> None:
    answers = AnswerCache(lambda: api.now)
    api.up.clear()
    asking = [asyncio.ensure_future(answers.get("kim", api.answer)) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    api.up.set()

    assert await asyncio.gather(*asking[1:]) == [1] * 9


async def test_a_failure_lets_nobody_in_and_is_not_remembered(api: ApiServer) -> None:
    answers = AnswerCache(lambda: api.now)
    api.broken = True
    with pytest.raises(HttpProblem, match="nobody is let in") as refused:
        await answers.get("kim", api.answer)
    api.broken = False

    assert refused.value.status == 503
    assert "away" not in refused.value.detail  # whoever asks is not known
    assert await answers.get("kim", api.answer) == 2


async def test_only_so_much_is_remembered(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_cache, "MOST_REMEMBERED", 2)
    answers = AnswerCache(lambda: api.now)

    assert [await answers.get(who, api.answer) for who in ("a", "b", "c", "c", "b", "a")] == [1, 2, 3, 3, 2, 4]
