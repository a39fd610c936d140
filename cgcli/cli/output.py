"""The two streams of a command: when they are coloured, and what is kept from them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from cgcli.diagnostics.diagnostic import Diagnostic, error
from cgcli.render.escape import harmless


@dataclass
class Manner:
    """What `--color` and `--quiet` say; the same for the whole of a command, so that nobody hands it on."""

    colour: str = "auto"
    quiet: bool = False


manner = Manner()


def begin(colour: str = "auto", quiet: bool = False) -> None:
    """The manner of the command that begins."""
    manner.colour, manner.quiet = colour, quiet


class Results:
    """Standard output as what results are written into. Raises `CgError` (status 1) when it cannot be written."""

    def write(self, text: str) -> None:
        with _writing() as stream:
            stream.write(harmless(text) if terminal(stream) else text)

    def write_bytes(self, data: bytes) -> None:
        """Writes a file's bytes; where standard output takes texts alone, as in a notebook, the text that they are."""
        with _writing() as stream:
            binary = getattr(stream, "buffer", None)
            if binary is None:
                stream.write(data.decode("utf-8", "surrogateescape"))
                return
            stream.flush()
            binary.write(data)

    def flush(self) -> None:
        with _writing() as stream:
            stream.flush()


@contextlib.contextmanager
def _writing() -> Iterator[TextIO]:
    stream = stdout()
    if stream is None or stream.closed:  # by a Python function that cg ran
        raise error("output-failed", status=1, reason="it is closed")
    try:
        yield stream
    except BrokenPipeError:
        raise
    except OSError as problem:
        silence()
        raise error("output-failed", status=1, reason=reason_of(problem)) from None


def emit(text: str) -> None:
    """Writes a result on standard output. Raises `CgError` (status 1) when it cannot be written."""
    results = Results()
    results.write(text if text.endswith("\n") or not text else text + "\n")
    results.flush()


def write_picture(target: str, data: bytes) -> None:
    """Writes a file as a whole, or on standard output for `-`. Raises `CgError` (status 1) when that fails."""
    if target == "-":
        Results().write_bytes(data)
    else:
        from cgcli.files.writing import write_atomic

        write_atomic(target, data)


def notice(text: str) -> None:
    """Writes a note about the work on standard error, unless `--quiet` says not to."""
    if not manner.quiet:
        write_aside(f"{text}\n")


def write_aside(text: str) -> None:
    """Writes on standard error, as far as that takes it; one that fails is no reason to stop."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(harmless(text))
            sys.stderr.flush()
        except OSError:
            silence(sys.stderr)


def tell(diagnostics: Sequence[Diagnostic]) -> None:
    """Writes warnings or errors on standard error, also with `--quiet`."""
    if diagnostics:
        from cgcli.render.report import text as report  # a run without them starts sooner

        write_aside(report(diagnostics, colour=coloured(sys.stderr)).rstrip("\n") + "\n")


def reason_of(problem: OSError) -> str:
    """What the system says of its failure, as a part of a sentence."""
    return (problem.strerror or str(problem)).lower()


def stdout() -> TextIO | None:
    """Standard output, or None when it is closed (Python then has none, whatever its types say)."""
    return sys.stdout


def terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at the stream."""
    return stream is not None and not stream.closed and stream.isatty()


def coloured(stream: TextIO | None) -> bool:
    """Whether to colour what goes to the stream: `--color`, then NO_COLOR, then FORCE_COLOR, then a terminal."""
    if manner.colour != "auto":
        return manner.colour == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal(stream) and os.environ.get("TERM") != "dumb"


def silence(stream: TextIO | None = None) -> None:
    """Points a stream (standard output) at nothing, so that the interpreter's own last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())
