"""Graphs with loops as machine code: the results of the reference, its errors and limits, and when it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from control_programs import random_inputs, random_program
from random_graphs import SIZE, random_graph

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Span
from cgcli.graph.graph import LOOP, Graph
from cgcli.graph.traversal import every
from cgcli.ops import limits
from cgcli.ops.interpreter import DEFAULT_LIMITS, Limits
from cgcli.ops.limits import Meter
from cgcli.optimise.driver import optimise
from cgcli.run import backends
from cgcli.run.backends import compile_graph, compile_step
from cgcli.run.native import choice
from cgcli.run.native.choice import compiler_installed
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.gradient import gradient

pytestmark = pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite")

ORBIT = """
input a: float = 0.3
input n: int = 300
x = 1.0
v = 0.0
for k in 0..n {
    v = v - 0.01 * a * x
    x = x + 0.01 * v
}
y = x * x + v
output y
"""
PAIR = """
input a: float = 0.3
input n: int = 300
s = [1.0, 0.0]
for k in 0..n {
    s = [s[0] + 0.01 * s[1], s[1] - 0.01 * a * s[0]]
}
y = s[0] * s[0] + s[1]
output y
"""
HALVED = "input x: float\nsteps = 0\ny = x\nwhile y > 1 {\n  y = y / 2\n  steps = steps + 1\n}\noutput y, steps"


def outcome(run: Callable[..., Any], inputs: Sequence[Any], sizes: Any = None) -> Any:
    """The outputs, or the error."""
    try:
        return [np.asarray(x) for x in run(inputs, sizes)]
    except CgError as e:
        return [str(e)]


def assert_alike(graph: Graph, inputs: Sequence[Any], ulps: float, sizes: Any = None) -> None:
    slow = outcome(reference(optimise(graph)), inputs, sizes)  # it computes what an output needs, as machine code does
    fast = outcome(compile_graph(graph, backend="native"), inputs, sizes)
    assert len(fast) == len(slow)
    for x, y in zip(fast, slow, strict=True):
        if isinstance(y, str):
            assert x == y
            continue
        assert x.shape == y.shape
        unit = np.finfo(y.dtype).eps if y.dtype.kind == "f" else 0
        scale = np.max(np.abs(y), where=np.isfinite(y), initial=0.0) if y.dtype.kind == "f" else 0
        assert np.allclose(x, y, rtol=ulps * unit, atol=ulps * unit * scale, equal_nan=True)


def reference(graph: Graph) -> Any:
    return array_interpreter(graph, DEFAULT_LIMITS)


# ---- results


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(s, marks=pytest.mark.thorough) for s in range(4, 200))])
def test_control_flow_and_its_derivatives(seed: int) -> None:
    graph = parse(random_program(seed).text).graph
    by = graph.inputs[:4]
    for g in (graph, gradient(graph, graph.outputs[0], by, value=True)):
        for items in (0, 3):
            inputs = random_inputs(Random(seed), items)
            point = [*(inputs[name] for name in "xab"), np.array(inputs["xs"], float), inputs["m"]]
            assert_alike(g, point, ulps=2**12)


def loops(graph: Graph) -> bool:
    return any(LOOP in g.op for g in every(graph))


@pytest.mark.parametrize("tensors", [False, True])
def test_random_graphs_with_loops(tensors: bool) -> None:
    checked = 0
    for seed in range(16):
        graph, inputs = random_graph(seed, tensors)
        if not loops(graph):
            continue
        try:
            compile_graph(graph, backend="native")
        except CgError:
            continue  # it calls a routine
        checked += 1
        assert_alike(graph, inputs, ulps=2**12, sizes={"n": SIZE})
    assert checked > 2


@pytest.mark.parametrize("text", [ORBIT, PAIR])
def test_arithmetic_is_equal_bit_for_bit(text: str) -> None:
    by_backend = []
    for backend in ("native", "numpy"):
        program = parse(text)
        program.backend = backend
        result = program.grad({"a": 0.7}, wrt=["a"])
        by_backend.append((float(result.value), float(result.partials["a"])))
    assert by_backend[0] == by_backend[1]


def test_numbers_stay_numbers() -> None:
    program = parse(HALVED)
    program.backend = "native"
    result = program.eval({"x": 100.0})
    assert (result["y"], result["steps"]) == (100 / 128, 7)
    assert [type(x) for x in result.values()] == [float, int]


# ---- when it is taken


def counted(monkeypatch: pytest.MonkeyPatch, steps: int) -> list[Graph]:
    """The graphs that are compiled to machine code, with runs of more than so many steps taken for long ones."""
    compiled: list[Graph] = []
    make = backends._machine_code

    def record(graph: Graph, *rest: Any) -> Any:
        compiled.append(graph)
        return make(graph, *rest)

    monkeypatch.setattr(backends, "_machine_code", record)
    monkeypatch.setattr(choice, "short_steps", lambda graph: steps)
    return compiled


def test_long_runs_alone_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counted(monkeypatch, 50)
    program = parse(HALVED)
    assert program.eval({"x": 2.0**40})["steps"] == 40
    assert compiled == []
    assert program.eval({"x": 2.0**60})["steps"] == 60
    assert len(compiled) == 1
    assert program.eval({"x": 2.0**61})["steps"] == 61
    assert len(compiled) == 1


def test_whole_numbers_and_sizes_tell_whether_a_run_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(monkeypatch, 50)
    run = compile_graph(parse(ORBIT).graph)
    begun: list[int] = []
    short = run._short  # type: ignore[attr-defined]

    class Recording:
        meter = property(lambda self: short.meter)

        def __call__(self, inputs: Sequence[Any], sizes: Any = None) -> Any:
            begun.append(inputs[1])
            return short(inputs, sizes)

    run._short = Recording()  # type: ignore[attr-defined]
    for n in (10, 100, 100, 10, 100):
        run([0.3, n])
    assert begun == [10, 100, 10]


def test_many_short_runs_are_as_good_as_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counted(monkeypatch, 50)
    program = parse(PAIR)
    for _ in range(5):
        program.eval({"a": 0.5, "n": 12})
        assert compiled == []
    program.eval({"a": 0.25, "n": 12})
    assert len(compiled) == 1


def test_a_limit_of_steps_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counted(monkeypatch, 50)
    with pytest.raises(CgError, match="100"):
        compile_graph(parse(ORBIT).graph, Limits(steps=100))([0.3, 1000])
    assert compiled == []
    result = cg(
        "eval", "-e", "k = 0\nwhile k < x { k = k + 1 }\ny = k", "--x", "9", "--max-steps", "100", "--backend", "native"
    )
    assert result.status == 2
    assert "there is no machine code for a limit of steps" in result.err


def test_without_a_compiler_loops_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counted(monkeypatch, 50)
    monkeypatch.setattr(choice, "compiler_installed", lambda: False)
    assert parse(HALVED).eval({"x": 2.0**60})["steps"] == 60
    assert compiled == []


# ---- limits and errors


def test_stacks_that_do_not_fit_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(monkeypatch, 50)
    gradients = []
    for memory in (None, 200_000):
        program = parse(ORBIT)
        program.max_memory = memory
        gradients.append(program.grad({"n": 100_000}, wrt=["a"]).partials["a"])
    assert gradients[0] == gradients[1] != 0


def test_stacks_that_never_fit_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(monkeypatch, 50)
    program = parse(ORBIT)
    program.max_memory = 2_000
    with pytest.raises(CgError) as e:
        program.grad({"n": 1_000_000}, wrt=["a"])
    (diagnostic,) = e.value.diagnostics
    assert diagnostic.code == "stacks-too-large"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('k = 0\nwhile k < 100 {\n  assert x > k, "too small"\n  k = k + 1\n}\ny = k', "too small"),
        ("k = 0\nj = 1\nwhile k < 100 {\n  j = 7 // (60 - k)\n  k = k + 1\n}\ny = j * x", "zero"),
        ("t = [1, 2, 3]\nk = 0\nj = 1\nwhile k < 100 {\n  j = t[k // 25]\n  k = k + 1\n}\ny = j * x", "range"),
    ],
)
def test_errors_are_those_of_short_runs(text: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = []
    for steps in (10**9, 5):
        compiled = counted(monkeypatch, steps)
        result = cg("eval", "-e", text, "--x", "55.5")
        assert len(compiled) == (steps == 5)
        assert result.status == 1
        messages.append(result.err)
    assert messages[0] == messages[1]
    assert word in messages[0]


def test_a_long_run_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[int | None, int | None]] = []

    def tell(span: Span | None, steps: int | None) -> None:
        lines.append((None if span is None else span.line, steps))

    counted(monkeypatch, 50)
    monkeypatch.setattr(limits, "SLOW_AFTER", 0.05)
    monkeypatch.setattr(Meter, "on_slow", tell)
    program = parse("input x: float\nk = 0.0\nwhile k < 400000000 {\n  k = k + x\n}\ny = k\noutput y")
    assert program.eval({"x": 1.0})["y"] == 4e8
    assert lines == [(3, None)]


def test_a_picture_of_a_long_run_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(monkeypatch, 50)
    assert "<svg" in parse(ORBIT).render(None, {"a": 0.3, "n": 2000}).text


def test_a_step_of_training_runs_as_its_graph_says_whatever_ran_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = counted(monkeypatch, 5)
    graph = parse(PAIR).graph
    run = compile_step(graph)
    for _ in range(20):
        run([0.3, 50])
    assert compiled == []
    monkeypatch.setattr(choice, "step_pays", lambda graph: True)
    compile_step(graph)
    assert len(compiled) == 1
