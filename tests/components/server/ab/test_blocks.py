"""What verdicts stand on, over HTTP: how much of it is in one answer."""

from dataclasses import dataclass
from typing import Any

import pytest
from mlrollout.ports import Ref
from mlrollout.replay.document import parse
from mlrollout.server.ab import blocks

from tests.components.server.ab.calls import BASE
from tests.components.server.ab.inside import inside
from tests.pure.replay.test_replay import Source, failing, rollout


@dataclass
class Holding:
    """A cluster that holds this object."""

    found: dict[str, Any]

    async def read(self, _ref: Ref) -> dict[str, Any]:
        return self.found


async def test_more_than_one_answer_holds_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = failing()
    async with inside(Holding(rollout(looks)), Source(looks.counters)) as client:
        async with client.get(f"{BASE}/monitoring/blocks") as answer:
            assert answer.status == 200
            (one,) = parse(await answer.read()).guardrails
        numbers = 4 * len(one.blocks)
        for path, less in (("", "by `guardrail=`. `mlrollout blocks`"), ("?guardrail=errors", "`mlrollout blocks`")):
            monkeypatch.setattr(blocks, "MOST_NUMBERS", numbers)
            async with client.get(f"{BASE}/monitoring/blocks{path}") as answer:
                assert answer.status == 200
            monkeypatch.setattr(blocks, "MOST_NUMBERS", numbers - 1)
            async with client.get(f"{BASE}/monitoring/blocks{path}") as answer:
                assert (answer.status, "Retry-After" in answer.headers) == (422, False)
                detail = (await answer.json())["detail"]
            assert f"more than {numbers - 1:,} numbers" in detail
            assert less in detail
            assert ("guardrail=" in detail) is (path == "")
