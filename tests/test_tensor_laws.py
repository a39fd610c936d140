"""What holds for tensors beyond single ops: untaken sides, kinks, ints, runs that stop, named sizes."""

import math
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor
from tensor_harness import added_at, built, constant, derived, gram, pulled, run, total, type_of, weights
from tensor_oracle import Array

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph import sizes
from cgcli.graph.graph import Graph
from cgcli.graph.sizes import Size
from cgcli.graph.types import FLOAT, INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import TypeMismatch
from cgcli.ops.validity import check

INF, NAN = math.inf, math.nan
LAST = {"axes": (-1,), "keepdims": False}
VECTOR = Type("float", (5,))
NOT_TAKEN = np.array([True, True, False, True, False])
X = np.array([0.0, -2.0, 1.5, NAN, 3.0])  # its logarithm is taken where it is positive


def vector(*values: Any) -> Array:
    return np.array(values, dtype=np.int64)


# ---- what is not taken contributes zero, whatever inf or nan it holds


def chosen(b: Builder, x: int, careful: bool) -> int:
    """`where(x > 0, log(x), 0)`; `careful`, the logarithm of 1 where it is not taken."""
    taken = b.gt(x, 0.0)
    return int(b.where(taken, b.log(b.where(taken, x, 1.0) if careful else x), 0.0))


THROUGH: dict[str, Callable[[Builder, int], int]] = {
    "nothing": lambda b, y: y,
    "sum": lambda b, y: b.sum(y, **LAST),
    "mean": lambda b, y: b.mean(y, **LAST),
    "max": lambda b, y: b.amax(y, **LAST),
    "prod": lambda b, y: b.prod(b.add(y, 2.0), **LAST),
    "norm": lambda b, y: b.norm(y, **LAST),
    "logsumexp": lambda b, y: b.logsumexp(y, **LAST),
    "cumsum": lambda b, y: b.cumsum(y),
    "reshape": lambda b, y: b.reshape(y, shape=(5, 1)),
    "expand": lambda b, y: b.expand(y, shape=(2, 5)),
    "expand_dims, permute, squeeze": lambda b, y: b.squeeze(
        b.permute(b.expand_dims(y, axes=(-1,)), axes=(-1, -2)), axes=(-2,)
    ),
    "take": lambda b, y: b.take(y, constant(b, vector(0, 2, 2, 3)), axis=-1),
    "add_at": lambda b, y: added_at(b, y, constant(b, vector(0, 1, 1, 2, 2)), axis=-1, size=3),
    "slice": lambda b, y: b.slice(y, starts=(3,), steps=(-1,), sizes=(3,)),
    "pad": lambda b, y: b.pad(y, starts=(1,), steps=(2,), sizes=(11,)),
    "windows": lambda b, y: b.windows(y, sizes=(3,), strides=(1,), dilations=(2,)),
    "matmul": lambda b, y: b.matmul(b.reshape(y, shape=(1, 5)), constant(b, weights((5, 2)))),
    "einsum": lambda b, y: b.einsum(y, y, pattern="i,j->ij"),
    "concat": lambda b, y: b.concat(y, b.exp(y), axis=-1),
    "stack": lambda b, y: b.stack(y, b.exp(y), axis=-2),
    "another where": lambda b, y: b.where(b.gt(y, 0.5), b.sqrt(y), b.mul(y, y)),
    "a division": lambda b, y: b.div(1.0, b.add(y, 3.0)),
    "solve": lambda b, y: b.solve(
        b.add(b.mul(b.expand_dims(y, axes=(-1,)), constant(b, weights((5, 5)))), constant(b, 9 * np.eye(5))),
        b.expand_dims(y, axes=(-1,)),
    ),
}


@pytest.mark.parametrize("through", THROUGH)
def test_what_is_not_taken_has_derivative_zero(through: str) -> None:
    """Of first and second order, behind any op: as if the logarithm had been made of what is taken alone."""
    plain, careful = (
        built(lambda b, x, c=careful: total(b, b.mul(weighed(b, THROUGH[through](b, chosen(b, x, c))), 0.5)), VECTOR)
        for careful in (False, True)
    )
    for _ in range(2):
        plain, careful = pulled(derived(plain)), pulled(derived(careful))
        check(plain)
        assert np.isfinite(run(careful, [X])[0])
        assert np.allclose(run(plain, [X]), run(careful, [X]), rtol=1e-12, atol=1e-14)
    first = derived(built(lambda b, x: weighed(b, THROUGH[through](b, chosen(b, x, False))), VECTOR))
    second = derived(pulled(first))
    for made in (first, second):
        (found,) = run(made, [X])
        assert not np.any(found[NOT_TAKEN])
        assert np.isfinite(found).all()


