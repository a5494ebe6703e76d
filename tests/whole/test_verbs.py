"""What a person asks for with `kubectl annotate`."""

import json

import pytest

from tests.whole.house import LONG, House


def _annotations(house: House) -> list[str]:
    found = house.read()["metadata"].get("annotations", {})
    return [name for name in found if name.startswith("mlrollout.dev/")]


def test_rollback_then_retry(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.annotate("rollback", "customers complain")
    house.until_percentage(0)
    house.until_reason("ManualRollback")
    assert "customers complain" in house.condition("Ready")["message"]
    house.until(lambda: not _annotations(house), "the annotation to be removed")

    house.annotate("retry", "it was the weather")
    house.until_percentage(10)
    assert house.status()["attempt"] == 2
    assert house.reasons().count("RolledBack") == 1


@pytest.mark.parametrize("words", ["errors > 5 % & <b>", """"down", 'they' say \\ 🚑\n\x1b[31m"""])
def test_the_same_words_are_heard_again_after_a_retry(house: House, words: str) -> None:
    house.apply(stages=LONG)
    for attempt in (1, 2):
        house.until_percentage(10)
        house.annotate("rollback", words)
        house.until_percentage(0)
        house.until(lambda: not _annotations(house), "the annotation to be removed")
        assert (house.record["attempt"] & 0xFFFF, house.record["latched"]) == (attempt, True)
        house.annotate("retry", words)
    house.until_percentage(10)
    house.until(lambda: "operator.mlrollout.dev/removed" not in json.dumps(house.read()), "the note to go")


def test_a_retry_that_is_left_in_a_manifest_begins_nothing(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.annotate("rollback", "too many errors")
    house.until_percentage(0)
    house.until(lambda: not _annotations(house), "the annotation to be removed")

    house.apply(stages=LONG, annotations={"mlrollout.dev/retry": "last month > 1"})
    house.until(lambda: house.events("VerbRefused"), "the Warning")
    assert "kubectl-client-side-apply applies" in house.events("VerbRefused")[0]["message"]
    house.for_a_while(lambda: house.percentage == "0")
    assert _annotations(house) == ["mlrollout.dev/retry"]

    house.apply(stages=LONG)
    house.annotate("retry", "last month > 1")
    house.until_percentage(10)


def test_pause_and_resume(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.annotate("pause", "release freeze")
    house.until_reason("Paused")
    house.annotate("promote", "never mind the time")
    house.until(lambda: "Promoted" in house.reasons(), "promote to be heard")
    house.for_a_while(lambda: house.percentage == "10")
    house.annotate("resume", "the freeze is over")
    house.until_percentage(100)


def test_a_paused_rollout_still_rolls_back(house: House) -> None:
    house.apply(stages=LONG, paused=True)
    house.until_reason("Paused")
    assert house.percentage == "0"
    house.apply(stages=LONG, paused=False)
    house.until_percentage(10)
    house.apply(stages=LONG, paused=True)
    house.until_reason("Paused")
    house.errors(0.2)
    house.until_percentage(0)


def test_a_manual_stage_waits_for_approval(house: House) -> None:
    stages = [
        {"name": "pilot", "percentage": 10, "duration": "0s"},
        {"name": "full", "percentage": 100, "duration": "0s", "approval": "Manual"},
    ]
    house.apply(stages=stages)
    house.until_reason("AwaitingApproval")
    house.until(lambda: house.events("AwaitingApproval"), "the Event")
    assert house.percentage == "10"
    house.annotate("approve", "looks good")
    house.until_percentage(100)


def test_a_demoted_rollout_goes_back_to_an_earlier_stage_and_earns_the_next_again(house: House) -> None:
    stages = [
        {"name": "pilot", "percentage": 10, "duration": "0s"},
        {"name": "full", "percentage": 100, "duration": "0s", "approval": "Manual"},
    ]
    house.apply(stages=stages)
    house.until_reason("AwaitingApproval")
    house.annotate("approve", "looks good")
    house.until_reason("Completed")

    house.annotate("demote", "30 customers complain")
    house.until_percentage(10)
    house.until_reason("AwaitingApproval")
    assert house.reasons()[-1] == "Demoted"
    assert "customers complain" in house.status()["history"][-1]["message"]
    house.annotate("approve", "they no longer do")
    house.until_percentage(100)
    assert house.status()["attempt"] == 1


def test_a_verb_that_makes_no_sense_is_refused_with_a_reason(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.annotate("retry")
    house.until(lambda: "VerbRefused" in house.reasons(), "the refusal")
    assert "not rolled back" in house.status()["history"][-1]["message"]
    house.until(lambda: not _annotations(house), "the annotation to be removed")


def test_an_unknown_verb_is_told_and_left(house: House) -> None:
    house.apply(stages=LONG)
    house.annotate("rolback")
    house.until(lambda: house.events("UnknownVerb"), "the Event")
    assert (
        "verbs are approve, demote, pause, promote, resume, retry, rollback"
        in house.events("UnknownVerb")[0]["message"]
    )
    assert _annotations(house) == ["mlrollout.dev/rolback"]


@pytest.mark.parametrize("verb", ["promote", "approve", "resume"])
def test_rollback_outranks_every_other_verb(house: House, verb: str) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.kubectl("annotate", "mlr", "ml-dispatch", f"mlrollout.dev/{verb}=x", "mlrollout.dev/rollback=y")
    house.until_percentage(0)
    house.for_a_while(lambda: house.percentage == "0")
