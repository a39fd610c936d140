"""Operations as they were written: what one of them was lowered to is one row, one equation, one step."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from control_programs import random_inputs, random_program
from sample_values import values_for

from cgcli import load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import CONST, COPY, INPUT, NONE, SIZE, Graph
from cgcli.ops.versions import versions
from cgcli.ops.written import WrittenOperations
from cgcli.program.dynamic import Recorded
from cgcli.program.explain import explain
from cgcli.program.python_file import load_function
from cgcli.render.node_table import OperationTable, node_data, rows

ROOT = Path(__file__).parents[1]
INPUTS = """input a: float
input n: int
input x: float[3]
input P: float[3, 3]
input idx: int[2]
input images: float[1, 1, 6, 6]
input k: float[2, 1, 3, 3]
"""
VALUES: dict[str, Any] = {
    "a": 2.0,
    "n": 1,
    "x": [1.0, 2.0, 4.0],
    "P": np.arange(9.0).reshape(3, 3),
    "idx": [2, 0],
    "images": np.ones((1, 1, 6, 6)),
    "k": np.ones((2, 1, 3, 3)),
}

# an expression, and its rows: the operation of each, and what it reads; a row of itself is `%`
EXPRESSIONS: dict[str, list[tuple[str, str]]] = {
    "a * 2": [("*", "a, 2")],
    "a^2": [("^2", "a")],
    "a**2": [("**2", "a")],
    "exp(-a)": [("-", "a"), ("exp", "%")],
    "0 < a < 2": [("<", "0, a, 2")],
    "x @ x": [("@", "x")],
    "P @ x": [("@", "P, x")],
    "x @ P": [("@", "x, P")],
    "P @ P": [("@", "P, P")],
    "P.T @ P": [(".T", "P"), ("@", "%, P")],
    "P[0, 0]": [("[0, 0]", "P")],
    "P[:, 1]": [("[:, 1]", "P")],
    "P[n, n]": [("[n, n]", "P, n")],
    "P[idx, idx]": [("[idx, idx]", "P, idx")],
    "P[n + 1, 0]": [("+", "n, 1"), ("[n + 1, 0]", "P, %")],
    "x[n]": [("[n]", "x, n")],
    "x[-1]": [("[-1]", "x")],
    "x[0:2][0]": [("[0:2]", "x"), ("[0]", "%")],
    "[a, a]": [("[…]", "a, a")],
    "0..3": [("..", "")],
    "std(x)": [("std", "x")],
    "var(P, axis=0)": [("var", "P")],
    "mean(x)": [("mean", "x")],
    "norm(x)": [("norm", "x")],
    "dot(x, x)": [("dot", "x, x")],
    "outer(x, x)": [("outer", "x")],
    "trace(P)": [("trace", "P")],
    "eye(3)": [("eye", "")],
    "tril(P)": [("tril", "P")],
    "zeros([3])": [("zeros", "")],
    "sort(x)": [("sort", "x")],
    "clip(x, 0, a)": [("clip", "x, 0, a")],
    "where(x > 0, x, 0)": [(">", "x, 0"), ("where", "%, x, 0")],
    "conv2d(images, k)": [("conv2d", "images, k")],
    "max_pool(images, 2)": [("max_pool", "images")],
    "avg_pool(images, 2)": [("avg_pool", "images")],
    'einsum("ij,j->i", P, x)': [("einsum", "P, x")],
    "std(x * a)": [("*", "x, a"), ("std", "%")],
    "std(x) + std(x)": [("std", "x"), ("std", "x"), ("+", "%, %")],
    "grad(a^2 * 3, a)": [("grad", "a, 3")],
    "jacobian(x * a, x)": [("jacobian", "a")],
    "hessian(sum(x * x * x), x)": [("hessian", "x")],
    "if a > 0 then a else n": [(">", "a, 0"), ("if", "%, a, n")],
    "a > 0 and 1 // n > 2": [(">", "a, 0"), ("and", "%, n")],
}


def shown(table: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """The operations of a table and what they read, without inputs; the numbers of unnamed nodes left out."""
    return [(row[1], re.sub(r"\bv\d+", "%", row[2])) for row in table if row[1] != "input"]


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_rows_of_an_expression(expression: str, mode: str) -> None:
    text = f"{INPUTS}y = {expression}\noutput y"
    program = parse(text) if mode == "static" else parse(text, mode="dynamic").recorded(VALUES)
    found = shown(rows(program.graph)[1])
    if mode == "static":
        assert found == EXPRESSIONS[expression]
    else:  # an index is known in a run, and of an `if` only one side runs
        operations = {symbol for symbol, _ in found} | {"if"}
        assert operations.issuperset(symbol for symbol, _ in EXPRESSIONS[expression])


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("y = x * 1\ny[1] = 3.0", [("y@8", "*", "x, 1"), ("y", "[1] =", "y@8, 3")]),
        ("y = x * 1\ny[0:2] = a", [("y@8", "*", "x, 1"), ("y", "[0:2] =", "y@8, a")]),
        ("y = x * 1\ny[n] = a + 1", [("y@8", "*", "x, 1"), ("%", "+", "a, 1"), ("y", "[n] =", "y@8, n, %")]),
        ("y = a; y = y * 2; y = y + 1", [("y@8.1", "=", "a"), ("y@8.2", "*", "y@8.1, 2"), ("y", "+", "y@8.2, 1")]),
        ("y = zeros([3])\nfor t in 0..3 { y[t] = x[t] * a }", [("y", "for", "3, a, x")]),
        ("y = 0\nfor t in 0..n { y = y + a }", [("y@8", "=", "0"), ("y", "for", "n, y@8, a")]),
        ("y = a\nwhile y < 100 { y = y * 2 }", [("y@8", "=", "a"), ("y", "while", "y@8")]),
        ("fn f(u) = u * 2\ny = f(f(a))", [("%", "*", "a, 2"), ("y", "*", "%, 2")]),
        ("fn f(u, v) = u @ v\ny = f(x, P)", [("y", "@", "x, P")]),
        ("fn f(x, y) = y @ x\ny = f(x, P)", [("y", "@", "P, x")]),
    ],
)
def test_rows_of_statements(statements: str, expected: list[tuple[str, str, str]]) -> None:
    table = rows(parse(f"{INPUTS}{statements}\noutput y").graph)[1]
    found = [tuple(re.sub(r"\bv\d+", "%", cell) for cell in row[:3]) for row in table if row[1] != "input"]
    assert found == expected


def test_versions_of_a_name() -> None:
    program = parse("input a\ns = a\nfor i in 0..2 {\n  s = s + i; s = s * a\n}\nt = s\noutput t", mode="dynamic")
    graph = program.recorded({"a": 2.0}).graph
    found = [v for v in versions(WrittenOperations(graph)).values() if v.name in ("s", "t")]
    assert [(v.text, v.number, v.line, v.of_line) for v in found] == [
        ("s@2", 0, 2, None),
        ("s@4.1", 1, 4, 1),
        ("s@4.2", 2, 4, 2),
        ("s@4.3", 3, 4, 3),
        ("s", 4, 4, 4),
        ("t", 0, 0, None),
    ]


# ---- `cg show`, `cg explain`, `cg step`


def test_only_selects_all_versions_and_also_by_what_an_operation_was_lowered_to() -> None:
    graph = parse("input x: float[3]\ny = x * 2\ny[1] = 3.0\nz = y @ x + std(x)\noutput z").graph

    def found(name: str) -> list[str]:
        return [row[1] for row in rows(graph, None, [name])[1]]

    assert found("y") == ["*", "[1] ="]
    assert found("y@2") == ["*"]
    assert found("update") == found("[1] =") == ["[1] ="]
    assert found("matmul") == found("@") == ["@"]
    assert found("std") == ["std"]


def test_data_have_all_nodes_and_what_they_are_part_of() -> None:
    graph = parse("input x: float[3]\ny = 2 * x\ny = y @ x\noutput y").graph
    assert node_data(graph) == [
        {"node": "x", "id": 0, "op": "input", "inputs": [], "type": "float[3]"},
        {"node": "y@2", "id": 2, "op": "mul", "inputs": ["2", "x"], "type": "float[3]", "name": "y", "version": 0},
        {
            "node": "v1",
            "id": 3,
            "op": "expand_dims",
            "inputs": ["y@2"],
            "type": "float[1, 3]",
            "written": {"result": 6},
        },
        {"node": "v2", "id": 4, "op": "expand_dims", "inputs": ["x"], "type": "float[3, 1]", "written": {"result": 6}},
        {
            "node": "v3",
            "id": 5,
            "op": "matmul",
            "inputs": ["v1", "v2"],
            "type": "float[1, 1]",
            "written": {"result": 6},
        },
        {
            "node": "y",
            "id": 6,
            "op": "squeeze",
            "inputs": ["v3"],
            "type": "float",
            "written": {"result": 6, "text": "y @ x"},
            "name": "y",
            "version": 1,
        },
    ]


def test_equations_and_local_derivatives_are_of_written_operations() -> None:
    text = "input x: float[2]\ninput a\ny = x * 1\ny[1] = a\nq = y @ x + a\nq = q * 2\noutput q"
    program = parse(text, mode="dynamic").recorded({"x": [3.0, 4.0], "a": 5.0})
    assert isinstance(program, Recorded)
    found = explain(program, None, ["a"], 10)
    assert [(e.name.text, e.text) for e in found.equations] == [
        ("y@3", "x * 1"),
        ("y", "y@3 with [1] = a"),
        ("v1", "y @ x"),
        ("q@5", "v1 + a"),
        ("q", "q@5 * 2"),
    ]
    (by_a,) = found.derivatives
    assert [([n.text for n in path.nodes], path.product) for path in by_a.paths] == [
        (["a", "y", "v1", "q@5", "q"], 8.0),
        (["a", "q@5", "q"], 2.0),
    ]


def test_the_derivative_of_an_operation_of_numbers_is_that_of_its_nodes_together() -> None:
    program = parse("input a\ny = clip(a, 0, 4)^2\noutput y", mode="dynamic").recorded({"a": 3.0})
    assert isinstance(program, Recorded)
    found = explain(program, None, None, 10)
    assert [(x.of.text, x.by.text, x.text, x.value) for x in found.local_derivatives] == [
        ("v1", "a", "", 1.0),
        ("y", "v1", "2 * v1", 6.0),
    ]


def test_a_step_of_the_backward_pass_is_an_operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.cg").write_text(
        "input x: float[2] = [3, 4]\ninput a = 5\ny = x * 1\ny[1] = a\nq = y @ x\noutput q\n", encoding="utf-8"
    )
    Path("commands").write_text("c\nbackward q\ns 3\n", encoding="utf-8")
    found = cg("step", "p.cg", "--commands", "commands").out.splitlines()[-9:-1]
    assert [" ".join(line.split()) for line in found] == [
        "q = y @ x derivative 1",
        "by y: [3, 4], sum [3, 4]",
        "by x: [3, 5], sum [3, 5]",
        "y = y@3 with [1] = a derivative [3, 4]",
        "by y@3: [3, 0], sum [3, 0]",
        "by a: 4, sum 4",
        "y@3 = x * 1 derivative [3, 0]",
        "by x: [3, 0], sum [6, 5]",
    ]


def test_an_expression_of_python_is_an_operation_each_time_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(
        "import numpy as np\n\ndef f(x, w):\n    s = 0.0\n    for k in range(2):\n        s = w @ x * s + x[k]\n"
        "    é = np.std(\n        x)\n    return é + s\n",
        encoding="utf-8",
    )
    graph = load_function(str(path), "f").recorded({"x": [1.0, 2.0], "w": [3.0, 4.0]}).graph
    assert shown(rows(graph)[1]) == [
        *[("@", "w, x"), ("*", "%, 0"), ("[k]", "x"), ("+", "%, %")],
        *[("@", "w, x"), ("*", "%, %"), ("[k]", "x"), ("+", "%, %")],
        *[("std", "x"), ("+", "%, %")],
    ]


# ---- laws


def check_laws(graph: Graph) -> None:
    """Results stand for themselves, members are a partition, and what an operation reads comes before it."""
    written = WrittenOperations(graph)
    parts = sorted(x for i in range(len(graph)) if written.result_of[i] == i for x in written.members.get(i, [i]))
    assert parts == [i for i in range(len(graph)) if not written.is_form[i]]
    for i, result in enumerate(written.result_of):
        assert written.result_of[result] == result
        if result == i:
            assert all(x < i and written.result_of[x] == x for x in written.operands(i))
        elif not written.is_form[i]:
            readers = {written.result_of[k] for k in range(i, len(graph)) if i in graph.operands(k)}
            assert readers <= {result}  # none where a run computed more than it needed
            assert i not in (*graph.outputs, *graph.asserts)
    table = OperationTable(graph)
    for i in table.nodes:
        for x in table.inputs(i):
            assert x in table.nodes or graph.op[x] in (CONST, SIZE)
    assert len({table.reference(i) for i in table.nodes}) == len(table.nodes)


def check_that_it_was_written(graph: Graph) -> None:
    """The symbol of each row stands in the source text of its operation; a keyword at least in the program."""
    table = OperationTable(graph)
    for i in table.nodes:
        if graph.span[i] == NONE or graph.op[i] in (INPUT, CONST, COPY):
            continue
        span, symbol = graph.spans[graph.span[i]], table.written.operator(i)
        text = span.source.text if symbol in ("if", "for", "while") else span.text
        parts = "[" if symbol == "[…]" else symbol
        assert "".join(parts.split()).rstrip("=") in "".join(text.split()), (graph[i].op, symbol, span.text)
        assert symbol != " ".join(span.text.split()) or symbol.isidentifier(), (graph[i].op, symbol)


PROGRAMS = sorted([*(ROOT / "samples").glob("*.cg"), *(ROOT / "tests" / "golden").glob("*/*.cg")])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_of_every_program_the_rows_are_what_was_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    graphs = [load(path).graph]
    with suppress(CgError):  # of a program that needs other values
        graphs.append(load(path, mode="dynamic").recorded(values_for(path)).graph)
    for graph in graphs:
        check_laws(graph)
        check_that_it_was_written(graph)


@pytest.mark.parametrize("seed", range(60))
def test_of_random_programs_the_rows_are_what_was_written(seed: int) -> None:
    from random import Random

    program = random_program(seed)
    graph = parse(program.text).graph
    check_laws(graph)
    check_that_it_was_written(graph)
    try:
        recorded = parse(program.text, mode="dynamic").recorded(random_inputs(Random(seed)))
    except CgError:
        return
    check_laws(recorded.graph)
    check_that_it_was_written(recorded.graph)
