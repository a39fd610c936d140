"""`cg live`: the page in a browser, anew at each save, to nobody else, until it is ended."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cli_harness import ARTICLE, cg

from cgcli.program.live_server import LARGEST_HEAD, LatestPage, LiveServer
from cgcli.render.page.served import served

VALUES = ("--a", "2", "--b", "3", "--c", "1")
WAIT = 60  # seconds before a test gives up


class Browser:
    """Requests to one server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.port, self.path = parts.port or 0, parts.path

    def ask(self, path: str | None = None, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        connection.request(method, self.path if path is None else path, headers=headers)
        return connection.getresponse()

    def page(self) -> str:
        answer = self.ask()
        assert answer.status == 200
        return answer.read().decode()

    def data(self) -> dict[str, Any]:
        """What the page shows."""
        match = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.page(), re.DOTALL)
        assert match is not None
        data: dict[str, Any] = json.loads(match[1])
        return data

    def events(self) -> Iterator[dict[str, str]]:
        """The events from now on, as they come."""
        answer = self.ask(f"{self.path}events")
        assert answer.headers["Content-Type"] == "text/event-stream"
        last = time.monotonic()
        while line := answer.readline():
            assert time.monotonic() < last + WAIT
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))
                last = time.monotonic()


class Live(Browser):
    """A running command."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        assert running.stdout is not None
        assert running.stderr is not None
        self.running, self.stderr = running, running.stderr
        super().__init__(running.stdout.readline().strip())

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """The status, and what is left on both streams."""
        self.running.send_signal(number)
        out, err = self.running.communicate(timeout=WAIT)
        return self.running.returncode, out, err


@contextmanager
def live(*args: str) -> Iterator[Live]:
    command = [sys.executable, "-m", "cgcli", "live", *args]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            yield Live(running)
        finally:
            running.kill()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)


def save(name: str, text: str) -> None:
    """As editors do it."""
    Path("saved").write_text(text)
    Path("saved").replace(name)


# ---- what is served


def test_the_address_is_printed_and_the_page_is_there_and_reloads() -> None:
    assert cg("render", "f.cg", *VALUES, "-o", "f.html").status == 0
    written = Path("f.html").read_text()
    with live("f.cg", *VALUES, "--of", "d") as served:
        data, page = served.data(), served.page()
    assert [i["value"] for i in data["inputs"]] == [2, 3, 1]
    assert data["of"][0]["name"] == "d"

    # what reloads is in the served page alone
    assert "EventSource" not in written
    assert "connect-src" not in written
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; connect-src 'self'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert page.replace(policy[1], "").count("<script") == written.count("<script") + 1


def test_the_example_of_its_help_works() -> None:
    copy, example = cg("live", "--help").out.split("  Example:\n")[1].strip().splitlines()
    assert cg(*shlex.split(copy)[1:]).status == 0
    with live(*shlex.split(example)[2:]) as served:
        assert served.data()["name"] == "article"


def test_quiet_has_no_notes() -> None:
    Path("m.py").write_text("def f(x: float = 3.0):\n    return x\n")
    with live("m.py:f", "-q") as served:
        assert served.data()["inputs"][0]["value"] == 3
        events = served.events()
        next(events)
        assert served.end(signal.SIGINT) == (0, "", "")
        assert list(events) == []


def test_a_save_makes_a_new_page_and_an_error_leaves_it() -> None:
    with live("f.cg", *VALUES) as served:
        assert served.data()["source"]["lines"][2] == "y = d * e"
        events = served.events()
        assert next(events) == {"version": "1", "error": ""}
        save("f.cg", ARTICLE.replace("*", "/"))
        assert next(events) == {"version": "2", "error": ""}
        assert served.data()["source"]["lines"][2] == "y = d / e"

        save("f.cg", ARTICLE.replace("* e", "* (e"))
        event = next(events)
        assert event["version"] == "2"
        assert event["error"].startswith("error: this `(` is never closed\n  --> f.cg:3:9\n")
        assert served.data()["source"]["lines"][2] == "y = d / e"
        assert next(served.events()) == event  # a browser that comes later
        assert "never closed" in served.stderr.readline()

        save("f.cg", ARTICLE)
        assert next(events) == {"version": "3", "error": ""}


def test_the_first_run_may_fail() -> None:
    Path("f.cg").write_text("y = (a")
    with live("f.cg", "--a", "2") as served:
        page = served.page()
        assert "EventSource" in page
        assert 'id="data"' not in page
        events = served.events()
        assert next(events)["error"].startswith("error: this `(` is never closed")
        save("f.cg", "y = (a)")
        assert next(events) == {"version": "1", "error": ""}
        status, out, err = served.end(signal.SIGTERM)
        assert (status, out) == (130, "")
        assert err.endswith("interrupted\n")
        assert list(events) == []


def test_imports_and_values_are_followed() -> None:
    Path("lib.cg").write_text("fn twice(x) = 2 * x\n")
    Path("f.cg").write_text('import "lib.cg" as lib\ny = lib.twice(a)\n')
    Path("v.json").write_text('{"a": 3}')
    with live("f.cg", "--inputs", "v.json") as served:
        events = served.events()
        next(events)
        save("v.json", '{"a": 4}')
        assert next(events)["version"] == "2"
        assert served.data()["inputs"][0]["value"] == 4
        save("lib.cg", "fn twice(x) = 3 * (x\n")
        assert "lib.cg:1:" in next(events)["error"]
        Path("lib.cg").unlink()
        assert next(events)["error"].startswith("error: there is no file")
        save("lib.cg", "fn twice(x) = x\n")
        assert next(events) == {"version": "3", "error": ""}


def test_a_python_file_runs_again_with_what_it_imports() -> None:
    Path("helper.py").write_text("def g(x):\n    return x * 2\n")
    Path("m.py").write_text("import helper\nprint('hello')\ndef f(x: float):\n    return helper.g(x)\n")
    with live("m.py:f", "--x", "3") as served:
        assert served.stderr.readline() == "m.py runs again at each save\n"
        events = served.events()
        assert next(events)["version"] == "1"
        save("helper.py", "def g(x):\n    return x * x * x\n")
        assert next(events)["version"] == "2"
        status, out, err = served.end(signal.SIGINT)
        assert (status, out) == (0, "")
        assert err == "hello\n"  # once, and not on standard output


def test_the_limits_hold_for_each_run() -> None:
    Path("f.cg").write_text("x = 0.0\nwhile true { x = x + a }\ny = x\n")
    with live("f.cg", "--a", "1", "--timeout", "2") as served:
        events = served.events()
        assert next(events)["error"].startswith("error: the run is not done after 2 s")
        save("f.cg", "y = a")
        assert next(events) == {"version": "1", "error": ""}


def test_hostile_texts_are_escaped() -> None:
    hostile = "</script><script>alert(1)</script>\x1b]0;x\x07\u202e"
    Path("f.cg").write_text(f"y = a + # {hostile}")
    with live("f.cg", "--a", "2") as served:
        error = next(served.events())["error"]
        assert "</script><script>alert(1)</script>" in error  # a text, which the page shows as such
        assert not {"\x1b", "\x07", "\u202e"} & set(error)
        assert "alert(1)" not in served.page()


# ---- to whom


@pytest.fixture
def server() -> Iterator[Browser]:
    latest = LatestPage()
    latest.show_error("no page yet")
    with LiveServer(latest) as running:
        yield Browser(running.url)


def test_the_headers(server: Browser) -> None:
    headers = server.ask().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/events", "/x/", "/f.cg", "{}f.cg", "{}../", "{}x/../", "{}?", "/%2e", "//"])
def test_no_other_path(server: Browser, path: str) -> None:
    answer = server.ask(path.format(server.path))
    assert (answer.status, answer.read()) == (404, b"Not Found\n")


def test_each_server_has_a_path_of_its_own(server: Browser) -> None:
    with LiveServer(LatestPage()) as other:
        assert len(server.path) >= 24
        assert Browser(other.url).path != server.path


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{}", "127.0.0.1", "localhost:1", "127.0.0.1.evil:{}", ""]
)
def test_no_other_host(server: Browser, host: str) -> None:
    assert server.ask(Host=host.format(server.port)).status == 403


def test_this_machine_has_two_names(server: Browser) -> None:
    assert server.ask(Host=f"localhost:{server.port}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE", "OPTIONS", "X"])
def test_no_other_method(server: Browser, method: str) -> None:
    assert server.ask(method=method).status == 501


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n", b"GET\r\n\r\n", b"x" * (LARGEST_HEAD + 1), b"GET / HTTP/9\r\n\r\n", b""]
)
def test_a_request_that_is_none(server: Browser, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(4096):
                answer += part
    assert b"EventSource" not in answer
    assert server.ask().status == 200


def test_a_slow_browser_and_many_others_do_not_wait_for_each_other(server: Browser) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET ")
        streams = [server.events() for _ in range(3)]
        assert [next(stream)["error"] for stream in streams] == ["no page yet"] * 3
        assert server.ask().status == 200


# ---- the end


def test_a_signal_ends_a_run(tmp_path: Path) -> None:
    Path("m.py").write_text(
        "import os, time\ndef f(x: float):\n"
        f"    open({str(tmp_path / 'begun')!r}, 'w').write(str(os.getpid()))\n    time.sleep(1000)\n    return x\n"
    )
    with live("m.py:f", "--x", "1") as served:
        wait_for(lambda: Path("begun").exists() and Path("begun").read_text() != "")
        assert served.end(signal.SIGINT)[0] == 0
    child = int(Path("begun").read_text())
    wait_for(lambda: not is_alive(child))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


# ---- calls that are wrong


def test_a_port_in_use_is_one_error(server: Browser) -> None:
    done = cg("live", "f.cg", "--port", str(server.port))
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: the port {server.port} cannot be used: ")
    assert "leave `--port` out" in done.err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "1e3", ""])
def test_a_port_that_is_none(port: str) -> None:
    done = cg("live", "f.cg", f"--port={port}")
    assert done.status == 2
    assert "from 1 to 65535" in done.err


@pytest.mark.parametrize("args", [(), ("-",), ("/dev/stdin",)])
def test_it_needs_a_file(args: tuple[str, ...]) -> None:
    done = cg("live", *args)
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: `cg live` needs a file to follow\n  = help: name one: `cg live f.cg`\n"


def test_an_expression_is_no_option() -> None:
    assert cg("live", "-e", "a^2").status == 2


@pytest.mark.parametrize(
    ("file", "said"),
    [("g.cg", "there is no file `g.cg`"), (".", "is a folder"), ("m.py", "m.py:f"), ("n.py:f", "n.py")],
)
def test_what_no_save_mends_is_told_at_once(file: str, said: str) -> None:
    Path("m.py").write_text("def f(x: float):\n    return x\n")
    done = cg("live", file)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_a_page_of_another_policy_is_not_served() -> None:
    with pytest.raises(ValueError, match="script-src"):
        served("<html><head></head></html>", "1")
