"""`cg step`: sessions as they are typed, with what they print; and one in a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cli_harness import cg

import cgcli
from cgcli.cli.stepper import Stepper
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.stepping import RunCursor

PROGRAM = """input x = 3
fn halve(a) {
    half = a / 2
    return half
}
total = 0
for t in 0..3 {
    total = total + halve(x)
    x2 = x * x
}
y = total * x
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.cg").write_text(PROGRAM, encoding="utf-8")


def session(*commands: str, program: str = "p.cg") -> list[list[str]]:
    """What each command prints, blanks made one. The status is 1 where a command failed."""
    Path("commands.txt").write_text("\n".join(commands), encoding="utf-8")
    found = cg("step", program, "--commands", "commands.txt")
    assert (found.status, found.err == "") in ((0, True), (1, False))
    parts = re.split(r"^\(cg\) .*\n", found.out, flags=re.MULTILINE)
    return [[" ".join(line.split()) for line in part.splitlines()] for part in parts[1:]]


def one(*commands: str) -> list[str]:
    """What the last command prints."""
    return session(*commands)[-1]


def test_steps_show_what_ran_and_what_comes() -> None:
    assert session("step", "s 2", "step") == [
        ["6 total = 0 total = 0", "> 7 for t in 0..3"],
        ["7 for t in 0..3 step 1: t = 0", "2 halve call halve(a = 3)", "> 3 half = a / 2"],
        ["3 half = a / 2 half = 1.5", "> 8 halve(x)"],
    ]


def test_over_and_out_of_calls() -> None:
    assert one("s 2", "next") == ["8 halve(x) halve gives 1.5", "> 8 total = total + halve(x)"]
    assert one("s 3", "out") == ["8 halve(x) halve gives 1.5", "> 8 total = total + halve(x)"]


def test_back_and_forth() -> None:
    there = session("s 3", "back 2", "s 2", "back 100", "step")
    assert there[1] == ["> 7 for t in 0..3"]
    assert there[2][-1] == there[0][-1]
    assert there[3] == ["> 6 total = 0"]
    assert there[4][0] == "6 total = 0 total = 0"


def test_breaks() -> None:
    found = session("break 9", "c", "print t", "c", "print t", "break", "clear 1", "c", "rewind")
    assert found[0] == ["break 1: line 9"]
    assert found[1] == ["break 1: line 9", "> 9 x2 = x * x"]
    assert (found[2], found[4]) == (["0"], ["1"])
    assert found[5] == ["1 line 9"]
    assert found[7][-1].startswith("the run has come to its end")
    assert found[8] == ["> 6 total = 0"]


def test_breaks_on_conditions() -> None:
    assert one("break if total > 2", "c", "print total, t".split(",")[0])[0] == "3"
    assert one("break 9 if t == 2", "c", "print t") == ["2"]
    assert one("to 9", "print t") == ["0"]


def test_breaks_on_what_is_no_number() -> None:
    Path("nan.cg").write_text("input x = 0\na = x + 1\nb = x / x\ny = a * b\n", encoding="utf-8")
    found = session("break nan", "c", "vars", program="nan.cg")
    assert found[1] == ["break 1: a value or a derivative that is NaN", "> 4 y = a * b"]
    assert found[2] == ["x = 0", "a = 1", "b = nan"]


def test_breaks_on_infinities() -> None:
    Path("inf.cg").write_text("input x = 1e200\na = x + 1\nb = a * a\ny = 1 / b\n", encoding="utf-8")
    found = session("break inf", "break nan", "c", "c", program="inf.cg")
    assert found[2] == ["break 1: a value or a derivative that is infinite", "> 4 y = 1 / b"]
    assert found[3][-1].startswith("the run has come to its end")


def test_breaks_on_calls() -> None:
    found = session("break halve", "c", "print t", "c", "print t", "break")
    assert found[1] == ["break 1: call of halve", "> 2 halve"]
    assert (found[2], found[4], found[5]) == (["0"], ["1"], ["1 call of halve"])


BAD_GRADIENT = """input x = 0
a = sqrt(x)
b = a * a
y = b + 2 * x
"""


def test_the_backward_pass_stops_at_the_first_derivative_that_is_no_number() -> None:
    Path("bad.cg").write_text(BAD_GRADIENT, encoding="utf-8")
    found = session("break nan", "c", "backward y", "c", "c", program="bad.cg")
    assert found[1][-1].startswith("the run has come to its end")  # no value is
    assert found[3] == ["break 1: a value or a derivative that is NaN, line 1", "x derivative nan"]
    assert found[4] == ["the backward pass has come to its end", "by x: nan"]


