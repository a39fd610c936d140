"""`--data`: a row does not fail for what it does not compute, and gives what it gives alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.ops.table import OPS
from cgcli.program.program import Program
from cgcli.program.rows import Derivatives, Rows

DECLARED = "input n: int\ninput x\ninput ok: bool\ninput k: int\n"

FAILING = {
    "floor_div": "10 // n",
    "mod": "10 % n",
    "add": "9223372036854775807 + (1 - n)",
    "sub": "-9223372036854775807 - 2 * (1 - n)",
    "mul": "(9000000000000000000 + n) * (2 - n)",
    "neg": "-(-9223372036854775807 - (1 - n))",
    "abs": "abs(-9223372036854775807 - (1 - n))",
    "fixed_power": "(2097151 * (2 - n))^3",
    "sum": "sum([9223372036854775807, 1 - n])",
    "prod": "prod([4611686018427387904, 2 - n])",
    "cumsum": "cumsum([9223372036854775807, 1 - n])[1]",
    "add_at": "scatter_add([9223372036854775807, 0], [0], [1 - n])[0]",
    "matmul": "[9223372036854775807, 1 - n] @ [1, 1]",
    "einsum": 'einsum("i,i->", [9223372036854775807, 1 - n], [1, 1])',
    "index": "[1, 2][3 * (1 - n)]",
    "inv": "inv([[n * 1.0, 0], [0, 1]])[0, 0]",
    "solve": "solve([[n * 1.0, 0], [0, 1]], [1.0, 2.0])[0]",
    "cholesky": "cholesky([[n - 0.5, 0], [0, 1]])[0, 0]",
}
"""By op an expression that stops the run where n is 0 and gives a number where it is 1."""

SHARED = {"add": "9223372036854775807 + k", "floor_div": "10 // (k - 1)", "index": "[1, 2][3 * k]"}
"""Those that all rows have in common stop the run where k is 1."""

AROUND = {
    "a side": "y = if ok then {e} else 0",
    "the other side": "y = if not ok then 0 else {e}",
    "a side of a statement": "y = x\nif ok {{\n y = x + ({e})\n}}",
    "a side within a side": "y = if x > -100 then (if ok then {e} else 1) else 2",
    "below an early return": (
        "fn f(n, x, ok, k) {{\n if not ok {{\n return 0.0\n }}\n return x + ({e})\n}}\ny = f(n, x, ok, k)"
    ),
    "right of `and`": "y = ok and {e} > 0",
    "right of `or`": "y = not ok or {e} > 0",
    "a loop that is never entered": "y = x\nfor i in 0..n {{\n y = y + ({e})\n}}",
    "a `while` that is never entered": "y = x\nwhile ok and y < 3 {{\n y = y + 1 + ({e}) * 1e-30\n}}",
    "a loop that it has left": "y = x\ni = 0\nwhile i < 3 * n {{\n y = y + 1 + ({e}) * 1e-30\n i = i + 1\n}}",
    "a side in a loop": "y = x\nfor i in 0..2 {{\n if ok {{\n y = y + ({e})\n }}\n}}",
    "a loop in a side": "y = x\nif ok {{\n for i in 0..2 {{\n y = y + ({e})\n }}\n}}",
    "a `while` in a side": "y = x\nif ok {{\n i = 0\n while i < 2 {{\n y = y + ({e})\n i = i + 1\n }}\n}}",
    "below a return in a loop": (
        "fn f(n, x, ok, k) {{\n y = x\n for i in 0..3 {{\n if not ok {{\n return y\n }}\n y = y + ({e})\n }}\n"
        " return y\n}}\ny = f(n, x, ok, k)"
    ),
}

every_op_somewhere = pytest.mark.parametrize(
    ("op", "where"),
    [
        pytest.param(op, where, marks=() if (i + j) % 4 == 0 else pytest.mark.thorough)
        for i, op in enumerate(FAILING)
        for j, where in enumerate(AROUND)
    ],
)
"""All pairs are thorough; a quarter, with each op and each place several times, is not."""

SIZES = {"reshape", "match", "restack", "amax", "amin", "argmax", "argmin"}
"""Ops that fail by the sizes of their operands, which all rows share."""
WITHIN = {"loop", "cond", "assert", "products_of_others", "fold_windows"}
"""Graphs of their own, asserts (`test_batch.py`), and ops that only derivatives are made of."""


def table(n: list[int]) -> dict[str, Any]:
    numbers = np.array(n)
    return {"n": numbers, "x": np.array([0.5, 1.0, 1.5, 2.0]), "ok": numbers == 1}


def alone(program: Program, columns: dict[str, Any], k: int) -> list[float]:
    rows = [{name: column[r].item() for name, column in columns.items()} for r in range(4)]
    return [float(program.eval({**row, "k": k})["y"]) for row in rows]


def check(text: str, n: list[int], k: int) -> None:
    program, columns = parse(DECLARED + text), table(n)
    assert program.mode == "static"
    found = Rows(program, {"k": k}, list(columns)).run(columns, 4)["y"]
    assert found.astype(float).tolist() == alone(program, columns, k)
    if program.type_of("y").is_float:
        slopes = Rows(program, {"k": k}, list(columns), Derivatives("y", ["x"])).run(columns, 4)["dy/dx"]
        each = [{name: column[r].item() for name, column in columns.items()} | {"k": k} for r in range(4)]
        assert slopes.tolist() == [program.grad(row, of="y", wrt=["x"]).partials["x"] for row in each]


def test_every_op_that_can_stop_a_run_takes_part() -> None:
    assert {
        name for name, op in OPS.items() if op.effects.may_fail or op.effects.may_overflow
    } == FAILING.keys() | SIZES | WITHIN


@pytest.mark.parametrize("op", FAILING)
def test_each_example_does_fail(op: str) -> None:
    program = parse(f"{DECLARED}y = {FAILING[op]}")
    assert program.eval({"n": 1, "x": 1, "ok": True, "k": 0})
    with pytest.raises(CgError):
        program.eval({"n": 0, "x": 1, "ok": True, "k": 0})


@every_op_somewhere
def test_a_row_does_not_fail_for_what_others_compute(op: str, where: str) -> None:
    check(AROUND[where].format(e=FAILING[op]), [1, 0, 1, 0], 0)


@every_op_somewhere
def test_what_no_row_computes_stops_no_run(op: str, where: str) -> None:
    check(AROUND[where].format(e=FAILING[op]), [0, 0, 0, 0], 0)


@pytest.mark.parametrize("where", AROUND)
@pytest.mark.parametrize("op", SHARED)
def test_what_all_rows_would_share_fails_only_where_one_computes_it(op: str, where: str) -> None:
    text = AROUND[where].format(e=SHARED[op])
    check(text, [0, 0, 0, 0], 1)
    program, columns = parse(DECLARED + text), table([0, 1, 0, 0])
    with pytest.raises(CgError):
        Rows(program, {"k": 1}, list(columns)).run(columns, 4)


@pytest.mark.parametrize(
    ("program", "rows", "said"),
    [
        ("input v: float[3]\ny = sum(v)", [[1.0, 2.0]] * 4, "column `v` holds [1.0, 2.0], and the input is float[3]"),
        ("input v: int\ny = v", [1.5] * 4, "column `v` holds 1.5, and the input is int"),
        ("input v: i32\ny = v", [3_000_000_000] * 4, "column `v` holds 3000000000, and the input is i32"),
        ("input v: int\ny = v + 1", [2**63 - 1] * 4, "the result is too large for int\n"),
    ],
)
def test_messages_speak_of_one_row(program: str, rows: list[Any], said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", v=np.array(rows))
    found = cg("eval", "-e", program, "--data", str(tmp_path / "t.npz"))
    assert found.status == 1
    assert said in found.err
    assert "rows_of" not in found.err
