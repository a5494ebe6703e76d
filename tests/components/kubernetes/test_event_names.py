import pytest
from mlrollout.adapters.kubernetes.events import cut, event_name
from mlrollout.ports import EventToPost, Ref

REF = Ref("dispatch", "ml-dispatch")
ONCE = EventToPost("StageAdvanced", "pilot to expansion", unique="1/2")
AGAIN = EventToPost("EvidenceMissing", "error-rate: 12 samples of 50 in 5m, seen 3m10s ago (24.0%)")


def again(message: str) -> str:
    return event_name(REF, "uid", EventToPost("EvidenceMissing", message))


def test_a_transition_has_one_name_whatever_its_message_says() -> None:
    assert event_name(REF, "uid", ONCE) == event_name(
        REF, "uid", EventToPost("StageAdvanced", "10 % to 30 %", unique="1/2")
    )


@pytest.mark.parametrize(
    ("ref", "uid", "event"),
    [
        (Ref("dispatch", "other"), "uid", ONCE),
        (REF, "another life", ONCE),
        (REF, "uid", EventToPost("StageAdvanced", ONCE.message, unique="1/3")),
        (REF, "uid", EventToPost("RolledBack", ONCE.message, unique="1/2")),
        (REF, "uid", EventToPost("StageAdvanced", "1/2")),
    ],
)
def test_another_transition_has_another_name(ref: Ref, uid: str, event: EventToPost) -> None:
    assert event_name(ref, uid, event) != event_name(REF, "uid", ONCE)


@pytest.mark.parametrize(
    "message",
    [
        "error-rate: 13 samples of 50 in 5m, seen 3m20s ago (26.0%)",
        "error-rate: 1,300 samples of 1e4 in 1h5m, seen 250ms ago (-0.5%)",
        "error-rate: +0.04 samples of 5.0 in 5m, seen 2026-11-03T09:30:00Z ago (9e-05)",
    ],
)
def test_a_repeating_event_keeps_its_name_while_only_numbers_differ(message: str) -> None:
    assert again(message) == again(AGAIN.message)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("guardrail p99 has no data", "guardrail p95 has no data"),
        ("stage-1 waits", "stage-2 waits"),
        ("revision ranker-2026-11-03 waits", "revision ranker-2026-11-04 waits"),
        ("Redis 1 is down", "Prometheus 1 is down"),
    ],
)
def test_a_digit_in_a_name_is_no_number(one: str, other: str) -> None:
    assert again(one) != again(other)


@pytest.mark.parametrize("name", ["a", "a" * 253, "a" * 199 + "-b", "a" * 199 + ".b"])
def test_the_name_is_one_that_an_event_may_have(name: str) -> None:
    made = event_name(Ref("x", name), "uid", ONCE)

    assert len(made) <= 253
    assert all(part.isascii() and part[0].isalnum() and part[-1].isalnum() for part in made.split("."))


def test_a_message_is_cut_by_bytes_and_between_characters() -> None:
    assert cut("배" * 341) == "배" * 341
    assert cut("배" * 342) == "배" * 340 + "…"
    assert len(cut("x" * 5000).encode()) == 1024
