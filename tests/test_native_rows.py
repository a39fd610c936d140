"""Tables of many rows as machine code: the results of the plan for arrays, its errors, and when it is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcli
from cgcli.graph.types import Type
from cgcli.loop_nests.form import INDEX
from cgcli.loop_nests.interpreter import interpret
from cgcli.loop_nests.lower import lower
from cgcli.ops.builder import Builder
from cgcli.program.rows import Derivatives, Rows
from cgcli.run.backends import compile_graph, is_machine_code
from cgcli.run.native.choice import compiler_installed

native = pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite")
SAMPLES = Path(__file__).parents[1] / "samples"
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.5, 1e-310, 1e300, -1e300, np.inf, -np.inf, np.nan)

FUNCTIONS = "exp log sqrt erf erfc sigmoid softplus relu abs sign floor ceil round".split()
PROGRAMS = {
    "arithmetic": "input x: float\ninput z: float\ny = (x + z) * (x - z) / (x * z + 2) - x^2 + x^3",
    "a choice": "input x: float\ninput z: float\ny = where(x > z, x * z, exp(z)) + max(x, z) - min(x, 2 * z)",
    "a constant output": "input x: float\ny = x\nk = 3.0",
    "a vector": "input x: float[3]\ny = sum(x * x) + x[0] * x[2]",
    "a softmax": "input x: float[3]\ny = logsumexp(x) - x[1]",
    "floored": "input x: float\ninput z: float\ny = x // z + x % z",
    **{name: f"input x: float\ny = {name}(x)" for name in FUNCTIONS},
}


def columns(program: cgcli.Program, count: int) -> dict[str, Any]:
    """Columns of random numbers, and in front of them every pair of edges."""
    rng = np.random.default_rng(7)
    values = {}
    for number, i in enumerate(program.inputs):
        shape = tuple(n for n in i.type.shape if isinstance(n, int))
        x = rng.normal(size=(count, *shape)) * 3
        pairs = np.repeat(EDGES, len(EDGES)) if number % 2 else np.tile(EDGES, len(EDGES))
        x[: min(count, len(pairs))] = pairs[:count].reshape(-1, *(1 for _ in shape))
        values[i.name] = x
    return values


def both(program: cgcli.Program, table: dict[str, Any], derivatives: bool) -> tuple[Any, Any]:
    """The results by machine code and by the plan for arrays."""
    run: Callable[[Any], Any] = program.map_grad if derivatives else program.map
    program.backend = "native"
    fast = run(table)
    program.backend = "numpy"
    return fast, run(table)


def ulps(a: Any, b: Any) -> float:
    """The largest distance in units in the last place; infinite where one is nan or infinite and the other is not."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        distance = np.abs(a - b) / np.spacing(np.abs(b))
    distance = np.where(np.isfinite(a) & np.isfinite(b), distance, np.inf)
    return float(np.max(np.where(alike, 0.0, distance), initial=0.0))


@native
@pytest.mark.parametrize("count", [0, 1, 7, 200, 1001])
@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_the_values_are_those_of_the_plan(text: str, count: int) -> None:
    program = cgcli.parse(text)
    fast, slow = both(program, columns(program, count), derivatives=False)
    for name in fast:
        assert ulps(fast[name], slow[name]) <= 16, name


@native
@pytest.mark.parametrize("name", ["arithmetic", "a choice", "a vector", "exp", "log", "sqrt", "relu", "abs"])
def test_so_are_the_derivatives(name: str) -> None:
    program = cgcli.parse(PROGRAMS[name])
    fast, slow = both(program, columns(program, 500), derivatives=True)
    for column in fast:
        assert ulps(fast[column], slow[column]) <= 16, column


@native
def test_arithmetic_is_equal_bit_for_bit() -> None:
    program = cgcli.parse(PROGRAMS["arithmetic"])
    fast, slow = both(program, columns(program, 3000), derivatives=True)
    for name in fast:
        assert np.array_equal(fast[name], slow[name], equal_nan=True), name


@native
@pytest.mark.parametrize("sample", ["black_scholes.cg", "quadratic.cg", "article.cg", "rosenbrock.cg"])
def test_samples(sample: str) -> None:
    program = cgcli.load(SAMPLES / sample)
    rng = np.random.default_rng(1)
    table = {i.name: rng.uniform(0.5, 1.5, 300) * (i.default or 1.0) for i in program.inputs if not i.type.shape}
    fast, slow = both(program, table, derivatives=len(program.outputs) == 1)
    for name in fast:
        assert np.allclose(fast[name], slow[name], rtol=1e-9, atol=1e-9), name


