"""Every elementwise op on tensors is the op on numbers, element by element: value, derivatives, broadcasting, edges.

What the op is on numbers, `test_registry` and `test_floats` compare with mpmath. Here both executors meet.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from executors import ScalarExecutor
from tensor_harness import derived, floats_of, run, type_of, weights
from tensor_oracle import Array

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op
from cgcli.ops.table import OPS
from cgcli.ops.typing import one

INF, NAN = math.inf, math.nan
HUGE, TINY = 1.7976931348623157e308, 5e-324
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.0, 1e-300, TINY, -HUGE, INF, -INF, NAN)
WHOLE_EDGES = (0, 1, -1, 2, -3, 7, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63))
OTHERS = ("input", "const", "index", "assert")  # of an assert, a false operand stops the run: tests/test_loops.py
ELEMENTWISE = [op for op in OPS.values() if op.is_elementwise and op.name not in OTHERS]
EXACT = (
    "add sub mul div floor_div mod neg lt le gt ge eq ne and or not abs sign floor ceil round max min relu where copy "
    "cast stop_gradient sqrt"
).split()
SPECIAL = "erf erfc lgamma digamma polygamma".split()
WHOLE = "add sub mul neg abs floor_div mod max min sign floor ceil round relu fixed_power".split()
SHAPES = [
    ((3, 1), (1, 4)),
    ((), (3,)),
    ((2, 3), (3,)),
    ((0, 3), (3,)),
    ((2, 1), (2, 3)),
    ((1,), (0,)),
    ((1, 1), ()),
    ((2, 3), (2, 3)),
]
every_op = pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)


# ---- the same graph over numbers and over tensors


def dtypes_of(op: Op) -> tuple[str, ...]:
    """The dtype of each operand, as the examples have them."""
    columns = itertools.zip_longest(
        *op.examples.operands, fillvalue=True
    )  # `max` has examples of two and of three operands
    kinds = [{type(x) for x in column} for column in columns]
    return tuple("float" if float in k else "int" if int in k else "bool" for k in kinds)


def graph_of(op: Op, types: Sequence[Type], order: int = 0) -> Graph:
    """The op's result times a last input; of order 1 its derivatives by all floats, of order 2 those of their sum."""
    b = Builder()
    y = b.apply(op.name, *[b.input(t) for t in types], **op.examples.attrs)
    t = b.type1(y)
    graph = b.done(b.mul(b.input(Type("float", t.shape)), y) if t.is_float else y)
    if order >= 1:
        graph = derived(graph)
    if order == 2:
        b = Builder()
        where = b.inline(graph, [b.input(one(graph.type_of(i))) for i in graph.inputs])
        y = where[graph.outputs[0]]
        for i in graph.outputs[1:]:
            y = b.add(y, where[i])
        graph = derived(b.done(y))
    return graph


def scalar(t: Type) -> Type:
    return t._replace(shape=())


def by_numbers(graph: Graph, xs: Sequence[Array]) -> list[Array]:
    """The outputs of a graph over numbers, at each place of arrays that broadcast."""
    executor = ScalarExecutor(graph)
    together = np.broadcast_arrays(*xs)
    made = [np.empty(together[0].shape, dtype=DTYPES[one(graph.type_of(i)).dtype]) for i in graph.outputs]
    for place in np.ndindex(*together[0].shape):
        v = executor.forward([x[place].item() for x in together])
        for array, i in zip(made, graph.outputs, strict=True):
            array[place] = v[i]
    return made


def gathered(x: Array, shape: Sequence[int]) -> Array:
    """The copies that broadcasting from `shape` made, added up."""
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    return np.asarray(x.sum(axis=tuple(k for k, n in enumerate(shape) if n == 1 and x.shape[k] != 1), keepdims=True))


def close(op: Op, found: Array, wanted: Array, units: int = 2, size: Any = None) -> None:
    """Equal in arithmetic, else within units in the last place (of max(1, |value|) for the special functions).

    size: of what the rounding is a share, where that is not the value itself.
    """
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if found.dtype.kind != "f" or (op.name in EXACT and size is None):
        assert np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f")
        return
    finite = np.isfinite(wanted)
    assert np.array_equal(found[~finite], wanted[~finite], equal_nan=True)
    share = np.abs(wanted) if size is None else size
    if op.name in SPECIAL:
        share, units = np.maximum(share, 1.0), 4 * units
    eps = np.finfo(found.dtype).eps
    smallest = np.finfo(found.dtype).smallest_subnormal
    with np.errstate(all="ignore"):
        assert (np.abs(found - wanted) <= units * (eps * share + smallest))[finite].all()


def values(op: Op, k: int, shape: Sequence[int]) -> Array:
    """Operand `k` of the examples, in turn."""
    column = [xs[k] for xs in op.examples.operands if len(xs) > k]
    dtype = DTYPES[dtypes_of(op)[k]]
    return np.resize(np.roll(np.array(column, dtype=dtype), k), shape) if math.prod(shape) else np.empty(shape, dtype)


