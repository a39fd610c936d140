"""The command line: one file a command, over the public API of `cgcli.program`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `cg` with these arguments (the process's own when None) and returns the exit status."""
    try:
        # Typer is loaded in here, so that an interrupt during the first moments is met like any other.
        from cgcli.cli.process import run

        return run(argv)
    except KeyboardInterrupt:
        from cgcli.cli.signals import INTERRUPTED

        if sys.stderr is not None:
            with suppress(OSError):  # the terminal may be gone
                sys.stderr.write("interrupted\n")
        return INTERRUPTED
