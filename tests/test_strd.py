"""The nonlinear problems of NIST's Statistical Reference Datasets, from both starting points, against certified values.

`tests/strd` holds NIST's files as they are (public domain) and a program for each; `--rewrite` writes the table in
`docs/fits.md`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import cgcli
from cgcli.program.examples import Examples
from cgcli.program.residuals import residuals
from cgcli.program.training import start, task
from cgcli.train.solvers import Squares, least_squares

FOLDER = Path(__file__).parent / "strd"
PAGE = Path(__file__).parents[1] / "docs" / "fits.md"
NAMES = sorted(path.stem for path in FOLDER.glob("*.dat"))
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
WANTED = {"Lower": 6, "Average": 6, "Higher": 4}


class Problem(NamedTuple):
    """starts, certified, errors: a number for each parameter; rows: y, then what it depends on."""

    level: str
    starts: np.ndarray
    certified: np.ndarray
    errors: np.ndarray
    squares: float
    rows: np.ndarray


@cache
def problem(name: str) -> Problem:
    lines = (FOLDER / f"{name}.dat").read_text(encoding="ascii").splitlines()
    found = [re.match(r"\s+b\d+ =\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", line) for line in lines]
    numbers = np.array([[float(x) for x in match.groups()] for match in found if match])
    at = max(k for k, line in enumerate(lines) if line.startswith("Data:"))
    rows = np.array([[float(x) for x in line.split()] for line in lines[at + 1 :] if line.strip()])
    squares = next(float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
    level = next(match[1] for line in lines if (match := re.search(r"(\w+) Level of Difficulty", line)))
    return Problem(level, numbers[:, :2], numbers[:, 2], numbers[:, 3], squares, rows)


@cache
def fitted(name: str, begin: int) -> Squares:
    """The fit from one of the two starting points."""
    p = problem(name)
    program = cgcli.load(FOLDER / f"{name}.cg")
    predictors = [i.name for i in program.inputs if i.kind == "input" and i.name != "y"]
    columns = dict(zip(["y", *predictors], p.rows.T.copy(), strict=True))
    starts = {f"b{k + 1}": x for k, x in enumerate(p.starts[:, begin])}
    wanted = task(program, "off", starts, Examples(columns, len(p.rows)))
    return least_squares(residuals(wanted), start(wanted).params, 2000, lambda: False)


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """How many digits agree at least: NIST's log relative error; 11 digits are certified."""
    return float(-np.log10(np.maximum(np.abs(found - certified) / np.abs(certified), 1e-11)).min())


def parameters(fit: Squares) -> np.ndarray:
    return np.array([float(fit.params[f"b{k + 1}"]) for k in range(len(fit.params))])


@pytest.mark.parametrize("begin", [0, 1], ids=["start1", "start2"])
@pytest.mark.parametrize("name", NAMES)
def test_certified_values(name: str, begin: int) -> None:
    p, fit = problem(name), fitted(name, begin)
    assert fit.converged
    assert digits(parameters(fit), p.certified) >= WANTED[p.level]
    if name == "Lanczos1":  # the residuals are what is left of the data's fourteen digits
        assert fit.loss < 1e-24
        return
    assert abs(fit.loss / p.squares - 1) < 1e-8
    assert digits(np.array(fit.errors), p.errors) >= WANTED[p.level]
    assert fit.freedom == len(p.rows) - len(p.certified)


def test_the_page_has_them_all(request: pytest.FixtureRequest) -> None:
    lines = ["| problem | difficulty | parameters | rows | digits, start 1 | digits, start 2 | of the errors |\n"]
    lines.append("|---|---|---|---|---|---|---|\n")
    for name in NAMES:
        p = problem(name)
        found = [fitted(name, begin) for begin in (0, 1)]
        agreed = [f"{int(digits(parameters(fit), p.certified))}" for fit in found]
        errors = f"{int(min(digits(np.array(fit.errors), p.errors) for fit in found))}"
        cells = [name, p.level.lower(), str(len(p.certified)), str(len(p.rows)), *agreed, errors]
        lines.append(f"| {' | '.join(cells)} |\n")
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    table, _, tail = rest.partition(END)
    if request.config.getoption("--rewrite"):
        PAGE.write_text(f"{head}{BEGIN}{''.join(lines)}{END}{tail}", encoding="utf-8")
        return
    # how many digits there are beyond those that are asked for is the machine's matter
    assert [line.split("|")[1:5] for line in table.splitlines()] == [line.split("|")[1:5] for line in lines]