def arrangements(count: int) -> list[tuple[tuple[int, ...], ...]]:
    """Shapes of `count` operands that broadcast, each in every place."""
    found = []
    for pair in SHAPES:
        shapes = (*pair, ())[:count] if count != 1 else (pair[0],)
        found += list(dict.fromkeys(itertools.permutations(shapes)))
    return list(dict.fromkeys(found))


# ---- value and derivatives


@every_op
def test_broadcasting_is_that_of_numbers(op: Op) -> None:
    dtypes = dtypes_of(op)
    numbers = graph_of(op, [Type(d) for d in dtypes])
    slopes = graph_of(op, [Type(d) for d in dtypes], 1) if floats_of(numbers) else None
    for shapes in arrangements(len(dtypes)):
        xs = [values(op, k, shape) for k, shape in enumerate(shapes)]
        graph = graph_of(op, [type_of(x) for x in xs])
        result = one(graph.type_of(graph.outputs[0]))
        assert result.shape == np.broadcast_shapes(*shapes)
        if result.is_float:
            xs.append(weights(result.shape))
        close(op, run(graph, xs)[0], by_numbers(numbers, xs)[0], 3)
        if result.is_float and slopes:
            by = [k for k, d in enumerate(dtypes) if d == "float"]
            found, wanted = run(derived(graph), xs), by_numbers(slopes, xs)
            for k, f, w in zip([*by, len(xs) - 1], found, wanted, strict=True):
                close(op, f, gathered(w, xs[k].shape), 32, gathered(np.abs(w), xs[k].shape))


@every_op
def test_edges_broadcast(op: Op) -> None:
    """Every edge against every edge: a derivative is nan where one of its copies is."""
    dtypes = dtypes_of(op)
    edges = {"float": EDGES, "int": (0, 1, 2), "bool": (False, True)}
    xs = [np.array(edges[d], dtype=DTYPES[d]) for d in dtypes]
    xs = [x.reshape([-1 if k == j else 1 for j in range(len(xs))]) for k, x in enumerate(xs)]
    graph = graph_of(op, [type_of(x) for x in xs])
    numbers = graph_of(op, [Type(d) for d in dtypes])
    result = one(graph.type_of(graph.outputs[0]))
    if result.is_float:
        xs.append(np.ones(result.shape))
    close(op, run(graph, xs)[0], by_numbers(numbers, xs)[0])
    if result.is_float and floats_of(graph):
        floats = [x for x in xs if x.dtype.kind == "f"]
        for x, f, w in zip(floats, run(derived(graph), xs), by_numbers(derived(numbers), xs), strict=True):
            with np.errstate(all="ignore"):
                close(op, f, gathered(w, x.shape), 64, gathered(np.maximum(1, np.abs(w)), x.shape))


def points(op: Op) -> list[Array]:
    """One array an operand: the examples, then edges with edges."""
    dtypes = dtypes_of(op)
    edges = {"float": EDGES if len(dtypes) < 3 else (0.0, 1.0, -INF, INF, NAN), "int": (0, 1, 2), "bool": (False, True)}
    rows = [xs for xs in op.examples.operands if len(xs) == len(dtypes)]
    rows += itertools.product(*(edges[d] for d in dtypes))
    return [np.array(column, dtype=DTYPES[d]) for d, column in zip(dtypes, zip(*rows, strict=True), strict=True)]


@every_op
@pytest.mark.parametrize("order", [0, 1, 2])
def test_at_examples_and_edges_tensors_give_what_numbers_give(op: Op, order: int) -> None:
    """Infinities, nan, zeros of both signs, ties: the value, and the derivatives of first and second order."""
    xs = points(op)
    types = [type_of(x) for x in xs]
    numbers = [scalar(t) for t in types]
    graph = graph_of(op, types)
    if one(graph.type_of(graph.outputs[0])).is_float:
        xs.append(np.ones(len(xs[0])))
    elif order:
        assert floats_of(graph) == [] or op.derivative.rules == ()
        return
    wanted = by_numbers(graph_of(op, numbers, order), xs)
    for f, w in zip(run(graph_of(op, types, order), xs), wanted, strict=True):
        close(op, f, w, **({} if order == 0 else {"units": 64, "size": np.maximum(1.0, np.abs(w))}))
        if order == 0 and f.dtype.kind == "f" and op.name not in ("max", "min", "relu"):  # of 0.0 and -0.0, either
            assert np.array_equal(np.signbit(f[f == 0]), np.signbit(w[f == 0]))


