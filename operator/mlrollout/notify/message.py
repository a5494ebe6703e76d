"""What a receiver is sent: a notice, the object that it is about, and both in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlrollout.domain.notices import Notice
from mlrollout.domain.topics import Severity

MAX_TITLE = 250
MAX_TEXT = 4000
_SURELY_SENT = MAX_TEXT // 2
"""Characters of a text that are sent whatever is added to it."""


@dataclass(frozen=True, slots=True)
class About:
    """The object that a notice is about.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        uid: Its uid.
        labels: Its labels.
        key: The key in Redis that holds its percentage.
        cluster: What the administrator calls the cluster that it is in; empty for nothing.
        dashboard: A link to where it can be looked at; empty for none.
    """

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    cluster: str = ""
    dashboard: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice in words, for somebody whom it wakes.

    Attributes:
        title: One line, for a lock screen.
        happened: What happened: the step, the evidence, since when.
        means: What it means for users.
        advice: What to do.
        command: The command for that.
        look: The command that says how it stands by now; empty where there is nothing left to look at.
    """

    title: str
    happened: str
    means: str
    advice: str
    command: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """All that a receiver is sent of one notice.

    Attributes:
        notice: What it tells.
        about: Of which object.
        wording: The same in words.
        title: One line, by the administrator's template where there is one.
        text: The rest, likewise.
        dropped: How many notices before it this receiver is told no more.
        test: Whether it tells of nothing, but is a test.
    """

    notice: Notice
    about: About
    wording: Wording
    title: str
    text: str
    dropped: int = 0
    test: bool = False

    @property
    def id(self) -> str:
        """The same whenever and by whomever it is sent, and no other message's."""
        return f"{self.about.uid}.{self.notice.mark}"


def compose(notice: Notice, about: About, wording: Wording, *, dropped: int = 0, test: bool = False) -> OutgoingMessage:
    """The message in the words that are built in."""
    lines = [wording.happened, wording.means]
    lines += [f"Look first: {wording.look}"] if wording.look not in ("", wording.command) else []
    lines += [wording.advice, wording.command]
    lines += [about.dashboard] if about.dashboard else []
    return OutgoingMessage(notice, about, wording, wording.title, "\n".join(lines), dropped, test)


def finished(message: OutgoingMessage) -> OutgoingMessage:
    """The message as it is sent: no longer than it may be, and with what it has to say beside the notice."""
    added = [f"Key in Redis: {message.about.key}"] if _lacks_key(message) else []
    added += [f"{message.dropped} more were dropped: this receiver could not be reached."] if message.dropped else []
    added += ["This is a test. Nothing happened."] if message.test else []
    title = " ".join(message.title.split())
    title = f"[test] {title}" if message.test else title
    text = _clipped(message.text, MAX_TEXT - sum(len(line) + 1 for line in added))
    return replace(message, title=_clipped(title, MAX_TITLE), text="\n".join([text, *added]))


def _lacks_key(message: OutgoingMessage) -> bool:
    """Whether somebody who may have to take everybody out by hand would have to look for the key."""
    named = f"SET {message.about.key} 0" in message.text[:_SURELY_SENT]
    return bool(message.about.key) and message.notice.severity is not Severity.INFO and not named


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