def weighed(b: Builder, y: int) -> int:
    return int(b.mul(constant(b, weights(b.type1(y).shape)), y))


UNTAKEN_ROWS: dict[str, Callable[[Builder, int, int], int]] = {
    "matmul": lambda b, x, z: b.matmul(x, z),
    "matmul of the other": lambda b, x, z: b.permute(
        b.matmul(b.permute(z, axes=(-1, -2)), b.permute(x, axes=(-1, -2))), axes=(-1, -2)
    ),
    "einsum": lambda b, x, z: b.einsum(x, z, pattern="ij,jk->ik"),
    "prod": lambda b, x, z: b.mul(b.prod(x, axes=(-1,), keepdims=True), b.sum(z, axes=(-2,), keepdims=True)),
    "norm": lambda b, x, z: b.mul(b.norm(x, axes=(-1,), keepdims=True), b.sum(z, axes=(-2,), keepdims=True)),
    "logsumexp": lambda b, x, z: b.mul(b.logsumexp(x, axes=(-1,), keepdims=True), b.sum(z, axes=(-2,), keepdims=True)),
    "cumsum": lambda b, x, z: b.matmul(b.cumsum(x), z),
    "concat": lambda b, x, z: b.matmul(b.concat(x, x, axis=-2), z),
    "stack, slice": lambda b, x, z: b.matmul(
        b.reshape(
            b.slice(b.stack(x, b.exp(x), axis=-2), starts=(0, 1, 0), steps=(1, 1, 1), sizes=(2, 1, 3)), shape=(2, 3)
        ),
        z,
    ),
    "take": lambda b, x, z: b.matmul(b.take(x, constant(b, vector(0, 1, 1)), axis=-2), z),
}


@pytest.mark.parametrize("op", UNTAKEN_ROWS)
def test_an_untaken_row_of_nan_reaches_neither_operand(op: str) -> None:
    """Row 0 is taken; row 1 of log(x) is nan, -inf and a number."""

    def make(b: Builder, x: int, z: int, careful: bool) -> int:
        row = constant(b, np.array([[True], [False]]))
        y = UNTAKEN_ROWS[op](b, b.log(b.where(row, x, 1.0) if careful else x), z)
        rows = b.type1(y).shape[0]
        return weighed(b, b.where(constant(b, np.arange(rows)[:, None] % 2 == 0 if rows != 3 else ROW_0), y, 0.0))

    xs = [np.array([[1.5, 2.0, 3.0], [-1.0, 0.0, 2.0]]), weights((3, 2))]
    graphs = [built(lambda b, x, z, c=careful: make(b, x, z, c), *map(type_of, xs)) for careful in (False, True)]
    for _ in range(2):
        graphs = [derived(graph) for graph in graphs]
        found, wanted = (run(graph, xs) for graph in graphs)
        for f, w in zip(found, wanted, strict=True):
            assert np.allclose(f, w, rtol=1e-12, atol=1e-14)
        assert not np.any(found[0][1])
        graphs = [pulled(graph) for graph in graphs]


ROW_0 = np.array([[True], [False], [False]])


UNREAD: dict[str, Callable[[Builder, int], int]] = {
    "slice": lambda b, y: b.slice(y, starts=(1,), steps=(3,), sizes=(2,)),
    "take": lambda b, y: b.take(y, constant(b, vector(4, 1, 1)), axis=-1),
    "windows": lambda b, y: b.windows(y, sizes=(2,), strides=(9,), dilations=(3,)),
    "reshape, slice, sum": lambda b, y: b.sum(
        b.slice(b.reshape(b.stack(y, y, axis=-1), shape=(10,)), starts=(2,), steps=(6,), sizes=(2,)), **LAST
    ),
    "matmul, slice": lambda b, y: b.slice(
        b.matmul(b.expand_dims(y, axes=(-1,)), constant(b, np.ones((1, 1)))), starts=(1, 0), steps=(3, 1), sizes=(2, 1)
    ),
}


