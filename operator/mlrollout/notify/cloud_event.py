"""What a webhook is sent: a CloudEvent 1.0 in JSON. Part of the contract, as docs/notification.schema.json."""

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mlrollout.api import GROUP, PLURAL, VERSION
from mlrollout.api.model import Model
from mlrollout.api.moment import Moment
from mlrollout.api.notification import Topic
from mlrollout.domain.topics import Severity

from .message import OutgoingMessage

CONTENT_TYPE = "application/cloudevents+json"
SCHEMA = f"https://{GROUP}/schemas/notification-{VERSION}.json"
"""Names the form of `data`; it changes where a receiver would have to change with it."""

Percentage = Annotated[int, Field(ge=0, le=100)]


class EventData(Model):
    """What happened to an object."""

    topic: Topic
    """What kind of news it is."""
    severity: Severity
    """How bad it was for users: info, warning or critical. Whether somebody is woken by it is another question."""
    reason: str
    """What happened or goes on, in one word that programs may rely on; also the reason of the Kubernetes Event."""
    cause: str = ""
    """Of a rollback, why, in one word; empty for anything else."""
    subject: str = ""
    """What it is about, for example a guardrail; empty for the rollout itself."""
    message: str
    """What happened and on which evidence, for people."""
    since: Moment
    """When it happened, or began."""
    seen: Moment
    """Of a rollback, when its cause was seen; otherwise the same as since."""
    cluster: str = ""
    """What the administrator calls the cluster."""
    namespace: str
    """The object's namespace."""
    name: str
    """The object's name."""
    uid: str
    """The object's uid."""
    labels: dict[str, str]
    """The object's labels."""
    attempt: int
    """Counts the tries of the object."""
    revision: str
    """What is being rolled out."""
    stage: str
    """The stage that was entered or left, or in which it goes on; empty for none."""
    before: Percentage
    """Share of users in treatment before it."""
    percentage: Percentage
    """Share of users in treatment after it."""
    title: str
    """One line for people, by the administrator's template where there is one."""
    text: str
    """The rest for people, likewise: what happened, what it means for users, what to do."""
    command: str
    """The command for that."""
    dashboard: str = ""
    """Where to look at it."""
    dropped: int = 0
    """How many notifications before this one the receiver is sent no more."""
    test: bool = False
    """Whether nothing happened, and this was asked for by `mlrollout notify test`."""


class CloudEvent(Model):
    """A notification: CloudEvents 1.0, structured content mode."""

    # The attributes of CloudEvents are written in lower case.
    model_config = ConfigDict(alias_generator=str)

    specversion: Literal["1.0"] = "1.0"
    """The version of CloudEvents."""
    id: str
    """The same for the same news, however often and by whomever it is sent."""
    source: str
    """The object, as a path of the Kubernetes API."""
    type: str
    """`dev.mlrollout.` and the topic."""
    subject: str
    """Namespace and name of the object."""
    time: Moment
    """When it happened, or began."""
    datacontenttype: Literal["application/json"] = "application/json"
    """What `data` is written in."""
    dataschema: str = SCHEMA
    """Names the form of `data`."""
    data: EventData
    """What happened."""


def cloud_event(message: OutgoingMessage) -> CloudEvent:
    """The event of a message."""
    notice, about = message.notice, message.about
    return CloudEvent(
        id=message.id,
        source=f"/apis/{GROUP}/{VERSION}/namespaces/{about.namespace}/{PLURAL}/{about.name}",
        type=f"dev.mlrollout.{notice.topic}",
        subject=str(about),
        time=notice.at,
        data=EventData(
            topic=notice.topic,
            severity=notice.severity,
            reason=notice.reason,
            cause=notice.cause,
            subject=notice.subject,
            message=notice.message,
            since=notice.at,
            seen=notice.seen,
            cluster=about.cluster,
            namespace=about.namespace,
            name=about.name,
            uid=about.uid,
            labels=dict(about.labels),
            attempt=notice.attempt,
            revision=notice.revision,
            stage=notice.stage,
            before=notice.before,
            percentage=notice.percentage,
            title=message.title,
            text=message.text,
            command=message.wording.command,
            dashboard=about.dashboard,
            dropped=message.dropped,
            test=message.test,
        ),
    )


def schema() -> str:
    """The JSON schema of a notification, as docs/notification.schema.json has it."""
    found: dict[str, Any] = CloudEvent.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **found}, indent=2) + "\n"
