"""ConfigMaps that name a revision."""

from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesConfigMaps, KubernetesSecrets
from mlrollout.adapters.revisions import AllowedRevisionSources
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.ports import NamedRevision, RevisionUnknownError

from tests.support.places import OPERATOR_RULES, Place


@pytest.fixture
def config_map(place: Place) -> str:
    place.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "models", "namespace": place.namespace},
            "data": {"candidate": "v7\n"},
        }
    )
    return "models"


async def ask(client: Client, place: Place, name: str = "models", key: str = "candidate") -> NamedRevision:
    sources = AllowedRevisionSources((), KubernetesSecrets(client), KubernetesConfigMaps(client))
    named = RevisionFrom.model_validate({"configMap": {"name": name, "key": key}})
    return await sources.source(place.namespace, named).ask(deadline=10)


async def test_who_wrote_the_key_last_is_told_and_when(admin: Client, place: Place, config_map: str) -> None:
    before = await ask(admin, place)
    patch = ("patch", "configmap", config_map, "--field-manager=ana", "-p")
    place.kubectl(*patch, '{"data":{"candidate":"v8"}}')
    place.kubectl(*patch[:-2], "--field-manager=ben", "-p", '{"data":{"champion":"v8"}}')
    after = await ask(admin, place)

    assert (before.revision, after.revision) == ("v7", "v8")
    assert after.by == "ana"
    assert before.by not in ("", "ana")
    assert before.at is not None
    assert after.at is not None
    assert after.at >= before.at > 1.7e9


async def test_without_managed_fields_it_is_told_when_it_was_made(admin: Client, place: Place, config_map: str) -> None:
    place.kubectl("patch", "configmap", config_map, "-p", '{"metadata":{"managedFields":[{}]}}')
    found = await ask(admin, place)

    assert (found.revision, found.by) == ("v7", "")
    assert found.at is not None


@pytest.mark.parametrize(
    ("name", "key", "complaint"),
    [
        ("nothing", "candidate", "404.*not found"),
        ("models", "champion", "has no key champion with a text"),
        ("models/../models", "candidate", "none can have this name"),
        ("Models", "candidate", "none can have this name"),
    ],
)
async def test_what_can_not_be_read_is_told(
    admin: Client, place: Place, config_map: str, name: str, key: str, complaint: str
) -> None:
    with pytest.raises(RevisionUnknownError, match=complaint):
        await ask(admin, place, name, key)


async def test_without_the_right_it_is_told_which_value_of_the_chart_is_missing(
    place: Place, config_map: str, connecting: Any
) -> None:
    operator = await connecting(place.account("operator", OPERATOR_RULES))

    with pytest.raises(RevisionUnknownError, match='cannot get resource "configmaps"') as told:
        await ask(operator, place)

    assert f"the chart's value configMapNamespaces lists: add {place.namespace} to it." in str(told.value)