@pytest.mark.parametrize("read", UNREAD)
def test_an_element_that_is_never_read_has_derivative_zero(read: str) -> None:
    """log(x)[1] and log(x)[4] do not depend on the x that are 0, negative or nan."""
    x = np.array([0.0, 2.0, -1.0, NAN, 4.0])
    if read == "windows":
        x = x[[1, 0, 2, 4, 3]]
    graph = built(lambda b, x: UNREAD[read](b, b.log(x)), type_of(x))
    for _ in range(2):
        made = derived(graph)
        (found,) = run(made, [x])
        assert np.isfinite(found).all()
        assert ((found != 0) == (x > 0)).all()
        graph = pulled(made)


@pytest.mark.parametrize("taken", [(False, False, False), (False, True, False), (True, True, True)])
def test_a_number_that_was_stretched_gets_the_sum_of_the_rows_that_take_it(taken: tuple[bool, ...]) -> None:
    """d/ds of where(taken, x log(s), 0): Σ x/s over the rows taken, and -Σ x/s² of second order."""
    x = np.array([2.0, 3.0, 5.0])
    s = np.float64(0.5 if any(taken) else -1.0)  # of which the logarithm is nan
    graph = built(lambda b, s: b.where(constant(b, np.array(taken)), b.mul(constant(b, x), b.log(s)), 0.0), FLOAT)
    first = derived(graph)
    assert run(first, [s])[0] == x[list(taken)].sum() / s
    assert run(derived(first), [s])[0] == -x[list(taken)].sum() / s**2


def test_second_derivatives_are_not_lost_where_a_factor_is_zero() -> None:
    """∂²(y log x)/∂x∂y is 1/x also at y = 0: a path with the value 0 is a path."""
    graph = built(lambda b, x, y: b.mul(y, b.log(x)), VECTOR, VECTOR)
    x = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    by_x = built(lambda b, x, y: b.inline(derived(graph), [x, y])[derived(graph).outputs[0]], VECTOR, VECTOR)
    assert np.array_equal(run(derived(by_x), [x, np.zeros(5)])[1], 1 / x)


def test_support_does_not_invent_zeros() -> None:
    """exp(log(x)) at 0 has the derivative that the chain rule gives, nan."""
    (found,) = run(derived(built(lambda b, x: b.exp(b.log(x)), VECTOR)), [np.zeros(5)])
    assert np.isnan(found).all()


# ---- kinks


@pytest.mark.parametrize("name", ["amax", "amin"])
def test_ties_of_a_reduced_extremum_share_equally(name: str) -> None:
    x = np.array([[1.0, 3.0, 3.0, 1.0], [2.0, 2.0, 2.0, 2.0], [0.0, -0.0, 7.0, -7.0]])
    extremum = np.array([[0, 0.5, 0.5, 0], [0.25] * 4, [0, 0, 1, 0]])
    if name == "amin":
        extremum = np.array([[0.5, 0, 0, 0.5], [0.25] * 4, [0, 0, 0, 1]])
    for keepdims in (False, True):
        (found,) = run(
            derived(built(lambda b, x, k=keepdims: b.apply(name, x, axes=(-1,), keepdims=k), type_of(x))), [x]
        )
        assert np.array_equal(found, extremum)
    whole = built(lambda b, x: b.apply(name, x, axes=(-2, -1), keepdims=False), Type("float", (2, 2)))
    assert np.array_equal(run(derived(whole), [np.ones((2, 2))])[0], np.full((2, 2), 0.25))


def test_ties_share_where_a_second_derivative_passes() -> None:
    """max(x)² has the gradient 2 max(x) · share; its derivative again shares."""
    graph = built(lambda b, x: b.fixed_power(b.amax(x, **LAST), exponent=2), Type("float", (3,)))
    x = np.array([2.0, 2.0, 1.0])
    assert run(derived(graph), [x])[0].tolist() == [2.0, 2.0, 0.0]
    assert run(derived(pulled(derived(graph))), [x])[0].tolist() == pytest.approx(
        [weights((3,))[:2].sum() * 0.5, weights((3,))[:2].sum() * 0.5, 0.0]
    )


def test_a_tie_with_a_constant_goes_to_the_constant_element_by_element() -> None:
    x = np.array([-1.0, 0.0, 2.0, -0.0])
    for make in (
        lambda b, x: b.max(x, 0.0),
        lambda b, x: b.relu(x),
        lambda b, x: b.max(b.expand(b.const(0.0), shape=(4,)), x),
    ):
        (found,) = run(derived(built(make, type_of(x))), [x])
        assert found.tolist() == [0.0, 0.0, 1.0, 0.0]
    (found,) = run(derived(built(lambda b, x: b.abs(x), type_of(x))), [x])
    assert found.tolist() == [-1.0, 0.0, 1.0, 0.0]


