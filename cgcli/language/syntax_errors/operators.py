"""Operators of other languages, and operators that lack a side."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .position import ARITHMETIC, ENDS, KEYWORDS, OPERATORS, VALUE_BEGINS, VALUE_ENDS, Position

# pairs of tokens that are one operator in other languages
PAIRS = {
    ("=", ">"): ">=",
    ("=", "<"): "<=",
    ("<", ">"): "!=",
    ("==", "="): "==",
    ("!=", "="): "!=",
    (":", "="): "=",
}


def foreign_pair(pos: Position) -> CgError | None:
    """`a <> b`, `x := 2`, `a === b`"""
    if pos.previous is None or not pos.adjacent:
        return None
    pair = f"{pos.previous}{pos.token}"
    write = PAIRS.get((str(pos.previous), str(pos.token)))
    if write is None:
        return None
    return error("foreign-operator", pos.span(pos.previous, pos.token), operator=pair, write=write)


def walrus(pos: Position) -> CgError | None:
    """`x := 2`: the refused token is the colon."""
    following = pos.following
    if pos.kind != "COLON" or following is None or following.type != "EQUAL":
        return None
    if following.start_pos != pos.token.end_pos:
        return None
    return error("foreign-operator", pos.span(pos.token, following), operator=":=", write="=")


def augmented(pos: Position) -> CgError | None:
    """`x += 1`"""
    if pos.kind != "EQUAL" or pos.previous_kind not in ARITHMETIC or pos.previous is None or not pos.adjacent:
        return None
    operator = str(pos.previous)
    span = pos.span(pos.previous, pos.token)
    if len(pos.statement) != 2 or pos.statement[0].type != "NAME":
        return error("augmented", span, operator=operator)
    begin, end = pos.span(pos.statement[0]).start, pos.span(pos.previous).start
    name = pos.source.text[begin:end].strip()  # with an index, if it has one
    _, *value = pos.rest_of_line()
    write = f"{name} = {name} {operator} {value[0] if len(value) == 1 else '…'}"
    return error("augmented", span, operator=operator, write=write)


def counted_up(pos: Position) -> CgError | None:
    """`x++`, `x--`"""
    if pos.previous is None or pos.previous_kind not in ("PLUS", "MINUS") or len(pos.statement) not in (2, 3):
        return None
    name, *signs = pos.statement
    if pos.kind == "PLUS" and pos.adjacent and pos.previous_kind == "PLUS":
        signs = [*signs, pos.token]
    elif pos.kind not in ENDS:
        return None
    if name.type != "NAME" or len(signs) != 2 or signs[0].end_pos != signs[1].start_pos:
        return None
    sign = str(signs[0])
    if str(signs[1]) != sign:
        return None
    return error("counted-up", pos.span(*signs), operator=sign + sign, write=f"{name} = {name} {sign} 1")


def comment(pos: Position) -> CgError | None:
    """`// a comment`, `y = x // a comment`, `/* a comment */`"""
    previous = pos.previous
    if pos.kind == "FLOOR" and (pos.begins_line or previous is None):
        return error("foreign-comment", pos.token_span, sign="//")
    if pos.kind == "SLASH" and pos.source.text.startswith("/*", pos.token_span.start):
        return error("foreign-comment", pos.token_span, sign="/*")
    if pos.kind == "STAR" and pos.previous_kind == "SLASH" and pos.adjacent and previous is not None:
        return error("foreign-comment", pos.span(previous, pos.token), sign="/*")
    slashes = pos.last("FLOOR")
    words = pos.kind in VALUE_BEGINS and pos.previous_kind in VALUE_ENDS and not pos.adjacent
    if slashes is not None and words and not pos.begins_line and not pos.in_brackets:
        return error("foreign-comment", pos.span(slashes), sign="//")
    return None


def second_range(pos: Position) -> CgError | None:
    """`0..1..2`, `0...5`"""
    if pos.kind == "RANGE" and pos.last("RANGE") is not None and pos.previous_kind in VALUE_ENDS:
        return error("range-of-three", pos.token_span)
    if pos.kind == "ELLIPSIS" and pos.previous_kind in VALUE_ENDS:
        return error("foreign-operator", pos.token_span, operator="...", write="..")
    return None


def unary_plus(pos: Position) -> CgError | None:
    """`y = +x`, and a line that begins with `+`"""
    if pos.kind not in OPERATORS - {"NOT", "EQUAL"} or (pos.previous_kind == "EQUAL" and pos.kind != "PLUS"):
        return None
    if pos.begins_line and pos.previous_kind not in ("LBRACE", ""):
        return error("line-begins-with-operator", pos.token_span, operator=pos.token)
    if pos.kind == "PLUS" and pos.previous_kind not in VALUE_ENDS:
        return error("unary-plus", pos.token_span)
    return None


def not_needs_brackets(pos: Position) -> CgError | None:
    """`a == not b`"""
    if pos.kind != "NOT" or pos.previous_kind not in OPERATORS:
        return None
    return error("not-needs-brackets", pos.token_span, operator=pos.previous)


def side_missing(pos: Position) -> CgError | None:
    """`a + * b`, `a +` at the end of a line, `x = = 2`, `* b` at the beginning"""
    previous = pos.previous
    if pos.kind in ENDS | {"SEMICOLON"} and previous is not None and pos.statement:
        if pos.previous_kind in OPERATORS:
            return error("line-ends-early", pos.span(previous), before=previous)
        return None
    if pos.kind not in OPERATORS | {"RPAR", "RSQB", "RBRACE", "COMMA", "THEN", "ELSE", "LBRACE", "COLON"}:
        return None
    if previous is not None and pos.statement and pos.previous_kind in OPERATORS:
        return error(
            "value-missing-between", pos.token_span, pos.label(previous, "before"), before=previous, token=pos.token
        )
    if pos.kind in OPERATORS - {"NOT"} and (not pos.statement or pos.previous_kind in KEYWORDS | {"LPAR", "COMMA"}):
        return error("value-missing-before", pos.token_span, token=pos.token)
    return None


def target(pos: Position) -> CgError | None:
    """`x == 2 = y`, `y = a = b`"""
    if pos.kind != "EQUAL" or pos.previous_kind not in VALUE_ENDS:
        return None
    equals = pos.last("EQUAL")
    if equals is not None and not pos.in_brackets:
        return error("assigned-twice", pos.token_span, pos.label(equals, "first"))
    if pos.in_brackets:
        return error("equals-in-expression", pos.token_span)
    return error("assign-to-expression", pos.span(pos.statement[0], pos.previous)) if pos.statement else None


# one operator in other languages: tried before the rules for its parts
LONGER = (comment, foreign_pair, walrus, augmented, counted_up, second_range)
RULES = (unary_plus, not_needs_brackets, side_missing, target)
