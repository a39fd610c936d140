"""Results as CSV (RFC 4180): a row of names, a row of values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from cgcli.diagnostics.escape import show

from .numbers import shortest
from .tensors import is_tensor, write


def dump(
    header: Sequence[str], rows: Sequence[Sequence[Any]], precision: int | None = None, *, full: bool = False
) -> str:
    """The rows under their header, without the last line end. Floats keep their `.0`; texts are escaped.

    A tensor in a cell is a literal or a summary, as elsewhere. full: always a literal.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([show(name) for name in header])
    for row in rows:
        writer.writerow([_cell(x, precision, full) for x in row])
    return out.getvalue().removesuffix("\n")


def _cell(x: Any, precision: int | None, full: bool) -> str:
    if is_tensor(x):
        return write(x, precision, full=full, whole=False)
    return show(x) if isinstance(x, str) else shortest(x, precision, whole=False)