@native
def test_a_row_has_the_same_bits_wherever_it_stands() -> None:
    program = cgcli.load(SAMPLES / "black_scholes.cg")
    program.backend = "native"
    rng = np.random.default_rng(3)
    table = {i.name: rng.uniform(0.5, 1.5, 1000) * (i.default or 1.0) for i in program.inputs}
    whole = program.map_grad(table)
    for begin, end in ((0, 1), (13, 14), (991, 1000), (500, 517)):
        part = program.map_grad({name: x[begin:end] for name, x in table.items()})
        for name in whole:
            assert np.array_equal(part[name], whole[name][begin:end]), (name, begin)


@native
def test_a_column_may_lie_anywhere_in_memory() -> None:
    program = cgcli.parse("input x: float\ny = exp(x)")
    x = np.linspace(0, 1, 400)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64)
    for column in (unaligned, x[::2], x[::-1], x.astype(">f8")):
        fast, slow = both(program, {"x": column}, derivatives=False)
        assert ulps(fast["y"], slow["y"]) <= 4


@native
def test_columns_of_all_types() -> None:
    program = cgcli.parse(
        "input a: int\ninput b: i32\ninput c: bool\ninput d: f32\n"
        "whole = a * 3 + b\nyes = c and a > 2\nhalf = d * 2 + 1\nquotient = a // 3\nmixed = a * d"
    )
    n = 300
    table = {
        "a": np.arange(n) - 100,
        "b": np.arange(n, dtype=np.int32) % 7,
        "c": np.arange(n) % 2 == 0,
        "d": np.linspace(-2, 2, n, dtype=np.float32),
    }
    fast, slow = both(program, table, derivatives=False)
    for name in fast:
        assert fast[name].dtype == slow[name].dtype, name
        assert np.array_equal(fast[name], slow[name]), name


ERRORS = {
    "an overflow": ("input a: int\ny = a * 4611686018427387904", {"a": [1, 1, 5]}),
    "a zero divisor": ("input a: int\ny = 7 // a", {"a": [1, 2, 0]}),
    "an assertion": ('input a: float\nassert a > 0, "it is positive"\ny = a', {"a": [1.0, 2.0, -1.0]}),
    "an index": ("input a: int\nx = [1.0, 2.0, 3.0]\ny = x[a]", {"a": [0, 2, 3]}),
}


@native
@pytest.mark.parametrize(("text", "table"), ERRORS.values(), ids=ERRORS)
def test_an_error_says_what_the_plan_says(text: str, table: dict[str, Any]) -> None:
    messages = []
    for backend in ("native", "numpy"):
        program = cgcli.parse(text)
        program.backend = backend
        with pytest.raises(cgcli.CgError) as caught:
            program.map({name: np.array(x) for name, x in table.items()})
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("size", [5, "n"])
def test_nothing_outside_of_an_array_is_read_in_front_of_the_check(size: int | str) -> None:
    b = Builder()
    table, x = b.input(Type("float", (size,)), "table"), b.input(Type("float", ("rows",)), "x")
    i = b.index(b.const(7, Type("int")), size=size)
    nest = lower(b.done(b.add(x, b.take(table, i, axis=-1))), rows="rows")
    arrays = {"x0": np.arange(5.0), "x1": np.arange(3.0), "y0": np.zeros(3)}
    sizes = {name: {"n": 5, "rows": 3}[name] for name in nest.sizes}
    assert interpret(nest, arrays, sizes) == i * 16 + INDEX  # it asserts that what is read exists


@native
def test_it_is_taken_where_it_pays_and_by_the_number_of_rows_alone() -> None:
    from cgcli.run.native.executor import NativeGraph

    program = cgcli.parse("input x: float\ny = exp(x) + exp(2 * x) + exp(3 * x)")
    batched = Rows(program, {}, ["x"], Derivatives())._batched()
    few, many = (batched.batch._replace(rows=batched.least_rows + n) for n in (-1, 0))
    assert isinstance(compile_graph(batched.graph, batch=many), NativeGraph)
    assert not isinstance(compile_graph(batched.graph, batch=few), NativeGraph)
    assert not isinstance(compile_graph(batched.graph, batch=many, backend="numpy"), NativeGraph)


@native
def test_large_matrix_products_in_a_row_have_none_yet() -> None:
    program = cgcli.parse("input x: float[30]\ninput w: float[30, 30]\ny = sum(w @ x)")
    program.backend = "native"
    with pytest.raises(cgcli.CgError, match=r"^error: there is no machine code for"):  # not in a row
        program.map({"x": np.ones((5, 30))}, w=np.eye(30))


@native
def test_small_ones_are_written_out() -> None:
    program = cgcli.parse("input x: float[3]\ninput w: float[3, 3]\ny = sum(w @ x)")
    program.backend = "native"
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(program.map({"x": x}, w=np.eye(3))["y"], x.sum(1), rtol=1e-15)


