"""The server beneath the suite's own HTTP doubles."""

import ssl
import sys
from http.server import ThreadingHTTPServer
from socket import socket
from typing import Any


class CalmServer(ThreadingHTTPServer):
    """A client that hangs up is no error: of one that does so late, another test would find the words on stderr."""

    daemon_threads = True

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)
