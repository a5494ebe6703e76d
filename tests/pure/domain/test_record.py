"""The order of records, and the text they travel as."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.domain.record import LONGEST, MOST, SCHEMA, Cause, Record, UnreadableRecordError, decode, encode, greater

SMALL = st.integers(0, 2)
TEXT = st.text(max_size=8)


def _record(**fields: int | bool | str) -> Record:
    return Record(**{"attempt": 1, "latched": False, "sequence": 1, "percentage": 10} | fields)  # type: ignore[arg-type] # any field


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records from a world so small that they often meet their equals."""
    latched = draw(st.booleans())
    percentage = 0 if latched else draw(st.sampled_from([0, 10, 30, 100]))
    return Record(
        *(draw(SMALL), latched, draw(SMALL), percentage),
        revision=draw(TEXT),
        stage="" if latched else draw(TEXT),
        owner=draw(TEXT),
        holder=draw(TEXT),
        holdback=draw(SMALL),
    )


@given(records(), records(), records())
def test_merging_is_commutative_associative_and_idempotent(a: Record, b: Record, c: Record) -> None:
    assert greater(a, b).rank == greater(b, a).rank
    assert greater(a, greater(b, c)) == greater(greater(a, b), c)
    assert greater(a, a) is a


@given(records(), records())
def test_the_order_is_total_and_what_ranks_the_same_is_the_same_to_clients(a: Record, b: Record) -> None:
    assert (a.rank < b.rank) + (a.rank == b.rank) + (a.rank > b.rank) == 1
    assert a.rank != b.rank or (a.percentage, a.latched) == (b.percentage, b.latched)


@given(records(), records())
def test_a_newer_attempt_beats_all(a: Record, b: Record) -> None:
    newer = replace(b, attempt=a.attempt + 1)
    assert greater(a, newer) == greater(newer, a) == newer


@given(records(), records())
def test_inside_an_attempt_a_latch_beats_everything(a: Record, b: Record) -> None:
    latched = replace(a, latched=True, percentage=0)
    other = replace(b, attempt=a.attempt, latched=False)
    assert greater(latched, other) == greater(other, latched) == latched


@given(records(), st.integers(0, 100), st.integers(0, 100))
def test_then_the_later_step_counts_and_then_the_lower_percentage(a: Record, low: int, high: int) -> None:
    low, high = sorted((low, high))
    a = replace(a, latched=False)
    later = replace(a, sequence=a.sequence + 1, percentage=high)
    assert greater(a, later) == later
    assert greater(replace(a, percentage=high), replace(a, percentage=low)).percentage == low


@given(records(), st.booleans())
def test_a_record_survives_its_text(record: Record, encoded: bool) -> None:  # noqa: FBT001 - drawn
    text = encode(record)
    assert text.isascii()
    assert decode(text.encode() if encoded else text) == record


