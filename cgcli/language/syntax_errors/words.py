"""Words of other languages, and words of cg where a name stands."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .position import DECLARES, KEYWORDS, Position

# words that begin a statement of cg by another name, or do not exist (None: an assignment needs no word)
FOREIGN: dict[str, str | None] = {
    "elif": "else if",
    "elsif": "else if",
    "elseif": "else if",
    "def": "fn",
    "function": "fn",
    "func": "fn",
    "fun": "fn",
    "from": "import",
    "lambda": "fn",
    "let": None,
    "var": None,
    "const": None,
    "val": None,
    "auto": None,
}
FOREIGN_OPERATORS = {"is": "==", "mod": "%", "div": "//", "xor": "!="}
LOOPS_UNKNOWN = {"do": "while", "until": "while", "foreach": "for", "loop": "while", "repeat": "while"}


def foreign_word(pos: Position) -> CgError | None:
    """`elif b { … }`, `def f(x): …`, `let x = 2`"""
    for token in (pos.token, pos.previous):
        if token is None or token.type != "NAME" or str(token) not in FOREIGN:
            continue
        word = str(token)
        if word == "lambda":
            return error("no-lambda", pos.span(token))
        write = FOREIGN[word]
        if write is None:
            return error("no-declaring-word", pos.span(token), word=word)
        return error("foreign-word", pos.span(token), word=word, write=write)
    return None


def foreign_operator(pos: Position) -> CgError | None:
    """`a is b`, `a mod b`"""
    if pos.kind != "NAME" or pos.previous_kind not in ("NAME", "INT", "FLOAT", "RPAR", "RSQB"):
        return None
    write = FOREIGN_OPERATORS.get(str(pos.token))
    return None if write is None else error("foreign-word", pos.token_span, word=pos.token, write=write)


def foreign_loop(pos: Position) -> CgError | None:
    """`foreach x in xs { … }`"""
    previous = pos.previous
    if previous is None or previous.type != "NAME" or len(pos.statement) != 1:
        return None
    write = LOOPS_UNKNOWN.get(str(previous))
    return None if write is None else error("foreign-word", pos.span(previous), word=previous, write=write)


def reserved_as_target(pos: Position) -> CgError | None:
    """`input = 2`, `in = 2`"""
    if pos.kind == "EQUAL" and pos.previous_kind in KEYWORDS - {"ELSE", "THEN", "RETURN"} and pos.previous is not None:
        return error("reserved-word", pos.span(pos.previous), word=pos.previous)
    assigned = pos.following is not None and pos.following.type == "EQUAL"
    if assigned and pos.kind in ("IN", "AS", "THEN", "ELSE", "AND", "OR") and not pos.statement:
        return error("reserved-word", pos.token_span, word=pos.token)
    return None


def name_expected(pos: Position) -> CgError | None:
    """`input if`, `x.for`, `fn while(x)`, `for in in xs`, `import "a" as or`"""
    if pos.kind in KEYWORDS and pos.previous_kind in DECLARES | {"PARAM", "DOT", "FOR", "AS"}:
        return error("reserved-word", pos.token_span, word=pos.token)
    return None


def reserved_in_expression(pos: Position) -> CgError | None:
    """`y = output + 1`, `f(in)`"""
    if pos.kind in DECLARES | {"AS", "RETURN", "ASSERT", "WHILE"} and pos.statement and pos.previous_kind != "RBRACE":
        return error("reserved-word", pos.token_span, word=pos.token)
    if pos.kind in ("IN", "THEN") and (not pos.statement or pos.previous_kind in ("EQUAL", "LPAR", "COMMA", "LSQB")):
        return error("reserved-word", pos.token_span, word=pos.token)
    return None


def loop_in_expression(pos: Position) -> CgError | None:
    """`[x for x in xs]`"""
    if pos.kind == "FOR" and pos.statement and (pos.in_brackets or pos.previous_kind != "RBRACE"):
        return error("loop-in-expression", pos.token_span)
    return None


FOREIGN_WORDS = (foreign_word, foreign_operator, foreign_loop)
RULES = (reserved_as_target, name_expected, loop_in_expression, reserved_in_expression)
