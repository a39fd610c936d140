"""A process that runs some of the trainings of a sweep. It ends with the process that started it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from .sweep_blocks import Block, Span


class Trainings(Protocol):
    """What runs the trainings."""

    def block(self, span: Span, /) -> Block:
        """The end of a training, or its error."""


_trainings: list[Trainings] = []


def start(trainings: Trainings, broken_off: Event) -> None:
    """Prepares the process. broken_off: set when its results are no longer wanted.

    Ctrl-C, which the terminal sends to all processes, is left to the one that waits.
    """
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    for ends in (broken_off.wait, *(() if parent is None else (parent.join,))):
        threading.Thread(target=_leave_after, args=(ends,), daemon=True).start()
    _trainings.append(trainings)


def _leave_after(ends: Callable[[], object]) -> None:
    """Ends the process, whatever it computes, when a call returns."""
    ends()
    os._exit(1)


def train(span: Span) -> Block:
    """The training of one point."""
    return _trainings[0].block(span)
