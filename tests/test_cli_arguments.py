"""How the arguments of a command are read before Typer sees them: values of inputs are never torn apart."""

from __future__ import annotations

import pytest

from cgcli.cli.arguments import Arguments, CommandOptions, scan
from cgcli.diagnostics.diagnostic import CgError

OWN = CommandOptions(
    valued=frozenset({"--set", "--inputs", "--of", "--format", "--allow-path", "-e", "-o"}),
    flags=frozenset({"--all", "--hessian", "--help", "-h"}),
    repeatable=frozenset({"--set", "--allow-path"}),
)


def read(*args: str, known: CommandOptions = OWN) -> Arguments:
    return scan(args, known)


def code(*args: str, known: CommandOptions = OWN) -> str:
    with pytest.raises(CgError) as caught:
        scan(args, known)
    assert caught.value.status == 2
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize(
    ("args", "setting"),
    [
        (["--a", "2"], "a=2"),
        (["--a=2"], "a=2"),
        (["--a=-2"], "a=-2"),
        (["--a", "-2"], "a=-2"),
        (["--a", "-1e-3"], "a=-1e-3"),
        (["--a", "-3e5"], "a=-3e5"),
        (["--a", "-inf"], "a=-inf"),
        (["--a", "-exp(1)"], "a=-exp(1)"),
        (["--a", "-pi/2"], "a=-pi/2"),
        (["--a=--1"], "a=--1"),
        (["--a", "[1, 2, 3]"], "a=[1, 2, 3]"),
        (["--a", "b=c"], "a=b=c"),
        (["--σ", "1"], "σ=1"),
        (["--set", "a=-1e-3"], "a=-1e-3"),
        (["--set=a=2"], "a=2"),
    ],
)
def test_a_value_reaches_the_program_as_it_was_written(args: list[str], setting: str) -> None:
    assert read("f.cg", *args).argv == [f"--set={setting}", "--", "f.cg"]


@pytest.mark.parametrize("args", [["f.cg", "--a", "2"], ["--a", "2", "f.cg"], ["--a", "2", "--", "f.cg"]])
def test_options_may_stand_on_either_side_of_the_file(args: list[str]) -> None:
    arguments = read(*args)
    assert (arguments.files, arguments.inputs) == (["f.cg"], ["a"])


@pytest.mark.parametrize("args", [["-e", "-1/x"], ["-e-1/x"]])
def test_an_expression_may_begin_with_a_minus(args: list[str]) -> None:
    arguments = read(*args, "--x", "3")
    assert arguments.expression == "-1/x"
    assert arguments.argv == ["-e", "-1/x", "--set=x=3"]


def test_an_expression_may_begin_with_two() -> None:
    assert read("-e", "--x").expression == "--x"


def test_standard_input_is_a_file() -> None:
    assert read("-", "--a", "2").files == ["-"]


def test_what_follows_two_dashes_is_a_file() -> None:
    assert read("--", "--odd.cg").argv == ["--", "--odd.cg"]


def test_own_options_keep_their_values_and_win_over_inputs() -> None:
    arguments = read("f.cg", "--of", "y", "--all", "--format=json")
    assert arguments.argv == ["--of=y", "--all", "--format=json", "--", "f.cg"]
    assert arguments.inputs == []


@pytest.mark.parametrize(
    "args",
    [
        ["f.cg", "--a"],
        ["f.cg", "--a", "--b", "2"],
        ["f.cg", "--a", "--all"],
        ["f.cg", "--a", "-e", "x"],
        ["--a", "-"],
    ],
)
def test_an_option_is_no_value_of_an_input(args: list[str]) -> None:
    assert code(*args) == "missing-input-value"


@pytest.mark.parametrize("args", [["f.cg", "--of"], ["f.cg", "--of", "--all"], ["f.cg", "-o", "-e"]])
def test_an_option_is_no_value_of_an_option(args: list[str]) -> None:
    assert code(*args) == "missing-option-value"


def test_a_flag_takes_no_value() -> None:
    assert code("f.cg", "--all=yes") == "option-takes-no-value"


def test_an_option_is_given_once() -> None:
    assert code("f.cg", "--of", "y", "--of", "z") == "repeated-option"
    assert read("f.cg", "--set", "a=1", "--set", "b=2").inputs == ["a", "b"]


@pytest.mark.parametrize("arg", ["-3", "-.5", "-1e-3", "-x", "-abc"])
def test_a_single_dash_names_only_own_options(arg: str) -> None:
    assert code("f.cg", arg) == "unknown-option"


def test_a_command_without_inputs_knows_its_own_options_only() -> None:
    assert code("f.cg", "--a", "2", known=CommandOptions(OWN.valued, OWN.flags, inputs=False)) == "unknown-option"


def test_an_unfinished_line_is_read_as_far_as_it_goes() -> None:
    arguments = scan(["f.cg", "--a", "2", "-q", "--of", "--b"], OWN, tolerant=True)
    assert (arguments.files, arguments.inputs) == (["f.cg"], ["a"])
