"""The two streams of a command, and when they are coloured."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from cgcli.graph.diagnostic import Diagnostic, error
from cgcli.render.escape import harmless


def emit(text: str) -> None:
    """Writes a result on standard output. Raises `CgError` (status 1) when it cannot be written."""
    stream = sys.stdout
    if stream is None:
        raise error("output-failed", status=1, reason="it is closed")
    text = harmless(text) if terminal(stream) else text
    try:
        stream.write(text if text.endswith("\n") or not text else text + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        silence()
        raise error("output-failed", status=1, reason=reason_of(problem)) from None


def notice(text: str) -> None:
    """Writes a line about the work on standard error; a standard error that fails is no reason to stop."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{harmless(text)}\n")
            sys.stderr.flush()


def tell(diagnostics: Sequence[Diagnostic], colour: str) -> None:
    """Writes warnings or errors on standard error."""
    if diagnostics:
        from cgcli.render.report import text as report  # a run without them starts sooner

        notice(report(diagnostics, colour=coloured(sys.stderr, colour)).rstrip("\n"))


def reason_of(problem: OSError) -> str:
    """What the system says of its failure, as a part of a sentence."""
    return (problem.strerror or str(problem)).lower()


def stdout() -> TextIO | None:
    """Standard output, or None when it is closed (Python then has none, whatever its types say)."""
    return sys.stdout


def terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at the stream."""
    return stream is not None and stream.isatty()


def coloured(stream: TextIO | None, choice: str) -> bool:
    """Whether to colour what goes to the stream: `--color`, then NO_COLOR, then FORCE_COLOR, then a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal(stream) and os.environ.get("TERM") != "dumb"


def silence() -> None:
    """Points standard output at nothing, so that the interpreter's own last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
