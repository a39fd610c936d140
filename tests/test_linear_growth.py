"""Work grows linearly with everything that a program, a command line or a table has many of.

Counted are the calls of Python and C functions, not seconds, for three sizes: one more of the large size takes about as
many as one more of the small size. What one call does in C is not seen by this (copies of lists and dictionaries, `in`
of a list, sorting within `unicodedata`): there sizes of tens of thousands were timed by hand.
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

from cgcli.diagnostics import suggest
from cgcli.diagnostics.source import Source
from cgcli.dynamic import replay
from cgcli.language.format import format_source

Sizes = tuple[int, int, int]
SMALL: Sizes = (5, 20, 60)
LARGE: Sizes = (20, 100, 400)
SIZES = pytest.mark.parametrize("sizes", [SMALL, pytest.param(LARGE, marks=pytest.mark.thorough)], ids=str)
GROWTH = 1.25  # times the work for one more
BEYOND: dict[str, Sizes] = {
    **dict.fromkeys(("combining marks", "digits of a whole number"), (50, 100, 200)),
    **dict.fromkeys(("conditions within conditions", "a chain of else ifs", "axes"), (100, 150, 250)),
}
"""Programs that are of another kind in a small number."""


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer operations that a run looks ahead, for expressions that it can repeat at once, and fewer comparisons of
    names for a suggestion: only beyond these limits the work is the same for each."""
    monkeypatch.setattr(replay, "MAX_OPERATIONS", 4)
    monkeypatch.setattr(suggest, "MAX_COMPARISONS", 100)


def calls(work: Callable[[], object]) -> int:
    """How many functions are called."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())


def check_growth(work: Callable[[int], Callable[[], object]], sizes: Sizes = SMALL) -> None:
    """work: what is to be done for a size, made ready beforehand. What is done for every size does not count."""
    work(3)()  # what is loaded or built once
    least, small, large = (calls(work(n)) for n in sizes)
    one_of_few = (small - least) / (sizes[1] - sizes[0])
    one_of_many = (large - small) / (sizes[2] - sizes[1])
    assert one_of_many <= GROWTH * one_of_few + 1, f"{least}, {small} and {large} calls for {sizes}"


def command(name: str, text: Callable[[int], str], folder: Path, status: int, *args: str, sizes: Sizes = SMALL) -> None:
    def work(n: int) -> Callable[[], object]:
        path = folder / f"f{n}.cg"
        path.write_text(text(n), encoding="utf-8")

        def run() -> None:
            found = cg(name, str(path), *args).status
            assert found == status or n < 10

        return run

    check_growth(work, sizes)


@pytest.mark.parametrize("many", [name for name in PROGRAMS if name.startswith("implicit")])
def test_check(many: str, tmp_path: Path) -> None:
    command("check", PROGRAMS[many], tmp_path, 0)


@pytest.mark.parametrize("many", [name for name in PROGRAMS if not name.startswith("implicit")])
@SIZES
def test_eval_check_and_grad(many: str, sizes: Sizes, tmp_path: Path) -> None:
    """`eval` reads the programs; the others begin with what it kept of them."""
    sizes = BEYOND.get(many, sizes)
    command("eval", PROGRAMS[many], tmp_path, 0, sizes=sizes)
    command("check", PROGRAMS[many], tmp_path, 0, sizes=sizes)
    if "y = " in PROGRAMS[many](1):
        of = () if "param" in many or "inputs" in many else ("--of", "y", "--wrt", "x")
        command("grad", PROGRAMS[many], tmp_path, 0, *of, sizes=sizes)


SAME_BUT_FOR_THE_TEXT = ("params", "arguments by name", "comments in brackets")
"""Programs that are the same run as another."""


def dynamic_cases() -> list[Any]:
    """Programs and sizes."""
    programs = [name for name in PROGRAMS if not name.startswith("implicit")]
    thorough = [pytest.param(name, LARGE, marks=pytest.mark.thorough) for name in programs]
    return thorough + [(name, SMALL) for name in programs if name not in SAME_BUT_FOR_THE_TEXT]


@pytest.mark.parametrize(("many", "sizes"), dynamic_cases(), ids=str)
def test_eval_in_dynamic_mode(many: str, sizes: Sizes, tmp_path: Path) -> None:
    command("eval", PROGRAMS[many], tmp_path, 0, "--mode", "dynamic", sizes=BEYOND.get(many, sizes))


@pytest.mark.parametrize("many", PROGRAMS)
@SIZES
def test_fmt(many: str, sizes: Sizes) -> None:
    def work(n: int) -> Callable[[], object]:
        source = Source("f.cg", PROGRAMS[many](n))
        return lambda: format_source(source)

    check_growth(work, sizes)


def test_fmt_check_tells_the_changes(tmp_path: Path) -> None:
    command("fmt", lambda n: each("y@  =  x\n\n\n", n), tmp_path, 1, "--check")


@pytest.mark.parametrize("many", MISTAKES)
@SIZES
def test_check_of_mistakes(many: str, sizes: Sizes, tmp_path: Path) -> None:
    command("check", MISTAKES[many], tmp_path, 2, sizes=BEYOND.get(many, sizes))


def test_inputs_on_the_line(tmp_path: Path) -> None:
    path = tmp_path / "f.cg"

    def work(n: int) -> Callable[[], object]:
        path.write_text(f"y = {each('n@', n, ' + ')}\n")
        args = [arg for k in range(n) for arg in (f"--n{k}", "1")]
        return lambda: cg("eval", str(path), *args)

    check_growth(work)


@SIZES
def test_imports(sizes: Sizes, tmp_path: Path) -> None:
    def work(n: int) -> Callable[[], object]:
        for k in range(n):
            (tmp_path / f"m{k}.cg").write_text(f"fn f(x) = x * {k}\n")
        path = tmp_path / "f.cg"
        path.write_text(each('import "m@.cg"\n', n) + f"{ONE}y = {each('m@.f(x)', n, ' + ')}\n")
        return lambda: cg("eval", str(path))

    check_growth(work, sizes)


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
