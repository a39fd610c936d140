"""Giving inputs their values: every form of the contract, what wins over what, and what is an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_harness import ARTICLE, cg
from safetensors.numpy import save_file


@pytest.fixture(autouse=True)
def article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)


def value_of_a(*args: str, program: str = "y = a") -> float:
    result = cg("eval", "-e", program, "--format", "json", *args)
    assert (result.status, result.err) == (0, ""), result
    return float(json.loads(result.out)["y"])


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (["--a", "2"], 2.0),
        (["--a=-2"], -2.0),
        (["--a", "-2"], -2.0),
        (["--a", "1e-3"], 1e-3),
        (["--a", "-1e-3"], -1e-3),
        (["--a", "-3e5"], -3e5),
        (["--a", "inf"], float("inf")),
        (["--a", "-inf"], float("-inf")),
        (["--a", ".5"], 0.5),
        (["--a", "1_000"], 1000.0),
        (["--a", "pi/2"], 1.5707963267948966),
        (["--a", "-pi/2"], -1.5707963267948966),
        (["--a", "sqrt(2)"], 2**0.5),
        (["--a", "2^-1"], 0.5),
        (["--a=--1"], 1.0),
        (["--set", "a=2"], 2.0),
        (["--set", "a = 2"], 2.0),
        (["--set=a=-1e-3"], -1e-3),
    ],
)
def test_a_value_is_a_constant_expression(args: list[str], value: float) -> None:
    assert value_of_a(*args) == value


def test_nan_is_a_value() -> None:
    assert cg("eval", "-e", "y = a", "--a", "nan").out == "y = nan\n"


def test_a_bool_and_an_int_take_values_of_their_kind() -> None:
    program = "input n: int\ninput b: bool\noutput y = if b then n else -n"
    assert cg("eval", "-e", program, "--n", "3", "--b", "true").out == "y = 3\n"


def test_a_name_may_be_any_identifier_and_is_compared_after_nfkc() -> None:
    assert value_of_a("--σ", "1", program="y = σ") == 1.0
    assert value_of_a("--µ", "2", program="y = μ") == 2.0  # the micro sign names what the Greek letter names
    assert value_of_a("--ﬁ", "3", program="y = fi") == 3.0


def test_values_come_from_the_line_then_the_file_then_the_default() -> None:
    Path("v.json").write_text('{"a": 20, "b": 30}')
    program = "input a = 1; input b = 2; input c = 3; output y = 10000*a + 100*b + c"
    assert value_of_a(program=program) == 10203
    assert value_of_a("--inputs", "v.json", program=program) == 203003
    assert value_of_a("--inputs", "v.json", "--a", "4", program=program) == 43003
    assert value_of_a("--inputs", "v.json", "--set", "a=4", program=program) == 43003


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("v.json", '{"a": 2, "b": 3.0, "c": 1e0}'),
        ("v.json", '{"a": "2", "b": "6/2", "c": "2^0"}'),
        ("v.toml", "a = 2\nb = +3.0\nc = 0x1\n"),
    ],
)
def test_many_values_come_from_a_file(name: str, text: str) -> None:
    Path(name).write_text(text)
    assert cg("eval", "f.cg", "--inputs", name) == (0, "y = 10\n", "")


def test_the_json_that_eval_prints_can_be_given_back() -> None:
    printed = cg("eval", "-e", "a = 1/0; b = -a; c = a - a", "--all", "--format", "json").out
    Path("v.json").write_text(printed)
    assert cg("eval", "-e", "x = a; y = b; z = c", "--inputs", "v.json").out == "x = inf\ny = -inf\nz = nan\n"


@pytest.mark.parametrize(
    ("name", "text", "said", "status"),
    [
        ("v.json", '{"a": 2, "b": 3, "c": 1, "d": 4}', "there is no input `d`", 2),
        ("v.json", '{"a": 2, "a": 3}', "gives `a` twice", 2),
        ("v.json", '{"µ": 2, "μ": 3}', "gives `μ` twice", 2),
        ("v.json", '{"a": [1, 2]}', "cannot take the shape [2]", 1),
        ("v.json", '{"a": [1, "two"]}', "a list with other than numbers", 1),
        ("v.json", '{"a": [1, null]}', "a list with other than numbers", 1),
        ("v.json", '{"a": null}', "gives the input `a` null", 1),
        ("v.json", '{"a": "two"}', "`two`", 2),
        ("v.json", "[1, 2]", "does not name its values", 2),
        ("v.json", '{"a": ', "cannot be read as JSON", 2),
        ("v.json", "[" * 100_000, "nested more than 1000 deep", 1),
        ("v.json", '{"a": ' + "9" * 5000 + "}", "for the input `a` is too large", 1),
        ("v.toml", "a = ", "cannot be read as TOML", 2),
        ("v.toml", "a = " + "9" * 5000, "cannot be read as TOML", 2),
        ("v.toml", "a = 2026-01-01", "a date or time", 1),
        ("v.toml", "[a]\nb = 2", "a table", 1),
        ("v.npz", "", "cannot be read", 1),
        ("v.safetensors", "", "it is empty", 1),
        ("v.yaml", "a: 2", ".json", 2),
    ],
)
def test_a_file_of_values_that_is_wrong_is_an_error(name: str, text: str, said: str, status: int) -> None:
    Path(name).write_text(text)
    result = cg("eval", "f.cg", "--inputs", name)
    assert (result.status, result.out) == (status, "")
    assert said in result.err


def test_a_file_of_values_has_to_be_there() -> None:
    result = cg("eval", "f.cg", "--inputs", "none.json")
    assert result.status == 2
    assert "none.json" in result.err


@pytest.mark.parametrize(
    "args",
    [["--a", "2", "--a", "3"], ["--set", "a=2", "--set", "a=3"], ["--a", "2", "--set", "a=2"]],
)
def test_the_same_input_twice_is_an_error(args: list[str]) -> None:
    result = cg("eval", "f.cg", *args)
    assert result == (2, "", "error: the input `a` is given twice\n  = help: give it one value, by `--a` or `--set`\n")


def test_the_same_input_in_two_spellings_is_the_same_input() -> None:
    assert "given twice" in cg("eval", "-e", "μ", "--µ", "2", "--μ", "3").err


def test_all_missing_inputs_are_named_together() -> None:
    result = cg("eval", "f.cg", "--b", "3")
    assert result.status == 2
    assert result.err == "error: no value is given for a and c\n  = help: say `--a VALUE --c VALUE`\n"


def test_a_missing_e_is_told_about_eulers_number() -> None:
    assert "exp(1)" in cg("eval", "-e", "e^x", "--x", "1").err


def test_an_input_that_is_declared_e_is_not() -> None:
    assert "exp(1)" not in cg("eval", "-e", "input e; output y = e").err


@pytest.mark.parametrize("option", ["format", "of", "wrt"])
def test_an_input_named_like_an_option_is_given_by_set_and_messages_say_so(option: str) -> None:
    program = f"y = {option}"
    missing = cg("grad", "-e", program)
    assert missing.status == 2
    assert f"--set {option}=VALUE" in missing.err
    assert f"--{option}" in missing.err.replace(f"--set {option}=VALUE", "")
    assert cg("grad", "-e", program, "--set", f"{option}=2").out == f"y = 2\ndy/d{option} = 1\n"
    assert f"--set {option}=FLOAT" in cg("grad", "-e", program, "--help").out


@pytest.mark.parametrize(
    ("args", "offer"),
    [
        (["-e", "sigma * 2", "--sigam", "1"], "did you mean `--sigma`?"),
        (["-e", "x", "--formt", "json"], "did you mean `--format`?"),
        (["-e", "x", "--q", "1"], "the inputs are x"),
        (["-e", "x = 1", "--q", "1"], "this program has no inputs"),
        (["-e", "sigma", "--set", "sigam=1"], "did you mean `--sigma`?"),
    ],
)
def test_a_name_that_is_no_input_is_an_error_with_an_offer(args: list[str], offer: str) -> None:
    result = cg("eval", *args)
    assert (result.status, result.out) == (2, "")
    assert "there is no option and no input" in result.err
    assert offer in result.err


def test_a_misspelt_flag_is_offered_even_where_it_swallowed_the_file() -> None:
    result = cg("grad", "--hesian", "f.cg")
    assert result.status == 2
    assert "did you mean `--hessian`?" in result.err


@pytest.mark.parametrize("value", ["two", "2x", "", "1,5", "2;3", "a", "@", "\x1b[31m", "1e", "--", "'2'", "$(id)"])
def test_a_value_that_is_no_number_is_an_error(value: str) -> None:
    result = cg("eval", "-e", "a", f"--a={value}")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert "\x1b" not in result.err


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same vector in files of every kind."""
    monkeypatch.chdir(tmp_path)
    x = np.array([1.0, 2.0, 4.0])
    np.save("x.npy", x)
    np.savez("w.npz", W1=x, W2=2 * x)
    save_file({"W1": x}, "w.safetensors")
    Path("t.csv").write_text("name,price\na,1\nb,2\nc,4\n")
    Path("t.json").write_text('{"x": [1, 2, 4], "y": [[1, 2], [3, 4]]}')