def test_ties_of_tensors_share_element_by_element() -> None:
    graph = built(lambda b, x, y: b.max(x, y), Type("float", (2, 1)), Type("float", (3,)))
    by_x, by_y = run(derived(graph), [np.array([[1.0], [2.0]]), np.array([1.0, 2.0, 0.0])])
    assert by_x.tolist() == [[0.5 + 0 + 1], [1 + 0.5 + 1]]
    assert by_y.tolist() == [0.5 + 0, 1 + 0.5, 0 + 0]


def test_hypot_at_the_origin_has_derivative_zero() -> None:
    graph = built(lambda b, x, y: b.hypot(x, y), Type("float", (2,)), Type("float", (1,)))
    by_x, by_y = run(derived(graph), [np.array([0.0, 2.0]), np.zeros(1)])
    assert (by_x.tolist(), by_y.tolist()) == ([0.0, 1.0], [0.0])


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_norm_at_zero_has_derivative_zero(keepdims: bool) -> None:
    x = np.array([[0.0, 0.0], [3.0, -4.0], [0.0, 2.0]])
    first = derived(built(lambda b, x: b.norm(x, axes=(-1,), keepdims=keepdims), type_of(x)))
    assert np.allclose(run(first, [x])[0], [[0, 0], [0.6, -0.8], [0, 1]], rtol=0, atol=1e-16)
    (second,) = run(derived(pulled(first)), [x])
    w = weights((3, 2))
    assert np.array_equal(second[0], [0, 0])  # no path: not inf
    assert np.allclose(second[2], [w[2, 0] / 2, 0])  # the curvature across


