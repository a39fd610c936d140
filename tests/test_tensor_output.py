"""How tensors are shown: as literals or in sum, in every layout, beside nodes and on the cards of pictures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

from cgcli.diagnostics.wording.messages import TEMPLATES
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, Graph
from cgcli.graph.types import INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.spelling import Written, write_number, write_op
from cgcli.ops.table import OPS
from cgcli.render import csv
from cgcli.render.formula import value_text
from cgcli.render.json import dump
from cgcli.render.node_table import rows, tree
from cgcli.render.node_text import value_writer
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Picture
from cgcli.render.picture.draw import render
from cgcli.render.table import table
from cgcli.render.tensors import as_lists, columns, literal, summary, terminal_brief, write
from cgcli.render.terminal_values import TerminalValues

INF, NAN = float("inf"), float("nan")


def f32(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype="float32")


# ---- small tensors are written as in the language


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, 2.5]), "[1, 2.5]"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.array([1, -2], dtype="int32"), "[1, -2]"),
        (np.array([True, False]), "[true, false]"),
        (np.array([NAN, INF, -INF, -0.0]), "[nan, inf, -inf, -0]"),
        (np.array([0.1, 1 / 3, 1e-300]), "[0.1, 0.3333333333333333, 1e-300]"),
        (f32(0.1, 1 / 3, 1e20, 16777216), "[0.1, 0.33333334, 1e+20, 16777216]"),
        (f32(NAN, INF, -0.0, 1e-45), "[nan, inf, -0, 1e-45]"),
        (np.arange(4.0).reshape(1, 2, 1, 2), "[[[[0, 1]], [[2, 3]]]]"),
        (np.array([2**62, -(2**62)]), "[4611686018427387904, -4611686018427387904]"),
        (2.0, "2"),
        (True, "true"),
    ],
)
def test_a_small_tensor_is_a_literal(value: Any, text: str) -> None:
    assert write(value) == text


def test_single_floats_read_back() -> None:
    x = np.random.default_rng(1).standard_normal(2000).astype("float32") * f32(*[10.0**k for k in range(-10, 10)] * 100)
    read = [np.float32(part) for part in literal(x)[1:-1].split(", ")]
    assert np.array_equal(np.array(read), x)


def test_precision_rounds_the_exact_value() -> None:
    # of a single float 0.15 is a little more than 0.15
    assert literal(f32(0.15), 1) == "[0.2]"
    assert write(np.array([1 / 3, 20 / 3, 1234.0]), 2) == "[0.33, 6.7, 1200]"


# ---- large ones in sum


def test_a_large_tensor_is_summed_up() -> None:
    assert write(np.arange(24)) == literal(np.arange(24))
    assert write(np.arange(25)) == "int[25]: min 0, mean 12, max 24"
    assert write(np.linspace(-2, 1, 30).reshape(3, 10)) == "float[3, 10]: min -2, mean -0.5, max 1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.full(100, 1 / 3), "float[100]: min 0.333333, mean 0.333333, max 0.333333"),
        (np.array([NAN, 1.0, 2.0]), "float[3]: min 1, mean 1.5, max 2, 1 nan"),
        (np.array([NAN, -INF, 1.0, 2.0]), "float[4]: min -inf, mean 1.5 of 2 finite, max 2, 1 infinite, 1 nan"),
        (np.array([INF, -INF]), "float[2]: min -inf, max inf, 2 infinite"),
        (np.array([NAN, NAN]), "float[2]: 2 nan"),
        (np.array([1.7e308, 1.7e308]), "float[2]: min 1.7e+308, mean 1.7e+308, max 1.7e+308"),
        (np.array([-0.0, -0.0]), "float[2]: min 0, mean 0, max 0"),
        (f32(0.1, 0.1), "f32[2]: min 0.1, mean 0.1, max 0.1"),
        (np.array([1234567, 1234568]), "int[2]: min 1234567, mean 1234570, max 1234568"),
        (np.array([2**62] * 4), "int[4]: min 4611686018427387904, mean 4.61169e+18, max 4611686018427387904"),
        (np.array([True, False, True]), "bool[3]: 2 of 3 true"),
        (np.zeros((0, 3)), "float[0, 3]: no elements"),
        (np.zeros((2, 0), dtype=bool), "bool[2, 0]: no elements"),
    ],
)
def test_a_summary(value: Any, text: str) -> None:
    assert summary(value) == text


def test_precision_rounds_a_summary() -> None:
    x = np.array([1234.5678, -0.12345678])
    assert summary(x, 2) == "float[2]: min -0.12, mean 620, max 1200"
    assert summary(x, 9) == "float[2]: min -0.12345678, mean 617.222172, max 1234.5678"


def test_a_tensor_without_elements_says_its_shape() -> None:
    assert write(np.zeros((0, 3))) == "float[0, 3]: no elements"
    assert write(np.zeros((2, 0)), full=True) == "[[], []]"


def test_a_million_elements() -> None:
    x = np.random.default_rng(0).standard_normal((1000, 1000))
    x[3, 4] = NAN
    assert summary(x).endswith(", 1 nan")
    assert len(json.loads(dump({"x": x}))["x"]) == 1000
    assert literal(x).count(", ") == 999_999


# ---- beside nodes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1.0, 2.0, 3.0]]), "[[1, 2, 3]]"),
        (np.linspace(-1 / 3, 1, 7), "float[7], -0.3333 to 1"),
        (np.zeros((2, 5)), "float[2, 5], all 0"),
        (np.array([NAN] * 3 + [1.0] * 4), "float[7], 1, 3 nan"),
        (np.array([NAN] * 8), "float[8], 8 nan"),
        (np.array([-INF, *range(8)]), "float[9], -inf to 7"),
        (np.array([True] * 7 + [False]), "bool[8], 7 of 8 true"),
        (np.array([True, False]), "[true, false]"),
        (np.zeros((0, 3)), "float[0, 3], no elements"),
        (np.array([1 / 3] * 2), "[0.3333333333333333, 0.3333333333333333]"),
        (np.array([1 / 3] * 3), "float[3], all 0.3333"),  # digits are rounded in a range, never in an element
        (f32(0.1, 0.2), "[0.1, 0.2]"),
    ],
)
def test_a_tensor_in_brief(value: Any, text: str) -> None:
    assert terminal_brief(value) == text


def test_a_tensor_on_a_card() -> None:
    assert value_text(np.array([-0.5, 1e-7])) == "[−0.5, 1×10⁻⁷]"
    assert value_text(np.linspace(-0.4, 0.4, 784 * 128).reshape(784, 128)) == "[784, 128]  −0.4 … 0.4"
    assert value_text(np.array([NAN, INF] * 4)) == "[8]  ∞, 4 NaN"
    assert value_text(2.0) == "2"


# ---- data


def test_json_has_every_element_at_any_depth() -> None:
    h = {"hessian": {"a": {"b": np.array([[1.0, NAN], [INF, -INF]])}}, "f": f32(0.1), "k": [np.array([1]), True]}
    assert dump(h) == (
        '{"hessian": {"a": {"b": [[1.0, "NaN"], ["Infinity", "-Infinity"]]}}, "f": [0.1], "k": [[1], true]}'
    )
    assert dump({"x": np.zeros((2, 0, 3)), "b": np.array([True])}) == '{"x": [[], []], "b": [true]}'
    assert dump({"x": np.arange(25)}).count(",") == 24
    assert dump({"x": np.array([1 / 3, NAN])}, 3) == '{"x": [0.333, "NaN"]}'
    assert as_lists(np.array([1 / 3])) == [1 / 3]


def test_csv_names_each_element() -> None:
    named = list(columns("z", np.array([[1.5, 2.0], [3.0, NAN]])))
    assert [name for name, _ in named] == ["z[0,0]", "z[0,1]", "z[1,0]", "z[1,1]"]
    assert csv.dump([n for n, _ in named], [[x for _, x in named]]).endswith("\n1.5,2.0,3.0,nan")
    assert list(columns("z", np.zeros(0))) == []
    assert list(columns("z", f32(0.1))) == [("z[0]", 0.1)]


# ---- tables


def test_no_number_of_a_table_is_cut() -> None:
    x = np.random.default_rng(0).standard_normal((2, 4))
    made = table(("name", "value"), [("w", x), ("y", 1 / 3), ("n", -1000)], width=40, values=TerminalValues(full=True))
    for element in [*x.flat, 1 / 3]:
        assert repr(float(element)) in made
    assert max(map(len, made.split("\n"))) <= 40
    assert "\n        [" in made  # a new row of the matrix begins in a line of its own


def test_numbers_of_a_table_are_aligned_beside_tensors() -> None:
    made = table(("name", "value"), [("w", np.array([1.5, 2.0])), ("y", 1.5), ("n", -10)]).split("\n")
    assert [line.rstrip() for line in made[2:]] == ["w      [1.5, 2]", "y        1.5", "n      -10"]


# ---- the commands


def test_eval_in_each_layout() -> None:
    program = ("eval", "-e", "y = [[1, 2.5], [3, 4]]; z = y[0, 1]; output z, y")
    assert cg(*program).out == "z = 2.5\ny = [[1, 2.5], [3, 4]]\n"
    assert cg(*program, "--format", "json").out == '{"z": 2.5, "y": [[1.0, 2.5], [3.0, 4.0]]}\n'
    header = 'z,"y[0,0]","y[0,1]","y[1,0]","y[1,1]"'
    assert cg(*program, "--format", "csv").out == f"{header}\n2.5,1.0,2.5,3.0,4.0\n"
    assert cg(*program, "--format", "table").out.split("\n")[3] == "y      [[1, 2.5],"


@pytest.mark.parametrize("layout", ["plain", "table"])
def test_full_writes_large_tensors_out(layout: str) -> None:
    program = ("eval", "-e", "y = ones([30])", "--format", layout)
    summary = {"plain": "float[30]: min 1, mean 1, max 1", "table": "float[30], all 1"}
    assert summary[layout] in cg(*program).out
    assert cg(*program, "--full").out.count("1") == 30


def test_gradients_are_tensors_too() -> None:
    program = ("grad", "-e", "input x: float[2] = [1, 2]\ny = sum(x^2)")
    assert cg(*program).out == "y = 5\ndy/dx = [2, 4]\n"
    assert cg(*program, "--format", "csv").out == "y,dy/dx[0],dy/dx[1]\n5.0,2.0,4.0\n"
    second = json.loads(cg(*program, "--hessian", "--format", "json").out)
    assert second["hessian"] == {"x": {"x": [[2.0, 0.0], [0.0, 2.0]]}}


def test_csv_of_too_many_columns_is_refused() -> None:
    result = cg("eval", "-e", "y = zeros([200, 100])", "--format", "csv")
    assert (result.status, result.out) == (1, "")
    assert "20000 columns of CSV; the limit is 10000" in result.err
    assert "too-many-columns" in TEMPLATES


# ---- graphs


def small_graph() -> tuple[Graph, Evaluation]:
    """`h = x @ W; y = sum(h[..., 1:3] * [[1, 2], [3, 4]])`, the gradient of W left out as if no path led there."""
    b = Builder()
    x, w = b.input(Type("float", (2, 3)), "x"), b.input(Type("float", (3, 4)), "W")
    n = b.input(INT, "n")
    c = b.place(CONST, (), b.intern_type(Type("float", (2, 2))), {"value": ((1, 2), (3, 4))})
    h = b.matmul(x, w)
    b.names[h] = "h"
    part = b.mul(b.slice(h, starts=(1,), steps=(1,), sizes=(2,)), c)
    y = b.sum(part, axes=(-2, -1), keepdims=False)
    b.names[y] = "y"
    graph = b.done(y)
    xs, ws = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.linspace(-1, 1, 12).reshape(3, 4)
    cs, hs = np.array([[1, 2], [3, 4]]), xs @ ws
    values: dict[int, Any] = {x: xs, w: ws, n: 3, c: cs, h: hs, part - 1: hs[:, 1:3], part: hs[:, 1:3] * cs}
    values[y] = float(values[part].sum())
    adjoints = {x: np.full((2, 3), 0.25), h: np.ones((2, 4)), part: np.ones((2, 2)), y: 1.0}
    every = range(len(graph))
    return graph, Evaluation(graph, [values[i] for i in every], y, [adjoints.get(i) for i in every])


def test_nodes_as_rows() -> None:
    graph, evaluation = small_graph()
    header, found = rows(graph, evaluation)
    assert [row[0] for row in found] == ["x", "W", "n", "h", "v1", "v2", "y"]
    assert found[5][2] == "v1, [[1, 2], [3, 4]]"
    assert np.array_equal(found[1][5], np.zeros((3, 4)))
    nodes = json.loads(dump([dict(zip(header, row, strict=True)) for row in found]))
    assert (nodes[0]["value"], nodes[1]["gradient"]) == ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[0.0] * 4] * 3)


def test_nodes_as_a_tree() -> None:
    graph, evaluation = small_graph()
    lines = list(tree(graph, evaluation))
    assert lines[0].startswith("y = sum(v2)   value ")
    assert lines[0].endswith("   gradient 1")
    assert "v2 = v1 * [[1, 2], [3, 4]]" in lines[1]
    assert "v1 = h[..., 1:3]" in lines[2]
    assert "W   value float[3, 4], -1 to 1   gradient float[3, 4], all 0" in lines[5]
    assert "value float[3, 4], -1 to 1" in "\n".join(tree(graph, evaluation, ascii_only=True))
    assert "W   value [[-1, -0.8181818181818181, " in "\n".join(tree(graph, evaluation, value_writer(full=True)))


def cards(made: Picture) -> list[tuple[str, str, str, str]]:
    return [(n.title, n.formula, n.value, n.gradient) for n in made.nodes]


def test_cards_have_shapes_and_ranges() -> None:
    graph, evaluation = small_graph()
    made = picture(graph, evaluation, ["W"])
    assert cards(made)[:3] == [
        ("x", "input", "[[1, 2, 3], [4, 5, 6]]", "all 0.25"),
        ("W", "param", "−1 … 1", ""),
        ("h", "x @ W", "−2.64 … 5.55", "all 1"),
    ]
    assert [n.shape for n in made.nodes[:3]] == ["[2, 3]", "[3, 4]", "[2, 4]"]
    assert "norm 7.75" in made.nodes[2].tooltip
    assert [title for title, *_ in cards(made)[3:5]] == ["·[..., 1:3]", "× [[1, 2], [3, 4]]"]
    assert made.nodes[-1].formula == "sum(h[..., 1:3] × [[1, 2], [3, 4]])"
    assert made.nodes[0].tooltip.startswith("x: float[2, 3], value [[1, 2, 3], [4, 5, 6]], derivative [[0.25,")


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "dot"])
def test_a_picture_of_tensors_is_drawn(kind: str) -> None:
    graph, evaluation = small_graph()
    assert len(render(graph, evaluation, kind).data) > 1000
    assert len(render(graph, None, kind).data) > 1000


# ---- how operations and constants are written


def test_constants_are_written_as_literals() -> None:
    assert write_number(((1, 2), (3.0, -4.5))) == Written("[[1, 2], [3, -4.5]]")
    assert write_number((True, False)).text == "[true, false]"
    assert write_number((float("inf"), -0.0)).text == "[inf, -0]"
    assert write_number(((), ())).text == "[[], []]"
    long = tuple(tuple(range(100)) for _ in range(10_000))
    assert write_number(long, "picture").text == "[[0, 1, …], [0, 1, …], …]"
    assert write_number((1.2345678901234567,) * 9, longest=12).text == "[…]"
    deep: Any = 7
    for _ in range(8):
        deep = (deep,) * 9
    assert write_number(deep, "picture").text == "[[[[[[[[7, …], …], …], …], …], …], …], …]"
    assert write_number((-1, 2), "picture").text == "[−1, 2]"


@pytest.mark.parametrize(
    ("op", "operands", "attrs", "text"),
    [
        ("sum", "x", {"axes": (-1,), "keepdims": False}, "sum(x, axis=-1)"),
        ("amax", "x", {"axes": (-2, -1), "keepdims": True}, "max(x, axis=[-2, -1], keepdims=true)"),
        ("concat", "xy", {"axis": -1}, "concat([x, y], axis=-1)"),
        ("reshape", "x", {"shape": ("n", 2)}, "reshape(x, shape=[n, 2])"),
        ("einsum", "xy", {"pattern": "ij,jk->ik"}, 'einsum("ij,jk->ik", x, y)'),
        ("matmul", "xy", {}, "x @ y"),
        ("arange", "", {"size": "2*n"}, "arange(2*n)"),
        ("slice", "x", {"starts": (1, 0), "steps": (2, 1), "sizes": (3, 4), "of": (9, 4)}, "x[1:7:2, :]"),
        ("slice", "x", {"starts": (8,), "steps": (-1,), "sizes": (9,), "of": (2, 9)}, "x[..., 8::-1]"),
        ("take", "xi", {"axis": -2, "of": (4, 3)}, "x[i, :]"),
        ("expand", "x", {"shape": (2, "n"), "of": ()}, "full([2, n], x)"),
        ("expand", "x", {"shape": (2, 3), "of": (3,)}, "broadcast(x, shape=[2, 3])"),
    ],
)
def test_attributes_are_written_as_keywords(op: str, operands: str, attrs: dict[str, Any], text: str) -> None:
    assert write_op(OPS[op].spelling, [Written(x) for x in operands], attrs).text == text


def test_filled_constants_say_their_shape() -> None:
    b = Builder()
    x = b.input(Type("float", (2, 3)), "x")
    zero = b.const(0.5, Type("float", (2, 3)))
    b.names[zero] = "half"
    y = b.add(b.permute(x, axes=(-1, -2)), b.permute(b.const(0.0, Type("float", (2, 3))), axes=(-1, -2)))
    b.names[y] = "y"
    made = picture(b.done(y, zero))
    assert [n.formula for n in made.nodes if n.title in ("half", "y")] == [
        "= full([2, 3], 0.5)",
        "transpose(x)\n+ transpose(full([2, 3], 0))",
    ]


def test_a_sum_over_some_axes_says_which() -> None:
    b = Builder()
    x = b.input(Type("float", ("n", 3)), "x")
    rows_, all_ = b.sum(x, axes=(-1,), keepdims=False), b.mean(x, axes=(-2, -1), keepdims=False)
    b.names[rows_], b.names[all_] = "rows", "all"
    unnamed = b.prod(x, axes=(-2,), keepdims=False)
    made = picture(b.done(rows_, all_, b.neg(unnamed)))
    assert [n.formula or n.title for n in made.nodes[1:4]] == ["sum(x, axis=-1)", "mean(x)", "prod(·, axis=-2)"]


def test_show_has_ranges_or_all_elements() -> None:
    program = ("show", "-e", "input x: float[2] = [1, 2]\ny = sum(x * x)\nz = sum(concat([x, x, x, x]))", "--of", "y")
    plain, full = cg(*program, COLUMNS="150").out, cg(*program, "--full", COLUMNS="150").out
    assert "float[8], 1 to 2" in plain
    assert "[1, 2, 1, 2, 1, 2, 1, 2]" in full
    assert plain.split("\n")[2].split("  ")[-1] == " [2, 4]"
    assert "v2 = concat([x, x, x, x], axis=-1)" in cg(*program, "--tree").out
    assert "value float[8], 1 to 2" in cg(*program, "--tree").out
    nodes = json.loads(cg(*program, "--format", "json").out)["nodes"]
    assert (nodes[0]["value"], nodes[0]["gradient"]) == ([1.0, 2.0], [2.0, 4.0])
    assert 'x,input,,float[2],"[1.0, 2.0]","[2.0, 4.0]"' in cg(*program, "--format", "csv").out


def test_a_long_table_is_written_in_full() -> None:
    x = np.arange(100_000) / 10
    made = table(("name", "value"), [("x", x)], values=TerminalValues(full=True))
    assert made.count(",") == 99_999
