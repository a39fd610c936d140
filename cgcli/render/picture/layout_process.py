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


def _run(text: str, limit: int) -> subprocess.CompletedProcess[bytes]:
    """Runs the child by its path and with `-P`: a module of the same name in the working folder is not looked at."""
    lifeline, write_end = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-P", _layout_child(), str(limit), str(lifeline)],
            input=text.encode("ascii"),
            capture_output=True,
            pass_fds=inheritable(lifeline),
            check=False,
        )
    finally:
        os.close(lifeline)
        os.close(write_end)


def _layout_child() -> str:
    return str(Path(__file__).with_name("layout_child.py"))
