"""JSON that anybody may have sent, and a place in it."""

import json
import re

from mlrollout.adapters.http.peer import UnusableReplyError

_ESCAPED = re.compile("~([01])")
_INDEX = re.compile("0|[1-9][0-9]*")


def parsed(body: bytes) -> object:
    """The document.

    Raises:
        UnusableReplyError: It is none.
    """
    try:
        found: object = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):  # the latter of one that is nested without end
        raise UnusableReplyError("answered with something else than JSON: check the address") from None
    return found


def _refuse(_name: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError


def at(document: object, pointer: str) -> object:
    """What a JSON pointer (RFC 6901) leads to.

    Raises:
        UnusableReplyError: It leads to nothing.
    """
    place = document
    for token in pointer.split("/")[1:]:
        name = _ESCAPED.sub(lambda found: "~/"[int(found[1])], token)
        if isinstance(place, dict) and name in place:
            place = place[name]
        elif isinstance(place, list) and _INDEX.fullmatch(name) and int(name) < len(place):
            place = place[int(name)]
        else:
            raise UnusableReplyError(f"has nothing at the pointer {pointer!r}: correct the document, or the pointer")
    return place
