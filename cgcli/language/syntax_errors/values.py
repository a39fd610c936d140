"""Values and names where there are too many or too few of them."""

from __future__ import annotations

import re

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.language.builtins import NAMES

from .position import DECLARES, ENDS, VALUE_BEGINS, VALUE_ENDS, Position

TYPES = frozenset({"float", "f64", "f32", "int", "i64", "i32", "bool", "any"})
BASED = re.compile(r"0([xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)")
EXPECTED = {
    "INPUT": "the input's name",
    "PARAM": "the param's name",
    "OUTPUT": "the name of a value",
    "IMPORT": 'a file in double quotes, such as `"layers.cg"`, or a library\'s name',
    "AS": "a name",
    "FN": "the function's name",
    "FOR": "a name",
    "DOT": "a name",
    "COLON": "a type",
    "RETURN": "a value",
    "ASSERT": "a condition",
    "IN": "a value",
    "THEN": "a value",
    "ELSE": "a value or `{`",
    "COMMA": "one more after the `,`",
}


def bad_number(pos: Position) -> CgError | None:
    """`1_`, `1__0`, `0x1F`, `2.5.3`"""
    previous, token = pos.previous, pos.token
    if previous is None or pos.previous_kind not in ("INT", "FLOAT") or not pos.adjacent:
        return None
    if pos.kind == "NAME":
        whole = f"{previous}{token}"
        if BASED.fullmatch(whole):
            value = int(whole, 0) if len(whole) < 20 else None
            return error("bad-number", pos.span(previous, token), number=whole, decimal=value)
        if not token.startswith("_"):
            return None
    elif pos.kind not in ("INT", "FLOAT"):
        return None
    last = token
    for adjacent in pos.tokens[pos.index + 1 :]:
        if adjacent.type not in ("INT", "FLOAT", "NAME") or adjacent.start_pos != last.end_pos:
            break
        last = adjacent
    span = pos.span(previous, last)
    return error("bad-number", span, number=span.text)


def product(pos: Position) -> CgError | None:
    """`2x`"""
    if pos.kind != "NAME" or pos.previous_kind not in ("INT", "FLOAT") or pos.previous is None:
        return None
    return error("product-without-star", pos.span(pos.previous, pos.token), left=pos.previous, right=pos.token)


def declaration(pos: Position) -> CgError | None:
    """`x : float`, `input x float`, `input x, y`, `output 2*x`, `import a.b`"""
    statement, count, previous = pos.statement, len(pos.statement), pos.previous
    if pos.kind == "COLON" and count == 1 and pos.previous_kind == "NAME" and not pos.in_brackets:
        return error("declaration-without-word", pos.span(statement[0]), name=previous)
    if pos.head in ("INPUT", "PARAM") and not pos.in_brackets:
        word = str(statement[0])
        if pos.kind == "COMMA":
            return error("one-declaration-each", pos.token_span, word=word)
        if count == 2 and pos.kind == "NAME":
            type_ = pos.token if pos.token in TYPES else None
            return error("type-without-colon", pos.token_span, word=word, name=previous, type=type_)
    if pos.head == "OUTPUT" and pos.previous_kind in ("OUTPUT", "COMMA") and pos.kind in VALUE_BEGINS | {"MINUS"}:
        return error("output-needs-name", pos.token_span)
    if pos.head == "IMPORT" and pos.kind == "DOT":
        return error("import-with-dot", pos.token_span)
    return None


def message_of_assert(pos: Position) -> CgError | None:
    """`assert a, b`"""
    if pos.head == "ASSERT" and pos.previous_kind == "COMMA" and not pos.in_brackets and pos.kind != "STRING":
        return error("assert-message", pos.token_span)
    return None


