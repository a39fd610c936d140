"""The chain rule path by path: counted exactly, the largest first, adding up to the gradient."""

import json
import math
from pathlib import Path
from random import Random

import pytest
from cli_harness import cg
from test_collapse import random_program

from cgcli import load, parse
from cgcli.analysis.paths import Edges, Paths
from cgcli.graph.graph import COND, LOOP
from cgcli.ops.number_kernels import is_scalar
from cgcli.program.dynamic import Recorded
from cgcli.program.explain import explain, formulas
from cgcli.render.explain import Explanation, Iteration, LocalDerivative, MoreIterations
from cgcli.render.explain import text as explanation_text

ROOT = Path(__file__).parents[1]
ARTICLE = ("samples/article.cg", "--a", "2", "--b", "3", "--c", "1")


def recorded(text: str, values: dict[str, float]) -> Recorded:
    program = parse(text, mode="dynamic").recorded(values)
    assert isinstance(program, Recorded)
    return program


def paths(text: str, values: dict[str, float], wrt: str, most: int = 10**6) -> tuple[Paths, Recorded]:
    program = recorded(text, values)
    of = program.module.values[program.of_choice(None)]
    return Edges(program.graph, program.v, of).paths(program.module.values[wrt], most), program


def explained(text: str, values: dict[str, float], most: int = 10) -> Explanation:
    return explain(recorded(text, values), None, None, most)


def test_the_articles_two_paths() -> None:
    found, program = paths("d = a + b\ne = b - c\ny = d * e", {"a": 2, "b": 3, "c": 1}, "b")
    names = program.graph.names
    assert [([names[i] for i in p.nodes], p.partials, p.product) for p in found.listed] == [
        (["b", "e", "y"], (1.0, 5.0), 5.0),
        (["b", "d", "y"], (1.0, 2.0), 2.0),
    ]
    assert (found.many, found.largest) == (2, True)


@pytest.mark.parametrize("seed", range(40))
def test_on_random_graphs_the_paths_add_up_to_the_gradient(seed: int) -> None:
    rng = Random(seed)
    values = {name: rng.uniform(-1, 1) for name in "abc"}
    count = rng.randrange(3, 14)
    text = f"{random_program(count, seed)}\noutput v{count - 1}"
    used = {name: x for name, x in values.items() if any(i.name == name for i in parse(text).inputs)}
    gradient = parse(text).grad(used)
    for name, derivative in gradient.partials.items():
        found, _ = paths(text, used, name)
        products = [p.product for p in found.listed]
        assert len(products) == found.many
        assert math.isclose(math.fsum(products), derivative, rel_tol=1e-9, abs_tol=1e-12 * sum(map(abs, products)))
        assert [abs(p) for p in products] == sorted(map(abs, products), reverse=True)
        for p in found.listed:
            assert p.partials is not None
            assert math.isclose(math.prod(p.partials), p.product, rel_tol=1e-12, abs_tol=1e-300)
        few, _ = paths(text, used, name, 3)
        assert [abs(p.product) for p in few.listed] == pytest.approx([abs(p) for p in products[:3]])


def test_paths_are_counted_without_being_walked() -> None:
    lines = [f"x{k + 1} = x{k} + sin(x{k})" for k in range(60)]
    found, _ = paths("\n".join(["x0 = a", *lines]), {"a": 0.5}, "a", 4)
    assert found.many == 2**60
    assert len(found.listed) == 4
    assert found.listed[0].product == 1.0  # 60 times the straight way


def test_what_is_used_twice_is_one_arrow() -> None:
    found, _ = paths("y = x * x", {"x": 3}, "x")
    assert [(p.partials, p.product) for p in found.listed] == [((6.0,), 6.0)]


def test_no_path() -> None:
    found = explained("y = a * 2\nz = b\noutput y", {"a": 1, "b": 1})
    assert [(by.name.text, by.value, by.path_count) for by in found.derivatives] == [("a", 2.0, 1), ("b", 0.0, 0)]
    assert "∂y/∂b = 0: no path leads from b to y" in explanation_text(found, "text")


@pytest.mark.parametrize(("x", "derivative"), [(2.0, 4.0), (-2.0, -1.0)])
def test_of_a_branch_only_the_side_that_ran_has_paths(x: float, derivative: float) -> None:
    (by,) = explained("y = if x > 0 then x^2 else -x", {"x": x}).derivatives
    assert (by.value, by.path_count) == (derivative, 1)


