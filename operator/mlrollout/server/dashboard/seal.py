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
        """The token in a cookie's value; `None` where it is none of ours, or too old."""
        try:
            return self._fernet.decrypt(value, ttl=LASTS).decode()
        except (InvalidToken, ValueError):
            return None

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
