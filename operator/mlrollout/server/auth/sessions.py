"""Users' own sessions: a JWT whose `sub` is the user. Such a caller may ask and answer for themselves only."""

from hashlib import blake2b
from typing import Any

import jwt
from aiohttp import web

from mlrollout.server import config, secret_file
from mlrollout.server.http.problem import HttpProblem
from mlrollout.startup.settings import SettingsError

from .callers import Caller, Callers, token

LEEWAY = 10
"""Seconds by which this machine's clock and that of the issuer of sessions may differ."""

_LONGEST_NAME = 128  # characters of a user's id that stand in the log


class Sessions(Callers):
    """Finds users by the session that they show.

    Raises:
        SettingsError: The key can't be read, or is none for the algorithm.
    """

    def __init__(self, settings: config.SessionSettings) -> None:
        self._key = _read_key(settings)
        self._settings = settings

    async def identify(self, request: web.Request) -> Caller | None:
        """Whose session it is; `None` where the token is none that was signed with the key.

        Raises:
            HttpProblem: It was, and is not good any more, or not for this server.
        """
        shown = token(request)
        if shown is None:
            return None
        try:
            claims = self._decode(shown)
        except jwt.ExpiredSignatureError:
            raise _unauthorized("The session has expired. Log in again.") from None
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.DecodeError, ValueError):
            return None  # it may be somebody else's token
        except jwt.InvalidTokenError:
            raise _unauthorized(
                "The session is not for this server: its exp, sub, iss or aud is missing or wrong."
            ) from None
        user = claims["sub"]
        if not _is_text(user):
            raise _unauthorized("The session's sub holds half a character: it is nobody's.")
        return Caller(_name(user), user=user) if user else None

    def _decode(self, shown: str) -> dict[str, Any]:
        return jwt.decode(
            shown,
            self._key,
            algorithms=[self._settings.algorithm],
            issuer=self._settings.issuer or None,
            audience=self._settings.audience or None,
            leeway=LEEWAY,
            options={"require": ["exp", "sub"]},
        )


def _is_text(user: str) -> bool:
    """Whether it can be written in UTF-8; JSON can hold half a surrogate pair, which can't."""
    try:
        user.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name(user: str) -> str:
    """The caller's name for the log: it stays short, however long the user's id is."""
    if len(user) <= _LONGEST_NAME:
        return f"user {user}"
    return f"user {user[:_LONGEST_NAME]}… {blake2b(user.encode(), digest_size=8).hexdigest()}"


def _unauthorized(why: str) -> HttpProblem:
    return HttpProblem(401, why, headers={"WWW-Authenticate": 'Bearer realm="mlrollout", error="invalid_token"'})


def _read_key(settings: config.SessionSettings) -> bytes:
    where = f"sessions.key {settings.key}"
    if settings.algorithm is config.Algorithm.HS256:
        return secret_file.read(settings.key, "sessions.key")
    key = secret_file.read_text(settings.key, "sessions.key")
    try:
        jwt.get_algorithm_by_name(settings.algorithm).prepare_key(key)
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        raise SettingsError(f"{where} is no key for {settings.algorithm}: put the public key there, in PEM") from error
    if b"PRIVATE" in key:
        raise SettingsError(f"{where} is a private key: put the public one there; this server only checks sessions")
    return key
