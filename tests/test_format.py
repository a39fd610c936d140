"""The canonical layout: what it looks like, and what it never changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token, Tree

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.language.format import DEEPEST, WIDTH, format_source
from cgcli.language.parser import parse


def laid_out(text: str) -> str:
    return format_source(Source("f.cg", text))


def signs(text: str) -> list[str]:
    """The tree as a flat list of rules and tokens: the recursion of `==` would not survive deep programs."""
    found: list[str] = []
    stack: list[Tree[Token] | Token | None] = [parse(Source("f.cg", text)).tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Tree):
            found.append(f"{node.data}/{len(node.children)}")
            stack.extend(node.children)
        else:
            found.append("^" if node == "**" else str(node))
    return found


def check(text: str) -> None:
    """What holds for every program: same tree, same comments, same doc comments, and nothing left to change."""
    once = laid_out(text)
    assert laid_out(once) == once
    assert signs(once) == signs(text)
    before, after = parse(Source("f.cg", text)), parse(Source("f.cg", once))
    assert [c.rstrip() for c in before.comments] == list(after.comments)
    assert list(before.docs.values()) == list(after.docs.values())
    assert "\n\n\n" not in once
    assert not once.startswith("\n")
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))
    assert all(line == line.rstrip() for line in once.splitlines())


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("y=a+b*c-d/e//f%g@h", "y = a + b * c - d / e // f % g @ h"),
        ("y = a ** b", "y = a^b"),
        ("y = a ^ - b ^ c", "y = a^-b^c"),
        ("y = - a - - b", "y = -a - -b"),
        ("y = ( - a )", "y = (-a)"),
        ("y=a*-b", "y = a * -b"),
        ("y = 0<x<=1==b!=c", "y = 0 < x <= 1 == b != c"),
        ("y=not a and(b)or not(c)", "y = not a and (b) or not (c)"),
        ("y = if(a)then(b)else(c)", "y = if (a) then (b) else (c)"),
        ("y = f ( x ,axis = 0 ) ", "y = f(x, axis=0)"),
        ("y = f(x, k=-1,)", "y = f(x, k=-1,)"),
        ("fn f ( x,k=1 )=g(x,k = 1)", "fn f(x, k = 1) = g(x, k=1)"),
        ("fn f(x:float[n],k:int=h(a = 1)) { return x,k }", "fn f(x: float[n], k: int = h(a=1)) { return x, k }"),
        ("input x:float [2,n]=1 in-1 .. 2", "input x: float[2, n] = 1 in -1..2"),
        ("input x : float[...,3]", "input x: float[..., 3]"),
        ("output y,z=a+b", "output y, z = a + b"),
        ('import"a.cg"as L', 'import "a.cg" as L'),
        ("y = [ [1,2] ,[ ] ]", "y = [[1, 2], []]"),
        ("y = x [ 1 : 3 , : , :: 2 , ... , -1 ] [ 0 ]", "y = x[1:3, :, ::2, ..., -1][0]"),
        ("y = x[a + 1 : - 1]", "y = x[a + 1:-1]"),
        ("y = L . f (x) . T", "y = L.f(x).T"),
        ("y = 2 .x", "y = 2 .x"),
        ("y = 1. .. 2", "y = 1. ..2"),
        ("y = 0 .. .5", "y = 0.. .5"),
        ("y [ i ]=v", "y[i] = v"),
        ("h,c=cell(x)", "h, c = cell(x)"),
        ('assert(a),"b  c"', 'assert (a), "b  c"'),
        ("if a{x=1;y=2}else if b{ } else{z=3}", "if a { x = 1; y = 2 } else if b {} else { z = 3 }"),
        ("for i in 0..n{s=s+i}", "for i in 0..n { s = s + i }"),
        ("while(a){x=1;}", "while (a) { x = 1 }"),
        ("fn f(x)\n\n{\n}", "fn f(x) {}"),
        ("a=1#why", "a = 1  #why"),
    ],
)
def test_a_line(written: str, line: str) -> None:
    assert laid_out(written) == f"{line}\n"
    check(written)


@pytest.mark.parametrize("empty", ["", "\n\n", "  \n", ";\n", "\ufeff"])
def test_an_empty_file_stays_empty(empty: str) -> None:
    assert laid_out(empty) == ""


def test_a_line_holds_one_statement() -> None:
    assert laid_out("a = 1; b = 2;; c = 3;") == "a = 1\nb = 2\nc = 3\n"


def test_a_statement_that_begins_with_a_minus_keeps_its_semicolon() -> None:
    assert laid_out("a = 1; -b") == "a = 1;\n-b\n"
    check("a = 1; # why\n\n-b; -c\nif a { -b; -c\nd = 1 }; -e")


def test_blank_lines_are_kept_one_at_a_time() -> None:
    text = "\n\na = 1\n\n\n\nb = 2\nif c {\n\n  d = f(\n\n1,\n\n\n2\n\n)\n\n}\n\n"
    assert laid_out(text) == "a = 1\n\nb = 2\nif c {\n    d = f(\n        1,\n\n        2\n    )\n}\n"


def test_blocks_are_indented() -> None:
    text = "fn f(x)\n{\nwhile a {\nif b {\nx = 1 }\nelse {\nx = 2\n}\n}\nreturn x }"
    assert laid_out(text) == (
        "fn f(x) {\n"
        "    while a {\n"
        "        if b {\n"
        "            x = 1\n"
        "        } else {\n"
        "            x = 2\n"
        "        }\n"
        "    }\n"
        "    return x\n"
        "}\n"
    )


def test_line_breaks_inside_brackets_are_kept() -> None:
    text = "y = f(a,\n[1,\n2],\ng(\nb\n))\nA = [\n[1, 2],\n[3, 4],\n]"
    assert laid_out(text) == (
        "y = f(a,\n    [1,\n        2],\n    g(\n        b\n))\nA = [\n    [1, 2],\n    [3, 4],\n]\n"
    )


def test_a_conditional_expression_may_go_on_in_lines_of_its_own() -> None:
    text = "y = if a\nthen f(\n1)   # one\nelse 2\nz = y"
    assert laid_out(text) == "y = if a\n    then f(\n        1)  # one\n    else 2\nz = y\n"


def test_comments_stay_where_they_are() -> None:
    text = (
        "# top\na = 1 # one\nb=2      #two\n# own\n\n\n  # more\n"
        "if c { # why\n# inner\n\nx = f( # arg\n# own\n1)\n# last\n}\n# end"
    )
    assert laid_out(text) == (
        "# top\n"
        "a = 1  # one\n"
        "b = 2  #two\n"
        "# own\n"
        "\n"
        "# more\n"
        "if c {  # why\n"
        "    # inner\n"
        "\n"
        "    x = f(  # arg\n"
        "        # own\n"
        "        1)\n"
        "    # last\n"
        "}\n"
        "# end\n"
    )


def test_a_comment_before_else_keeps_its_line() -> None:
    text = "if a { x = 1 }\nelse if b { x = 2 }\n# note\n\nelse {\n x = 3\n}"
    assert laid_out(text) == "if a { x = 1 } else if b { x = 2 }\n# note\nelse {\n    x = 3\n}\n"


def test_a_block_that_is_too_wide_gets_lines() -> None:
    inner = "a = " + " + ".join(["x"] * 22)
    fits = f"if c {{ {inner} }}"
    assert len(fits) <= WIDTH
    assert laid_out(fits) == f"{fits}\n"
    assert laid_out(f"if c {{ {inner}; b = 1 }}") == f"if c {{\n    {inner}\n    b = 1\n}}\n"


@pytest.mark.parametrize("width", [WIDTH, WIDTH + 1])
def test_a_block_may_fill_the_whole_width(width: int) -> None:
    line = "if c { " + "x" * (width - 9) + " }"
    assert (laid_out(line) == f"{line}\n") == (width == WIDTH)


def test_the_branches_of_one_if_are_laid_out_alike() -> None:
    inner = "a = " + " + ".join(["x"] * 22)
    text = f"if c {{ {inner} }} else if d {{ b = 1 }} else {{ b = 2 }}"
    assert laid_out(text) == f"if c {{\n    {inner}\n}} else if d {{\n    b = 1\n}} else {{\n    b = 2\n}}\n"


def test_a_block_inside_one_that_is_too_wide_may_stay_on_its_line() -> None:
    text = "fn f(x) { " + "while x > 1 { x = x / 2 }; " * 5 + "return x }"
    assert laid_out(text) == "fn f(x) {\n" + "    while x > 1 { x = x / 2 }\n" * 5 + "    return x\n}\n"


def test_other_line_ends_and_blanks_become_plain_ones() -> None:
    assert laid_out("a\t=\u00a01 \r\n\r\n\f\r\nb = 2 # c \r\n") == "a = 1\n\nb = 2  # c\n"


def test_a_byte_order_mark_is_dropped() -> None:
    assert laid_out("\ufeffa=1 # x") == "a = 1  # x\n"


@pytest.mark.parametrize(
    "text",
    [
        "## one\n## two\na = 1; b = 2 ## three\n\n## four\n\nc = 3",
        "fn f(x) { ## doc\n return x }",
        "y = f( ## doc\n1)",
        "y = f(\n1) ## doc",
        "; ## nobody's\ny = 1",
        "x = 1\n; ## nobody's\n## y's\ny = 1\n; ## last",
    ],
)
def test_doc_comments_stay_with_their_statements(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", ["y = (a", "y = 2x", "a = \x1b", '"\\q"'])
def test_a_syntax_error_is_reported(text: str) -> None:
    with pytest.raises(CgError):
        laid_out(text)


# ---- depth and size


@pytest.mark.parametrize("n", [1200, pytest.param(6000, marks=pytest.mark.thorough)])
def test_nesting_is_no_limit(n: int) -> None:
    """Deeper than Python would recurse."""
    check(f"y = {'(' * n}a{')' * n}")
    check(f"y = {'-' * n}a")
    check(f"{'if a {' * n} x = 1 {'}' * n}")
    check("y = " + "if b then 2 else " * n + "3")
    check("if a { x = 1 }" + " else if b { x = 2 }" * n)


def test_indentation_has_an_end() -> None:
    n = 2000
    lines = laid_out("y = " + "(\n" * n + "a" + "\n)" * n).splitlines()
    assert lines[n] == "    " * DEEPEST + "a"
    assert lines[-1] == ")"


# ---- generated programs

NAMES = st.sampled_from(["a", "b", "x1", "λ", "2", ".5", "1.", "1e-3", "true", '"a # b"'])


def _expressions(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """Expressions as lists of tokens, one step deeper than `inner`; what may bind loosely stands in brackets."""
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "@", "^", "**"])
    shapes = [
        st.builds(lambda x: ["(", *x, ")"], inner),
        st.builds(lambda x, o, y: ["(", *x, o, *y, ")"], inner, operators, inner),
        st.builds(lambda x: ["(", "-", *x, ")"], inner),
        st.builds(lambda x, o: ["(", *x, o, "-", "b", ")"], inner, operators),
        st.builds(lambda x, y: ["(", *x, "..", *y, ")"], inner, inner),
        st.builds(lambda x, y: ["(", "not", *x, "and", *y, "<", "1", ")"], inner, inner),
        st.builds(lambda x, y: ["(", "if", *x, "then", *y, "else", *x, ")"], inner, inner),
        st.builds(lambda x, y: ["f", "(", *x, ",", "k", "=", *y, ")"], inner, inner),
        st.builds(lambda x, y: ["[", *x, ",", *y, ",", "]"], inner, inner),
        st.builds(lambda x, y: ["m", ".", "x", "[", *x, ":", *y, ",", ":", ",", "...", "]"], inner, inner),
    ]
    return st.one_of(shapes)


EXPRESSIONS = st.recursive(NAMES.map(lambda name: [name]), _expressions, max_leaves=6)
END = "\n"  # of a statement


def _blocks(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    body = st.lists(inner, max_size=3).map(lambda parts: ["{", *(t for part in parts for t in part), "}"])
    return st.one_of(
        st.builds(lambda x, b: ["if", *x, *b, END], EXPRESSIONS, body),
        st.builds(lambda x, b, c: ["if", *x, *b, "else", *c, END], EXPRESSIONS, body, body),
        st.builds(lambda x, b: ["for", "i", "in", *x, *b, END], EXPRESSIONS, body),
        st.builds(lambda x, b: ["fn", "g", "(", "x", ":", "int", ",", "k", "=", *x, ")", *b, END], EXPRESSIONS, body),
    )


STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS.map(lambda x: ["y", "=", *x, END]),
        EXPRESSIONS.map(lambda x: ["z", "[", "0", "]", "=", *x, END]),
        EXPRESSIONS.map(lambda x: ["y", "=", "if", *x, "then", *x, "else", *x, END]),
        EXPRESSIONS.map(lambda x: ["input", "v", ":", "float", "=", *x, END]),
        EXPRESSIONS.map(lambda x: ["(", *x, ")", END]),
    ),
    _blocks,
    max_leaves=5,
)
BLANK = st.sampled_from([" ", "  ", "\t"])


def _broken(*comments: str) -> st.SearchStrategy[str]:
    """Blanks, line breaks and comments."""
    return st.lists(st.one_of(BLANK, st.sampled_from(["\n", "\r\n", *comments])), max_size=3).map("".join)


INSIDE = _broken("# c\n", "#### (\n")
BETWEEN = _broken("# c\n", "## doc\n")
ENDING = st.sampled_from([" ;", " ; ", "\n", "\n\n\n", " # c\n", " ## doc\n", ";;\n"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs whose tokens stand apart by blanks and, where the language allows it, by line breaks and comments."""
    parts = [draw(BETWEEN)]
    brackets: list[str] = []
    for part in draw(st.lists(STATEMENTS, max_size=4)):
        for token in part:
            free = bool(brackets) and brackets[-1] != "{"
            if token in ")]}":
                brackets.pop()
            if token == END:
                # a doc comment within a statement is the next one's when both are on one line, which a layout undoes
                parts += [draw(ENDING), draw(INSIDE if brackets else BETWEEN)]
                continue
            loose = free or token in ("{", "then", "else")
            parts += [draw(INSIDE) if loose else "", draw(BLANK), token]
            if token in "([{":
                brackets.append(token)
                if token == "{":
                    parts.append(draw(st.one_of(BLANK, INSIDE)))
    return "".join(parts)


@settings(max_examples=20)
@given(programs())
def test_the_layout_changes_nothing_but_the_layout(text: str) -> None:
    check(text)


@pytest.mark.thorough
@settings(max_examples=1000)
@given(programs())
def test_the_layout_changes_nothing_but_the_layout_at_length(text: str) -> None:
    check(text)
