"""What happens to the key behind the operator's back."""

from tests.whole.house import LONG, House


def test_setting_the_key_to_zero_is_an_emergency_stop(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.redis.set(house.key, "0")
    house.until_reason("EmergencyStop")
    house.for_a_while(lambda: house.percentage == "0")
    assert house.record["latched"] is True


def test_deleting_the_key_is_an_emergency_stop(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.redis.delete(house.key)
    house.until_reason("EmergencyStop")
    assert house.percentage == "0"


def test_a_value_that_is_no_number_is_an_emergency_stop(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.redis.set(house.key, "lots")
    house.until_reason("EmergencyStop")
    assert "'lots'" in house.condition("Ready")["message"]
    assert house.percentage == "0"


def test_a_key_raised_by_hand_is_put_back(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.redis.set(house.key, "90")
    house.until_percentage(10)
    house.until(lambda: house.events("PercentageOverwritten"), "the Event")


def test_lost_data_comes_back_on_fresh_evidence(house: House) -> None:
    house.apply(stages=LONG)
    house.until_reason("Progressing")
    house.until(lambda: house.status()["guardrails"][0]["finding"] == "Pass", "evidence")
    house.redis.delete(house.key, f"{house.key}:record")
    house.until(lambda: {"TrafficRestored", "TrafficLost"} & set(house.reasons()), "the loss to be told")
    house.until_percentage(10)
    assert house.status()["attempt"] == 1
