"""The signals that end a run: each raises an exception in the main thread, so that half-written files are removed."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from cgcli import system

INTERRUPTED = 130  # the exit status of an interrupted process, as shells have it


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
