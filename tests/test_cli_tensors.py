"""`cg` on programs with tensors: Jacobians, Hessians, checks of derivatives, and what JSON says of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_harness import cg

from cgcli.ops.op import Derivative
from cgcli.ops.table import BY_CODE, OPS
from cgcli.transform import templates

ROOT = Path(__file__).parents[1]
LINE = "input x: float[n, 2] = [[1, 2], [3, 4], [5, -6]]; input w: float[2] = [0.5, -1]; e = x @ w; y = sum(e^2)"
PROGRAM = ("-e", f"{LINE}; output y, e")


def test_a_gradient_has_the_shape_of_its_input() -> None:
    found = json.loads(cg("grad", *PROGRAM, "--of", "y", "--format", "json").out)
    assert found["of"] == "y"
    assert found["value"] == 80.75
    assert found["grad"]["w"] == [67.0, -128.0]
    assert found["grad"]["x"] == [[-1.5, 3.0], [-2.5, 5.0], [8.5, -17.0]]


def test_a_jacobian_has_the_shape_of_both() -> None:
    found = json.loads(cg("grad", *PROGRAM, "--of", "e", "--wrt", "w", "--jacobian", "--format", "json").out)
    assert found == {"of": "e", "value": [-1.5, -2.5, 8.5], "jacobian": {"w": [[1.0, 2.0], [3.0, 4.0], [5.0, -6.0]]}}


def test_a_hessian_has_the_shape_of_two_inputs() -> None:
    found = json.loads(cg("grad", *PROGRAM, "--of", "y", "--wrt", "w", "--hessian", "--format", "json").out)
    assert found["hessian"] == {"w": {"w": [[70.0, -32.0], [-32.0, 112.0]]}}


def test_a_gradient_is_that_of_one_number() -> None:
    result = cg("grad", *PROGRAM, "--of", "e")
    assert (result.status, result.out) == (2, "")
    assert "`e` is a tensor (float[n])" in result.err
    assert "--jacobian" in result.err


def test_without_of_the_only_single_number_is_taken() -> None:
    assert cg("grad", *PROGRAM).out.startswith("y = 80.75\n")


def test_ints_and_bools_have_no_gradient() -> None:
    program = "input x: float[2] = 1; input i: int[2] = [0, 1]; input b: bool[2] = true; y = sum(where(b, x[i], 0))"
    assert list(json.loads(cg("grad", "-e", program, "--format", "json").out)["grad"]) == ["x"]


def test_a_check_names_the_element_that_fits_worst() -> None:
    lines = cg("grad", *PROGRAM, "--of", "y", "--check").out.splitlines()
    assert [line.split("[")[0] for line in lines] == ["dy/dx", "dy/dw"]
    assert all("verdict ok" in line for line in lines)


def test_a_check_finds_the_first_wrong_element_of_the_first_wrong_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is broken on purpose: the message shows where it is used, not only that the end is wrong."""
    exp = OPS["exp"]
    derivative = Derivative((lambda b, g, y, x, at: b.mul(g, b.where(b.gt(x, 1.5), 1.0, y)),))
    broken = replace(exp, derivative=derivative)
    monkeypatch.setitem(BY_CODE, exp.code, broken)
    monkeypatch.setattr(templates, "_templates", {})
    program = "input x: float[3] = [0.5, 2, 3]\nshifted = x - 1\nspread = 2 * shifted + 1\ny = sum(exp(spread))"
    result = cg("grad", "-e", program, "--check")
    assert result.status == 1
    assert "-e:4:9" in result.err
    assert "spread[1]" in result.err


def test_every_axis_that_dots_stand_for() -> None:
    program = ("eval", "-e", "input x: float[..., 2]; y = sum(x^2, axis=-1)", "--x")
    assert cg(*program, "[3, 4]").out == "y = 25\n"
    assert cg(*program, "[[3, 4], [6, 8]]").out == "y = [25, 100]\n"
    assert cg(*program, "[3, 4, 5]").status == 1


def test_single_precision_is_shown_in_its_own_digits() -> None:
    program = "input x: f32[2] = [0.1, 1e-30]; y = 2 * x; z = x[0]; w = 1 / x[0] / 3"
    found = json.loads(cg("eval", "-e", program, "--format", "json").out)
    assert found == {"y": [0.2, 2e-30], "z": 0.1, "w": 3.3333333}
    assert cg("eval", "-e", "input a: f32 = 0.1; y = a * 3").out == "y = 0.3\n"
    assert cg("grad", "-e", "input a: f32 = 0.1; y = a * a").out == "y = 0.010000001\ndy/da = 0.2\n"


def test_a_range_holds_for_every_element() -> None:
    program = ("eval", "-e", "input x: float[2] = 0 in 0..1; y = sum(x)")
    assert cg(*program, "--x", "[0, 1]").err == ""
    assert "warning" in cg(*program, "--x", "[0, 2]").err


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "samples").glob("*.cg")))
def test_samples_can_be_shown_and_drawn(name: str, tmp_path: Path) -> None:
    data = ROOT / "samples" / f"{name}.json"
    values = ("--a", "2", "--b", "3", "--c", "1") if name == "article" else ()
    values = ("--set", f"{name}=@{data}") if data.exists() else values
    assert cg("show", f"samples/{name}.cg", *values).status == 0
    assert cg("render", f"samples/{name}.cg", *values, "-o", str(tmp_path / "a.dot")).status == 0
