"""Derivatives that are nan or do not exist: the command says where that begins, and the check fails."""

import json
from pathlib import Path

import pytest
from cli_harness import cg

VANISHED = ("-e", "y = sqrt(max(v, 0) * dt)", "--v=-1", "--dt", "0.5")
MODES = pytest.mark.parametrize("mode", ["static", "dynamic"])


@MODES
def test_a_check_fails_where_a_derivative_is_nan_and_the_differences_are_finite(mode: str) -> None:
    result = cg("grad", *VANISHED, "--check", "--mode", mode)
    assert result.status == 1
    assert "dy/dv = 0, by differences 0, verdict ok" in result.out
    assert "dy/ddt = nan, by differences 0, verdict wrong" in result.out
    assert "-e:1:10" in result.err
    assert "it begins at `*` (inf times a local derivative of 0)" in result.err


def test_a_check_passes_where_the_differences_are_not_finite_either() -> None:
    for source, x in (("y = sqrt(x)", "0"), ("y = log(x)", "-1"), ("y = cbrt(x)", "0"), ("y = 0 * log(x)", "0")):
        result = cg("grad", "-e", source, f"--x={x}", "--check")
        assert (result.status, result.err) == (0, ""), source
        assert result.out.endswith("verdict edge\n")


def test_a_check_of_tensors_names_the_element_that_is_nan(tmp_path: Path) -> None:
    program = tmp_path / "t.cg"
    program.write_text("input x: float[2]\ns = x * 0\ny = sum(sqrt(s))\n", encoding="utf-8")
    result = cg("grad", str(program), "--x", "[1, 2]", "--check", "--format", "json")
    assert result.status == 1
    assert json.loads(result.out)["check"]["x[0]"]["verdict"] == "wrong"
    assert "t.cg:2:5" in result.err


@MODES
def test_a_gradient_that_is_nan_says_in_one_line_where_that_begins(mode: str) -> None:
    result = cg("grad", *VANISHED, "--mode", mode)
    assert result.status == 0
    assert result.out == "y = 0\ndy/dv = 0\ndy/ddt = nan\n"
    assert result.err == "note: dy/ddt is nan: it begins at `*` (inf times a local derivative of 0) on line 1\n"


def test_in_a_loop_and_among_tensors_the_line_is_told(tmp_path: Path) -> None:
    program = tmp_path / "t.cg"
    for source, line in {
        "s = 0 * x\n\nfor t in 0..3 { s = sqrt(s) }\noutput s\n": 1,
        "s = x\n\nv = [s, s] * 0\ny = sum(sqrt(v))\n": 3,
    }.items():
        program.write_text(source, encoding="utf-8")
        result = cg("grad", str(program), "--x", "1")
        assert result.err.startswith("note: d")
        assert result.err.endswith(f" on line {line}\n"), result.err


def test_a_value_that_is_nan_itself_needs_no_note() -> None:
    assert cg("grad", "-e", "y = log(x) * x", "--x=-1").err == ""


@MODES
def test_logdet_of_a_singular_matrix_is_minus_inf_and_its_gradient_speaks_of_logdet(tmp_path: Path, mode: str) -> None:
    program = tmp_path / "l.cg"
    program.write_text("input A: float[2, 2]\ny = logdet(A)\n", encoding="utf-8")
    given = (str(program), "--A", "[[1, 2], [2, 4]]", "--mode", mode)
    assert cg("eval", *given).out == "y = -inf\n"
    for more in ((), ("--hessian",)):
        result = cg("grad", *given, *more)
        assert result.status == 1
        assert "`logdet` has no derivative at this matrix" in result.err
        assert "inv" not in result.err.replace("inverse", "")


@pytest.mark.parametrize(("call", "matrix"), [("inv(A)", "[[1, 2], [2, 4]]"), ("cholesky(A)", "[[1, 2], [2, 1]]")])
def test_what_fails_on_a_matrix_is_the_function_that_was_written(call: str, matrix: str, tmp_path: Path) -> None:
    program = tmp_path / "l.cg"
    for source, name in ((f"y = sum({call})", call), ("y = sum(solve(A, [1, 2]))", "solve(")):
        program.write_text(f"input A: float[2, 2]\n{source}\n", encoding="utf-8")
        result = cg("grad", str(program), "--A", matrix)
        if name == "solve(" and call == "cholesky(A)":
            assert result.status == 0
        else:
            assert f"`{name.partition('(')[0]}` fails on this matrix" in result.err


def test_det_of_a_singular_matrix_has_its_first_two_derivatives(tmp_path: Path) -> None:
    program = tmp_path / "d.cg"
    program.write_text("input A: float[2, 2]\ny = det(A)\n", encoding="utf-8")
    result = cg("grad", str(program), "--A", "[[1, 2], [2, 4]]", "--hessian")
    assert (result.status, result.err) == (0, "")


def test_a_way_that_no_derivative_passes_is_shown_with_the_place_where_it_stops() -> None:
    text = cg("explain", "-e", "y = a * relu(c)", "--a", "1", "--c=-1").out
    assert "no path" not in text
    assert "∂v1/∂c = where(c > 0, 1, 0)  = 0" in text
    assert "∂y/∂c = ∂y/∂v1 · ∂v1/∂c\n        = 1 · 0\n        = 0" in text
    assert "0  c → v1 → y" in text
    for source in ("y = a * floor(c)", "y = a * where(c > 0, c, 0)", "y = a * max(c, 0)", "y = a * stop_gradient(c)"):
        assert "∂y/∂c = 0: 1 path" in cg("explain", "-e", source, "--a", "1", "--c=-1").out, source
    # the way ends before the inf comes to count
    text = cg("explain", "-e", "y = where(c > 0, log(c), 0)", "--c", "0").out
    assert "∂y/∂c = 0: 1 path" in text
    assert "no path leads from c to y" in cg("explain", "-e", "y = if c > 0 then c else a", "--a", "1", "--c=-1").out


def test_explained_in_other_formats_a_way_that_stops_is_there_too() -> None:
    given = ("explain", "-e", "y = a * relu(c)", "--a", "1", "--c=-1", "--wrt", "c", "--format")
    assert r"\underbrace{" in cg(*given, "latex").out
    assert "c → v1 → y" in cg(*given, "markdown").out
    assert json.loads(cg(*given, "json").out)["by"]["c"]["count"] == 1
