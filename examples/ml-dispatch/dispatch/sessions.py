"""Who somebody is: a signed cookie for the service, and a token for the flag server. There are no passwords: a demo."""

from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from time import time

import jwt
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "session"
LASTS = 12 * 3600
"""Seconds that a session lasts."""
SHORTEST = 32
"""Characters of a secret: one that is empty, or cut off by a full disk, would let anybody sign cookies."""


class SecretError(Exception):
    """There is no secret to sign with, and why."""


class Sessions:
    """Makes and reads cookies.

    Args:
        secret: What they are signed with. The same for every process and over a deploy, or everybody is signed out.
        ofrep_key: What the flag server reads users' tokens with (`sessions.key`); `None` where it asks for none.
    """

    def __init__(self, secret: str, ofrep_key: str | None = None) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="dispatch-session")
        self._ofrep_key = ofrep_key

    def cookie(self, user: str) -> str:
        """The cookie's value for this user."""
        return self._signer.dumps(user)

    def user(self, cookie: str | None) -> str | None:
        """Whose cookie it is; `None` where it is nobody's, or too old."""
        if not cookie:
            return None
        try:
            user = self._signer.loads(cookie, max_age=LASTS)
        except BadSignature:
            return None
        return user if isinstance(user, str) else None

    def flag_headers(self, user: str) -> dict[str, str]:
        """What the user's page sends to the flag server, so that it answers for this user alone."""
        if self._ofrep_key is None:
            return {}
        token = jwt.encode({"sub": user, "exp": int(time()) + LASTS}, self._ofrep_key, algorithm="HS256")
        return {"Authorization": f"Bearer {token}"}


def secret_of(file: Path) -> str:
    """The secret that this file holds, made at the first start and readable for its owner alone.

    Raises:
        SecretError: The file holds none.
    """
    if not file.exists():
        made = file.with_name(f"{file.name}.{token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(token_hex(32))
        # In one piece: a process that starts at the same time must neither read half of it nor have another.
        with suppress(FileExistsError):
            file.hardlink_to(made)
        made.unlink()
    secret = file.read_text().strip()
    if len(secret) < SHORTEST:
        raise SecretError(f"{file} holds no secret of at least {SHORTEST} characters: remove it, and another is made.")
    return secret
