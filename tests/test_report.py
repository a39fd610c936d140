"""How diagnostics look on a terminal, and how they are handed to editors."""

from __future__ import annotations

import json
import re
import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli.diagnostics.diagnostic import Diagnostic, Label
from cgcli.diagnostics.escape import dot_html, show
from cgcli.diagnostics.report import as_data, text
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.wording import messages as wording
from cgcli.diagnostics.wording.templates import Templates


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code whose title, label texts and help are given by the test."""
    labels = {role: f"{{{role}}}" for role in ("here", "a", "b", "c")}
    monkeypatch.setitem(wording.TEMPLATES, "t", Templates("{title}", labels, ("{help}",)))


def diagnostic(source: Source, *labels: tuple[int, int, str, str | None], title: str = "wrong") -> Diagnostic:
    """Labels are start, end, role and text."""
    texts = {role: said for _, _, role, said in labels}
    spans = tuple(Label(Span(source, start, end), role) for start, end, role, _ in labels)
    return Diagnostic("t", spans, {"title": title, **texts})


def drawn(program: str, *labels: tuple[int, int, str, str | None]) -> list[str]:
    """The drawing below its first two lines, without its gutter's margin."""
    lines = text([diagnostic(Source("f.cg", program), *labels)]).splitlines()
    assert lines[0] == "error: wrong"
    return lines[2:]


def test_all_operands_that_take_part_are_underlined_and_labelled() -> None:
    program = "input x: float[batch, 783]\n" + "\n" * 5 + "    h = x @ W1\n"
    at = program.index("x @")
    source = Source("mlp.cg", program)
    places = ((2, 3, "here"), (0, 1, "a"), (4, 6, "b"))
    labels = tuple(Label(Span(source, at + start, at + end), role) for start, end, role in places)
    values = {
        "title": "shapes do not match in `@`",
        "a": "x is float[batch, 783], declared on line 1",
        "b": "W1 is float[784, 128], declared on line 2",
        "help": "the inner sizes 783 and 784 must be equal",
    }
    assert text([Diagnostic("t", labels, values)]) == (
        "error: shapes do not match in `@`\n"
        "  --> mlp.cg:7:11\n"
        "   |\n"
        " 7 |     h = x @ W1\n"
        "   |         - ^ -- W1 is float[784, 128], declared on line 2\n"
        "   |         |\n"
        "   |         x is float[batch, 783], declared on line 1\n"
        "   = help: the inner sizes 783 and 784 must be equal\n"
    )


def test_one_label_stands_behind_its_underline() -> None:
    assert drawn("y = foo(x)\n", (4, 7, "here", "not defined")) == [
        "   |",
        " 1 | y = foo(x)",
        "   |     ^^^ not defined",
    ]


def test_a_label_without_text_is_a_bare_underline() -> None:
    assert drawn("y = foo(x)", (4, 7, "here", None))[-1] == "   |     ^^^"


def test_many_labels_hang_below_one_another() -> None:
    assert drawn("a + b + c", (0, 1, "here", "one"), (4, 5, "a", "two"), (8, 9, "b", "three")) == [
        "   |",
        " 1 | a + b + c",
        "   | ^   -   - three",
        "   | |   |",
        "   | |   two",
        "   | one",
    ]


def test_a_part_is_drawn_over_its_whole() -> None:
    assert drawn("f(a, b)", (0, 7, "here", "whole"), (2, 3, "a", "part")) == [
        "   |",
        " 1 | f(a, b)",
        "   | ^^-^^^^",
        "   | | |",
        "   | | part",
        "   | whole",
    ]


def test_the_end_of_a_program_has_a_place() -> None:
    assert drawn("x = (1", (6, 6, "here", "expected `)`")) == [
        "   |",
        " 1 | x = (1",
        "   |       ^ expected `)`",
    ]


