"""The rules by which `cg explain` passes derivatives back through tensors, evaluated as they are printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcli import load, parse
from cgcli.program.program import Program
from cgcli.render.explain import Equation, Explanation, LocalDerivative
from cgcli.render.explain import text as explanation_text

SAMPLES = Path(__file__).parents[1] / "samples"
AXES = {"sum over rows": (-2,), "sum over columns": (-1,), "sum": None}


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


FUNCTIONS: dict[str, Any] = {
    "abs": np.abs, "cos": np.cos, "exp": np.exp, "log": np.log, "sin": np.sin, "sqrt": np.sqrt, "tanh": np.tanh,
    "sign": np.sign, "where": np.where, "full": np.full, "outer": np.outer, "dot": np.dot, "norm": _norm,
    "len": len, "max": np.maximum, "min": np.minimum, "transpose": np.transpose, "inv": np.linalg.inv,
    "true": True, "false": False,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "broadcast": np.broadcast_to,
    "expand_dims": lambda x, axis: np.expand_dims(x, _axis(axis)),
    "squeeze": lambda x, axis: np.squeeze(x, _axis(axis)),
    "sum": lambda x, axis=None, keepdims=False: np.sum(x, _axis(axis), keepdims=keepdims),
    "pad": np.pad,
    "reshape": np.reshape,
    "solve": np.linalg.solve,
    "einsum": lambda *xs, pattern=None: np.einsum(*([pattern, *xs] if pattern else [xs[-1], *xs[:-1]])),
}  # fmt: skip


NAME_END = r"(?![0-9A-Za-z_@(]|\.[A-Za-z_])"


_SUM = re.compile(r"(sum over axis [-\d, ]+|sum over \w+|sum) of (-?\([^()]*(?:\([^()]*\)[^()]*)*\)|-?[^()+ ]+)")
_PART = re.compile(r"\((zeros with \[[^]]*\] \+= [^()+ ]+)\)")


def evaluate(rule: str, values: Mapping[str, Any], shape: tuple[int, ...]) -> Any:
    """A rule as it is printed, in NumPy. values: by name, derivatives by `∂loss/∂h`. shape: of what it is by."""
    rule = rule.replace(" in each element", "")  # as NumPy broadcasts
    part = _PART.search(rule)
    if part:
        name, value = f"part{len(values)}", evaluate(part[1], values, shape)
        return evaluate(rule.replace(part[0], name, 1), {**values, name: value}, shape)
    total = _SUM.search(rule)
    if total:
        if total[1] in AXES:
            axes = AXES[total[1]]
        else:
            axes = tuple(map(int, total[1].removeprefix("sum over axis ").split(",")))
        name, value = f"part{len(values)}", np.sum(evaluate(total[2], values, shape), axis=axes).reshape(shape)
        return evaluate(rule.replace(total[0], name, 1), {**values, name: value}, shape)
    part = re.fullmatch(r"zeros with (\[.*\]) \+= (.*)", rule)
    if part:
        result = np.zeros(shape)
        np.add.at(result, _index(part[1], values), evaluate(part[2], values, ()))
        return result
    part = re.fullmatch(r"(\S+) with (\[.*\]) = 0", rule)
    if part:
        result = np.array(evaluate(part[1], values, ()))
        result[_index(part[2], values)] = 0
        return result
    names = sorted(values, key=len, reverse=True)
    variables: dict[str, Any] = {}

    def variable(match: re.Match[str]) -> str:
        variables[f"x{len(variables)}"] = values[match[0]]
        return f"x{len(variables) - 1}"

    text = re.sub(rf"(?<![0-9A-Za-z_.@∂])(?:{'|'.join(map(re.escape, names))}){NAME_END}", variable, rule)
    text = text.replace("ᵀ", ".swapaxes(-1, -2)").replace(" · ", " @ ").replace("^", "**").replace("not ", "~")
    text = re.sub(r"(?<!\.)\.\.(?!\.)", ":", text)
    with np.errstate(all="ignore"):
        return eval(text, {"__builtins__": {}}, {**FUNCTIONS, **variables})


def _index(text: str, values: Mapping[str, Any]) -> Any:
    return evaluate(f"index{text}", {**values, "index": np.index_exp}, ())


def check(
    explanation: Explanation, program: Program, given_values: Mapping[str, Any], stops: bool = False
) -> tuple[int, int]:
    """Holds each rule to the derivative that stands beside it: how many there are, and how many could be evaluated.

    stops: whether a side of a `where` that is not taken is nan.
    """
    values = {name: np.asarray(x) for name, x in program.bound_by_name(given_values).items()}
    shapes = [(i.type.shape, np.shape(values[i.name])) for i in program.inputs if i.name in values]
    values |= {n: size for sizes, shape in shapes for n, size in zip(sizes, shape, strict=False) if isinstance(n, str)}
    values |= {row.name.text: row.value for row in explanation.equations if isinstance(row, Equation)}
    rows = [row for row in explanation.backward if isinstance(row, LocalDerivative)]
    values |= {f"∂{row.of.text}/∂{row.by.text}": row.value for row in rows}
    count = 0
    for row in rows:
        if not row.text or "…" in row.text:
            continue
        try:
            result = evaluate(row.text, values, np.shape(row.value))
        except NameError:  # the index of a loop, whose number is not in the explanation
            continue
        result = np.broadcast_to(result, np.shape(row.value)) if np.ndim(result) == 0 else result
        if stops:  # 0 × nan on the side that a `where` does not take, which contributes exactly zero
            result = np.where(np.isnan(result), row.value, result)
        np.testing.assert_allclose(result, row.value, rtol=1e-9, atol=1e-12, err_msg=row.text)
        count += 1
    return len(rows), count


@pytest.mark.parametrize(
    ("sample", "of", "least"),
    [
        ("bundle_adjustment", "cost", 0.9),
        ("gmm", "objective", 0.9),
        ("kalman", "likelihood", 0.7),
        ("lenet", "loss", 0.65),
        ("linear_regression", "loss", 1.0),
        ("lstm_step", "loss", 0.9),
        ("meta", "final", 0.8),
        ("mlp", "loss", 1.0),
        ("power", "value", 0.8),
        ("rnn", "loss", 0.6),
        ("softmax_regression", "loss", 0.8),
    ],
)
def test_rules_evaluated_as_printed_are_the_derivatives(sample: str, of: str, least: float) -> None:
    """Those that are not: sums over steps that are left out, indices of loops and functions, convolutions."""
    program = load(SAMPLES / f"{sample}.cg")
    explanation = program.explain(of=of, max_paths=1)
    count, evaluated = check(explanation, program, {}, stops=sample == "bundle_adjustment")
    assert evaluated >= least * count
    gradient = program.grad(of=of)
    rows = {row.by.text: row.value for row in explanation.backward if isinstance(row, LocalDerivative)}
    for name, expected in gradient.partials.items():
        np.testing.assert_allclose(rows[name], expected, rtol=1e-9, atol=1e-12)


PROGRAMS = {
    "y = sum(softplus(x @ A) * v)": "vector times matrix",
    "y = sum(tanh(A @ v) ^ 2)": "matrix times vector",
    "y = sum(outer(x, v) * A)": "outer",
    "y = dot(x, B @ x)": "bilinear",
    "y = sum((A + v) * c)": "broadcast over rows",
    "y = sum(A * expand_dims(x, -1)) / c": "broadcast over columns",
    "y = mean(A) * c + max(x) + min(v) + norm(A[0]) + sum(A, axis=1) @ x": "reductions",
    "y = sum(mean(A, axis=0) * v)": "reduction over rows",
    "y = sum(A[1:, 0] * x[1:]) + A[0, 1]": "parts",
    "y = sum(A[[0, 1, 0]] ^ 2)": "rows chosen twice",
    "z = x * 1; z[1] = c; z[0:1] = x[1:2] * 2; y = sum(z^2)": "parts assigned",
    "y = sum(where(x > 0, x^2, -x)) + sum(relu(x)) + sum(abs(v))": "choices",
    "y = sum(A.T @ B)": "transposed",
    "y = sum(solve(B, x)) + logdet(B)": "linear algebra",
    "y = sum(concat([x, v]) ^ 2) + sum(stack([x, x]) * 2)": "joined",
    "y = sum(x * x * c) + sum(v / v^2)": "twice",
    "y = sum(sigmoid(x) + exp(x) * sqrt(abs(x)) + log(abs(x)))": "functions",
}


@pytest.mark.parametrize("text", PROGRAMS, ids=PROGRAMS.values())
def test_rules_of_each_kind_of_operation(text: str) -> None:
    declarations = "input x: float[3]\ninput v: float[2]\ninput A: float[3, 2]\ninput B: float[3, 3]\ninput c\n"
    program = parse(declarations + "\n".join(text.split("; ")) + "\noutput y")
    values = {
        "x": np.array([0.5, -1.5, 2.0]),
        "v": np.array([1.25, -0.75]),
        "A": np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]]),
        "B": np.array([[2.0, 0.5, 0.0], [0.25, 3.0, -1.0], [0.0, 1.0, 4.0]]),
        "c": 0.7,
    }
    explanation = program.explain(values)
    count, evaluated = check(explanation, program, values)
    assert evaluated == count > 0


def lines(text: str) -> list[str]:
    found = parse(text).explain()
    return [f"∂{x.of.text}/∂{x.by.text} = {x.text}" for x in found.backward if isinstance(x, LocalDerivative)]


def test_the_rules_of_a_layer() -> None:
    text = "input x: float[n, m]\ninput W: float[m, k]\ninput b: float[k]\nh = tanh(x @ W + b)\ny = sum(h)"
    assert lines(text)[-5:] == [
        "∂y/∂v2 = ∂y/∂h * (1 - h^2)",
        "∂y/∂v1 = ∂y/∂v2",
        "∂y/∂b = sum over rows of ∂y/∂v2",
        "∂y/∂W = xᵀ · ∂y/∂v1",
        "∂y/∂x = ∂y/∂v1 · Wᵀ",
    ]


def test_the_rules_of_vectors_and_parts() -> None:
    text = "input x: float[n]\ninput W: float[n, 3]\nh = x @ W\nh[0] = 2 * h[1]\ny = sum(h)"
    assert lines(text)[1:] == [
        "∂y/∂v2 = ∂y/∂h[0]",
        "∂y/∂v1 = 2 * ∂y/∂v2",
        "∂y/∂h@3 = (zeros with [1] += ∂y/∂v1) + (∂y/∂h with [0] = 0)",
        "∂y/∂W = outer(x, ∂y/∂h@3)",
        "∂y/∂x = ∂y/∂h@3 · Wᵀ",
    ]


def test_pictures_have_the_same_rules() -> None:
    program = parse("input x: float[2, 2]\ninput W: float[2, 2]\nh = tanh(x @ W)\nloss = sum(h)")
    picture = program.render(None, {"x": np.eye(2), "W": np.eye(2)}, kind="svg").text
    for rule in ("· Wᵀ", "xᵀ ·", "· × (1 − h²)", "· in each element"):
        assert rule in picture


def test_an_index_in_latex_is_text() -> None:
    found = parse("input x: float[3]\ny = x[0]^2").explain()
    assert r"\text{zeros with [0] +=" in explanation_text(found, "latex")


def test_a_rule_names_a_whole_number_as_it_is() -> None:
    rows = parse("input x: float; n = 8; y = n * x; output y").explain().local_derivatives
    assert [row.text for row in rows] == ["n"]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("sum(inv(A + B))", r"\left(\left(A + B\right)^{-1}\right)^{\top}"),
        ("sum(solve(A.T, B - 1))", r"\left(\mathit{t1}^{-1} \left(B - 1\right)\right)^{\top}"),
        ("sum(exp(A).T @ B)", r"\left(\mathit{t1}^{\top}\right)^{\top}"),
        ("sum(A @ B)", r"\operatorname{full}_{2 \times 2}\left(1\right) B^{\top}"),
    ],
)
def test_latex_of_matrices_has_its_brackets_and_no_matrix_that_reads_like_a_number(text: str, latex: str) -> None:
    program = parse(f"input A: float[2, 2]; input B: float[2, 2]; y = {text}; output y")
    lines = program.symbolic(form="latex")
    assert latex in lines
    assert "}^{" not in lines.replace(r"\right)^{", "").replace(r"\mathit{t1}^{", "").replace(r"\mathit{t2}^{", "")