def test_the_norm_neither_overflows_nor_vanishes() -> None:
    x = np.array([[3e200, 4e200], [3e-200, 4e-200], [INF, 1.0]])
    graph = built(lambda b, x: b.norm(x, **LAST), type_of(x))
    assert np.allclose(run(graph, [x])[0], [5e200, 5e-200, INF], rtol=1e-15)
    assert np.allclose(run(derived(graph), [x])[0][:2], [[0.6, 0.8], [0.6, 0.8]], rtol=1e-15)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_a_product_with_zeros_has_the_derivatives_that_it_has(zeros: int) -> None:
    """By x_j the product of the others, by x_j and x_k that of all others but these: no division."""
    x = np.array([2.0, -3.0, 0.5, 4.0])
    x[:zeros] = 0
    first = derived(built(lambda b, x: b.prod(x, **LAST), type_of(x)))
    assert run(first, [x])[0].tolist() == [np.prod(np.delete(x, j)) for j in range(4)]
    w = weights((4,))
    wanted = [sum(w[j] * np.prod(np.delete(x, [j, k])) for j in range(4) if j != k) for k in range(4)]
    assert np.allclose(run(derived(pulled(first)), [x])[0], wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("x", [[INF, 1.0], [-INF, -INF], [INF, -INF], [NAN, 0.0], [1e308, 1e308]])
def test_logsumexp_at_the_edges(x: list[float]) -> None:
    (found,) = run(built(lambda b, x: b.logsumexp(x, **LAST), Type("float", (2,))), [np.array(x)])
    with np.errstate(invalid="ignore"):
        assert np.array_equal(found, np.logaddexp(*x), equal_nan=True)


def test_logsumexp_of_what_is_masked_out_has_derivative_zero_there() -> None:
    x = np.array([0.5, -INF, 1.5])
    (found,) = run(derived(built(lambda b, x: b.logsumexp(x, **LAST), type_of(x))), [x])
    assert np.allclose(found, np.exp(x - np.logaddexp(0.5, 1.5)), rtol=1e-15)


# ---- ints, and runs that stop


def code_of(graph: Graph, xs: Sequence[Any], **options: Any) -> str:
    """The code of the diagnostic that stops the run."""
    with pytest.raises(CgError) as e:
        ArrayExecutor(graph, **options).forward(xs)
    assert e.value.status == 1
    return e.value.diagnostics[0].code


LARGE = {Type("int"): 2**62, Type("i32"): 2**30, Type("int", weak=True): 2**62}  # the last is a literal's
GROWING: dict[str, tuple[Callable[[Builder, int], int], tuple[int, ...]]] = {
    "add": (lambda b, x: b.add(x, x), (1, 2)),
    "sub": (lambda b, x: b.sub(b.neg(x), b.mul(x, b.const(2))), (1,)),
    "mul": (lambda b, x: b.mul(x, x), (1, 2)),
    "abs": (lambda b, x: b.abs(b.sub(b.neg(x), x)), (1,)),
    "fixed_power": (lambda b, x: b.fixed_power(x, exponent=3), (1, 2)),
    "sum": (lambda b, x: b.sum(x, **LAST), (1, 1)),
    "prod": (lambda b, x: b.prod(x, **LAST), (1, 1)),
    "cumsum": (lambda b, x: b.cumsum(x), (1, 1)),
    "products_of_others": (lambda b, x: b.products_of_others(x), (1, 1, 1)),
    "matmul": (lambda b, x: b.matmul(b.expand_dims(x, axes=(-2,)), b.expand_dims(x, axes=(-1,))), (1, 1)),
    "einsum": (lambda b, x: b.einsum(x, pattern="i->"), (1, 1)),
    "add_at": (lambda b, x: added_at(b, x, constant(b, vector(0, 0)), axis=-1, size=1), (1, 1)),
    "fold_windows": (
        lambda b, x: b.fold_windows(b.reshape(x, shape=(2, 2)), sizes=(2,), strides=(1,), dilations=(1,), shape=(3,)),
        (0, 1, 1, 0),
    ),
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("kind", LARGE, ids=str)
def test_an_int_that_leaves_its_range_stops_the_run(name: str, kind: Type) -> None:
    make, factors = GROWING[name]
    graph = built(make, kind._replace(shape=(len(factors),)))
    assert code_of(graph, [np.array(factors) * LARGE[kind]]) == "integer-overflow"
    fitting = run(graph, [np.array(factors)])[0]
    assert np.asarray(fitting).dtype.kind == "i"


def test_ints_beside_the_end_of_their_range_are_exact() -> None:
    """Above 2^53, where floats have holes."""
    n = 2**62 - 1
    x = np.array([n, -n, n, 1])
    assert run(built(lambda b, x: b.sum(x, **LAST), type_of(x)), [x])[0] == n + 1
    assert run(built(lambda b, x: b.cumsum(x), type_of(x)), [x])[0].tolist() == [n, 0, n, n + 1]
    assert run(built(lambda b, x: b.prod(x, **LAST), Type("int", (2,))), [x[2:]])[0] == n
    square = built(lambda b, x: b.matmul(x, x), Type("int", (2, 2)))
    assert run(square, [np.array([[2**31, 1], [-1, 2**31 - 1]])])[0].tolist() == [
        [2**62 - 1, 2**32 - 1],
        [-(2**32) + 1, (2**31 - 1) ** 2 - 1],
    ]
    added = built(lambda b, x: b.sum(x, **LAST), Type("int", (3,)))
    assert run(added, [np.array([2**62, 2**62, -1])])[0] == 2**63 - 1
    assert code_of(added, [np.array([2**62, 2**62, 0])]) == "integer-overflow"


def test_the_mean_of_ints_does_not_need_their_sum() -> None:
    x = np.array([2**63 - 1, 2**63 - 1, 2**63 - 1])
    assert run(built(lambda b, x: b.mean(x, **LAST), type_of(x)), [x])[0] == 2.0**63


def test_a_power_that_is_far_too_large_is_not_computed() -> None:
    """3 ^ 2 000 000 000 has 400 MB."""
    graph = built(lambda b, x: b.fixed_power(x, exponent=2_000_000_001), Type("int", (2,)))
    assert code_of(graph, [vector(3, 0)]) == "integer-overflow"
    assert run(graph, [vector(1, -1)])[0].tolist() == [1, -1]
    high = built(lambda b, x: b.fixed_power(x, exponent=63), Type("int", (2,)))
    assert run(high, [vector(0, -2)])[0].tolist() == [0, -(2**63)]
    assert code_of(high, [vector(0, 2)]) == "integer-overflow"


def test_terms_that_cancel_do_not_hide_an_overflow() -> None:
    """(2^62 - 256)·2^62 - 2^62·2^62 = -2^70; as floats it is 0, and modulo 2^64 too."""
    x, y = np.array([[2**62 - 256, -(2**62)]]), np.array([[2**62], [2**62]])
    assert code_of(built(lambda b, x, y: b.matmul(x, y), type_of(x), type_of(y)), [x, y]) == "integer-overflow"
    pattern = "ij,jk->ik"
    assert code_of(built(lambda b, x, y: b.einsum(x, y, pattern=pattern), type_of(x), type_of(y)), [x, y]) == (
        "integer-overflow"
    )


@pytest.mark.parametrize("op", ["floor_div", "mod"])
def test_one_int_divided_by_zero_stops_the_run(op: str) -> None:
    graph = built(lambda b, x, y: b.apply(op, x, y), Type("int", (3,)), Type("int", (3,)))
    assert code_of(graph, [vector(1, 2, 3), vector(1, 0, 3)]) == "integer-division-by-zero"


@pytest.mark.parametrize("i", [3, -4, 2**62])
def test_an_index_out_of_range_stops_the_run(i: int) -> None:
    graph = built(lambda b, x, i: b.take(x, b.index(i, size=3), axis=-1), Type("float", (3,)), Type("int", (2,)))
    assert code_of(graph, [np.zeros(3), vector(0, i)]) == "index-out-of-range"
    single = built(lambda b, x, i: b.take(x, b.index(i, size=3), axis=-1), Type("float", (3,)), INT)
    assert code_of(single, [np.zeros(3), np.int64(i)]) == "index-out-of-range"


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin"])
def test_an_extremum_of_nothing_stops_the_run(name: str) -> None:
    graph = built(lambda b, x: b.apply(name, x, axes=(-1,), keepdims=False), Type("float", (2, "n")))
    assert code_of(graph, [np.zeros((2, 0))]) == "empty-reduction"
    assert run(graph, [np.zeros((2, 1))])[0].shape == (2,)
    none_of_them = built(lambda b, x: b.apply(name, x, axes=(-1,), keepdims=False), Type("float", (0, 3)))
    assert run(none_of_them, [np.zeros((0, 3))])[0].shape == (0,)


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    ("make", "a"),
    [
        pytest.param(lambda b, a: b.solve(a, a), SINGULAR, id="solve"),
        pytest.param(lambda b, a: b.inv(a), np.zeros((2, 2)), id="inv"),
        pytest.param(lambda b, a: b.cholesky(a), np.array([[1.0, 2.0], [2.0, 1.0]]), id="cholesky"),
        pytest.param(lambda b, a: b.inv(a), np.stack((np.eye(2), SINGULAR)), id="one inv of many"),
    ],
)
def test_a_matrix_that_does_not_fit_stops_the_run(make: Callable[[Builder, int], int], a: Array) -> None:
    assert code_of(built(make, type_of(a)), [a]) == "not-invertible"


def test_a_singular_matrix_has_a_determinant_with_derivatives() -> None:
    graph = built(lambda b, a: b.det(a), Type("float", (2, 2)))
    value, first = run(graph, [SINGULAR])[0], run(derived(graph), [SINGULAR])[0]
    assert abs(value) < 1e-15
    assert np.allclose(first, [[4, -2], [-2, 1]], rtol=1e-14)
    w = weights((2, 2))
    second = run(derived(pulled(derived(graph))), [SINGULAR])[0]
    assert np.allclose(second, [[w[1, 1], -w[1, 0]], [-w[0, 1], w[0, 0]]], rtol=1e-14)


@pytest.mark.parametrize("name", ["det", "logdet", "inv"])
@pytest.mark.parametrize("hole", [NAN, INF])
def test_a_matrix_with_a_hole_has_a_value_and_derivatives_and_stops_nothing(name: str, hole: float) -> None:
    a = np.array([[[hole, 1.0], [2.0, 3.0]], [[2.0, 1.0], [1.0, 2.0]]])
    graph = built(lambda b, a: total(b, b.apply(name, a)), type_of(a))
    whole = built(lambda b, a: total(b, b.apply(name, a)), Type("float", (2, 2)))
    for _ in range(2):
        graph, whole = derived(graph), derived(whole)
        (found,), (wanted,) = run(graph, [a]), run(whole, [a[1]])
        assert np.allclose(found[1], wanted, rtol=1e-14)
        assert not np.isfinite(found[0]).all() or hole == INF
        graph, whole = pulled(graph, squares=True), pulled(whole, squares=True)


def test_sizes_that_only_the_run_knows_are_compared_by_the_run() -> None:
    x, y = Type("float", ("n", "k")), Type("float", ("m",))
    reshape = built(lambda b, x, y: b.reshape(x, shape=("m", 2)), x, y)
    assert run(reshape, [np.zeros((3, 4)), np.zeros(6)])[0].shape == (6, 2)
    assert code_of(reshape, [np.zeros((3, 4)), np.zeros(5)]) == "sizes-differ"
    match = built(lambda b, x, y: b.match(x, shape=("m", "m")), x, y)
    assert run(match, [np.zeros((3, 3)), np.zeros(3)])[0].shape == (3, 3)
    assert code_of(match, [np.zeros((3, 4)), np.zeros(3)]) == "sizes-differ"
    shorter = built(lambda b, x: b.slice(x, starts=(1,), steps=(1,), sizes=(sizes.sub("m", 1),)), y)
    assert run(shorter, [np.zeros(1)])[0].shape == (0,)
    assert code_of(shorter, [np.zeros(0)]) == "negative-size-run"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda b, x, y: b.add(x, y), "shapes-differ", id="two names"),
        pytest.param(lambda b, x, y: b.add(x, constant(b, np.zeros(3))), "shapes-differ", id="a name and a number"),
        pytest.param(
            lambda b, x, y: b.add(
                b.slice(x, starts=(0,), steps=(1,), sizes=(sizes.mul(sizes.floor_div("n", 2), 2),)), x
            ),
            "sizes-undecided",
            id="sizes that depend on values",
        ),
        pytest.param(lambda b, x, y: b.reshape(x, shape=("m",)), "reshape-size", id="reshape to another name"),
        pytest.param(lambda b, x, y: b.stack(x, y, axis=-1), "stack-shapes", id="stack"),
        pytest.param(lambda b, x, y: b.concat(x, b.const(1.0), axis=-1), "concat-rank", id="concat"),
        pytest.param(lambda b, x, y: b.expand(x, shape=("m",)), "not-broadcastable", id="expand"),
        pytest.param(
            lambda b, x, y: b.matmul(constant(b, np.zeros((2, 3))), constant(b, np.zeros((2, 3)))),
            "inner-sizes",
            id="matmul",
        ),
        pytest.param(lambda b, x, y: b.inv(constant(b, np.zeros((2, 3)))), "not-square", id="inv"),
        pytest.param(lambda b, x, y: b.det(x), "matrix-expected", id="det"),
        pytest.param(
            lambda b, x, y: b.solve(constant(b, np.eye(2)), constant(b, np.zeros((3, 1)))), "solve-sizes", id="solve"
        ),
        pytest.param(lambda b, x, y: b.einsum(x, y, pattern="i,i->"), "einsum-sizes", id="einsum"),
        pytest.param(lambda b, x, y: b.squeeze(x, axes=(-1,)), "squeeze-size", id="squeeze"),
        pytest.param(lambda b, x, y: b.any(x, **LAST), "not-a-bool", id="any"),
        pytest.param(lambda b, x, y: b.index(x, size=3), "index-not-an-int", id="index"),
        pytest.param(
            lambda b, x, y: b.windows(constant(b, np.zeros(3)), sizes=(2,), strides=(1,), dilations=(3,)),
            "window-too-large",
            id="windows",
        ),
    ],
)
def test_types_that_do_not_fit_are_refused_before_a_run(make: Callable[..., int], code: str) -> None:
    b = Builder()
    with pytest.raises(TypeMismatch) as e:
        make(b, b.input(Type("float", ("n",))), b.input(Type("float", ("m",))))
    assert e.value.code == code


