"""Streams that are closed or full, a working folder that is gone, and signals while something is written."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_harness import ARTICLE, cg

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
CG = f"{sys.executable} -m cgcli"
VALUES = "--a 2 --b 3 --c 1"
COMMANDS = [
    f"eval f.cg {VALUES}",
    f"grad f.cg {VALUES}",
    f"explain f.cg {VALUES}",
    f"trace f.cg {VALUES}",
    f"step f.cg {VALUES} --commands commands",
    "show f.cg",
    "plan f.cg",
    "plan f.cg -o -",
    "render f.cg -o - --format dot",
    "check f.cg",
    "fmt - < f.cg",
    "samples",
    "help exp",
    "--version",
    "--help",
    "eval --help",
    "eval g.cg --data t.csv",
    "grad g.cg --data t.csv -o -",
    "sweep g.cg --x 0:1:0.1 --y 1,2",
    "train line.cg --data t.csv --loss loss --steps 1",
]

SOME = {"eval", "render", "--help", "train"}
PRINTING = [
    pytest.param(line, id=line, marks=() if line.split()[0] in SOME else pytest.mark.thorough) for line in COMMANDS
]
"""Some of them print in every way there is; all are thorough."""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = "input x: float\ninput y: float\nparam k: float = 0\nloss = (k*x - y)^2\n"
    table = "x,y\n1,2\n3,4\n"
    texts = {"f.cg": ARTICLE, "g.cg": "z = x * y\n", "line.cg": line, "t.csv": table, "commands": "step\n"}
    texts["m.py"] = "def f(x):\n    return x * x\n"
    for name, text in texts.items():
        Path(name).write_text(text)


def shell(line: str, before: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        f"{before}exec {CG} {line}", shell=True, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
    assert "Exception" not in done.stderr
    return done


# ---- streams


@pytest.mark.parametrize("line", PRINTING)
def test_a_standard_output_that_is_closed_or_full_is_an_error_that_names_it(line: str) -> None:
    for stream in (">&-", ">/dev/full"):
        done = shell(f"{line} {stream}")
        assert (done.returncode, done.stdout) == (1, "")
        assert "the result cannot be written on standard output: " in done.stderr


@pytest.mark.parametrize("line", PRINTING)
def test_a_reader_that_wants_nothing_is_no_error(line: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            f"exec {CG} {line}", shell=True, stdout=closed, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 0
    assert "error" not in done.stderr


@pytest.mark.parametrize("line", PRINTING)
def test_a_standard_error_that_is_closed_or_full_changes_nothing(line: str) -> None:
    for stream in ("2>&-", "2>/dev/full"):
        done = shell(f"{line} {stream}")
        assert done.returncode == 0
        assert done.stdout


def test_an_error_that_cannot_be_told_is_still_a_status() -> None:
    for stream in ("2>&-", "2>/dev/full", ">&- 2>&- <&-"):
        assert shell(f"eval f.cg {stream}").returncode == 2


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("render f.cg -o ok.svg", "ok.svg"),
        ("render f.cg -o ok.png", "ok.png"),
        ("plan f.cg -o ok.svg", "ok.svg"),
        ("eval g.cg --data t.csv -o ok.csv", "ok.csv"),
        ("eval g.cg --data t.csv -o ok.parquet", "ok.parquet"),
        ("samples article", "article.cg"),
    ],
)
def test_what_goes_into_a_file_needs_no_standard_stream(line: str, target: str) -> None:
    for streams in (">&-", ">&- 2>&- <&-"):
        assert shell(f"{line} {streams}").returncode == 0
        assert Path(target).stat().st_size > 0
        Path(target).unlink()


@pytest.mark.parametrize("line", ["eval -", "fmt -", "eval g.cg --data -", "grad g.cg --data - -o o.csv"])
def test_a_standard_input_that_is_closed_is_an_error(line: str) -> None:
    done = shell(f"{line} <&-")
    assert done.returncode == 2
    assert "standard input is closed" in done.stderr


# ---- a working folder that was deleted


GONE = [
    ("eval -e 1+1", 0),
    ("eval -e 'import \"lib.cg\" as l; y = l.f(1)'", 2),
    ("eval {}/f.cg --a 2 --b 3 --c 1", 0),
    ("eval ../f.cg --a 2 --b 3 --c 1 --mode dynamic", 0),
    ("eval f.cg", 2),
    ("eval {}/m.py:f --x 2", 0),
    ("eval ../m.py:f --x 2", 0),
    ("eval {}/g.cg --data {}/t.csv", 0),
    ("eval {}/g.cg --data {}/t.csv -o {}/new.csv", 0),
    ("eval {}/g.cg --data {}/t.csv -o new.csv", 1),
    ("eval {}/g.cg --data t.csv", 2),
    ("eval {}/f.cg --a @x.npy", 2),
    ("check --modes {}/f.cg --a 2 --b 3 --c 1", 0),
    ("check {}/f.cg", 0),
    ("fmt {}/f.cg", 0),
    ("render {}/f.cg", 1),
    ("render {}/f.cg -o {}/new.svg", 0),
    ("samples", 0),
    ("samples article", 1),
    ("samples huber", 1),
    ("train {}/line.cg --data {}/t.csv --loss loss --steps 1", 0),
    ("train {}/line.cg --data {}/t.csv --loss loss --steps 1 --save w.safetensors", 1),
    ("train {}/line.cg --data {}/t.csv --loss loss --steps 1 --plot p.svg", 1),
]
ON_ITS_OWN = ("-e 1+1", "m.py:f --x 2", "new.csv", "new.svg", "--loss loss --steps 1")
"""What reads another library, or starts a process, in the folder that is gone."""


def no_trouble(errors: str, status: int) -> None:
    assert "Traceback" not in errors
    assert "bug" not in errors
    assert errors.startswith("error: ") == (status != 0)


@pytest.mark.parametrize(("line", "status"), [each for each in GONE if each[0].endswith(ON_ITS_OWN)])
def test_a_process_in_a_deleted_working_folder_stops_at_what_needs_it(line: str, status: int, tmp_path: Path) -> None:
    done = shell(line.replace("{}", str(tmp_path)), before="mkdir gone; cd gone; rmdir ../gone; ")
    assert done.returncode == status, done.stderr
    no_trouble(done.stderr, status)


@pytest.mark.parametrize(("line", "status"), GONE)
def test_a_deleted_working_folder_stops_only_what_needs_it(
    line: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = cg(*shlex.split(line.replace("{}", str(tmp_path))))
    assert done.status == status, done.err
    no_trouble(done.err, status)


# ---- signals


def writing(*args: str, **options: Any) -> subprocess.Popen[bytes]:
    """`cg` over a table that does not end, which writes already."""
    run = subprocess.Popen(
        [sys.executable, "-m", "cgcli", *args], stdin=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    assert run.stdin is not None
    run.stdin.write(b"x,y\n" + b"1,2\n" * 50_000)
    run.stdin.flush()
    until = time.monotonic() + 60
    while not list(Path().glob(".out.*.tmp")) and time.monotonic() < until:
        time.sleep(0.01)
    return run


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param(kind, number, marks=() if kind == "csv" or number is signal.SIGTERM else pytest.mark.thorough)
        for kind in ("csv", "jsonl", "npz", "parquet", "arrow")
        for number in ENDING
    ],
)
def test_a_signal_while_a_table_is_written_leaves_the_old_one(kind: str, number: signal.Signals) -> None:
    Path(f"out.{kind}").write_text("old")
    before = sorted(os.listdir())
    run = writing("eval", "g.cg", "--data", "-", "-o", f"out.{kind}")
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (130, b"interrupted\n")
    assert sorted(os.listdir()) == before
    assert Path(f"out.{kind}").read_text() == "old"


def test_a_hangup_that_was_ignored_at_the_start_stays_ignored() -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    run = writing("eval", "g.cg", "--data", "-", "-o", "out.csv", preexec_fn=nohup)
    run.send_signal(signal.SIGHUP)
    _, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (0, b"")
    assert len(Path("out.csv").read_text().splitlines()) == 50_001


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_debugger_ends_at_the_first_signal_also_while_the_program_runs(number: signal.Signals) -> None:
    Path("endless.cg").write_text("input v = 0.2 in 0..2\nx = v\nwhile x > 0 {\n  x = x + 1\n}\noutput x\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "cgcli", "step", "endless.cg", "--v", "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stderr is not None
    assert run.stderr.readline().startswith(b"warning: ")  # it is told of right before the run
    run.send_signal(number)
    out, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert out == b""
    assert said.endswith(b"interrupted\n")


def test_a_signal_that_falls_into_a_destructor_comes_again() -> None:
    code = """
import os, signal, sys, time
from cgcli.cli.signals import end_by_signals
end_by_signals()
class Falls:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
Falls()
os.read(0, 1)
"""
    run = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stderr is not None
    assert select.select([run.stderr], [], [], 60)[0]  # it ends, and says nothing
    _, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (130, b"")
