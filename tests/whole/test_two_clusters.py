"""Two control planes, each with an operator that knows nothing of the other's, and one Redis."""

from collections.abc import Iterator

import pytest

from devstack.stack import Given, Stack
from tests.whole.house import LONG, House

pytestmark = pytest.mark.long


@pytest.fixture
def elsewhere(own_house: House) -> Iterator[House]:
    """The same namespace and key in another cluster."""
    stack = own_house.stack
    with Stack(given=Given(redis_url=stack.redis_url, prometheus_url=stack.prometheus_url)) as other:
        other.install()
        other.start_operator()
        house = own_house.elsewhere(other)
        yield house
        house.close()


def _cluster(house: House) -> str:
    return house.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")


@pytest.mark.timeout(300)  # two control planes, one after the other, on a busy machine
def test_objects_of_one_name_do_not_take_each_other_s_key_and_both_hear_of_it(
    own_house: House, elsewhere: House
) -> None:
    own_house.apply(stages=LONG)
    own_house.until_percentage(10)
    own_house.until(lambda: own_house.record.get("cluster"), "the cluster in the record")
    elsewhere.apply(stages=LONG)

    elsewhere.until_reason("KeyConflict", "Stalled")
    told = elsewhere.condition("Stalled")["message"]
    own_house.until(lambda: own_house.events("KeyClaimed"), "word of the other", within=120)
    (claimed,) = own_house.events("KeyClaimed")
    assert claimed["type"] == "Warning"
    for house in (own_house, elsewhere):
        assert house.read()["metadata"]["uid"] in told
        assert house.read()["metadata"]["uid"] in claimed["message"]
        assert _cluster(house) in told
        assert _cluster(house) in claimed["message"]
    assert own_house.percentage == "10"
    assert own_house.record["owner"] == own_house.read()["metadata"]["uid"]

    own_house.errors(0.2)
    own_house.until_reason("GuardrailBreached", "Stalled")
    assert own_house.reasons()[-1] == "RolledBack"
    assert elsewhere.reasons() == []
    assert not elsewhere.events("RolledBack")
