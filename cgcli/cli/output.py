"""The two output streams of a command: results and diagnostics, escaped, in colour where that is wanted."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from cgcli.diagnostics.diagnostic import Diagnostic, error
from cgcli.diagnostics.escape import harmless
from cgcli.system import system_message


@dataclass
class StreamOptions:
    """The values of `--color` and `--quiet`: global state, for they hold for the whole of a command."""

    colour: str = "auto"
    quiet: bool = False


stream_options = StreamOptions()


def set_stream_options(colour: str = "auto", quiet: bool = False) -> None:
    """Sets the stream options of the command that begins."""
    stream_options.colour, stream_options.quiet = colour, quiet


class StandardOutput:
    """Standard output as a stream for results. Raises `CgError` (status 1) when it cannot be written."""

    def write(self, text: str) -> None:
        with _writing() as stream:
            stream.write(harmless(text) if is_terminal(stream) else text)

    def write_bytes(self, data: bytes) -> None:
        """Writes bytes; where standard output takes text alone, as in a notebook, they are decoded."""
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
    except OSError as problem:
        raise output_error(problem) from None


def output_error(problem: OSError) -> Exception:
    """What a command raises where standard output cannot be written: its reader may have gone, which is no mistake."""
    if isinstance(problem, BrokenPipeError):
        return problem
    silence()
    return error("output-failed", status=1, reason=system_message(problem))


def emit(text: str) -> None:
    """Writes a result on standard output. Raises `CgError` (status 1) when it cannot be written."""
    stream = StandardOutput()
    stream.write(text if text.endswith("\n") or not text else text + "\n")
    stream.flush()


def emit_page(text: str) -> None:
    """Writes a page of text on standard output, on a terminal in lines that fit it."""
    width = width_of(stdout())
    if width is not None and max(map(len, text.split("\n"))) > width:
        from cgcli.diagnostics.wrapped import fitted  # for pages that are too wide alone

        text = fitted(text, width)
    emit(text)


def write_text(target: str | None, text: str) -> None:
    """Prints a text, or writes it as a whole into a file. Raises `CgError` (status 1) when that fails."""
    if target is None or target == "-":
        emit(text)
    else:
        write_picture(target, f"{text}\n".encode())


def write_picture(target: str, data: bytes) -> None:
    """Writes a file as a whole, or on standard output for `-`. Raises `CgError` (status 1) when that fails."""
    if target == "-":
        StandardOutput().write_bytes(data)
    else:
        from cgcli.files.writing import write_atomic

        write_atomic(target, data)


def notice(text: str) -> None:
    """Writes a note on standard error, unless `--quiet` is given."""
    if not stream_options.quiet:
        if "://" in text:
            from cgcli.diagnostics.secrets import without_secrets  # for URLs alone

            text = without_secrets(text)
        width = width_of(sys.stderr)
        if width is not None and len(text) > width:
            from cgcli.diagnostics.wrapped import wrapped  # for notes that are too wide alone

            text = wrapped(text, 0, width)
        write_stderr(f"{text}\n")


def write_stderr(text: str) -> None:
    """Writes on standard error; a failure to write is ignored."""
    _write_stderr(harmless(text))


def rewrite_line(text: str) -> None:
    """Writes a text on the terminal that standard error is, in place of the line that is there."""
    _write_stderr(f"\r{harmless(text)}\x1b[K")


def _write_stderr(text: str) -> None:
    if sys.stderr is not None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            silence(sys.stderr)


def print_diagnostics(diagnostics: Sequence[Diagnostic]) -> None:
    """Writes warnings or errors on standard error, also with `--quiet`."""
    if diagnostics:
        from cgcli.diagnostics.report import text as report  # for diagnostics alone

        words = report(diagnostics, use_colour(sys.stderr), width_of(sys.stderr))
        write_stderr(words.rstrip("\n") + "\n")


def stdout() -> TextIO | None:
    """Standard output, or None when it is closed (`sys.stdout` is then None, whatever its type says)."""
    return sys.stdout


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def width_of(stream: TextIO | None) -> int | None:
    """The columns of the terminal that a stream is, else None."""
    if stream is None or not is_terminal(stream):
        return None
    with contextlib.suppress(ValueError):
        return max(1, int(os.environ.get("COLUMNS", "")))
    with contextlib.suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or None
    return None


def can_write(characters: str, stream: TextIO | None) -> bool:
    """Whether the encoding of the stream has these characters."""
    try:
        characters.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def use_colour(stream: TextIO | None) -> bool:
    """Whether to colour what goes to the stream: `--color`, then NO_COLOR, then FORCE_COLOR, then a terminal."""
    if stream_options.colour != "auto":
        return stream_options.colour == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def silence(stream: TextIO | None = None) -> None:
    """Redirects a stream (standard output) to the null device, so that the interpreter's last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())


class WithHelp:
    """A mixin for Typer's command classes: the page of `--help` is written by `emit` like any other result."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]  # that of the command beside this class
        if option is not None:
            option.callback = _emit_help
        return option


def _emit_help(context: Any, option: Any, value: bool) -> None:
    if value and not context.resilient_parsing:
        emit_page(context.get_help())
        import typer

        raise typer.Exit
