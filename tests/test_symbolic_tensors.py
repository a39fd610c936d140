"""`--symbolic` for tensors: each line is a line of the language, and its value is the derivative's."""

import numpy as np
import pytest

import cgcli

PROGRAMS = [
    "input x: float[4]\ny = sum(exp(x) * x)",
    "input x: float[3, 4]\ninput w: float[4]\ny = mean((x @ w - 1)^2)",
    "input x: float[2, 3, 4]\ny = sum(transpose(x, [0, 2, 1]) * x[0, 0, 0])",
    "input x: float[4]\ny = logsumexp(x) + norm(x) + max(x)",
    "input A: float[3, 3]\ny = logdet(A) + sum(inv(A)) + sum(solve(A, [1, 2, 3]))",
    "input x: float[4]\ny = sum(x[1:] * x[:-1])",
    'input x: float[2, 3]\ny = sum(einsum("ij,kj->ik", x, x)^2)',
    "input x: float[n]\ny = sum(x^2) / n",
    "input x: float[3]\ny = sum(where(x > 0, log(x), 0))",
    "input x: float[2, 2]\nb = sum(x, axis=0)\ny = sum(stack([b, b * 2])^2) + sum(concat([b, x[0]]))",
    "input x: float[3]\ninput a: float\ny = sum(a * x + x / a)",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_formula_has_the_value_of_the_derivative(text: str) -> None:
    program = cgcli.parse(text)
    rng = np.random.default_rng(5)
    values = {i.name: rng.normal(size=[d if isinstance(d, int) else 5 for d in i.type.shape]) for i in program.inputs}
    lines = program.symbolic(of="y").replace("dy/d", "derivative_")
    found = cgcli.parse(f"{text}\n{lines}").eval(values, every=True)
    for name, partial in program.grad(values, of="y").partials.items():
        np.testing.assert_allclose(found[f"derivative_{name}"], partial, rtol=1e-12, atol=1e-13)


def test_formulas_are_short() -> None:
    assert cgcli.parse("input x: float[n]\ny = sum(x^2) / n").symbolic() == "dy/dx = 2 * (x / n)"


@pytest.mark.parametrize("text", ["input x: float[3]\ny = prod(x)", "input x: float[5]\ny = sum(x[::2])"])
def test_what_has_no_formula_says_so(text: str) -> None:
    with pytest.raises(cgcli.CgError) as caught:
        cgcli.parse(text).symbolic()
    assert caught.value.diagnostics[0].code == "no-formula"
