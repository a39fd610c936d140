"""`cg plot` and `Program.plot`: the numbers, where there are none, and what is drawn of them."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from cli_harness import cg
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cgcli import CgError, load, parse
from cgcli.program.jumps import jumps
from cgcli.program.plot_options import PlotOptions
from cgcli.program.plots import Plot, plot_file
from cgcli.render.braille import Canvas
from cgcli.render.sampled import Axis, Curve, Line, Sampled, levels, limits, ticks
from cgcli.render.sampled_text import WIDEST, text

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
GOLDEN = Path(__file__).parent / "golden" / "plots"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(*args: str) -> dict[str, list[float]]:
    """The columns of `cg plot` in a pipe."""
    result = cg("plot", *args)
    assert result.status == 0, result.err
    header, *rows = csv.reader(io.StringIO(result.out))
    return {name: [float(row[k]) for row in rows] for k, name in enumerate(header)}


def plotted(program: str, over: dict[str, tuple[float, float]], mode: str = "static", **settings: object) -> Sampled:
    f = parse(program)
    f = f.in_dynamic_mode() if mode == "dynamic" else f
    return f.plot(over=over, options=PlotOptions(**settings)).sampled  # type: ignore[arg-type]


# ---- the numbers


ORACLE = [
    ("sin(x)^2 * exp(-x)", lambda x: mp.sin(x) ** 2 * mp.exp(-x)),
    ("log(1 + x^2) / (2 + cos(x))", lambda x: mp.log(1 + x**2) / (2 + mp.cos(x))),
    ("erf(x) + atan(x)", lambda x: mp.erf(x) + mp.atan(x)),
]


@pytest.mark.parametrize(("program", "function"), ORACLE, ids=[program for program, _ in ORACLE])
@pytest.mark.parametrize("points", [40, 2000], ids=["single runs", "a table"])
def test_values_and_derivatives_are_those_of_the_function(program: str, function: object, points: int) -> None:
    columns = table("-e", program, "--over", "x=-3..3", "--points", str(points))
    assert list(columns) == ["x", "out", "dout/dx"]
    assert columns["x"] == pytest.approx(np.linspace(-3, 3, points), abs=1e-15)
    with mp.workdps(30):
        for k in range(0, points, points // 20):
            x = mp.mpf(columns["x"][k])
            assert columns["out"][k] == pytest.approx(float(function(x)), rel=1e-13, abs=1e-15)  # type: ignore[operator]
            assert columns["dout/dx"][k] == pytest.approx(float(mp.diff(function, x)), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("program", "over", "of"),
    [
        ("black_scholes.cg", "spot", "price"),
        ("newton.cg", "M", "implicit"),  # a loop of as many steps as it takes
        ("pendulum_energy.cg", "θ", "energy"),
        ("ode.cg", "born", "foxes"),  # tensors in a loop
    ],
)
def test_the_numbers_are_those_of_grad(program: str, over: str, of: str) -> None:
    file = str(SAMPLES / program)
    columns = table(file, "--over", f"{over}=0.5..2.5", "--of", of, "--points", "5")
    for k, x in enumerate(columns[over]):
        single = json.loads(cg("grad", file, "--of", of, "--wrt", over, "--format", "json", f"--{over}", repr(x)).out)
        exact = program != "ode.cg"  # a graph on tensors may run by another backend from its second run on
        close = single if exact else pytest.approx(single["value"], rel=1e-12)
        assert columns[of][k] == (single["value"] if exact else close)
        derivative = single["grad"][over]
        assert columns[f"d{of}/d{over}"][k] == (derivative if exact else pytest.approx(derivative, rel=1e-11))


def test_many_points_have_the_numbers_of_few() -> None:
    many = table(str(SAMPLES / "newton.cg"), "--over", "M=0..6", "--of", "x", "--points", "2401")
    few = table(str(SAMPLES / "newton.cg"), "--over", "M=0..6", "--of", "x", "--points", "25")
    for name, numbers in few.items():
        assert many[name][::100] == pytest.approx(numbers, rel=1e-12, abs=1e-15)


def test_both_modes_give_the_same_numbers() -> None:
    program = "y = if x > 0 then x * sin(1 / x) else -x; z = [x, x^2]"
    static, dynamic = (plotted(program, {"x": (-1, 1)}, mode, points=30) for mode in ("static", "dynamic"))
    assert list(static.columns) == ["x", "y", "dy/dx", "norm(z)", "dnorm(z)/dx"]
    for name, numbers in static.columns.items():
        assert dynamic.columns[name] == pytest.approx(numbers, rel=1e-12)


def test_a_recursive_program_is_plotted() -> None:
    program = "fn power(x, n) = if n == 0 then 1.0 else x * power(x, n - 1); y = power(x, 3)"
    columns = table("-e", program, "--over", "x=-2..2", "--points", "5")
    assert columns == {"x": [-2, -1, 0, 1, 2], "y": [-8, -1, 0, 1, 8], "dy/dx": [12, 3, 0, 3, 12]}


def test_several_outputs_and_derivatives_by_others() -> None:
    program = "a = x * w; b = x + w; n = 3"
    columns = table("-e", program, "--over", "x=0..2", "--w", "5", "--points", "3")
    assert columns == {"x": [0, 1, 2], "a": [0, 5, 10], "da/dx": [5] * 3, "b": [5, 6, 7], "db/dx": [1] * 3}
    columns = table("-e", program, "--over", "x=0..2", "--w", "5", "--points", "3", "--of", "a", "--wrt", "w")
    assert columns == {"x": [0, 1, 2], "a": [0, 5, 10], "da/dx": [5] * 3, "da/dw": [0, 1, 2]}


def test_a_tensor_is_shown_by_its_norm() -> None:
    columns = table("-e", "input x: float\ny = [[3 * x, 4 * x], [0, 0]]", "--over", "x=-1..1", "--points", "4")
    assert columns["norm(y)"] == pytest.approx([5 * abs(x) for x in columns["x"]], rel=1e-15)
    assert columns["dnorm(y)/dx"] == pytest.approx([-5, -5, 5, 5], rel=1e-15)
    many = table("-e", "input x: float\ny = [[3 * x, 4 * x], [0, 0]]", "--over", "x=-1..1", "--points", "2000")
    assert many["norm(y)"] == pytest.approx([5 * abs(x) for x in many["x"]], rel=1e-15)


def test_an_int_takes_whole_numbers_and_has_no_derivative() -> None:
    program = "input n: int = 3 in 0..10; y = 0.5^n; twice = 2 * n"
    columns = table("-e", program, "--over", "n")
    assert columns == {"n": list(range(11)), "y": [0.5**n for n in range(11)]}
    assert table("-e", program, "--over", "n=0..10", "--points", "4")["n"] == [0, 3, 7, 10]
    assert table("-e", program, "--over", "n=0..2", "--of", "twice") == {"n": [0, 1, 2], "twice": [0, 2, 4]}


def test_ends_are_constant_expressions() -> None:
    columns = table("-e", "sin(x)", "--over", "x=-pi/2 .. 2*pi", "--points", "2")
    assert columns["x"] == [-math.pi / 2, 2 * math.pi]
    assert table("-e", "x", "--over", "x=0...5", "--points", "2")["x"] == [0, 0.5]


def test_single_precision_has_its_shortest_digits() -> None:
    args = "-e", "input x: f32\ny = x / 3", "--over", "x=0..1"
    few, many = (table(*args, "--points", count) for count in ("11", "2001"))
    assert few["x"] == [float(str(np.float32(x))) for x in few["x"]]
    assert few["y"] == [float(str(np.float32(x) / np.float32(3))) for x in few["x"]]
    assert many["y"] == [float(str(np.float32(x) / np.float32(3))) for x in many["x"]]


def test_two_inputs_are_a_grid() -> None:
    columns = table("-e", "x^2 * y", "--over", "x=0..2", "--over", "y=1..2", "--points", "3")
    x, y = (np.array(a).reshape(3, 3) for a in (columns["x"], columns["y"]))
    assert x.tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert y.tolist() == [[1, 1.5, 2]] * 3
    assert columns["out"] == (x**2 * y).reshape(-1).tolist()
    assert columns["dout/dx"] == (2 * x * y).reshape(-1).tolist()
    assert columns["dout/dy"] == (x**2).reshape(-1).tolist()


def test_json_has_the_columns_and_the_numbers_at_the_point() -> None:
    data = json.loads(
        cg("plot", "-e", "log(x)", "--over", "x=-1..1", "--points", "3", "--x", "1", "--format", "json").out
    )
    assert data == {
        "over": ["x"],
        "columns": {"x": [-1, 0, 1], "out": ["NaN", "-Infinity", 0], "dout/dx": [-1, "Infinity", 1]},
        "at": {"x": 1, "out": 0, "dout/dx": 1},
    }


def test_precision_rounds_numbers_but_not_the_points() -> None:
    out = cg("plot", "-e", "x / 3", "--over", "x=0..1", "--points", "4", "--precision", "2").out
    assert out.splitlines()[1:3] == ["0.0,0.0,0.33", "0.3333333333333333,0.11,0.33"]


# ---- where there are no values


def test_where_there_is_no_value_there_is_a_note() -> None:
    result = cg("plot", "-e", "log(x)", "--over", "x=-1..1", "--points", "5")
    assert result.status == 0
    assert result.err == (
        "note: out is nan at 2 of 5 points, first at x = -1\nnote: out is infinite at 1 of 5 points, at x = 0\n"
    )
    assert cg("plot", "-e", "log(x)", "--over", "x=-1..1", "--points", "5", "-q").err == ""
    roots = cg("plot", "-e", "sqrt(x)", "--over", "x=0..1", "--points", "3")  # a value, but no derivative
    assert roots.err == "note: dout/dx is infinite at 1 of 3 points, at x = 0\n"


@pytest.mark.parametrize("points", [9, 2001])
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_where_the_run_fails_there_is_no_value(points: int, mode: str) -> None:
    points = points if mode == "static" else 9
    sampled = plotted('assert x > 0, "positive"; y = log(x)', {"x": (-1, 1)}, mode, points=points)
    (curve,) = sampled.curves
    assert sampled.notes == (
        f"the run fails at {points // 2 + 1} of {points} points, first at x = -1: assertion failed: positive",
    )
    assert [math.isnan(y) for y in curve.value.numbers] == [x <= 0 for x in sampled.over[0].points]
    assert sampled.over[0].at == pytest.approx(0.5, abs=0.25)  # where there is a value


def test_a_run_that_fails_everywhere_is_an_error() -> None:
    result = cg("plot", "-e", 'assert x > 5, "large"; y = x', "--over", "x=0..1")
    assert (result.status, result.out) == (1, "")
    assert "assertion failed: large" in result.err


def test_a_limit_of_the_whole_run_is_an_error() -> None:
    program = "n = 0.0; while n >= 0 { n = n + x^2 }"
    result = cg("plot", "-e", program, "--over", "x=0..1", "--timeout", "0.3")
    assert (result.status, result.out) == (1, "")
    assert "not done after 0.3 s" in result.err


def test_a_point_outside_has_no_tangent() -> None:
    result = cg("plot", "-e", "x^2", "--over", "x=-1..1", "--points", "3", "--x", "4", "--format", "json")
    assert json.loads(result.out)["at"] == {}
    assert result.err == "note: `x` = 4 is outside of -1..1: no tangent is drawn\n"


def test_a_default_is_the_point_where_it_is_inside() -> None:
    for ends, at in (("1..4", 3.0), ("4..6", 5.0)):
        result = cg("plot", "-e", "input x: float = 3; y = x^2", "--over", f"x={ends}", "--format", "json")
        assert json.loads(result.out)["at"]["x"] == at
        assert result.err == ""


# ---- lines and where they are broken


@pytest.mark.parametrize(
    ("program", "over", "value", "slope"),
    [
        ("1 / x", (-1, 1), [0], [0]),
        ("1 / (x - 0.3)^2", (0, 1), [0.3], [0.3]),  # whose sign does not change
        ("tan(x)", (-3, 3), [-math.pi / 2, math.pi / 2], [-math.pi / 2, math.pi / 2]),
        ("floor(x)", (-1.5, 1.5), [-1, 0, 1], [-1, 0, 1]),
        ("where(x > 0.3, x, x - 5)", (-1, 1), [0.3], [0.3]),
        ("abs(x)", (-1, 1), [], [0]),  # a kink
        ("relu(x - 0.2)", (-1, 1), [], [0.2]),
        ("sqrt(abs(x))", (-1, 1), [], [0]),
        ("x^3", (-1, 1), [], []),
        ("sin(20 * x)", (-3, 3), [], []),
        ("sin(1000 * x)", (-3, 3), [], []),  # whose waves are narrower than the points are apart
        ("tanh(500 * x)", (-1, 1), [], []),
        ("3.0 + 0 * x", (-1, 1), [], []),
    ],
)
def test_a_line_is_broken_where_the_function_jumps_and_nowhere_else(
    program: str, over: tuple[float, float], value: Sequence[float], slope: Sequence[float]
) -> None:
    sampled = plotted(program, {"x": over})
    (curve,) = sampled.curves
    points = sampled.over[0].points
    for line, places in ((curve.value, value), (curve.slopes["x"], slope)):
        assert [(points[k] <= x <= points[k + 1]) for k, x in zip(sorted(line.jumps), places, strict=True)] == [
            True
        ] * len(places)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_a_polynomial_never_jumps(coefficients: list[float]) -> None:
    def rows(x: Sequence[float]) -> dict[str, list[float]]:
        return {"y": np.polyval(coefficients, x).tolist()}

    points = np.linspace(-2, 2, 30).tolist()
    assert jumps(points, rows(points), {}, rows) == {"y": (set(), False)}


def test_a_line_has_pieces_between_gaps_and_jumps() -> None:
    numbers = [1.0, 2.0, math.nan, 3.0, math.inf, 4.0, 5.0, 6.0]
    line = Line("y", numbers, jumps={6})
    assert list(map(list, line.pieces())) == [[0, 1], [3], [5, 6], [7]]
    assert list(map(list, line.pieces([math.nan, *numbers[1:]]))) == [[1], [3], [5, 6], [7]]


def test_a_pole_does_not_decide_how_high_the_plot_is() -> None:
    low, high = limits([plotted("tan(x)", {"x": (-3, 3)}).curves[0].value])
    assert -50 < low < -3
    assert 3 < high < 50
    assert limits([Line("y", [1.0, 3.0])]) == pytest.approx((0.9, 3.1))
    assert limits([Line("y", [2.0, 2.0])]) == (1, 3)
    assert limits([Line("y", [math.nan])]) == (0, 1)


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(1, 12))
def test_ticks_are_round_numbers_inside(low: float, span: float, most: int) -> None:
    high = low + span
    marks = ticks(low, high, most)
    assert len(marks) <= most
    assert all(low <= x <= high or math.isclose(x, low) or math.isclose(x, high) for x in marks)
    assert marks == sorted(set(marks))


def test_ticks_are_the_numbers_that_are_meant() -> None:
    assert ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1] or ticks(0, 1, 5) == [0, 0.5, 1]
    assert ticks(-0.35, 0.35, 7) == [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]
    assert ticks(1, 1, 5) == []


def test_contours_divide_skewed_numbers_too() -> None:
    assert levels([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 6) == [0, 2, 4, 6, 8, 10]
    skewed = levels([math.exp(x / 10) for x in range(200)], 6)
    assert len(skewed) == 6
    assert skewed[0] < 20
    assert levels([1.0, 1.0], 6) == levels([math.nan], 6) == []


def test_derivatives_that_are_not_drawn_leave_no_room_for_themselves() -> None:
    drawn = cg("plot", "-e", "log(x)", "--over", "x=-1..1", "--format", "txt").out
    marks = re.findall(r"(\S+)┤", drawn.partition("d(log(x))/dx")[2] or drawn.rpartition("/dx\n")[2])
    assert marks
    assert not any(mark.startswith("-") for mark in marks)


def test_the_numbers_of_an_axis_tell_its_ticks_apart() -> None:
    drawn = cg("plot", "-e", "x", "--over", "x=1..1.000001", "--points", "2", "--format", "txt").out
    assert re.findall(r"(\S+)┤", drawn.partition("dy/dx")[0])[:3] == ["1.000001", "1.0000005", "1"]
    assert "1.0000002" in drawn


def test_an_int_has_all_its_digits() -> None:
    program = "input n: int = 123456; input m: int = 654321; y = n + m + 0 * n"
    drawn = cg("plot", "-e", program, "--over", "n=123450..123460", "--format", "txt").out
    assert "m = 654321" in drawn
    assert "● at n = 123456: y = 777777" in drawn
    assert re.search(r"^ +123450 +123452 ", drawn, re.MULTILINE)


@pytest.mark.parametrize(
    "program", ["1.7e308 * x", "x * 1e-320", "1e308 * sign(x)", "exp(709 * x)", "nan * x", "7 + 0 * x"]
)
@pytest.mark.parametrize("over", [["x=-1..1"], ["x=-1e-300..1e-300"], ["x=-1..1", "y=-1e300..1e300"]])
def test_extreme_numbers_are_drawn(program: str, over: list[str]) -> None:
    args = [f"{program} + 0 * y", "--y", "1", *(word for each in over for word in ("--over", each)), "--points", "20"]
    for kind in ("txt", "svg"):
        result = cg("plot", "-e", *args, "--format", kind)
        assert (result.status, "bug" in result.err) == (0, False)


def test_a_step_at_the_end_is_seen() -> None:
    (curve,) = plotted("where(x > 0.97, 100, 0)", {"x": (-1, 1)}).curves
    assert limits([curve.value]) == pytest.approx((-5, 105))


# ---- the path of a training


def test_the_path_of_a_training_leads_from_its_start_to_its_end() -> None:
    records = [{"step": k, "loss": 1.0, "rate": 0.1, "params": params(1 - k / 4, k / 4)} for k in range(4)]
    lines = [json.dumps({"step": 0, "mean_loss": 1}), *map(json.dumps, records)]
    Path("m.jsonl").write_text("\n".join(lines) + '\n{"step": 5, "par', encoding="utf-8")
    args = "-e", "param a = 1.0; param b = 0.0; loss = a^2 + b^2", "--over", "a=-2..2", "--over", "b=-2..2"
    data = json.loads(cg("plot", *args, "--metrics", "m.jsonl", "--format", "json").out)
    assert data["path"] == {"a": [1, 0.75, 0.5, 0.25, 0], "b": [0, 0.25, 0.5, 0.75, 1]}
    drawing = cg("plot", *args, "--metrics", "m.jsonl", "--format", "txt").out
    assert "○ to ◆: the training, 5 points" in drawing
    assert cg("plot", *args, "--metrics", "m.jsonl", "-o", "path.svg").status == 0
    outside = cg("plot", *args[:4], "--over", "b=-2..0.5", "--metrics", "m.jsonl", "--format", "json")
    assert outside.err == "note: the training ends outside of the plot, at a = 0, b = 1\n"


def test_the_metrics_of_a_training_have_its_path() -> None:
    program = "param a = 2.0; param b = -1.0; loss = (a - 1)^2 + b^2"
    train = "train", "-e", program, "--loss", "loss", "--steps", "30", "--lr", "0.1", "--metrics", "m.jsonl"
    end = json.loads(cg(*train, "--format", "json").out)["params"]
    over = "--over", "a=-2..3", "--over", "b=-2..2"
    path = json.loads(cg("plot", "-e", program, *over, "--metrics", "m.jsonl", "--format", "json").out)["path"]
    assert [(path[name][0], path[name][-1]) for name in "ab"] == [
        (2, pytest.approx(end["a"], rel=1e-14)),
        (-1, pytest.approx(end["b"], rel=1e-14)),
    ]
    assert len(path["a"]) == 31


def params(a: float, b: float) -> dict[str, dict[str, float]]:
    return {
        "a": {"gradient": 1.0, "update": -0.25, "value": a},
        "b": {"gradient": 1.0, "update": 0.25, "value": b},
        "W": {"gradient": 1.0, "update": 1.0, "value": 1.0},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"step": 1, "loss": 2}\n', "no line of `m.jsonl` has values of a and b"),
        ("a,b\n1,2\n", "`m.jsonl` cannot be read"),
        ('{"params": {"a": {"value": "x"}, "b": {"value": 1}}}\n', "`m.jsonl` cannot be read"),
    ],
)
def test_a_file_without_a_path_is_an_error(content: str, message: str) -> None:
    Path("m.jsonl").write_text(content, encoding="utf-8")
    result = cg("plot", "-e", "a^2 + b", "--over", "a=0..1", "--over", "b=0..1", "--metrics", "m.jsonl", "-o", "x.svg")
    assert result.status == 1
    assert message in result.err
    assert not Path("x.svg").exists()


# ---- messages


@pytest.mark.parametrize(
    ("args", "title", "helps"),
    [
        ([], "a plot is over one input or over two, but 0 are given", ["name one with its range: `--over x=-3..3`"]),
        (["--over", "x=3..-3"], "`x` cannot run from 3 to -3", ["did you mean `--over x=-3..3`?"]),
        (["--over", "x=0..inf"], "`x` cannot run from 0 to inf", ["the ends are two finite numbers, the lower one"]),
        (["--over", "x=1..1"], "`x` cannot run from 1 to 1", ["the ends are two finite numbers, the lower one first"]),
        (["--over", "x=0"], "`--over x=0` is no input with a range", []),
        (["--over", "=0..1"], "`--over =0..1` is no input with a range", []),
        (["--over", "x"], "the declaration of `x` has no range to plot over", []),
        (["--over", "z=0..1"], "there is no input `z`", []),
        (["--over", "v=0..1"], "`v` is float[2], and a plot is over inputs that are one number, float or int", []),
        (["--over", "x=0..1", "--over", "x=0..2"], "`--over` names the input `x` twice", []),
        (["--over", "x=0..1", "--of", "nothing"], "the program has no value `nothing`", []),
        (["--over", "x=0..1", "--wrt", "v"], "`v` is float[2]: a plot shows derivatives by single numbers", []),
        (["--over", "x=0..1", "--of", "large"], "`large` is bool[2]; a plot shows numbers", []),
        (["--over", "x=0..1", "--over", "y=0..1"], "over two inputs one value is drawn, and there are several", []),
        (["--over", "x=0..1", "--metrics", "m.jsonl", "-o", "a.svg"], "`--metrics` draws the path of a training", []),
        (["--over", "x=0..1", "--metrics", "m.jsonl"], "`--metrics` has no effect on a `csv`", []),
        (["--over", "x=0..1", "--over", "y=0..1", "--points", "1001"], "1001 points of each input are too many", []),
        (["--over", "x=0..1", "--points", "1000001"], "1000001 points of each input are too many", ["`--points` is 1"]),
        (["--over", "x=0..1", "--points", "1" + "0" * 9], "`--points` is a whole number of at most 9 digits, but", []),
        (["--over", "x=0..1", "--theme", "dark"], "`--theme` has no effect on a `csv`", []),
        (["--over", "x=0..1", "-o", "a.svg", "--precision", "3"], "`--precision` has no effect on a `svg`", []),
        (["--over", "x=0..1", "-o", "a.gif"], "`-o a.gif` is no file of a kind that fits", []),
        (["--over", "x=0..1", "--points", "1"], "`--points` needs a whole number, at least 2, but `1` is given", []),
        (["--over", "x=0..1", "--data", "t.csv"], "`--data` is not for this command", []),
    ],
)
def test_messages(args: list[str], title: str, helps: list[str]) -> None:
    program = "input x: float; input y: float = 1; input v: float[2] = [1, 2]; large = v > x; a = x * y; b = sum(v) * x"
    result = cg("plot", "-e", f"{program}; output a, b", *args)
    assert result.status == 2, result
    assert result.out == ""
    assert title in result.err
    assert all(f"= help: {text}" in result.err for text in helps)
    assert list(Path().iterdir()) == []


def test_a_missing_value_is_named_but_not_that_of_the_input_that_varies() -> None:
    result = cg("plot", "-e", "x * w", "--over", "x=0..1")
    assert (result.status, result.err) == (2, "error: no value is given for w\n  = help: say `--w VALUE`\n")


def test_a_plot_is_never_written_over_the_program() -> None:
    Path("f.csv").write_text("x^2", encoding="utf-8")
    assert cg("plot", "f.csv", "--over", "x=0..1", "-o", "f.csv").status == 2
    assert Path("f.csv").read_text(encoding="utf-8") == "x^2"


# ---- on a terminal

CURVES = {
    "price": [str(SAMPLES / "black_scholes.cg"), "--over", "spot=50..150"],
    "several": ["-e", "a = sin(x); b = cos(x)", "--over", "x=0..6"],
    "pole": ["-e", "1 / x", "--over", "x=-2..2"],
    "whole": ["-e", "input n: int = 3; y = 1.5^n", "--over", "n=0..12"],
    "contours": [str(SAMPLES / "rosenbrock.cg"), "--over", "x=-2..2", "--over", "y=-1..3"],
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_a_drawing_on_a_terminal(name: str, width: int, request: pytest.FixtureRequest) -> None:
    drawn = cg("plot", *CURVES[name], "--format", "txt", COLUMNS=str(width)).out
    path = GOLDEN / f"{name}.{width}.txt"
    if request.config.getoption("--rewrite"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")
    assert max(map(cell_len, drawn.splitlines())) <= min(width, WIDEST)


@pytest.mark.parametrize("name", CURVES)
def test_a_drawing_in_ascii_and_in_colour(name: str) -> None:
    plain = cg("plot", *CURVES[name], "--format", "txt", COLUMNS="70").out
    colours = cg("plot", *CURVES[name], "--format", "txt", "--color", "always", COLUMNS="70").out
    assert re.sub(r"\x1b\[[0-9;]*m", "", colours) == plain
    assert ("\x1b[38;5;130m" in colours) == (name != "whole")  # which has no derivative
    sampled = load(SAMPLES / "rosenbrock.cg").plot(over={"x": (-2, 2), "y": (-1, 3)}).sampled
    assert text(sampled, 70, ascii_only=True).isascii()


@pytest.mark.parametrize("width", [1, 10, 25, 33])
def test_a_narrow_terminal_is_no_trouble(width: int) -> None:
    for args in CURVES.values():
        drawn = cg("plot", *args, "--format", "txt", COLUMNS=str(width))
        assert drawn.status == 0
        assert max(map(cell_len, drawn.out.splitlines())) <= max(24, width)


def test_names_do_not_reach_the_terminal_as_they_are() -> None:
    sampled = plotted("y = x^2", {"x": (0, 1)})
    hostile = "y\x1b[31m"
    curve = Curve(Line(hostile, sampled.curves[0].value.numbers, 1.0), {"x": Line(f"d{hostile}/dx", [1.0] * 200, 1.0)})
    drawn = text(Sampled(sampled.over, (curve, curve), ("x",), "\x1b]0;", {hostile: 1.0}), 80)
    assert "\x1b" not in drawn


def test_without_a_target_a_terminal_gets_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.cli.plot.is_terminal", lambda stream: True)
    args = "-e", "x^2", "--over", "x=0..1", "--points", "3"
    assert cg("plot", *args, COLUMNS="60").out == cg("plot", *args, "--format", "txt", COLUMNS="60").out
    assert cg("plot", *args, "--format", "csv").out == "x,out,dout/dx\n0.0,0.0,0.0\n0.5,0.25,1.0\n1.0,1.0,2.0\n"
    assert "`--theme` has no effect on a `txt`" in cg("plot", *args, "--theme", "dark").err


def test_lines_on_a_canvas_are_clipped_and_have_no_holes() -> None:
    canvas = Canvas(4, 1)
    canvas.line((-100, -100), (100, 100))
    assert canvas.rows() == ["⠑⢄  "]
    canvas = Canvas(4, 1)
    canvas.line((0, 5), (7, 5))
    assert canvas.rows() == ["    "]
    canvas = Canvas(4, 1)
    for k in range(7):
        canvas.line((k * 1.1, 2), (k * 1.1 + 1.1, 2))
    assert canvas.rows() == ["⠤⠤⠤⠤"]
    assert canvas.rows(ascii_only=True) == ["----"]


# ---- pictures


@pytest.mark.parametrize("name", CURVES)
def test_pictures_of_each_kind(name: str) -> None:
    for kind, magic in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert cg("plot", *CURVES[name], "-o", f"p.{kind}").status == 0
        assert Path(f"p.{kind}").read_bytes().startswith(magic)


def test_a_picture_is_the_same_each_time_and_has_the_colours_of_its_theme() -> None:
    for theme in ("light", "dark"):
        for target in ("a.svg", "b.svg"):
            assert cg("plot", *CURVES["price"], "-o", target, "--theme", theme).status == 0
        assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
        assert ("#0f1623" in Path("a.svg").read_text(encoding="utf-8")) == (theme == "dark")


def test_a_picture_on_standard_output() -> None:
    assert cg("plot", "-e", "x^2", "--over", "x=0..1", "--format", "svg", "-o", "-").out.startswith("<?xml")
    assert cg("plot", "-e", "x^2", "--over", "x=0..1", "-o", "-").out.startswith("x,out,dout/dx\n")


def test_large_numbers_of_a_picture_stand_beside_its_caption() -> None:
    program = "input n: int = 123456; input k: float = 5e9; y = n * k"
    picture = cg("plot", "-e", program, "--over", "n=123456..123460", "--format", "svg").out
    texts = re.findall("<!-- (.*?) -->", picture)
    assert {"123456", "123460", "1e14", "k = 5000000000"} <= set(texts)


def test_a_picture_of_several_curves_has_one_entry_for_their_tangents() -> None:
    args = "a = sin(x); b = cos(x)", "--over", "x=0..6", "--x", "1"
    picture = cg("plot", "-e", *args, "--format", "svg").out
    assert picture.count("<!-- tangents at x = 1 -->") == 1
    assert "slope" not in picture


def test_names_in_a_picture_are_no_formulas() -> None:
    axis = Axis("$x_{$", [0.0, 1.0, 2.0], 1.0)
    line = Line("<script>&\\frac", [0.0, math.nan, 4.0], 1.0)
    sampled = Sampled(
        (axis,), (Curve(line, {"$x_{$": Line("d$", [0.0, 2.0, 4.0], 2.0)}),), ("$x_{$",), "\x1b]0;", {"$a^": 1.0}
    )
    for kind in ("svg", "png", "pdf"):
        assert plot_file(sampled, kind)
    svg = plot_file(sampled, "svg")
    assert b"<script" not in svg
    assert b"\x1b" not in svg
    grid = Sampled((axis, Axis("y", [0.0, 1.0], 0.0)), (Curve(Line("$z", [0.0, 1.0, math.nan, 3.0, math.inf, 5.0])),))
    assert plot_file(grid, "svg").startswith(b"<?xml")


def test_without_matplotlib_a_picture_is_an_error_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.render.plots.find_spec", lambda name: None)
    result = cg("plot", "-e", "x^2", "--over", "x=0..1", "-o", "x.svg")
    assert (result.status, "pip install 'cgcli[plot]'" in result.err) == (2, True)
    assert cg("plot", "-e", "x^2", "--over", "x=0..1", "--format", "txt").status == 0


# ---- completion


def test_completion_offers_inputs_with_their_ranges_and_lists_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def offered(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        return cg(_CG_COMPLETE="complete_bash", _TYPER_COMPLETE_ARGS=line, **words).out.split()

    Path("f.cg").write_text("input v: float in 0.1..2; input n: int; input w: float[2]; output y = v * n, z = w")
    assert offered("cg plot f.cg --over ") == ["v=0.1..2", "n="]
    assert offered("cg plot f.cg --of ") == ["y", "z"]
    assert offered("cg plot f.cg --of y,") == ["y,z"]


# ---- from Python


def test_a_plot_in_python() -> None:
    f = load(SAMPLES / "rosenbrock.cg")
    plot = f.plot(over={"x": (-2, 2)}, y=1, options=PlotOptions(of="f", points=5))  # type: ignore[arg-type]
    assert isinstance(plot, Plot)
    assert {name: type(x) for name, x in plot.columns.items()} == dict.fromkeys(["x", "f", "df/dx"], np.ndarray)
    x = plot.columns["x"]
    assert plot.columns["f"].tolist() == [f(x=x, y=1) for x in x]
    assert str(plot).startswith("rosenbrock: f over x\n")
    assert plot._repr_svg_().startswith("<?xml")  # type: ignore[union-attr]
    f.plot("p.csv", over={"x": (-2, 2)}, y=1)
    assert Path("p.csv").read_text(encoding="utf-8").startswith("x,f,df/dx\n-2.0,")
    assert f.plot(over={"x": (-2, 2), "y": (0, 1)}).columns["df/dy"].shape == (2500,)
    g = parse("input x: float in 0..1; y = x^2")
    assert g.plot(over={"x": None}).columns["x"][[0, -1]].tolist() == [0, 1]
    with pytest.raises(CgError, match="at least 2"):
        g.plot(over={"x": None}, options=PlotOptions(points=1))
    with pytest.raises(CgError, match="over one input or over two"):
        f.plot(over={})
    with pytest.raises(CgError, match="no file of a kind"):
        g.plot("p.gif", over={"x": None})
