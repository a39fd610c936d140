"""A literal that meets an f32 is an f32, in every executor, in both modes, whatever else stands in the program.

The answers are NumPy's in single precision, to the last bit.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

import cgcli

F = np.float32
X, Z = F(0.1), F(0.7)
UNRELATED = "\nother = [1.5, 2.5] * 2\noutput other"

# lines that bind y, and the same in NumPy's single precision
FAMILY: dict[str, Callable[[], Any]] = {
    "y = x == 0.1": lambda: F(0.1) == X,
    "y = 0.1 == x": lambda: F(0.1) == X,
    "y = x != 0.1": lambda: F(0.1) != X,
    "y = x < 0.1": lambda: F(0.1) > X,
    "y = 0.1 <= x": lambda: F(0.1) <= X,
    "y = 0 < x <= 0.1": lambda: F(0) < X <= F(0.1),
    "y = x == (0.1)": lambda: F(0.1) == X,
    "y = x + 0.1": lambda: X + F(0.1),
    "y = x - 0.3": lambda: X - F(0.3),
    "y = 0.3 - x": lambda: F(0.3) - X,
    "y = x * 0.1": lambda: X * F(0.1),
    "y = 0.1 / z": lambda: F(0.1) / Z,
    "y = z % 0.1": lambda: Z % F(0.1),
    "y = -z % 0.1": lambda: -Z % F(0.1),
    "y = z // 0.1": lambda: Z // F(0.1),
    "y = max(x, 0.1)": lambda: max(X, F(0.1)),
    "y = min(0.1, z)": lambda: min(F(0.1), Z),
    "y = clip(z, 0.1, 0.3)": lambda: F(0.3),
    "y = where(z > 0.7, x, 0.3)": lambda: F(0.3),
    "y = where(z >= 0.7, 0.3, x) == 0.3": lambda: F(0.3) == F(0.3),
    "y = (if z == 0.7 then 0.1 else x) * 1.0 + x": lambda: F(0.1) + X,
    "y = (if z == 0.7 then 0.1 else x) == x": lambda: F(0.1) == X,
    "c = 0.1\ny = x == c": lambda: F(0.1) == X,
    "c = 0.1\nd = c\ny = x * d": lambda: X * F(0.1),
    "c = 0.1 + 0.2\ny = x * c": lambda: X * F(0.1 + 0.2),
    "y = x * (0.1 * 3)": lambda: X * F(0.1 * 3),
    "y = x == 0.1 * 1": lambda: F(0.1) == X,
    "y = x * -0.1": lambda: X * F(-0.1),
    "y = x * sqrt(0.1)": lambda: X * F(np.sqrt(0.1)),
    "fn f(a, k = 0.1) = a == k\ny = f(x)": lambda: F(0.1) == X,
    "fn f(a, k) = a * k\ny = f(x, 0.1)": lambda: X * F(0.1),
    "fn f(a, k: f32 = 0.1) = a - k\ny = f(x)": lambda: X - F(0.1),
    "y = 0.1\nfor t in 0..3 { y = y * z }": lambda: ((F(0.1) * Z) * Z) * Z,
    "y = x\nfor t in 0..3 { y = y * 0.1 + 0.3 }": lambda: _steps(X),
    "y = x\nwhile y < 0.8 { y = y + 0.1 }": lambda: _climbed(X),
    "y = 0.3\nif z == 0.7 { y = x }": lambda: X,
    "y = 16777217 == x * 0 + 16777216": lambda: F(16777217) == F(16777216),
    "y = x * 16777217": lambda: X * F(16777217),
    "y = sum([x, 0.1])": lambda: F(X) + F(0.1),
    "v = [x, z] == [0.1, 0.7]\ny = all(v)": lambda: np.all(np.array([X, Z]) == np.array([0.1, 0.7], F)),
    "v = [x, z] * [0.1, 0.3]\ny = v[1]": lambda: Z * F(0.3),
    "v = [x, z] % 0.3\ny = v[1]": lambda: Z % F(0.3),
    "p2 = [0.1, 0.3]\nv = [x, z] - p2\ny = v[1]": lambda: Z - F(0.3),
    "y = grad(x * x * 0.1, x)": lambda: F(0.1) * X + F(0.1) * X,
    "y = grad(0.1 * max(x, z), z)": lambda: F(0.1),
}


def _steps(y: Any) -> Any:
    for _ in range(3):
        y = y * F(0.1) + F(0.3)
    return y


def _climbed(y: Any) -> Any:
    while y < F(0.8):
        y = y + F(0.1)
    return y


def source(lines: str, rest: str = "") -> str:
    return f"input x: f32\ninput z: f32 = 0.7\n{lines}\noutput y{rest}"


@pytest.mark.parametrize("lines", FAMILY)
def test_a_literal_takes_on_f32_in_every_executor(lines: str) -> None:
    wanted = FAMILY[lines]()
    for rest, mode in itertools.product(("", UNRELATED), ("static", "dynamic")):
        program = cgcli.parse(source(lines, rest), mode=mode)
        found = program.eval({"x": 0.1})["y"]
        assert float(found) == float(wanted), (rest, mode, found)


@pytest.mark.parametrize("lines", FAMILY)
def test_a_literal_takes_on_f32_in_rows_of_a_table(lines: str, tmp_path: Path) -> None:
    program, table = tmp_path / "p.cg", tmp_path / "t.csv"
    program.write_text(source(lines), encoding="utf-8")
    table.write_text("x\n0.1\n0.1\n", encoding="utf-8")
    result = cg("eval", str(program), "--data", str(table))
    header, *rows = result.out.splitlines()
    assert header.split(",")[-1] == "y"
    for row in rows:
        text = row.split(",")[-1]
        assert F(text) == F(FAMILY[lines]()) if text not in ("true", "false") else text == str(FAMILY[lines]()).lower()


def test_a_param_meets_a_literal_in_its_own_precision() -> None:
    for rest in ("", UNRELATED):
        program = cgcli.parse(f"param w: f32 = 0.1\ninput x: f32\noutput y = w == 0.1\noutput z = x == w{rest}")
        assert program.eval({"x": 0.1, "w": 0.1}) | {"other": 0} == {"y": True, "z": True, "other": 0}


def test_derivatives_of_literals_are_the_same_with_and_without_tensors() -> None:
    for text in (
        "sin(x * 0.1)",
        "log2(x)",
        "erf(x)",
        "x^0.3",
        "atan2(x, 0.1)",
        "hypot(x, 0.3)",
        "max(x, 0.1)",
        "sigmoid(x)",
    ):
        found = []
        for rest, mode in itertools.product(("", UNRELATED), ("static", "dynamic")):
            program = cgcli.parse(f"input x: f32\noutput y = {text}{rest}", mode=mode)
            found.append(program.grad({"x": 0.1}, of="y").partials["x"])
        assert np.allclose(np.array(found, float), float(found[0]), rtol=3e-7, atol=0), (text, found)


def test_a_literal_beside_a_float_keeps_its_digits() -> None:
    for rest in ("", UNRELATED):
        program = cgcli.parse(f"input x: f32\ninput w: float\noutput y = w * 0.1 + x{rest}")
        assert program.eval({"x": 0.1, "w": 3.0})["y"] == 3.0 * 0.1 + float(X)


def test_a_literal_that_was_rounded_is_shown_as_it_was_written() -> None:
    program = cgcli.parse("input x: f32\ny = x * 0.1 + 16777217")
    assert program.symbolic() == "dy/dx = 0.1"