def test_a_loop_is_laid_out_step_by_step() -> None:
    (by,) = explained("input x\ns = x\nfor i in 0..3 { s = s * x }\noutput s", {"x": 2.0}).derivatives
    assert (by.value, by.path_count) == (32.0, 4)
    assert [path.product for path in by.paths] == [8.0] * 4
    assert [n.text for n in by.paths[0].nodes] == ["x", "s@2", "s@3.1", "s@3.2", "s"]


def test_names_that_several_values_have_are_numbered_and_others_made_up() -> None:
    found = explained("v1 = a\ny = sin(a * v1)", {"a": 1.0})
    assert [(s.name.text, s.text) for s in found.equations] == [("v1", "a"), ("v2", "a * v1"), ("y", "sin(v2)")]


def test_local_derivatives_in_symbols() -> None:
    found = explained("p = x^3\nq = x / z\ny = p * q - exp(z)", {"x": 2.0, "z": 1.0})
    assert {(x.of.text, x.by.text): x.text for x in found.local_derivatives} == {
        ("p", "x"): "3 * x^2",
        ("q", "x"): "1 / z",
        ("q", "z"): "-(x / z / z)",
        ("v1", "p"): "q",
        ("v1", "q"): "p",
        ("v2", "z"): "exp(z)",
        ("y", "v1"): "1",
        ("y", "v2"): "-1",
    }


def test_of_many_paths_the_rest_is_one_line() -> None:
    lines = [f"x{k + 1} = x{k} + sin(x{k})" for k in range(10)]
    found = explained("\n".join(["x0 = a", *lines]), {"a": 0.5}, 3)
    (by,) = found.derivatives
    assert math.isclose(by.value, by.rest + sum(path.product for path in by.paths), rel_tol=1e-12)
    text = explanation_text(found, "text")
    assert ": 1 024 paths" in text
    assert "the other 1 021 paths together" in text


def test_paths_through_tensors_have_the_shape_of_what_they_lead_to() -> None:
    import numpy as np

    text = "input x: float[3] = [1, 2, 3]\nu = x^2\nv = sin(x)\ny = sum(u * v)"
    (by,) = explained(text, {}).derivatives
    assert by.path_count == 2
    np.testing.assert_allclose(sum(path.product for path in by.paths), by.value, rtol=1e-14)
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        by.paths[0].product + by.paths[1].product, 2 * x * np.sin(x) + x**2 * np.cos(x), rtol=1e-14
    )


@pytest.mark.parametrize(
    ("sample", "of"),
    [
        ("mlp", "loss"),
        ("rnn", "loss"),
        ("newton", "implicit"),
        ("huber", None),
        ("black_scholes", None),
        ("lenet", "loss"),
    ],
)
def test_on_samples_the_paths_add_up(sample: str, of: str | None) -> None:
    import numpy as np

    program = load(ROOT / f"samples/{sample}.cg", mode="dynamic").recorded({})
    assert isinstance(program, Recorded)
    whole = [by for by in explain(program, of, None, 100).derivatives if by.path_count == len(by.paths)]
    assert whole
    for by in whole:
        found = sum(path.product for path in by.paths)
        np.testing.assert_allclose(found, by.value, rtol=1e-9, atol=1e-12)


