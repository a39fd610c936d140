"""The loop form of every op on tensors against its evaluation on arrays, in shapes of numbers and of named sizes.

What moves elements gives the same bits. Sums and products of floats may be added up in another order: they differ by no
more than an ulp of the sum of magnitudes for each element. Where the reference stops the run, the nest returns a
status; it may also stop where a partial sum of ints leaves 64 bits and the whole sum does not.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from form_harness import EDGES, INF, NAN, Run
from nest_harness import use_platform_functions

from cgcli.graph.sizes import Shape, evaluate
from cgcli.graph.types import Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.op import OnStacks, TypeMismatch
from cgcli.ops.table import OPS, declare_all
from cgcli.ops.update import target_shape

declare_all()
Make = Callable[..., int]
SIZES = ({"n": 0, "m": 1}, {"n": 1, "m": 3}, {"n": 2, "m": 0}, {"n": 3, "m": 2}, {"n": 20, "m": 3})
ORDINARY = [3, -1, 4, 1, -5, 2, 6]


class Case(NamedTuple):
    """An op on operands of these shapes. kind: `moves` elements, `sums`, or `picks` one. indices: of each operand that
    holds indices, the size of their axis."""

    op: str
    make: Make
    shapes: tuple[Shape, ...]
    kind: str = "moves"
    indices: Mapping[int, Any] = {}


def of(op: str, *shapes: Shape, kind: str = "moves", **at: Any) -> Case:
    return Case(op, lambda b, *xs: b.apply(op, *xs, **at), shapes, kind)


def reductions() -> list[Case]:
    cases = []
    shapes: list[Shape] = [(3,), (1,), (0,), (20,), (2, 3), (3, 20), (20, 3), (0, 3), (2, 0), (5, 1), (2, 3, 2)]
    shapes += [("n",), (2, "n"), ("n", 3), ("n", "m"), ("n + 1", 2), ("max(0,n - 2)", "m")]
    for name in ("sum", "mean", "prod", "logsumexp", "norm", "amax", "amin", "any", "all", "argmax", "argmin"):
        kind = "sums" if name in ("sum", "mean", "prod", "logsumexp", "norm") else "picks"
        for shape in shapes:
            every = [(-1,), *([(-2,), (-1, -2)] if len(shape) > 1 else []), *([(-3, -1)] if len(shape) > 2 else [])]
            for axes in every:
                if len(axes) == 1 or not name.startswith("arg"):
                    keepdims = len(shape) % 2 == 0
                    cases.append(of(name, shape, kind=kind, axes=axes, keepdims=keepdims))
    return cases


def slices(op: str, axes: Sequence[tuple[Any, Any, int, Any]], lead: Shape = ()) -> Case:
    """axes: of each the size of the operand, the start, the step, and the size of the result."""
    sizes, starts, steps, results = zip(*axes, strict=True)
    return of(op, (*lead, *sizes), starts=starts, steps=steps, sizes=results)


def taken(shape: Shape, axis: int, many: Shape) -> Case:
    size = shape[axis]

    def make(b: Builder, x: int, i: int) -> int:
        return int(b.take(x, b.index(i, size=size), axis=axis))

    return Case("take", make, (shape, many), indices={1: size})


def target(op: str, shape: Shape, axes: Sequence[tuple[Any, int, Any] | None], many: Shape = ()) -> Case:
    """axes: of each of the last axes the start, the step and the size of a slice, or None for an index of `many`."""
    starts, steps, sizes = zip(*((0, 0, 1) if axis is None else axis for axis in axes), strict=True)
    at = {"starts": starts, "steps": steps, "sizes": sizes}
    indexed = [shape[k - len(axes)] for k, axis in enumerate(axes) if axis is None]
    arrays = [shape] if op == "elements" else [shape, target_shape(shape, many, at)]

    def make(b: Builder, *xs: int) -> int:
        indices = [b.index(i, size=n) for i, n in zip(xs[len(arrays) :], indexed, strict=True)]
        return int(b.apply(op, *xs[: len(arrays)], *indices, **at))

    kind = "sums" if op == "add_at" else "moves"
    return Case(op, make, (*arrays, *(many for _ in indexed)), kind, dict(enumerate(indexed, len(arrays))))


TARGETS: list[tuple[Any, ...]] = [
    ((4,), [None]),
    ((20,), [None], (3,)),
    ((3, 4), [None, None]),
    ((20, 3), [None, None], (2, 2)),
    ((2, 6), [None, (0, 1, 6)]),
    ((5, 6), [(3, -2, 2), (1, 1, 4)]),
    ((3, 2, 4), [None, (1, -1, 2), None], (3,)),
    (("n",), [None], ("m",)),
    (("n", "m"), [None, None]),
    ((2, "n", 3), [None, (0, 1, 3)], ("m",)),
    (("n + 1", "m", 2), [None, (0, 1, "m"), None]),
    ((2, 5), [None], (4,)),
]


CASES: list[Case] = [
    *reductions(),
    *(
        of("expand", x, shape=to)
        for x, to in [((), (2, 3)), ((1, 3), (2, 5, 3)), (("n", 1), ("n", 20)), ((3,), (0, 3))]
    ),
    *(of("expand", x, shape=to) for x, to in [((), ("n", "m")), (("m",), ("2*n + 1", "m")), ((1, 1), ("n", 3))]),
    *(
        of("reshape", x, shape=to)
        for x, to in [((2, 3), (3, 2)), ((2, 3), (6,)), ((), (1, 1)), ((1,), ()), ((0, 3), (5, 0))]
    ),
    *(
        of("reshape", x, shape=to)
        for x, to in [((24,), (2, 3, 4)), ((4, 6), (3, 8)), ((5, 1, 7), (5, 7)), ((4, 3, 2), (4, 6))]
    ),
    *(of("reshape", x, shape=to) for x, to in [(("n", 3), ("3*n",)), (("3*n",), ("n", 3)), (("n", 6), ("n", 2, 3))]),
    *(
        of("reshape", x, shape=to)
        for x, to in [(("n", "m"), ("m", "n")), (("n", 4), ("2*n", 2)), (("n",), ("m",)), ((6,), ("n", "m"))]
    ),
    *(
        of("match", x, shape=to)
        for x, to in [(("n",), ("m",)), (("n", "m"), ("n", "m")), (("n",), (3,)), ((1,), ("n",))]
    ),
    *(of("expand_dims", x, axes=axes) for x, axes in [((3,), (-1,)), ((2, 3), (-1, -3)), (("n",), (-2,)), ((), (-1,))]),
    *(
        of("squeeze", x, axes=axes)
        for x, axes in [((3, 1), (-1,)), ((1, 3, 1), (-1, -3)), ((1, "n"), (-2,)), ((1,), (-1,))]
    ),
    *(
        of("permute", x, axes=axes)
        for x, axes in [((2, 3, 4), (-1, -3, -2)), ((5, 2, 3), (-1, -2)), (("n", "m"), (-1, -2))]
    ),
    slices("slice", [(5, 1, 2, 2)]),
    slices("slice", [(5, 4, -1, 5)]),
    slices("slice", [(9, 7, -3, 3), (4, 0, 1, 0)]),
    slices("slice", [("n", 0, 1, "n")], (2,)),
    slices("slice", [("n + 2", "n + 1", -1, "n + 2")]),
    slices("slice", [("n", "n - 1", -1, "n")]),
    slices("slice", [("2*n", 0, 2, "n"), ("m", 0, 1, "m")]),
    slices("slice", [("n + 3", "n", 1, 3)]),
    slices("slice", [("n", 0, 1, "max(0,n - 3)")]),
    slices("pad", [(3, 2, 1, 6)]),
    slices("pad", [(3, 1, 2, 9), (2, 3, -2, 5)]),
    slices("pad", [(0, 1, 1, 3)]),
    slices("pad", [(20, 1, 2, 41)], (2,)),
    slices("pad", [("n", 2, 1, "n + 3")]),
    slices("pad", [("n", "n - 1", -1, "n")]),
    slices("pad", [("n", 1, 3, "3*n + 2"), ("m", 0, 1, "m")]),
    slices("pad", [("n", "m", 1, "n + m")], ("m",)),
    *(
        of("concat", *xs, axis=axis)
        for xs, axis in [(((2,), (3,), (1,)), -1), (((2, 3), (1, 3)), -2), (((0,), (2,)), -1)]
    ),
    *(of("concat", *xs, axis=axis) for xs, axis in [((("n",), ("m",)), -1), ((("n", 2), (3, 2), ("n", 2)), -2)]),
    of("concat", ("n", 20), ("n", "m"), ("n", 1), axis=-1),
    *(of("stack", *xs, axis=axis) for xs, axis in [(((), (), ()), -1), (((2, 3), (2, 3)), -2), ((("n",), ("n",)), -2)]),
    of("stack", (30,), (30,), (30,), axis=-1),
    *(of("size", size=n) for n in (3, "n", "2*n + 1", "max(0,n - 3)", "((n + 1)//2)")),
    *(of("arange", size=n) for n in (0, 3, 20, "n", "2*n + 1", "max(0,n - 3)")),
    *(
        Case("index", lambda b, i, n=n: b.index(i, size=n), (shape,), indices={0: n})
        for n, shape in [(3, (4,)), ("n", ("m",))]
    ),
    taken((4, 3), -1, (5,)),
    taken((4, 3), -2, ()),
    taken((20, 3), -2, (2, 3)),
    taken(("n",), -1, ("m",)),
    taken((2, "n", 3), -2, ("m", 2)),
    *(target(op, *given) for op in ("elements", "update", "add_at") for given in TARGETS),
    *(of("cumsum", x, kind="sums") for x in [(3,), (0,), (2, 20), ("n",), ("n", "m")]),
    *(
        of("matmul", *xs, kind="sums")
        for xs in [
            ((2, 3), (3, 2)),
            ((5, 4), (4, 4)),
            ((5, 4), (4, 20)),
            (("n", 5), (5, "m")),
            (("n", "m"), ("m", "n")),
            (("m", "n", 3), (3, 20)),
            ((2, "n", 5), (1, 5, 4)),
            ((20, 1), (1, 5)),
            (("n", 0), (0, "m")),
        ]
    ),
    *(
        of("einsum", *xs, kind="sums", pattern=pattern)
        for pattern, xs in [
            ("ij->", (("n", "m"),)),
            ("ij->j", (("n", 3),)),
            ("ij->ji", (("n", 3),)),
            ("i,i->", (("n",), ("n",))),
            ("i,ij,j->", ((3,), (3, "n"), ("n",))),
            ("ij,kj->ki", (("n", 5), ("m", 5))),
            ("bik,bkj->ijb", ((2, "n", 9), (2, 9, "m"))),
            ("ijk,kjl->il", (("n", 2, "m"), ("m", 2, 9))),
            ("bqhd,bkhd->bhqk", ((2, "n", 2, 5), (2, "m", 2, 5))),
            ("bi,bj->ijb", (("n", 2), ("n", 3))),
        ]
    ),
    of("windows", (7,), sizes=(3,), strides=(2,), dilations=(1,)),
    of("windows", (5, 6), sizes=(2, 2), strides=(2, 1), dilations=(1, 2)),
    of("windows", ("n", "m + 3"), sizes=(2,), strides=(1,), dilations=(2,)),
    of("fold_windows", (3, 3), sizes=(3,), strides=(2,), dilations=(1,), shape=(7,), kind="sums"),
    of("fold_windows", (2, 4, 2, 2), sizes=(2, 2), strides=(2, 1), dilations=(1, 1), shape=(4, 5), kind="sums"),
    of("fold_windows", ("n", "m + 2", 2), sizes=(2,), strides=(1,), dilations=(1,), shape=("m + 3",), kind="sums"),
]
NAMES = sorted({case.op for case in CASES})


def test_every_op_on_tensors_has_cases() -> None:
    """An op without is compared by its examples alone, which do for one that is a call of its kernel."""
    missing = [op.name for op in OPS.values() if op.loops is not None and not op.is_structured and op.name not in NAMES]
    forms = {type(OPS[name].loops).__name__ for name in missing}
    assert forms == {"Routine", "OnStacks"}, missing


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if not op.is_structured and op.examples.operands], ids=lambda op: op.name
)
def test_examples(op: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)
    for operands in op.examples.operands:
        b = Builder()
        arrays = [np.array(x) for x in operands]
        types = [Type({"f": "float", "i": "int", "b": "bool"}[x.dtype.kind], x.shape) for x in arrays]
        if isinstance(op.loops, OnStacks):
            continue
        try:
            node = b.apply(op.name, *[b.input(t) for t in types], **op.examples.attrs)
        except TypeMismatch:
            continue
        problem = Run(b.done(node)).differ(arrays, {}, 4)
        assert not problem, f"{operands}: {problem}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("computed", "dtypes"),
    [
        pytest.param(False, ("float", "int", "i32", "bool"), id="inputs"),
        pytest.param(True, ("f32", "int", "bool"), id="computed"),
        pytest.param(False, ("f32",), id="inputs of other types", marks=pytest.mark.thorough),
        pytest.param(True, ("float", "i32"), id="computed of other types", marks=pytest.mark.thorough),
    ],
)
def test_ops_on_tensors(name: str, computed: bool, dtypes: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """computed: whether the operands are computed, so that the op's loops compute their elements."""
    use_platform_functions(monkeypatch)
    cases = [case for case in CASES if case.op == name]
    tried = sum(tries(case, dtype, computed) for case in cases for dtype in dtypes if case.shapes or dtype == "int")
    assert tried or "int" not in dtypes  # indices are ints alone