def test_the_backward_pass_stops_at_the_first_infinite_derivative() -> None:
    Path("bad.cg").write_text("input x = 0\na = sqrt(x)\ny = 3 * a\n", encoding="utf-8")
    found = session("c", "backward y", "break inf", "c", "back", program="bad.cg")
    assert found[3] == ["break 1: a value or a derivative that is infinite, line 1", "x derivative inf"]
    assert found[4][0] == "a = sqrt(x) derivative 3"


STEEP = "input x = 2\na = 3 * x\nb = 50 * a\nc = b / 100\ny = c + a\n"


def test_the_backward_pass_stops_at_a_steep_derivative() -> None:
    Path("steep.cg").write_text(STEEP, encoding="utf-8")
    found = session("c", "backward y", "break grad y > 1.2", "c", "c", "c", program="steep.cg")
    assert found[3][:2] == ["break 1: |dy/d…| > 1.2, line 2", "a = 3 * x derivative 1.5"]
    assert found[4] == ["break 1: |dy/d…| > 1.2, line 1", "x derivative 4.5"]
    assert found[5][0] == "the backward pass has come to its end"


def test_the_backward_pass_stops_where_the_derivative_by_a_value_is_steep() -> None:
    Path("steep.cg").write_text(STEEP, encoding="utf-8")
    found = session("c", "break grad a > 1.2", "break grad b > 1.2", "backward y", "c", "c", program="steep.cg")
    assert found[4][:2] == ["break 1: |da/d…| > 1.2, line 2", "a = 3 * x derivative 1.5"]
    assert found[5][0] == "the backward pass has come to its end"


def test_breaks_of_the_backward_pass_on_tensors() -> None:
    text = "input W: float[2] = [1, 0]\nh = sqrt(W)\ny = sum(h) - 2 * h[0]\n"
    Path("t.cg").write_text(text, encoding="utf-8")
    found = session("c", "break grad W > 0.4", "break inf", "backward y", "c", program="t.cg")
    assert found[4] == ["break 1: |dW/d…| > 0.4, line 1", "W derivative [-0.5, inf]"]


def test_lines_and_conditions_do_not_stop_the_backward_pass() -> None:
    found = session("c", "backward y", "break 9", "break if x > 1", "break halve", "break nan", "clear 1")
    assert [each[0].partition(":")[0] for each in found[2:]] == ["error", "error", "error", "break 1", "cleared 1"]
    assert found[2][0] == "error: the backward pass does not stop at `9`"


def test_breaks_on_steep_derivatives() -> None:
    Path("steep.cg").write_text("input x = 2\na = 3 * x\nb = 50 * a\nc = b / 100\ny = c + a\n", encoding="utf-8")
    found = session("break grad y > 1.2", "c", "c", program="steep.cg")
    assert found[1] == ["break 1: |dy/d…| > 1.2", "> 3 b = 50 * a"]  # dy/da = 1.5
    assert found[2][-1].startswith("the run has come to its end")  # dy/db = 0.01, dy/dc = 1


def test_variables_and_expressions() -> None:
    assert one("s 4", "vars") == ["a = 3", "half = 1.5"]
    assert one("s 4", "where") == ["in halve", "in p.cg"]
    assert one("s 4", "print 2 * half + halve(10)") == ["8"]
    assert one("s 3", "print half")[0] == "error: `half` has no value at this place of the run"
    assert session("watch total", "s", "to 9") == [
        ["total = not here"],
        ["6 total = 0 total = 0", "> 7 for t in 0..3", "total = 0"],
        ["> 9 x2 = x * x", "total = 1.5"],
    ]


def test_an_expression_leaves_no_trace() -> None:
    found = session("print 7 * x", "c", "backward y", "c")
    assert found[3] == ["the backward pass has come to its end", "by x: 9"]


def test_derivatives_as_far_as_the_run_has_come() -> None:
    assert one("to 9", "grad total x") == ["dtotal/dx = 0.5"]
    assert one("c", "grad y x") == ["dy/dx = 9"]
    assert one("c", "grad y total") == ["dy/dtotal = 3"]
    assert one("c", "grad y")[0] == "error: `grad` needs two values, as in `grad y x`"


