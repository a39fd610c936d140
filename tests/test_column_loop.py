"""Large graphs on numbers as machine code over their columns: the bits and the errors of the kernels on numbers."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from random import Random
from typing import Any

import pytest
from random_graphs import F32, I32, SPECIAL, Maker, _value
from test_native import own_cache

import cgcli
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.types import BOOL, FLOAT, INT, WEAK_INT, Type
from cgcli.loop_nests import column_loop, validity
from cgcli.loop_nests.column_loop import is_supported
from cgcli.loop_nests.form import Unsupported
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Interpreter
from cgcli.ops.number_kernels import NumberKernels
from cgcli.ops.numbers import float32
from cgcli.ops.op import TypeMismatch
from cgcli.ops.table import OPS
from cgcli.ops.typing import one
from cgcli.run.backends import compile_graph
from cgcli.run.native import choice, columns
from cgcli.run.native import compile as compile_module
from cgcli.run.native.choice import compiler_installed
from cgcli.run.native.columns import ColumnGraph
from cgcli.run.scalar import executor
from cgcli.run.scalar.executor import NumberGraph, number_interpreter
from cgcli.run.scalar.sweep import Sweep

__all__ = ["own_cache"]
pytestmark = pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite")
EDGES = (*SPECIAL, 0.3, -0.7, 2.5, -3.0, 0.999, 40.0, -750.0)
WHOLE = (0, 1, -1, 2, 3, -7, 2**31 - 1, -(2**31), 2**53 + 1, 2**62, -(2**63), 2**63 - 1)


def texts(numbers: Sequence[Any]) -> list[str]:
    """Numbers with all their digits, the sign of zeros and their type; all nans are one."""
    return [repr(x).replace("-nan", "nan") for x in numbers]


def agree(graph: Graph, inputs: Sequence[Any]) -> bool:
    """Compares all values, and the derivatives of each float output; whether the run came to its end.

    A run with ints among floats that are none exactly is left to the kernels on numbers.
    """
    return agree_at(graph, number_interpreter(graph), ColumnGraph(graph), inputs)


def agree_at(
    graph: Graph, interpreter: Interpreter[NumberKernels], columns: ColumnGraph, inputs: Sequence[Any]
) -> bool:
    """`agree` for one of many runs of a graph."""
    v = columns.run(inputs)
    try:
        expected = interpreter.run(inputs)
    except CgError:
        assert v is None
        return False
    if v is None:
        assert any(isinstance(x, int) and abs(x) > column_loop.EXACT for x in expected)
        return False
    assert texts(list(v)) == texts(v) == texts(expected)
    sweep = Sweep(interpreter.kernels)
    for i in graph.outputs:
        t = graph.type_of(i)
        if isinstance(t, Type) and t.is_float:
            adjoints = columns.adjoints(v, i)
            if adjoints is None:
                assert any(isinstance(x, int) and abs(x) > column_loop.EXACT for x in expected)
                continue
            assert texts(list(adjoints)) == texts(adjoints) == texts(sweep.adjoints(expected, i))
    return True


# ---- every operation

ELEMENTWISE = [name for name, op in OPS.items() if is_supported(op.code) and op.examples.operands]
FLOATS, INTS = (FLOAT, F32, BOOL), (INT, I32, BOOL)


def all_types(name: str, types: Sequence[Type]) -> Graph | None:
    """An op of inputs of these types in each order, twice so that contributions are added up; None if it takes none."""
    b, op = Builder(), OPS[name]
    inputs = [[b.input(t) for t in types] for _ in op.examples.operands[0]]
    outputs: list[int] = []
    for xs in product(*inputs):
        with suppress(TypeMismatch):
            outputs.append(b.apply(name, *xs, **op.examples.attrs))
            outputs.append(b.add(outputs[-1], b.apply(name, *xs, **op.examples.attrs)))
    return b.done(*outputs) if outputs else None


def edge(rng: Random, t: Type) -> Any:
    x = rng.choice(EDGES if t.is_float else (True, False) if t == BOOL else WHOLE)
    return float32(x) if t == F32 else max(-(2**31), min(2**31 - 1, x)) if t == I32 else x


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_operation_has_the_bits_of_its_kernel_on_numbers(name: str, count: int) -> None:
    op, rng, agreed = OPS[name], Random(name), 0
    for types in (FLOATS, (FLOAT, INT), INTS, (INT,), (I32,)):
        graph = all_types(name, types)
        if graph is None:
            continue
        runs = number_interpreter(graph), ColumnGraph(graph)
        for point in op.examples.operands:
            if len(point) * len(types) == len(graph.inputs) and types == FLOATS:
                values = [bool(x) if t == BOOL else float(x) for x in point for t in types]
                values = [float32(x) if t == F32 else x for x, t in zip(values, types * 9, strict=False)]
                agreed += agree_at(graph, *runs, values)
        for _ in range(count):
            agreed += agree_at(graph, *runs, [edge(rng, one(graph.type_of(i))) for i in graph.inputs])
    assert agreed >= len(op.examples.operands)


# ---- random graphs


def random_numbers(seed: int, steps: int) -> tuple[Graph, list[Any]]:
    """A graph on numbers without conditionals and loops, and values of its inputs."""
    rng = Random(f"columns {seed}")
    m = Maker(rng, tensors=False, depth=2)
    types = [FLOAT, FLOAT, F32, INT, I32, BOOL]
    m.pool = [m.b.input(t) for t in types]
    for _ in range(steps):
        m.step()
    return m.b.done(*m.pool[-8:]), [_value(rng, t) for t in types]


def try_random(seeds: Sequence[int]) -> int:
    return sum(agree(*random_numbers(seed, 40)) for seed in seeds)


def test_random_graphs() -> None:
    assert try_random(range(12)) >= 4


@pytest.mark.thorough
def test_many_random_graphs() -> None:
    assert try_random(range(12, 600)) >= 100


# ---- nests


def chain(steps: int) -> Graph:
    """h = sin(h * w + x) + h, so many times."""
    b = Builder()
    x, w = b.input(FLOAT), b.input(FLOAT)
    h = x
    for _ in range(steps):
        h = b.add(b.sin(b.add(b.mul(h, w), x)), h)
    return b.done(h)


def test_nests_are_valid_and_depend_on_the_kinds_alone() -> None:
    short, long = ColumnGraph(chain(1)), ColumnGraph(chain(50))
    assert short.kinds == long.kinds
    for seed in range(5):
        kinds = ColumnGraph(random_numbers(seed, 40)[0]).kinds
        for nest in (column_loop.forward(kinds), column_loop.backward(kinds)):
            validity.check(nest)


def test_work_outside_machine_code_does_not_grow() -> None:
    """The calls of functions, those in C included, of making a graph ready, a run and a sweep."""

    def calls(steps: int) -> int:
        graph, count = chain(steps), 0

        def counts(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        ColumnGraph(graph)
        sys.setprofile(counts)
        try:
            columns = ColumnGraph(graph)
            v = columns.run([0.5, 0.001])
            assert v is not None
            adjoints = columns.adjoints(v, graph.outputs[0])
            assert adjoints is not None
            v[0], adjoints[0]
        finally:
            sys.setprofile(None)
        return count

    calls(10)
    assert calls(4000) == calls(40)


def test_a_node_that_nothing_needs_has_no_value() -> None:
    b = Builder()
    x = b.input(FLOAT)
    y = b.sin(x)
    b.exp(y)
    assert agree(b.done(y), [0.5])
    with pytest.raises(Unsupported):
        ColumnGraph(b.done(x))  # nothing is computed


# ---- the choice


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine code from the first run on, for graphs of any size."""
    monkeypatch.setattr(executor, "LEAST_WORK", 0)
    monkeypatch.setattr(executor, "LEAST_NODES", 0)


