"""Texts on a terminal fit its width: they go on below their beginning, and no word is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.report import text as report
from cgcli.diagnostics.wrapped import LEAST, labelled, wrapped
from cgcli.render.trace import Line
from cgcli.render.trace import text as trace

WIDTHS = (40, 80, 120, 200)
words = st.lists(st.text("ab,.`-", min_size=1, max_size=12), min_size=1, max_size=30).map(" ".join)


@given(words, st.integers(0, 30), st.integers(40, 200))
def test_no_line_is_too_long_and_no_word_is_lost(text: str, indent: int, width: int) -> None:
    lines = wrapped(text, indent, width).split("\n")
    assert [line[:indent].strip() for line in lines[1:]] == [""] * (len(lines) - 1)
    assert max(len(line) for line in [" " * indent + lines[0], *lines[1:]]) <= max(width, indent + LEAST)
    assert " ".join([lines[0], *(line[indent:] for line in lines[1:])]).split() == text.split()


@given(words, words)
def test_without_a_width_all_stays_on_a_line(label: str, text: str) -> None:
    assert labelled(label, text, 20, None) == f"{label:<18}  {text}"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, "name\n    a description that is rather long,\n    so that it goes on"),
        (80, f"{'name':<30}a description that is rather long, so that it goes\n{'':30}on"),
        (120, f"{'name':<30}a description that is rather long, so that it goes on"),
    ],
)
def test_a_text_beside_its_label_or_below_it(width: int, expected: str) -> None:
    assert labelled("name", "a description that is rather long, so that it goes on", 30, width) == expected


@pytest.mark.parametrize("width", WIDTHS)
def test_errors(width: int) -> None:
    names = [f"input_{k}" for k in range(30)]
    problem = error("unknown-input", name="x", nearest=None, names=names, inputless=None)
    lines = report(problem.diagnostics, width=width).splitlines()
    assert max(map(len, lines)) <= width
    whole = report(problem.diagnostics).split()
    assert " ".join(lines).split() == whole


@pytest.mark.parametrize("width", WIDTHS)
def test_traces(width: int) -> None:
    line = Line("call", "f.cg", 7, "y = " + "x + " * 30 + "1", 3, "f", [(f"v{k}", k / 7) for k in range(9)], None, None)
    rows = trace(line, width=width).splitlines()
    assert max(map(len, rows)) <= width
    assert "".join(rows).replace(" ", "").endswith("v8=1.1428571428571428)")
