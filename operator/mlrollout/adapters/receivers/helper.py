"""The operator's side of the process that sends by Apprise and renders templates; it is started when it is needed."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from mlrollout.ports import ReceiverError

from .turns import Turns

log = structlog.get_logger(__name__)

STARTS_WITHIN = 10.0
"""Seconds that the process may take to start; it loads every plugin."""
MAX_PACKET = 128 * 1024
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""What of the environment it gets: the rest holds passwords, and names proxies."""
_MODULE = "mlrollout.adapters.receivers.helper_process"

HelperAnswer = Mapping[str, Any]


class Helper:
    """Asks it, and starts it anew where it has ended."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[HelperAnswer]] = {}
        self._turns = Turns()
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, request: Mapping[str, Any], within: float, tenant: str = "") -> HelperAnswer:
        """The answer to a request.

        Args:
            request: What `helper_process` serves.
            within: Seconds after which what serves it is ended.
            tenant: The namespace whose object asks for it; empty where the administrator does.

        Raises:
            ReceiverError: There is none.
        """
        number = next(self._numbers)
        packet = f"{number} {json.dumps({**request, 'within': within})}".encode()
        async with self._turns.turn(tenant):
            try:
                async with asyncio.timeout(within + STARTS_WITHIN):
                    place = await self._started()
                    self._asked[number] = asyncio.get_running_loop().create_future()
                    await asyncio.get_running_loop().sock_sendall(place, packet)
                    return await self._asked[number]
            except TimeoutError:
                raise ReceiverError("did not end in time") from None
            except OSError as error:
                raise ReceiverError(f"could not be tried: the helper process failed ({error.strerror})") from None
            finally:
                self._asked.pop(number, None)

    async def _started(self) -> socket.socket:
        async with self._starting:
            # A child that outlives the process keeps the socket open, where nobody would read what is asked.
            ended = self._process is None or self._process.returncode is not None
            if self._socket is None or ended or self._reading is None or self._reading.done():
                await self.close()
                await self._start()
            assert self._socket is not None  # noqa: S101 - for the type
            return self._socket

    async def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the library's own
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    _MODULE,
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,  # a library's words, which may hold an address
                    env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                )
            except BaseException:
                ours.close()
                raise
        self._socket = ours
        self._reading = asyncio.create_task(self._read(ours), name="helper process")

    async def _read(self, place: socket.socket) -> None:
        """Hand answers on until the process ends."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while packet := await loop.sock_recv(place, MAX_PACKET):
                number, _, answer = packet.partition(b" ")
                asked = self._asked.get(int(number))
                if asked is not None and not asked.done():
                    asked.set_result(json.loads(answer))
        log.warning("The helper process that sends notifications has ended; it is started anew when it is needed")
        self._fail()

    def _fail(self) -> None:
        """Let nobody wait for an answer that does not come."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(OSError(0, "it ended"))

    async def close(self) -> None:
        """End the process."""
        reading, place, process = self._reading, self._socket, self._process
        self._reading = self._socket = self._process = None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self._fail()
        if place is not None:
            place.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