def takes_columns(graph: Graph, inputs: Sequence[Any]) -> bool:
    """Whether a graph runs as machine code; its values are those of the kernels either way."""
    numbers = NumberGraph(graph)
    v, expected = numbers.run(inputs), number_interpreter(graph)
    assert texts(list(v)) == texts(expected.run(inputs))
    assert texts(numbers(inputs)) == texts(expected(inputs))
    adjoints = Sweep(expected.kernels).adjoints(list(v), graph.outputs[0])
    assert texts(list(numbers.adjoints(v, graph.outputs[0]))) == texts(adjoints)
    assert texts(list(numbers.adjoints(list(v), graph.outputs[0]))) == texts(adjoints)
    return not isinstance(v, list)


def test_machine_code_is_taken_from_much_work_on(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = chain(50)
    monkeypatch.setattr(executor, "LEAST_WORK", 3 * len(graph))
    numbers = NumberGraph(graph)
    runs = [numbers.run([0.5, 0.001]) for _ in range(4)]
    assert [isinstance(v, list) for v in runs] == [True, True, False, False]
    assert len({str(texts(list(v))) for v in runs}) == 1
    never = NumberGraph(graph, compiles=False)
    assert all(isinstance(never.run([0.5, 0.001]), list) for _ in range(4))


@pytest.mark.usefixtures("at_once")
def test_without_a_compiler_the_kernels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert takes_columns(chain(3), [0.5, 0.001])
    monkeypatch.setattr(choice, "compiler_installed", lambda: False)
    assert not takes_columns(chain(3), [0.5, 0.001])


@pytest.mark.usefixtures("at_once")
def test_what_has_no_case_runs_by_the_kernels() -> None:
    b = Builder()
    x = b.input(FLOAT)
    assert not takes_columns(b.done(b.lgamma(x)), [0.5])
    b = Builder()
    x = b.input(FLOAT)
    assert not takes_columns(b.done(b.mul(x, b.const(10**30, WEAK_INT))), [0.5])
    b = Builder()
    x = b.input(FLOAT)
    total = x
    for k in range(500):  # each exponent is a kind
        total = b.add(total, b.fixed_power(x, exponent=k + 0.5))
    assert not takes_columns(b.done(total), [0.5])
    b = Builder()
    x = b.input(FLOAT)
    assert not takes_columns(b.done(b.max(*(b.mul(x, float(k)) for k in range(20)))), [0.5])


def test_a_symbol_that_the_platform_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_module, "_platform_functions", frozenset)
    columns._compiled.cache_clear()
    with pytest.raises(Unsupported):
        ColumnGraph(chain(1))
    columns._compiled.cache_clear()


