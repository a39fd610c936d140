"""A sweep that is killed: finished points are kept beside its table, and the same command goes on with them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

import cgcli
from cgcli.data.journal import Journal, packed, unpacked
from cgcli.program.examples import Examples
from cgcli.program.sweep import input_axis, setting_axis, sweep_key
from cgcli.program.sweep_rows import PointRows
from cgcli.program.sweep_trainings import Trainings

SLOW = (
    "input a: float\ninput b: float\nx = a\nfor k in 0..60 { x = sin(x) + 0.01 * b }\nassert b < 2.5\ny = x\noutput y\n"
)
GRID = ["--a", "0:1:0.05", "--b", "0:2:0.5,9"]
DYNAMIC = ["sweep", "slow.cg", *GRID, "--mode", "dynamic"]
LINE = "input x: float\ninput y: float\nparam w: float = 0\nloss = (w * x - y)^2\n"
TRAIN = [
    "sweep",
    "line.cg",
    "--train",
    "--data",
    "line.csv",
    "--loss",
    "loss",
    "--lr",
    "0.001:0.02:0.001",
    "--epochs",
    "30",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slow.cg").write_text(SLOW, encoding="utf-8")
    Path("line.cg").write_text(LINE, encoding="utf-8")
    Path("line.csv").write_text("x,y\n" + "".join(f"{k},{2 * k}\n" for k in range(20)), encoding="utf-8")


def killed_until_done(command: Sequence[str], target: str, kills: int, seed: int, most: int = 900) -> int:
    """Runs a command, kills it so often at random moments, and then lets it end; how often it had points from before.

    A kill comes when the journal has grown by some bytes (fewer than `most`), so that each run gets somewhere.
    """
    source = random.Random(seed)
    journal = Path(f".{target}.part")
    resumed = 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "cgcli", *command, "-o", target], stderr=subprocess.PIPE, text=True
        )
        grown = (journal.stat().st_size if journal.exists() else 100) + source.randrange(1, most)
        while process.poll() is None and not (journal.exists() and journal.stat().st_size >= grown):
            time.sleep(0.002)
        process.kill()
        resumed += "are kept from before" in process.communicate()[1]
        if process.returncode == 0:
            break
        assert not Path(target).exists()
    assert cg(*command, "-o", target).status == 0
    assert [name for name in os.listdir() if name.endswith((".part", ".lock"))] == []
    return resumed


@pytest.mark.parametrize("kind", ["csv", pytest.param("npz", marks=pytest.mark.thorough)])
def test_killed_and_resumed_the_table_is_the_same(kind: str) -> None:
    assert cg(*DYNAMIC, "-o", f"whole.{kind}").status == 0
    assert killed_until_done(DYNAMIC, f"part.{kind}", 3, seed=1) > 0
    assert Path(f"part.{kind}").read_bytes() == Path(f"whole.{kind}").read_bytes()


@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.thorough), "2"])
def test_killed_trainings(workers: str) -> None:
    command = [*TRAIN, "--workers", workers]
    assert cg(*TRAIN, "-o", "whole.csv").status == 0
    assert killed_until_done(command, "part.csv", 2, seed=2) > 0
    assert Path("part.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.thorough
def test_ten_thousand_points_killed_fifty_times() -> None:
    Path("slow.cg").write_text(SLOW.replace("0..60", "0..6"), encoding="utf-8")
    command = ["sweep", "slow.cg", "--a", "0:1:0.001", "--b", "0:2:0.25,9", "--mode", "dynamic", "--grad"]
    assert cg(*command, "-o", "whole.npz").status == 0
    assert killed_until_done(command, "part.npz", 50, seed=3, most=12_000) > 40
    assert Path("part.npz").read_bytes() == Path("whole.npz").read_bytes()


def stopped(command: Sequence[str], number: int = signal.SIGINT) -> str:
    """What a command says that gets a signal once it has finished some points."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cgcli", *command, "-o", "s.csv"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    journal = Path(".s.csv.part")
    while process.poll() is None and not (journal.exists() and journal.stat().st_size > 400):
        time.sleep(0.002)
    os.killpg(process.pid, number)  # as a terminal does: to the processes that train, too
    err = process.communicate(timeout=20)[1]
    assert process.returncode == 130, err
    return err


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
@pytest.mark.parametrize("command", [DYNAMIC, [*TRAIN, "--workers", "2"]], ids=["points", "trainings"])
def test_an_interrupt_says_that_finished_points_are_kept(command: Sequence[str]) -> None:
    err = stopped(command)
    assert "are kept; the same command goes on from there" in err
    assert "Traceback" not in err
    result = cg(*command, "-o", "s.csv")
    assert "are kept from before" in result.err
    assert cg(*command, "-o", "t.csv").status == 0
    assert Path("s.csv").read_bytes() == Path("t.csv").read_bytes()


def test_points_of_another_sweep_are_dropped() -> None:
    stopped(DYNAMIC)
    text = Path("slow.cg").read_text(encoding="utf-8")
    Path("slow.cg").write_text(text.replace("0.01", "0.02"), encoding="utf-8")
    result = cg(*DYNAMIC, "-o", "s.csv")
    assert "was of another sweep, whose finished points are dropped" in result.err
    assert "from before" not in result.err
    assert result.status == 0


# ---- what a sweep is known by


