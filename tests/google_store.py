"""A store that speaks as much of Google's protocol as gcsfs says to it: objects with generations, in memory."""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PATH = re.compile(r"(?:/upload|/download)?/storage/v1/b/([^/]+)(?:/o(?:/([^/]+)(?:/rewriteTo/b/[^/]+/o/([^/]+))?)?)?/?")


class GoogleStore(http.server.ThreadingHTTPServer):
    """objects: of the one bucket, `bucket`, by name their bytes and generation. uploads: by their number.

    closed: whether nobody may look at the bucket itself.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.uploads: dict[str, tuple[str, bytearray]] = {}
        self.generation = 0
        self.closed = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, name: str, data: bytes) -> dict[str, Any]:
        self.generation += 1
        self.objects[name] = data, self.generation
        return self.about(name)

    def about(self, name: str) -> dict[str, Any]:
        data, generation = self.objects[name]
        return {"name": name, "bucket": "bucket", "size": str(len(data)), "generation": str(generation)}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A request that gcsfs has given up is none."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GoogleStore

    def answer(self, status: int, body: object = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = PATH.fullmatch(address.path)
        if match is None or match[1] != "bucket":
            self.answer(404)
        elif "upload_id" in query:
            self.part(query["upload_id"], data)
        elif self.command == "POST" and match[2] is None:
            self.upload(query, data)
        elif match[2] is not None:
            self.object(unquote(match[2]), match[3], query)
        elif address.path.rstrip("/").endswith("/o"):
            names = [name for name in self.server.objects if name.startswith(query.get("prefix", ""))]
            self.answer(200, {"items": [self.server.about(name) for name in sorted(names)]})
        else:
            self.answer(403 if self.server.closed else 200, {"name": "bucket"})

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def object(self, name: str, copy: str | None, query: Mapping[str, str]) -> None:
        data, generation = self.server.objects.get(name, (b"", 0))
        if not generation or query.get("generation", str(generation)) != str(generation):
            self.answer(404)
        elif copy is not None:
            self.answer(200, {"done": True, "resource": self.server.put(unquote(copy), data)})
        elif self.command == "DELETE":
            del self.server.objects[name]
            self.answer(204)
        elif query.get("alt") == "media":
            first, last = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-")).groups()  # type: ignore[union-attr]
            self.answer(206, data[int(first) : int(last) + 1 if last else None])
        else:
            self.answer(200, self.server.about(name))

    def upload(self, query: Mapping[str, str], data: bytes) -> None:
        if query["uploadType"] == "multipart":
            _, about, content, _ = data.split(b"--==0==")
            name = json.loads(about[about.index(b"{") :])["name"]
            self.answer(
                200, self.server.put(name, re.split(rb"\r?\n\r?\n", content, maxsplit=1)[1].removesuffix(b"\n"))
            )
            return
        number = str(len(self.server.uploads) + 1)
        self.server.uploads[number] = query.get("name") or json.loads(data)["name"], bytearray()
        self.answer(200, Location=f"{self.server.url}/upload/storage/v1/b/bucket/o?upload_id={number}")

    def part(self, number: str, data: bytes) -> None:
        name, content = self.server.uploads[number]
        content += data
        if self.command == "DELETE":
            del self.server.uploads[number]
            self.answer(499)
        elif self.headers["Content-Range"].endswith("/*"):
            self.answer(308, Range=f"bytes=0-{len(content) - 1}")
        else:
            del self.server.uploads[number]
            self.answer(200, self.server.put(name, bytes(content)))

    def log_message(self, *_: Any) -> None:
        pass