def side_by_side(pos: Position) -> CgError | None:
    """`sin x`, `a b`, `f(a b)`, `x.5`"""
    previous = pos.previous
    if previous is None or pos.previous_kind not in VALUE_ENDS or pos.kind not in VALUE_BEGINS or pos.begins_line:
        return None
    if pos.previous_kind == "NAME" and str(previous) in NAMES:
        argument = pos.token if pos.kind in ("NAME", "INT", "FLOAT") else "…"
        return error("call-without-brackets", pos.span(previous, pos.token), name=previous, argument=argument)
    if pos.previous_kind == "NAME" and pos.kind == "FLOAT" and pos.adjacent and pos.token.startswith("."):
        return error("field-is-number", pos.span(previous, pos.token), name=previous, digits=pos.token[1:])
    if pos.head in DECLARES | {"RETURN"} and not pos.in_brackets and pos.last("EQUAL") is None:
        several = pos.head in ("OUTPUT", "RETURN") or None
        return error("declaration-complete", pos.token_span, word=pos.statement[0], separator="," if several else None)
    if pos.in_brackets:
        return error("comma-missing", pos.token_span, pos.label(previous, "before"))
    product = f"{previous} * {pos.token}" if previous.type in ("NAME", "INT", "FLOAT") else None
    call = f"{previous}({pos.token})" if previous.type == "NAME" else None
    return error("side-by-side", pos.token_span, pos.label(previous, "before"), product=product, call=call)


def comma(pos: Position) -> CgError | None:
    """`x[1,,2]`, `f(,)`, `y = 1, 2`, `y = 1,5`, `(a, b)`, `(a; b)`"""
    if pos.kind == "SEMICOLON" and pos.in_brackets:
        return error("semicolon-in-brackets", pos.token_span)
    if pos.kind != "COMMA":
        return None
    if pos.previous_kind in ("COMMA", "LPAR", "LSQB"):
        return error("value-missing-before", pos.token_span, token=",")
    decimal = _decimal_comma(pos)
    if decimal is not None:
        return decimal
    pair = pos.in_brackets and pos.bracket is not None and pos.bracket.type == "LPAR"
    if pair or (pos.head in VALUE_BEGINS and not pos.in_brackets):
        return error("several-values", pos.token_span)
    return None


def _decimal_comma(pos: Position) -> CgError | None:
    """`y = 3,5 * x`"""
    digits, previous = pos.following, pos.previous
    if previous is None or digits is None or pos.previous_kind != "INT" or not pos.adjacent:
        return None
    if digits.type != "INT" and (digits.type != "FLOAT" or "." in digits):  # `1,5e3`
        return None
    if digits.start_pos != pos.token.end_pos:
        return None
    return error("decimal-comma", pos.span(previous, digits), write=f"{previous}.{digits}")


def unpack_of_one(pos: Position) -> CgError | None:
    """`h, = f(x)`"""
    if pos.kind == "EQUAL" and pos.previous_kind == "COMMA" and not pos.in_brackets:
        return error("name-missing-after-comma", pos.token_span)
    return None


def nothing_before(pos: Position) -> CgError | None:
    """`= 2`, `, b`, `.x`"""
    if pos.statement or pos.kind not in ("EQUAL", "COMMA", "COLON", "DOT", "ELLIPSIS"):
        return None
    return error("value-missing-before", pos.token_span, token=pos.token)


def too_early(pos: Position) -> CgError | None:
    """`return`, `import "a" as`, `output`, and other unfinished statements"""
    previous = pos.previous
    if previous is None or not pos.statement:
        return None
    if pos.previous_kind in EXPECTED and pos.kind in ENDS | {"SEMICOLON", "RBRACE", "RPAR", "RSQB", "EQUAL", "LBRACE"}:
        return error("something-missing", pos.token_span, before=previous, expected=EXPECTED[pos.previous_kind])
    type_expected = pos.previous_kind == "COLON" and pos.head in DECLARES and len(pos.statement) == 3
    if (pos.previous_kind in DECLARES | {"AS", "FOR", "DOT"} or type_expected) and pos.kind not in ENDS:
        return error("not-this-here", pos.token_span, expected=EXPECTED[pos.previous_kind], token=pos.token)
    if pos.kind in ENDS:
        return error("statement-unfinished", pos.token_span, before=previous)
    return None


def empty(pos: Position) -> CgError | None:
    """A text without a single token, where one expression is expected."""
    return error("empty-value", pos.token_span) if pos.previous is None and pos.kind in ENDS else None


BEFORE_OPERATORS = (bad_number, product, unpack_of_one)
RULES = (
    declaration,
    message_of_assert,
    side_by_side,
    comma,
    nothing_before,
    too_early,
    empty,
)