@pytest.mark.parametrize(
    "value", ["@x.npy", "@w.npz:W1", "@t.csv:price", "@t.json:x", "@w.safetensors:W1", "@w.safetensors", "[1, 2, 4]"]
)
@pytest.mark.usefixtures("files")
def test_a_tensor_from_a_file_or_from_the_line(value: str) -> None:
    assert cg("eval", "-e", "input x: float[n]; y = sum(x)", "--x", value).out == "y = 7\n"


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
@pytest.mark.usefixtures("files")
def test_many_tensors_from_a_file(name: str) -> None:
    x = np.array([1.0, 2.0, 4.0])
    save_file({"W1": x, "W2": 2 * x}, "w.safetensors")
    program = "input W1: float[n]; input W2: float[n]; y = W1 @ W2"
    assert cg("eval", "-e", program, "--inputs", name).out == "y = 42\n"


@pytest.mark.parametrize(
    ("value", "said", "status"),
    [
        ("@none.npy", "there is no file", 2),
        ("@", "no file of a known kind", 2),
        ("@w.npz", "holds several arrays", 2),
        ("@w.npz:V1", "did you mean `W1`?", 1),
        ("@t.csv", "`a` is no number", 1),
        ("@t.json:y", "cannot take the shape [2, 2]", 1),
        ("[[1], [2]]", "cannot take the shape [2, 1]", 1),
        ("[1, [2]]", "differ in shape", 2),
        ("2", "cannot take the shape a single number", 1),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_tensor_that_does_not_fit_is_an_error(value: str, said: str, status: int) -> None:
    result = cg("eval", "-e", "input x: float[n]; y = sum(x)", "--x", value)
    assert (result.status, result.out) == (status, "")
    assert said in result.err


@pytest.mark.parametrize("args", [["--set", "a"], ["--set", "=2"], ["--set", ""]])
def test_set_needs_a_name_and_a_value(args: list[str]) -> None:
    result = cg("eval", "f.cg", *args)
    assert result.status == 2
    assert "--set a=2" in result.err


def test_a_value_outside_the_declared_range_is_a_warning() -> None:
    result = cg("eval", "-e", "input v = 0.2 in 0..2; output y = v", "--v", "3")
    assert (result.status, result.out) == (0, "y = 3\n")
    assert result.err.startswith("warning: ")
    assert cg("eval", "-e", "input v = 0.2 in 0..2; output y = v", "--v", "2").err == ""


def test_a_range_has_a_lower_and_an_upper_end() -> None:
    assert cg("eval", "-e", "input v = 0.2 in 0..2; output y = v", "--v", "-0.1").err.startswith("warning: ")


def test_memory_is_asked_for_before_it_is_taken() -> None:
    """The node and its size are named, and no memory is needed to say so."""
    result = cg("eval", "-e", "huge = zeros([1000000, 1000000]); y = sum(huge)")
    assert (result.status, result.out) == (1, "")
    assert "float[1000000, 1000000] would take 7.3 TiB" in result.err


@pytest.mark.parametrize(("limit", "status"), [("1M", 1), ("7MiB", 1), ("8mb", 0), ("8388608", 0), ("1G", 0)])
def test_the_memory_of_a_run_is_limited(limit: str, status: int) -> None:
    assert cg("eval", "-e", "y = sum(zeros([1000, 1000]))", "--max-memory", limit).status == status


@pytest.mark.parametrize("limit", ["", "0", "-1", "8X", "1.5G", "much"])
def test_a_limit_that_is_none(limit: str) -> None:
    result = cg("eval", "-e", "y = 1", f"--max-memory={limit}")
    assert result.status == 2
    assert "amount of memory" in result.err


def test_a_seed_decides_what_initialisers_draw() -> None:
    program = ("eval", "-e", "param w: float[3] = normal(0, 1); y = sum(w)")
    assert cg(*program).out == cg(*program, "--seed", "0").out != cg(*program, "--seed", "1").out
