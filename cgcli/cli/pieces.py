"""Pieces of a table, run on several cores at a time and written in the order of the table."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from cgcli.cli.output import write_stderr
from cgcli.data.chunks import Chunk
from cgcli.data.sinks import Sink
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.rows import Rows
from cgcli.render.escape import show
from cgcli.system import cores

MOST = 8  # pieces in memory at a time


class Piece(NamedTuple):
    """Rows on their way. kept: which of the chunk's rows they are."""

    columns: Mapping[str, Any]
    chunk: Chunk
    kept: Sequence[int]
    found: Future[dict[str, Any]] | None


class Pieces:
    """Runs pieces and writes what they give; arrays are computed without Python's lock, so threads suffice.

    What is in a piece never depends on how many cores there are.
    """

    def __init__(self, rows: Rows, out: Sink) -> None:
        self.rows, self.out = rows, out
        self.cores = min(cores(), MOST) if rows.parallel else 1
        self.pool = ThreadPoolExecutor(self.cores)
        self.waiting: deque[Piece] = deque()
        self.begun = False

    def __enter__(self) -> Pieces:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def run(self, columns: Mapping[str, Any], chunk: Chunk, kept: Sequence[int]) -> None:
        """Takes a piece. Raises CgError for this one or one before it; those in front of that are then written."""
        found = None
        if self.begun and self.cores > 1:  # what the first one prepares serves all
            found = self.pool.submit(self.rows.run, columns, len(kept))
        self.waiting.append(Piece(columns, chunk, kept, found))
        self.begun = True
        while self.waiting and (self.waiting[0].found is None or len(self.waiting) > self.cores):
            self._write()

    def end(self) -> None:
        """Writes what is still under way."""
        while self.waiting:
            self._write()

    def _write(self) -> None:
        piece = self.waiting.popleft()
        try:
            found = self.rows.run(piece.columns, len(piece.kept)) if piece.found is None else piece.found.result()
        except CgError:
            self._first_that_fails(piece)
            raise  # not one row alone, then
        self.out.write(found)

    def _first_that_fails(self, piece: Piece) -> None:
        """Says which row of a piece is the first that fails, and raises what it raises alone."""
        low, high = 0, len(piece.kept)  # the first `low` rows are good, the first `high` are not
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self.rows.run({name: x[:middle] for name, x in piece.columns.items()}, middle)
                low = middle
            except CgError:
                high = middle
        path, line = piece.chunk.places[piece.kept[low]]
        write_stderr(f"{show(f'note: the run fails at line {line} of `{path}`')}\n")  # a part of the error that follows
        try:
            self.rows.run({name: x[low:high] for name, x in piece.columns.items()}, 1)
        except CgError as e:  # which would say that it is row 0 of a batch of one
            told = (replace(d, values={k: x for k, x in d.values.items() if k != "row"}) for d in e.diagnostics)
            raise CgError(*told, status=e.status) from None
