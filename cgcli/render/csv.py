"""Results as CSV (RFC 4180): a row of names, a row of values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from .escape import show
from .numbers import shortest


def dump(header: Sequence[str], rows: Sequence[Sequence[Any]], precision: int | None = None) -> str:
    """The rows under their header, without the last line end. Floats keep their `.0`; texts are escaped."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([show(name) for name in header])
    for row in rows:
        writer.writerow([show(x) if isinstance(x, str) else shortest(x, precision, whole=False) for x in row])
    return out.getvalue().removesuffix("\n")
