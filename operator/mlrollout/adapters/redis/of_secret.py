"""The Redis of an object: whoever writes the Secret of a namespace says where it is, so less is taken from them."""

from mlrollout.ports import TrafficError
from mlrollout.redis_common.address import Address, Tls, parse
from mlrollout.redis_common.failure import UnusableRedisError

from .calls import Calls
from .store import RedisTrafficStore

LONGEST = 4096
"""Characters of a URL. A Secret may hold a million, and of each that is read something is made."""
MOST_SENTINELS = 16
"""Sentinels of a URL: the library makes a client for each. Three or five are usual."""


def open_of_secret(url: str, tls: Tls) -> RedisTrafficStore:
    """A store that connects at its first call.

    Raises:
        TrafficError: The URL can't be used, or asks for more than an object may; the text holds nothing secret.
    """
    if len(url) > LONGEST:
        raise TrafficError(f"The Redis URL in the Secret is longer than {LONGEST} characters, as none has to be.")
    try:
        address = parse(url)
    except UnusableRedisError as error:
        raise TrafficError(str(error)) from None
    if wrong := _asks_for_too_much(address):
        raise TrafficError(f"The Redis URL in the Secret can't be used: {wrong}.")
    return RedisTrafficStore(Calls(address, tls))


def _asks_for_too_much(address: Address) -> str:
    """Why an object may not have such a Redis; empty where it may."""
    if address.socket:
        return "it names a socket, which would be one of the operator's own machine"
    if len(address.hosts) > MOST_SENTINELS:
        return f"it names more than {MOST_SENTINELS} Sentinels"
    # What listens at the address may be no Redis, and take a line of the password for a command.
    if not (address.username + address.password + address.service).isprintable():
        return "its user name, its password or its service has line breaks or other characters that nobody sees"
    return ""