def tries(case: Case, dtype: str, computed: bool) -> int:
    """Compares a case on numbers of a type, for all bindings of its sizes; how many runs. None for a type that the op
    refuses."""
    b = Builder()
    types = [Type("int" if k in case.indices else dtype, shape) for k, shape in enumerate(case.shapes)]
    if case.indices and len(case.shapes) == 1 and dtype != "int":
        return 0
    inputs = [b.input(t) for t in types]
    try:
        operands = [b.copy(x) if computed else x for x in inputs]
        run = Run(b.done(case.make(b, *operands)))
    except TypeMismatch:
        return 0
    runs = 0
    named = any(
        isinstance(n, str) for t in map(run.graph.type_of, range(len(run.graph))) for n in getattr(t, "shape", ())
    )
    named = named or "size" in str(run.graph)
    for sizes in SIZES if named else SIZES[:1]:
        shapes = [tuple(evaluate(n, sizes) for n in shape) for shape in case.shapes]
        if any(n < 0 for shape in shapes for n in shape):
            continue
        for values in datasets(case, dtype):
            arrays = []
            for k, (t, shape) in enumerate(zip(types, shapes, strict=True)):
                numbers = indices(case.indices[k], sizes, len(values)) if k in case.indices else values
                arrays.append(filled(numbers, t.dtype, shape, k))
            count = max([1, *(math.prod(shape) for shape in shapes)])
            ulps = count if case.kind == "sums" and dtype in ("float", "f32", "int", "i32", "bool") else 0
            problem = run.differ(arrays, sizes, ulps, OPS[case.op].effects.zero_of_either_sign)
            assert not problem, f"{case.op} {case.shapes} {dtype} {sizes} {run.graph}: {problem}"
            runs += 1
    return runs


