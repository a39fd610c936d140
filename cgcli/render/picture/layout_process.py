"""DOT texts to Graphviz's layouts, in a child process with a limit of processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.system import inheritable, ran_out_of_time

LIMIT = 60  # seconds of the processor, for all layouts of a picture


def graphviz_layouts(texts: Sequence[str], limit: int = LIMIT) -> list[dict[str, Any]]:
    """For each text its layout in Graphviz's JSON. limit: seconds of processor time, however long they take.

    Raises CgError (status 1) when the limit is reached or Graphviz fails.
    """
    child = _run("".join("\0" + text for text in texts), limit)
    if ran_out_of_time(child.returncode, child.stderr):
        raise error("layout-too-slow", status=1, limit=str(limit))
    if child.returncode != 0 or not child.stdout:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if child.returncode > 0 and lines else f"it ended with status {child.returncode}"
        raise error("layout-failed", status=1, reason=reason)
    layouts: list[dict[str, Any]] = json.loads(child.stdout)
    return layouts


def start_child() -> None:
    """Starts the child of the next layout now, so that it loads Graphviz while this process computes what to draw. It
    ends with this process if there is no layout."""
    if not _ready:
        _ready.append(_Child())


class _Child:
    """The process that lays out, which waits for texts. It is run by its path and with `-P`: a module of the same name
    in the working folder is not looked at."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        read_end, self._lifeline = os.pipe()  # its end tells the child that this process is gone
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", _layout_child(), str(limit), str(read_end)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inheritable(read_end),
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(read_end)

    def run(self, text: str) -> subprocess.CompletedProcess[bytes]:
        """Sends the text and waits for the end of the child."""
        process = self._process
        try:
            output, errors = process.communicate(text.encode("ascii"))
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(self._lifeline)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


_ready: list[_Child] = []


def _run(text: str, limit: int) -> subprocess.CompletedProcess[bytes]:
    child = _ready.pop() if _ready and _ready[-1].limit == limit else _Child(limit)
    return child.run(text)


def _layout_child() -> str:
    return str(Path(__file__).with_name("layout_child.py"))
