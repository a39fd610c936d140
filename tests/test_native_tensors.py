"""Whole tensor graphs as machine code: values of the reference, to a few ulp of the largest element, and its errors."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor
from hypothesis import given, settings
from native_tensors import differs, machine_code, native, outputs_of
from tensor_harness import built, type_of
from test_random_tensors import Recipe, derived, grown, recipes, seeds
from test_tensor_ops import CASES, Case, graph_of

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.types import Type
from cgcli.loop_nests.form import Apply, statements
from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Limits
from cgcli.optimise.driver import optimise
from cgcli.run.backends import compile_graph, is_machine_code
from cgcli.run.native import blas, choice
from cgcli.run.native.executor import NativeGraph
from cgcli.run.native.llvm import calls_of, llvm_module
from cgcli.run.numpy.reference import array_interpreter

pytestmark = native
SIZES = {"n": 5, "m": 9, "k": 20, "b": 3, "z": 0, "o": 1}
Make = Callable[..., int | list[int]]


def numbers(shape: Sequence[Any], dtype: str, seed: int = 0) -> Any:
    shape = tuple(SIZES.get(n, n) for n in shape)
    return (np.random.default_rng(seed).normal(size=shape) * 3).astype(DTYPES[dtype])


def routines(make: Make, *shapes: Sequence[Any], dtypes: Sequence[str] = ()) -> list[str]:
    """Compares a graph with the reference; the routines that its nest calls."""
    dtypes = dtypes or ["float"] * len(shapes)
    graph = built(make, *(Type(dtype, tuple(shape)) for dtype, shape in zip(dtypes, shapes, strict=True)))
    xs = [numbers(shape, dtype, k) for k, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True))]
    run = machine_code(graph)
    problem = differs(graph, run, xs, SIZES)
    assert not problem, f"{problem}\n{graph}"
    return [call.routine for call in calls_of(run.nest)]


def turned(b: Builder, x: int) -> int:
    return int(b.permute(x, axes=(-1, -2)))


# ---- matrix products


@pytest.mark.parametrize("inner", ["o", "k", "z", 1, 30])
@pytest.mark.parametrize("dtype", ["float", "f32"])
def test_products_of_every_layout(inner: Any, dtype: str) -> None:
    """Eight of them a graph, each a product of its own: to compile takes longer than to run."""
    for rows, columns in itertools.product(("o", "n", "z", 1, 30), repeat=2):

        def make(b: Builder, x: int, x_turned: int, y: int, y_turned: int) -> list[int]:
            pairs = list(itertools.product((x, turned(b, x_turned)), (y, turned(b, y_turned))))
            return [b.matmul(*pair) for pair in pairs] + [turned(b, b.matmul(*pair)) for pair in pairs]

        routines(make, (rows, inner), (inner, rows), (inner, columns), (columns, inner), dtypes=[dtype] * 4)


@pytest.mark.parametrize(
    ("pattern", "shapes", "products"),
    [
        ("ij,jk->ik", (("n", "k"), ("k", "m")), 1),
        ("ij,kj->ki", (("n", "k"), ("m", "k")), 1),
        ("bqhd,bkhd->bhqk", (("b", "n", 4, 6), ("b", "m", 4, 6)), 1),
        ("bhqk,bkhd->bqhd", (("b", 4, "n", "m"), ("b", "m", 4, 6)), 1),
        ("ijk,jkl->il", (("n", 3, "m"), (3, "m", "k")), 1),
        ("ijk,kjl->il", (("n", 3, "m"), ("m", 3, "k")), 1),
        ("kij,knj->kni", ((25, 10, 10), (25, 100, 10)), 1),
        ("kni,knj->kij", ((25, 100, 10), (25, 100, 10)), 1),
        ("ijl,jk->ik", (("n", "k", 4), ("k", "m")), 0),
        ("bi,bi->b", (("b", "k"), ("b", "k")), 0),
        ("ij,j->i", (("n", "k"), ("k",)), 1),
        ("ij->j", (("n", "m"),), 0),
    ],
)
def test_einsums(pattern: str, shapes: Any, products: int) -> None:
    for dtype in ("float", "f32", "int"):
        called = routines(lambda b, *xs: b.einsum(*xs, pattern=pattern), *shapes, dtypes=[dtype] * len(shapes))
        assert called == ["product"] * (products if dtype != "int" else 0)


def test_products_of_three_are_numpys() -> None:
    shapes = ("n", "k"), ("m", "k"), ("m",)
    assert routines(lambda b, *xs: b.einsum(*xs, pattern="ik,jk,j->ij"), *shapes) == ["op:einsum"]


def test_one_whose_result_lies_otherwise_is_numpys() -> None:
    called = routines(lambda b, x, y: b.einsum(x, y, pattern="bik,bkj->ijb"), ("b", "n", "k"), ("b", "k", "m"))
    assert called == ["op:einsum"]


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda b, x, y: b.matmul(b.slice(x, starts=(1, 2), steps=(1, 1), sizes=(4, 20)), y), (("n", 30), (20, "m"))),
        (lambda b, x, y: b.matmul(b.slice(x, starts=(4, 2), steps=(-1, 1), sizes=(4, 20)), y), (("n", 30), (20, "m"))),
        (lambda b, x, y: b.matmul(b.slice(x, starts=(0, 2), steps=(2, 3), sizes=(2, 9)), y), (("n", 30), (9, "m"))),
        (lambda b, x, y: b.matmul(b.expand(x, shape=("n", 30)), y), ((30,), (30, "m"))),
        (lambda b, x, y: b.matmul(b.exp(x), y), (("n", 30), (30, "m"))),
        (lambda b, x, y: b.matmul(b.reshape(x, shape=("b", "n", 4, 30)), y), (("b", "n", 120), (30, "m"))),
        (
            lambda b, x, y: b.matmul(b.permute(b.reshape(x, shape=("b", "n", 4, 30)), axes=(-4, -2, -3, -1)), y),
            (("b", "n", 120), ("b", 4, 30, "m")),
        ),
        (lambda b, x, y: b.matmul(x, b.windows(y, sizes=(20,), strides=(1,), dilations=(1,))), (("n", 8), (27,))),
        (lambda b, x, y: b.matmul(b.expand_dims(x, axes=(-2,)), y), (("n", 30), (30, "m"))),
        (lambda b, x, y: b.matmul(x, b.const(tuple(range(60)), Type("float", (30, 2)))), (("n", 30), (2,))),
        (lambda b, x, y: b.matmul(x, y), (("b", "n", "k"), ("k", "m"))),
        (lambda b, x, y: b.matmul(x, y), (("n", "k"), ("b", "k", "m"))),
        (lambda b, x, y: b.matmul(x, y), (("b", 1, "n", "k"), (4, "k", "m"))),
    ],
)
def test_operands_that_are_views(make: Make, shapes: Any) -> None:
    assert routines(make, *shapes) == ["product"]


def test_operands_of_two_types() -> None:
    assert routines(lambda b, x, y: b.matmul(x, y), ("n", "k"), ("k", "m"), dtypes=["f32", "float"]) == ["product"]


def test_products_of_small_matrices_are_written_out() -> None:
    assert routines(lambda b, x, y: b.matmul(x, y), ("n", 4, 4), ("n", 4, 4)) == []


def test_a_product_in_front_of_one_that_reads_it() -> None:
    def make(b: Builder, x: int, y: int) -> int:
        z = b.matmul(x, y)
        return int(b.matmul(b.tanh(z), turned(b, z)))

    assert routines(make, ("n", "k"), ("k", "m")) == ["product", "product"]


# ---- every op, random graphs


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_tensor_op(case: Case) -> None:
    graph = graph_of(case.op, [type_of(x) for x in case.xs], case.at)
    run = machine_code(graph)
    apart = [np.stack([x, x], axis=-1)[..., 0] for x in case.xs]
    for xs in (case.xs, [np.array(x, order="F") for x in case.xs], apart):
        problem = differs(graph, run, xs, {}, 1e3)
        assert not problem, f"{problem}\n{graph}"


@settings(max_examples=20, deadline=None)
@given(recipes, seeds)
def test_random_tensors_and_their_gradients(recipe: Recipe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=shape) for shape in recipe[:2]]
    graph = grown(recipe)
    for stage in (optimise(graph), optimise(derived(graph))):
        problem = differs(stage, machine_code(stage), xs, {}, 1e6)
        assert not problem, f"{problem}\n{stage}"


# ---- what stops a run, and what it may take


def messages(graph: Any, xs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> tuple[str, str]:
    """What machine code and the reference say."""
    said = []
    for run in (NativeGraph(graph, lambda: array_interpreter(graph)), array_interpreter(graph)):
        with pytest.raises(CgError) as caught:
            run(xs, sizes)
        said.append(str(caught.value))
    return said[0], said[1]


@pytest.mark.parametrize("op", ["inv", "cholesky"])
def test_an_op_that_stops_says_what_the_reference_says(op: str) -> None:
    graph = built(lambda b, x: b.mul(b.apply(op, b.mul(x, 2.0)), 3.0), Type("float", ("n", "n")))
    ours, its = messages(graph, [-np.ones((3, 3))])
    assert ours == its


def test_ints_that_overflow_in_a_product() -> None:
    graph = built(lambda b, x, y: b.matmul(x, y), *[Type("int", ("n", "n"))] * 2)
    ours, its = messages(graph, [np.full((3, 3), 2**40)] * 2)
    assert ours == its


def test_a_run_that_takes_too_much_memory() -> None:
    graph = built(lambda b, x: b.sum(b.matmul(x, turned(b, x)), axes=(-1, -2), keepdims=False), Type("float", ("n", 3)))
    limits = Limits(10**6, None)
    x = np.ones((3000, 3))
    said = []
    for run in (NativeGraph(graph, lambda: array_interpreter(graph, limits), limits), array_interpreter(graph, limits)):
        with pytest.raises(CgError) as caught:
            run([x])
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_an_interrupt_within_an_op(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = built(lambda b, x: b.cofactor(b.mul(x, 2.0)), Type("float", (3, 3)))
    run = machine_code(graph)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(run._routines._ops[0]), "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run([np.eye(3)])


def test_runs_at_the_same_time() -> None:
    graph = built(lambda b, x: b.inv(b.add(b.matmul(x, turned(b, x)), 1.0)), Type("float", (20, 20)))
    run, reference = machine_code(graph), ArrayExecutor(graph)
    xs = [numbers((20, 20), "float", seed) + 20 * np.eye(20) for seed in range(4)]
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        for _ in range(50):
            (results[k],) = run([xs[k]])

    threads = [threading.Thread(target=work, args=[k]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, x in enumerate(xs):
        (wanted,) = outputs_of(graph, reference.forward([x]))
        assert np.allclose(results[k], wanted, rtol=1e-12, atol=1e-12)


def test_named_sizes_compile_nothing_again() -> None:
    graph = built(lambda b, x, y: b.tanh(b.matmul(x, y)), Type("float", ("n", "k")), Type("float", ("k", "m")))
    run = machine_code(graph)
    for n, k, m in ((1, 1, 1), (0, 3, 2), (7, 0, 3), (33, 17, 65), (2, 100, 1)):
        xs = [np.random.default_rng(n).normal(size=shape) for shape in ((n, k), (k, m))]
        assert not differs(graph, run, xs, {"n": n, "k": k, "m": m})


# ---- BLAS


def test_blas_has_one_thread_while_nests_run_and_its_own_again_then() -> None:
    functions = blas.blas().threads
    if functions is None:
        pytest.skip("a BLAS whose threads cannot be counted")
    get, _ = functions
    before = get()
    with blas.one_thread():
        with blas.one_thread():
            assert get() == 1
        assert get() == 1
    assert get() == before


def test_scipys_blas_serves_where_numpys_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_address", lambda library, name: 0)
    blas.blas.cache_clear()
    try:
        assert blas.blas().ints == blas.LARGEST_INT
        routines(lambda b, x, y: b.matmul(x, y), ("n", "k"), ("k", "m"))
        routines(lambda b, x, y: b.matmul(x, y), ("n", "k"), ("k", 1))
    finally:
        blas.blas.cache_clear()


def test_blas_with_small_ints_is_not_handed_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = built(lambda b, x, y: b.matmul(x, y), Type("float", ("n", "k")), Type("float", ("k", "m")))
    small = blas.blas()._replace(ints=1000)
    monkeypatch.setattr("cgcli.run.native.executor.blas", lambda: small)
    stopped: list[bool] = []

    def fallback() -> Any:
        stopped.append(True)
        return array_interpreter(graph)

    run = NativeGraph(graph, fallback)
    run([np.ones((9, 9))] * 2)
    assert not stopped
    run([np.ones((99, 99))] * 2)
    assert stopped


# ---- what is stored


def test_what_a_run_returns_is_never_written_again() -> None:
    graph = built(lambda b, x: b.matmul(x, x), Type("float", (30, 30)))
    run = machine_code(graph)
    (first,) = run([np.eye(30)])
    run([2 * np.eye(30)])
    assert np.array_equal(first, np.eye(30))


def functions_in(make: Make, *types: Type) -> int:
    nest = machine_code(built(make, *types)).nest
    return sum(isinstance(s, Apply) and s.primitive in FUNCTIONS for s in statements(nest.body))


def test_a_function_that_two_read_is_computed_once() -> None:
    def make(b: Builder, x: int) -> int:
        y = b.exp(x)
        return int(b.matmul(b.mul(y, 2.0), turned(b, b.sub(y, 1.0))))

    assert functions_in(make, Type("float", ("n", 40))) == 1


def test_an_output_that_others_read_is_computed_once() -> None:
    b = Builder()
    x = b.input(Type("float", ("n", "m")))
    y = b.exp(x)
    graph = b.done(y, b.sum(y, axes=(-1,), keepdims=False))
    run = machine_code(graph)
    assert sum(isinstance(s, Apply) and s.primitive in FUNCTIONS for s in statements(run.nest.body)) == 1
    assert not differs(graph, run, [numbers(("n", "m"), "float")], SIZES)


@pytest.mark.parametrize("dtype", ["float", "f32"])
@pytest.mark.parametrize("columns", [3, 10, "m"])
def test_a_softmax_and_a_layer_norm(dtype: str, columns: Any) -> None:
    def make(b: Builder, x: int) -> int:
        e = b.exp(b.sub(x, b.amax(x, axes=(-1,), keepdims=True)))
        p = b.div(e, b.sum(e, axes=(-1,), keepdims=True))
        centred = b.sub(p, b.mean(p, axes=(-1,), keepdims=True))
        spread = b.mean(b.mul(centred, centred), axes=(-1,), keepdims=True)
        return int(b.div(centred, b.sqrt(b.add(spread, 1e-5))))

    assert routines(make, ("n", columns), dtypes=[dtype]) == []


def test_few_elements_of_a_special_function_and_many() -> None:
    for n in (3, 300):
        graph = built(lambda b, x: b.lgamma(b.add(b.mul(x, x), 0.5)), Type("float", ("n",)))
        run = machine_code(graph)
        for seed in (1, 1, 2):
            assert not differs(graph, run, [np.random.default_rng(seed).normal(size=n)], {"n": n})


def test_a_graph_that_has_computed_many_elements_becomes_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Builder()
    x = b.input(Type("float", ("n", 4)))
    graph = b.done(b.sum(b.mul(x, x), axes=(-1,), keepdims=False))
    monkeypatch.setattr(choice, "MANY_ELEMENTS", 3 * 50)
    run, inputs = compile_graph(graph), [np.ones((10, 4))]
    by = []
    for _ in range(7):
        assert list(run(inputs)[0]) == [4.0] * 10
        by.append(is_machine_code(run._planned))  # type: ignore[attr-defined]
    assert by == [False] * 5 + [True] * 2
    few = compile_graph(graph)
    for _ in range(9):
        few([np.ones((1, 4))])
    assert not is_machine_code(few._planned)  # type: ignore[attr-defined]


def test_an_interrupt_ends_a_run_between_products() -> None:
    b = Builder()
    x = y = b.input(Type("float", ("n", "n")))
    for _ in range(6):
        y = b.matmul(y, x)
    text = llvm_module(machine_code(b.done(y)).nest)
    assert text.count("load volatile i64, ptr %controls") >= 6