def test_the_backward_pass() -> None:
    found = session("c", "backward y", "step", "step", "back", "c", "next", "leave")
    assert found[2] == ["y = total * x derivative 1", "by total: 3 · 1 = 3, sum 3", "by x: 4.5 · 1 = 4.5, sum 4.5"]
    assert found[3][0] == "total = total@8.2 + halve.half derivative 3"
    assert found[4] == found[2]
    assert found[5] == ["the backward pass has come to its end", "by x: 9"]
    assert found[6][0] == "error: no command `next`"
    assert found[7][-1].startswith("the run has come to its end")


def test_the_backward_pass_through_tensors() -> None:
    Path("t.cg").write_text("input x: float[2] = [1, 2]\ns = x * x\ny = sum(s)\n", encoding="utf-8")
    found = session("c", "backward y", "s 2", "c", program="t.cg")
    assert found[2][:3] == ["y = sum(s) derivative 1", "by s: [1, 1], sum [1, 1]", "s = x * x derivative [1, 1]"]
    assert found[3][-1] == "by x: [2, 4]"


def test_the_graph_so_far(tmp_path: Path) -> None:
    assert one("s 5", "draw so_far.svg") == ["wrote so_far.svg"]
    assert "half" in (tmp_path / "so_far.svg").read_text(encoding="utf-8")
    assert one("draw so_far.xyz")[0].startswith("error: ")
    assert one("draw so_far.html")[0] == "error: `draw` writes no `.html`"
    assert one("s 5", "draw so_far.mmd") == ["wrote so_far.mmd"]
    assert "y" not in re.findall(r"\bhalf|\by\b", (tmp_path / "so_far.mmd").read_text(encoding="utf-8"))


def places(path: str) -> dict[str, tuple[float, ...]]:
    """The corner and the size of each named card of a drawing."""
    text = Path(path).read_text(encoding="utf-8")
    cards = re.findall(r'<g class="node"[^>]*>\n<title>([^<]*)</title>\n<rect ([^>]*)>.*?</g>', text, re.DOTALL)
    return {
        re.split(r"[ :]", title)[0]: tuple(map(float, re.findall(r'(?:x|y|width|height)="([\d.]+)"', box)[:4]))
        for title, box in cards
    }


def test_the_pictures_of_a_session_have_one_layout() -> None:
    draws = [f"draw {k}.svg" for k in range(6)]
    moves = ["s 6", "c", "backward y", "s 2", "c"]
    commands = [command for pair in zip(draws, [*moves, "leave"], strict=True) for command in pair]
    session(*commands)
    all_places = [places(f"{k}.svg") for k in range(6)]
    assert {"x", "y", "x2", "total"} <= set(all_places[0])
    assert all(each == all_places[0] for each in all_places)
    values = [len(re.findall(">value<", Path(f"{k}.svg").read_text(encoding="utf-8"))) for k in range(6)]
    assert values[0] == 1  # that of the input
    assert values[0] < values[1] < values[2] == values[5]
    derivatives = [len(re.findall("∂y/∂[^ ]*<", Path(f"{k}.svg").read_text(encoding="utf-8"))) for k in range(6)]
    assert derivatives[:4] == [0, 0, 0, 0]
    assert 0 < derivatives[4] < derivatives[5]


def test_a_picture_says_where_the_run_is() -> None:
    session("draw a.svg", "step", "draw b.svg", "c", "backward y", "step", "draw c.svg")
    captions = ["before the first line", "behind line 6: total = 0", "backward from y, step 1: by y"]
    for name, caption in zip("abc", captions, strict=True):
        assert f">{caption}</text>" in Path(f"{name}.svg").read_text(encoding="utf-8")


def test_a_picture_within_the_backward_pass_has_whole_numbers_alone() -> None:
    """No sum that is still to grow, and no derivative of an operation of which a part had its turn."""
    text = "input x = 2\na = 3 * x\nb = a * a - 4 * a\nc = a * b\ny = c * a + b\noutput y, b\n"
    Path("sums.cg").write_text(text, encoding="utf-8")
    commands = ["c", "backward y"]
    for k in range(12):
        commands += [f"draw {k}.svg", "step"]
    session(*commands, program="sums.cg")
    final = set(numbers("11.svg"))
    assert final
    for k in range(12):
        assert set(numbers(f"{k}.svg")) <= final


def numbers(path: str) -> list[str]:
    """The texts in the colour of derivatives."""
    return re.findall(r'<text [^>]*class="f-accent"[^>]*>([^<]*)<', Path(path).read_text(encoding="utf-8"))


