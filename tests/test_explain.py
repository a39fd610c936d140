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
from cgcli.program.dynamic import Recorded
from cgcli.program.explain import explain
from cgcli.render.explain import Explanation
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
