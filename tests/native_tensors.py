"""Graphs as machine code, compared with the reference."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.run.native.choice import compiler_installed
from cgcli.run.native.executor import NativeGraph

native = pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite")


class Stopped(Exception):
    """Machine code has turned to the plan for arrays."""


def _stopped() -> Any:
    raise Stopped


def machine_code(graph: Graph) -> NativeGraph:
    """A graph that raises Stopped where machine code does not do."""
    return NativeGraph(graph, _stopped)


def outputs_of(graph: Graph, values: Sequence[Any]) -> list[Any]:
    return [values[i] for i in graph.outputs]


def differs(graph: Graph, run: NativeGraph, xs: Sequence[Any], sizes: Mapping[str, int], ulps: float = 64) -> str:
    """How machine code differs from the reference, "" where it does not.

    ulps: by how many units in the last place of its largest element an output of floats may differ. It has to stop
    where the reference does.
    """
    try:
        wanted: Any = outputs_of(graph, ArrayExecutor(graph).forward(xs, sizes))
    except CgError as error:
        wanted = error
    try:
        found: Any = run(xs, sizes)
    except Stopped:
        return "" if isinstance(wanted, CgError) else f"stops; the reference gives {wanted}"
    if isinstance(wanted, CgError):
        return f"gives {found}; the reference stops: {wanted}"
    for n, (x, y) in enumerate(zip(wanted, found, strict=True)):
        if not _near(np.asarray(x), np.asarray(y), ulps):
            return f"output {n}: {y!r}, not {x!r}"
    return ""


def _near(x: Any, y: Any, ulps: float) -> bool:
    if x.shape != y.shape:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    finite = np.isfinite(x)
    if not np.array_equal(finite, np.isfinite(y)) or not np.array_equal(x[~finite], y[~finite], equal_nan=True):
        return False
    largest = np.max(np.abs(x[finite]), initial=0)
    unit = np.spacing(np.asarray(largest, np.float32 if np.float32 in (x.dtype, y.dtype) else float))
    return bool(np.all(np.abs(x[finite] - y[finite]) <= ulps * float(unit)))
