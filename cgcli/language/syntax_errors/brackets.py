"""Brackets that do not match, are not closed, or hold what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError, Label, error
from cgcli.language.lines import CLOSES, OPENS

from .position import ENDS, Position

if TYPE_CHECKING:
    from lark import Token

PAIRS = {"LPAR": ")", "LSQB": "]", "LBRACE": "}"}


def mismatched(pos: Position) -> CgError | None:
    """`(a + b]`"""
    bracket = pos.bracket
    if pos.kind not in CLOSES or bracket is None or bracket.type == CLOSES[pos.kind]:
        return None
    return error(
        "bracket-mismatch",
        pos.token_span,
        pos.label(bracket, "opened"),
        bracket=pos.token,
        opener=bracket,
        closer=PAIRS[bracket.type],
    )


def closes_nothing(pos: Position) -> CgError | None:
    """`a + b)`"""
    if pos.kind not in CLOSES or pos.open_brackets:
        return None
    return error("closes-nothing", pos.token_span, bracket=pos.token)


def unclosed(pos: Position) -> CgError | None:
    """A bracket that the rest of the text does not close, detected at its end, on a later line or at a `{`."""
    bracket = pos.bracket
    if bracket is None:
        return None
    same_line = pos.token_span.line == pos.span(bracket).line and pos.kind != "LBRACE"
    if pos.kind != "$END" and (bracket.type == "LBRACE" or same_line):
        return None
    if _closed_later(pos, len(pos.open_brackets)):
        return None
    noticed = None if pos.kind in ENDS else Label(pos.token_span, "noticed")
    return error("unclosed-bracket", pos.span(bracket), noticed, opener=bracket, closer=PAIRS[bracket.type])


def _closed_later(pos: Position, depth: int) -> bool:
    outer = depth - 1
    for token in pos.tokens[pos.index :]:
        if token.type in OPENS:
            depth += 1
        elif token.type in CLOSES:
            depth -= 1
            if depth == outer:
                return True
    return False


def nothing_inside(pos: Position) -> CgError | None:
    """`y = ()`, `x[]`"""
    bracket = pos.bracket
    if bracket is None or pos.previous is not bracket or pos.kind not in ("RPAR", "RSQB"):
        return None
    return error("empty-brackets", pos.span(bracket, pos.token))


def brace_for_tensor(pos: Position) -> CgError | None:
    """`y = {1, 2}`"""
    if pos.kind != "LBRACE" or pos.head in ("IF", "FOR", "WHILE", "FN"):
        return None
    if pos.previous_kind in ("EQUAL", "LPAR", "COMMA", "LSQB"):
        return error("brace-in-expression", pos.token_span)
    return error("stray-block", pos.token_span)


def slice_of_four(pos: Position) -> CgError | None:
    """`x[1:2:3:4]`"""
    if pos.kind != "COLON" or pos.bracket is None or pos.bracket.type != "LSQB":
        return None
    colons: list[Token] = []
    for token in reversed(pos.statement):
        if token.type in ("COMMA", "LSQB"):
            break
        if token.type == "COLON":
            colons.append(token)
    return error("slice-of-four", pos.token_span) if len(colons) >= 2 else None


RULES = (mismatched, closes_nothing, unclosed, nothing_inside, brace_for_tensor, slice_of_four)