# ---- the command


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_the_article_in_each_form(form: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = cg("explain", *ARTICLE, "--format", form)
    assert (result.status, result.err) == (0, "")
    kept = ROOT / "tests/golden/pictures" / f"explain_article.{form}.txt"
    if request.config.getoption("--rewrite"):
        kept.write_text(result.out, encoding="utf-8")
    assert result.out == kept.read_text(encoding="utf-8")


def test_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = json.loads(cg("explain", *ARTICLE, "--wrt", "b", "--format", "json").out)
    assert found["by"]["b"] == {
        "derivative": 7.0,
        "count": 2,
        "paths": [
            {"nodes": ["b", "e", "y"], "partials": [1.0, 5.0], "product": 5.0},
            {"nodes": ["b", "d", "y"], "partials": [1.0, 2.0], "product": 2.0},
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-e", "y = a * b", "--a", "1"], "for b"),
        (["-e", "y = a * b", "--a", "1", "--b", "2", "--wrt", "c"], "`c`"),
        (["-e", "y = a * b", "--a", "1", "--b", "2", "--wrt", "a,"], "--wrt"),
        (["-e", "y = a\nz = a", "--a", "1"], "--of"),
        (["-e", "y = a", "--a", "1", "--max-paths", "0"], "--max-paths"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str) -> None:
    result = cg("explain", *arguments)
    assert (result.status, result.out) == (2, "")
    assert said in result.err


def test_names_that_mean_something_to_latex_and_markdown() -> None:
    found = explained("my_value = größe * größe", {"größe": 2.0})
    assert r"\mathit{my\_value}" in explanation_text(found, "latex")
    assert r"# my\_value = 4" in explanation_text(found, "markdown")


# ---- structured data

TREE = ("samples/tree.cg", "--tree", "@samples/tree.json")
DATA = (
    "-e",
    'input t: any; y = t.a * t.b[1] + t["odd key"]',
    "--t",
    '{"a": 3, "b": [1, 2], "odd key": 5, "s": "text"}',
)


def test_structured_data_are_explained_by_each_number_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = json.loads(cg("explain", *DATA, "--format", "json").out)
    assert {name: by["derivative"] for name, by in found["by"].items()} == {"t.a": 2, "t.b": [0, 3], 't["odd key"]': 1}
    assert found == json.loads(cg("explain", *DATA, "--format", "json", "--wrt", "t").out)
    whole = json.loads(cg("explain", *TREE, "--format", "json").out)
    assert {"tree.left.word", "tree.score", "W"} <= set(whole["by"])
    assert all(len(by["paths"]) == by["count"] for by in whole["by"].values())


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
@pytest.mark.parametrize("wrt", [(), ("--wrt", "tree"), ("--wrt", "tree.left.word"), ("--wrt", "tree,W")])
def test_every_form_tells_of_structured_data(form: str, wrt: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = cg("explain", *TREE, "--format", form, *wrt)
    assert (found.status, found.err) == (0, "")
    assert "tree.left.word" in found.out


@pytest.mark.parametrize(("data", "derivative"), [("3", 2.0), ("[3, 4]", [2.0, 2.0])])
def test_data_that_are_one_value_have_a_derivative(data: str, derivative: object) -> None:
    given = ("-e", "input t: any; y = sum(2 * t)", "--t", data)
    assert json.loads(cg("explain", *given, "--format", "json").out)["by"]["t"]["derivative"] == derivative
    for wrt in ((), ("--wrt", "t")):
        assert json.loads(cg("grad", *given, "--format", "json", *wrt).out)["grad"] == {"t": derivative}
        assert cg("grad", *given, "--check", *wrt).status == 0


def test_local_derivatives_by_structured_data_are_as_short_as_any() -> None:
    result = cg("explain", "-e", "input t: any\ny = t.a^2 * t.b", "--t", '{"a": 2, "b": 3}')
    assert "∂v1/∂t.a = 2 * t.a  = 4" in result.out
    assert "∂y/∂v1   = t.b      = 3" in result.out


# ---- without values


def test_without_values_everything_is_in_formulas() -> None:
    result = cg("explain", "-e", "d = a + b; e = b - c; y = d * e", "--wrt", "b,c")
    assert (result.status, result.err) == (0, "")
    assert (
        result.out
        == """\
y in formulas: no value is given

Step by step
  d = a + b
  e = b - c
  y = d * e

Local derivatives
  ∂d/∂b = 1
  ∂e/∂b = 1
  ∂e/∂c = -1
  ∂y/∂d = e
  ∂y/∂e = d

∂y/∂b = d + e: 2 paths
  ∂y/∂b = ∂y/∂d · ∂d/∂b + ∂y/∂e · ∂e/∂b
        = e · 1 + d · 1
        = d + e

  b → d → y
  b → e → y

∂y/∂c = -d: 1 path
  ∂y/∂c = ∂y/∂e · ∂e/∂c
        = d · (-1)
        = -d

  c → e → y
"""
    )


def test_without_values_the_paths_are_those_of_the_graph() -> None:
    lines = [f"x{k + 1} = x{k} + sin(x{k})" for k in range(60)]
    found = parse("\n".join(["x0 = a", *lines])).explain(max_paths=4)
    (by,) = found.derivatives
    assert (by.value, by.path_count, len(by.paths)) == (None, 2**60, 4)
    text = explanation_text(found, "text")
    assert ": about 10^18 paths" in text
    assert "the other about 10^18 paths" in text


def test_where_no_derivative_flows_there_is_no_path_without_values_too() -> None:
    found = parse("y = floor(a) * b + stop_gradient(c)").explain()
    assert [(by.name.text, by.path_count) for by in found.derivatives] == [("a", 0), ("b", 1), ("c", 0)]


def test_some_values_alone_are_too_few() -> None:
    result = cg("explain", "-e", "y = a * b * c", "--a", "1")
    assert (result.status, result.out) == (2, "")
    assert "no value is given for b and c" in result.err


def test_values_of_their_own_are_values() -> None:
    assert cg("explain", "-e", "input a = 3; y = a^2").out.startswith("y = 9\n")
    assert cg("explain", "-e", "input a = 3; input b; y = a * b").out.startswith("y in formulas")


def test_a_program_that_only_a_run_can_lay_out_needs_values() -> None:
    for program in ("input t: any; y = t.a", "fn f(n) = if n < 1 then 1 else n * f(n - 1)\ny = f(x)"):
        result = cg("explain", "-e", program)
        assert (result.status, result.out) == (2, "")
        assert "no value is given" in result.err


def test_loops_and_branches_without_values_are_one_step() -> None:
    found = parse("y = if x > 0 then x^2 else -x\ns = y\nfor i in 0..3 { s = s * z }\noutput s").explain()
    assert [(by.name.text, by.path_count) for by in found.derivatives] == [("x", 1), ("z", 1)]


def test_formulas_in_latex_and_json(tmp_path: Path) -> None:
    program = ("-e", "y = theta^2 * x_1")
    latex = cg("explain", *program, "--format", "latex", "--wrt", "theta").out
    assert r"\frac{\partial \mathit{v1}}{\partial \theta} &= 2 \cdot \theta \\" in latex
    assert r"x_{1}" in latex
    target = tmp_path / "y.tex"
    assert cg("explain", *program, "--format", "latex", "--wrt", "theta", "-o", str(target)) == (0, "", "")
    assert target.read_text(encoding="utf-8") == latex
    data = json.loads(cg("explain", *program, "--format", "json", "--wrt", "theta").out)
    assert (data["value"], data["by"]["theta"]["derivative"]) == (None, None)
    assert data["by"]["theta"]["formula"] == "2 * (x_1 * theta)"
    assert data["by"]["theta"]["paths"][0] == {
        "nodes": ["theta", "v1", "y"],
        "partials": None,
        "product": None,
        "formula": "x_1 · (2 * theta)",
    }


@pytest.mark.parametrize("sample", sorted(path.stem for path in (ROOT / "samples").glob("*.cg")))
def test_a_formula_of_a_derivative_is_its_value(sample: str) -> None:
    """The formulas of samples on numbers, with the numbers of a run in place of names."""
    program = load(ROOT / f"samples/{sample}.cg")
    if program.mode == "dynamic" or any(i.type.shape for i in program.inputs):
        return
    values = {i.name: 0.3 + 0.1 * k for k, i in enumerate(program.inputs) if i.type.is_float}
    for of in program.float_outputs():
        found = formulas(program, of, None, 10)
        named = {**values, **program.eval(values, every=True)}
        expected = program.grad(values, of=of)
        for by in found.derivatives:
            if by.text:
                used = parse(f"{by.text}", name="formula")
                value = used.eval({i.name: named[i.name] for i in used.inputs})
                assert math.isclose(next(iter(value.values())), expected[by.name.text], rel_tol=1e-9, abs_tol=1e-12)


# ---- the graph of a program of numbers is the record of its runs


@pytest.mark.parametrize("sample", sorted(path.stem for path in (ROOT / "samples").glob("*.cg")))
def test_the_graph_and_the_record_of_a_run_give_the_same(sample: str) -> None:
    program = load(ROOT / f"samples/{sample}.cg")
    if (
        program.mode == "dynamic"
        or not is_scalar(program.graph)
        or COND in program.graph.op
        or LOOP in program.graph.op
    ):
        return
    values = {i.name: 0.3 + 0.1 * k for k, i in enumerate(program.inputs)}
    run = load(ROOT / f"samples/{sample}.cg", mode="dynamic").recorded(values)
    for of in program.float_outputs():
        assert explain(program, of, None, 10, values) == explain(run, of, None, 10)


@pytest.mark.parametrize("seed", range(20))
def test_of_random_graphs_too(seed: int) -> None:
    rng = Random(seed)
    count = rng.randrange(3, 14)
    text = f"fn f(x) = x * sin(x)\n{random_program(count, seed)}\ny = f(v{count - 1}) + f(2)\noutput y"
    program = parse(text)
    values = {i.name: rng.uniform(-1, 1) for i in program.inputs}
    assert explain(program, None, None, 10, values) == explain(recorded(text, values), None, None, 10)


def test_what_static_mode_cannot_lay_out_is_explained_by_its_run() -> None:
    program = "input n: int\ninput a\nx = [1.5]\nfor i in 0..n { x = concat([x, x]) }\ny = sum(x * a)"
    assert cg("check", "-e", program).status != 0
    result = cg("explain", "-e", program, "--n", "2", "--a", "3")
    assert (result.status, result.err) == (0, "")
    assert "∂y/∂a = 6: 1 path" in result.out


# ---- loops


def test_of_a_loop_the_first_two_steps_and_the_last_are_written_out() -> None:
    text = cg("explain", "-e", "input x\ns = x\nfor i in 0..20 { s = sin(s) * x }\noutput s", "--x", "1").out
    section = text[text.index("Step by step") : text.index("Local derivatives")]
    assert [line for line in section.splitlines() if "iteration" in line] == [
        "  iteration 1 of the loop in line 3",
        "  iteration 2",
        "  … 17 iterations alike",
        "  iteration 20, the last",
    ]
    assert [line.split("=")[0].strip() for line in section.splitlines() if "=" in line] == [
        "s@2", "v1", "s@3.1", "v2", "s@3.2", "v20", "s",
    ]  # fmt: skip


def test_paths_through_a_loop_lead_from_step_to_step_and_add_up() -> None:
    found = parse("input x\ns = x\nfor i in 0..20 { s = sin(s) * x + s }\noutput s").explain(x=0.5, max_paths=100)
    (by,) = found.derivatives
    assert by.path_count == 21  # into each step, and into the start
    assert math.isclose(sum(path.product for path in by.paths), by.value, rel_tol=1e-12)
    for path in by.paths:
        assert path.partials is not None
        assert math.isclose(math.prod(path.partials), path.product, rel_tol=1e-12)
    last = [x for x in found.iteration_derivatives if isinstance(x, LocalDerivative) and x.of.text == "s"]
    assert {x.by.text: x.value for x in last} == {
        path.nodes[-2].text: path.partials[-1] for path in by.paths if path.partials
    }


@pytest.mark.parametrize(
    ("sample", "of"), [("newton", "x"), ("rnn", "loss"), ("kalman", "likelihood"), ("power", "value")]
)
def test_of_samples_with_loops_the_paths_add_up(sample: str, of: str | None) -> None:
    import numpy as np

    program = load(ROOT / f"samples/{sample}.cg")
    found = program.explain(of=of, max_paths=1000)
    assert len(explanation_text(program.explain(of=of, max_paths=3), "text").splitlines()) < 260
    whole = [by for by in found.derivatives if by.path_count == len(by.paths)]
    assert whole
    for by in whole:
        np.testing.assert_allclose(sum(path.product for path in by.paths), by.value, rtol=1e-9, atol=1e-12)


def test_loops_within_loops_and_in_functions() -> None:
    text = """\
fn f(x) {
    y = x
    while y > 1 {
        y = y / 2
        if y < 1.2 { return y * x }
    }
    return y
}
s = a
for i in 0..5 {
    for j in 0..6 { s = s + s * a / 10 }
    s = f(s)
}
output s"""
    found = parse(text).explain(a=3.0, max_paths=100)
    (by,) = found.derivatives
    assert math.isclose(sum(path.product for path in by.paths), by.value, rel_tol=1e-12)
    rows = [row for row in found.equations if isinstance(row, (Iteration, MoreIterations))]
    assert {(row.line, row.depth) for row in rows if isinstance(row, Iteration)} >= {(10, 0), (11, 1)}
    assert (3, True, 1) in {(row.number, row.are_alike, row.depth) for row in rows if isinstance(row, MoreIterations)}


def test_steps_that_differ_are_more_and_not_alike() -> None:
    program = "s = a\nfor i in 0..9 { if i > 4 { s = s * a } else { s = sin(s) } }\noutput s"
    assert "… 6 more iterations" in cg("explain", "-e", program, "--a", "1").out


def test_rows_of_a_tensor_belong_to_the_step_that_reads_them() -> None:
    program = "input xs: float[5, 2]\ns = 0.0\nfor row in xs { s = s + sum(row^2) }\noutput s"
    found = parse(program).explain(xs=[[1.0, 2.0]] * 5)
    (by,) = found.derivatives
    assert by.path_count == 5
    assert by.paths[-1].nodes[0].text == "xs"


def test_lines_fit_the_width() -> None:
    found = load(ROOT / "samples/mlp.cg").explain()
    for width in (40, 80, 120):
        lines = explanation_text(found, "text", None, width).splitlines()
        words = max(len(word) for line in lines for word in line.split())
        assert max(map(len, lines)) <= max(width, words + 24)
        assert sum(map(len, (line.split() for line in lines))) == sum(
            len(line.split()) for line in explanation_text(found, "text").splitlines()
        )


def test_which_output_is_asked_before_the_run() -> None:
    result = cg("explain", "-e", "x = 0; while true { x = x + 1 }; y = a * x; z = a + x; output y, z", "--a", "1")
    assert result.status == 2
    assert "several outputs" in result.err