MILLION = 1_000_000
TOO_LARGE: dict[str, Callable[[Builder, int], int]] = {
    "expand": lambda b, x: b.expand(b.reshape(x, shape=()), shape=(MILLION, MILLION)),
    "const": lambda b, x: b.const(0.0, Type("float", (MILLION, MILLION))),
    "pad": lambda b, x: b.pad(x, starts=(0,), steps=(1,), sizes=(MILLION**2,)),
    "arange": lambda b, x: b.arange(size=MILLION**2),
    "add_at": lambda b, x: added_at(b, x, b.const((0,), Type("int", (1,))), axis=-1, size=MILLION**2),
    "uniform": lambda b, x: b.uniform(b.const(1), shape=(MILLION, MILLION), name="x"),
    "broadcasting": lambda b, x: b.add(
        b.expand(x, shape=(MILLION,)), b.expand_dims(b.expand(x, shape=(MILLION,)), axes=(-1,))
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_memory_is_checked_before_it_is_taken(name: str) -> None:
    graph = built(TOO_LARGE[name], Type("float", (1,)))
    tracemalloc.start()
    try:
        assert code_of(graph, [np.zeros(1)], max_memory=2**30) == "too-large"
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_what_nobody_reads_any_more_makes_room() -> None:
    """Ten values of 8 000 bytes one after the other need the room of two."""

    def chain(b: Builder, x: int) -> int:
        for _ in range(10):
            x = int(b.sin(x))
        return x

    graph = built(chain, Type("float", (1000,)))
    x = np.linspace(0, 1, 1000)
    assert ArrayExecutor(graph, max_memory=16_000).forward([x])[graph.outputs[0]].shape == (1000,)
    assert code_of(graph, [x], max_memory=15_999) == "too-large"


# ---- named sizes


SIZED: dict[str, Callable[[Builder, int, int, Size, Size], int]] = {
    "broadcasting": lambda b, x, v, n, k: b.mul(x, v),
    "expand": lambda b, x, v, n, k: b.mul(b.expand(b.sin(v), shape=(n, k)), x),
    "reshape": lambda b, x, v, n, k: b.cumsum(b.sin(b.reshape(x, shape=(sizes.mul(n, k),)))),
    "slice": lambda b, x, v, n, k: b.sin(b.slice(v, starts=(1,), steps=(1,), sizes=(sizes.sub(k, 1),))),
    "reverse": lambda b, x, v, n, k: b.mul(b.slice(x, starts=(sizes.sub(k, 1),), steps=(-1,), sizes=(k,)), x),
    "pad": lambda b, x, v, n, k: b.cos(b.pad(x, starts=(1,), steps=(1,), sizes=(sizes.add(k, 3),))),
    "concat": lambda b, x, v, n, k: b.exp(b.concat(x, b.sin(x), axis=-2)),
    "stack": lambda b, x, v, n, k: b.exp(b.stack(x, b.expand(v, shape=(n, k)), axis=-1)),
    "take": lambda b, x, v, n, k: b.exp(b.take(x, b.index(constant(b, vector(0, -1, 1)), size=k), axis=-1)),
    "sort": lambda b, x, v, n, k: b.mul(b.take(v, b.argsort(v), axis=-1), b.arange(size=k)),
    "add_at": lambda b, x, v, n, k: b.sin(added_at(b, v, b.mod(b.arange(size=k), b.const(2)), axis=-1, size=k)),
    "mean": lambda b, x, v, n, k: b.sin(b.mean(x, axes=(-2, -1), keepdims=False)),
    "prod": lambda b, x, v, n, k: b.prod(x, axes=(-2,), keepdims=True),
    "products_of_others": lambda b, x, v, n, k: b.products_of_others(x),
    "max": lambda b, x, v, n, k: b.fixed_power(b.amax(x, **LAST), exponent=3),
    "logsumexp": lambda b, x, v, n, k: b.logsumexp(x, **LAST),
    "norm": lambda b, x, v, n, k: b.norm(x, axes=(-2,), keepdims=True),
    "matmul": lambda b, x, v, n, k: b.sin(b.matmul(x, b.expand_dims(v, axes=(-1,)))),
    "einsum": lambda b, x, v, n, k: b.sin(b.einsum(x, x, v, pattern="ij,kj,j->ik")),
    "solve": lambda b, x, v, n, k: b.solve(gram(b, x, n), x),
    "det": lambda b, x, v, n, k: b.det(gram(b, x, n)),
    "cholesky": lambda b, x, v, n, k: b.cholesky(gram(b, x, n)),
    "windows": lambda b, x, v, n, k: b.sin(b.windows(x, sizes=(2,), strides=(1,), dilations=(1,))),
    "size": lambda b, x, v, n, k: b.div(b.mul(b.sin(x), b.size(size=k)), b.sqrt(b.size(size=sizes.add(n, 1)))),
    "where": lambda b, x, v, n, k: b.where(b.gt(x, 0.0), b.log(x), v),
}


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize(("n", "k"), [(3, 4), (1, 2), (2, 3), (0, 2)])
def test_named_sizes_give_what_numbers_give(name: str, n: int, k: int) -> None:
    """Value, gradient and second derivative to the last bit; also where a name turns out to be 1 or 0."""
    xs = [weights((n, k)), weights((k,)) + 0.25]

    def make(rows: Size, columns: Size) -> Graph:
        x, v = Type("float", (rows, columns)), Type("float", (columns,))
        return built(lambda b, x, v: total(b, SIZED[name](b, x, v, rows, columns)), x, v)

    named, numeric = make("n", "k"), make(n, k)
    for order in range(3):
        found, wanted = run(named, xs), run(numeric, xs)
        for f, w in zip(found, wanted, strict=True):
            assert (f.shape, f.dtype) == (w.shape, w.dtype)
            assert np.array_equal(f, w, equal_nan=True)
        if order < 2:
            named, numeric = (derived(pulled(g, squares=True) if order else g) for g in (named, numeric))
