"""Results as CSV (RFC 4180): a row of names, a row of values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from cgcli.diagnostics.escape import show

from .numbers import shortest
from .tensors import is_tensor, write

PIECE = 1000  # rows


def dump(
    header: Sequence[str], rows: Sequence[Sequence[Any]], precision: int | None = None, *, full: bool = False
) -> str:
    """The rows under their header, without the last line end. Floats keep their `.0`; texts are escaped.

    A tensor in a cell is a literal or a summary, as elsewhere. full: always a literal.
    """
    return "\n".join(pieces(header, rows, precision, full=full))


def pieces(
    header: Sequence[str], rows: Iterable[Sequence[Any]], precision: int | None = None, *, full: bool = False
) -> Iterator[str]:
    """The lines, `PIECE` rows at a time, each piece without its last line end; see `dump`."""
    source = iter(rows)
    first: Sequence[Sequence[Any]] = [[show(name) for name in header]]
    while piece := [*first, *([_cell(x, precision, full) for x in row] for row in islice(source, PIECE))]:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(piece)
        yield out.getvalue().removesuffix("\n")
        first = ()


def _cell(x: Any, precision: int | None, full: bool) -> str:
    if is_tensor(x):
        return write(x, precision, full=full, whole=False)
    return show(x) if isinstance(x, str) else shortest(x, precision, whole=False)
