"""Values and names where there are too many or too few of them."""

from __future__ import annotations

import re

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.language.builtins import NAMES

from .place import DECLARES, ENDS, VALUE_BEGINS, VALUE_ENDS, Place

TYPES = frozenset({"float", "f64", "f32", "int", "i64", "i32", "bool", "any"})
BASED = re.compile(r"0([xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)")
WANTED = {
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


def bad_number(place: Place) -> CgError | None:
    """`1_`, `1__0`, `0x1F`, `2.5.3`"""
    before, found = place.before, place.found
    if before is None or place.previous not in ("INT", "FLOAT") or not place.adjacent:
        return None
    if place.kind == "NAME":
        whole = f"{before}{found}"
        if BASED.fullmatch(whole):
            value = int(whole, 0) if len(whole) < 20 else None
            return error("bad-number", place.span(before, found), number=whole, decimal=value)
        if not found.startswith("_"):
            return None
    elif place.kind not in ("INT", "FLOAT"):
        return None
    last = found
    for token in place.tokens[place.at + 1 :]:
        if token.type not in ("INT", "FLOAT", "NAME") or token.start_pos != last.end_pos:
            break
        last = token
    span = place.span(before, last)
    return error("bad-number", span, number=span.text)


def product(place: Place) -> CgError | None:
    """`2x`"""
    if place.kind != "NAME" or place.previous not in ("INT", "FLOAT") or place.before is None:
        return None
    return error("product-without-star", place.span(place.before, place.found), left=place.before, right=place.found)


def declaration(place: Place) -> CgError | None:
    """`x : float`, `input x float`, `input x, y`, `output 2*x`, `import a.b`"""
    statement, count, before = place.statement, len(place.statement), place.before
    if place.kind == "COLON" and count == 1 and place.previous == "NAME" and not place.in_brackets:
        return error("declaration-without-word", place.span(statement[0]), name=before)
    if place.head in ("INPUT", "PARAM") and not place.in_brackets:
        word = str(statement[0])
        if place.kind == "COMMA":
            return error("one-declaration-each", place.here, word=word)
        if count == 2 and place.kind == "NAME":
            found = str(place.found)
            kind = found if found in TYPES else None
            return error("type-without-colon", place.here, word=word, name=before, found=found, type=kind)
    if place.head == "OUTPUT" and place.previous in ("OUTPUT", "COMMA") and place.kind in VALUE_BEGINS | {"MINUS"}:
        return error("output-needs-name", place.here)
    if place.head == "IMPORT" and place.kind == "DOT":
        return error("import-with-dot", place.here)
    return None


def message_of_assert(place: Place) -> CgError | None:
    """`assert a, b`"""
    if place.head == "ASSERT" and place.previous == "COMMA" and not place.in_brackets and place.kind != "STRING":
        return error("assert-message", place.here)
    return None


def side_by_side(place: Place) -> CgError | None:
    """`sin x`, `a b`, `f(a b)`, `x.5`"""
    before = place.before
    if before is None or place.previous not in VALUE_ENDS or place.kind not in VALUE_BEGINS or place.begins_line:
        return None
    if place.previous == "NAME" and str(before) in NAMES:
        argument = place.found if place.kind in ("NAME", "INT", "FLOAT") else "…"
        return error("call-without-brackets", place.span(before, place.found), name=before, argument=argument)
    if place.previous == "NAME" and place.kind == "FLOAT" and place.adjacent and place.found.startswith("."):
        return error("field-is-number", place.span(before, place.found), name=before, digits=place.found[1:])
    if place.head in DECLARES | {"RETURN"} and not place.in_brackets and place.last("EQUAL") is None:
        several = place.head in ("OUTPUT", "RETURN") or None
        return error("declaration-complete", place.here, word=place.statement[0], separator="," if several else None)
    if place.in_brackets:
        return error("comma-missing", place.here, place.label(before, "before"))
    product = f"{before} * {place.found}" if before.type in ("NAME", "INT", "FLOAT") else None
    call = f"{before}({place.found})" if before.type == "NAME" else None
    return error("side-by-side", place.here, place.label(before, "before"), product=product, call=call)


def comma(place: Place) -> CgError | None:
    """`x[1,,2]`, `f(,)`, `y = 1, 2`, `y = 1,5`, `(a, b)`, `(a; b)`"""
    if place.kind == "SEMICOLON" and place.in_brackets:
        return error("semicolon-in-brackets", place.here)
    if place.kind != "COMMA":
        return None
    if place.previous in ("COMMA", "LPAR", "LSQB"):
        return error("value-missing-before", place.here, found=",")
    decimal = _decimal_comma(place)
    if decimal is not None:
        return decimal
    pair = place.in_brackets and place.bracket is not None and place.bracket.type == "LPAR"
    if pair or (place.head in VALUE_BEGINS and not place.in_brackets):
        return error("several-values", place.here)
    return None


def _decimal_comma(place: Place) -> CgError | None:
    """`y = 3,5 * x`"""
    digits = place.tokens[place.at + 1] if place.at + 1 < len(place.tokens) else None
    before = place.before
    if before is None or digits is None or place.previous != "INT" or not place.adjacent:
        return None
    if digits.type != "INT" and (digits.type != "FLOAT" or "." in digits):  # `1,5e3`
        return None
    if digits.start_pos != place.found.end_pos:
        return None
    return error("decimal-comma", place.span(before, digits), write=f"{before}.{digits}")


def unpack_of_one(place: Place) -> CgError | None:
    """`h, = f(x)`"""
    if place.kind == "EQUAL" and place.previous == "COMMA" and not place.in_brackets:
        return error("name-missing-after-comma", place.here)
    return None


def nothing_before(place: Place) -> CgError | None:
    """`= 2`, `, b`, `.x`"""
    if place.statement or place.kind not in ("EQUAL", "COMMA", "COLON", "DOT", "ELLIPSIS"):
        return None
    return error("value-missing-before", place.here, found=place.found)


def too_early(place: Place) -> CgError | None:
    """`return`, `import "a" as`, `output`, and what else stops in the middle"""
    before = place.before
    if before is None or not place.statement:
        return None
    if place.previous in WANTED and (place.kind in ENDS | {"SEMICOLON", "RBRACE", "RPAR", "RSQB", "EQUAL", "LBRACE"}):
        return error("something-missing", place.here, before=before, wanted=WANTED[place.previous])
    type_wanted = place.previous == "COLON" and place.head in DECLARES and len(place.statement) == 3
    if (place.previous in DECLARES | {"AS", "FOR", "DOT"} or type_wanted) and place.kind not in ENDS:
        return error("not-this-here", place.here, wanted=WANTED[place.previous], found=place.found)
    if place.kind in ENDS:
        return error("statement-unfinished", place.here, before=before)
    return None


def empty(place: Place) -> CgError | None:
    """A text without a single token, where one expression is wanted."""
    return error("empty-value", place.here) if place.before is None and place.kind in ENDS else None


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
