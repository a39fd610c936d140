"""The signals that end a run: each raises an exception in the main thread, so that half-written files are removed.

Python runs its signal handlers in the main thread, between two instructions; within one call into a library, such as a
product of large matrices, that may take minutes. So a watchdog, a thread, reads each signal from the wakeup descriptor,
gives the main thread a moment to end in its own way, and then removes temporary files and leaves.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from cgcli import system
from cgcli.cli.output import notice, print_diagnostics
from cgcli.diagnostics.diagnostic import Diagnostic

INTERRUPTED = 130  # the exit status of an interrupted process, as shells have it
GRACE = 0.7  # seconds that the main thread has
FAILED = 1
_ALARM = system.alarm_signal()
_ENDING = {*system.ending_signals(), _ALARM}


def ending_signals() -> list[signal.Signals]:
    """SIGINT, SIGTERM and, where it exists, SIGHUP, without those that were ignored at the start (`nohup`)."""
    return [number for number in system.ending_signals() if signal.getsignal(number) is not signal.SIG_IGN]


def end_by_signals() -> None:
    """From now on SIGTERM and SIGHUP raise SystemExit; SIGINT raises KeyboardInterrupt, Python's default."""
    for number in ending_signals():
        if number != signal.SIGINT:
            signal.signal(number, _end)
    sys.unraisablehook = _send_again


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(INTERRUPTED)


def _send_again(dropped: sys.UnraisableHookArgs) -> None:
    """The hook for exceptions that Python drops, in destructors and callbacks: sends a signal that was lost again."""
    if not issubclass(dropped.exc_type, (KeyboardInterrupt, SystemExit)):
        sys.__unraisablehook__(dropped)
        return
    numbers = ending_signals()
    with suppress(RuntimeError):  # no new thread: the interpreter ends
        _thread.start_new_thread(_send, (numbers[0 if issubclass(dropped.exc_type, KeyboardInterrupt) else -1],))


def _send(number: signal.Signals) -> None:
    time.sleep(0.01)  # the callback is over by then; if not, the signal is sent once more
    system.send_to_main_thread(number)


# ---- the watchdog


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
    descriptor = system.wakeup_descriptor()
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
    _flush_results()
    os._exit(FAILED if timed_out else INTERRUPTED)


def _flush_results() -> None:
    """Flushes standard output, but does not wait for its reader: the main thread may hold its lock."""

    def flush() -> None:
        with suppress(OSError, ValueError):
            if sys.stdout is not None:
                sys.stdout.flush()

    helper = threading.Thread(target=flush, daemon=True)
    helper.start()
    helper.join(0.1)