def test_the_derivatives_of_a_value_that_is_no_output_are_drawn_at_the_same_places() -> None:
    commands = ["c", "draw 0.svg", "backward total", "s 100", "draw 1.svg"]
    session(*commands)
    before, after = places("0.svg"), places("1.svg")
    assert set(before) == set(after)
    for name, (x, y, width, height) in before.items():
        x1, y1, width1, height1 = after[name]
        assert (x + width / 2, y + height / 2) == pytest.approx((x1 + width1 / 2, y1 + height1 / 2))
    assert "∂total/∂x" in Path("1.svg").read_text(encoding="utf-8")


def test_before_the_first_line_all_is_still_to_come() -> None:
    Path("none.cg").write_text("a = [1, 2]\ny = sum(a * a)\n", encoding="utf-8")
    found = session("draw 0.svg", "draw 0.dot", program="none.cg")
    assert found[0] == ["wrote 0.svg"]
    assert found[1][0].startswith("error: ")
    assert "value" not in re.sub("<title>.*</title>", "", Path("0.svg").read_text(encoding="utf-8"))


def test_a_run_that_failed_is_drawn() -> None:
    Path("bad.cg").write_text("input x = 3\na = x - 3\nassert a > 0\ny = a\n", encoding="utf-8")
    assert session("c", "draw 0.svg", "backward a", "s 9", "draw 1.svg", program="bad.cg")[-1] == ["wrote 1.svg"]
    assert "∂a/∂x" in Path("1.svg").read_text(encoding="utf-8")


def test_listing() -> None:
    assert one("to 9", "list")[3] == "> 9 x2 = x * x"


def test_a_run_that_fails_can_be_walked_through() -> None:
    Path("bad.cg").write_text("input x = 3\na = x - 3\nassert a > 0\ny = a\n", encoding="utf-8")
    found = session("c", "print a", "back", program="bad.cg")
    assert found[0][0] == "error: assertion failed"
    assert found[1] == ["0"]
    assert found[2] == ["> 2 a = x - 3"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("stpe", "no command `stpe`"),
        ("step x", "a whole number"),
        ("step 0", "a whole number"),
        ("break x", "`x` is no place to stop at"),
        ("break if", "`if` is no place to stop at"),
        ("break 0", "`0` is no place to stop at"),
        ("break grad y > [1, 2]", "no place to stop at"),
        ("break grad y > x +", "error: "),
        ("clear 7", "there is no break 7"),
        ("vars x", "stands alone"),
        ("print", "needs an expression"),
        ("print 1 +", "error: "),
        ("print nothing(1)", "there is no function `nothing`"),
        ("backward x2", "has no value"),
        ("leave", "no command `leave`"),
    ],
)
def test_wrong_commands(command: str, told: str) -> None:
    assert told in one(command)[0]


def test_commands_by_standard_input_and_its_end() -> None:
    found = cg("step", "p.cg", stdin="step\nquit\nstep\n")
    assert found.status == 0
    assert found.out.count("total = 0") == 3  # what comes, what ran, and what it gave
    assert cg("step", "p.cg", stdin="").status == 0
    assert cg("step", "p.cg", "--commands", "missing.txt").status == 2


@pytest.mark.parametrize("wrong", ["stpe", "print 1 +", "print nowhere", "break x", "draw p.xyz", "grad y"])
@pytest.mark.parametrize("after", ["print x", "quit"])
def test_a_command_that_fails_makes_the_status_1_and_the_next_is_taken(wrong: str, after: str) -> None:
    Path("commands.txt").write_text(f"c\n{wrong}\n{after}\n", encoding="utf-8")
    typed = Path("commands.txt").read_text(encoding="utf-8")
    for found in (cg("step", "p.cg", "--commands", "commands.txt"), cg("step", "p.cg", stdin=typed)):
        assert found.status == 1
        assert found.err.startswith(f"error: not every command of the session worked: {wrong}\n")
        assert "\nerror: " in found.out
        assert after == "quit" or found.out.endswith("\n3\n")


def test_several_that_fail_are_named() -> None:
    found = cg("step", "p.cg", stdin="no\nprint x\nstep x\n")
    assert found.status == 1
    assert found.err.startswith("error: not every command of the session worked: no and step x\n")


def test_empty_lines_and_comments_are_no_failures() -> None:
    assert cg("step", "p.cg", stdin="\n# look\nprint x\n").status == 0


