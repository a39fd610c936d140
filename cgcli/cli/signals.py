"""The signals that end the work."""

from __future__ import annotations

import signal


def ending_signals() -> list[signal.Signals]:
    """SIGINT, SIGTERM and, where there is one, SIGHUP, without those that were ignored at the start (`nohup`)."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    numbers += [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
