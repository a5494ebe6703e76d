"""A claim: what an object leaves beside a key that another has, so that the other's people hear of it as well."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from .record import LONGEST

_HOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}")
_UID = re.compile(r"[A-Za-z0-9-]{0,64}")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants a key.

    Attributes:
        owner: The uid of the object.
        holder: Its `namespace/name`.
        cluster: Which cluster that is in, as in a record; empty where nobody knows.
    """

    owner: str
    holder: str
    cluster: str = ""


def encode_claim(claim: Claim) -> str:
    """The claim as the JSON that stands in Redis."""
    return json.dumps(asdict(claim), separators=(",", ":"))


def decode_claim(text: bytes | None) -> Claim | None:
    """The claim in a text; `None` where there is none, or one that could not be shown to people as it is."""
    if text is not None and len(text) > LONGEST:
        return None
    try:
        fields = json.loads(text or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    owner, holder = _text(fields, "owner", _UID), _text(fields, "holder", _HOLDER)
    cluster = _text(fields, "cluster", _UID) if "cluster" in fields else ""
    if not owner or not holder or cluster is None:
        return None
    return Claim(owner, holder, cluster)


def _text(fields: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    found = fields.get(name)
    return found if isinstance(found, str) and pattern.fullmatch(found) else None