def test_a_closed_pipe_ends_it_quietly() -> None:
    command = f"{sys.executable} -m cgcli step p.cg --commands commands.txt | head -1"
    Path("commands.txt").write_text("step\n" * 2000, encoding="utf-8")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


def test_an_empty_line_of_a_file_or_a_pipe_repeats_nothing() -> None:
    assert session("step", "", "print total")[1:] == [[], ["0"]]
    assert cg("step", "p.cg", stdin="step\n\n\n").out == cg("step", "p.cg", stdin="step\n").out


@pytest.fixture
def stepper() -> Stepper:
    program = cgcli.load("p.cg", mode="dynamic")
    assert isinstance(program, DynamicProgram)
    return Stepper(RunCursor(program, {}))


@pytest.mark.parametrize(
    ("commands", "repeated"),
    [
        (["step"], "step"),
        (["s 2", "print x"], "print x"),
        (["step", "break nan"], ""),
        (["step", "clear 9"], ""),
        (["step", "nonsense"], ""),
        (["c", "backward y"], ""),
        (["c", "backward y", "s"], "s"),
        (["c", "backward y", "s", "leave"], ""),
    ],
)
def test_what_an_empty_line_repeats_at_a_terminal(stepper: Stepper, commands: list[str], repeated: str) -> None:
    for command in commands:
        with suppress(CgError):
            list(stepper.run(command))
    assert stepper.repeated == repeated


@pytest.mark.parametrize(
    ("before", "word", "offers"),
    [
        ("", "b", ["back", "backward", "break"]),
        ("", "x", []),
        ("print ", "", ["a", "half", "t", "total", "x", "x2", "halve"]),
        ("print 2 * ", "ha", ["half", "halve"]),
        ("p ", "ha", ["half", "halve"]),
        ("break ", "", ["nan", "inf", "grad", "if", "halve", "2", "3", "6", "7", "8", "9", "11"]),
        ("break if ", "to", ["total"]),
        ("break grad ", "x", ["x", "x2"]),
        ("to ", "1", ["11"]),
        ("clear ", "", ["1"]),
        ("backward ", "h", ["half"]),
        ("step ", "", []),
        ("nonsense ", "", []),
    ],
)
def test_what_tab_offers(stepper: Stepper, before: str, word: str, offers: list[str]) -> None:
    for command in ("break 9", "continue", "to 3", "step"):
        list(stepper.run(command))
    assert stepper.completions(before, word) == offers


def test_tab_offers_the_commands_of_the_backward_pass_in_it(stepper: Stepper) -> None:
    for command in ("continue", "backward y"):
        list(stepper.run(command))
    assert stepper.completions("", "l") == ["leave", "list"]
    assert stepper.completions("", "n") == []


def test_tab_and_enter_in_a_terminal() -> None:
    pytest.importorskip("readline")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "cgcli", "step", "p.cg"])
    try:
        read_until(terminal, "(cg) ")
        os.write(terminal, b"ste\t\r")
        assert "> 7" in " ".join(read_until(terminal, "(cg) ").split())
        os.write(terminal, b"\r")
        assert "> 2" in " ".join(read_until(terminal, "(cg) ").split())
        os.write(terminal, b"quit\r")
        read_until(terminal, None)
        _, status = os.waitpid(child, 0)
        child = 0
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(terminal)
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.mark.parametrize("ending", ["quit\r", "\x04", "\x03"], ids=["quit", "end of input", "Ctrl-C"])
def test_in_a_terminal(ending: str) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "cgcli", "step", "p.cg"])
    try:
        assert "(cg) " in read_until(terminal, "(cg) ")
        os.write(terminal, b"step\r")
        assert "> 7" in " ".join(read_until(terminal, "(cg) ").split())
        rest = read_until(terminal, None, ending)
        assert "Traceback" not in rest
        _, status = os.waitpid(child, 0)
        child = 0
        assert os.waitstatus_to_exitcode(status) == (130 if ending == "\x03" else 0)
    finally:
        os.close(terminal)
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def read_until(terminal: int, text: str | None, typed: str = "") -> str:
    """What the terminal shows, to a text or to its end.

    typed: what is typed until it ends, again and again: a key that comes before the prompt listens is lost.
    """
    found, quiet = "", True
    end = time.monotonic() + 60
    while (text is None or text not in found) and time.monotonic() < end:
        try:
            if typed and quiet:
                os.write(terminal, typed.encode())
            quiet = not select.select([terminal], [], [], 2)[0]
            if quiet:
                continue
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        found += part.decode(errors="replace")
    return found