UNEQUAL = "input x: float\ny = x\nn = 0\nwhile y > 1 {\n  y = y / 2 + 0.01 * sin(y)\n  n = n + 1\n}\nz = y * x"
COUNTED = "input x: float\ninput n: int\ny = x\nfor k in 0..n {\n  y = y + x * sin(y) / (k + 1)\n}\nz = y * y"
TABLE = "input x: float[20]\nz = x / sum(x)\nq = cumsum(z)\nm = [q, q * z]\ny = sum(exp(m) / sum(exp(m), axis=0) * m)"
BRANCH = "input x: float\ny = if x > 1 then log(x) else -x\nt = [y, x, y * x]\nfor a in t { y = y + a * a }\nz = y"


@native
@pytest.mark.parametrize("derivatives", [False, True])
@pytest.mark.parametrize("text", [UNEQUAL, COUNTED, TABLE, BRANCH])
def test_each_row_has_loops_and_tables_of_its_own(text: str, derivatives: bool) -> None:
    program = cgcli.parse(text + ("\noutput " + text.rsplit("\n", 1)[1].split(" = ")[0]))
    rng = np.random.default_rng(11)
    table: dict[str, Any] = {"x": rng.uniform(0.1, 20, (400, *([20] if text == TABLE else [])))}
    if text == COUNTED:
        table["n"] = rng.integers(-1, 40, 400)
    fast, slow = both(program, table, derivatives)
    for name in fast:
        assert np.allclose(fast[name], slow[name], rtol=1e-11, atol=1e-12 * np.max(np.abs(slow[name]))), name


@native
def test_rows_with_loops_have_the_same_bits_in_any_part_and_thread() -> None:
    program = cgcli.parse(UNEQUAL + "\noutput z")
    program.backend = "native"
    x = np.random.default_rng(2).uniform(0.1, 1e6, 3000)
    whole = program.map_grad({"x": x})
    for begin, end in ((0, 1), (100, 170), (2900, 3000)):
        part = program.map_grad({"x": x[begin:end]})
        assert all(np.array_equal(part[name], whole[name][begin:end]) for name in whole)


@native
def test_what_stops_a_loop_in_a_row_names_the_row() -> None:
    program = cgcli.parse("input n: int\ninput d: int\ny = 0\nfor k in 0..n { y = y + 100 // (d - k) }\nz = y")
    table = {"n": np.full(300, 5), "d": np.full(300, 50)}
    table["d"][217] = 3
    messages = []
    for backend in ("native", "numpy"):
        program.backend = backend
        with pytest.raises(cgcli.CgError) as caught:
            program.map(table)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@native
def test_machine_code_of_few_rows_pays_where_each_has_long_loops() -> None:
    few = [Rows(cgcli.parse(text), {}, ["x"])._batched().least_rows for text in (UNEQUAL, PROGRAMS["arithmetic"])]
    assert 5 * few[0] < few[1]


@native
def test_one_run_by_force() -> None:
    program = cgcli.parse("input x: float\ny = exp(x) * 2\nn = x > 1")
    program.backend = "native"
    results = program(x=1.5)
    assert type(results["y"]) is float
    assert ulps(results["y"], 2 * np.exp(1.5)) <= 2
    assert results["n"] is True


def test_without_the_compiler_the_plan_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from cgcli.run.native import choice

    monkeypatch.setattr(choice, "compiler_installed", lambda: False)
    program = cgcli.parse("input x: float\ny = exp(x)")
    batched = Rows(program, {}, ["x"])._batched()
    x = np.linspace(0, 1, 5)
    assert np.array_equal(compile_graph(batched.graph, batch=batched.batch._replace(rows=10**9))([x])[0], np.exp(x))
    program.backend = "native"
    with pytest.raises(cgcli.CgError, match="needs the package llvmlite"):
        program.map({"x": x})


@native
def test_how_rows_are_run_does_not_change_from_one_part_of_a_table_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    from cgcli.run.native import choice

    monkeypatch.setattr(choice, "MANY_ELEMENTS", 10)
    monkeypatch.setattr(choice, "short_steps", lambda graph: 1)
    for text in ("input x: float[3]\ny = sum(exp(x))", "input x: float\ny = x\nfor k in 0..9 { y = sin(y) }\noutput y"):
        batched = Rows(cgcli.parse(text), {}, ["x"])._batched()
        run = batched.compiled(5)
        for _ in range(5):
            run([np.ones((5, 3) if "[3]" in text else 5)])
        assert not is_machine_code(run)
        assert not is_machine_code(run._planned)
