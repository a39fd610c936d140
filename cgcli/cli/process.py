"""What surrounds every command: exit status, failing streams, signals, and the report of errors."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from cgcli.cli import signals
from cgcli.cli.output import (
    StandardOutput,
    output_error,
    print_diagnostics,
    set_stream_options,
    silence,
    stdout,
    write_stderr,
)
from cgcli.cli.signals import INTERRUPTED, end_by_signals
from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.system import plain_newlines, system_message

DONE, FAILED, WRONG = 0, 1, 2


def run(argv: Sequence[str] | None) -> int:
    """The exit status of `cg` with these arguments; None takes the process's own and installs signal handlers."""
    if argv is None:
        argv = sys.argv[1:]
        signals.state.owns_process = True
        gc.disable()  # until the command runs: imports leave no garbage, but the collector reads all that they make
        end_by_signals()
        _hold_standard_streams()
    plain_newlines()
    set_stream_options(_colour_option(argv))
    return guarded(lambda: _command(list(argv)))


def _command(argv: list[str]) -> object:
    from cgcli.cli.app import commands  # with Typer, which the front door does without

    return commands.main(args=argv, prog_name="cg", standalone_mode=False)


def guarded(action: Callable[[], object]) -> int:
    """The exit status of an action, by default that of success; its errors are reported, its output is flushed."""
    try:
        return _run(action)
    except BrokenPipeError:
        # the reader of our output has closed it: `cg … | head`
        silence()
        return DONE
    except KeyboardInterrupt:
        signals.state.reported = True
        raise


def failed_write(problem: OSError) -> int:
    """The exit status after standard output could not be written, which is reported."""

    def fail() -> None:
        raise output_error(problem)

    return guarded(fail)


def _run(action: Callable[[], object]) -> int:
    try:
        status = action()
        if stdout() is not None:
            StandardOutput().flush()
        if status == INTERRUPTED:
            write_stderr("interrupted\n")
        return status if isinstance(status, int) else DONE
    except CgError as problem:
        return _fail(problem.diagnostics, problem.status)
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except SystemExit as ended:
        # Typer ends so after shell completion, and where a pipe broke while it printed a help page
        if isinstance(ended.__context__, BrokenPipeError):
            silence()
            return DONE
        if ended.code == INTERRUPTED:  # by a signal
            write_stderr("interrupted\n")
        return ended.code if isinstance(ended.code, int) else DONE
    except OSError as problem:
        return _fail(
            [Diagnostic("system", values={"reason": system_message(problem), "name": problem.filename})], FAILED
        )
    except MemoryError:
        return _fail([Diagnostic("out-of-memory")], FAILED)
    except Exception as problem:
        return _unexpected(problem)


def _unexpected(problem: Exception) -> int:
    """Typer's complaint about the arguments (its exceptions have no public base class), or a mistake of our own."""
    format_message = getattr(problem, "format_message", None)
    if format_message is not None:
        message = str(format_message()).rstrip(".")
        return _fail([Diagnostic("usage", values={"message": message[:1].lower() + message[1:]})], WRONG)
    if os.environ.get("CG_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    values = {"kind": type(problem).__name__, "message": " ".join(str(problem).split()) or "no message"}
    return _fail([Diagnostic("bug", values=values)], FAILED)


def _fail(diagnostics: Sequence[Diagnostic], status: int) -> int:
    """Writes the diagnostics on standard error and returns the status."""
    signals.state.reported = True
    print_diagnostics(diagnostics)
    return status


def _colour_option(argv: Sequence[str]) -> str:
    """The value of `--color`, read from the raw arguments, for it applies to errors in them too."""
    chosen = "auto"
    for previous, arg in zip(["", *argv], argv, strict=False):
        value = arg if previous == "--color" else arg.removeprefix("--color=") if arg.startswith("--color=") else None
        chosen = value if value in ("always", "never") else chosen
    return chosen


def _hold_standard_streams() -> None:
    """Opens closed standard streams on the null device, so that no file or pipe of ours gets their descriptors and is
    a standard stream to child processes."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
