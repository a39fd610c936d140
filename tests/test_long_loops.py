"""A loop that runs long without holding memory is not stopped, but told of once on a terminal."""

from __future__ import annotations

import pytest
from cli_harness import cg

import cgcli.cli.session
from cgcli import parse
from cgcli.diagnostics.source import Span
from cgcli.ops import limits
from cgcli.ops.limits import Meter

NUMBERS = "k = 0\ns = 0\nwhile k < 20000 {\n  s = s + x\n  k = k + 1\n}\ny = s"
TENSORS = "input x: float[2]\ns = x\nfor k in 0..300 {\n  s = s + x\n}\ny = sum(s)"
FUNCTION = "fn f(x) {\n  s = 0\n  for k in 0..9000 { s = s + x }\n  return s\n}\ny = f(x)"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, int]]:
    """The lines and steps that are told of, with all loops taken for long ones."""
    lines: list[tuple[int | None, int]] = []

    def tell(place: Span | None, steps: int) -> None:
        lines.append((None if place is None else place.line, steps))

    monkeypatch.setattr(limits, "SLOW_AFTER", -1.0)
    monkeypatch.setattr(Meter, "on_slow", tell)
    return lines


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize(("program", "lines"), [(NUMBERS, {3, 4, 5}), (TENSORS, {3, 4}), (FUNCTION, {3, 6})])
def test_a_long_loop_is_told_of_once(
    program: str, lines: set[int], mode: str, told: list[tuple[int | None, int]]
) -> None:
    x = [1.0, 2.0] if "input" in program else 1.0
    parse(program, mode=mode).eval({"x": x})
    assert len(told) == 1
    line, steps = told[0]
    assert line in lines
    assert 0 < steps <= limits.CLOCK_STEPS + 1


def test_a_limit_still_holds(told: list[tuple[int | None, int]]) -> None:
    result = cg("eval", "-e", NUMBERS, "--x", "1", "--max-steps", "10000")
    assert result.status == 1
    assert "10000" in result.err


def test_nobody_is_told_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOW_AFTER", -1.0)
    result = cg("eval", "-e", NUMBERS, "--x", "1")
    assert (result.status, result.err) == (0, "")


def test_a_terminal_shows_the_line_and_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOW_AFTER", -1.0)
    monkeypatch.setattr(cgcli.cli.session, "is_terminal", lambda stream: True)
    monkeypatch.setattr(Meter, "on_slow", None)
    result = cg("eval", "-e", NUMBERS, "--x", "1")
    assert result.status == 0
    assert "note: line 3 of -e still runs, 4097 steps so far; Ctrl-C ends it" in result.err
