"""Two versions on one record in a real Redis: scripts and SDKs, in both directions."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlrollout
import pytest
import redis

from devstack.redis_server import RedisServer
from tests.versions import older

pytestmark = pytest.mark.long

USERS = [f"user-{number}" for number in range(400)]
CREATED = (1_793_698_200 << 16) + 1
"""As a first attempt is numbered now."""
HERE: dict[str, Any] = {"owner": "uid-1", "holder": "dispatch/ml-dispatch", "revision": "r1", "cluster": "here"}
CAUSE = {"reason": "GuardrailBreached", "message": "guardrail errors: 0.2 is above max 0.05", "at": 1_793_698_260.5}


class Version:
    """One version at work on one key."""

    def __init__(self, python: Path, url: str, key: str) -> None:
        act = Path(__file__).parent / "act.py"
        self._process = subprocess.Popen(
            [python, act, url, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def write(self, record: Mapping[str, Any], *, expect: Mapping[str, Any] | None = None) -> tuple[str, int]:
        """Write a record, as a raise where it says what it expects; answers the outcome and what is in force."""
        done = self._do({"write": record, "raises": expect is not None, "expect": expect})
        return done["outcome"], done["in_force"]

    def share(self, revision: str | None = None) -> float:
        """The share of users whom a process that starts now gives treatment, in per cent."""
        done = self._do({"follow": USERS, "revision": revision})
        return 100 * float(done["treatment"]) / len(USERS)

    def _do(self, act: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(act) + "\n")
        self._process.stdin.flush()
        done: dict[str, Any] = json.loads(self._process.stdout.readline())
        return done

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def key() -> str:
    return f"{uuid.uuid4().hex}:percentage"


@pytest.fixture
def raw(server: RedisServer) -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    yield client
    client.close()


@pytest.fixture
def old(server: RedisServer, key: str) -> Iterator[Version]:
    version = Version(older.python(), server.url, key)
    yield version
    version.close()


@pytest.fixture
def new(server: RedisServer, key: str) -> Iterator[Version]:
    version = Version(Path(sys.executable), server.url, key)
    yield version
    version.close()


def record(percentage: int, sequence: int, *, attempt: int = CREATED, **more: Any) -> dict[str, Any]:
    latched = more.pop("latched", False)
    stands = {"attempt": attempt, "latched": latched, "sequence": sequence, "percentage": percentage}
    return HERE | {"stage": "" if latched or not percentage else "pilot"} | stands | more


def test_the_older_version_is_the_older_one_whatever_pythonpath_says(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Path(mlrollout.__path__[0])
    monkeypatch.setenv("PYTHONPATH", str(newer.parent))
    asked = [str(older.python()), "-c", "import mlrollout; print(mlrollout.__path__[0])"]
    found = Path(subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip())
    assert found.is_relative_to(older.python().parents[1])


def test_an_older_reader_follows_a_newer_record_up_and_down(old: Version, new: Version) -> None:
    zero, thirty = record(0, 0), record(30, 1)
    assert new.write(zero) == ("applied", 0)
    assert old.share() == 0
    assert new.write(thirty, expect=zero) == ("applied", 30)
    assert old.share() == new.share() == pytest.approx(30, abs=10)
    assert old.share("r2") == new.share("r2") == 0
    assert new.write(record(0, 2, latched=True, cause=CAUSE)) == ("applied", 0)
    assert old.share() == new.share() == 0


def test_an_older_reader_knows_of_no_holdback_and_follows_all_else(
    old: Version, new: Version, raw: redis.Redis, key: str
) -> None:
    zero, full = record(0, 0, holdback=20), record(100, 1, holdback=20)
    assert new.write(zero) == ("applied", 0)
    assert new.write(full, expect=zero) == ("applied", 100)
    assert old.share() == 100
    assert new.share() == pytest.approx(80, abs=10)
    assert old.write(full, expect=zero) == ("applied", 100), "it stands already"
    assert json.loads(str(raw.get(f"{key}:record")))["holdback"] == 20, "and is left as it stands"
    assert new.write(record(0, 2, latched=True, holdback=20, cause=CAUSE)) == ("applied", 0)
    assert old.share() == new.share() == 0


def test_a_step_by_an_older_operator_ends_the_holdback(old: Version, new: Version) -> None:
    zero, full = record(0, 0, holdback=20), record(100, 1, holdback=20)
    new.write(zero)
    assert old.write(full, expect=zero) == ("applied", 100)
    assert old.share() == new.share() == 100


def test_an_older_script_orders_newer_records_and_the_other_way_round(old: Version, new: Version) -> None:
    zero, thirty = record(0, 0), record(30, 1)
    new.write(zero)
    assert old.write(thirty, expect=zero) == ("applied", 30)
    assert new.write(record(0, 2, latched=True, cause=CAUSE)) == ("applied", 0)
    for version in (old, new):
        assert version.write(record(100, 9), expect=thirty) == ("outranked", 0)
        assert version.write(record(0, 2, latched=True)) == ("applied", 0), "it stands already"
    assert old.write(record(0, 0, attempt=CREATED + 1)) == ("applied", 0)
    assert new.write(record(100, 9), expect=thirty) == ("outranked", 0)


def test_the_cause_stays_where_an_older_operator_repeats_the_latch(
    old: Version, new: Version, raw: redis.Redis, key: str
) -> None:
    new.write(record(0, 2, latched=True, cause=CAUSE))
    old.write(record(0, 2, latched=True))
    assert json.loads(str(raw.get(f"{key}:record")))["cause"] == CAUSE


def test_an_older_record_stands_for_a_newer_operator_and_is_given_its_cluster(
    old: Version, new: Version, raw: redis.Redis, key: str
) -> None:
    zero, ten = record(0, 0, attempt=2), record(10, 1, attempt=2)
    old.write(zero)
    old.write(ten, expect=zero)
    assert "cluster" not in json.loads(str(raw.get(f"{key}:record")))
    assert new.share() == old.share() > 0
    assert new.write(ten, expect=zero) == ("applied", 10)
    found = json.loads(str(raw.get(f"{key}:record")))
    assert (found["cluster"], found["attempt"], found["percentage"]) == ("here", 2, 10)


def test_a_newer_object_outranks_an_older_operator_s_record_of_its_predecessor(old: Version, new: Version) -> None:
    old.write(record(0, 3, attempt=7, latched=True, owner="uid-0"))
    assert new.write(record(0, 0)) == ("applied", 0)
    assert old.write(record(0, 0, attempt=8, owner="uid-0")) == ("outranked", 0)


def test_of_two_clusters_the_newer_operator_does_not_take_the_key(old: Version, new: Version) -> None:
    new.write(record(0, 0))
    there: dict[str, Any] = {"owner": "uid-2", "cluster": "there", "attempt": CREATED + 9}
    assert new.write(record(0, 0, **there)) == ("foreign", 0)
    assert old.write(record(0, 0, **there)) == ("applied", 0), "which an older one does"
