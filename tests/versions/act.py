"""What either version does with one key; run by that version's Python: `act.py URL KEY`, an act as JSON on each line.

{"write": {…fields of a record}, "raises": true, "expect": {…}}    answers the outcome and what stands
{"follow": ["kim", …], "revision": "r1"}                           answers the SDK's percentage and groups
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.assignment import Rollout
from mlrollout.domain import traffic
from mlrollout.domain.record import Record, decode


def _record(fields: Mapping[str, Any] | None) -> Record | None:
    """As this version reads it; what it does not know it leaves out."""
    return None if fields is None else decode(json.dumps({"schema": 1, **fields}))


def _request(record: Record, expect: Record | None, *, raises: bool) -> Any:
    if hasattr(traffic, "Raise"):
        return traffic.Raise(traffic.SavedRecord(record), expect) if raises else traffic.Lower(record)
    return traffic.Write(record, raises=raises, expect=expect)  # type: ignore[operator]  # of the older version


async def _write(url: str, key: str, act: Mapping[str, Any]) -> Mapping[str, Any]:
    store = RedisTrafficStore.from_url(url)
    try:
        record = _record(act["write"])
        assert record is not None
        written = await store.write(key, _request(record, _record(act.get("expect")), raises=act.get("raises", False)))
    finally:
        await store.close()
    return {"outcome": written.outcome.value, "in_force": written.traffic.in_force}


def _follow(url: str, key: str, act: Mapping[str, Any]) -> Mapping[str, Any]:
    with Rollout(key, redis=url, revision=act.get("revision")) as rollout:
        rollout.wait_ready(5)
        groups = [rollout.assign(user).group.value for user in act["follow"]]
        return {"percentage": rollout.percentage, "treatment": groups.count("treatment")}


def main(url: str, key: str) -> None:
    for line in sys.stdin:
        act = json.loads(line)
        done = asyncio.run(_write(url, key, act)) if "write" in act else _follow(url, key, act)
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
