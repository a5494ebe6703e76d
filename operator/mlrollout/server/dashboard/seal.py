"""The cookie of a session: a token of the cluster, sealed, so that every server with the same key can open it."""

import base64
import hashlib
import hmac
import time

from cryptography.fernet import Fernet, InvalidToken

LASTS = 12 * 3600
"""Seconds for which a session lasts, if its token does: a working day."""
LONGEST = 3800
"""Characters of a cookie that every browser keeps, with its name and its attributes."""
MOST_ENDED = 10_000
"""Sessions that are remembered because somebody signed out; of more, the one that was ended first is forgotten."""


class TooLongError(ValueError):
    """The token is too long for a cookie."""


class Seal:
    """Seals tokens.

    Args:
        secret: What servers share that know each other's sessions.
    """

    def __init__(self, secret: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"dashboard:" + secret).digest()))
        self._csrf = hashlib.sha256(b"dashboard-csrf:" + secret).digest()
        self._ended: dict[bytes, float] = {}

    def close(self, token: str) -> str:
        """A cookie's value that holds the token.

        Raises:
            TooLongError: No cookie can.
        """
        value = self._fernet.encrypt(token.encode()).decode()
        if len(value) > LONGEST:
            raise TooLongError(f"the token has {len(token)} characters, and a cookie holds some {LONGEST * 3 // 4}")
        return value

    def open(self, value: str) -> str | None:
        """The token in a cookie's value; `None` where it is none of ours, too old, or was ended."""
        try:
            token = self._fernet.decrypt(value, ttl=LASTS).decode()
        except (InvalidToken, ValueError):
            return None
        return None if _digest(value) in self._ended else token

    def end(self, value: str) -> None:
        """Open this value no more. Nobody else with the same secret hears of it, nor this process' successor."""
        if self.open(value) is None:
            return
        now = time.time()
        self._ended = {one: ends for one, ends in self._ended.items() if ends >= now}
        self._ended[_digest(value)] = self.ends(value)
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def ends(self, value: str) -> float:
        """When a session ends at the latest, seconds since the epoch."""
        try:
            return self._fernet.extract_timestamp(value) + LASTS
        except (InvalidToken, ValueError):
            return time.time()

    def csrf(self, session: str) -> str:
        """What a page of that session shows with what it asks for; no other page can read it."""
        # Beside a token that is good a cookie of any bytes may come.
        return hmac.new(self._csrf, session.encode(errors="surrogateescape"), "sha256").hexdigest()


def _digest(value: str) -> bytes:
    """Tells values apart by what they mean: the same bytes can be written in many ways."""
    return hashlib.sha256(base64.urlsafe_b64decode(value)).digest()
