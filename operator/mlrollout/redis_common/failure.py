"""What went wrong with Redis, in words for people.

Nothing here quotes what the server or the library said: either may repeat what they were sent.
"""

import re
import ssl
from typing import Protocol

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

FAILED = (RedisError, RedisClusterException, OSError)
"""Exceptions of the client library where a call fails."""


class UnusableRedisError(ValueError):
    """This Redis, or what was said of it, can't be used; asking again is no help. The text holds no secret."""


class Place(Protocol):
    """A server, as the text of an error names it."""

    @property
    def tls(self) -> bool:
        """Whether connections to it use TLS."""
        ...


# Of Sentinels that refuse it, the library says that they name no primary, with their errors behind that.
_LOGIN = "WRONGPASS|NOAUTH|AUTH <password> called|invalid password|AuthenticationError"
_ANSWERS = (
    (
        _LOGIN,
        "refused the user name or the password. Correct them in the Redis URL, or in Redis",
    ),
    (
        "NOPERM",
        "does not permit its user what is asked of it. Give the user the permissions in docs/redis-acl.md",
    ),
    (
        "the answer is too large",
        "answers with more than a key and its record can be. See what stands under the key, and that this is a Redis",
    ),
    ("this is no answer of Redis|Protocol Error", "gives no answer of Redis'. See what stands at this address"),
    ("READONLY", "is a replica and takes no writes. Let the Redis URL name the primary, or its Sentinels"),
    ("MASTERDOWN", "is a replica without its primary. Bring the primary back, or promote this one"),
    ("LOADING", "is still loading its data. Nothing needs to be done if it ends soon"),
    ("BUSY", "is held up by a script of somebody's. `SCRIPT KILL` ends a script that has not written"),
    ("OOM", "has no memory left and refused. Give it more (`maxmemory`), or remove data"),
    ("MISCONF", "can't save to its disk and refuses writes. Its log says why"),
    ("NOREPLICAS", "has too few replicas for `min-replicas-to-write` and refuses writes. Bring its replicas back"),
    ("CLUSTERDOWN|TRYAGAIN", "is a Cluster that can't serve this key now. `CLUSTER INFO` says what is missing"),
    ("max number of clients", "has no connection left. Raise its `maxclients`, or find who holds so many"),
    ("SELECT is not allowed", "is a Cluster, which has database 0 only. Leave the number out of the Redis URL"),
    ("DB index is out of range", "has no database of this number. Correct the number that ends the Redis URL"),
    ("previous master is now", "changed its role. The Sentinels will name the new primary"),
)


def explain(error: BaseException, place: Place) -> str:
    """What an error of the client library means, and what to do."""
    known = next((words for pattern, words in _ANSWERS if re.search(pattern, _said(error))), None)
    return f"Redis at {place} {known or _silence(_root(error), tls=place.tls)}."


def refuses_login(error: BaseException) -> bool:
    """Whether a server refused the user: the name, the password, or what the user may do."""
    return re.search(f"{_LOGIN}|NOPERM", _said(error)) is not None


def is_no_string(error: BaseException) -> bool:
    """Whether a key holds something other than a string."""
    return "WRONGTYPE" in _said(error)


def _said(error: BaseException) -> str:
    """What the server said; the library takes the code off the texts that it knows."""
    error = _root(error)
    return f"{getattr(error, 'status_code', None) or ''} {error}"


def _root(error: BaseException) -> BaseException:
    """What a node said, where the client of the Cluster says only that no node served."""
    inner = error.__cause__ or error.__context__
    return _root(inner) if isinstance(error, RedisClusterException) and inner else error


def _silence(error: BaseException, *, tls: bool) -> str:
    """Why there is no answer at all, from the exception of the connection."""
    # The library raises its own errors while it handles those of the socket.
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            "has a certificate that can't be verified. "
            "Let its authority be trusted here, and the URL name the host in the certificate"
        )
    if isinstance(cause, ssl.SSLError):
        return "did not agree on TLS. See whether it has TLS, and whether it asks for a client's certificate"
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return f"did not answer in time. It hangs, is overloaded, {_NO_TLS if tls else ''}or the network loses packets"
    # The library has two classes of this name, and importing either brings half of the library along.
    if type(error).__name__ == "MasterNotFoundError":
        return "has no primary now, as far as its Sentinels can say. See their logs, and the name in the URL"
    if isinstance(error, RedisConnectionError | OSError):
        return f"can't be reached. See whether it runs, {_ASKS if tls else ''}and whether address and network are right"
    return "gave an answer that can't be used. See its log, and whether it is Redis or Valkey 7 or later"


# A server without TLS waits for more; one that misses our certificate may just hang up.
_NO_TLS = "has no TLS, "
_ASKS = "whether it asks for a client's certificate, "