def test_labels_on_several_lines_are_drawn_in_the_order_of_the_file() -> None:
    program = "a = 1\nb = 2\nc = 3\n" + "\n" * 6 + "a = 4\n"
    at = program.index("a = 4")
    found = text(
        [diagnostic(Source("f.cg", program), (at, at + 1, "here", "again"), (0, 1, "a", "first"), (12, 13, "b", "c"))]
    )
    assert found.splitlines()[1:] == [
        "   --> f.cg:10:1",
        "    |",
        "  1 | a = 1",
        "    | - first",
        "  2 | b = 2",
        "  3 | c = 3",
        "    | - c",
        "  …",
        " 10 | a = 4",
        "    | ^ again",
    ]


def test_a_label_in_another_file_names_that_file() -> None:
    here, there = Source("main.cg", "y = m.f(1)"), Source("m.cg", "\nfn f(x, y) = x")
    labels = (Label(Span(here, 4, 10)), Label(Span(there, 4, 5), "a"))
    assert text([Diagnostic("t", labels, {"title": "wrong", "here": "one too few", "a": "defined here"})]) == (
        "error: wrong\n"
        "  --> main.cg:1:5\n"
        "   |\n"
        " 1 | y = m.f(1)\n"
        "   |     ^^^^^^ one too few\n"
        "  ::: m.cg:2:4\n"
        "   |\n"
        " 2 | fn f(x, y) = x\n"
        "   |    - defined here\n"
    )


def test_of_a_span_over_several_lines_the_first_is_underlined() -> None:
    assert drawn("y = f(\n  1)", (4, 10, "here", "too few")) == ["   |", " 1 | y = f(", "   |     ^^ too few"]


def test_without_a_place_only_the_sentences_are_shown() -> None:
    assert text([Diagnostic("t", (), {"title": "wrong", "help": "mend it"})]) == "error: wrong\n  = help: mend it\n"
    assert text([Diagnostic("t", (), {"title": "wrong"})]) == "error: wrong\n"


def test_an_empty_line_stands_between_two_diagnostics() -> None:
    two = [Diagnostic("t", (), {"title": "one"}), Diagnostic("t", (), {"title": "two"}, severity="warning")]
    assert text(two) == "error: one\n\nwarning: two\n"
    assert text([]) == ""


# ---- columns


@pytest.mark.parametrize(
    ("line", "shown", "under"),
    [
        ("\tx = y", "    x = y", "        ^"),
        ("a\tb = y", "a    b = y", "         ^"),
        ("数 = y", "数 = y", "     ^"),
        ("e\u0301 = y", "e\u0301 = y", "    ^"),
        ("\x1b = y", "\\x1b = y", "       ^"),
        ("y\r", "y", "^"),
        ("\ufeff = y", "\\ufeff = y", "         ^"),
    ],
)
def test_underlines_stand_under_tabs_wide_and_hidden_characters(line: str, shown: str, under: str) -> None:
    at = line.index("y")
    assert drawn(line + "\n", (at, at + 1, "here", None))[1:] == [f" 1 | {shown}", f"   | {under}"]


@pytest.mark.parametrize("place", [0, 1, 60, 119, 120, 121, 5000, 9998, 9999])
def test_a_long_line_is_cut_around_its_place(place: int) -> None:
    line = "x" * place + "y" + "x" * (9999 - place)
    _, shown, under = drawn(line, (place, place + 1, "here", None))
    assert shown[under.index("^")] == "y"
    assert shown.startswith(" 1 | …") == (place > 30)
    assert shown.endswith("…") == (place < 9999 - 90)
    assert len(shown) <= len(" 1 | ") + 122


def test_a_mark_beyond_the_cut_stands_under_the_dots() -> None:
    shown, under, *_ = drawn("y" + "x" * 500 + "z" + "x" * 500, (0, 1, "here", None), (501, 502, "a", "far away"))[1:]
    assert under.endswith("- far away")
    assert shown[under.index("-")] == "…"


