"""A page on 127.0.0.1 that loads itself anew: the server of `cg live`.

Only GET is answered, and only below a path that nobody can guess, under the name of this machine: a page of another
site can neither read it nor rebind a name to it. Every connection has one request, limits and a thread of its own.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, ClassVar

from cgcli.diagnostics.diagnostic import error
from cgcli.render.page.served import served

HOST = "127.0.0.1"
CONNECTIONS = 64  # at once
LARGEST_HEAD = 16_384  # bytes of a request
REQUEST_TIME, ANSWER_TIME = 10.0, 30.0  # seconds
FIRST_RUN_TIME = 60.0  # seconds that a browser waits for the first page
PULSE = 15.0  # seconds between signs of life, by which the end of a browser is noticed
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Connection": "close",
}


class LatestPage:
    """The last page that a run made, and the error of the runs since; browsers wait for changes of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._page: str | None = None
        self._error: str | None = None  # None before the first run has ended
        self._version = 0
        self._changes = 0

    def show_page(self, page: str) -> None:
        """From now on this page, without an error."""
        with self._changed:
            self._page, self._error = page, ""
            self._version += 1
            self._notify()

    def show_error(self, text: str) -> None:
        """From now on this error, over the last page."""
        with self._changed:
            self._error = text
            self._notify()

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def text(self) -> str:
        """The page to serve; waits for the end of the first run."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes > 0, FIRST_RUN_TIME)
            page, version = self._page, self._version
        return served(page, str(version))

    def events(self) -> Iterator[bytes]:
        """Server-sent events: one after the first run and one after each change, with signs of life between."""
        seen = 0
        while True:
            with self._changed:
                changed = self._changed.wait_for(lambda: self._changes != seen, PULSE)  # noqa: B023  # called at once
                seen = self._changes
                state = {"version": str(self._version), "error": self._error or ""}
            yield f"data: {json.dumps(state)}\n\n".encode() if changed else b":\n\n"


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: LiveServer  # type: ignore[mutable-override]

    def handle(self) -> None:
        head = self._head()
        if head:
            self.connection.settimeout(ANSWER_TIME)
            self.rfile = BytesIO(head)
            self.handle_one_request()

    def _head(self) -> bytes:
        """The request up to its empty line; empty for one that is too long or too slow."""
        head, deadline = b"", time.monotonic() + REQUEST_TIME
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            rest = deadline - time.monotonic()
            if rest <= 0 or len(head) > LARGEST_HEAD:
                return b""
            self.connection.settimeout(rest)
            part = self.connection.recv(LARGEST_HEAD)
            if not part:
                return b""
            head += part
        return head

    def do_GET(self) -> None:  # the name that the base class looks up
        if self.headers.get_all("Host") not in self.server.names:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif secrets.compare_digest(self.path.encode(), self.server.path.encode()):
            page = self.server.latest.text().encode()
            self._send_head(HTTPStatus.OK, "text/html; charset=utf-8", len(page))
            self.wfile.write(page)
        elif secrets.compare_digest(self.path.encode(), f"{self.server.path}events".encode()):
            self._send_head(HTTPStatus.OK, "text/event-stream")
            for event in self.server.latest.events():
                self.wfile.write(event)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send_head(self, status: int, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS}.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The status in plain words, nothing of the request in them."""
        text = f"{HTTPStatus(code).phrase}\n".encode()
        self._send_head(code, "text/plain; charset=utf-8", len(text))
        self.wfile.write(text)

    def version_string(self) -> str:
        return "cg"

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class LiveServer(ThreadingHTTPServer):
    """Serves the latest page at `url`. Raises CgError (status 1) for a port that cannot be used. port: 0 for a free
    one."""

    daemon_threads = True
    block_on_close = False
    # on Windows the option would let two servers have one port
    allow_reuse_address: ClassVar[bool] = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")  # type: ignore[misc]

    def __init__(self, latest: LatestPage, port: int = 0) -> None:
        self.latest = latest
        self.path = f"/{secrets.token_urlsafe(16)}/"
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as problem:
            raise error("port-unusable", status=1, port=port, reason=(problem.strerror or "").lower()) from None
        number = self.server_address[1]
        self.names = [[f"{host}:{number}"] for host in (HOST, "localhost")]
        if number == 80:  # which browsers leave out
            self.names += [[HOST], ["localhost"]]
        self.url = f"http://{HOST}:{number}{self.path}"

    def server_bind(self) -> None:
        """Without the name of the machine, for which the base class may ask the network."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self.allow_reuse_address))
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts the thread of a connection; one too many is closed."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that is gone or too slow is no error of ours."""

    def __enter__(self) -> LiveServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="server", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
