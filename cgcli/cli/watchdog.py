"""Ends the process when a signal is not handled in time.

Python runs its signal handlers in the main thread, between two instructions; within one call into a library, such as a
product of large matrices, that may take minutes. A thread reads each signal from the wakeup descriptor, gives the main
thread a moment to end in its own way, and then removes temporary files and leaves.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cgcli.cli.output import notice, print_diagnostics
from cgcli.diagnostics.diagnostic import Diagnostic
from cgcli.system import alarm_signal, ending_signals, wakeup_descriptor

GRACE = 0.7  # seconds that the main thread has
FAILED, INTERRUPTED = 1, 130
_ALARM = alarm_signal()
_ENDING = {*ending_signals(), _ALARM}


class _State:
    """owns_process: whether the process is cg's own, so that it may be ended. reported: whether the end has been
    reported already.

    graceful_stops: how many signals only request a stop. seconds: of `--timeout`.
    """

    owns_process = False
    reported = False
    graceful_stops = 0
    seconds: float | None = None


state = _State()


def watch() -> None:
    """From here on signals end the process in time, where it is cg's own. Called in the main thread."""
    if not state.owns_process:
        return
    descriptor = wakeup_descriptor()
    if descriptor is not None:
        threading.Thread(target=_wait, args=(descriptor,), name="watchdog", daemon=True).start()


def unwatch() -> None:
    """From here on signals are left to their handlers alone, as in a debugger that goes on after them."""
    if state.owns_process:
        signal.set_wakeup_fd(-1)


@contextmanager
def graceful_stop() -> Iterator[None]:
    """Within, the first signal only requests a stop, so that the state can be saved."""
    state.graceful_stops = 1
    try:
        yield
    finally:
        state.graceful_stops = 0


def _wait(descriptor: int) -> None:
    while True:
        [number] = os.read(descriptor, 1)
        if number not in _ENDING:
            continue
        if state.graceful_stops > 0 and number != _ALARM:
            state.graceful_stops -= 1
            continue
        time.sleep(GRACE)
        _leave(number)


def _leave(number: int) -> None:
    from cgcli.files.writing import remove_temporary_files

    remove_temporary_files()
    timed_out = number == _ALARM
    if not state.reported and timed_out:
        print_diagnostics([Diagnostic("timed-out", values={"seconds": state.seconds})])
    elif not state.reported:
        notice("interrupted")
    _flush()
    os._exit(FAILED if timed_out else INTERRUPTED)


def _flush() -> None:
    """Flushes standard output, but does not wait for its reader: the main thread may hold its lock."""

    def flush() -> None:
        with suppress(OSError, ValueError):
            if sys.stdout is not None:
                sys.stdout.flush()

    helper = threading.Thread(target=flush, daemon=True)
    helper.start()
    helper.join(0.1)
