"""The path of a training through two parameters that are numbers, from its metrics file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from cgcli.data.reading import open_file, reading
from cgcli.diagnostics.diagnostic import error

LONGEST_LINE = 2**26  # bytes
MOST = 2000  # points: of more every second is left out, or more of them


def training_path(file: str, names: Sequence[str]) -> list[tuple[float, ...]]:
    """The values of parameters before each step of a training, and those after the last one.

    Raises CgError (status 1) for a file that cannot be read or does not hold them.
    """
    points: list[tuple[float, ...]] = []
    last: tuple[float, ...] = ()
    with reading(file):
        for record in _records(file):
            params = record.get("params")
            if isinstance(params, dict) and all(isinstance(params.get(name), dict) for name in names):
                changes = [params[name] for name in names]
                points.append(tuple(float(change["value"]) for change in changes))
                last = tuple(float(change["value"]) + float(change["update"]) for change in changes)
    points = [point for point in (*points, last) if point and all(map(math.isfinite, point))]
    if not points:
        raise error("no-path-in-metrics", status=1, file=file, names=list(names))
    stride = -(-len(points) // MOST)
    return [*points[:-1:stride], points[-1]]


def _records(file: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON Lines; a last line that is still being written is left out."""
    with open_file(file) as lines:
        while (line := lines.readline(LONGEST_LINE)).endswith(b"\n"):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record
