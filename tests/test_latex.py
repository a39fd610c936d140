"""Formulas in LaTeX: names, derivatives in symbols, and the files that they are written into."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_harness import ARTICLE, cg

import cgcli
from cgcli import parse
from cgcli.ops.latex import latex_name
from cgcli.ops.notation import shown_attrs
from cgcli.ops.spelling import Written, write_latex
from cgcli.ops.table import OPS


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("theta", r"\theta"),
        ("Omega", r"\Omega"),
        ("x_1", "x_{1}"),
        ("x_1_j", "x_{1,j}"),
        ("theta_max", r"\theta_{\mathit{max}}"),
        ("W_beta", r"W_{\beta}"),
        ("rate", r"\mathit{rate}"),
        ("learning_rate", r"\mathit{learning\_rate}"),
        ("x1", r"\mathit{x1}"),
        ("_x", r"\mathit{\_x}"),
        ("x_", r"\mathit{x\_}"),
        ("größe", r"\mathit{größe}"),
    ],
)
def test_names(name: str, latex: str) -> None:
    assert latex_name(name) == latex


def equations(text: str) -> list[str]:
    lines = cgcli.parse(text).symbolic(form="latex").splitlines()
    assert lines[:2] == [r"% needs \usepackage{amsmath}", r"\begin{align*}"]
    assert lines[-1] == r"\end{align*}"
    return lines[2:-1]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (ARTICLE, [r"\frac{\partial y}{\partial a} &= e", r"\frac{\partial y}{\partial b} &= d + e"]),
        ("y = theta_1^3 / 2", [r"\frac{\partial y}{\partial \theta_{1}} &= 1.5 \cdot {\theta_{1}}^{2}"]),
        ("input x: float[n]\ny = sum(x) / n", [r"\frac{\partial y}{\partial x} &= \frac{1}{n}"]),
        ("input x: float[n]\ninput a\ny = sum(x) * (a + 2)", [r"\frac{\partial y}{\partial x} &= a + 2"]),
        (
            "y = if x > 1 then x^2 else x",
            [r"\frac{\partial y}{\partial x} &= \begin{cases}2 \cdot x & x > 1\\1 & \text{otherwise}\end{cases}"],
        ),
    ],
)
def test_derivatives(program: str, expected: list[str]) -> None:
    lines = equations(program)
    assert [line.strip().removesuffix(r" \\") for line in lines][: len(expected)] == expected


def test_shared_parts_have_lines_of_their_own() -> None:
    first, *others = equations("y = exp(a*b) * c + exp(a*b)")
    assert first.startswith(r"  \mathit{t1} &= ")
    assert any(r"\mathit{t1}" in line for line in others)


@pytest.mark.parametrize(
    ("operation", "latex"),
    [
        ("sum(x, axis=0)", r"\operatorname{sum}\left(x, \text{axis=-2}\right)"),
        ("max(x, axis=1, keepdims=true)", r"\operatorname{max}\left(x, \text{axis=-1, keepdims=true}\right)"),
        ("x[1:, :]", r"x\text{[1:, :]}"),
        ("pad(x, [[1, 0], [0, 2]])", r"\operatorname{pad}\left(x, \text{[[1, 0], [0, 2]]}\right)"),
        ("argmax(x, axis=1)", r"\operatorname{argmax}\left(x, \text{axis=-1}\right)"),
        ("sum(x)", r"\operatorname{sum}\left(x\right)"),
    ],
)
def test_a_call_has_its_attributes(operation: str, latex: str) -> None:
    program = parse(f"input x: float[2, 3]\nt = {operation}\noutput t")
    t = program.graph.outputs[0]
    x = program.graph.inputs[0]
    spelling, attrs = OPS[program.graph[t].op].spelling, shown_attrs(program.graph, t)
    assert program.graph.operands(t) == (x,)
    assert write_latex(spelling, [Written("x")], attrs).text == latex


def test_braces_and_environments_are_closed() -> None:
    for path in sorted((Path(__file__).parents[1] / "samples").glob("*.cg")):
        result = cg("grad", str(path), "--symbolic", "--format", "latex")
        if result.status:  # tensors without a word, branches that need values, several outputs
            continue
        plain = result.out.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}"), path
        assert plain.count(r"\begin") == plain.count(r"\end"), path
        assert plain.count(r"\left") == plain.count(r"\right"), path


def test_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE, encoding="utf-8")
    line = ["grad", "f.cg", "--symbolic", "--format", "latex"]
    assert cg(*line, "-o", "f.tex") == (0, "", "")
    assert Path("f.tex").read_text(encoding="utf-8") == cg(*line).out
    values = ["--a", "2", "--b", "3", "--c", "1"]
    assert cg("explain", "f.cg", *values, "-o", "f.txt") == (0, "", "")
    assert Path("f.txt").read_text(encoding="utf-8") == cg("explain", "f.cg", *values).out
    for command in (line, ["explain", "f.cg", *values]):
        refused = cg(*command, "-o", "f.cg")
        assert refused.status == 2
        assert "write over" in refused.err
    assert Path("f.cg").read_text(encoding="utf-8") == ARTICLE


def test_numbers_are_not_written_in_latex() -> None:
    result = cg("grad", "-e", "a^2", "--a", "2", "--format", "latex")
    assert (result.status, result.out) == (2, "")
    assert "--symbolic" in result.err
