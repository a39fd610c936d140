"""The command line: one file a command, over the public API of `cgcli.program`; in front of it the front door."""

from __future__ import annotations

import sys

from cgcli.system import interrupt_by_signals, leave, plain_newlines

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `cg` with these arguments (the process's own when None) and returns the exit status."""
    try:
        # What follows is loaded in here, so that an interrupt during the first moments is met like any other.
        if argv is None:
            interrupt_by_signals()
        status = _front_door(sys.argv[1:] if argv is None else argv)
        if status is not None:
            return status
        from cgcli.cli.process import run

        return run(argv)
    except KeyboardInterrupt:
        from contextlib import suppress

        from cgcli.cli.signals import INTERRUPTED

        if sys.stderr is not None:
            with suppress(OSError):  # the terminal may be gone
                sys.stderr.write("interrupted\n")
        return INTERRUPTED


def script() -> NoReturn:
    """What is installed as `cg`."""
    leave(main())


def _front_door(arguments: Sequence[str]) -> int | None:
    """The exit status where the front door has an answer, which is written then; else None."""
    if not arguments or arguments[0] not in ("eval", "grad") or sys.stdout is None or sys.stdout.closed:
        return None
    from cgcli.program.front_door import Request, answer, text_of

    try:
        request = Request(arguments)
    except ValueError:
        return None
    style = request.options.get("--format") or ("table" if sys.stdout.isatty() else "plain")
    if "--data" in request.options:
        if "--format" in request.options or sys.stdout.isatty():
            return None
        style = "csv"
    answered = answer(request)
    if answered is None:
        return None
    plain_newlines()
    if style == "table":
        from cgcli.cli.process import guarded
        from cgcli.cli.results import show_numbers
        from cgcli.program.options import OutputOptions

        rows = list(zip(answered.names, answered.rows[0], strict=True))
        return guarded(lambda: show_numbers(rows, {}, OutputOptions("table", request.precision)))
    try:
        sys.stdout.write(text_of(answered, request, style))
        sys.stdout.flush()
    except OSError as problem:
        from cgcli.cli.process import failed_write

        return failed_write(problem)
    return 0
