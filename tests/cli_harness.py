"""Runs `cg` for the tests, inside this process or as one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple
from unittest import mock

from cgcli.cli import main

ARTICLE = "d = a + b\ne = b - c\ny = d * e\n"


class Result(NamedTuple):
    status: int
    out: str
    err: str


def cg(*args: str, stdin: str = "", **environment: str) -> Result:
    """`cg` with these arguments in this process; no stream is a terminal."""
    out, err = io.StringIO(), io.StringIO()
    stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "stdin", stream),
        mock.patch.dict(os.environ, environment),
    ):
        status = main(list(args))
    return Result(status, out.getvalue(), err.getvalue())


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(*args: str, width: int, colour: bool = False) -> str:
    """What `cg` with these arguments prints on a terminal of so many columns, both streams together."""
    stream = Terminal()
    surroundings = {"COLUMNS": str(width), "TERM": "xterm-256color", **({} if colour else {"NO_COLOR": "1"})}
    with (
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")),
        mock.patch.dict(os.environ, surroundings),
    ):
        main(list(args))
    return stream.getvalue()


def process(*args: str, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """`cg` with these arguments as a process of its own."""
    command = [sys.executable, "-m", "cgcli", *args]
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    environment = {**os.environ, **(env or {})}
    if "preexec_fn" in options:  # a limit on the size of files would cut the bytecode that others read
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(command, text=True, timeout=60, env=environment, check=False, **options)
