"""Words that people bring along from other languages: each has its one fix, which is a program of the language."""

from __future__ import annotations

import pytest
from cli_harness import cg

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.diagnostics.wording.messages import message_of
from cgcli.language.builtins import NAMES
from cgcli.language.foreign import FUNCTIONS, MODULES, STATEMENTS, VALUES, rewritten
from cgcli.language.parser import parse_value
from cgcli.language.resolver import called_names

FIXES = [
    ("y = ln(x)", "log(x)"),
    ("y = sen(x)", "sin(x)"),
    ("y = sigma(x)", "sigmoid(x)"),
    ("y = arctan(x, z)", "atan2(x, z)"),
    ("y = pow(x, 2)", "x^2"),
    ("y = pow(x + 1, 2)", "(x + 1)^2"),
    ("y = log(x, 10)", "log10(x)"),
    ("y = log(x, 2)", "log2(x)"),
    ("y = log(x, b)", "log(x) / log(b)"),
    ("y = round(x, 2)", "round(x * 10^2) / 10^2"),
    ("y = int(x)", "floor(x)"),
    ("y = range(3)", "0..3"),
    ("y = range(1, 3)", "1..3"),
    ("y = factorial(n)", "exp(lgamma(n + 1))"),
    ("y = True", "true"),
    ("y = if FALSE then 1 else x", "false"),
    ("y = np.exp(x)", "exp(x)"),
    ("y = math.pi * x", "pi"),
    ("y = np.power(x, 2)", "x^2"),
    ("y = x.sum()", "sum(x)"),
    ("y = x.pow(2)", "x^2"),
    ("fn g(x) = math.sin(x)\ny = g(a)", "sin(x)"),
    ("y = sum(1, 2, 3)", "sum([1, 2, 3])"),
    ("y = sum(x, 0)", "axis=0"),
    ("// a comment\ny = x", "#"),
    ("// it's a comment\ny = x", "#"),
    ("y = x // squared later", "#"),
    ("/* a comment */\ny = x", "#"),
    ("y = 3,5 * x", "3.5"),
    ("x = [1, 2]\nx[0] += 2", "x[0] = x[0] + 2"),
    ("f(x) = x^2", "fn f(x) = …"),
    ("def f(x) = x^2", "fn"),
    ("from numpy import exp\ny = exp(x)", "import"),
    ("input x\nx = x + 1", "x2 = …"),
    ("x = x + 1", "x2 = …"),
    ("y = softmax(x)", "import nn"),
]


@pytest.mark.parametrize(("program", "fix"), FIXES)
def test_the_fix_is_offered(program: str, fix: str) -> None:
    with pytest.raises(CgError) as caught:
        parse(program)
    first = message_of(caught.value.diagnostics[0]).helps[0]
    assert f"`{fix}`" in first


@pytest.mark.parametrize("name", [*FUNCTIONS, "log", "round"])
@pytest.mark.parametrize("arguments", [["x"], ["x", "2"], ["x + 1", "k"], ["x", "y", "z"], []])
def test_every_fix_of_a_function_is_an_expression(name: str, arguments: list[str]) -> None:
    write = rewritten(name, arguments)
    assert write is not None
    tree = parse_value(Source("fix", write))
    assert {str(token) for token in called_names(tree)} <= NAMES


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_has_no_word_says_what_to_do_instead(name: str) -> None:
    text = f"y = x\n{name}(y)" if name == "print" else f"y = x\nz = {name}"
    result = cg("check", "-e", text)
    assert result.status == 2
    assert STATEMENTS[name] in result.out


@pytest.mark.parametrize("name", sorted(MODULES))
def test_an_import_of_another_language_is_left_out(name: str) -> None:
    result = cg("check", "-e", f"import {name}\ny = exp(x)")
    assert result.status == 2
    assert "leave the line out" in result.out


@pytest.mark.parametrize("name", [*FUNCTIONS, *VALUES, *sorted(MODULES), "print", "break"])
def test_a_foreign_word_may_be_a_name_of_the_file(name: str) -> None:
    assert cg("eval", "-e", f"{name} = x\ny = {name} + 1", "--x", "1").out == "y = 2\n"
    assert cg("eval", "-e", f"fn {name}(x) = x + 1\ny = {name}(x)", "--x", "1").out == "y = 2\n"


def test_a_record_may_have_the_name_of_a_module() -> None:
    program = "input t: any\nfn f(np) = np.exp\ny = f(t)"
    assert cg("eval", "-e", program, "--t", '{"exp": 3}').out == "y = 3\n"


def test_a_comparison_in_place_of_an_assignment_is_warned_of() -> None:
    result = cg("check", "-e", "y == a + b")
    assert result.status == 0
    assert "`y = a + b`" in result.out


@pytest.mark.parametrize("program", ["a == b", "x == 0.5", "y = a + 1; y == a + b", "y == a + b; z = y"])
def test_a_comparison_that_may_be_meant_is_not(program: str) -> None:
    assert "write `y = " not in cg("check", "-e", program).out
