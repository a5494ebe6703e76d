"""The document of a verdict: the blocks, what was in force, and what the operator found. Pure.

Times are seconds since the epoch, since a replay needs every bit of them.
"""

import json
from typing import Annotated, Any, Literal, NoReturn

from pydantic import ConfigDict, Field, ValidationError

from mlrollout.api.model import Model
from mlrollout.plain import plain

FORMAT: Literal["mlrollout.dev/blocks/v1"] = "mlrollout.dev/blocks/v1"
"""What the document calls itself; a form that programs of before can't read gets another number."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a document that is read: two weeks of blocks of 15 s, by cohort, are a third of it."""
_SHOWN = 200

Moment = Annotated[float, Field(ge=0, le=1e11)]
"""Seconds since the epoch."""


class UnreadableDocumentError(ValueError):
    """It is no such document; the text says why, on one line, and quotes little of it."""


class _DocumentPart(Model):
    model_config = ConfigDict(allow_inf_nan=False)


class DocumentObject(_DocumentPart):
    """The object that a document is about."""

    namespace: str = ""
    name: str = ""
    uid: str = ""


class DocumentShare(_DocumentPart):
    """What share of the users got the treatment."""

    since: Moment
    """For blocks that begin then or later."""
    stage: Moment
    """When the percentage of the stage came into force that this was in; the counts of another stage begin anew."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share; null where it is not known."""


class RecordedFinding(_DocumentPart):
    """What the operator found, as the object's status says."""

    finding: str
    """Pass, Breach, Inconclusive, NoData or Error; a Breach, too, that another replica found after the checkpoint.
    Empty for an earlier attempt that this guardrail did not take back."""
    at: Moment | None = None
    """When it was seen."""
    message: str = ""
    """The same for people."""
    e_value: float | None = None
    """The e-value that stands in the status, which is that of the checkpoint."""
    checkpoint: str
    """What the test kept, as it stands in the status: its e-value to the last bit is in it. Empty for an earlier
    attempt."""


class GuardrailBlocks(_DocumentPart):
    """What a guardrail's verdict stands on."""

    guardrail: dict[str, Any]
    """The guardrail, as the object has it."""
    attempt: int
    """The number of the attempt."""
    began: Moment
    """When it got its first users."""
    false_alarm: Annotated[float, Field(gt=0, lt=1)]
    """Its own part of the chance of a false alarm: a breach is an e-value of 1 divided by this, or more."""
    shares: tuple[DocumentShare, ...]
    """What share of the users got the treatment, oldest first."""
    blocks: list[dict[str, Any]]
    """What was counted, oldest first: after `begin` and up to `end`."""
    recorded: RecordedFinding
    """What the operator found."""


class MissingBlocks(_DocumentPart):
    """A guardrail of which there are none."""

    name: str
    why: str


class BlocksDocument(_DocumentPart):
    """All of it."""

    format: Literal["mlrollout.dev/blocks/v1"] = FORMAT
    object: DocumentObject
    """Which object it is about."""
    read: Moment
    """When the samples were read."""
    guardrails: tuple[GuardrailBlocks, ...]
    """What each guardrail stands on that tests block by block."""
    missing: tuple[MissingBlocks, ...] = ()
    """Those of which that can't be said, and why."""

    def render(self) -> str:
        """As JSON on one line."""
        return json.dumps(self.model_dump(by_alias=True, mode="json"), separators=(",", ":"), allow_nan=False)


def parse(text: bytes) -> BlocksDocument:
    """The document in a text that anybody may have written.

    Raises:
        UnreadableDocumentError: There is none in it.
    """
    if len(text) > LARGEST:
        raise UnreadableDocumentError(f"it is longer than {LARGEST // 1024 // 1024} MiB")
    try:
        found = json.loads(text, parse_constant=_no_number)
        return BlocksDocument.model_validate(found)
    except RecursionError:
        raise UnreadableDocumentError("it is nested deeper than any document of blocks") from None
    except ValidationError as error:
        raise UnreadableDocumentError(told(_first(error))) from None
    except ValueError as error:
        raise UnreadableDocumentError(told(f"it is no JSON: {error}")) from None


def told(text: str) -> str:
    """A text on one line, cut where it is long: it may quote what anybody wrote."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _first(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_input=False)[0]
    if wrong["loc"] == ("format",):
        return f"its format is not {FORMAT}, which is all that this version reads"
    return refusal(error) if wrong["loc"] else f"it is no document of blocks: {plain(wrong)}"


def refusal(error: ValidationError) -> str:
    """The first of what is wrong, at its place."""
    wrong = error.errors(include_url=False, include_input=False)[0]
    return ": ".join(filter(None, (".".join(map(str, wrong["loc"])), plain(wrong))))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
