"""From `kubectl apply` to `kubectl describe`: the way up, the way down, and the way up again."""

from tests.whole.house import LONG, House


def test_stages_are_earned_one_after_the_other(house: House) -> None:
    house.apply()
    house.kubectl("wait", "--for=condition=Ready", "mlr/ml-dispatch", "--timeout=30s")

    assert house.pushed() == [0, 10, 30, 100]
    assert house.percentage == "100"
    assert house.reasons() == ["AttemptStarted", "StageAdvanced", "StageAdvanced", "StageAdvanced", "Completed"]
    described = house.kubectl("describe", "mlr", "ml-dispatch")
    assert "Completed" in described
    assert "error-rate: 0.01 is within max 0.05" in described
    shown = house.kubectl("get", "mlr", "-o", "wide")
    assert "ranker-1" in shown
    assert "Completed" in shown


def test_a_breach_takes_it_to_zero_and_says_why(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.errors(0.2)
    house.kubectl("wait", "--for=condition=Stalled", "mlr/ml-dispatch", "--timeout=30s")

    assert house.percentage == "0"
    assert house.record["latched"] is True
    house.until(lambda: house.events("RolledBack"), "the Event")
    (event,) = house.events("RolledBack")
    assert event["type"] == "Warning"
    assert "error-rate: 0.2 is above max 0.05" in event["message"]
    assert house.events("GuardrailBreached") == [], "the same news would be told twice"
    assert house.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    ready = house.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "GuardrailBreached")


def test_zero_stays_until_a_new_revision(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.errors(0.2)
    house.until_reason("GuardrailBreached")
    house.errors(0.01)
    house.for_a_while(lambda: house.percentage == "0")

    house.apply(stages=LONG, revision="ranker-2")
    house.until_percentage(10)
    assert house.status()["attempt"] == 2
    assert house.record["revision"] == "ranker-2"


def test_a_breach_after_completion_rolls_back_too(house: House) -> None:
    house.apply(stages=[{"name": "full", "percentage": 100, "duration": "0s"}])
    house.until_reason("Completed")
    house.errors(0.2)
    house.until_percentage(0)


def test_a_holdback_lasts_its_attempt_and_the_next_revision_may_have_another(house: House) -> None:
    house.apply(traffic={"key": house.key, "holdback": 20})
    house.until_reason("Completed")
    assert (house.percentage, house.record["holdback"], house.status()["record"]["holdback"]) == ("100", 20, 20)
    assert "20 % of the users stay in control" in house.status()["history"][0]["message"]

    house.errors(0.2)
    house.until_percentage(0)
    assert (house.record["latched"], house.record["holdback"]) == (True, 20)

    house.errors(0.01)
    house.apply(stages=LONG, revision="ranker-2", traffic={"key": house.key})
    house.until_percentage(10)
    assert "holdback" not in house.record
    assert "holdback" not in house.status()["record"]


def test_without_data_nothing_grows_and_nothing_falls(house: House) -> None:
    house.apply(stages=[*LONG[:1], {"name": "full", "percentage": 100, "duration": "1s"}])
    house.until_percentage(10)
    house.nothing()
    house.until(lambda: house.condition("GuardrailsHealthy").get("status") == "Unknown", "missing data to show")
    house.until_reason("GuardrailsUnknown")
    house.for_a_while(lambda: house.percentage == "10")


def test_too_few_samples_hold(house: House) -> None:
    house.errors(0.01, of=99)
    house.apply()
    house.until_percentage(10)
    house.until(lambda: house.status()["guardrails"][0]["finding"] == "Inconclusive", "an inconclusive look")
    house.for_a_while(lambda: house.percentage == "10")


def test_deleting_takes_it_to_zero_first(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.kubectl("delete", "mlr", "ml-dispatch", "--timeout=30s")
    assert house.percentage == "0"
    given_up = house.record
    assert given_up["owner"] == ""

    house.apply(stages=LONG)
    house.until_percentage(10)
    # Numbered by its creation, to the second: one made anew within the same second goes on from what the old one wrote.
    anew = house.record["attempt"]
    assert anew > given_up["attempt"]
    assert house.status()["attempt"] == (2 if anew == given_up["attempt"] + 1 else 1)


def test_deleting_can_leave_the_traffic(house: House) -> None:
    house.apply(stages=LONG, onDelete="Retain")
    house.until_percentage(10)
    house.kubectl("delete", "mlr", "ml-dispatch", "--timeout=30s")
    assert house.percentage == "10"


def test_a_changed_stage_lowers_at_once(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.apply(stages=[{"name": "pilot", "percentage": 5, "duration": "1h"}])
    house.until_percentage(5)
    house.until(lambda: "StageChanged" in house.reasons(), "the change in the history")
