"""What surrounds every command: exit status, streams that fail, signals, and errors told in one way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from cgcli.cli import watchdog
from cgcli.cli.app import commands
from cgcli.cli.output import notice, reason_of, silence, tell
from cgcli.graph.diagnostic import CgError, Diagnostic

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def run(argv: Sequence[str] | None) -> int:
    """The exit status of `cg` with these arguments; None takes the process's own, and its signals too."""
    if argv is None:
        argv = sys.argv[1:]
        watchdog.state.own = True
        signal.signal(signal.SIGTERM, _stop)
    _forgive_encodings()
    try:
        return _run(list(argv))
    except BrokenPipeError:
        # whoever reads our output has seen enough: `cg … | head`
        silence()
        return DONE
    except KeyboardInterrupt:
        watchdog.state.told = True
        raise


def _run(argv: list[str]) -> int:
    try:
        status = commands.main(args=argv, prog_name="cg", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        if status == INTERRUPTED:
            notice("interrupted")
        return status if isinstance(status, int) else DONE
    except CgError as problem:
        return _told(problem.diagnostics, problem.status, argv)
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except SystemExit as ended:
        # Typer ends so after shell completion, and where a pipe broke while it printed a help page
        if isinstance(ended.__context__, BrokenPipeError):
            silence()
            return DONE
        return ended.code if isinstance(ended.code, int) else DONE
    except OSError as problem:
        return _told(
            [Diagnostic("system", values={"reason": reason_of(problem), "name": problem.filename})], FAILED, argv
        )
    except MemoryError:
        return _told([Diagnostic("out-of-memory")], FAILED, argv)
    except Exception as problem:
        return _unexpected(problem, argv)


def _unexpected(problem: Exception, argv: list[str]) -> int:
    """Typer's complaint about the arguments (its exceptions have no public base class), or a mistake of our own."""
    format_message = getattr(problem, "format_message", None)
    if format_message is not None:
        message = str(format_message()).rstrip(".")
        return _told([Diagnostic("usage", values={"message": message[:1].lower() + message[1:]})], WRONG, argv)
    if os.environ.get("CG_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    values = {"kind": type(problem).__name__, "message": " ".join(str(problem).split()) or "no message"}
    return _told([Diagnostic("bug", values=values)], FAILED, argv)


def _told(diagnostics: Sequence[Diagnostic], status: int, argv: list[str]) -> int:
    """Writes the diagnostics on standard error and returns the status."""
    watchdog.state.told = True
    tell(diagnostics, _colour_option(argv))
    return status


def _colour_option(argv: list[str]) -> str:
    """What `--color` says, read from the arguments as they are: they may be the very thing that is wrong."""
    chosen = "auto"
    for before, arg in zip(["", *argv], argv, strict=False):
        value = arg if before == "--color" else arg.removeprefix("--color=") if arg.startswith("--color=") else None
        chosen = value if value in ("always", "never") else chosen
    return chosen


def _forgive_encodings() -> None:
    """Lets a stream show what its encoding lacks as an escape (standard error does so by itself)."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM stops the work as Ctrl-C does, so that half-written files are removed."""
    raise KeyboardInterrupt
