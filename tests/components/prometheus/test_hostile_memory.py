"""A reply made to take memory takes little: it would end every replica at its next look, and nobody would guard."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlrollout.adapters.prometheus import MOST_BRACES, MOST_VALUES

ROOT = Path(__file__).parents[3]
MOST = 96
"""MiB that one reply may take while it is read and thought about; the chart gives a replica 384."""

_READ = """
import asyncio, resource
from tests.components.prometheus.asking import asking
from mlrollout.adapters.prometheus import MAX_BYTES, MAX_RANGE_BYTES
from mlrollout.ports import SourceError
from tests.support import raw_server as raw

BODY = {body}

async def main():
    async with raw.raw_server(raw.answers(BODY)) as server, asking(server.address) as ask:
        now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + {most} * 1024 * 1024,) * 2)
        try:
            print("answered", bool(await ask(at={at}, deadline=60)))
        except SourceError as error:
            print(error)

asyncio.run(main())
"""


def filled(head: str, part: str, tail: str, kind: str = "matrix", times: int = 0) -> str:
    """Code for a reply in which one part stands again and again: so many times, or as often as it may be long."""
    most = "MAX_BYTES" if kind == "vector" else "MAX_RANGE_BYTES"
    often = str(times) if times else f"(({most} - 200) // {len(part) + 1})"
    begin = f'{{"status":"success","data":{{"resultType":"{kind}","result":[{head}'
    return f"b'{begin}' + b'{part},' * {often} + b'{part}{tail}'"


SAMPLES = '{"metric":{},"values":['
FEW = MOST_VALUES - 10


@pytest.mark.parametrize(
    ("body", "at", "said"),
    [
        pytest.param(filled("", "1", "]}}"), 1, "too many values", id="series that are none"),
        pytest.param(filled(SAMPLES, "1", "]}]}}"), 1, "too many values", id="samples that are none"),
        pytest.param(filled(SAMPLES, "[1,1]", "]}]}}"), 1, "too many values", id="samples"),
        pytest.param(filled("", '{"metric":{}}', "]}}"), 1, "too many values", id="series without a label"),
        pytest.param(filled("", "1", "]}}", "vector"), None, "too many values", id="instant series that are none"),
        pytest.param(filled("", "1", "]}}", times=FEW), 1, "no samples", id="few series that are none"),
        pytest.param(filled(SAMPLES, "1", "]}]}}", times=FEW), 1, "no samples", id="few samples that are none"),
        pytest.param(filled(SAMPLES, '["",""]', "]}]}}", times=FEW // 2), 1, "no samples", id="few of no time"),
        pytest.param(filled('{"metric":{', '"":1', "}}]}}", times=FEW), 1, "no samples", id="few labels that are none"),
        pytest.param(filled("", "1", "]}}", "vector", FEW), None, "no answer", id="few instant series that are none"),
        pytest.param(
            filled("", "{}", ']},"warnings":[1]}', "vector", MOST_BRACES - 9),
            None,
            "no answer",
            id="few without a value",
        ),
        pytest.param(filled(SAMPLES, "[1,1]", "]}]}}", times=FEW // 2), 1, "answered", id="as many samples as may be"),
    ],
)
def test_a_reply_made_to_take_memory_takes_little(body: str, at: float | None, said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _READ.format(body=body, at=at, most=MOST)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert said in ran.stdout
