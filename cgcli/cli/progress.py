"""What is told of a long run on standard error: to a person one line that changes, in a log a line now and then."""

from __future__ import annotations

import sys
import time

from cgcli.cli.output import is_terminal, notice, output_options, write_stderr

OFTEN, SELDOM = 0.5, 10.0  # seconds between two words: to a person, to a log


class StatusLine:
    """`due()` says when it is time for a word, with `--quiet` never; what is told is escaped by who tells it."""

    def __init__(self) -> None:
        self.person = is_terminal(sys.stderr)
        self.begun = self.last = time.monotonic()
        self.shown = False

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.begun

    def due(self) -> bool:
        now = time.monotonic()
        if output_options.quiet or now - self.last < (OFTEN if self.person else SELDOM):
            return False
        self.last = now
        return True

    def update(self, text: str) -> None:
        if not self.person:
            notice(text)
            return
        write_stderr(f"\r{text}\x1b[K")
        self.shown = True

    def end(self) -> None:
        """Leaves the line as if nothing had been there."""
        if self.shown:
            write_stderr("\r\x1b[K")
            self.shown = False