STOPS = {
    "overflow": "input a: int = 2\ny = a * 4611686018427387904 * a\n",
    "power": "input a: int = 3\ny = a^41\n",
    "divisor": "input a: int = 0\ny = 7 // a\n",
    "remainder": "input a: int = 0\ny = 7 % a\n",
    "assert": "input a = 2.0\nassert a < 1.0\ny = a * a\n",
    "narrow": "input a: i32 = 2147483647\ny = a + a\n",
    "cast": "input a = 1e300\ny = int(a) + 1\n",
}


@pytest.mark.parametrize("name", STOPS)
def test_what_stops_a_run_has_the_same_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def message() -> str:
        with pytest.raises(CgError) as stopped:
            cgcli.parse(STOPS[name]).eval()
        return str(stopped.value)

    expected = message()
    monkeypatch.setattr(executor, "LEAST_WORK", 0)
    monkeypatch.setattr(executor, "LEAST_NODES", 0)
    assert message() == expected


PROGRAM = """
input x = 0.3
input y: f32 = 1.7
input n: int = 3
a = sin(x) * y + n
b = max(a, x^2.5, 2) - relu(x - 1) + abs(y) / n
c = where(b > a, tanh(b), atan2(a, b)) + cbrt(x) + hypot(x, y)
z = softplus(c) + log(a) + min(x, x) + n // 2 + x % 0.2
"""


def test_a_program_has_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def results() -> list[Any]:
        program = cgcli.parse(PROGRAM)
        return [
            program.eval(every=True),
            dict(program.grad(of="z", every=True).partials),
            program.hessian(of="z", wrt=["x", "y"]),
            str(program.run(of="z").adjoints),
            str(program.check_gradient({}, of="z")),
        ]

    expected = str(results())
    monkeypatch.setattr(executor, "LEAST_WORK", 0)
    monkeypatch.setattr(executor, "LEAST_NODES", 0)
    assert str(results()) == expected


def test_forced_machine_code_of_a_large_graph_is_that_over_its_columns() -> None:
    b = Builder()
    x = y = b.input(FLOAT)
    for k in range(3000):
        y = b.add(b.sin(y), x) if k % 2 else b.mul(y, x)
    graph = b.done(y)
    native, numbers = (compile_graph(graph, backend=name) for name in ("native", "numpy"))
    assert native._columns is not None  # type: ignore[attr-defined]
    assert native([0.9]) == numbers([0.9])
