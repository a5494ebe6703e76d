"""A notice in words that somebody can act on at night, from a phone: what happened, what it means, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlrollout.api import GROUP
from mlrollout.api.moment import to_second
from mlrollout.api.notification import Topic
from mlrollout.domain.notices import Notice
from mlrollout.domain.reason import Reason

from .message import About, Wording

Says = Callable[[Notice, About], str]


def _why(_: Notice, about: About) -> str:
    return f"kubectl mlrollout why {about.name} -n {about.namespace}"


def _status(_: Notice, about: About) -> str:
    return f"kubectl mlrollout status {about.name} -n {about.namespace}"


@dataclass(frozen=True, slots=True)
class _Words:
    """How one kind of news is told.

    Attributes:
        head: For the title, after the object.
        means: What it means for users.
        advice: What to do.
        command: The command for that.
        look: The command that says how it stands by now; empty where there is nothing left to look at.
    """

    head: Says
    means: Says
    advice: Says
    command: Says
    look: Says = _why


def wording(notice: Notice, about: About) -> Wording:
    """The notice in words."""
    special = None if notice.topic is Topic.ROLLED_BACK else _OF_REASON.get(notice.reason)
    words = _REVISION_WAITS if _of_revision(notice) else special or _OF_TOPIC[notice.topic]
    where = f"[{about.cluster}] {about}" if about.cluster else str(about)
    return Wording(
        title=f"{where} {words.head(notice, about)}",
        happened=f"{about} (revision {notice.revision}): {_plain(notice.message)} ({_since(notice)})",
        means=words.means(notice, about),
        advice=words.advice(notice, about),
        command=words.command(notice, about),
        look=words.look(notice, about),
    )


def _of_revision(notice: Notice) -> bool:
    """Whether it is a revision that waits, and no stage, which may be called so as well."""
    awaits = notice.topic is Topic.AWAITING_APPROVAL and notice.subject == "revision"
    return awaits and notice.message.startswith("revision ")


def _plain(message: str) -> str:
    return message.replace(" -> ", " → ")


def _since(notice: Notice) -> str:
    since = f"since {to_second(notice.at)}"
    return since if notice.seen == notice.at else f"seen {to_second(notice.seen)}, at {notice.percentage} % {since}"


def _step(notice: Notice, _: About) -> str:
    return f"{notice.before} % → {notice.percentage} %"


def _always(text: str) -> Says:
    return lambda _, __: text


def _describe(_: Notice, about: About) -> str:
    return f"kubectl describe mlr {about.name} -n {about.namespace}"


def _annotate(verb: str, why: str) -> Says:
    return lambda _, about: f'kubectl annotate mlr {about.name} -n {about.namespace} {GROUP}/{verb}="{why}"'


def _stays(notice: Notice, _: About) -> str:
    return f"Traffic stays at {notice.percentage} % and does not grow."


def _all_out(notice: Notice, _: About) -> str:
    return f"Every user has the old path again; nobody gets revision {notice.revision}."


def _stop_by_hand(_: Notice, about: About) -> str:
    return (
        "See whether Redis answers and what the operator's log says. To take everybody out now, without the operator: "
        f"SET {about.key} 0 in Redis."
    )


_AGAIN = _annotate("retry", "what was mended")

_OF_TOPIC: Mapping[Topic, _Words] = {
    Topic.ATTEMPT_STARTED: _Words(
        lambda notice, _: f"starts revision {notice.revision}",
        _always(
            "Nobody is in treatment yet: the first stage begins as soon as the source of every guardrail answers, none "
            "of them is breached, and none looks back into the attempt before."
        ),
        _always("Nothing. To stop it:"),
        _annotate("rollback", "why"),
        _status,
    ),
    Topic.STAGE_ADVANCED: _Words(
        lambda notice, about: f"advances to {notice.stage}, {_step(notice, about)}",
        lambda notice, _: f"{notice.percentage} % of the users get revision {notice.revision} now.",
        _always("Nothing. To take them out again:"),
        _annotate("rollback", "why"),
        _status,
    ),
    Topic.AWAITING_APPROVAL: _Words(
        _always("waits for an approval"),
        _stays,
        _always("Look at it, and if it may go on:"),
        _annotate("approve", "why"),
    ),
    Topic.ALERT: _Words(
        lambda notice, _: f"alert: {notice.subject or notice.reason}",
        _stays,
        _always("Look at what it says; traffic is not taken back for it by itself. To take it back:"),
        _annotate("rollback", "why"),
    ),
    Topic.ROLLED_BACK: _Words(
        lambda notice, about: f"ROLLED BACK {_step(notice, about)}",
        _all_out,
        _always(
            "Users are safe: it can wait until morning. Mend it, then roll out the mended one (a new spec.revision, or "
            "another version in its source), or try this one again:"
        ),
        _AGAIN,
    ),
    Topic.COMPLETED: _Words(
        lambda notice, _: f"is complete at {notice.percentage} %",
        lambda notice, _: f"{notice.percentage} % of the users get revision {notice.revision}.",
        _always("Nothing: guardrails go on looking, where afterCompletion is not Stop. How it is:"),
        _status,
        _status,
    ),
    Topic.TRAFFIC_UNCONFIRMED: _Words(
        _always("TRAFFIC UNCONFIRMED"),
        lambda notice, _: (
            f"Nobody knows what users get: {notice.percentage} % shall be in treatment, and Redis does not confirm it."
        ),
        _stop_by_hand,
        _why,
    ),
    Topic.STOPPED_BY_HAND: _Words(
        lambda notice, about: f"stopped by hand, {_step(notice, about)}",
        _all_out,
        _always("Ask who did it, and why. To begin again:"),
        _AGAIN,
    ),
}

_REVISION_WAITS = _Words(
    _always("has another revision that waits"),
    _always("Users keep what they have until it begins, at 0 %."),
    _always("Look at it. What it waits for, and the command by which it begins:"),
    _why,
)

_BROKEN_SPEC = _Words(
    lambda notice, _: f"alert: {notice.reason}",
    _stays,
    _always("Correct the spec; what of it is understood goes on guarding. What is wrong with it:"),
    _why,
)

_OF_REASON: Mapping[str, _Words] = {
    Reason.PAUSED: _Words(
        _always("paused by hand"),
        _stays,
        _always("Ask who did it, and why; a breach still takes traffic to zero. To go on:"),
        _annotate("resume", "why"),
    ),
    Reason.DEMOTED: _Words(
        lambda notice, about: f"taken down by hand, {_step(notice, about)}",
        lambda notice, _: f"{notice.percentage} % of the users get revision {notice.revision}.",
        _always("Nothing: the stages above have to be earned again. How it is:"),
        _status,
        _status,
    ),
    Reason.TRAFFIC_LOST: _Words(
        _always("alert: Redis lost its data"),
        _always("Every user has the old path again, and the attempt begins anew at its first stage."),
        _always("See why Redis lost data. How it is:"),
        _status,
        _status,
    ),
    Reason.TRAFFIC_RESTORED: _Words(
        _always("alert: Redis lost its data"),
        lambda notice, _: f"{notice.percentage} % of the users are in treatment again, after a moment of none.",
        _always("See why Redis lost data. How it is:"),
        _status,
        _status,
    ),
    Reason.RECORD_ADOPTED: _Words(
        lambda notice, _: f"alert: its status was behind Redis, at {notice.percentage} %",
        lambda notice, _: f"{notice.percentage} % of the users get revision {notice.revision}; Redis stands.",
        _always("See whether the status was restored from a backup. How it is:"),
        _status,
        _status,
    ),
    Reason.EVIDENCE_MISSING: _Words(
        lambda notice, _: f"alert: no evidence from {notice.subject}",
        lambda notice, _: f"Nobody can tell whether users are well. Traffic stays at {notice.percentage} %.",
        _always("See whether Prometheus scrapes the application. If it can't be mended soon, take traffic back:"),
        _annotate("rollback", "no evidence"),
    ),
    Reason.TRAFFIC_NOT_ZEROED: _Words(
        _always("is DELETED, and its key may still hold traffic"),
        lambda notice, _: f"Nobody guards it any more: up to {notice.percentage} % of the users may stay in treatment.",
        _always("As soon as Redis answers, take everybody out by hand:"),
        lambda _, about: f"redis-cli SET {about.key} 0",
        _always(""),
    ),
    Reason.SECOND_INSTALLATION: _Words(
        _always("alert: two installations lead it"),
        _always("A rollback by either stands, but each undoes the other's status, so that nothing can grow."),
        _always("Take one of the two away; status.writtenBy names them in turn:"),
        _describe,
    ),
    **dict.fromkeys(
        (
            Reason.INVALID_SPEC,
            Reason.INVALID_QUERY,
            Reason.CONNECTION_REFUSED,
            Reason.KEY_CONFLICT,
            Reason.KEY_REFUSED,
        ),
        _BROKEN_SPEC,
    ),
}
"""Where a reason has more to say than its topic; of a rollback there is nothing more to say than that it was one."""
