"""Which of all that happens is news for people who are called by it, and how bad it is for users."""

from collections.abc import Mapping
from enum import StrEnum

from mlrollout.api.notification import Topic

from .reason import Reason


class Severity(StrEnum):
    """How bad what it tells is for users: whether somebody is woken by it is for the routes to say."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


TRANSITIONS: Mapping[str, Topic] = {
    Reason.ATTEMPT_STARTED: Topic.ATTEMPT_STARTED,
    Reason.STAGE_ADVANCED: Topic.STAGE_ADVANCED,
    Reason.COMPLETED: Topic.COMPLETED,
    Reason.ROLLED_BACK: Topic.ROLLED_BACK,
    # These four by themselves: of a rollback that Redis never held, the history tells the cause alone.
    Reason.GUARDRAIL_BREACHED: Topic.ROLLED_BACK,
    Reason.EVIDENCE_MISSING: Topic.ROLLED_BACK,
    Reason.INVALID_SPEC: Topic.ROLLED_BACK,
    Reason.MANUAL_ROLLBACK: Topic.STOPPED_BY_HAND,
    Reason.EMERGENCY_STOP: Topic.STOPPED_BY_HAND,
    Reason.DEMOTED: Topic.STOPPED_BY_HAND,
    Reason.PAUSED: Topic.STOPPED_BY_HAND,
    Reason.RECORD_ADOPTED: Topic.ALERT,
    Reason.TRAFFIC_LOST: Topic.ALERT,
    Reason.TRAFFIC_RESTORED: Topic.ALERT,
}
"""Of what happened, by the reason of its transition; what is not here answers somebody who looks anyway."""

ONGOING: Mapping[str, Topic] = {
    Reason.AWAITING_APPROVAL: Topic.AWAITING_APPROVAL,
    Reason.TRAFFIC_UNCONFIRMED: Topic.TRAFFIC_UNCONFIRMED,
    Reason.GUARDRAIL_ALERT: Topic.ALERT,
    Reason.EVIDENCE_MISSING: Topic.ALERT,
    Reason.RECORD_UNREADABLE: Topic.ALERT,
    Reason.PERCENTAGE_OVERWRITTEN: Topic.ALERT,
    Reason.SECOND_INSTALLATION: Topic.ALERT,
    Reason.KEY_CONFLICT: Topic.ALERT,
    Reason.KEY_REFUSED: Topic.ALERT,
    Reason.CONNECTION_REFUSED: Topic.ALERT,
    Reason.INVALID_SPEC: Topic.ALERT,
    Reason.INVALID_QUERY: Topic.ALERT,
    Reason.REVISION_UNKNOWN: Topic.ALERT,
    Reason.ALIAS_NOT_SET: Topic.ALERT,
}
"""Of what goes on, by the reason of its alert."""

SEVERITIES: Mapping[Topic, Severity] = {
    Topic.ATTEMPT_STARTED: Severity.INFO,
    Topic.STAGE_ADVANCED: Severity.INFO,
    Topic.AWAITING_APPROVAL: Severity.INFO,
    Topic.ALERT: Severity.WARNING,
    Topic.ROLLED_BACK: Severity.CRITICAL,
    Topic.COMPLETED: Severity.INFO,
    Topic.TRAFFIC_UNCONFIRMED: Severity.CRITICAL,
    Topic.STOPPED_BY_HAND: Severity.WARNING,
}
"""How bad each is for users."""