@every_op
def test_a_single_number_is_the_same_in_both_executors(op: Op) -> None:
    for xs in op.examples.operands:
        types = [type_of(np.asarray(x)) for x in xs]
        graph = graph_of(op, types)
        given = [np.asarray(x) for x in xs] + [np.asarray(0.5)] * (len(graph.inputs) - len(xs))
        found, wanted = run(graph, given)[0], by_numbers(graph, given)[0]
        close(op, found, wanted, 3)
        if floats_of(graph) and one(graph.type_of(graph.outputs[0])).is_float:
            made = derived(graph)
            for f, w in zip(run(made, given), by_numbers(made, given), strict=True):
                close(op, f, w, 64, np.abs(w))


@every_op
def test_single_precision(op: Op) -> None:
    """Numbers are computed in double precision and rounded, tensors in their own: a few units in the last place."""
    xs = [
        x.astype(np.float32) if x.dtype.kind == "f" else x for x in (values(op, k, (6,)) for k in range(arity_of(op)))
    ]
    types = [type_of(x) for x in xs]
    at = {"dtype": "f32"} if op.name == "cast" else op.examples.attrs
    b, b1 = Builder(), Builder()
    graph = b.done(b.apply(op.name, *[b.input(t) for t in types], **at))
    numbers = b1.done(b1.apply(op.name, *[b1.input(scalar(t)) for t in types], **at))
    close(op, run(graph, xs)[0], by_numbers(numbers, xs)[0], 4)
    if one(graph.type_of(graph.outputs[0])).is_float and floats_of(graph):
        made = derived(graph)
        for f, w in zip(run(made, xs), by_numbers(derived(numbers), xs), strict=True):
            assert f.dtype == np.float32
            close(op, f, w.astype(np.float32), 32, np.maximum(1, np.abs(w)))


def arity_of(op: Op) -> int:
    return len(dtypes_of(op))


# ---- dtypes that meet


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "max", "power", "floor_div", "mod", "hypot", "where"])
@pytest.mark.parametrize("dtypes", list(itertools.permutations(("float", "f32", "int", "i32", "bool"), 2)), ids=str)
def test_two_dtypes_meet_in_the_type_that_the_rule_says(name: str, dtypes: tuple[str, str]) -> None:
    xs = [np.array([[1], [3]]).astype(DTYPES[dtypes[0]]), np.array([1, 2, 3]).astype(DTYPES[dtypes[1]])]
    if name == "where":
        xs.insert(0, np.array([True, False, True]))
    types = [type_of(x) for x in xs]
    b = Builder()
    graph = b.done(b.apply(name, *[b.input(t) for t in types]))
    result = one(graph.type_of(graph.outputs[0]))
    numbers = Builder()
    scalars = numbers.done(numbers.apply(name, *[numbers.input(scalar(t)) for t in types]))
    assert result == one(scalars.type_of(scalars.outputs[0]))._replace(shape=(2, 3))
    (found,) = run(graph, xs)
    assert found.dtype == DTYPES[result.dtype]
    (wanted,) = by_numbers(scalars, xs)
    close(OPS[name], found, wanted, 3, np.abs(wanted) if found.dtype == np.float32 else None)


@pytest.mark.parametrize("dtype", ["float", "f32", "int", "i32"])
def test_a_literal_takes_on_the_dtype_of_what_it_meets(dtype: str) -> None:
    b = Builder()
    x = b.input(Type(dtype, (3,)))
    graph = b.done(b.add(b.mul(x, b.const(2)), b.const(1)))
    assert graph.type_of(graph.outputs[0]) == Type(dtype, (3,))
    (found,) = run(graph, [np.array([1, 2, 3], dtype=DTYPES[dtype])])
    assert (found.dtype, found.tolist()) == (DTYPES[dtype], [3, 5, 7])


# ---- ints


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("dtype", ["int", "i32"])
def test_ints_are_exact_or_the_run_stops_as_it_does_for_numbers(name: str, dtype: str) -> None:
    """Nothing wraps round, and no int goes through a float."""
    op = OPS[name]
    edges = [x for x in WHOLE_EDGES if np.iinfo(DTYPES[dtype]).min <= x <= np.iinfo(DTYPES[dtype]).max]
    edges += [2**31 - 1, 2**30]
    for xs in itertools.product(edges, repeat=1 if name == "fixed_power" else len(op.examples.operands[0])):
        outcomes = []
        for executor, shape in ((ScalarExecutor, ()), (None, (1,))):
            b = Builder()
            graph = b.done(b.apply(name, *[b.input(Type(dtype, shape)) for _ in xs], **op.examples.attrs))
            try:
                if executor:
                    outcomes.append(executor(graph).forward(list(xs))[graph.outputs[0]])
                else:
                    outcomes.append(run(graph, [np.array([x], dtype=DTYPES[dtype]) for x in xs])[0].item())
            except CgError as e:
                outcomes.append(e.diagnostics[0].code)
        assert outcomes[0] == outcomes[1], xs
        assert type(outcomes[0]) is type(outcomes[1])