def key(text: str = SLOW, *, over: Any = None, mode: Any = None, derived: Any = (), **settings: Any) -> str | None:
    """The identity of a sweep. settings: `b`, and those of the points."""
    values = {"b": settings.pop("b", 1.0)}
    program = cgcli.parse(text, folder=Path(), mode=mode)
    axis = input_axis(program, "a", "0:1:0.1" if over is None else over)
    assert axis is not None
    points = cgcli.SweepSettings(**settings).points([axis])
    return sweep_key(program, PointRows(program, values, points), points, derived)


def trained_key(x: float = 1.0, **settings: Any) -> str | None:
    program = cgcli.parse(LINE)
    points = cgcli.SweepSettings().points([setting_axis("lr", [0.1, 0.2], [])])
    examples = Examples({"x": np.array([x, 2.0]), "y": np.array([1.0, 2.0])}, 2)
    own = cgcli.FitSettings(loss="loss", **settings)
    return sweep_key(program, Trainings(program, {}, points, examples, own), points, ())


def test_the_same_sweep_has_the_same_key() -> None:
    assert key() == key(over="0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1")
    assert key(on_error="stop") == key()
    assert trained_key() == trained_key()


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_another_sweep_has_another_key(mode: Any) -> None:
    Path("part.cg").write_text("fn f(x) = sin(x)\n", encoding="utf-8")
    imports = 'import "part.cg"\n' + SLOW.replace("sin(x)", "part.f(x)")
    keys = [key(mode=mode), key(SLOW + "# note\n", mode=mode), key(b=2.0, mode=mode), key(derived=["y"], mode=mode)]
    keys += [key(imports, mode=mode), key(over="0:1:0.2", mode=mode), key(over="0..1", random=5, mode=mode)]
    keys += [key(over="0..1", latin=5, mode=mode), key(over="0..1", random=5, seed=1, mode=mode)]
    Path("part.cg").write_text("fn f(x) = cos(x)\n", encoding="utf-8")
    keys += [key(imports, mode=mode), trained_key(), trained_key(x=3.0), trained_key(epochs=3), trained_key(seed=1)]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_large_tensors_and_nested_data_belong_to_the_key() -> None:
    text = "input x: float[n]\ninput a: float\ny = sum(x) * a\n"
    program = cgcli.parse(text)
    first = np.arange(5000.0)
    second = first.copy()
    second[2500] += 1e-9
    keys = set()
    for x in (first, second):
        axis = input_axis(program, "x", [x, x])
        assert axis is not None
        points = cgcli.SweepSettings().points([axis])
        keys.add(sweep_key(program, PointRows(program, {"a": 1.0}, points), points, ()))
    assert len(keys) == 2
    deep: Any = 1.0
    for _ in range(100_000):
        deep = {"v": deep}
    tree = cgcli.parse("input t: any\ninput a: float\ny = a\n")
    axis = input_axis(tree, "a", "1,2")
    assert axis is not None
    points = cgcli.SweepSettings().points([axis])
    assert sweep_key(tree, PointRows(tree, {"t": deep}, points), points, ()) is not None


# ---- the file of finished parts


def test_a_part_keeps_every_bit() -> None:
    arrays = {
        "dy/dé": np.array([[0.1, -0.0], [np.nan, np.inf]]),
        "n": np.array([2**63 - 1, -(2**63)]),
        "f": np.array([True, False]),
        "s": np.array([0.1], "float32"),
        "none": np.zeros((0, 3)),
    }
    about, again = unpacked(packed({"start": 3, "errors": {"4": "zu groß"}}, arrays))
    assert about == {"start": 3, "errors": {"4": "zu groß"}}
    assert list(again) == list(arrays)
    for name, x in arrays.items():
        assert (again[name].dtype, again[name].shape, again[name].tobytes()) == (x.dtype, x.shape, x.tobytes())


def test_a_journal_that_is_cut_or_damaged_keeps_the_parts_before() -> None:
    parts = [b"first", b"", b"third part"]
    journal = Journal("j", "abc")
    for part in parts:
        journal.append(part)
    journal.close()
    whole = Path("j").read_bytes()
    ends = [whole.index(b"\n") + 1]
    for part in parts:
        ends.append(ends[-1] + 8 + 64 + len(part))
    assert ends[-1] == len(whole)
    for cut in range(len(whole)):
        Path("j").write_bytes(whole[:cut])
        journal = Journal("j", "abc")
        journal.append(b"new")
        journal.close()
        kept = sum(end <= cut for end in ends[1:]) if cut >= ends[0] else 0
        journal = Journal("j", "abc")
        assert journal.parts == [*parts[:kept], b"new"], cut
        journal.close()
    for place in range(ends[0], len(whole)):
        Path("j").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        journal = Journal("j", "abc")
        journal.close()
        assert journal.parts == parts[: sum(end <= place for end in ends[1:])], place
    for foreign in (b"a", b"\n", whole[1:]):
        Path("j").write_bytes(foreign)
        with pytest.raises(cgcli.CgError, match="`j` is there already, and holds no finished points"):
            Journal("j", "abc")
        assert Path("j").read_bytes() == foreign
    Path("j").write_bytes(whole)
    journal = Journal("j", "abd")
    assert (journal.parts, journal.replaced) == ([], True)
    journal.close(remove=True)
    assert not Path("j").exists()


def test_another_process_that_writes_the_same_file_is_told_of() -> None:
    from cgcli.files.locks import exclusive

    with exclusive("s.csv"):
        result = cg("sweep", "line.cg", "--x", "1,2", "--y", "1", "-o", "s.csv")
    assert result.status == 1
    assert "another process is writing `s.csv`" in result.err
