"""The loop form of every op against its evaluation on arrays: the same bits, or as near as sums and functions allow.

A nest run by the plain interpreter is compared with the reference. Functions are those of the array library on both
sides (`test_loop_functions` tries the definitions in the form), so double precision leaves no rounding to forgive.
Where the reference stops the run, the nest returns a status. It may also stop where a partial sum of ints leaves 64
bits and the whole sum does not: who runs it turns to the reference then.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from form_harness import EDGES, LITERALS, Run
from nest_harness import use_platform_functions

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op, TypeMismatch
from cgcli.ops.table import OPS, declare_all

declare_all()


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
