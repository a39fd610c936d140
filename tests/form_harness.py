"""Loop forms compared with the reference: values at the edges of their types, and how near a nest has to come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from nest_harness import compared

from cgcli.graph.graph import Graph
from cgcli.loop_nests.lower import lower
from cgcli.run.numpy.reference import array_interpreter

INF, NAN = math.inf, math.nan
FLOATS = [0.0, -0.0, 1.0, -1.5, 2.5, INF, -INF, NAN, 5e-324, 1.7e308, -7.25, 1 / 3, 2.0**63, -1e-310]
EDGES: dict[str, list[Any]] = {
    "float": FLOATS,
    "f32": [0.0, -0.0, 1.0, -1.5, 2.5, INF, -INF, NAN, 2.0**-149, 3e38, -7.25, 0.1, 2.0**31, -1e-39],
    "int": [0, 1, -1, 2, 3, -7, 2**53 + 1, 2**63 - 1, -(2**63), 2**62, 3037000500],
    "i32": [0, 1, -1, 2, 3, -7, 2**31 - 1, -(2**31), 46341],
    "bool": [False, True],
}
LITERALS: dict[str, list[Any]] = {"literal float": [0.0, -0.0, 2.5, NAN, 1e300], "literal int": [0, 1, -3, 2**40]}
ORDINARY: dict[str, list[Any]] = {
    "float": [1.0, -2.5, 0.25, 3.0, -0.5, 1.25, 2.0],
    "f32": [1.0, -2.5, 0.25, 3.0, -0.5, 1.25, 2.0],
    "int": [3, -1, 4, 1, -5, 2],
    "i32": [3, -1, 4, 1, -5, 2],
    "bool": [True, False, False, True, True],
}


class Run:
    """A graph run both ways, again and again."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.nest, self.reference = graph, lower(graph), array_interpreter(graph)

    def differ(self, inputs: Sequence[Any], sizes: Mapping[str, int], ulps: float = 0, zeros: bool = False) -> str:
        """How the nest differs from the reference, "" where it does not.

        ulps: by how much a float may differ, in units in the last place of its magnitude (or of the output's largest,
        where an output holds sums). zeros: whether a zero may have either sign.
        """
        pairs = compared(self.graph, inputs, sizes, self.nest, self.reference)
        if isinstance(pairs, str):
            return pairs
        for x, y in pairs:
            wrong = np.argwhere(~near(x, y, ulps, zeros))
            if len(wrong):
                at = tuple(map(int, wrong[0]))
                of = [z[at[-z.ndim :]] if z.ndim else z for z in map(np.asarray, inputs)] if x.ndim == 1 else ""
                return f"{y[at]!r} at {at}, not {x[at]!r} {of}"
        return ""


def near(x: Any, y: Any, ulps: float, zeros: bool) -> Any:
    """Where two arrays agree: the same bits, or floats that differ by so many units in the last place."""
    if x.dtype.kind != "f":
        return x == y
    same = (x == y) & (zeros | (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y))
    if not ulps:
        return same
    finite = np.isfinite(x) & np.isfinite(y)
    a, b = np.where(finite, x, 0), np.where(finite, y, 0)
    return same | finite & (np.abs(a - b) <= ulps * np.spacing(np.maximum(np.abs(a), np.finfo(x.dtype).tiny)))
