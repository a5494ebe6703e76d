"""Why things happen: every reason there is, as one word that programs may rely on."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something happened: the reasons of history entries, Events and conditions. Part of the contract."""

    ATTEMPT_STARTED = "AttemptStarted"
    REVISION_FOUND = "RevisionFound"
    ALIAS_SET = "AliasSet"
    STAGE_ADVANCED = "StageAdvanced"
    STAGE_CHANGED = "StageChanged"
    EVIDENCE_RESTARTED = "EvidenceRestarted"
    COMPLETED = "Completed"
    GUARDRAIL_BREACHED = "GuardrailBreached"
    EVIDENCE_MISSING = "EvidenceMissing"
    ROLLED_BACK = "RolledBack"
    MANUAL_ROLLBACK = "ManualRollback"
    EMERGENCY_STOP = "EmergencyStop"
    RECORD_ADOPTED = "RecordAdopted"
    TRAFFIC_RESTORED = "TrafficRestored"
    TRAFFIC_LOST = "TrafficLost"
    PAUSED = "Paused"
    RESUMED = "Resumed"
    APPROVED = "Approved"
    PROMOTED = "Promoted"
    DEMOTED = "Demoted"
    RETRIED = "Retried"
    VERB_REFUSED = "VerbRefused"

    AWAITING_OPERATOR = "AwaitingOperator"
    PROGRESSING = "Progressing"
    AWAITING_APPROVAL = "AwaitingApproval"
    AWAITING_REQUIREMENTS = "AwaitingRequirements"
    WINDOWS_NOT_CLEAR = "WindowsNotClear"
    GUARDRAIL_ALERT = "GuardrailAlert"
    GUARDRAIL_DOUBTFUL = "GuardrailDoubtful"
    GUARDRAILS_UNKNOWN = "GuardrailsUnknown"
    GUARDRAILS_UNHEALTHY = "GuardrailsUnhealthy"
    GUARDRAILS_PASSING = "GuardrailsPassing"
    GUARDRAILS_OFF = "GuardrailsOff"
    TRAFFIC_CONFIRMED = "TrafficConfirmed"
    TRAFFIC_UNCONFIRMED = "TrafficUnconfirmed"
    RECORD_UNREADABLE = "RecordUnreadable"
    KEY_CONFLICT = "KeyConflict"
    KEY_CLAIMED = "KeyClaimed"
    PERCENTAGE_OVERWRITTEN = "PercentageOverwritten"
    UNKNOWN_VERB = "UnknownVerb"
    SECOND_INSTALLATION = "SecondInstallation"
    STATUS_CONTESTED = "StatusContested"
    INVALID_SPEC = "InvalidSpec"
    INVALID_QUERY = "InvalidQuery"
    REVISION_UNKNOWN = "RevisionUnknown"
    ALIAS_NOT_SET = "AliasNotSet"
    CONNECTION_REFUSED = "ConnectionRefused"
    KEY_REFUSED = "KeyRefused"
    DELETED = "Deleted"
    TRAFFIC_NOT_ZEROED = "TrafficNotZeroed"
    NOTIFICATION_FAILING = "NotificationFailing"


TRANSITIONS = frozenset(
    {
        Reason.ATTEMPT_STARTED,
        Reason.REVISION_FOUND,
        Reason.ALIAS_SET,
        Reason.STAGE_ADVANCED,
        Reason.STAGE_CHANGED,
        Reason.EVIDENCE_RESTARTED,
        Reason.COMPLETED,
        Reason.GUARDRAIL_BREACHED,
        Reason.EVIDENCE_MISSING,
        Reason.ROLLED_BACK,
        Reason.MANUAL_ROLLBACK,
        Reason.EMERGENCY_STOP,
        Reason.RECORD_ADOPTED,
        Reason.TRAFFIC_RESTORED,
        Reason.TRAFFIC_LOST,
        Reason.PAUSED,
        Reason.RESUMED,
        Reason.APPROVED,
        Reason.PROMOTED,
        Reason.DEMOTED,
        Reason.RETRIED,
        Reason.VERB_REFUSED,
    }
)
"""Those of entries of the history; all others are of conditions, and of Events about what goes on."""
