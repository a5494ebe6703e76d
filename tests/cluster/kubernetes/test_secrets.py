"""Secrets that objects name."""

from base64 import b64encode
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesSecrets
from mlrollout.ports import GoneError, ObjectsError

from tests.support.places import OPERATOR_RULES, Place

URL = "rediss://user:pässword@redis:6379/0"


@pytest.fixture
def secret(place: Place) -> str:
    place.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "redis", "namespace": place.namespace},
            "data": {"url": b64encode(URL.encode()).decode(), "binary": b64encode(b"\xff\xfe").decode(), "empty": ""},
        }
    )
    return "redis"


@pytest.fixture
async def secrets(admin: Client) -> KubernetesSecrets:
    return KubernetesSecrets(admin)


async def test_the_decoded_value_is_read(secrets: KubernetesSecrets, place: Place, secret: str) -> None:
    assert await secrets.read(place.namespace, secret, "url") == URL
    assert await secrets.read(place.namespace, secret, "empty") == ""


async def test_all_of_it_is_read_whatever_it_is(secrets: KubernetesSecrets, place: Place, secret: str) -> None:
    assert await secrets.read_all(place.namespace, secret) == {"url": URL.encode(), "binary": b"\xff\xfe", "empty": b""}


async def test_a_changed_secret_is_seen_at_the_next_read(secrets: KubernetesSecrets, place: Place, secret: str) -> None:
    place.kubectl("patch", "secret", secret, "-p", '{"stringData":{"url":"redis://other"}}')

    assert await secrets.read(place.namespace, secret, "url") == "redis://other"


@pytest.mark.parametrize(
    ("name", "key", "complaint"),
    [
        ("nothing", "url", "404.*not found"),
        ("redis", "token", "it has no key token"),
        ("redis", "binary", "is not text"),
        ("redis/../redis", "url", "no Secret can have this name"),
        ("", "url", "no Secret can have this name"),
    ],
)
async def test_what_can_not_be_read_is_told_and_never_as_a_gone_object(
    secrets: KubernetesSecrets, place: Place, secret: str, name: str, key: str, complaint: str
) -> None:
    with pytest.raises(ObjectsError, match=complaint) as told:
        await secrets.read(place.namespace, name, key)

    assert not isinstance(told.value, GoneError)
    assert "ssword" not in str(told.value)


async def test_without_the_right_to_secrets_it_is_told_which_value_of_the_chart_is_missing(
    place: Place, secret: str, connecting: Any
) -> None:
    secrets = KubernetesSecrets(await connecting(place.account("operator", OPERATOR_RULES)))

    with pytest.raises(ObjectsError, match='cannot get resource "secrets"') as told:
        await secrets.read(place.namespace, secret, "url")

    assert f"the chart's value secretNamespaces lists: add {place.namespace} to it." in str(told.value)
