"""Keeping up with Redis: a thread that listens for changes, and reads again and again besides.

A push makes a lower percentage known within milliseconds. Pub/sub loses messages, so the slow poll and the
read after every connection are what one may rely on, and the only way up.
"""

import logging
import random
import threading
from collections.abc import Callable
from contextlib import closing
from time import monotonic
from typing import Any
from weakref import WeakMethod

from redis import Redis, RedisCluster
from redis.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mlrollout.domain.record import UnreadableRecordError, decode
from mlrollout.domain.traffic import Traffic
from mlrollout.redis_common.address import Address, Tls
from mlrollout.redis_common.failure import FAILED, UnusableRedisError, explain
from mlrollout.redis_common.names import changes_of, record_of
from mlrollout.seldom import seldom

from .connect import connect
from .forks import Work
from .view import Reason, TrafficView

log = logging.getLogger("mlrollout")

FIRST_DELAY = 0.1
"""Seconds until the first try to connect again, plus or minus half of them; each further try doubles them."""
LONGEST_DELAY = 2.0


_MEANS = {
    Reason.ABSENT: "Redis holds no percentage with a record; no MLRollout has begun on this key",
    Reason.UNREADABLE: "what Redis holds can't be read: it is a newer version's, or no percentage",
    Reason.UNCONFIRMED: "Redis holds a lesser record than this process has seen: it went back to an older state, or "
    "lost its data and an older operator began anew. The operator puts its own record back, and another MLRollout's is "
    "followed once it has stood for max_staleness",
}


class Reader:
    """Follows one key until it is stopped.

    Args:
        address: The Redis.
        tls: Its TLS files.
        key: The key of the percentage.
        poll: Seconds between two reads, give or take a fifth.
        seen: Is given every new view, in the reader's thread. A method of something that must live for it: once that is
            gone, the reader ends by itself.
        view: What is known already.
    """

    def __init__(
        self,
        address: Address,
        tls: Tls,
        key: str,
        *,
        poll: float,
        seen: Callable[[TrafficView], None],
        view: TrafficView,
    ) -> None:
        self._address = address
        self._tls = tls
        self._key = key
        self._poll = poll
        self._seen = WeakMethod(seen)
        self._view = view
        self._reason = view.reason
        """The reason of the view that was announced last."""
        self._stopped = threading.Event()
        self._work = Work()
        self._failures = 0
        self._client: Redis | RedisCluster | None = None
        self._thread = threading.Thread(target=self._run, name=f"mlrollout {key}", daemon=True)

    def start(self) -> None:
        """Begin to follow. It never waits."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to follow, and wait for the thread to end, but no longer than an answer of Redis may take."""
        self._stopped.set()
        client = self._client
        if client is not None:
            _hang_up(client)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        with self._work:
            while not self._stopped.is_set():
                self._once()
                self._show()  # it may be too old by now
                with self._work.rest():
                    self._stopped.wait(self._delay())

    def _once(self) -> None:
        """Connect, and follow until the connection fails."""
        try:
            with closing(connect(self._address, self._tls, self._key)) as client:
                self._client = client
                self._follow(client)
        except UnusableRedisError as error:
            self._fail(str(error))
        except FAILED as error:
            self._fail(explain(error, self._address))
        except BaseException as error:  # noqa: BLE001 - what nobody thought of must not end it
            self._fail(f"unexpected {type(error).__name__}: {error}")
        finally:
            self._client = None

    def _fail(self, why: str) -> None:
        if self._stopped.is_set():
            return
        self._failures += 1
        if seldom(self._failures):
            log.warning("Can't follow %s, and trying again: %s", self._key, why)

    def _delay(self) -> float:
        if not self._failures:
            return 0.0
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._failures - 1, 16))
        return longest * random.uniform(0.5, 1.5)  # noqa: S311 - jitter is no secret

    def _follow(self, client: Redis | RedisCluster) -> None:
        with closing(client.pubsub()) as changes:  # type: ignore[no-untyped-call]  # the library left it so
            changes.subscribe(changes_of(self._key))
            due, awaited = monotonic() + self._poll, True
            while not self._stopped.is_set():
                with self._work.rest():
                    message = _next(changes, max(0.001, due - monotonic()))
                if message is not None:
                    awaited = False
                    self._hear(client, *message[::2])
                elif monotonic() >= due:
                    if awaited:
                        raise RedisConnectionError("nothing is heard on the channel any more")
                    # Silence is normal on a channel; an answer to a ping shows that it is not the network's.
                    changes.ping()
                    due, awaited = monotonic() + self._poll * random.uniform(0.8, 1.2), True  # noqa: S311 - jitter
                    self._read(client)

    def _hear(self, client: Redis | RedisCluster, kind: bytes, content: Any = b"") -> None:  # noqa: ANN401 - by kind
        # The first message confirms the subscription: read after it, and nothing falls between.
        if kind == b"message":
            self._take(client, content)
        elif kind == b"subscribe":
            self._read(client)

    def _take(self, client: Redis | RedisCluster, content: bytes) -> None:
        try:
            record = decode(content.decode(errors="replace"))
        except UnreadableRecordError:
            self._read(client)  # which says what to make of it
            return
        before = self._view
        if (after := before.push(record)) is not before:
            self._put(after)  # what lowers counts before Redis is asked
        if before.wants_read(record):
            self._read(client)

    def _read(self, client: Redis | RedisCluster) -> None:
        began, before = monotonic(), self._view
        key, record = client.execute_command("MGET", self._key, record_of(self._key))  # type: ignore[no-untyped-call]  # likewise
        if self._failures:
            log.info("Following %s again", self._key)
            self._failures = 0
        view = before.read(Traffic.parse(key, record), began)
        self._tell(before, view)
        self._put(view)

    def _tell(self, before: TrafficView, view: TrafficView) -> None:
        if view.reason is not self._reason and view.reason in _MEANS:
            log.warning("Control for every user of %s: %s", self._key, _MEANS[view.reason])
        self._reason = view.reason
        held, follows = before.record, view.record
        if held and follows and held.owner != follows.owner and held.rank >= follows.rank:
            log.warning(
                "On %s, following the MLRollout %s (%s) in place of %s (%s), whose greater record Redis lost %g s ago",
                *(self._key, follows.holder, follows.owner, held.holder, held.owner, view.max_staleness),
            )

    def _put(self, view: TrafficView) -> None:
        self._view = view
        self._show()

    def _show(self) -> None:
        seen = self._seen()
        if seen is not None:
            seen(self._view)
        elif not self._stopped.is_set():
            self._stopped.set()
            log.warning("The Rollout of %s was dropped without close(): keep one for as long as it is asked", self._key)


def _next(changes: PubSub, timeout: float) -> Any:  # noqa: ANN401 - a list of what the server said
    """The next message; `None` if none comes in that many seconds.

    It asks the connection itself: what the library does on top of that takes longer than all of ours together, and
    each of many processes would wait for it when a rollback comes.
    """
    connection: Any = changes.connection
    try:
        return connection.read_response(timeout=timeout, disconnect_on_error=False, push_request=True)
    except RedisTimeoutError:
        return None


def _hang_up(client: Redis | RedisCluster) -> None:
    """Close the connection under the thread that waits for an answer, so that it wakes."""
    try:
        if isinstance(client, RedisCluster):
            client.disconnect_connection_pools()  # type: ignore[no-untyped-call]  # likewise
        else:
            client.connection_pool.disconnect()
    except Exception:
        log.debug("Could not hang up", exc_info=True)
