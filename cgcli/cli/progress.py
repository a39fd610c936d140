"""The progress of a long run on standard error: on a terminal one line that changes, in a log a line now and then."""

from __future__ import annotations

import sys
import time

from cgcli.cli.output import is_terminal, notice, rewrite_line, stream_options

NO_WORKERS = "note: the cluster has no workers; cg waits for them, Ctrl-C ends it"
TERMINAL_SECONDS, LOG_SECONDS = 0.5, 10.0  # between two updates


class StatusLine:
    """A line of progress. `due()` says when to update it, with `--quiet` never; the caller escapes the text."""

    def __init__(self) -> None:
        self.on_terminal = is_terminal(sys.stderr)
        self.started = self.last = time.monotonic()
        self.visible = False

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def due(self) -> bool:
        now = time.monotonic()
        if stream_options.quiet or now - self.last < (TERMINAL_SECONDS if self.on_terminal else LOG_SECONDS):
            return False
        self.last = now
        return True

    def update(self, text: str) -> None:
        if not self.on_terminal:
            notice(text)
            return
        rewrite_line(text)
        self.visible = True

    def end(self) -> None:
        """Clears the line."""
        if self.visible:
            rewrite_line("")
            self.visible = False
