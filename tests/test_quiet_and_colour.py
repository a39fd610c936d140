"""`--quiet` and `--color`: options of every command, declared once."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_harness import ARTICLE, Result, cg, process

from cgcli.cli.app import COMMANDS, commands
from cgcli.cli.output import set_stream_options, stream_options
from cgcli.cli.progress import StatusLine

CALLS = {
    "eval": ("f.cg", "--data", "t.csv"),
    "grad": ("f.cg", "--data", "t.csv"),
    "sweep": ("f.cg", "--a", "1,2", "--b", "1:3:1", "--c", "1"),
    "explain": ("f.cg", "--a", "2", "--b", "3", "--c", "1"),
    "show": ("f.cg", "--a", "2", "--b", "3", "--c", "1"),
    "render": ("f.cg",),
    "plot": ("-e", "log(x)", "--over", "x=-1..1"),
    "plan": ("f.cg",),
    "trace": ("f.cg", "--a", "2", "--b", "3", "--c", "1"),
    "step": ("f.cg", "--a", "2", "--b", "3", "--c", "1", "--commands", "steps.txt"),
    "train": ("line.cg", "--data", "t.csv", "--loss", "loss", "--steps", "2", "--save", "w.safetensors"),
    "predict": ("line.cg", "--data", "t.csv", "--weights", "old.safetensors"),
    "weights": ("old.safetensors",),
    "check": ("f.cg",),
    "fmt": ("loose.cg",),
    "samples": ("article",),
    "help": ("sin",),
}
"""A call of each command that is in order."""
NOTES = {
    "eval": "note: no input asks for the column `z` of the table\n",
    "grad": "note: no input asks for the column `z` of the table\n",
    "render": "wrote f.svg\n",
    "plot": "note: out is nan at 100 of 200 points, first at x = -1\n",
    "train": "saved w.safetensors\n",
    "fmt": "rewrote loose.cg\n",
    "samples": "wrote article.cg\n",
}
"""What some of them say about their work."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)
    Path("line.cg").write_text("param w = 1.0\ninput a: float\ninput b: float\nloss = (w*a - b)^2\n")
    Path("loose.cg").write_text("y=a+b\n")
    Path("t.csv").write_text("a,b,c,z\n1,2,3,4\n2,3,4,5\n")
    Path("steps.txt").write_text("next\nquit\n")
    made = cg("train", "line.cg", "--data", "t.csv", "--loss", "loss", "--steps", "1", "--save", "old.safetensors")
    assert made.status == 0, made.err


def called(command: str, *more: str) -> Result:
    return cg(command, *CALLS[command], *more)


def test_every_command_is_called_here() -> None:
    assert {*CALLS, "live"} == set(COMMANDS)  # that does not end: tests/test_live.py calls it


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_declares_both_once_and_says_so(command: str) -> None:
    names = [name for param in commands.get_command(None, command).params for name in param.opts]
    assert [names.count(name) for name in ("--color", "-q", "--quiet")] == [1, 1, 1]
    page = cg(command, "--help").out
    assert "--color auto|always|never" in page
    assert "-q, --quiet" in page


@pytest.mark.parametrize("command", CALLS)
@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_keeps_the_notes_and_nothing_else(command: str, option: str) -> None:
    quiet = called(command, option, "--color", "never")
    assert (quiet.status, quiet.err) == (0, "")
    silent = ("render", "train", "fmt", "samples")
    assert quiet.out or command in silent


@pytest.mark.parametrize("command", NOTES)
def test_without_it_the_notes_come(command: str) -> None:
    assert NOTES[command] in called(command).err


def test_quiet_ends_with_its_command() -> None:
    called("eval", "--quiet")
    assert NOTES["eval"] in called("eval").err


def test_warnings_and_errors_stay() -> None:
    Path("range.cg").write_text("input a = 1 in 0..1\ny = a\n")
    warned = cg("eval", "range.cg", "--a", "2", "-q")
    assert (warned.status, warned.out) == (0, "y = 2\n")
    assert warned.err.startswith("warning: ")
    wrong = cg("eval", "f.cg", "-q")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err.startswith("error: ")


def test_the_row_that_fails_is_a_part_of_the_error() -> None:
    Path("root.cg").write_text("assert a < 2\ny = sqrt(a)\n")
    failed = cg("eval", "root.cg", "--data", "t.csv", "-q")
    assert failed.status == 1
    assert "the run fails at line 3 of `t.csv`" in failed.err


def test_no_progress_is_ever_due() -> None:
    line = StatusLine()
    line.last -= 3600
    try:
        set_stream_options(quiet=True)
        assert not line.due()
        set_stream_options()
        assert line.due()
    finally:
        set_stream_options()
    assert stream_options.colour == "auto"


@pytest.mark.parametrize("command", COMMANDS)
def test_errors_are_coloured_as_the_option_says(command: str) -> None:
    assert "\x1b[" in cg(command, "a", "b", "--color", "always", "--no-such-option").err
    assert "\x1b[" not in cg(command, "a", "b", "--color=never", "--no-such-option", FORCE_COLOR="1").err


def test_results_and_warnings_are_coloured_as_the_option_says() -> None:
    assert "\x1b[" in called("weights", "--format", "table", "--color", "always").out
    assert "\x1b[" not in called("weights", "--format", "table").out
    Path("range.cg").write_text("input a = 1 in 0..1\ny = a\n")
    assert "\x1b[" in cg("eval", "range.cg", "--a", "2", "--color", "always").err


@pytest.mark.parametrize("command", CALLS)
def test_a_wrong_choice_and_a_value_of_the_flag_are_errors(command: str) -> None:
    wrong = called(command, "--color", "sometimes")
    assert (wrong.status, wrong.out) == (2, "")
    assert "auto, always" in wrong.err
    assert called(command, "--quiet=1").status == 2
    assert called(command, "--color").status == 2


def test_a_process_of_its_own() -> None:
    done = process("samples", "article", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
