"""Which cluster this is."""

import pytest
from mlrollout.adapters.kubernetes import Client, cluster_uid
from mlrollout.ports import ObjectsError

from tests.cluster.kubernetes.conftest import Connecting
from tests.support.places import OPERATOR_RULES, Place


async def test_it_is_told_by_what_no_other_cluster_has(client: Client, place: Place) -> None:
    assert await cluster_uid(client) == place.control_plane.get("namespace", "kube-system")["metadata"]["uid"]


async def test_without_the_right_it_says_which_one_is_missing(place: Place, connecting: Connecting) -> None:
    rules = [rule for rule in OPERATOR_RULES if rule["resources"] != ["namespaces"]]
    client = await connecting(place.account("blind", rules))
    with pytest.raises(ObjectsError, match=r"Could not read which cluster this is.*403.*kube-system"):
        await cluster_uid(client)
