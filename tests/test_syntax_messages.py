"""What is said about texts that are no programs: the code, the characters underlined, and the fix that is offered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.report import text as report
from cgcli.diagnostics.source import Source, first_hidden
from cgcli.diagnostics.wording.messages import TEMPLATES, message_of
from cgcli.language.grammar import parser
from cgcli.language.parser import parse, parse_value

# (text, code, what is underlined: the place first, the fix if there is one)
MISTAKES: list[tuple[str, str, list[str], str]] = [
    ("y = (a + b", "unclosed-bracket", ["("], ""),
    ("y = a + b)", "closes-nothing", [")"], ""),
    ("y = ()", "empty-brackets", ["()"], ""),
    ("y = x[]", "empty-brackets", ["[]"], ""),
    ("fn f(a { return a }", "unclosed-bracket", ["(", "{"], ""),
    ("y = (a, b)", "several-values", [","], "`[1, 2]`"),
    ("input x: [3]", "not-this-here", ["["], ""),
    ("y = a +", "line-ends-early", ["+"], ""),
    ("y = a +\n  b", "line-ends-early", ["+"], ""),
    ("y = (a + b]", "bracket-mismatch", ["]", "("], ""),
    ("y = 2x", "product-without-star", ["2x"], "`2 * x`"),
    ("y = a b", "side-by-side", ["b", "a"], ""),
    ("x = = 2", "value-missing-between", ["=", "="], ""),
    ("x += 1", "augmented", ["+="], "`x = x + 1`"),
    ("y = a && b", "foreign-operator", ["&&"], "`and`"),
    ("y = !a", "foreign-character", ["!"], "`not`"),
    ("if x > 0 {", "unclosed-bracket", ["{"], ""),
    ("if x > 0 then 1", "else-missing", ["", "if"], ""),
    ("y = if a then 1", "else-missing", ["", "if"], ""),
    ("y = 1 + if a then 1 else 2", "if-needs-brackets", ["if"], "`(if … then … else …)`"),
    ("for i in 0..3 x = 1", "block-missing", ["x", "for"], ""),
    ("fn f(x) = { return x }", "equals-before-block", ["{"], "`fn f(x) = …` or `fn f(x) { … }`"),
    ("fn f(x) return x", "function-without-body", ["return"], "`fn f(…) = …` or `fn f(…) { … }`"),
    ("fn (x) = x", "function-without-name", ["("], "`fn f(x) = …`"),
    ("input = 2", "reserved-word", ["input"], ""),
    ("x : float", "declaration-without-word", ["x"], "`input x: …`"),
    ("input x, y", "one-declaration-each", [","], ""),
    ("input x float", "type-without-colon", ["float"], "`input x: float`"),
    ("y = 'a'", "single-quotes", ["'a'"], '`"a"`'),
    ('y = "abc', "unclosed-text", ['"abc'], ""),
    ("y = x[1,,2]", "value-missing-before", [","], ""),
    ("y = f(a,,b)", "value-missing-before", [","], ""),
    ("y = f(,)", "value-missing-before", [","], ""),
    ("y = [,]", "value-missing-before", [","], ""),
    ("y = 0..1..2", "range-of-three", [".."], ""),
    ("y = a == not b", "not-needs-brackets", ["not"], "`(not …)`"),
    ("y = 0...5", "foreign-operator", ["..."], "`..`"),
    ("y = x²", "superscript", ["²"], "`x^2`"),
    ("y = a − b", "foreign-character", ["−"], "`-`"),
    ("y = a × b", "foreign-character", ["×"], "`*`"),
    ("y = $x", "foreign-character", ["$"], ""),
    ("y = x.5", "field-is-number", ["x.5"], ""),
    ("y = x[0", "unclosed-bracket", ["["], ""),
    ("return", "something-missing", [""], ""),
    ("assert", "something-missing", [""], ""),
    ("import", "something-missing", [""], ""),
    ("import a.b", "import-with-dot", ["."], ""),
    ('import "a" as', "something-missing", [""], ""),
    ("output", "something-missing", [""], ""),
    ("output 2*x", "output-needs-name", ["2"], ""),
    ("param", "something-missing", [""], ""),
    ("while { }", "condition-missing", ["{"], ""),
    ("else { }", "else-without-if", ["else"], ""),
    ("if a { } elif b { }", "foreign-word", ["elif"], "`else if`"),
    ("if a { x = 1 } y = 2", "statement-after-block", ["y"], ""),
    ("} x = 1", "closes-nothing", ["}"], ""),
    ("y = x'", "prime", ["'"], ""),
    ("y = |x|", "bars", ["|x|"], "`abs(x)`"),
    ("y = x ? 1 : 2", "question-mark", ["?"], "`if x then 1 else 2`"),
    ("lambda x: x", "no-lambda", ["lambda"], ""),
    ("def f(x): return x", "foreign-word", ["def"], "`fn`"),
    ("y = x[1:2:3:4]", "slice-of-four", [":"], ""),
    ("y = 1__0", "bad-number", ["1__0"], ""),
    ("y = 1_", "bad-number", ["1_"], ""),
    ("y = 0x1F", "bad-number", ["0x1F"], ""),
    ("y = +x", "unary-plus", ["+"], ""),
    ("in = 2", "reserved-word", ["in"], ""),
    ("y = output + 1", "reserved-word", ["output"], ""),
    ("y = x.if", "reserved-word", ["if"], ""),
    ("fn f(x", "unclosed-bracket", ["("], ""),
    ("y = f(x=)", "value-missing-between", [")", "="], ""),
    ("h, = f(x)", "name-missing-after-comma", ["="], ""),
    ("y = {1, 2}", "brace-in-expression", ["{"], ""),
    ("for i, x in xs { }", "loop-of-two", [","], ""),
    ("y = a; ;= b", "value-missing-before", ["="], ""),
    ("x == 2 = y", "assign-to-expression", ["x == 2"], ""),
    ("y = a # (\n)", "closes-nothing", [")"], ""),
    ("y = sin x", "call-without-brackets", ["sin x"], "`sin(x)`"),
    ("y = (a + b\nz = y * 2\n", "unclosed-bracket", ["(", "z"], ""),
    ("y = f(a,\nz = 3\n", "unclosed-bracket", ["("], ""),
    ("x == = 2\n", "value-missing-between", ["=", "=="], ""),
    ("if x > 0 {\n  y = 1\n", "unclosed-bracket", ["{"], ""),
    ("fn f(x) { return x } y = 2\n", "statement-after-block", ["y"], ""),
    ("if a { y = 1 } elif b { y = 2 }\n", "foreign-word", ["elif"], "`else if`"),
    ("x'\n", "prime", ["'"], ""),
    ("y = a\n  + b\n", "line-begins-with-operator", ["+"], ""),
    ("y = a\n  - b\n", "line-begins-with-minus", ["-"], ""),
    ("fn f(x) = x +\n", "line-ends-early", ["+"], ""),
    ("y =", "line-ends-early", ["="], ""),
    ("y = (", "unclosed-bracket", ["("], ""),
    ("y = f(a b)\n", "comma-missing", ["b", "a"], ""),
    ("while x > 0\n  x = x - 1\n", "block-missing", ["", "while"], ""),
    ("for i in range(3) { s = s + i\n", "unclosed-bracket", ["{"], ""),
    ("y = [1, 2\n     3, 4]\n", "comma-missing", ["3", "2"], ""),
    ("y = a + * b\n", "value-missing-between", ["*", "+"], ""),
    ("else { x = 1 }\n", "else-without-if", ["else"], ""),
    ("y = 2.5.3", "bad-number", ["2.5.3"], ""),
    ("0x1F", "bad-number", ["0x1F"], ""),
    ("x := 2", "foreign-operator", [":="], "`=`"),
    ("x++\n", "counted-up", ["++"], "`x = x + 1`"),
    ("a <> b", "foreign-operator", ["<>"], "`!=`"),
    ("y = (a\nz = 3", "unclosed-bracket", ["(", "z"], ""),
    ("y = f(\n a b\n)", "comma-missing", ["b", "a"], ""),
    ("input x: float y", "declaration-complete", ["y"], ""),
    ("if a = 1 { y = 2 }", "equals-in-condition", ["="], ""),
    ("y = if a = 1 then 2 else 3", "equals-in-condition", ["="], ""),
    ("while x > 0 : y", "block-after-colon", [":"], "`{ … }`"),
    ("if a:\n y = 1", "block-after-colon", [":"], "`{ … }`"),
    ("assert a, b", "assert-message", ["b"], ""),
    ("y = [x for x in xs]", "loop-in-expression", ["for"], ""),
    ("y = x if a else 3", "python-if", ["if"], "`if … then … else …`"),
    ("y = 1, 2", "several-values", [","], "`[1, 2]`"),
    ("y = “a”", "foreign-character", ["“"], '`"`'),
    ("y = √x", "foreign-character", ["√"], "`sqrt(…)`"),
    ("y = x\n- b", "line-begins-with-minus", ["-"], ""),
    ("y = ∞", "foreign-character", ["∞"], "`inf`"),
    ("y = ３", "foreign-character", ["３"], "`3`"),
    ("y = 2²", "superscript", ["²"], "`2^2`"),
    ("y = x₁", "bad-name", ["₁"], "`x1`"),
    ('y = "a\\qb"', "bad-escape", ["\\q"], ""),
    ("y = a \\\n + b", "backslash-newline", ["\\"], ""),
    ("fn f x = 2", "parameters-missing", ["x"], "`fn f(x) = …`; without parameters it is `fn f() = …`"),
    ("for (i in xs) { }", "loop-in-brackets", ["("], "`for i in 0..n { … }`"),
    ("for i = 0..3 { }", "loop-without-in", ["="], "`for i in 0..n { … }`"),
    ("y = a mod 3", "foreign-word", ["mod"], "`%`"),
    ("y = a is b", "foreign-word", ["is"], "`==`"),
    ("let x = 2", "no-declaring-word", ["let"], ""),
    ("+x", "unary-plus", ["+"], ""),
    ("y = a\n* b", "line-begins-with-operator", ["*"], ""),
    ("y = x.", "something-missing", [""], ""),
    ("y = a ? b : c", "question-mark", ["?"], "`if a then b else c`"),
    ("print x", "side-by-side", ["x", "print"], ""),
    ("y = a = b", "assigned-twice", ["=", "="], ""),
    ("f(a + b = 2)", "equals-in-expression", ["="], ""),
    ("y = (a; b)", "semicolon-in-brackets", [";"], ""),
    ("if a then 1", "else-missing", ["", "if"], ""),
    ("y = if a else 2", "then-missing", ["else", "if"], ""),
    ("y = if a 1 else 2", "then-missing", ["1", "if"], ""),
    ("*", "value-missing-before", ["*"], ""),
    ("}", "closes-nothing", ["}"], ""),
    ('"', "unclosed-text", ['"'], ""),
    ("y = f(1 2)", "comma-missing", ["2", "1"], ""),
    ("x = 2 3", "side-by-side", ["3", "2"], ""),
    ("if a 1", "if-body-missing", ["1", "if"], ""),
    ("x y z", "side-by-side", ["y", "x"], ""),
    ("y = f(\n", "unclosed-bracket", ["("], ""),
    ("fn f(x): x", "block-after-colon", [":"], "`{ … }`"),
    ("fn f(x,,) = 1", "parameter-name-expected", [","], ""),
    ("fn f(2) = 1", "parameter-name-expected", ["2"], ""),
    ("output y z", "declaration-complete", ["z"], ""),
    ("input 2", "not-this-here", ["2"], ""),
    ("import x as", "something-missing", [""], ""),
    ("import x y", "declaration-complete", ["y"], ""),
    ("return 1 2", "declaration-complete", ["2"], ""),
    ("a b { }", "side-by-side", ["b", "a"], ""),
    ("{ x = 1 }", "stray-block", ["{"], ""),
    ("y = a { }", "stray-block", ["{"], ""),
    ("1 = = 2", "value-missing-between", ["=", "="], ""),
    (", b", "value-missing-before", [","], ""),
    (". x", "value-missing-before", ["."], ""),
    (": 2", "value-missing-before", [":"], ""),
    ("y = [1 : 2", "does-not-fit", [":"], ""),
    ("y = f(x=2 y)", "product-without-star", ["2 y"], "`2 * y`"),
    ("y = a and", "line-ends-early", ["and"], ""),
    ("y = not", "line-ends-early", ["not"], ""),
    ("y = a or or b", "value-missing-between", ["or", "or"], ""),
    ("else", "else-without-if", ["else"], ""),
    ("then", "reserved-word", ["then"], ""),
    ("in", "reserved-word", ["in"], ""),
    ("if", "condition-missing", [""], ""),
    ("for", "something-missing", [""], ""),
    ("for i", "loop-without-in", [""], "`for i in 0..n { … }`"),
    ("for i in", "something-missing", [""], ""),
    ("for i in xs", "block-missing", ["", "for"], ""),
    ("while", "condition-missing", [""], ""),
    ("while x", "block-missing", ["", "while"], ""),
    ("fn", "function-without-name", [""], "`fn f(x) = …`"),
    ("fn f", "parameters-missing", [""], "`fn f(x) = …`; without parameters it is `fn f() = …`"),
    ("fn f(", "unclosed-bracket", ["("], ""),
    ("fn f()", "function-without-body", [""], "`fn f(…) = …` or `fn f(…) { … }`"),
    ("as", "does-not-fit", ["as"], ""),
    ("y = input", "reserved-word", ["input"], ""),
    ("y = 3 input x", "reserved-word", ["input"], ""),
]


def said(text: str) -> Diagnostic:
    with pytest.raises(CgError) as caught:
        parse(Source("f.cg", text))
    (found,) = caught.value.diagnostics
    assert caught.value.status == 2
    return found


@pytest.mark.parametrize(("text", "code", "underlined", "fix"), MISTAKES, ids=[repr(m[0]) for m in MISTAKES])
def test_a_mistake_is_named_placed_and_mended(text: str, code: str, underlined: list[str], fix: str) -> None:
    found = said(text)
    message = message_of(found)
    assert found.code == code
    assert [label.span.text for label in found.labels] == underlined
    assert [h for h in message.helps if h == f"write {fix}"] == ([f"write {fix}"] if fix else [])


@pytest.mark.parametrize("text", [m[0] for m in MISTAKES])
def test_words_are_complete_and_never_those_of_the_parser(text: str) -> None:
    found = said(text)
    message = message_of(found)
    assert found.code in TEMPLATES
    everything = [message.title, *(label for _, label in message.labels), *message.helps]
    assert all([message.title, message.labels[0][1], *message.helps])
    names = {terminal.name for terminal in parser().terminals} | {"$END", "_NL"}
    spoken = set(re.findall(r"[$_A-Z]{3,}[A-Z_0-9]*", " ".join(everything)))
    assert not spoken & names


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("y = a +", (1, 7)),
        ("y =", (1, 3)),
        ("a = 1\ny = (a", (2, 5)),
        ("y = if a then 1", (1, 16)),
        ("a = 1\r\ny = 2x\r\n", (2, 5)),
        ("\ufeffy = 2x", (1, 6)),
        ("y = a\n\n  - b", (3, 3)),
    ],
)
def test_the_place_is_a_line_and_a_column(text: str, place: tuple[int, int]) -> None:
    span = said(text).labels[0].span
    assert span.source.position(span.start) == place


def test_an_unclosed_bracket_is_reported_at_its_opener_and_where_it_was_noticed() -> None:
    assert report([said("y = (a + b\nz = y * 2\n")]) == (
        "error: this `(` is never closed\n"
        "  --> f.cg:1:5\n"
        "   |\n"
        " 1 | y = (a + b\n"
        "   |     ^ opened here\n"
        " 2 | z = y * 2\n"
        "   | - a `)` was expected before this\n"
    )


def test_a_mistake_inside_closed_brackets_is_not_blamed_on_the_bracket() -> None:
    assert said("y = f(\n  a b\n)").code == "comma-missing"


def test_the_end_that_comes_too_early_points_behind_the_last_token() -> None:
    assert report([said("if x > 0 then 1   # why\n")]) == (
        "error: an `if … then …` needs its `else`\n"
        "  --> f.cg:1:16\n"
        "   |\n"
        " 1 | if x > 0 then 1   # why\n"
        "   | --             ^ `else` expected\n"
        "   | |\n"
        "   | this `if` is an expression, which has a value on both sides\n"
    )


# ---- characters


@pytest.mark.parametrize(
    ("text", "sign", "write"),
    [
        ("y = a − b", "−", "-"),
        ("y = a × b", "×", "*"),
        ("y = a ÷ b", "÷", "/"),
        ("y = a ≤ b", "≤", "<="),
        ("y = a ≥ b", "≥", ">="),
        ("y = a ≠ b", "≠", "!="),
        ("y = “a”", "“", '"'),
        ("y = ٣", "٣", "3"),
        ("y =\u2003a", "\u2003", " "),
        ("y ＝ a", "＝", "="),
    ],
)
def test_signs_from_a_book_are_written_otherwise(text: str, sign: str, write: str) -> None:
    found = said(text)
    assert (found.code, found.labels[0].span.text) == ("foreign-character", sign)
    assert message_of(found).helps == (f"write `{write}`",)


@pytest.mark.parametrize("where", ["y = a{}b", "y = a # {}", 'y = "{}"', "{}", "y = a\n{}"])
@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\x0b", "\x7f", "\x9b", "\u200b", "\u202e", "\u2028", "\ud800"])
def test_characters_that_cannot_be_seen_may_stand_nowhere(where: str, hidden: str) -> None:
    found = said(where.format(hidden))
    assert found.code == "hidden-character"
    assert found.labels[0].span.text == hidden
    shown = report([found])
    assert hidden not in shown
    assert f"U+{ord(hidden):04X}" in shown


def test_a_carriage_return_belongs_before_a_newline() -> None:
    assert said("a = 1\rb = 2").code == "lone-carriage-return"


# ---- one value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-value"),
        (" \n", "empty-value"),
        ("# 2", "empty-value"),
        ("x = 2", "value-only"),
        ("1; 2", "value-only"),
        ("1\n2", "value-only"),
        ("1 2", "side-by-side"),
        ("(1", "unclosed-bracket"),
        ("2x", "product-without-star"),
    ],
)
def test_a_value_is_one_expression(text: str, code: str) -> None:
    with pytest.raises(CgError) as caught:
        parse_value(Source("--a", text))
    assert caught.value.diagnostics[0].code == code


# ---- whatever the text is

SIGNS = "a b2 σ 2 .5 1e3 2. ( ) [ ] { } + - * / // % @ ^ ** < <= == != = , ; : . .. ... ' ! & | ? # ## × \\ $"
SPOKEN = "if then else for in while fn return input param output import as assert and or not true elif lambda def"
TOKENS = st.sampled_from([*SIGNS.split(), *SPOKEN.split(), '"t"', '"', "\n", "\n\n", " "])


@given(st.one_of(st.lists(TOKENS, max_size=14).map(" ".join), st.lists(TOKENS, max_size=14).map("".join), st.text()))
@settings(max_examples=400)
def test_any_text_is_a_program_or_one_error_with_a_place_and_words(text: str) -> None:
    try:
        parse(Source("f.cg", text))
    except CgError as problem:
        (found,) = problem.diagnostics
        for label in found.labels:
            assert 0 <= label.span.start <= label.span.end <= len(text)
        assert found.labels
        shown = report([found])
        assert f"error: {show(message_of(found).title)}" in shown
        assert found.code in TEMPLATES
    else:
        assert first_hidden(text) is None
