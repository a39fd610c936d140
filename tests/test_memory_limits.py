"""Limits hold for everything that a command holds, and their messages name the option that raises them."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from cli_harness import cg, process

from cgcli.data.arrays import read_array

ROOM = 1_500_000_000  # bytes of address space: far more than any of these runs may come to

ENDLESS = "fn f(x) = if x < 0 then 0 else f(x + 1)\ny = f(1)"
ENDLESS_WITHOUT_VALUES = "fn f(x) = if x < 0 then 0 else f(x)\ny = f(1)"
GROWING_LIST = "y = [1.0]\nwhile sum(y) > 0 {\n y = concat([y, y], axis=0)\n}"
GROWING_TAPE = "y = 1.0\nwhile y > 0 {\n y = y + 1\n}"
COUNTING = "y = 1\nfor i in 0..1000000000 {\n y = 1\n}"
DOUBLING = (
    "fn f0(x) = x * x\n" + "".join(f"fn f{k}(x) = f{k - 1}(x) + f{k - 1}(x + 1)\n" for k in range(1, 60)) + "y = f59(2)"
)


@pytest.mark.parametrize(
    ("program", "options", "raises"),
    [
        (ENDLESS, ["--max-depth", "100"], "--max-depth"),
        (ENDLESS_WITHOUT_VALUES, ["--max-depth", "100"], "--max-depth"),
        (ENDLESS, ["--max-nodes", "300"], "--max-nodes"),
        (ENDLESS, ["--max-steps", "50"], "--max-steps"),
        (GROWING_LIST, ["--mode", "dynamic", "--max-memory", "1M"], "--max-memory"),
        (GROWING_TAPE, ["--mode", "dynamic", "--max-memory", "1M"], "--max-memory"),
        (GROWING_TAPE, ["--mode", "dynamic", "--max-nodes", "1000"], "--max-nodes"),
        (COUNTING, ["--mode", "dynamic", "--max-nodes", "1000"], "--max-nodes"),
        (DOUBLING, ["--max-nodes", "1000"], "--max-nodes"),
        (DOUBLING, ["--max-memory", "500K"], "--max-memory"),
        (DOUBLING, ["--mode", "dynamic", "--max-memory", "500K"], "--max-memory"),
    ],
)
def test_what_grows_without_end_stops_at_a_limit_that_names_its_option(
    program: str, options: list[str], raises: str
) -> None:
    found = cg("eval", "-e", program, *options)
    assert found.status == 1
    assert f"`{raises}`" in found.err


def test_a_plan_stops_at_the_same_limit() -> None:
    found = cg("plan", "-e", DOUBLING, "--max-nodes", "1000")
    assert found.status == 1
    assert "`--max-nodes`" in found.err


@pytest.mark.parametrize("program", [ENDLESS, ENDLESS_WITHOUT_VALUES])
def test_recursion_without_end_stops_by_default_in_bounded_memory(program: str) -> None:
    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))

    found = process("eval", "-e", program, preexec_fn=bounded)
    assert found.returncode == 1
    assert "10000 calls" in found.stderr


def test_a_program_under_its_limits_is_computed() -> None:
    program = "fn f(n) = if n <= 0 then 0 else 1 + f(n - 1)\ny = f(300)"
    assert cg("eval", "-e", program, "--max-depth", "301").out == "y = 300\n"
    assert cg("eval", "-e", program, "--max-depth", "300").status == 1


@pytest.mark.parametrize(
    ("name", "text"), [("t.json", "[" + ",".join("1" * 2000) + "]"), ("t.csv", "v\n" + "1\n" * 2000)]
)
def test_text_is_refused_by_what_it_takes_while_it_is_read(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    program = "input x: float[n]\ny = sum(x)"
    assert cg("eval", "-e", program, f"--x=@{path}").out == "y = 2000\n"
    found = cg("eval", "-e", program, f"--x=@{path}", "--max-memory", "20K")
    assert found.status == 1
    assert "`--max-memory` allows more" in found.err


def test_an_archive_is_refused_by_its_declared_size_and_the_cast(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez_compressed(path, x=np.zeros(10_000, np.uint8))  # 80 000 bytes as ints
    program = "input x: int[n]\ny = sum(x)"
    assert cg("eval", "-e", program, f"--x=@{path}").out == "y = 0\n"
    assert cg("eval", "-e", program, f"--x=@{path}", "--max-memory", "50K").status == 1


def test_a_csv_column_stays_exact_until_a_cell_is_no_whole_number(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n9007199254740993,1\n2,0.5\n")
    assert read_array(f"{path}:a").tolist() == [9007199254740993, 2]
    assert read_array(f"{path}:b").tolist() == [1.0, 0.5]
    assert read_array(str(path)).tolist() == [[9007199254740992.0, 1.0], [2.0, 0.5]]
