"""Text to tree: what the grammar accepts and how it groups, lines, names, texts, comments, and sizes without harm."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source, first_hidden
from cgcli.files import cache
from cgcli.language import grammar, parser
from cgcli.language.grammar import grammar_text, make_tables
from cgcli.language.lines import Lines
from cgcli.language.parser import Parsed, parse, parse_value, unquote


def tree(text: str) -> lark.Tree[lark.Token]:
    return parse(Source("f.cg", text)).tree


SHORT = {
    "assign": "=", "comparison": "cmp", "negative": "neg", "range": "..", "field": ".", "if_expr": "if",
    "if_stmt": "ifs", "keyword": "kw", "slice": ":", "or_": "or", "and_": "and", "not_": "not", "parameter": "p",
}  # fmt: skip


def shown(node: lark.Tree[lark.Token] | lark.Token | None) -> str:
    """A small tree as an s-expression; `_` is a part that is left out."""
    if node is None:
        return "_"
    if isinstance(node, lark.Token):
        return str(node)
    kind, parts = str(node.data), [shown(child) for child in node.children]
    if kind in ("name", "int_", "float_", "string", "dim"):
        return parts[0]
    if kind == "start":
        return " ".join(parts)
    if kind == "block":
        return "{" + " ".join(parts) + "}"
    if kind in ("true", "false"):
        return kind
    if kind == "ellipsis":
        return "..."
    if kind == "binary":
        return f"({parts[1]} {parts[0]} {parts[2]})"
    if kind == "negative":
        parts = parts[1:]
    if kind in ("type", "tensor", "call", "fn_decl"):
        parts = [part for part in parts if part != "_"]
    if kind == "output_item" and parts[1] == "_":
        return parts[0]
    name = SHORT.get(kind, kind.removesuffix("_decl").removesuffix("_stmt"))
    return f"({' '.join([name, *parts])})" if kind != "output_item" else f"({' '.join(parts)})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n# only a comment\n", ""),
        ("y = (a + b) * (b - c)", "(= y (* (+ a b) (- b c)))"),
        ("(a+b)*(b-c)", "(bare (* (+ a b) (- b c)))"),
        ("a = 1; b = 2;; c = 3;", "(= a 1) (= b 2) (= c 3)"),
        ("-1/x", "(bare (/ (neg 1) x))"),
        # precedence
        ("y = -x^2", "(= y (neg (^ x 2)))"),
        ("y = 2^-x", "(= y (^ 2 (neg x)))"),
        ("y = 2^3^2", "(= y (^ 2 (^ 3 2)))"),
        ("y = 2**-x**2", "(= y (** 2 (neg (** x 2))))"),
        ("y = --x", "(= y (neg (neg x)))"),
        ("y = a*-b", "(= y (* a (neg b)))"),
        ("y=a-b-c", "(= y (- (- a b) c))"),
        ("y = a // b % c @ d / e * f", "(= y (* (/ (@ (% (// a b) c) d) e) f))"),
        ("y = 0 < x < 1", "(= y (cmp 0 < x < 1))"),
        ("y = not a == b and c or d", "(= y (or (and (not (cmp a == b)) c) d))"),
        ("y = -x.T^2", "(= y (neg (^ (. x T) 2)))"),
        # conditions
        ("y = if x > 0 then x else -x", "(= y (if (cmp x > 0) x (neg x)))"),
        ("y = if a then 1 else if b then 2 else 3 + 4", "(= y (if a 1 (if b 2 (+ 3 4))))"),
        ("if x > 0 then x else y", "(bare (if (cmp x > 0) x y))"),
        ("if a { if b then 1 else 2 }", "(ifs a {(bare (if b 1 2))} _)"),
        ("if a { if b { x = 1 } } else { x = 2 }", "(ifs a {(ifs b {(= x 1)} _)} {(= x 2)})"),
        ("if a { x = 1 } else if b { x = 2 }", "(ifs a {(= x 1)} (ifs b {(= x 2)} _))"),
        # declarations
        ("input x", "(input x _ _ _)"),
        ("input vol : float = 0.2 in 0..2", "(input vol (type float) 0.2 (.. 0 2))"),
        ("input x: float[..., 3]", "(input x (type float ... 3) _ _)"),
        ("param W: f32[784, 128] = normal(0, 1)", "(param W (type f32 784 128) (call normal 0 1))"),
        ("output loss, guess = argmax(z, axis=-1)", "(output loss (guess (call argmax z (kw axis (neg 1)))))"),
        ('import "layers.cg" as L\nimport nn', '(import "layers.cg" L) (import nn _)'),
        ("fn f(x, k = 1) = k * x", "(fn f (p x _ _) (p k _ 1) (* k x))"),
        ("fn f(x: float[n]) { return x, 2 }", "(fn f (p x (type float n) _) {(return x 2)})"),
        # statements
        ("h, c = cell(x, h)", "(unpack h c (call cell x h))"),
        ("y[t] = h", "(= (index y t) h)"),
        ("for t in 0..n { s = s + t }", "(for t (.. 0 n) {(= s (+ s t))})"),
        ("while a > b { a = a - b }", "(while (cmp a > b) {(= a (- a b))})"),
        ('assert p > 0, "positive"', '(assert (cmp p > 0) "positive")'),
        # numbers, ranges and dots
        ("a = .5 + 1_000 + 2. + 1e-3 + 1.5E+3", "(= a (+ (+ (+ (+ .5 1_000) 2.) 1e-3) 1.5E+3))"),
        ("s = 0.5..1.5; q = 1. ..2; u = 0.. .5", "(= s (.. 0.5 1.5)) (= q (.. 1. 2)) (= u (.. 0 .5))"),
        ("y = 2.*x + 2./x + (2.)", "(= y (+ (+ (* 2. x) (/ 2. x)) 2.))"),
        ("y = x[..., :, 1:3, ::2]", "(= y (index x ... (: _ _ _) (: 1 3 _) (: _ _ 2)))"),
        ("e = [[1, 2], [],]", "(= e (tensor (tensor 1 2) (tensor)))"),
        # for meaning, not syntax, to refuse: it has better words
        ("f(x) = 2; 2 = x", "(= (call f x) 2) (= 2 x)"),
    ],
)
def test_programs_group_as_the_language_says(text: str, expected: str) -> None:
    assert shown(tree(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = f(\n  a,   # first\n  b,\n)\nz = y", "(= y (call f a b)) (= z y)"),
        ("y = if a\n  then 1   # one\n  else 2\nz = y", "(= y (if a 1 2)) (= z y)"),
        ("if a { x = 1 }\n# note\n\nelse {\n x = 3\n}\ny = x", "(ifs a {(= x 1)} {(= x 3)}) (= y x)"),
        ("fn f(x)\n{\n\n  return x\n}\n", "(fn f (p x _ _) {(return x)})"),
        ("y = f\n(b + c)", "(= y f) (bare (+ b c))"),
        ("a = 1\r\nb = 2\r\n", "(= a 1) (= b 2)"),
        ("a = 1; -b", "(= a 1) (bare (neg b))"),
        ("a = 1;\n-b", "(= a 1) (bare (neg b))"),
        ("# about\n-b", "(bare (neg b))"),
        ("while a {\n -b\n}", "(while a {(bare (neg b))})"),
        ("y = (a\n - b)", "(= y (- a b))"),
        ("\ta\f=\u00a01", "(= a 1)"),
    ],
)
def test_a_newline_ends_a_statement_unless_brackets_or_a_word_go_on(text: str, expected: str) -> None:
    assert shown(tree(text)) == expected


def test_two_parses_know_nothing_of_each_other() -> None:
    with pytest.raises(CgError):
        tree("y = ((((a")
    assert shown(tree("a = 1\nb = 2")) == "(= a 1) (= b 2)"


# ---- the grammar


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    lark.logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG, logger="lark"):
            lark.Lark(grammar_text(), parser="lalr", lexer="basic", start=["start", "value"], debug=True)
            assert "Shift/Reduce" not in caplog.text
            # the same search finds the conflict of an `else` that may hang on either `if`
            ambiguous = grammar_text().replace("?expr: ", '?expr: "if" expr "then" expr -> half_if\n | ')
            lark.Lark(ambiguous, parser="lalr", lexer="basic", start="start", debug=True)
            assert "Shift/Reduce" in caplog.text
    finally:
        lark.logger.setLevel(logging.CRITICAL)


def test_tables_that_went_through_json_parse_as_fresh_ones_do() -> None:
    text = "fn f(x) = x^2\ny = if a > 0 then f(a) else [1, 2][0]  # why\n"
    fresh = lark.Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start=["start", "value"],
        postlex=Lines(),
        maybe_placeholders=True,
    )
    read = grammar._from_tables(json.loads(json.dumps(make_tables())))
    assert read.parse(text, "start") == fresh.parse(text, "start")


@pytest.mark.parametrize("kept", [None, 7, [], [{}, {}], [{"parser": 1}, {"2": 3}], {"data": 1}, "text"])
def test_anything_else_in_the_cache_than_tables_is_made_anew(monkeypatch: pytest.MonkeyPatch, kept: object) -> None:
    stored: list[object] = []
    monkeypatch.setattr(cache, "load", lambda kind, key: kept)
    monkeypatch.setattr(cache, "store", lambda kind, key, data: stored.append(data))
    made = grammar.parser.__wrapped__()
    assert len(made.parse("a = 1\n", "start").children) == 1
    assert len(stored) == 1


# ---- places


def test_places_are_those_of_the_text() -> None:
    text = "\ufeffa = 1\r\nσx = (a + 2)  # c\n"
    parsed = parse(Source("f.cg", text))
    first, second = parsed.tree.children
    assert text[first.meta.start_pos : first.meta.end_pos] == "a = 1"
    assert text[second.meta.start_pos : second.meta.end_pos] == "σx = (a + 2)"
    (comment,) = parsed.comments
    assert (text[comment.start_pos : comment.end_pos], comment.line, comment.column) == ("# c", 2, 15)


# ---- names


@pytest.mark.parametrize(
    "name", ["x", "_", "σ", "Δt", "x̂", "ẋ", "l·l", "क्षेत्र", "数", "x\u0332", "𝑥", "ℵ", "℘", "inn", "ifx", "T"]
)
def test_a_name_is_any_identifier_of_unicode(name: str) -> None:
    assert shown(tree(f"{name} = {name} + 1")) == f"(= {name} (+ {name} 1))"


def test_the_grammar_lets_every_identifier_through() -> None:
    pattern = lark.Lark(grammar_text(), parser="lalr", start="start").get_terminal("NAME").pattern.to_regexp()
    name = re.compile(pattern)
    characters = [chr(k) for k in range(sys.maxunicode + 1)]
    assert [c for c in characters if c.isidentifier() and not name.fullmatch(c)] == []
    assert [c for c in characters if f"a{c}".isidentifier() and not name.fullmatch(f"a{c}")] == []


@pytest.mark.parametrize("name", ["x²", "x₁", "²", "x⁻", "a\u0e2f\u203b"])
def test_what_only_looks_like_an_identifier_is_none(name: str) -> None:
    with pytest.raises(CgError):
        tree(f"y = {name}")


def test_exactly_the_control_and_format_characters_are_hidden() -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    for k in range(sys.maxunicode + 1):
        character = chr(k)
        category = unicodedata.category(character)
        if category != "Cn":
            assert (first_hidden(character) is not None) == (category in hidden and character not in "\t\n\f"), hex(k)


# ---- texts in quotes


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('""', ""),
        ('"a # b"', "a # b"),
        (r'"a\"b"', 'a"b'),
        (r'"a\\"', "a\\"),
        (r'"\n\t"', "\n\t"),
        (r'"\\n"', r"\n"),
        (r'"\\\\n\\"', "\\\\n\\"),
        ('"σ\u0302"', "σ\u0302"),
    ],
)
def test_a_text_means_what_its_escapes_say(written: str, meant: str) -> None:
    source = Source("f.cg", f"y = has(t, {written})")
    (token,) = parse(source).tree.scan_values(lambda value: value.type == "STRING")
    assert unquote(token) == meant


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_any_text_can_be_written(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    source = Source("f.cg", f'y = has(t, "{escaped}")')
    (token,) = parse(source).tree.scan_values(lambda value: value.type == "STRING")
    assert unquote(token) == text


@pytest.mark.parametrize("escape", [r"\q", r"\x41", r"\'", r"\ "])
def test_other_escapes_are_errors_at_the_backslash(escape: str) -> None:
    with pytest.raises(CgError) as caught:
        tree(f'y = has(t, "a{escape}")')
    (found,) = caught.value.diagnostics
    assert (found.code, found.labels[0].span.text) == ("bad-escape", escape[:2])


# ---- comments and docs


def documented(text: str) -> dict[str, str]:
    """The doc comments by the first characters of their statements."""
    parsed = parse(Source("f.cg", text))
    return {text[start:].split("\n")[0].split("#")[0].strip(): doc for start, doc in parsed.docs.items()}


@pytest.mark.parametrize(
    ("text", "docs"),
    [
        ("input x  ## of x", {"input x": "of x"}),
        ("## of x\ninput x", {"input x": "of x"}),
        ("## one\n## two\ninput x ## three", {"input x": "one\ntwo\nthree"}),
        ("## of y\n# plain\ny = 1", {}),
        ("# plain\n#### ruler ####\ny = 1 # why", {}),
        ("## lost\n\ny = 1", {}),
        ("a = 1; b = 2  ## of b", {"b = 2": "of b"}),
        ("input a ## of a\n## of b\ninput b", {"input a": "of a", "input b": "of b"}),
        ("y = f(\n  a,  ## inside\n  b)  ## of y", {"y = f(": "of y"}),
        ("fn f(x) {\n  z = x  ## inner\n  return z\n}  ## of f\ny = 1", {"fn f(x) {": "of f"}),
        ("## nobody's\nimport \"a.cg\"\n## nobody's\nx + 1", {}),
        ('y = has(t, "## no")', {}),
        ("  ## of y\r\ny = 1\r\n", {"y = 1": "of y"}),
    ],
)
def test_doc_comments_belong_to_a_statement(text: str, docs: dict[str, str]) -> None:
    assert documented(text) == docs


def test_every_comment_is_handed_over_in_order() -> None:
    parsed: Parsed = parse(Source("f.cg", '# a\ny = f(1, # b\n "#no")  ## c\r\n#### d'))
    assert [str(comment) for comment in parsed.comments] == ["# a", "# b", "## c", "#### d"]


# ---- values


@pytest.mark.parametrize("text", ["pi/2", " -1e-3 ", "[1, 2]", "\n2\n", "2 # two", "if true then 1 else 2", "-1"])
def test_a_value_is_an_expression(text: str) -> None:
    assert parse_value(Source("--a", text)).data in ("binary", "negative", "tensor", "int_", "if_expr")


# ---- size

DEEP: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "y = " + "(" * n + "x" + ")" * n,
    "sums": lambda n: "y = x" + " + x" * n,
    "signs": lambda n: "y = " + "-" * n + "x",
    "blocks": lambda n: "while a {" * (n // 3) + "}" * (n // 3),
    "else": lambda n: "if a { x = 1 }" + "else if a { x = 1 }" * (n // 10),
    "a long text": lambda n: 'y = has(t, "' + "x" * (10 * n) + '")',
    "a long name": lambda n: "y = " + "x" * (10 * n),
    "a long comment": lambda n: "#" * (10 * n) + "\ny = 1",
    "lines": lambda n: "\n" * n + "y = 1",
}
BROKEN: dict[str, tuple[Callable[[int], str], str]] = {
    "opened": (lambda n: "y = " + "(" * n, "unclosed-bracket"),
    "closed": (lambda n: "y = " + "(" * n + ")" * (n + 1), "empty-brackets"),
    "sum": (lambda n: "y = x" + " + x" * n + " +", "line-ends-early"),
    "blocks": (lambda n: "while a {" * (n // 2), "unclosed-bracket"),
    "text": (lambda n: 'y = "' + "x" * (10 * n), "unclosed-text"),
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("count", [15_000, pytest.param(100_000, marks=pytest.mark.thorough)])
def test_deep_and_long_programs_are_parsed_and_freed(name: str, count: int) -> None:
    assert len(tree(DEEP[name](count)).children) == 1


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("count", [10_000, pytest.param(60_000, marks=pytest.mark.thorough)])
def test_deep_and_long_mistakes_are_explained(name: str, count: int) -> None:
    text, code = BROKEN[name]
    with pytest.raises(CgError) as caught:
        tree(text(count))
    assert caught.value.diagnostics[0].code == code


def test_a_program_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "LARGEST", 5)
    assert shown(tree("y = 1")) == "(= y 1)"
    with pytest.raises(CgError) as caught:
        tree("y = 10")
    (found,) = caught.value.diagnostics
    assert (found.code, found.values["limit"]) == ("program-too-large", 5)


@pytest.mark.parametrize("text", ["y = 1", "y = ("])
def test_the_garbage_collector_is_left_as_it_was(text: str) -> None:
    for turn_on in (gc.disable, gc.enable):
        turn_on()
        was = gc.isenabled()
        with suppress(CgError):
            tree(text)
        assert gc.isenabled() == was


# ---- the cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "cg" / "kind"


@pytest.mark.parametrize("data", [None, 1, [1, {"a": None}], {"σ": float("inf")}, "\ud800"])
def test_what_is_stored_is_loaded(folder: Path, data: object) -> None:
    cache.store("kind", "key", data)
    assert cache.load("kind", "key") == data
    assert cache.load("kind", "other") is None


def test_only_the_user_may_read_entries(folder: Path) -> None:
    cache.store("kind", "key", 1)
    (entry,) = folder.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@settings(max_examples=30)
@given(st.data())
def test_a_broken_entry_is_as_none(data: st.DataObject) -> None:
    cache.store("kind", "broken", [1, 2, {"a": "b"}])
    path = Path(cache._path("kind", "broken", ".json") or "")
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    assert cache.load("kind", "broken") is None
    path.write_bytes(whole[:at])
    assert cache.load("kind", "broken") is None


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for root in (str(tmp_path / "file"), "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", root)
        monkeypatch.setenv("HOME", str(tmp_path / "file"))
        cache.store("kind", "key", 1)
        assert cache.load("kind", "key") is None


def test_what_json_cannot_say_is_not_stored(folder: Path) -> None:
    circle: list[object] = []
    circle.append(circle)
    for data in (object(), {1, 2}, circle):
        cache.store("kind", "key", data)
    assert cache.load("kind", "key") is None


def test_the_oldest_entries_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 3)
    for k in range(5):
        cache.store("kind", str(k), k)
        path = Path(cache._path("kind", str(k), ".json") or "")
        if path.exists():
            os.utime(path, (k, k))
    assert [cache.load("kind", str(k)) for k in range(5)] == [None, None, 2, 3, 4]
    assert len(list(folder.iterdir())) == 3


def test_a_digest_tells_where_one_part_ends() -> None:
    assert cache.digest("ab", "c") != cache.digest("a", "bc")
    assert cache.digest("a") == cache.digest(b"a")
