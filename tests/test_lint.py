"""What `cg check` warns of, and what it does not; and the outputs of programs that declare none."""

from __future__ import annotations

import json

import pytest
from cli_harness import cg

WARNED = [
    ("input x\ninput z\ny = x", "nothing uses the input `z`"),
    ("param w = 1\ny = x", "nothing uses the param `w`"),
    ("y = 2*x\ny = 3*x", "this value of `y` is never used"),
    ("a, b = top_k([1, 2], 2)\na = 3\nz = a + b", "this value of `a` is never used"),
    ("y = log(-1) + x", "this is always nan"),
    ("y = x * sqrt(1 - 3)", "this is always nan"),
    ("y = if x > 0 then asin(2) else x", "this is always nan"),
    ("y = if x == 0.3 then 1 else x", "hardly ever equal"),
    ("y = if x*2 != sin(x) then 1 else x", "hardly ever equal"),
    ("while sqrt(a) == 2*a { a = a + 1 }; y = a", "hardly ever equal"),
]
QUIET = [
    "input x\ny = x",
    "input x: float[n]\ny = n * 2",
    "input n: int\ninput x: float[n]\ny = sum(x)",
    "input x\nassert x > 0\ny = 1",
    "lo = 1\ninput x = lo\ny = x",
    "input training: bool = false\ny = 2",
    "input x\nfn f(a) = a + x\ny = f(1)",
    "output y\ninput q\ny = q",
    "x = 3\nassert x > 2\nx = 4\ny = x",
    "x = 1\nx = x + 1\ny = x",
    "h = 0\nif a > 1 { h = 1 }\ny = h",
    "y = log(0) + x",
    "y = nan + x",
    "y = if x == 1 then 1 else 2",
    "input k: int\ny = if 2*k == 3*k then 1 else 2",
    "y = if x == nan then 1 else 2",
]


@pytest.mark.parametrize(("program", "warning"), WARNED)
def test_check_warns(program: str, warning: str) -> None:
    result = cg("check", "-e", program if "while" not in program else f"a = x; {program}")
    assert result.status == 0
    assert result.out.count("warning: ") == 1
    assert warning in result.out


@pytest.mark.parametrize("program", QUIET)
def test_check_does_not_warn(program: str) -> None:
    result = cg("check", "-e", program)
    assert result.status == 0
    assert "warning" not in result.out


def test_what_only_check_says_is_not_said_by_a_run() -> None:
    result = cg("eval", "-e", "input x = 1\ninput z = 2\ny = x")
    assert (result.status, result.out, result.err) == (0, "y = 1\n", "")


# ---- the outputs of a program that declares none

SERIES = "term = 1; s = 0; k = 0; while k < 20 { s = s + term; term = term * x / (k + 1); k = k + 1 }"
OUTPUTS = [
    (SERIES, ["s"], ["term", "k"]),
    ("s = 0; for i in 0..4 { s = s + i * x }", ["s"], []),
    ("v = a; while abs(v*v - a) > 1e-9 { v = v - (v*v - a) / (2*v) }", ["v"], []),
    ("h = 0; hs = zeros([3]); for t in 0..3 { h = tanh(h + x); hs[t] = h }", ["hs"], ["h"]),
    ("fn f(a, b) { return b, a + b }\na = 0; b = 1; for i in 0..5 { a, b = f(a, b) }; c = x", ["a", "b", "c"], []),
    ("s = 0; for i in 0..4 { if s < 3 { s = s + x } }", ["s"], []),
    ("s = 0; n = 0; for i in 0..4 { if s < 3 { s = s + x; n = n + 1 } }", ["n"], ["s"]),
    ("s = 0; k = 0; for i in 0..2 { while k < 3 { s = s + x; k = k + 1 } }", ["s"], ["k"]),
    ("k = 0; if x > 0 { while k < 3 { k = k + 1 } }; y = x", ["y"], ["k"]),
    ("k = 0; s = 0; while k < 3 { s = s + x; k = k + 1 }; n = k", ["s", "n"], []),
    ("k = 0; s = 0; for i in 0..3 { s = s + k; k = k + x }; k = 2 * x", ["s", "k"], []),
    ("s = 0; k = 0; for i in 0..3 { s = s + x; assert k < 9; k = k + 1 }", ["s", "k"], []),
    ("output k; k = 0; s = 0; while k < 3 { s = s + x; k = k + 1 }", ["k"], []),
]


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize(("program", "outputs", "carried"), OUTPUTS)
def test_what_only_carries_a_loop_on_is_no_output(
    program: str, outputs: list[str], carried: list[str], mode: str
) -> None:
    told = json.loads(cg("check", "-e", program, "--mode", mode, "--format", "json").out)
    assert (told["outputs"], sorted(told["carried"])) == (outputs, sorted(carried))
    inputs = [f"--{each['name']}=0.5" for each in told["inputs"]]
    result = cg("eval", "-e", program, "--mode", mode, "--format", "json", *inputs)
    assert list(json.loads(result.out)) == outputs


def test_check_names_what_it_left_out() -> None:
    assert "1 output (s); term and k only carry loops on" in cg("check", "-e", SERIES).out.replace(
        "k and term", "term and k"
    )