def test_a_line_of_the_full_width_is_not_cut() -> None:
    assert drawn("x" * 120, (119, 120, "here", None))[1] == " 1 | " + "x" * 120


@given(st.text(), st.data())
def test_any_program_and_any_spans_can_be_drawn(program: str, data: st.DataObject) -> None:
    source = Source("f.cg", program)
    places = st.integers(0, len(program))
    spans = data.draw(st.lists(st.tuples(places, places), min_size=1, max_size=4))
    found = diagnostic(source, *((min(s), max(s), "here", program) for s in spans))
    drawing = text([found])
    assert show(drawing.replace("\n", "")) == drawing.replace("\n", "")
    json.dumps(as_data(found))


# ---- colour


def test_colour_changes_no_text() -> None:
    found = diagnostic(Source("f.cg", "a + b"), (2, 3, "here", "one"), (0, 1, "a", "two"), title="title")
    coloured = text([found], colour=True)
    assert coloured != text([found])
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text([found])
    assert coloured.startswith("\x1b[1;31merror:\x1b[0m")


def test_warnings_have_a_colour_of_their_own() -> None:
    warning = Diagnostic("t", (), {"title": "hm"}, severity="warning")
    assert text([warning], colour=True).startswith("\x1b[1;33mwarning:\x1b[0m")


# ---- escaping


def test_nothing_that_a_terminal_acts_on_is_printed() -> None:
    source = Source("\x1b]0;title\x07.cg", "y = \u202eabc\x9b31m")
    labels = (Label(Span(source, 4, 5)),)
    shown = text([Diagnostic("t", labels, {"title": "a\x1b[2Jb\nc", "here": "\u2066x", "help": "\rgone"})])
    assert shown == (
        "error: a\\x1b[2Jb\\nc\n"
        "  --> \\x1b]0;title\\x07.cg:1:5\n"
        "   |\n"
        " 1 | y = \\u202eabc\\x9b31m\n"
        "   |     ^^^^^^ \\u2066x\n"
        "   = help: \\rgone\n"
    )


def test_every_control_and_format_character_is_shown_as_an_escape() -> None:
    hidden = [chr(k) for k in range(sys.maxunicode + 1) if category(chr(k)) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert all(show(c).isascii() and show(c).startswith("\\") for c in hidden)


@pytest.mark.parametrize("plain", ["x", "naïve", "e\u0301", "数学", "a b", "λ∂", "[link=x]", "\\x1b", "😀"])
def test_ordinary_text_is_shown_as_it_is(plain: str) -> None:
    assert show(plain) == plain


def test_escapes_are_as_long_as_they_need_to_be() -> None:
    assert show("\x1b\u202e\U000e0001\t\n") == "\\x1b\\u202e\\U000e0001\\t\\n"


def test_text_in_a_label_of_graphviz_is_no_markup() -> None:
    assert dot_html('<b>&"\x00\n') == "&lt;b&gt;&amp;&quot;\\x00\\n"


# ---- data


def test_as_data_has_all_that_an_editor_needs() -> None:
    source = Source("f.cg", "a = 1\nb = f(\n  2)\n")
    labels = (Label(Span(source, 10, 17)), Label(Span(source, 0, 1), "a"))
    found = Diagnostic("t", labels, {"title": "wrong", "help": "mend it", "a": "first"}, severity="warning")
    place = {"file": "f.cg", "line": 2, "column": 5, "end_line": 3, "end_column": 5}
    first = {"file": "f.cg", "line": 1, "column": 1, "end_line": 1, "end_column": 2}
    assert as_data(found) == {
        "code": "t",
        "severity": "warning",
        "message": "wrong",
        "help": ["mend it"],
        **place,
        "labels": [{**place, "text": ""}, {**first, "text": "first"}],
    }


def test_as_data_without_a_place_has_none() -> None:
    found = as_data(Diagnostic("t", (), {"title": "wrong"}))
    assert (found["file"], found["line"], found["end_column"], found["labels"]) == (None, None, None, [])
