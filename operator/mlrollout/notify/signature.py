"""Signing a webhook: Standard Webhooks, for whose check there are libraries in every language.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping

PREFIX = "whsec_"
SHORTEST = 24
"""Bytes of a secret, as the specification asks for."""


def key(secret: str) -> bytes:
    """The bytes of a secret, which is `whsec_` and base64.

    Raises:
        ValueError: It is none; the text does not repeat it.
    """
    try:
        found = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        found = b""
    if len(found) < SHORTEST:
        raise ValueError(
            f"the secret of a signed webhook is {PREFIX} and at least {SHORTEST} bytes in base64, as `openssl rand "
            f"-base64 32` makes them"
        )
    return found


def signed(secret: str, message_id: str, at: float, body: bytes) -> Mapping[str, str]:
    """The headers that show who sent a body, and when.

    Args:
        secret: What the receiver knows, too.
        message_id: The same where the same is sent again.
        at: When it is sent, seconds since the epoch: a receiver refuses what is minutes old.
        body: What is sent.
    """
    timestamp = str(int(at))
    signature = hmac.digest(key(secret), b".".join((message_id.encode(), timestamp.encode(), body)), "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }
