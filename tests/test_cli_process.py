"""Exit statuses, streams that fail, signals: what surrounds every command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_harness import ARTICLE, cg, process

import cgcli.cli.eval
from cgcli.cli.app import COMMANDS, GROUPS

VALUES = ["--a", "2", "--b", "3", "--c", "1"]
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)


# ---- programs that cannot be read


def _directory() -> str:
    Path("folder.cg").mkdir()
    return "folder.cg"


def _written(name: str, content: bytes) -> str:
    Path(name).write_bytes(content)
    return name


@pytest.mark.parametrize("command", ["eval", "grad", "show", "render", "fmt"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: "none.cg", id="missing"),
        pytest.param(lambda: "none/f.cg", id="missing folder"),
        pytest.param(lambda: "f.cg/f.cg", id="file as a folder"),
        pytest.param(_directory, id="directory"),
        pytest.param(lambda: _written("b.cg", b"\x7fELF\x00\x01\x02"), id="binary"),
        pytest.param(lambda: _written("u.cg", b"a = \xff\xfe"), id="invalid UTF-8"),
        pytest.param(lambda: _written("s.cg", b"y = (a + "), id="syntax"),
        pytest.param(lambda: "nul\x00.cg", id="NUL in the name"),
        pytest.param(lambda: "x" * 5000, id="name too long"),
    ],
)
def test_a_program_that_cannot_be_read_is_an_error_of_status_2(command: str, make: object) -> None:
    result = cg(command, make())  # type: ignore[operator]
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert "bug" not in result.err


def test_an_unreadable_file_is_an_error_of_status_2() -> None:
    # readable by nobody, the superuser included: a process' memory from its start
    result = cg("eval", "/proc/self/mem")
    assert result.status == 2
    assert "bug" not in result.err


def test_an_empty_program_is_an_error_for_eval_and_none_for_check() -> None:
    Path("empty.cg").write_text("")
    assert cg("eval", "empty.cg").status == 2
    assert cg("check", "empty.cg").status == 0


# ---- calls that are wrong


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["evla", "f.cg"], "did you mean `cg eval`?"),
        (["f.cg"], "cg eval f.cg"),
        (["fit", "f.cg"], "there is no command `fit`"),
        (["--formt", "json"], "there is no option `--formt`"),
        (["eval"], "no program is given"),
        (["eval", "f.cg", "-e", "a"], "both the file `f.cg` and `-e`"),
        (["eval", "f.cg", "g.cg"], "`g.cg` is one argument too many"),
        (["eval", "f.cg", "a=2"], "`--a=2`"),
        (["eval", "f.cg", "-x"], "there is no option `-x`"),
        (["eval", "f.cg", "--format", "xml"], "it is one of table, plain, json and csv"),
        (["eval", "f.cg", "--format", "jsno"], "did you mean `json`?"),
        (["eval", "f.cg", "--precision", "0"], "at least 1"),
        (["eval", "f.cg", "--precision", "x"], "whole number"),
        (["eval", "m.py:f"], "`m.py`"),
        (["check", "f.cg", "--a", "2"], "takes no values"),
        (["grad", "f.cg", "--of", "z", *VALUES], "`z`"),
        (["grad", "f.cg", "--wrt", "z", *VALUES], "`z`"),
        (["grad", "f.cg", "--wrt", "a,", *VALUES], "a name is missing"),
        (["grad", "f.cg", "--check", "--wrt", "d", *VALUES], "`d` is no input"),
        (["grad", "f.cg", "--all", "--wrt", "a", *VALUES], "cannot be used together"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(args: list[str], said: str) -> None:
    result = cg(*args)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err


def test_what_is_offered_for_a_misspelt_name_is_near_to_it() -> None:
    assert "did you mean" not in cg("xyzzy").err


@pytest.mark.parametrize("text", ["\x1b[31mred", "\u202egc.f", "a\nb", "\x00", "\udcff"])
def test_what_was_typed_reaches_the_terminal_harmlessly(text: str) -> None:
    for args in (
        [text],
        ["eval", text],
        ["eval", "-e", f"({text}"],
        ["eval", "f.cg", text],
        ["eval", "f.cg", f"--{text}", "2"],
        ["help", text],
    ):
        result = cg(*args)
        assert result.status == 2
        assert not set(result.err) & set("\x1b\u202e\x00")
        assert all(line.startswith(("error: ", " ")) for line in result.err.splitlines()), result.err


# ---- streams


def test_results_go_to_standard_output_and_the_rest_to_standard_error() -> None:
    done = process("eval", "-e", "input v = 0.2 in 0..2; output y = v", "--v", "3")
    assert done.stdout == "y = 3\n"
    assert done.stderr.startswith("warning: ")


def test_a_program_may_come_from_standard_input() -> None:
    assert cg("eval", "-", *VALUES, stdin=ARTICLE) == (0, "y = 10\n", "")


@pytest.mark.parametrize("data", [b"a = \xff", b"\x7fELF\x00", b"y = (a +"])
def test_standard_input_that_is_no_program_is_an_error(data: bytes) -> None:
    command = [sys.executable, "-m", "cgcli", "eval", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")


def test_standard_input_that_is_closed_is_an_error() -> None:
    done = subprocess.run(
        f"exec {sys.executable} -m cgcli eval - <&-", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["eval", "f.cg", *VALUES], ["check", "f.cg"], ["help", "exp"], ["--help"]])
def test_a_full_standard_output_is_one_line_and_status_1(args: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = process(*args, stdout=full)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


def test_a_closed_standard_output_is_one_line_and_status_1() -> None:
    done = subprocess.run(
        f"exec {sys.executable} -m cgcli eval -e 1+1 >&-", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("args", [["eval", "f.cg", *VALUES], ["help", "language"], ["--help"], ["eval", "--help"]])
def test_a_reader_that_goes_away_is_no_error(args: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(*args, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_the_encoding_lacks_is_escaped() -> None:
    done = process("eval", "-e", "σ = 1", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u03c3 = 1\n", "")


# ---- colour


@pytest.mark.parametrize(
    ("args", "environment", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color=always"], {"NO_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "auto"], {}, False),
    ],
)
def test_colour_follows_the_option_then_the_environment(
    args: list[str], environment: dict[str, str], coloured: bool
) -> None:
    cleared = {"NO_COLOR": "", "FORCE_COLOR": "", **environment}
    assert ("\x1b" in cg("eval", "f.cg", *args, **cleared).err) is coloured


def test_colour_has_three_settings() -> None:
    assert "auto, always and never" in cg("eval", "f.cg", "--color", "blue").err


# ---- mistakes of our own, interrupts


def _fails(kind: type[BaseException]) -> object:
    def fail(*args: object) -> None:
        raise kind("something\nunexpected")

    return fail


def test_a_mistake_of_our_own_is_one_line_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgcli.cli.eval, "open_session", _fails(KeyError))
    result = cg("eval", "f.cg", CG_DEBUG="")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: this is a bug in cg: KeyError: 'something")
    assert "Traceback" not in result.err
    assert "Traceback" in cg("eval", "f.cg", CG_DEBUG="1").err


@pytest.mark.parametrize("kind", [KeyboardInterrupt])
def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]) -> None:
    monkeypatch.setattr(cgcli.cli.eval, "open_session", _fails(kind))
    assert cg("eval", "f.cg") == (130, "", "interrupted\n")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_work_with_status_130(number: signal.Signals) -> None:
    working = subprocess.Popen(
        [sys.executable, "-m", "cgcli", "eval", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert working.stdin is not None
    # more than a pipe holds: once it is written, the process reads and its handlers are in place
    working.stdin.write("# waiting\n" * 20_000)
    working.stdin.flush()
    working.send_signal(number)
    _, said = working.communicate(timeout=60)
    assert (working.returncode, said) == (130, "interrupted\n")


def test_running_out_of_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgcli.cli.eval, "open_session", _fails(MemoryError))
    assert cg("eval", "f.cg") == (1, "", "error: there is not enough memory\n")


# ---- start


def test_a_scalar_program_loads_no_heavy_library() -> None:
    code = "import sys; from cgcli.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    heavy = {"numpy", "rich", "graphviz", "pygraphviz", "pydantic", "scipy", "json.tool"}
    for args in (["eval", "f.cg", *VALUES], ["grad", "f.cg", *VALUES], ["--help"], ["eval", "f.cg", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
        assert heavy.isdisjoint(done.stderr.split())


def test_help_loads_no_parser() -> None:
    code = "import sys; from cgcli.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert "lark" not in done.stderr.split()


def test_every_command_is_listed_with_a_summary() -> None:
    page = cg("--help").out
    for name in COMMANDS:
        assert any(line.split()[:1] == [name] and len(line.split()) > 2 for line in page.splitlines()), name


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_cg_alone_shows_a_graph_the_commands_and_what_to_do_first(
    width: int, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").mkdir()
    monkeypatch.chdir(tmp_path / "first")
    assert cg("samples", "article").status == 0
    environment = {"COLUMNS": str(width), "PYTHONIOENCODING": encoding}
    done = process(env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    graph = process("show", "article.cg", "--graph", *VALUES, env=environment).stdout
    lines = done.stdout.splitlines()
    assert "".join(f"  {line}\n" for line in graph.splitlines()) in done.stdout
    assert max(map(len, lines)) <= width
    assert [line for line in lines if re.fullmatch(r"\w+:", line)] == [*(f"{group}:" for group in GROUPS), "First:"]
    summaries = " ".join(done.stdout.split())
    assert all(f"{name} {line}" in summaries for name, line in COMMANDS.items())
    assert lines[-2] == "  cg samples article"
    assert cg(*lines[-1].split()[1:]).status == 0
    assert re.sub(r"\x1b\[[\d;]*m", "", process(env={**environment, "FORCE_COLOR": "1"}).stdout) == done.stdout


def test_cg_alone_colours_each_gradient() -> None:
    coloured = cg(FORCE_COLOR="1").out
    assert len(re.findall(r"\x1b\[38;5;130mgradient -?\d\x1b\[0m\n", coloured)) == 6
    assert "\x1b" not in cg(FORCE_COLOR="1", NO_COLOR="1").out


def test_the_version_is_one_line() -> None:
    result = cg("--version")
    assert result.status == 0
    assert result.out.startswith("cg ")
    assert len(result.out.splitlines()) == 1
