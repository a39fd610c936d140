"""Runs of machine code: in parts over threads, ended by an interrupt.

The steps of `chunk` loops are cut into parts that threads take one after the other from one iterator. A step's bits do
not depend on the part it lies in, so results are the same for any number of threads, and so is the status: where
several parts stop, that of the first one counts.

Python handles an interrupt in the main thread alone, and only between its own instructions. So what may take long runs
in other threads while the main thread waits; on an interrupt it sets the stop flag and waits for them to end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cgcli.system import cores

from .compile import LAST, CompiledNest, StopFlag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Run = Callable[[int, int, StopFlag], int]

SHORT = 10**6
"""How many statements run without further threads: milliseconds."""
SHORT_ALONE = 5 * 10**7
"""The same of a nest in one part, which a thread only ends sooner when it is interrupted."""
ALIGNED = 64
"""Parts are so many steps or multiples of it, so that few lanes are masked."""


def run_chunks(
    code: CompiledNest,
    arrays: Mapping[str, NDArray[Any]],
    sizes: Mapping[str, int],
    count: int | None = None,
    threads: int | None = None,
    stop: StopFlag | None = None,
) -> int:
    """Runs a nest on arrays, by `run_parts`; 0, or the status of what stopped it. Raises ValueError as
    `CompiledNest.bind`."""
    return run_parts(code.bind(arrays, sizes), code.work(sizes), count, stop or StopFlag(), threads)


def run_parts(
    run: Run,
    work: int,
    count: int | None,
    stop: StopFlag,
    threads: int | None = None,
    on_wait: Callable[[], Callable[[], None]] = lambda: lambda: None,
) -> int:
    """Runs machine code that is bound to arrays; 0, or the status of what stopped it.

    work: about how many statements it runs. count: the steps of its `chunk` loops, which begin at 0; None runs them in
    one part. threads: at most how many, by default as many as the process has cores. stop: ends the run from another
    thread. on_wait: makes a callback of the main thread, called about ten times a second while it waits for a long
    run. Raises KeyboardInterrupt for an interrupt, within a second of it.
    """
    if work <= (SHORT if count is not None else SHORT_ALONE):
        return run(0, LAST, stop)
    many = 1 if count is None else min(threads or cores(), -(-count // ALIGNED))
    if many <= 1 and threading.current_thread() is not threading.main_thread():
        return run(0, LAST, stop)
    return _Workers(run, parts(count, many), stop, on_wait()).finish(max(1, many))


def parts(count: int | None, threads: int) -> Iterator[tuple[int, int]]:
    """Where the parts of a loop begin and end, several a thread."""
    if count is None or threads <= 1:
        return iter([(0, LAST)])
    size = max(ALIGNED, -(-count // (8 * threads * ALIGNED)) * ALIGNED)
    return ((begin, min(count, begin + size)) for begin in range(0, count, size))


class _Workers:
    """Threads that take parts until there is none or one has stopped."""

    def __init__(
        self, run: Run, parts_: Iterator[tuple[int, int]], stop: StopFlag, on_wait: Callable[[], None]
    ) -> None:
        self._run, self._parts, self._stop, self._on_wait = run, parts_, stop, on_wait
        self._lock = threading.Lock()
        self._stopped: list[tuple[int, int]] = []  # where parts began that stopped, and their status
        self._errors: list[BaseException] = []

    def finish(self, threads: int) -> int:
        """Runs all parts; the status of the first one that stopped, else 0."""
        # an interrupt of `Thread.join` takes the thread for ended
        ends = [threading.Event() for _ in range(threads)]
        workers = [threading.Thread(target=self._work, args=[end], daemon=True) for end in ends]
        try:
            for worker in workers:
                worker.start()
            for end in ends:
                while not end.wait(0.1):  # some systems end no wait without a limit for an interrupt
                    self._on_wait()
        except BaseException:
            self._stop.set()
            for worker, end in zip(workers, ends, strict=True):
                while worker.ident is not None and not end.wait(0.1):
                    pass
            raise
        if self._errors:
            raise self._errors[0]
        return min(self._stopped)[1] if self._stopped else 0

    def _work(self, end: threading.Event) -> None:
        try:
            while (part := self._next()) is not None:
                status = self._run(*part, self._stop)
                if status:
                    with self._lock:
                        self._stopped.append((part[0], status))
        except BaseException as error:  # it is raised again in the thread that waits
            self._errors.append(error)
        finally:
            end.set()

    def _next(self) -> tuple[int, int] | None:
        """The next part. All parts in front of one that has stopped are taken by then, and run to their end."""
        with self._lock:
            return None if self._stopped or self._errors else next(self._parts, None)
