"""Every op that is made for tensors, straight from the registry: types, values, first and second derivatives.

Values are compared with definitions (`tensor_oracle`), derivatives with differences, whose error bound is computed with
them. A new op fails here until it has examples, cases and a meaning.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from tensor_harness import assert_slopes, built, constant, derived, pulled, run, type_of, weights
from tensor_oracle import EPS, MEANINGS, Array, Attrs

from cgcli.graph.graph import Graph
from cgcli.graph.types import INT, Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op, TypeMismatch
from cgcli.ops.table import OPS
from cgcli.ops.typing import one
from cgcli.ops.validity import check

RNG = np.random.default_rng(20261123)
INF, NAN = math.inf, math.nan
CARRIERS = ("input", "const", "cond", "loop", "get")
# on what loops read and write: tests/test_loops.py
STACKS = ("length", "chunks", "joined", "head", "filled", "unstack", "restack")
DRAWS = ("uniform", "standard_normal")
TENSOR = [
    op
    for op in OPS.values()
    if op.name == "index" or (not op.is_elementwise and op.name not in (*CARRIERS, *STACKS, *DRAWS))
]


# ---- cases


class Case(NamedTuple):
    op: Op
    xs: tuple[Array, ...]
    at: Attrs

    def __str__(self) -> str:
        shown = " ".join(f"{k}={v}" for k, v in self.at.items())
        return f"{self.op.name} {'×'.join(str(list(x.shape)) for x in self.xs)} {shown}".replace("'", "")


def some(*shape: int) -> Array:
    return np.asarray(RNG.normal(size=shape))


def apart(*shape: int) -> Array:
    """No two elements close to each other: no step meets a kink."""
    return np.asarray(RNG.permutation(math.prod(shape)).reshape(shape) / 2 - 1)


def regular(*shape: int) -> Array:
    """Matrices far from singular."""
    return some(*shape) + 3 * np.eye(shape[-1])


def positive(*shape: int) -> Array:
    """Symmetric positive definite matrices."""
    half = some(*shape)
    return half @ half.swapaxes(-1, -2) + np.eye(shape[-1])


def places(*values: Any) -> Array:
    return np.array(values, dtype=np.int64)


NOWHERE = np.zeros(0, dtype=np.int64)
KEPT, GONE = {"keepdims": True}, {"keepdims": False}
AXES: list[tuple[Array, Attrs]] = [
    (some(2, 3), {"axes": (-2,), **GONE}),
    (some(2, 3), {"axes": (-1,), **KEPT}),
    (some(2, 3), {"axes": (-2, -1), **GONE}),
    (some(2, 3, 4), {"axes": (-1, -3), **KEPT}),
    (some(2, 3, 4), {"axes": (-3, -1), **GONE}),
    (some(), {"axes": (), **GONE}),
    (some(2), {"axes": (), **KEPT}),
    (some(1, 1), {"axes": (-2, -1), **GONE}),
    (some(0, 3), {"axes": (-1,), **GONE}),
    (some(3, 0, 1), {"axes": (-1,), **KEPT}),
]
EMPTY: list[tuple[Array, Attrs]] = [
    (some(0), {"axes": (-1,), **GONE}),
    (some(2, 0), {"axes": (-1,), **KEPT}),
    (some(0, 3), {"axes": (-2, -1), **GONE}),
]
ONE_AXIS: list[tuple[Array, Attrs]] = [
    (some(2, 3), {"axes": (-2,), **GONE}),
    (some(2, 3), {"axes": (-1,), **KEPT}),
    (np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 0.0]]), {"axes": (-1,), **GONE}),
    (some(0, 3), {"axes": (-1,), **GONE}),
]


def target(*axes: tuple[int, int, int] | None) -> Attrs:
    """Of each of the last axes the start, the step and the size of a slice; None for a computed index."""
    starts, steps, sizes = zip(*((0, 0, 1) if axis is None else axis for axis in axes), strict=True)
    return {"starts": starts, "steps": steps, "sizes": sizes}


TARGETS: list[tuple[Any, ...]] = [
    (some(4), some(), np.int64(2), target(None)),
    (some(4), some(3), places(3, 0, 3), target(None)),
    (some(4, 2), some(2), np.int64(2), target(None, (0, 1, 2))),
    (some(2, 3), some(2), np.int64(2), target(None)),
    (some(2, 3, 4), some(), np.int64(1), np.int64(2), np.int64(0), target(None, None, None)),
    (some(3, 4), some(2, 2), places([0, 1], [1, 0]), places([0, 2], [2, 0]), target(None, None)),
    (some(3, 2, 4), some(3, 2), places(2, 0, 2), places(1, 1, 1), target(None, (1, -1, 2), None)),
    (some(2, 3, 4), some(2, 3, 2), places(1, 1, 0), target(None, (0, 2, 2))),
    (some(2, 5), some(2, 2), target((3, -2, 2))),
    (some(1, 1), some(1), np.int64(0), target(None, (0, 1, 1))),
    (some(3), some(0), NOWHERE, target(None)),
    (some(0, 2), some(0, 2), NOWHERE, target(None, (0, 1, 2))),
]
MORE: dict[str, list[tuple[Any, ...]]] = {
    "expand": [
        (some(3), {"shape": (2, 3)}),
        (some(2, 1), {"shape": (2, 4)}),
        (some(1, 3, 1), {"shape": (2, 2, 3, 2)}),
        (some(), {"shape": (2, 2)}),
        (some(), {"shape": ()}),
        (some(0, 3), {"shape": (2, 0, 3)}),
        (some(1, 3), {"shape": (0, 3)}),
        (some(1), {"shape": (1,)}),
    ],
    "reshape": [
        (some(2, 3), {"shape": (6,)}),
        (some(2, 3), {"shape": (1, 3, 2, 1)}),
        (some(0, 3), {"shape": (3, 0, 2)}),
        (some(1, 1), {"shape": ()}),
        (some(), {"shape": (1,)}),
    ],
    "match": [(some(2, 3), {"shape": (2, 3)}), (some(), {"shape": ()}), (some(0), {"shape": (0,)})],
    "expand_dims": [
        (some(3), {"axes": (-1,)}),
        (some(2, 3), {"axes": (-3, -1)}),
        (some(), {"axes": (-1, -2)}),
        (some(0), {"axes": (-2,)}),
    ],
    "squeeze": [
        (some(1, 3, 1), {"axes": (-1, -3)}),
        (some(0, 1), {"axes": (-1,)}),
        (some(1, 1), {"axes": (-2, -1)}),
        (some(1, 2, 1), {"axes": (-3,)}),
    ],
    "permute": [
        (some(2, 3, 4), {"axes": (-1, -3, -2)}),
        (some(2, 3, 4), {"axes": (-1, -2)}),
        (some(0, 2), {"axes": (-1, -2)}),
        (some(1, 2), {"axes": (-1, -2)}),
    ],
    "slice": [
        (some(5), {"starts": (4,), "steps": (-2,), "sizes": (3,)}),
        (some(3, 4), {"starts": (1, 0), "steps": (1, 3), "sizes": (2, 2)}),
        (some(2, 4), {"starts": (3,), "steps": (-1,), "sizes": (4,)}),
        (some(4), {"starts": (2,), "steps": (1,), "sizes": (0,)}),
        (some(0, 3), {"starts": (0,), "steps": (2,), "sizes": (2,)}),
        (some(1), {"starts": (0,), "steps": (-1,), "sizes": (1,)}),
    ],
    "pad": [
        (some(3), {"starts": (5,), "steps": (-2,), "sizes": (7,)}),
        (some(2, 3), {"starts": (1, 0), "steps": (1, 2), "sizes": (4, 6)}),
        (some(2, 3), {"starts": (0,), "steps": (1,), "sizes": (3,)}),
        (some(0), {"starts": (1,), "steps": (1,), "sizes": (3,)}),
        (some(0, 1), {"starts": (0,), "steps": (1,), "sizes": (2,)}),
    ],
    "concat": [
        (some(2, 3), some(1, 3), {"axis": -2}),
        (some(2, 3), some(2, 0), some(2, 1), {"axis": -1}),
        (some(3), {"axis": -1}),
        (some(0), some(0), {"axis": -1}),
        (some(2), places(4, 5), {"axis": -1}),
    ],
    "stack": [
        (some(3), some(3), {"axis": -2}),
        (some(2, 3), some(2, 3), some(2, 3), {"axis": -2}),
        (some(0), some(0), {"axis": -1}),
        (some(1), {"axis": -1}),
        (some(2), places(4, 5), {"axis": -1}),
    ],
    "size": [({"size": 0},)],
    "arange": [({"size": 0},), ({"size": 1},)],
    "index": [(places(-3, 2), {"size": 3}), (NOWHERE, {"size": 0}), (places([0, -1], [1, -2]), {"size": 2})],
    "take": [
        (some(4, 3), places(3, -4 + 4, 3), {"axis": -2}),
        (some(4), places([0, 1], [3, 3]), {"axis": -1}),
        (some(2, 4, 3), places([1, 1, 2]), {"axis": -2}),
        (some(4, 2), np.int64(2), {"axis": -2}),
        (some(3), NOWHERE, {"axis": -1}),
        (some(0, 2), NOWHERE, {"axis": -2}),
        (some(1), places(0, 0), {"axis": -1}),
    ],
    "elements": [(x, *indices, at) for x, v, *indices, at in TARGETS],
    "update": TARGETS,
    "add_at": TARGETS,
    "argsort": [
        (np.array([[1.0, 1.0, 0.0], [NAN, -INF, INF]]), {}),
        (some(0), {}),
        (some(2, 0), {}),
        (some(1), {}),
    ],
    "sum": [*AXES, *EMPTY],
    "mean": [*AXES, *EMPTY],
    "amax": [(apart(*x.shape), at) for x, at in AXES],
    "amin": [(apart(*x.shape), at) for x, at in AXES],
    "prod": [*AXES, *EMPTY],
    "any": [(x > 0, at) for x, at in [*AXES, *EMPTY]],
    "all": [(x > 0, at) for x, at in [*AXES, *EMPTY]],
    "argmax": ONE_AXIS,
    "argmin": ONE_AXIS,
    "logsumexp": [*AXES, *EMPTY, (np.array([[700.0, 710.0], [-800.0, -801.0]]), {"axes": (-1,), **GONE})],
    "norm": [*AXES, *EMPTY],
    "cumsum": [(some(2, 3), {}), (some(0), {}), (some(2, 0), {}), (some(1), {})],
    "products_of_others": [(some(2, 4), {}), (some(0), {}), (some(2, 0), {}), (some(1), {})],
    "matmul": [
        (some(2, 1, 2, 3), some(2, 3, 1), {}),
        (some(2, 3), some(2, 3, 2), {}),
        (some(2, 0), some(0, 3), {}),
        (some(0, 2), some(2, 3), {}),
        (some(1, 1), some(1, 1), {}),
        (some(0, 2, 2), some(2, 2), {}),
        (some(2, 2), places([1, 2], [3, 4]), {}),
    ],
    "einsum": [
        (some(2, 3), {"pattern": "ij->i"}),
        (some(2, 3), {"pattern": "ij->ji"}),
        (some(2, 3), {"pattern": "ij->"}),
        (some(2), some(3), {"pattern": "i,j->ij"}),
        (some(2, 2, 3), some(2, 3, 2), {"pattern": "bij,bjk->bki"}),
        (some(2, 3), some(4, 2), {"pattern": "ij,kl->il"}),
        (some(2), some(2, 3), some(3), {"pattern": "i,ij,j->"}),
        (some(2, 0), some(0, 3), {"pattern": "ij,jk->ik"}),
        (some(1), some(), {"pattern": "i,->i"}),
    ],
    "solve": [
        (regular(2, 3, 3), some(2, 3, 1), {}),
        (regular(2, 2), some(2, 2, 3), {}),
        (regular(2, 2, 2), some(2, 1), {}),
        (regular(1, 1), some(1, 2), {}),
        (regular(0, 0), some(0, 2), {}),
        (regular(2, 2), some(2, 0), {}),
    ],
    "inv": [(regular(2, 3, 3), {}), (regular(1, 1), {}), (regular(0, 0), {}), (regular(0, 2, 2), {})],
    "det": [
        (regular(2, 3, 3), {}),
        (regular(1, 1), {}),
        (regular(0, 0), {}),
        (regular(0, 2, 2), {}),
        (np.zeros((2, 2)), {}),
    ],
    "cofactor": [
        (regular(2, 3, 3), {}),
        (regular(1, 1), {}),
        (regular(0, 0), {}),
        (regular(0, 2, 2), {}),
        (np.zeros((2, 2)), {}),
    ],
    "cofactor_change": [
        (regular(2, 3, 3), some(2, 3, 3), {}),
        (regular(1, 1), some(1, 1), {}),
        (regular(0, 0), some(0, 0), {}),
        (regular(2, 2), some(2, 2), {}),
    ],
    "logdet": [(-regular(3, 3), {}), (regular(2, 2, 2), {}), (regular(1, 1), {}), (regular(0, 0), {})],
    "cholesky": [(positive(2, 3, 3), {}), (positive(1, 1), {}), (positive(0, 0), {}), (positive(0, 2, 2), {})],
    "windows": [
        (some(5), {"sizes": (3,), "strides": (1,), "dilations": (1,)}),
        (some(2, 6), {"sizes": (2,), "strides": (3,), "dilations": (2,)}),
        (some(3, 3), {"sizes": (3, 1), "strides": (1, 2), "dilations": (1, 1)}),
        (some(0, 4), {"sizes": (2,), "strides": (1,), "dilations": (1,)}),
        (some(1), {"sizes": (1,), "strides": (1,), "dilations": (1,)}),
    ],
    "fold_windows": [
        (some(3, 3), {"sizes": (3,), "strides": (1,), "dilations": (1,), "shape": (5,)}),
        (some(2, 2, 2), {"sizes": (2,), "strides": (3,), "dilations": (2,), "shape": (6,)}),
        (some(1, 2, 3, 1), {"sizes": (3, 1), "strides": (1, 2), "dilations": (1, 1), "shape": (3, 3)}),
        (some(0, 3, 2), {"sizes": (2,), "strides": (1,), "dilations": (1,), "shape": (4,)}),
    ],
}
"""Further cases of every tensor op: operands, then attributes. Axes of size 0 and 1 are among them."""


def cases_of(op: Op) -> list[Case]:
    declared = [Case(op, tuple(np.asarray(x) for x in xs), op.examples.attrs) for xs in op.examples.operands]
    return declared + [Case(op, tuple(np.asarray(x) for x in xs), at) for *xs, at in MORE[op.name]]


CASES = [case for op in TENSOR for case in cases_of(op)]
UNDEFINED = [x for x, _ in EMPTY]  # of no numbers, the mean is nan and the logarithm of their sum -inf
SMOOTH = [
    case
    for case in CASES
    if case.op.derivative.rules
    and not (case.op.name in ("mean", "logsumexp") and any(case.xs[0] is x for x in UNDEFINED))
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_smooth_case = pytest.mark.parametrize("case", SMOOTH, ids=str)


def test_every_op_has_examples_and_every_tensor_op_cases_and_a_meaning() -> None:
    assert [name for name, op in OPS.items() if not op.examples.operands and name not in (*CARRIERS, *STACKS)] == []
    assert {op.name for op in TENSOR} == set(MORE) == set(MEANINGS)
    assert all(OPS[name].is_structured or OPS[name].derivative.rules == () for name in CARRIERS)


# ---- values and types


def graph_of(op: Op, types: Sequence[Type], at: Attrs, weighed: bool = False) -> Graph:
    """The op over inputs of these types; `weighed`, its result times a last input of the same shape."""
    b = Builder()
    xs = [b.input(t) for t in types]
    inner = [symmetric_part(b, xs[0])] if op.name == "cholesky" and weighed else xs  # it takes no other matrices
    y = b.apply(op.name, *inner, **at)
    return b.done(b.mul(b.input(b.type1(y)), y) if weighed else y)


def symmetric_part(b: Builder, x: int) -> int:
    return int(b.mul(b.add(x, b.permute(x, axes=(-1, -2))), 0.5))


def value_of(case: Case) -> Array:
    return np.asarray(run(graph_of(case.op, [type_of(x) for x in case.xs], case.at), case.xs)[0])


ADDED_UP = ("sum", "mean", "add_at", "fold_windows", "cumsum")
MATRICES = ("solve", "inv", "det", "cofactor", "cofactor_change", "logdet", "cholesky")


def assert_value(case: Case, found: Array) -> None:
    graph = graph_of(case.op, [type_of(x) for x in case.xs], case.at)
    declared = one(graph.type_of(graph.outputs[0]))
    assert (found.dtype, found.shape) == (DTYPES[declared.dtype], declared.shape)
    wanted = np.asarray(MEANINGS[case.op.name](case.at, *case.xs)).astype(found.dtype)
    assert wanted.shape == found.shape
    if found.dtype.kind != "f" or (case.op.derivative.flow == "structural" and case.op.name not in ADDED_UP):
        assert np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f")
        return
    eps = 2.0**-23 if found.dtype == np.float32 else EPS
    size = 1 + float(np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted)))
    slack = 2**10 if case.op.name in MATRICES else 2**5
    assert np.allclose(found, wanted, rtol=0, atol=slack * eps * size, equal_nan=True)


@every_case
def test_value_and_type(case: Case) -> None:
    check(graph_of(case.op, [type_of(x) for x in case.xs], case.at))
    assert_value(case, value_of(case))


@every_case
def test_value_and_type_in_every_dtype(case: Case) -> None:
    """The first float operands become numbers of another dtype; an op that takes floats only says so."""
    if any(x.dtype.kind == "f" and not np.isfinite(x).all() for x in case.xs):
        return
    for dtype in ("f32", "int", "i32", "bool"):
        if case.op.name in MATRICES and dtype != "f32":
            continue  # rounded, they have no inverse: see `test_matrices_of_ints`
        if case.op.name in ("add_at", "fold_windows") and dtype == "bool":
            continue  # what is added up has a number's dtype
        changed = Case(case.op, tuple(turned(x, dtype) if x.dtype.kind == "f" else x for x in case.xs), case.at)
        assert_value(changed, value_of(changed))


def turned(x: Array, dtype: str) -> Array:
    return np.asarray(x > 0 if dtype == "bool" else np.rint(3 * x) if dtype in ("int", "i32") else x).astype(
        DTYPES[dtype]
    )


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("dtype", ["int", "i32"])
def test_matrices_of_ints(name: str, dtype: str) -> None:
    a = np.array([[4, 1, 0], [1, 3, -1], [0, -1, 2]], dtype=DTYPES[dtype])
    xs = {"solve": (a, a[:, :2]), "cofactor_change": (a, 2 * a)}.get(name, (a,))
    case = Case(OPS[name], xs, {})
    assert_value(case, value_of(case))


@pytest.mark.parametrize("case", [c for c in CASES if c.xs and c.op.batch in ("align", "spread")], ids=str)
def test_axes_in_front_are_many_of_the_same(case: Case) -> None:
    """`align`: the first operand may have one more axis; `spread`: all of them."""
    last = len(case.xs) if case.op.batch == "spread" else 1
    xs = tuple(np.stack((x, x)) if k < last else x for k, x in enumerate(case.xs))
    many = value_of(Case(case.op, xs, case.at))
    one = value_of(case)
    assert many.dtype == one.dtype
    assert np.allclose(many, np.stack((one, one)), rtol=2**6 * EPS, atol=2**6 * EPS, equal_nan=True)


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_and_a_name_decide_what_is_drawn(name: str) -> None:
    def draw(seed: int, called: str, shape: tuple[int, ...] = (3, 4)) -> Any:
        return value_of(Case(OPS[name], (np.asarray(seed),), {"shape": shape, "name": called}))

    assert np.array_equal(draw(7, "x"), draw(7, "x"))
    assert not np.array_equal(draw(7, "x"), draw(8, "x"))
    assert not np.array_equal(draw(7, "x"), draw(7, "y"))
    for shape in ((), (0, 3), (1,), (3, 4)):
        found = draw(-1, "w", shape)
        assert (found.shape, found.dtype) == (shape, np.float64)
        assert np.isfinite(found).all()
    assert graph_of(OPS[name], [INT], {"shape": (2, 3), "name": "x"}).types[-1] == Type("float", (2, 3))


# ---- derivatives


@every_smooth_case
def test_first_derivative(case: Case) -> None:
    xs = [*case.xs, weights(value_of(case).shape)]
    graph = graph_of(case.op, [type_of(x) for x in case.xs], case.at, weighed=True)
    assert_slopes(graph, derived(graph), xs)


@every_smooth_case
def test_second_derivative(case: Case) -> None:
    """By the operands and by the cotangent: the differences of the first derivative, whose elements are weighed."""
    if case.op.name == "cofactor" and abs(np.linalg.det(case.xs[0])).min(initial=1.0) < EPS:
        return  # the third derivative of a determinant needs an inverse: `cofactor_change` says so
    xs = [*case.xs, weights(value_of(case).shape)]
    graph = graph_of(case.op, [type_of(x) for x in case.xs], case.at, weighed=True)
    first = pulled(derived(graph))
    assert_slopes(first, derived(first), xs)


@every_smooth_case
def test_single_precision_derivative(case: Case) -> None:
    xs = [np.asarray(x, dtype=np.float32) if x.dtype.kind == "f" else x for x in case.xs]
    xs.append(weights(value_of(case).shape).astype(np.float32))
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in xs]
    found, wanted = (
        run(derived(graph_of(case.op, [type_of(x) for x in given[:-1]], case.at, weighed=True)), given)
        for given in (xs, wide)
    )
    for single, double in zip(found, wanted, strict=True):
        assert single.dtype == np.float32
        size = 1 + float(np.max(np.abs(double), initial=0.0))
        assert np.allclose(single, double, rtol=0, atol=2**7 * 2.0**-23 * size)


def test_the_gradient_of_a_cholesky_factor_is_symmetric() -> None:
    a = positive(3, 3)
    graph = built(lambda b, x: b.mul(constant(b, weights((3, 3))), b.cholesky(x)), type_of(a))
    (found,) = run(derived(graph), [a])
    assert np.array_equal(found, found.T)


def test_of_no_numbers_the_mean_and_the_logarithm_of_sums_have_derivatives_of_no_elements() -> None:
    for name in ("mean", "logsumexp"):
        for x, at in EMPTY:
            case = Case(OPS[name], (x,), at)
            graph = graph_of(case.op, [type_of(x)], at, weighed=True)
            by_x, _ = run(derived(graph), [x, weights(value_of(case).shape)])
            assert by_x.shape == x.shape


# ---- what is not taken


def in_rows(case: Case, careful: bool) -> Graph:
    """`where(s > 0, op(x + log(s), …), 0)` over two rows; `careful`, with s = 1 in the rows that are not taken."""
    b = Builder()
    s = b.input(Type("float", (2,)))
    operands = [
        b.input(Type(type_of(x).dtype, (2, *x.shape))) if in_front(case, k) else b.input(type_of(x))
        for k, x in enumerate(case.xs)
    ]
    taken = b.gt(s, 0.0)
    shift = b.log(b.where(taken, s, 1.0) if careful else s)
    rank = case.xs[0].ndim
    shifted = b.add(operands[0], b.expand_dims(shift, axes=tuple(range(-rank, 0))) if rank else shift)
    y = b.apply(case.op.name, shifted, *operands[1:], **case.at)
    rank = b.type1(y).rank - 1
    return b.done(b.where(b.expand_dims(taken, axes=tuple(range(-rank, 0))) if rank else taken, y, 0.0))


def in_front(case: Case, k: int) -> bool:
    return k == 0 or case.op.batch == "spread" or (k == 1 and case.op.name in ("update", "add_at"))


FAILING = ("cholesky", "cofactor", "cofactor_change")  # of nan, these are errors: nothing is left to be chosen from
ROWS = [
    case
    for case in SMOOTH
    if (case.op.batch in ("align", "spread") or case.op.name in ("take", "elements", "update", "add_at"))
    and case.op.name not in FAILING
    and case.xs[0].dtype.kind == "f"
]


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_a_row_that_is_not_taken_has_derivative_zero_and_changes_no_other(case: Case) -> None:
    """Not even by nan: the derivatives are those of the program that never makes it, of first and second order."""
    xs = [np.array([1.0, -1.0]), *(np.stack((x, x)) if in_front(case, k) else x for k, x in enumerate(case.xs))]
    plain, careful = (derived(pulled(in_rows(case, careful))) for careful in (False, True))
    again, careful_again = derived(pulled(plain)), derived(pulled(careful))
    for found, wanted in [
        *zip(run(plain, xs), run(careful, xs), strict=True),
        *zip(run(again, xs), run(careful_again, xs), strict=True),
    ]:
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12)
    by_s, by_x, *_ = run(plain, xs)
    assert by_s[1] == 0
    assert not np.any(by_x[1])


@pytest.mark.parametrize(
    ("v", "indices", "code"),
    [
        ((), [()], "target-indices"),
        ((2,), [(2,), (3,)], "target-indices"),
        ((3,), [(2,), (2,)], "not-broadcastable"),
    ],
)
def test_what_a_target_must_fit(v: tuple[int, ...], indices: list[tuple[int, ...]], code: str) -> None:
    b = Builder()
    operands = [b.input(Type("float", (4, 5))), b.input(Type("float", v)), *(b.input(Type("int", i)) for i in indices)]
    for name in ("update", "add_at"):
        with pytest.raises(TypeMismatch) as caught:
            b.apply(name, *operands, **target(None, None))
        assert caught.value.code == code
