"""The chunks of a table, run in a pool of threads and written in the order of the table."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.data.chunks import Chunk
from cgcli.data.sinks import Sink
from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.system import cores

from .labels import words_of
from .rows import OF_NO_ROW, Rows

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MOST_CHUNKS = 8  # in memory at a time


class RowChunk(NamedTuple):
    """Rows in the queue. indices: which of the chunk's rows. carried: columns of the result besides those of the run.
    results: None for rows that are run when written.
    """

    columns: Mapping[str, Any]
    chunk: Chunk
    indices: Sequence[int]
    carried: Mapping[str, Any]
    results: Future[dict[str, Any]] | None


class RowWorkers:
    """A pool of threads that runs chunks and writes their results; NumPy releases the interpreter lock.

    The rows of a chunk do not depend on the number of cores. words: by output the words that are written for its
    numbers.
    """

    def __init__(self, rows: Rows, out: Sink, words: Mapping[str, Sequence[str]]) -> None:
        self.rows, self.out, self.words = rows, out, words
        self.cores = min(cores(), MOST_CHUNKS) if rows.parallel else 1
        self.queue: deque[RowChunk] = deque()
        self.started = False

    def __enter__(self) -> RowWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        if "pool" in vars(self):
            self.pool.shutdown(cancel_futures=True)

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads, from the second chunk on."""
        from concurrent.futures import ThreadPoolExecutor  # a table of one chunk does without

        return ThreadPoolExecutor(self.cores)

    def submit(
        self, columns: Mapping[str, Any], chunk: Chunk, indices: Sequence[int], carried: Mapping[str, Any]
    ) -> None:
        """Queues a chunk. Raises CgError of this or an earlier one, once those before the failing one are written."""
        results = None
        if self.started and self.cores > 1:  # the first one prepares the run of all
            results = self.pool.submit(self.rows.run, columns, len(indices))
        self.queue.append(RowChunk(columns, chunk, indices, carried, results))
        self.started = True
        while self.queue and (self.queue[0].results is None or len(self.queue) > self.cores):
            self._write()

    def finish(self) -> None:
        """Writes the chunks that are still in the queue."""
        while self.queue:
            self._write()

    def _write(self) -> None:
        item = self.queue.popleft()
        try:
            results = self.rows.run(item.columns, len(item.indices)) if item.results is None else item.results.result()
        except CgError as e:
            if e.diagnostics[0].code not in OF_NO_ROW:
                self._raise_first_failure(item)
            raise  # no single row fails
        labelled = {name: words_of(results[name], words, name) for name, words in self.words.items()}
        self.out.write({**item.carried, **results, **labelled})

    def _raise_first_failure(self, item: RowChunk) -> None:
        """Finds the first row of a chunk that fails by bisection, and raises the error that it raises alone."""
        low, high = 0, len(item.indices)  # the first `low` rows succeed, the first `high` do not
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self.rows.run({name: x[:middle] for name, x in item.columns.items()}, middle)
                low = middle
            except CgError:
                high = middle
        path, line = item.chunk.locations[item.indices[low]]
        location = Diagnostic("row-fails", values={"file": path, "line": line}, severity="note")
        try:
            self.rows.run({name: x[low:high] for name, x in item.columns.items()}, 1)
        except CgError as e:  # without its row number, which is 0 in a batch of one
            rowless = (replace(d, values={k: x for k, x in d.values.items() if k != "row"}) for d in e.diagnostics)
            raise CgError(location, *rowless, status=e.status) from None
