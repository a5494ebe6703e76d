"""What of a spec an API server refuses by its rules, each at its field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mlrollout.api.spec import Spec
from mlrollout.lint.finding import Finding, Level
from mlrollout.plain import plain

from .shape import item

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def refused(spec: object) -> Iterator[Finding]:
    """Everything of it; nothing where an API server takes it."""
    try:
        Spec.model_validate(spec)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        yield from (Finding(Level.ERROR, _where(one, spec), plain(one)) for one in wrong if not _follows(one, wrong))


def _follows(error: "ErrorDetails", errors: Sequence["ErrorDetails"]) -> bool:
    """Whether a list is only called too short because of what is wrong with an item in it."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _where(error: "ErrorDetails", spec: object) -> str:
    """The field, with the name of the guardrail or stage that it is in: its number says little to people."""
    match error["loc"]:
        case (str(field), int(number), *rest) if isinstance(spec, Mapping):
            return ".".join((item(field, number, spec[field][number]), *map(str, rest)))
    return ".".join(map(str, error["loc"])) or "spec"
