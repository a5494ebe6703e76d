"""Whose a key is: an object of this name in this cluster, or another, and how the newer one outranks the older."""

from dataclasses import replace

import pytest
from mlrollout.assignment.view import TrafficView
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import ATTEMPTS, Record, decode, encode, first_attempt
from mlrollout.domain.traffic import Lower, Traffic

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import Edit
from tests.pure.domain.world import HOLDER, UID

NOW = 1_800_000_000.0
SPEC = Edit().spec
OLD = Record(4, latched=False, sequence=2, percentage=30, revision="r0", stage="half", owner="old-uid", holder=HOLDER)
ME = Observation(UID, HOLDER, created=NOW, cluster="here")


def _begin(found: Record | None, seen: Observation = ME) -> Decision:
    key = None if found is None else str(found.percentage)
    return decide(SPEC, None, replace(seen, traffic=Traffic(key, found)), NOW)


# --- clusters --------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "own"), [("here", "here"), ("", "here"), ("there", ""), ("", "")])
def test_a_predecessor_s_key_is_taken_over_and_where_nothing_says_its_cluster_with_a_warning(
    found: str, own: str
) -> None:
    state = _begin(replace(OLD, cluster=found), replace(ME, cluster=own)).state
    assert state is not None
    assert (state.record.owner, state.record.percentage, state.record.cluster) == (UID, 0, own)
    (begun,) = state.history
    assert begun.reason == Reason.ATTEMPT_STARTED
    assert begun.warning == (not (found and own))
    assert ("old-uid" in begun.message) == begun.warning


def test_the_key_of_an_object_given_up_is_taken_over_without_a_warning() -> None:
    state = _begin(replace(OLD, owner="", cluster="there")).state
    assert state is not None
    assert not state.history[0].warning


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"cluster": "there"}, [HOLDER, "old-uid", UID, "kube-system there", "this one's is here", "can't free it"]),
        ({"holder": "else/where", "cluster": "here"}, ["else/where", "old-uid", "delete the other object first"]),
        ({"holder": "else/where"}, ["else/where", "may be in another cluster"]),
        ({"holder": ""}, ["another owner"]),
    ],
)
def test_a_conflict_names_what_tells_the_two_apart(found: dict[str, str], said: list[str]) -> None:
    decision = _begin(replace(OLD, **found))  # type: ignore[arg-type]  # any text of it
    assert (decision.state, decision.write) == (None, None)
    (alert,) = decision.alerts
    assert alert.reason is Reason.KEY_CONFLICT
    assert [part for part in said if part not in alert.message] == []
    if found.get("cluster") == "there":
        assert "delete" not in alert.message


def test_who_lost_a_key_to_another_cluster_says_so_and_tells_no_rollback() -> None:
    world = world_at("second stage")
    taken = replace(world.state.record, owner="other-uid", cluster="there", attempt=9)
    world.set_key("30")
    world.set_record(encode(taken))
    history = world.state.history
    world.play([("breach", 0), ("handle", 0)])
    assert world.state.history == history
    decision = world.operators[0].decision
    assert decision is not None
    assert "other-uid" in decision.alerts[0].message
    assert world.redis.traffic.record == taken


def test_a_record_of_an_older_operator_is_told_its_cluster() -> None:
    world = world_at("second stage")
    seen = Observation(UID, HOLDER, world.redis.traffic, measurements=world.operators[0].measurements, cluster="here")
    decision = decide(world.edit.spec, world.state, seen, world.now)
    assert decision.write == Lower(world.state.record)
    assert decision.write is not None
    assert decision.write.record.cluster == "here"
    placed = replace(seen, traffic=Traffic("30", decision.write.record))
    assert decide(world.edit.spec, decision.state, placed, world.now).write is None


@pytest.mark.parametrize("cluster", ["here", "ü" * 100])
def test_a_cluster_travels_in_the_text_and_is_bounded(cluster: str) -> None:
    assert decode(encode(replace(OLD, cluster=cluster))).cluster == cluster[:64]
    assert '"cluster"' not in encode(OLD)
    assert decode(encode(OLD).replace('"schema":1', '"schema":1,"cluster":[1]')).cluster == ""


# --- attempts --------------------------------------------------------------------------------


def test_people_count_the_attempts_of_an_object_from_one() -> None:
    state = _begin(None).state
    assert state is not None
    assert state.record.attempt == first_attempt(NOW) == (1_800_000_000 << 16) + 1
    assert state.record.ordinal == 1
    assert state.history[0].message == "attempt 1 begins: revision r1"
    assert state.history[0].attempt == 1
    again = decide(Edit(revision=2).spec, state, replace(ME, traffic=Traffic("0", state.record)), NOW).state
    assert again is not None
    assert (again.record.ordinal, again.history[-1].message) == (2, "attempt 2 begins: revision r2")


def test_a_newer_object_outranks_whatever_an_older_one_wrote_also_where_redis_lost_it() -> None:
    older = _begin(None).state
    newer = _begin(None, replace(ME, uid="newer", created=NOW + 1)).state
    assert older is not None
    assert newer is not None
    last = replace(older.record, attempt=older.record.attempt + ATTEMPTS - 2, latched=True, percentage=0)
    assert newer.record.rank > last.rank
    assert newer.record.attempt < 2**53 - 1, "every language can count so far"
    held = TrafficView().read(Traffic("0", last), 1.0)
    assert held.read(Traffic("0", newer.record), 2.0).record == newer.record


def test_where_the_clock_of_the_cluster_was_ahead_the_next_number_is_taken() -> None:
    ahead = replace(OLD, attempt=first_attempt(NOW + 3600) + 6)
    state = _begin(ahead).state
    assert state is not None
    assert (state.record.attempt, state.record.ordinal) == (ahead.attempt + 1, 8)


def test_attempts_of_before_go_on_as_they_were_counted() -> None:
    """An upgrade in the middle of a rollout renumbers nothing."""
    state = _begin(replace(OLD, owner=UID, sequence=0, percentage=0, stage="", revision="r1")).state
    assert state is not None
    assert (state.record.attempt, state.record.ordinal) == (4, 4)


def test_an_object_whose_creation_is_not_known_begins_at_one() -> None:
    state = _begin(None, replace(ME, created=0.0)).state
    assert state is not None
    assert state.record.attempt == 1
