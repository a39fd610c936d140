"""Words of other languages, and words of cg where a name stands."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .place import DECLARES, KEYWORDS, Place

# words that begin something here by another name, or do not exist (None: a name is simply given a value)
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


def foreign_word(place: Place) -> CgError | None:
    """`elif b { … }`, `def f(x): …`, `let x = 2`"""
    for token in (place.found, place.before):
        if token is None or token.type != "NAME" or str(token) not in FOREIGN:
            continue
        word = str(token)
        if word == "lambda":
            return error("no-lambda", place.span(token))
        write = FOREIGN[word]
        if write is None:
            return error("no-declaring-word", place.span(token), word=word)
        return error("foreign-word", place.span(token), word=word, write=write)
    return None


def foreign_operator(place: Place) -> CgError | None:
    """`a is b`, `a mod b`"""
    if place.kind != "NAME" or place.previous not in ("NAME", "INT", "FLOAT", "RPAR", "RSQB"):
        return None
    write = FOREIGN_OPERATORS.get(str(place.found))
    return None if write is None else error("foreign-word", place.here, word=place.found, write=write)


def foreign_loop(place: Place) -> CgError | None:
    """`foreach x in xs { … }`"""
    before = place.before
    if before is None or before.type != "NAME" or len(place.statement) != 1:
        return None
    write = LOOPS_UNKNOWN.get(str(before))
    return None if write is None else error("foreign-word", place.span(before), word=before, write=write)


def reserved_as_target(place: Place) -> CgError | None:
    """`input = 2`, `in = 2`"""
    if place.kind == "EQUAL" and place.previous in KEYWORDS - {"ELSE", "THEN", "RETURN"} and place.before is not None:
        return error("reserved-word", place.span(place.before), word=place.before)
    if place.kind in KEYWORDS and not place.statement and place.at + 1 < len(place.tokens):
        following = place.tokens[place.at + 1]
        if following.type == "EQUAL" and place.kind in ("IN", "AS", "THEN", "ELSE", "AND", "OR"):
            return error("reserved-word", place.here, word=place.found)
    return None


def name_expected(place: Place) -> CgError | None:
    """`input if`, `x.for`, `fn while(x)`, `for in in xs`, `import "a" as or`"""
    if place.kind in KEYWORDS and place.previous in DECLARES | {"PARAM", "DOT", "FOR", "AS"}:
        return error("reserved-word", place.here, word=place.found)
    return None


def reserved_in_expression(place: Place) -> CgError | None:
    """`y = output + 1`, `f(in)`"""
    if place.kind in DECLARES | {"AS", "RETURN", "ASSERT", "WHILE"} and place.statement and place.previous != "RBRACE":
        return error("reserved-word", place.here, word=place.found)
    if place.kind in ("IN", "THEN") and (not place.statement or place.previous in ("EQUAL", "LPAR", "COMMA", "LSQB")):
        return error("reserved-word", place.here, word=place.found)
    return None


def loop_in_expression(place: Place) -> CgError | None:
    """`[x for x in xs]`"""
    if place.kind == "FOR" and place.statement and (place.in_brackets or place.previous != "RBRACE"):
        return error("loop-in-expression", place.here)
    return None


FOREIGN_WORDS = (foreign_word, foreign_operator, foreign_loop)
RULES = (reserved_as_target, name_expected, loop_in_expression, reserved_in_expression)