def datasets(case: Case, dtype: str) -> list[list[Any]]:
    """Lists of numbers to fill arrays with. What sums has single edges among ordinary numbers."""
    ordinary = [bool(x > 0) for x in ORDINARY] if dtype == "bool" else [x / 4 for x in ORDINARY]
    if dtype in ("int", "i32"):
        ordinary = ORDINARY
    if case.kind != "sums":
        return [ordinary, EDGES[dtype]]
    alone: list[Any] = [INF, -INF, NAN, -0.0] if dtype in ("float", "f32") else []
    return [ordinary, *([*ordinary[:2], x, *ordinary[3:]] for x in alone), [ordinary[0]]]


def indices(size: Any, sizes: Mapping[str, int], which: int) -> list[Any]:
    """Indices from both ends; among them one that is out of range for one of the lists of numbers."""
    n = evaluate(size, sizes)
    inside = [0, n - 1, -1, -n, n // 2, 0]
    return [*inside, n] if which == len(EDGES["f32"]) else [*inside, -n - 1] if which == len(EDGES["i32"]) else inside


def filled(numbers: Sequence[Any], dtype: str, shape: tuple[int, ...], shift: int) -> Any:
    count = math.prod(shape)
    cycle = itertools.islice(itertools.cycle([*numbers[shift:], *numbers[:shift]]), count)
    return np.array(list(cycle), DTYPES[dtype]).reshape(shape)
