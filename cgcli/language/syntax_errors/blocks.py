"""`if`, `then`, `else`, loops, functions and their bodies."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .position import ENDS, OPERATORS, VALUE_BEGINS, VALUE_ENDS, Position

HEADS = {"IF": "if", "FOR": "for", "WHILE": "while"}


def condition_missing(pos: Position) -> CgError | None:
    """`while { … }`"""
    if pos.kind in ("LBRACE", "THEN", *ENDS) and pos.previous_kind in ("IF", "WHILE"):
        return error("condition-missing", pos.token_span, word=pos.previous)
    return None


def equals_in_condition(pos: Position) -> CgError | None:
    """`if a = 1 { … }`"""
    if pos.kind != "EQUAL" or pos.previous_kind not in VALUE_ENDS:
        return None
    word = pos.last("IF", "WHILE", "ASSERT", "THEN", "LBRACE")
    if word is None or word.type in ("THEN", "LBRACE"):
        return None
    return error("equals-in-condition", pos.token_span, word=word)


def else_missing(pos: Position) -> CgError | None:
    """`y = if a then 1`"""
    word = pos.last("THEN", "ELSE")
    if word is None or word.type != "THEN" or pos.previous_kind not in VALUE_ENDS:
        return None
    if pos.kind not in (*ENDS, "RPAR", "RSQB", "RBRACE", "COMMA", "SEMICOLON"):
        return None
    start = pos.last("IF")
    return error("else-missing", pos.token_span, pos.label(start or word, "head"))


def then_missing(pos: Position) -> CgError | None:
    """`y = if a 1 else 2`, `if a x = 1`"""
    start = pos.pending_if
    if start is None or pos.previous_kind not in VALUE_ENDS:
        return None
    if pos.kind not in VALUE_BEGINS | ENDS | {"ELSE", "COLON", "COMMA", "RPAR", "RSQB", "IF", "RETURN"}:
        return None
    if pos.kind in VALUE_BEGINS and pos.adjacent:
        return None
    if pos.head == "IF" and pos.statement[0] is start:
        if pos.kind == "COLON":
            return error("block-after-colon", pos.token_span, word="if")
        return error("if-body-missing", pos.token_span, pos.label(start, "head"))
    return error("then-missing", pos.token_span, pos.label(start, "head"))


def else_without_if(pos: Position) -> CgError | None:
    """`else { x = 1 }`"""
    return error("else-without-if", pos.token_span) if pos.kind == "ELSE" else None


def python_if(pos: Position) -> CgError | None:
    """`x = 2 if a else 3`"""
    if pos.kind != "IF" or pos.previous_kind not in VALUE_ENDS or pos.begins_line:
        return None
    if not any(token.type == "ELSE" for token in pos.rest_of_line()):
        return None
    return error("python-if", pos.token_span)


def if_inside(pos: Position) -> CgError | None:
    """`y = 1 + if a then 1 else 2`"""
    if pos.kind == "IF" and pos.previous_kind in OPERATORS - {"EQUAL"}:
        return error("if-needs-brackets", pos.token_span)
    return None


def statement_after_block(pos: Position) -> CgError | None:
    """`if a { x = 1 } y = 2`"""
    if pos.previous_kind != "RBRACE" or pos.kind in ENDS or pos.begins_line:
        return None
    if pos.kind in VALUE_BEGINS or (not pos.statement and pos.kind not in OPERATORS | {"COMMA", "COLON"}):
        return error("statement-after-block", pos.token_span)
    return None


def loop_head(pos: Position) -> CgError | None:
    """`for i, x in xs`, `for (i in xs)`, `for i = 0..3`"""
    if pos.head != "FOR":
        return None
    if pos.kind == "COMMA" and len(pos.statement) == 2:
        return error("loop-of-two", pos.token_span)
    if pos.kind == "LPAR" and pos.previous_kind == "FOR":
        return error("loop-in-brackets", pos.token_span)
    if pos.kind != "IN" and len(pos.statement) == 2 and pos.previous_kind == "NAME":
        return error("loop-without-in", pos.token_span, name=pos.previous)
    return None


def body_missing(pos: Position) -> CgError | None:
    """`while x > 0` and a new line, `for i in 0..3 x = 1`"""
    if pos.head not in ("FOR", "WHILE") or pos.previous_kind not in VALUE_ENDS or pos.in_brackets:
        return None
    if pos.kind in VALUE_BEGINS and pos.adjacent:
        return None
    word = HEADS[pos.head]
    if pos.kind == "COLON":
        return error("block-after-colon", pos.token_span, word=word)
    if pos.kind in ENDS | VALUE_BEGINS | {"IF", "FOR", "WHILE", "RETURN", "SEMICOLON", "ASSERT", "RBRACE"}:
        return error("block-missing", pos.token_span, pos.label(pos.statement[0], "head"), word=word)
    return None


def function_head(pos: Position) -> CgError | None:
    """`fn (x) = x`, `fn f x = 2`, `fn f(x) return x`, `fn f(x) = { … }`, `fn f(x): …`"""
    if pos.head != "FN":
        return None
    count = len(pos.statement)
    if count == 1:
        return error("function-without-name", pos.token_span) if pos.kind in ("LPAR", "EQUAL", *ENDS) else None
    if pos.in_brackets:
        return error("parameter-name-expected", pos.token_span) if pos.previous_kind in ("LPAR", "COMMA") else None
    if count == 2 and pos.previous_kind == "NAME":
        return error("parameters-missing", pos.token_span, name=pos.previous)
    if count == 2 and pos.kind == "COLON":
        return error("block-after-colon", pos.token_span, word="fn")
    if pos.kind == "LBRACE" and pos.previous_kind == "EQUAL":
        return error("equals-before-block", pos.token_span)
    if count == 2 and pos.previous_kind == "RPAR":
        return error("function-without-body", pos.token_span, name=pos.statement[1])
    return None


# an `if` without its `then` is tried before the rules for the refused token alone
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
