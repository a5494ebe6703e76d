"""Static tokens, from a file that holds their hashes.

A token is long and random, so that nobody can guess it from its hash: plain SHA-256 is enough, where a password
would need a slow hash.
"""

import hashlib
import hmac
import math
import secrets
from pathlib import Path
from typing import Annotated

import yaml
from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError

from mlrollout.server.config import ConfigModel, Text
from mlrollout.server.yaml_file import load
from mlrollout.startup.settings import SettingsError

from .callers import Caller, Callers, Role, token

Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class TokenEntry(ConfigModel):
    """One token of the file."""

    name: Text
    roles: Annotated[frozenset[Role], Field(min_length=1)]
    sha256: Hash


class StaticTokens(Callers):
    """Finds callers by a token of the file."""

    def __init__(self, entries: tuple[TokenEntry, ...]) -> None:
        self._known = [(bytes.fromhex(one.sha256), Caller(one.name, one.roles)) for one in entries]

    async def identify(self, request: web.Request) -> Caller | None:
        """The caller whose token it is. Every hash is compared in constant time, so the time tells nothing of any."""
        shown = token(request)
        if shown is None:
            return None
        digest = hashlib.sha256(shown.encode()).digest()
        found = None
        for known, caller in self._known:
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def read(file: Path) -> StaticTokens:
    """The tokens of a file.

    Raises:
        SettingsError: It can't be read, or does not make sense.
    """
    return StaticTokens(load(file, tuple[TokenEntry, ...], "the tokens"))


def new(name: str, roles: list[str]) -> tuple[str, str]:
    """A new token, and its line for the file.

    Raises:
        SettingsError: There is no such role, or the name is none.
    """
    if unknown := set(roles) - set(Role):
        raise SettingsError(f"there is no role {', '.join(sorted(unknown))}: there are {', '.join(Role)}")
    made = secrets.token_urlsafe(32)
    digest = hashlib.sha256(made.encode()).hexdigest()
    try:
        TokenEntry.model_validate({"name": name, "roles": roles, "sha256": digest})
    except ValidationError as error:
        raise SettingsError(f"that can be no token's: {error.errors()[0]['msg']}") from None
    quoted = yaml.safe_dump(name, default_style='"', width=math.inf).strip()
    return made, f"- {{name: {quoted}, roles: [{', '.join(roles)}], sha256: {digest}}}"
