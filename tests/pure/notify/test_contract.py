"""The contract of webhooks, held against the reference implementations of its standards and the schema in docs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from mlrollout.notify.cloud_event import cloud_event, schema
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import OutgoingMessage, compose, finished
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.notify.signature import SHORTEST, key, signed
from mlrollout.notify.wording import wording
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC).timestamp()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's own example
ABOUT = sample_object(NotificationConfig(cluster="eu-1"))
MESSAGES = [finished(compose(notice, ABOUT, wording(notice, ABOUT), test=True)) for notice in sample_notices(NOW)]


def body(message: OutgoingMessage) -> bytes:
    return cloud_event(message).model_dump_json(by_alias=True).encode()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: str(one.notice.topic))
def test_a_message_is_a_cloud_event_as_the_schema_says(message: OutgoingMessage) -> None:
    found = json.loads(body(message))
    jsonschema_rs.validator_for(json.loads(schema()), validate_formats=True).validate(found)
    event = from_structured_event(HTTPMessage({"content-type": "application/cloudevents+json"}, body(message)))
    assert event.get_id() == message.id
    assert event.get_type() == f"dev.mlrollout.{message.notice.topic}"
    assert event.get_source() == "/apis/mlrollout.dev/v1alpha1/namespaces/example/mlrollouts/notify-test"


def test_the_schema_in_docs_is_the_models() -> None:
    assert (ROOT / "docs" / "notification.schema.json").read_text() == schema()


def test_a_signature_is_one_by_the_standard_s_own_library() -> None:
    sent, now = body(MESSAGES[0]), datetime.now(UTC).timestamp()
    headers = dict(signed(SECRET, MESSAGES[0].id, now, sent))
    assert Webhook(SECRET).verify(sent, headers) == json.loads(sent)
    for wrong in ({"webhook-id": "other"}, {"webhook-timestamp": str(int(now) - 3600)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(sent, headers | wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(sent + b" ", headers)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_abc", "not base64!", "whsec_" + "QQ==" * 1, "cGFzc3dvcmQ="])
def test_a_secret_that_is_too_short_or_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match=f"at least {SHORTEST} bytes") as found:
        key(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(found.value)
