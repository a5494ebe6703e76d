"""Who is told what happens to an object, as its `spec.notifications` says."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .guardrail import Name
from .model import Model
from .secret_ref import SecretKeyRef


class Topic(StrEnum):
    """What people may want to be told of."""

    ATTEMPT_STARTED = "AttemptStarted"
    STAGE_ADVANCED = "StageAdvanced"
    AWAITING_APPROVAL = "AwaitingApproval"
    ALERT = "Alert"
    ROLLED_BACK = "RolledBack"
    COMPLETED = "Completed"
    TRAFFIC_UNCONFIRMED = "TrafficUnconfirmed"
    STOPPED_BY_HAND = "StoppedByHand"


class Notification(Model):
    """A receiver of the object's own; its address must be one that the administrator allows."""

    name: Name
    """Name of the receiver, unique in the object."""
    secret_ref: SecretKeyRef
    """Where its address stands: an https URL for a webhook, or one that Apprise knows, as `slack://…` or `mailto://…`;
    for signed webhooks a YAML of `url` and `secret`. See docs/notifications.md."""
    # Not `on`: kubectl reads that key, unquoted, as the boolean true.
    topics: Annotated[tuple[Topic, ...] | None, Field(min_length=1, max_length=len(Topic))] = None
    """What it is told of. Left out: everything."""