@given(
    st.text()
    | st.binary()
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_whatever_else_a_text_holds_is_unreadable(text: str | bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        decode(text)


FIELDS = (
    "schema",
    "owner",
    "holder",
    "revision",
    "attempt",
    "latched",
    "sequence",
    "percentage",
    "stage",
    "more",
    "holdback",
)
ANYTHING: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
)


@given(records(), st.dictionaries(st.sampled_from(FIELDS), ANYTHING, min_size=1))
def test_what_is_read_with_strange_fields_is_sensible_all_the_same(record: Record, strange: dict[str, object]) -> None:
    try:
        found = decode(json.dumps(json.loads(encode(record)) | strange))
    except UnreadableRecordError:
        return
    assert decode(encode(found)) == found
    assert (found.attempt, found.sequence) >= (0, 0)
    assert 0 <= found.percentage <= (0 if found.latched else 100)
    assert 0 <= found.holdback <= 100


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"schema": 2}, "schema"),
        ({"schema": True}, "schema"),
        ({"schema": None}, "schema"),
        ({"latched": True}, "latched at a percentage other than 0"),
        ({"latched": 1}, "latched is neither"),
        ({"attempt": -1}, "attempt"),
        ({"attempt": 2**53}, "attempt"),
        ({"sequence": 1.5}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"percentage": 101}, "percentage"),
        ({"percentage": True}, "percentage"),
        ({"percentage": None}, "percentage"),
        ({"owner": None}, "owner"),
        ({"stage": 1}, "stage"),
    ],
)
def test_a_field_without_a_sensible_value_makes_it_unreadable(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(UnreadableRecordError, match=complaint):
        decode(json.dumps(json.loads(encode(_record())) | fields))


def test_a_latched_record_stands_in_no_stage_whoever_wrote_it() -> None:
    assert decode(encode(_record(latched=True, percentage=0, stage="pilot"))).stage == ""


def test_half_of_a_surrogate_pair_is_read_as_what_a_status_can_hold() -> None:
    found = decode(encode(_record(stage="a\ud800", revision="\ud83d\ude00")))
    assert (found.stage, found.revision) == ("a?", "😀")


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
@pytest.mark.parametrize("encoded", [True, False])
def test_what_is_longer_than_any_record_is_not_even_parsed(letter: str, *, encoded: bool) -> None:
    """In characters, for the script in Redis and every client count alike."""

    def read(length: int) -> Record:
        begin = encode(_record())[:-1] + ',"pad":"'
        text = begin + letter * (length - len(begin) - 2) + '"}'
        assert len(text) == length
        return decode(text.encode() if encoded else text)

    assert read(LONGEST) == _record()
    for longer in (LONGEST + 1, 2**20):
        with pytest.raises(UnreadableRecordError, match="longer than 16384 characters"):
            read(longer)


def test_little_is_remembered_whatever_is_read() -> None:
    text = encode(_record())[:-1]
    decode(text + "}")
    assert decode(text + "}") is decode(text + "}")
    padded = text + ',"pad":"' + "x" * 4096 + '"}'
    assert decode(padded) is not decode(padded)


def test_the_longest_that_is_written_is_half_of_what_is_read() -> None:
    cause = Cause("R" * 64, "\x00" * 600, 1.0)
    longest = Record(MOST, latched=True, sequence=MOST, percentage=0, owner="u" * 64, cluster="c" * 64)
    longest = replace(longest, revision="é" * 253, holder="é" * 317, holdback=50, cause=cause)
    assert len(encode(longest)) < LONGEST / 2


def test_the_last_step_has_none_after_it() -> None:
    assert (_record(sequence=MOST - 1).next_sequence, _record(sequence=MOST).next_sequence) == (MOST, MOST)


NO_HOLDBACK: tuple[object, ...] = (-1, 101, 5.5, "5", True, None, [5], {}, 1e400)


@pytest.mark.parametrize(("value", "means"), [(5, 5), (5.0, 5), (100, 100), (0, 0), *((odd, 0) for odd in NO_HOLDBACK)])
def test_a_holdback_without_a_sensible_value_is_none_as_it_is_to_who_does_not_know_it(
    value: object, means: int
) -> None:
    found = decode(json.dumps(json.loads(encode(_record())) | {"holdback": value}))
    assert found == _record(holdback=means)


def test_a_holdback_takes_no_part_in_the_order_and_stands_only_where_there_is_one() -> None:
    assert _record(holdback=5).rank == _record().rank
    assert json.loads(encode(_record(holdback=5)))["holdback"] == 5
    assert "holdback" not in json.loads(encode(_record()))


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "[" * 100_000, '{"attempt": 1' + "0" * 5000 + "}"])
def test_a_text_that_is_no_object_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableRecordError):
        decode(text)


def test_the_complaint_quotes_nothing_of_what_stands_there() -> None:
    with pytest.raises(UnreadableRecordError) as raised:
        decode('{"schema": "hunter2"}')
    assert "hunter2" not in str(raised.value)


def test_whole_numbers_may_be_written_as_lua_and_javascript_do_and_unknown_fields_are_ignored() -> None:
    record = _record(revision="r", owner="u", holder="n/m", stage="pilot")
    fields = json.loads(encode(record))
    assert set(fields) == {"schema", *asdict(record)} - {"holdback", "cluster", "cause"}
    assert fields["schema"] == SCHEMA
    assert decode(json.dumps(fields | {"attempt": 1.0, "percentage": 10.0, "more": {}})) == record
    assert type(decode(json.dumps(fields | {"attempt": 1.0})).attempt) is int
    assert (
        decode(json.dumps({"schema": 1, "attempt": 1, "latched": False, "sequence": 1, "percentage": 10})) == _record()
    )
