"""Graphs run as loop nests by the plain interpreter, and by the reference, to compare both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import evaluate
from cgcli.graph.types import Type
from cgcli.loop_nests import interpreter
from cgcli.loop_nests.extents import shapes
from cgcli.loop_nests.form import Call, LoopNest
from cgcli.loop_nests.interpreter import DTYPES, interpret
from cgcli.loop_nests.lower import lower
from cgcli.loop_nests.primitives import PRIMITIVES
from cgcli.loop_nests.readers import node_of
from cgcli.loop_nests.validity import check
from cgcli.ops.array_kernels import XP, type_kernel
from cgcli.ops.sizes import bind_sizes
from cgcli.ops.table import BY_CODE
from cgcli.run.numpy.reference import array_interpreter


def use_platform_functions(patch: Any) -> None:
    """Lets the interpreter compute functions as the reference does, so that all bits have to agree."""
    compute = interpreter._Run.compute

    def by_platform(run: Any, name: str, numbers: Sequence[Any], of: str, to: str, node: int) -> Any:
        if PRIMITIVES[name].compute is not None:
            return compute(run, name, numbers, of, to, node)
        return float(getattr(XP, name)(*(DTYPES[to](x) for x in numbers)))

    patch.setattr(interpreter._Run, "compute", by_platform)


def run_nest(
    graph: Graph, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None, nest: LoopNest | None = None
) -> tuple[int, list[Any]]:
    """The status, and the outputs where it is 0."""
    nest = nest or lower(graph)
    check(nest)
    env = dict(bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes)
    numbers = {name: env[name] for name in nest.sizes}
    arrays: dict[str, Any] = {}
    for n, x in enumerate(inputs):
        arrays[f"x{n}"] = np.array(x, DTYPES[nest.buffers[f"x{n}"].type])
    for name, shape in shapes(nest, numbers).items():
        if name not in arrays:
            arrays[name] = unwritten([max(0, n) for n in shape], nest.buffers[name].type)

    def routine(call: Call, operands: Sequence[Any], results: Sequence[Any], _: Sequence[int]) -> None:
        inner, i = node_of(graph, call.node)
        op, t = BY_CODE[inner.op[i]], inner.type_of(i)
        types = [inner.type_of(x) for x in inner.operands(i)]
        assert isinstance(t, Type)
        attrs = {k: _evaluated(v, env) if k in op.sized else v for k, v in inner.attrs.get(i, {}).items()}
        values = [
            x.item() if isinstance(kind, Type) and kind.weak and not kind.shape else x.copy()
            for x, kind in zip(operands, types, strict=True)
        ]
        (result,) = results
        result[...] = type_kernel(op, types, t)(attrs, values)

    status = interpret(nest, arrays, numbers, routine)
    return status, [arrays[f"y{n}"] for n in range(len(graph.outputs))]


def unwritten(shape: Sequence[int], type_: str) -> Any:
    """Memory that shows when it is read before it is written."""
    return np.full(shape, {"f64": 1.5e300, "f32": 1.5e30, "bool": True}.get(type_, 2**30 + 7), DTYPES[type_])


def _evaluated(value: Any, env: Mapping[str, int]) -> Any:
    return tuple(_evaluated(x, env) for x in value) if isinstance(value, tuple) else evaluate(value, env)


def compared(
    graph: Graph, inputs: Sequence[Any], sizes: Mapping[str, int] | None, nest: LoopNest | None, reference: Any
) -> str | list[tuple[Any, Any]]:
    """The outputs of the reference, each beside that of the nest; or how they differ in whether and in what shape.

    A nest has to stop where the reference does, with any status; then there are no pairs.
    """
    try:
        expected: Any = reference(inputs, sizes)
    except (CgError, UnknownSize) as error:
        expected = error
    status, outputs = run_nest(graph, inputs, sizes, nest)
    if isinstance(expected, Exception):
        return [] if status else f"the reference stops, {expected}, and the nest gives {outputs}"
    if status:
        inner, node = node_of(graph, status // 16)
        return f"stops with code {status % 16} at {BY_CODE[inner.op[node]].name}; the reference gives {expected}"
    pairs = [(np.asarray(x, y.dtype), y) for x, y in zip(expected, outputs, strict=True)]
    wrong = [f"output {n}: shape {y.shape}, not {x.shape}" for n, (x, y) in enumerate(pairs) if x.shape != y.shape]
    return wrong[0] if wrong else pairs


def differences(
    graph: Graph,
    inputs: Sequence[Any],
    ulps: float = 0,
    sizes: Mapping[str, int] | None = None,
    nest: LoopNest | None = None,
    noise: float = 0.0,
) -> str:
    """How the nest of a graph differs from the reference, "" where it does not.

    ulps: by how many units in the last place of its largest element an output of floats may differ; noise: by how
    much, where all that is left is what cancels.
    """
    pairs = compared(graph, inputs, sizes, nest, array_interpreter(graph))
    if isinstance(pairs, str):
        return pairs
    for n, (x, y) in enumerate(pairs):
        if not _equal(x, y, ulps, noise):
            return f"output {n}: {y!r}, not {x!r}"
    return ""


def _equal(x: Any, y: Any, ulps: float, noise: float) -> bool:
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    if np.array_equal(x, y, equal_nan=True):
        return True
    finite = np.isfinite(x)
    if not ulps or not np.array_equal(finite, np.isfinite(y)) or not np.array_equal(x[~finite], y[~finite], True):
        return False
    largest = float(np.max(np.abs(x[finite]), initial=0.0))
    unit = math.ulp(largest) if x.dtype == np.float64 else float(np.spacing(np.float32(largest)))
    return bool(np.all(np.abs(x[finite].astype(float) - y[finite]) <= max(noise, ulps * unit)))
