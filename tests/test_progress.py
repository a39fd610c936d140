"""The line of progress of a training, and on a terminal how it changes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from cli_harness import cg

from cgcli.cli import progress as status
from cgcli.render.progress import MOST_POINTS, History, Progress, bar, duration, progress_line, sparkline

FALLING = [3 * 0.99**k for k in range(96)]
SEEN = Progress(0.43, "epoch 5 of 12", "step 240", 0.31234, FALLING, 0.001, 12345.6, 137.0)


def test_the_line_at_four_widths() -> None:
    assert progress_line(SEEN, 40) == "███░░░░░   43 %  loss 0.3123  2:17 left"
    assert progress_line(SEEN, 80) == "epoch 5 of 12  ███░░░░░   43 %  loss 0.3123  █▇▅▄▃▂▂▁  12300 rows/s  2:17 left"
    assert progress_line(SEEN, 120) == (
        "epoch 5 of 12  ███████░░░░░░░░░░   43 %  loss 0.3123  █▇▇▆▆▅▅▄▄▃▃▃▂▂▂▁▁  step 240  rate 0.001  12300 rows/s"
        "  2:17 left"
    )
    assert progress_line(SEEN, 200) == (
        "epoch 5 of 12  ██████████░░░░░░░░░░░░░░   43 %  loss 0.3123  ██▇▇▆▆▆▅▅▄▄▄▄▃▃▃▂▂▂▂▂▁▁▁"
        "  step 240  rate 0.001  12300 rows/s  2:17 left"
    )


def test_without_block_characters() -> None:
    line = progress_line(SEEN, 80, ascii_only=True)
    assert line == "epoch 5 of 12  ###-----   43 %  loss 0.3123  %#+=-.._  12300 rows/s  2:17 left"


@pytest.mark.parametrize("width", range(1, 220, 3))
def test_the_line_is_shorter_than_the_terminal(width: int) -> None:
    long = SEEN._replace(
        epoch="epoch 123456 of 1000000", step="step 123456789 of 1000000000", loss=-1.2345e-300, left=1e6
    )
    for progress in (SEEN, long, SEEN._replace(done=None, left=None), SEEN._replace(losses=[1.0], left=None)):
        for ascii_only in (False, True):
            line = progress_line(progress, width, ascii_only=ascii_only)
            assert len(line) < width
            assert width < 40 or f"loss {float(f'{progress.loss:.3e}')}" in line


def test_a_bar_is_full_when_all_is_done_and_not_before() -> None:
    assert bar(0, 4) == "░░░░"
    assert bar(0.5, 4) == "██░░"
    assert bar(0.999999, 4) == "███░"
    assert bar(1, 4) == "████"


def test_a_sparkline_goes_from_the_least_to_the_largest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert sparkline([1e-3, 1, 1e3], 3) == "▁▅█"  # each a thousand times the one before
    assert sparkline([2.0, 2.0], 8) == "▁▁"
    assert sparkline([], 8) == ""


def test_a_history_holds_the_means_of_equal_stretches() -> None:
    history = History()
    for k in range(1000):
        history.add(float(k))
    size = 1024 // 64  # the stride doubles when there are 96, 192, …
    assert len(history.means) < MOST_POINTS
    assert history.means[:3] == [(size - 1) / 2 + size * k for k in range(3)]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "1:01"), (7500, "2:05:00")])
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# ---- at work


class Terminal(io.StringIO):
    """A stream that is a terminal, of an encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # of a stream that has none
        return self._encoding

    def isatty(self) -> bool:
        return True


def seen(monkeypatch: pytest.MonkeyPatch, *options: str, encoding: str = "utf-8") -> list[str]:
    """What a terminal is shown, from one return of the carriage to the next."""
    from cgcli.cli import main

    terminal = Terminal(encoding)
    monkeypatch.setattr(status, "TERMINAL_SECONDS", 0.0)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    program = "param x: float = 1\nloss = (x - 3)^2\n"
    assert main(["train", "-e", program, "--loss", "loss", *options]) == 0
    return terminal.getvalue().split("\r")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal_the_line_changes_and_is_gone_at_the_end(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    first, *lines, last = seen(monkeypatch, "--steps", "4")
    assert (first, last) == ("", "\x1b[K")
    assert [line[-3:] for line in lines] == ["\x1b[K"] * 4
    assert "████████  100 %  loss 3.988" in lines[-1]
    assert max(map(len, lines)) < columns + len("\x1b[K")
    assert ("█▆▃▁" in lines[-1]) == (columns > 40)
    assert ("step 4 of 4" in lines[-1]) == (columns == 200)


def test_a_terminal_without_block_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = seen(monkeypatch, "--steps", "4", encoding="ascii")
    assert "".join(lines).isascii()
    assert "####  100 %" in lines[-2]


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, "--steps", "4", "-q") == [""]


def test_in_a_pipe_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "LOG_SECONDS", 0.0)
    result = cg("train", "-e", "param x: float = 1\nloss = (x - 3)^2", "--loss", "loss", "--steps", "2")
    assert [line.partition(", rate")[0] for line in result.err.splitlines()] == [
        "epoch 1, step 1, loss 4",
        "epoch 2, step 2, loss 3.996",
    ]


def test_the_time_left_of_a_resumed_run_is_that_of_its_own_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not as if it had done the steps before, too."""
    from cgcli.cli.callbacks import ProgressLine
    from cgcli.train.trainer import Limits, StepEvent

    monkeypatch.setattr(status, "LOG_SECONDS", 0.0)
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    line = ProgressLine(Limits(steps=100))
    line._line.started -= 10  # seconds
    for step in (81, 82):
        line.stepped(StepEvent(step, 1, 0.5, 1.0, 0.1, 1, step / 100))
    first, second = log.getvalue().splitlines()
    assert "left" not in first
    left = float(second.rpartition(", ")[2].removesuffix(" s left"))
    assert left == pytest.approx(180, abs=2)  # 18 steps, of which one took ten seconds
