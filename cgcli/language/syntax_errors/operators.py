"""Operators of other languages, and operators that lack a side."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import CgError, error

from .place import ARITHMETIC, ENDS, KEYWORDS, OPERATORS, VALUE_BEGINS, VALUE_ENDS, Place

# two tokens of ours that are one operator elsewhere
PAIRS = {
    ("=", ">"): ">=",
    ("=", "<"): "<=",
    ("<", ">"): "!=",
    ("==", "="): "==",
    ("!=", "="): "!=",
    (":", "="): "=",
}


def foreign_pair(place: Place) -> CgError | None:
    """`a <> b`, `x := 2`, `a === b`"""
    if place.before is None or not place.adjacent:
        return None
    pair = f"{place.before}{place.found}"
    write = PAIRS.get((str(place.before), str(place.found)))
    if write is None:
        return None
    return error("foreign-operator", place.span(place.before, place.found), found=pair, write=write)


def walrus(place: Place) -> CgError | None:
    """`x := 2`: what is refused is the colon."""
    following = place.tokens[place.at + 1] if place.at + 1 < len(place.tokens) else None
    if place.kind != "COLON" or following is None or following.type != "EQUAL":
        return None
    if following.start_pos != place.found.end_pos:
        return None
    return error("foreign-operator", place.span(place.found, following), found=":=", write="=")


def augmented(place: Place) -> CgError | None:
    """`x += 1`"""
    if place.kind != "EQUAL" or place.previous not in ARITHMETIC or place.before is None or not place.adjacent:
        return None
    operator = str(place.before)
    span = place.span(place.before, place.found)
    if len(place.statement) != 2 or place.statement[0].type != "NAME":
        return error("augmented", span, operator=operator)
    begin, end = place.span(place.statement[0]).start, place.span(place.before).start
    name = place.source.text[begin:end].strip()  # with an index, if it has one
    _, *value = place.rest_of_line()
    write = f"{name} = {name} {operator} {value[0] if len(value) == 1 else '…'}"
    return error("augmented", span, operator=operator, write=write)


def counted_up(place: Place) -> CgError | None:
    """`x++`, `x--`"""
    if place.before is None or place.previous not in ("PLUS", "MINUS") or len(place.statement) not in (2, 3):
        return None
    name, *signs = place.statement
    if place.kind == "PLUS" and place.adjacent and place.previous == "PLUS":
        signs = [*signs, place.found]
    elif place.kind not in ENDS:
        return None
    if name.type != "NAME" or len(signs) != 2 or signs[0].end_pos != signs[1].start_pos:
        return None
    sign = str(signs[0])
    if str(signs[1]) != sign:
        return None
    return error("counted-up", place.span(*signs), found=sign + sign, write=f"{name} = {name} {sign} 1")


def comment(place: Place) -> CgError | None:
    """`// a comment`, `y = x // a comment`, `/* a comment */`"""
    before = place.before
    if place.kind == "FLOOR" and (place.begins_line or before is None):
        return error("foreign-comment", place.here, found="//")
    if place.kind == "SLASH" and place.source.text.startswith("/*", place.here.start):
        return error("foreign-comment", place.here, found="/*")
    if place.kind == "STAR" and place.previous == "SLASH" and place.adjacent and before is not None:
        return error("foreign-comment", place.span(before, place.found), found="/*")
    slashes = place.last("FLOOR")
    words = place.kind in VALUE_BEGINS and place.previous in VALUE_ENDS and not place.adjacent
    if slashes is not None and words and not place.begins_line and not place.in_brackets:
        return error("foreign-comment", place.span(slashes), found="//")
    return None


def second_range(place: Place) -> CgError | None:
    """`0..1..2`, `0...5`"""
    if place.kind == "RANGE" and place.last("RANGE") is not None and place.previous in VALUE_ENDS:
        return error("range-of-three", place.here)
    if place.kind == "ELLIPSIS" and place.previous in VALUE_ENDS:
        return error("foreign-operator", place.here, found="...", write="..")
    return None


def unary_plus(place: Place) -> CgError | None:
    """`y = +x`, and a line that begins with `+`"""
    if place.kind not in OPERATORS - {"NOT", "EQUAL"} or (place.previous == "EQUAL" and place.kind != "PLUS"):
        return None
    if place.begins_line and place.previous not in ("LBRACE", ""):
        return error("line-begins-with-operator", place.here, operator=place.found)
    if place.kind == "PLUS" and place.previous not in VALUE_ENDS:
        return error("unary-plus", place.here)
    return None


def not_needs_brackets(place: Place) -> CgError | None:
    """`a == not b`"""
    if place.kind != "NOT" or place.previous not in OPERATORS:
        return None
    return error("not-needs-brackets", place.here, operator=place.before)


def side_missing(place: Place) -> CgError | None:
    """`a + * b`, `a +` at the end of a line, `x = = 2`, `* b` at the beginning"""
    before = place.before
    if place.kind in ENDS | {"SEMICOLON"} and before is not None and place.statement:
        if place.previous in OPERATORS:
            return error("line-ends-early", place.span(before), before=before)
        return None
    if place.kind not in OPERATORS | {"RPAR", "RSQB", "RBRACE", "COMMA", "THEN", "ELSE", "LBRACE", "COLON"}:
        return None
    if before is not None and place.statement and place.previous in OPERATORS:
        return error(
            "value-missing-between", place.here, place.label(before, "before"), before=before, found=place.found
        )
    if place.kind in OPERATORS - {"NOT"} and (not place.statement or place.previous in KEYWORDS | {"LPAR", "COMMA"}):
        return error("value-missing-before", place.here, found=place.found)
    return None


def target(place: Place) -> CgError | None:
    """`x == 2 = y`, `y = a = b`"""
    if place.kind != "EQUAL" or place.previous not in VALUE_ENDS:
        return None
    first = place.last("EQUAL")
    if first is not None and not place.in_brackets:
        return error("assigned-twice", place.here, place.label(first, "first"))
    if place.in_brackets:
        return error("equals-in-expression", place.here)
    return error("assign-to-expression", place.span(place.statement[0], place.before)) if place.statement else None


# written as one operator elsewhere: told before the parts are looked at
LONGER = (comment, foreign_pair, walrus, augmented, counted_up, second_range)
RULES = (unary_plus, not_needs_brackets, side_missing, target)
