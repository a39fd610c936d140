"""Work grows linearly with everything that a program, a command line or a table has many of.

Counted are the calls of Python and C functions, not seconds, for n and 4 n. What one call does in C is not seen by this
(copies of lists and dictionaries, `in` of a list, sorting within `unicodedata`): there sizes of tens of thousands were
timed by hand.
"""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from growing_programs import MISTAKES, ONE, PROGRAMS, each

from cgcli.diagnostics.source import Source
from cgcli.language.format import format_source

SMALL = 100
SIZES = pytest.mark.parametrize("size", [SMALL // 2, pytest.param(SMALL, marks=pytest.mark.thorough)])
GROWTH = 5.0  # times the work for four times the size


def calls(work: Callable[[], object]) -> int:
    """How many functions are called."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())


def check_growth(work: Callable[[int], Callable[[], object]], size: int = SMALL) -> None:
    """work: what is to be done for a size, made ready beforehand."""
    work(3)()  # what is loaded or built once
    small, large = (calls(work(n)) for n in (size, 4 * size))
    assert large < GROWTH * small, f"{small} calls for {size}, {large} for {4 * size}"


def command(name: str, text: Callable[[int], str], folder: Path, status: int, *args: str, size: int = SMALL) -> None:
    def work(n: int) -> Callable[[], object]:
        path = folder / f"f{n}.cg"
        path.write_text(text(n), encoding="utf-8")

        def run() -> None:
            found = cg(name, str(path), *args).status
            assert found == status or n < 10

        return run

    check_growth(work, size)


@pytest.mark.parametrize("many", [name for name in PROGRAMS if name.startswith("implicit")])
def test_check(many: str, tmp_path: Path) -> None:
    # the work for one implicit input is the same only from some hundred on
    command("check", PROGRAMS[many], tmp_path, 0)


@pytest.mark.parametrize("many", [name for name in PROGRAMS if not name.startswith("implicit")])
@SIZES
def test_eval_check_and_grad(many: str, size: int, tmp_path: Path) -> None:
    """`eval` reads the programs; the others begin with what it kept of them."""
    command("eval", PROGRAMS[many], tmp_path, 0, size=size)
    command("check", PROGRAMS[many], tmp_path, 0, size=size)
    if "y = " in PROGRAMS[many](1):
        of = () if "param" in many or "inputs" in many else ("--of", "y", "--wrt", "x")
        command("grad", PROGRAMS[many], tmp_path, 0, *of, size=size)


LOOKED_AHEAD = {
    **dict.fromkeys(("nots", "brackets of brackets", "powers", "inputs with defaults", "parameters"), SMALL),
    **dict.fromkeys(("params", "arguments by name"), None),
    **dict.fromkeys(("sums", "calls within calls"), 2 * SMALL),
    "comments in brackets": None,
}
"""Programs that need a larger size: a run looks some hundred operations ahead for expressions that it can repeat at
once. None where another program is the same but for its text."""


def dynamic_cases() -> list[Any]:
    """Programs and sizes."""
    cases: list[Any] = []
    for name in PROGRAMS:
        if not name.startswith("implicit"):
            some = LOOKED_AHEAD.get(name, SMALL // 2)
            cases += [] if some is None else [(name, some)]
            large = 4 * SMALL if name in ("sums", "calls within calls", "comments in brackets") else SMALL
            if large != some:
                cases.append(pytest.param(name, large, marks=pytest.mark.thorough))
    return cases


@pytest.mark.parametrize(("many", "size"), dynamic_cases())
def test_eval_in_dynamic_mode(many: str, size: int, tmp_path: Path) -> None:
    command("eval", PROGRAMS[many], tmp_path, 0, "--mode", "dynamic", size=size)


@pytest.mark.parametrize("many", PROGRAMS)
@SIZES
def test_fmt(many: str, size: int) -> None:
    def work(n: int) -> Callable[[], object]:
        source = Source("f.cg", PROGRAMS[many](n))
        return lambda: format_source(source)

    check_growth(work, size)


def test_fmt_check_tells_the_changes(tmp_path: Path) -> None:
    command("fmt", lambda n: each("y@  =  x\n\n\n", n), tmp_path, 1, "--check")


NEEDS_MANY = ("unknown names beside as many that are bound", "conditions within conditions", "a chain of else ifs")
"""Mistakes that are none in a small number, or whose work is the same for each only from some hundred on."""


@pytest.mark.parametrize("many", MISTAKES)
@SIZES
def test_check_of_mistakes(many: str, size: int, tmp_path: Path) -> None:
    command("check", MISTAKES[many], tmp_path, 2, size=SMALL if many in NEEDS_MANY else size)


def test_inputs_on_the_line(tmp_path: Path) -> None:
    path = tmp_path / "f.cg"

    def work(n: int) -> Callable[[], object]:
        path.write_text(f"y = {each('n@', n, ' + ')}\n")
        args = [arg for k in range(n) for arg in (f"--n{k}", "1")]
        return lambda: cg("eval", str(path), *args)

    check_growth(work)


@SIZES
def test_imports(size: int, tmp_path: Path) -> None:
    def work(n: int) -> Callable[[], object]:
        for k in range(n):
            (tmp_path / f"m{k}.cg").write_text(f"fn f(x) = x * {k}\n")
        path = tmp_path / "f.cg"
        path.write_text(each('import "m@.cg"\n', n) + f"{ONE}y = {each('m@.f(x)', n, ' + ')}\n")
        return lambda: cg("eval", str(path))

    check_growth(work, size)


def test_columns_of_a_table(tmp_path: Path) -> None:
    def work(n: int) -> Callable[[], object]:
        path = tmp_path / "t.csv"
        path.write_text(f"{each('c@', n, ',')}\n{each('@', n, ',')}\n")
        return lambda: cg("eval", "-e", "y = c0 + c1", "--data", str(path))

    check_growth(work)


@pytest.mark.parametrize("kind", ["csv", "json", "npy"])
def test_elements_of_a_file(kind: str, tmp_path: Path) -> None:
    def work(n: int) -> Callable[[], object]:
        path = tmp_path / f"x.{kind}"
        if kind == "npy":
            np.save(path, np.zeros(n))
        else:
            path.write_text(f"[{each('@', n, ',')}]" if kind == "json" else f"v\n{each('@' + chr(10), n)}")
        return lambda: cg("eval", "-e", "input x: float[n]\ny = sum(x)", f"--x=@{path}")

    check_growth(work)
