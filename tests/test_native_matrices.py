"""Linear algebra in machine code by NumPy's functions on matrices: its digits, its errors, no Python."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor
from native_tensors import differs, machine_code, native, outputs_of
from tensor_harness import built

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.op import Routine
from cgcli.ops.table import OPS, declare_all
from cgcli.optimise.driver import optimise
from cgcli.run.native import matrices
from cgcli.run.native.executor import NativeGraph
from cgcli.run.native.routines import _OpCall
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.gradient import gradient

pytestmark = native
declare_all()
NAMES = sorted(op.name for op in OPS.values() if isinstance(op.loops, Routine) and op.loops.matrices)
FAILING = [name for name in NAMES if OPS[name].effects.may_fail]
SIZES = [0, 1, 2, 3, 4, 5, 6, 30]


@pytest.fixture
def without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """An op that is called through Python fails."""

    def refused(self: Any, *_: Any) -> None:
        raise AssertionError(self.op.name)

    monkeypatch.setattr(_OpCall, "__call__", refused)


def matrix(n: int, dtype: str, front: tuple[int, ...] = (), seed: int = 0) -> Any:
    """Positive definite matrices."""
    x = np.random.default_rng(seed).normal(size=(*front, n, n))
    return (x @ np.swapaxes(x, -1, -2) + n * np.eye(n)).astype(DTYPES[dtype])


def operands(op: str, n: int, dtype: str, front: tuple[int, ...] = ()) -> list[Any]:
    right = np.random.default_rng(1).normal(size=(*front, n, 3)).astype(DTYPES[dtype])
    return [matrix(n, dtype, front), *([right] if op == "solve" else [])]


def graph_of(op: str, xs: Sequence[Any], dtypes: Sequence[str], names: bool = False) -> Graph:
    """names: whether the sizes of the matrix have one."""
    shapes = [tuple("n" if names and k >= x.ndim - 2 and n != 3 else n for k, n in enumerate(x.shape)) for x in xs]
    return built(lambda b, *xs: b.apply(op, *xs), *(Type(d, s) for d, s in zip(dtypes, shapes, strict=True)))


def says(graph: Graph, xs: Sequence[Any]) -> list[str]:
    """What machine code and the reference say of what stops them."""
    said = []
    for run in (NativeGraph(graph, lambda: array_interpreter(graph)), array_interpreter(graph)):
        with pytest.raises(CgError) as caught:
            run(xs, {})
        said.append(str(caught.value))
    return said


def test_which_ops_are_functions_on_matrices() -> None:
    assert NAMES == ["cholesky", "det", "inv", "logdet", "solve"]
    assert FAILING == ["cholesky", "inv", "solve"]


@pytest.mark.usefixtures("without_python")
@pytest.mark.parametrize("dtype", ["float", "f32"])
@pytest.mark.parametrize("op", NAMES)
def test_digits_of_numpy_without_python(op: str, dtype: str) -> None:
    for n in SIZES:
        for front in ((), (4,), (2, 3), (0,)) if n < 30 else ((),):
            xs = operands(op, n, dtype, front)
            graph = graph_of(op, xs, [dtype] * len(xs))
            assert not differs(graph, machine_code(graph), xs, {}, 0), (n, front)


@pytest.mark.usefixtures("without_python")
@pytest.mark.parametrize("op", NAMES)
def test_sizes_with_names(op: str) -> None:
    run = None
    for n in (0, 1, 2, 7):
        xs = operands(op, n, "float", (2,))
        graph = graph_of(op, xs, ["float"] * len(xs), names=True)
        run = run or machine_code(graph)
        assert not differs(graph, run, xs, {"n": n}, 0), n


@pytest.mark.usefixtures("without_python")
@pytest.mark.parametrize(("first", "second"), [((), (4,)), ((4,), ()), ((1,), (4,)), ((2, 3), (1, 1)), ((1, 1), (3,))])
def test_one_matrix_for_many(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    xs = [matrix(3, "float", first), np.random.default_rng(1).normal(size=(*second, 3, 2))]
    graph = graph_of("solve", xs, ["float"] * 2)
    assert not differs(graph, machine_code(graph), xs, {}, 0)


@pytest.mark.parametrize(
    ("shapes", "dtypes"),
    [
        (((2, 1, 3, 3), (1, 4, 3, 2)), ("float", "float")),
        (((3, 3), (3, 2)), ("f32", "float")),
        (((3, 3), (3, 2)), ("int", "int")),
    ],
)
def test_what_is_called_through_python(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str]) -> None:
    rng = np.random.default_rng(2)
    xs = [
        (rng.normal(size=s) * 5 + np.eye(*s[-2:]) * 20).astype(DTYPES[d]) for s, d in zip(shapes, dtypes, strict=True)
    ]
    graph = graph_of("solve", xs, dtypes)
    run = machine_code(graph)
    assert [op.address for op in run._routines._ops if op] == [0]
    assert not differs(graph, run, xs, {}, 0)


@pytest.mark.parametrize("op", NAMES)
@pytest.mark.parametrize("bad", ["singular", "negative", "nan", "inf", "one of many"])
def test_matrices_without_an_inverse(op: str, bad: str) -> None:
    xs = operands(op, 3, "float", (5,))
    x = {"nan": np.nan, "inf": np.inf}.get(bad)
    if x is not None:
        xs[0][3, 1, 1] = x
    elif bad == "one of many":
        xs[0][4] = 0.0
    else:
        xs[0][...] = 0.0 if bad == "singular" else -1.0
    graph = graph_of(op, xs, ["float"] * len(xs))
    assert not differs(graph, machine_code(graph), xs, {}, 0)


@pytest.mark.parametrize("op", FAILING)
def test_errors_are_those_of_the_reference(op: str) -> None:
    xs = operands(op, 3, "float", (5,))
    xs[0][4] = 0.0
    ours, its = says(graph_of(op, xs, ["float"] * len(xs)), xs)
    assert ours == its


STEPS = """
input a: float[2, 2]
input y: float[2]
input n: int
x = y
total = 0.0
for k in 0..n {
    s = a + (3 - k) * eye(2)
    x = solve(s, x) + inv(s) @ y
    total = total + logdet(s) + sum(x)
}
output total
"""


@pytest.mark.usefixtures("without_python")
def test_values_and_gradients_of_a_loop() -> None:
    graph = parse(STEPS).graph
    for stage in (optimise(graph), optimise(gradient(graph, graph.outputs[0], graph.inputs[:2], value=True))):
        xs = [np.array([[1.0, 0.3], [0.2, 2.0]]), np.array([0.5, -1.0]), np.int64(3)]
        assert not differs(stage, machine_code(stage), xs, {})


def test_a_matrix_without_an_inverse_in_a_step() -> None:
    graph = parse(STEPS).graph
    ours, its = says(graph, [np.eye(2) * 2, np.ones(2), np.int64(9)])
    assert ours == its
    assert "inverse" in its


def test_runs_at_the_same_time() -> None:
    graph = built(
        lambda b, x, y: b.mul(b.solve(b.add(x, 1.0), y), b.expand_dims(b.logdet(x), axes=(-1, -2))),
        Type("float", (200, 5, 5)),
        Type("float", (200, 5, 3)),
    )
    run, reference = machine_code(graph), ArrayExecutor(graph)
    right = np.random.default_rng(1).normal(size=(200, 5, 3))
    cases = [[matrix(5, "float", (200,), seed), right] for seed in range(4)]
    results: dict[int, list[Any]] = {k: [] for k in range(len(cases))}

    def work(k: int) -> None:
        for _ in range(20):
            results[k] += run(cases[k], {})

    threads = [threading.Thread(target=work, args=[k]) for k in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, xs in enumerate(cases):
        (expected,) = outputs_of(graph, reference.forward(xs))
        assert len(results[k]) == 20
        assert all(np.allclose(y, expected, rtol=1e-13, atol=1e-13) for y in results[k])


def test_large_matrices_in_single_precision() -> None:
    xs = operands("solve", 90, "f32")
    graph = graph_of("solve", xs, ["f32"] * 2)
    assert not differs(graph, machine_code(graph), xs, {}, 0)


def test_without_numpys_functions_ops_are_called_through_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "_address", lambda *_: 0)
    xs = operands("solve", 3, "float")
    graph = graph_of("solve", xs, ["float"] * 2)
    assert not differs(graph, machine_code(graph), xs, {}, 0)


def test_a_function_with_another_signature_is_not_called() -> None:
    matrices._address.cache_clear()
    assert matrices._address("solve", "(m,m),(m,n)->(m,n)")
    assert not matrices._address("solve", "(m,m)->(m,m)")
    assert not matrices._address("no_such_function", "(m,m)->(m,m)")
