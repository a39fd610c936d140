"""The loop form of every op against its evaluation on arrays: the same bits, or as near as sums and functions allow.

A nest run by the plain interpreter is compared with the reference. Functions are those of the array library on both
sides (`test_loop_functions` tries the definitions in the form), so double precision leaves no rounding to forgive.
Where the reference stops the run, the nest returns a status. It may also stop where a partial sum of ints leaves 64
bits and the whole sum does not: who runs it turns to the reference then.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from nest_harness import run_nest, use_platform_functions

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.lower import lower
from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.loop_nests.readers import node_of
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op, TypeMismatch
from cgcli.ops.table import BY_CODE, OPS, declare_all
from cgcli.run.numpy.reference import array_interpreter

declare_all()
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
        try:
            expected: Any = self.reference(inputs, sizes)
        except CgError as error:
            expected = error.diagnostics[0].code
        status, outputs = run_nest(self.graph, inputs, sizes, self.nest)
        if isinstance(expected, str):
            return "" if status else f"the reference stops, {expected}, and the nest gives {outputs}"
        if status:
            inner, i = node_of(self.graph, status // 16)
            return f"code {status % 16} at {BY_CODE[inner.op[i]].name}; the reference gives {expected}"
        for x, y in zip(expected, outputs, strict=True):
            x = np.asarray(x, y.dtype)  # noqa: PLW2901
            if x.shape != y.shape:
                return f"the shape {y.shape}, not {x.shape}"
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


# ---- elementwise ops: each pair of edges in each pair of types


def elementwise() -> list[Any]:
    return [
        pytest.param(op, at, id="-".join([op.name, *map(str, at.values())]))
        for op in OPS.values()
        if op.is_elementwise and op.loops is None and op.examples.operands and op.name != "assert"
        for at in ATTRS.get(op.name, [op.examples.attrs])
    ]


ATTRS: dict[str, list[Mapping[str, Any]]] = {
    "cast": [{"dtype": t} for t in DTYPES if t != "bool"],
    "fixed_power": [{"exponent": n} for n in (0, 1, 2, 3, 5, -1, 0.5, -0.5, 2.0, 1.5)],
    "multipole": [{"m": m, "part": part} for m in (1, 2, 3) for part in ("re", "im")],
    "power_partial": [{"by_base": j, "by_exponent": k} for j, k in ((0, 1), (1, 0), (1, 1), (2, 1), (0, 2))],
}
FUNCTION_ULPS = 4
COMPOSED_ULPS = 16  # of several functions, in single precision


def tolerance(op: Op, graph: Graph) -> int:
    """Units in the last place: the library computes a function of single precision in another way than of double."""
    if op.effects.prescribed is True:
        return 0
    single = any(isinstance(t, Type) and t.dtype == "f32" for t in map(graph.type_of, range(len(graph))))
    return COMPOSED_ULPS if single and op.name not in FUNCTIONS else FUNCTION_ULPS


def type_lists(count: int) -> list[tuple[str, ...]]:
    """The types of operands that are tried: all of one and of two, of three those that a bool chooses from."""
    every = [*EDGES, *LITERALS]
    if count < 3:
        return list(itertools.product(every, repeat=count))
    return [("bool", *pair) for pair in itertools.product(every, repeat=2)]


@pytest.mark.parametrize(("op", "at"), elementwise())
def test_elementwise_ops_at_the_edges(op: Op, at: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)
    tried = 0
    for kinds in type_lists(min(3, len(op.examples.operands[0]))):
        typed = [t for t in kinds if t in EDGES]
        for literals in itertools.product(*(LITERALS[t] for t in kinds if t not in EDGES)):
            tried += tries(op, at, kinds, typed, iter(literals))
    assert tried


def tries(op: Op, at: Mapping[str, Any], kinds: Sequence[str], typed: Sequence[str], literals: Iterator[Any]) -> int:
    """Compares all combinations of the edges of the typed operands; how many. None for types that the op refuses."""
    chosen = [x if len(typed) < 2 else x[:9] for x in (EDGES[t] for t in typed)]
    rows = list(itertools.product(*chosen)) if typed else []
    if not rows:
        return 0
    for shape in [()] if stops(op, at, kinds) else [(len(rows),)]:
        b = Builder()
        operands = [b.input(Type(t, shape)) if t in EDGES else b.const(next(literals)) for t in kinds]
        try:
            graph = b.done(b.apply(op.name, *operands, **at))
        except TypeMismatch:
            return 0
        run = Run(graph)
        for inputs in rows if shape == () else [list(zip(*rows, strict=True))]:
            arrays = [np.array(x, DTYPES[t]) for x, t in zip(inputs, typed, strict=True)]
            problem = run.differ(arrays, {}, tolerance(op, graph), op.effects.zero_of_either_sign)
            assert not problem, f"{kinds}: {problem}"
    return len(rows)


def stops(op: Op, at: Mapping[str, Any], kinds: Sequence[str]) -> bool:
    """Whether a single operand can stop the run, so that each is tried by itself."""
    whole = all(t in ("int", "i32", "bool", "literal int") for t in kinds) or op.name == "cast"
    return whole and (op.effects.may_fail or op.effects.may_overflow or op.name in ("cast", "fixed_power"))
