"""The HTTP of the stub of the W&B server: it listens, hands requests on, and hangs up when told."""

from __future__ import annotations

import json
import re
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLL_SECONDS = 0.02

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Request:
    """A request; `status` is None where no answer was given, and `headers` leave the key out."""

    method: str
    path: str
    operation: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int | None = None


def operation_of(method: str, path: str, body: bytes) -> str:
    """Name what a request asks for: GraphQL's operation, `file_stream`, `upload` or its path."""
    if path.endswith("/file_stream"):
        return "file_stream"
    if path != "/graphql":
        return "upload" if method == "PUT" else path
    query = json.loads(body)["query"]
    named = re.search(r"\b(?:query|mutation)\s+(\w+)", query)
    return named.group(1) if named else query


class Listener(ThreadingHTTPServer):
    """Listens on loopback in a thread of its own, and has one more for each connection.

    Args:
        port: 0 takes a free one.
        respond: Gives the status and what is sent as JSON; None closes the connection.
        note_bug: Told the traceback of what should not have happened.
    """

    def __init__(
        self,
        port: int,
        respond: Callable[[Request], Answer | None],
        note_bug: Callable[[str], None],
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.respond = respond
        self.note_bug = note_bug
        self.is_ending = False
        self._ending = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,))

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def hang_up(self) -> None:
        """Stop listening and end every connection; may be called by one of them."""
        self.is_ending = True
        with self._ending:
            self.shutdown()
            self._thread.join()
            self.server_close()
            for connection in list(self._open.values()):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Hang up, and wait until every thread is over."""
        self.hang_up()
        for thread in list(self._open):
            thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=True)
        self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._open[threading.current_thread()]

    def handle_error(self, *_: object) -> None:
        self.note_bug(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and sends the answer."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def handle(self) -> None:
        # A client that goes away, killed or out of patience, is no fault of the stub's.
        with suppress(ConnectionError):
            super().handle()

    def _answer(self) -> None:
        self.close_connection = True
        n_bytes = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n_bytes)
        if len(body) < n_bytes:
            return
        headers = tuple(item for item in self.headers.items() if item[0] != "Authorization")
        operation = operation_of(self.command, self.path, body)
        answer = self.server.respond(Request(self.command, self.path, operation, headers, body))
        if answer is None:
            return
        self.close_connection = False
        content = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer
