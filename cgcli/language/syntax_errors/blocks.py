"""`if`, `then`, `else`, loops, functions and their bodies."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .place import ENDS, OPERATORS, VALUE_BEGINS, VALUE_ENDS, Place

HEADS = {"IF": "if", "FOR": "for", "WHILE": "while"}


def condition_missing(place: Place) -> CgError | None:
    """`while { … }`"""
    if place.kind in ("LBRACE", "THEN", *ENDS) and place.previous in ("IF", "WHILE"):
        return error("condition-missing", place.here, word=place.before)
    return None


def equals_in_condition(place: Place) -> CgError | None:
    """`if a = 1 { … }`"""
    if place.kind != "EQUAL" or place.previous not in VALUE_ENDS:
        return None
    word = place.last("IF", "WHILE", "ASSERT", "THEN", "LBRACE")
    if word is None or word.type in ("THEN", "LBRACE"):
        return None
    return error("equals-in-condition", place.here, word=word)


def else_missing(place: Place) -> CgError | None:
    """`y = if a then 1`"""
    word = place.last("THEN", "ELSE")
    if word is None or word.type != "THEN" or place.previous not in VALUE_ENDS:
        return None
    if place.kind not in (*ENDS, "RPAR", "RSQB", "RBRACE", "COMMA", "SEMICOLON"):
        return None
    start = place.last("IF")
    return error("else-missing", place.here, place.label(start or word, "if"))


def then_missing(place: Place) -> CgError | None:
    """`y = if a 1 else 2`, `if a x = 1`"""
    start = place.pending_if
    if start is None or place.previous not in VALUE_ENDS:
        return None
    if place.kind not in VALUE_BEGINS | ENDS | {"ELSE", "COLON", "COMMA", "RPAR", "RSQB", "IF", "RETURN"}:
        return None
    if place.kind in VALUE_BEGINS and place.adjacent:
        return None
    if place.head == "IF" and place.statement[0] is start:
        if place.kind == "COLON":
            return error("block-after-colon", place.here, word="if")
        return error("if-body-missing", place.here, place.label(start, "if"))
    return error("then-missing", place.here, place.label(start, "if"))


def else_without_if(place: Place) -> CgError | None:
    """`else { x = 1 }`"""
    return error("else-without-if", place.here) if place.kind == "ELSE" else None


def python_if(place: Place) -> CgError | None:
    """`x = 2 if a else 3`"""
    if place.kind != "IF" or place.previous not in VALUE_ENDS or place.begins_line:
        return None
    if not any(token.type == "ELSE" for token in place.rest_of_line()):
        return None
    return error("python-if", place.here)


def if_inside(place: Place) -> CgError | None:
    """`y = 1 + if a then 1 else 2`"""
    if place.kind == "IF" and place.previous in OPERATORS - {"EQUAL"}:
        return error("if-needs-brackets", place.here)
    return None


def statement_after_block(place: Place) -> CgError | None:
    """`if a { x = 1 } y = 2`"""
    if place.previous != "RBRACE" or place.kind in ENDS or place.begins_line:
        return None
    if place.kind in VALUE_BEGINS or (not place.statement and place.kind not in OPERATORS | {"COMMA", "COLON"}):
        return error("statement-after-block", place.here)
    return None


def loop_head(place: Place) -> CgError | None:
    """`for i, x in xs`, `for (i in xs)`, `for i = 0..3`"""
    if place.head != "FOR":
        return None
    if place.kind == "COMMA" and len(place.statement) == 2:
        return error("loop-of-two", place.here)
    if place.kind == "LPAR" and place.previous == "FOR":
        return error("loop-in-brackets", place.here)
    if place.kind != "IN" and len(place.statement) == 2 and place.previous == "NAME":
        return error("loop-without-in", place.here, name=place.before)
    return None


def body_missing(place: Place) -> CgError | None:
    """`while x > 0` and a new line, `for i in 0..3 x = 1`"""
    if place.head not in ("FOR", "WHILE") or place.previous not in VALUE_ENDS or place.in_brackets:
        return None
    if place.kind in VALUE_BEGINS and place.adjacent:
        return None
    word = HEADS[place.head]
    if place.kind == "COLON":
        return error("block-after-colon", place.here, word=word)
    if place.kind in ENDS | VALUE_BEGINS | {"IF", "FOR", "WHILE", "RETURN", "SEMICOLON", "ASSERT", "RBRACE"}:
        return error("block-missing", place.here, place.label(place.statement[0], "head"), word=word)
    return None


def function_head(place: Place) -> CgError | None:
    """`fn (x) = x`, `fn f x = 2`, `fn f(x) return x`, `fn f(x) = { … }`, `fn f(x): …`"""
    if place.head != "FN":
        return None
    count = len(place.statement)
    if count == 1:
        return error("function-without-name", place.here) if place.kind in ("LPAR", "EQUAL", *ENDS) else None
    if place.in_brackets:
        return error("parameter-name-expected", place.here) if place.previous in ("LPAR", "COMMA") else None
    if count == 2 and place.previous == "NAME":
        return error("parameters-missing", place.here, name=place.before)
    if count == 2 and place.kind == "COLON":
        return error("block-after-colon", place.here, word="fn")
    if place.kind == "LBRACE" and place.previous == "EQUAL":
        return error("equals-before-block", place.here)
    if count == 2 and place.previous == "RPAR":
        return error("function-without-body", place.here, name=place.statement[1])
    return None


# an `if` without its `then` is told before what stands at the place is looked at by itself
RULES = (
    condition_missing,
    equals_in_condition,
    else_missing,
    then_missing,
    else_without_if,
    python_if,
    if_inside,
    statement_after_block,
    loop_head,
    body_missing,
    function_head,
)
