"""One notice of each topic, as it would be of a real object: to try receivers and templates with, before the night."""

from collections.abc import Sequence

from mlrollout.api.notification import Topic
from mlrollout.domain.notices import Notice
from mlrollout.domain.reason import Reason
from mlrollout.domain.topics import SEVERITIES

from .config import NotificationConfig
from .message import About
from .routing import about

_PASSES = "errors: 0.011 is at most max 0.05 (window 5m, 1240 samples)"
_BREACH = "guardrail errors: 0.071 is above max 0.05 (window 5m, 1240 samples)"
_NOTICES: Sequence[tuple[Topic, Reason, str, str, int, int]] = (
    (Topic.ATTEMPT_STARTED, Reason.ATTEMPT_STARTED, "attempt 2 begins: revision ranker-2", "", 0, 0),
    (
        Topic.STAGE_ADVANCED,
        Reason.STAGE_ADVANCED,
        f"stage expansion: 10 % -> 30 %: stage pilot was healthy for 14d; {_PASSES}",
        "expansion",
        10,
        30,
    ),
    (
        Topic.AWAITING_APPROVAL,
        Reason.AWAITING_APPROVAL,
        "stage full at 100 % waits for a person: annotate mlrollout.dev/approve",
        "expansion",
        30,
        30,
    ),
    (
        Topic.ALERT,
        Reason.GUARDRAIL_ALERT,
        "guardrail score (alerts only): 0.58 is below min 0.6 (window 5m, 50 samples)",
        "expansion",
        30,
        30,
    ),
    (Topic.ROLLED_BACK, Reason.ROLLED_BACK, f"30 % -> 0 %: {_BREACH}", "expansion", 30, 0),
    (
        Topic.COMPLETED,
        Reason.COMPLETED,
        f"complete at 100 %: stage full was healthy for 24h; {_PASSES}",
        "full",
        100,
        100,
    ),
    (
        Topic.TRAFFIC_UNCONFIRMED,
        Reason.TRAFFIC_UNCONFIRMED,
        "Redis can't be asked whether 30 % stands: Redis did not answer in time",
        "expansion",
        30,
        30,
    ),
    (Topic.STOPPED_BY_HAND, Reason.ROLLED_BACK, "30 % -> 0 %: too many complaints", "expansion", 30, 0),
)
_CAUSES = {Topic.ROLLED_BACK: Reason.GUARDRAIL_BREACHED, Topic.STOPPED_BY_HAND: Reason.MANUAL_ROLLBACK}
_SUBJECTS = {Topic.ALERT: "score", Topic.AWAITING_APPROVAL: "full"}


def sample_notices(now: float) -> Sequence[Notice]:
    """One of each topic, of this moment."""
    return [
        Notice(
            mark=f"test-{topic}-{round(now * 1000)}",
            topic=topic,
            severity=SEVERITIES[topic],
            reason=reason,
            cause=_CAUSES.get(topic, ""),
            subject=_SUBJECTS.get(topic, ""),
            message=message,
            at=now,
            seen=now,
            attempt=2,
            revision="ranker-2",
            stage=stage,
            before=before,
            percentage=percentage,
        )
        for topic, reason, message, stage, before, percentage in _NOTICES
    ]


def sample_object(config: NotificationConfig) -> About:
    """An object that there is not."""
    metadata = {"namespace": "example", "name": "notify-test", "uid": "00000000-0000-0000-0000-000000000000"}
    return about(config, metadata, "example:rollout_percentage")
