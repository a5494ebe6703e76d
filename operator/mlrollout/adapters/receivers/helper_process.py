"""The process beside the operator in which Apprise and templates run: it forks a child for each request.

A library's thread can't be ended, a process can: whatever a receiver or a template does, its child is gone at its
deadline, with what it held. And the operator's own memory stays without Apprise's hundred plugins.

Standard input is a socket whose packets are a request or an answer each: its number, and JSON.
"""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

from mlrollout.notify.template import UnusableTemplateError, render

from . import apprise_send
from .confine import confine
from .networks import networks

MAX_PACKET = 128 * 1024
"""Bytes of a request or an answer; what is in one is limited to less."""
MEMORY = 24 * 1024 * 1024
"""Bytes that a child may take more than its parent has: sending something takes 2 MiB, and 8 are a thread's stack."""

HelperRequest = Mapping[str, Any]


def main() -> None:
    """Serve until the operator has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the operator, by whose end this ends
    apprise_send.preload()
    _Parent(socket.socket(fileno=sys.stdin.fileno())).serve()


class _Parent:
    """Forks, and answers for children that were ended."""

    def __init__(self, operator: socket.socket) -> None:
        self._operator = operator
        self._children: dict[int, int] = {}

    def serve(self) -> None:
        """Have a child serve each request."""
        signal.signal(signal.SIGCHLD, lambda _, __: self._reap())
        while packet := self._operator.recv(MAX_PACKET):
            number, _, request = packet.partition(b" ")
            # A child may end before its number is known.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            child = os.fork()
            if child == 0:
                _child(self._operator, int(number), request)
            self._children[child] = int(number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def _reap(self) -> None:
        while self._children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            number = self._children.pop(child)
            if status:
                # By its timer, or by an error of the library's own, whose words may hold the address.
                late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
                failed = "did not end in time" if late else "could not be tried: the library that sends failed"
                _answer(self._operator, number, {"failed": failed, "status": None, "retry_after": None})


def _child(operator: socket.socket, number: int, packet: bytes) -> None:
    """Serve one request, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    code = 1
    try:
        request = json.loads(packet)
        _limit(request["within"])
        _answer(operator, number, serve(request))
        code = 0
    finally:
        os._exit(code)


def _answer(operator: socket.socket, number: int, answer: Mapping[str, Any]) -> None:
    operator.send(f"{number} {json.dumps(answer)}".encode())


def _limit(seconds: float) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    with open("/proc/self/statm", encoding="ascii") as memory:  # noqa: PTH123 - nothing more is wanted
        pages = int(memory.read().split()[5])
    # What it can write to, not its whole address space: of that, each thread has 64 MiB set aside that it never uses.
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(request: HelperRequest) -> Mapping[str, Any]:
    """The answer to one request."""
    if "template" in request:
        try:
            return {"text": render(request["template"], request["variables"])}
        except UnusableTemplateError as error:
            return {"failed": str(error)}
        except MemoryError:
            return {"failed": "it takes too much memory"}
    trace = apprise_send.Trace()
    trace.watch()
    if request["confined"]:
        confine(networks(tuple(request["networks"])), trace.refused)
    failed = apprise_send.send(request["message"], trace)
    return {"failed": failed, "status": trace.status, "retry_after": trace.retry_after}


if __name__ == "__main__":
    main()
