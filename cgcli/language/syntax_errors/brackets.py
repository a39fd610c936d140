"""Brackets that do not match, are not closed, or hold what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError, Label, error
from cgcli.language.lines import CLOSES, OPENS

from .place import ENDS, Place

if TYPE_CHECKING:
    from lark import Token

PAIRS = {"LPAR": ")", "LSQB": "]", "LBRACE": "}"}


def mismatched(place: Place) -> CgError | None:
    """`(a + b]`"""
    bracket = place.bracket
    if place.kind not in CLOSES or bracket is None or bracket.type == CLOSES[place.kind]:
        return None
    return error(
        "bracket-mismatch",
        place.here,
        place.label(bracket, "opened"),
        found=place.found,
        opener=bracket,
        closer=PAIRS[bracket.type],
    )


def closes_nothing(place: Place) -> CgError | None:
    """`a + b)`"""
    if place.kind not in CLOSES or place.opened:
        return None
    return error("closes-nothing", place.here, found=place.found)


def unclosed(place: Place) -> CgError | None:
    """A bracket that the rest of the text does not close, noticed at its end, on a later line or at a `{`."""
    bracket = place.bracket
    if bracket is None:
        return None
    same_line = place.here.line == place.span(bracket).line and place.kind != "LBRACE"
    if place.kind != "$END" and (bracket.type == "LBRACE" or same_line):
        return None
    if _closed_later(place, len(place.opened)):
        return None
    noticed = None if place.kind in ENDS else Label(place.here, "noticed")
    return error("unclosed-bracket", place.span(bracket), noticed, opener=bracket, closer=PAIRS[bracket.type])


def _closed_later(place: Place, depth: int) -> bool:
    wanted = depth - 1
    for token in place.tokens[place.at :]:
        if token.type in OPENS:
            depth += 1
        elif token.type in CLOSES:
            depth -= 1
            if depth == wanted:
                return True
    return False


def nothing_inside(place: Place) -> CgError | None:
    """`y = ()`, `x[]`"""
    bracket = place.bracket
    if bracket is None or place.before is not bracket or place.kind not in ("RPAR", "RSQB"):
        return None
    return error("empty-brackets", place.span(bracket, place.found))


def brace_for_tensor(place: Place) -> CgError | None:
    """`y = {1, 2}`"""
    if place.kind != "LBRACE" or place.head in ("IF", "FOR", "WHILE", "FN"):
        return None
    if place.previous in ("EQUAL", "LPAR", "COMMA", "LSQB"):
        return error("brace-in-expression", place.here)
    return error("stray-block", place.here)


def slice_of_four(place: Place) -> CgError | None:
    """`x[1:2:3:4]`"""
    if place.kind != "COLON" or place.bracket is None or place.bracket.type != "LSQB":
        return None
    colons: list[Token] = []
    for token in reversed(place.statement):
        if token.type in ("COMMA", "LSQB"):
            break
        if token.type == "COLON":
            colons.append(token)
    return error("slice-of-four", place.here) if len(colons) >= 2 else None


RULES = (mismatched, closes_nothing, unclosed, nothing_inside, brace_for_tensor, slice_of_four)
