"""What a person asks for by an annotation, and the mark that it has been acted on."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What a person may ask for by an annotation, in the order in which they are heard."""

    ROLLBACK = "rollback"
    RETRY = "retry"
    RESUME = "resume"
    APPROVE = "approve"
    PROMOTE = "promote"
    DEMOTE = "demote"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Request:
    """A verb that stands in an annotation.

    Attributes:
        text: What the annotation says, as it is, or its beginning: any characters.
        id: What tells it from a request of another text or of another writer.
        manifest: Who keeps it in a manifest, and would put it back; empty where a person asked for it once.
    """

    text: str
    id: str
    manifest: str = ""

    def heard_by(self, mark: "Heard") -> bool:
        """Whether this is what that mark is about, as far as the two can tell; an older operator's mark has no id."""
        return mark.id == self.id if mark.id else shown(mark.value) == shown(self.text)


@dataclass(frozen=True, slots=True)
class Heard:
    """The mark of a request that has been acted on.

    Attributes:
        value: What it said, fit to be shown.
        id: The id of the request.
        at: When it was heard, seconds since the epoch.
    """

    value: str
    id: str = ""
    at: float = 0.0

    @property
    def token(self) -> str:
        """What tells this hearing from every other, to the millisecond as a status has it; empty in an old mark."""
        return f"{self.id}@{round(self.at * 1000)}" if self.id else ""


_PERCENTAGE = len("100 ")  # which stands before the reason of a demotion
SHOWN = 256
"""Characters of a person's words that are shown."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # they are what makes one character of several, in many languages and in emoji


def one_line(text: str) -> str:
    """Text on one line, without what a terminal would act on or a reader can't see."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(one) in _HIDDEN and one not in _JOINERS else one for one in text)
    return " ".join(text.split())


def shown(text: str) -> str:
    """A person's words on one line, and cut."""
    return one_line(text.strip()[: 2 * SHOWN])[:SHOWN].rstrip()


def signed(reason: str, signature: str) -> str:
    """A reason with who asks behind it. The operator keeps so much of both, and what is cut must not be the name."""
    words = one_line(reason)[: SHOWN - _PERCENTAGE - len(signature) - 1].rstrip()
    return f"{words} {signature}" if words else signature
