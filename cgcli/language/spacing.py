"""Where the canonical layout has a space between two tokens of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Token

OPENERS = frozenset({"LPAR", "LSQB"})
CLOSERS = frozenset({"RPAR", "RSQB"})
# what may stand before a binary operator, and before a bracket that calls or indexes
ENDS = frozenset({"NAME", "INT", "FLOAT", "STRING", "TRUE", "FALSE", *CLOSERS})
TIGHT = frozenset({"DOT", "RANGE", "CARET", "POWER"})


def spaces(tokens: Iterable[Token], begins: Iterable[bool]) -> Iterator[str]:
    """What stands before each token where it follows another one of its statement: a space or nothing.

    begins: whether a token begins a statement.
    """
    before: Token | None = None
    function = False  # whether `before` is the name behind `fn`
    brackets: list[str] = []  # those that are open: "LPAR", "LSQB", or "fn" around parameters
    tight = True  # whether nothing stands behind `before`
    for token, first in zip(tokens, begins, strict=True):
        kind = token.type
        if first:
            before, tight = None, True
        inner = brackets[-1] if brackets else ""
        joined = (
            tight
            or kind in CLOSERS
            or kind in TIGHT
            or kind == "COMMA"
            or (kind == "COLON" and before is not None and before.type != "COMMA")
            or (kind in OPENERS and before is not None and before.type in ENDS)
            or (kind == "EQUAL" and inner == "LPAR")
        )
        yield "" if joined and not (before is not None and _would_merge(before, token)) else " "
        tight = (
            kind in OPENERS
            or kind in TIGHT
            or (kind == "COLON" and inner == "LSQB")
            or (kind == "EQUAL" and inner == "LPAR")
            or (kind == "MINUS" and (before is None or before.type not in ENDS))
        )
        if kind in OPENERS:
            brackets.append("fn" if function else kind)
        elif kind in CLOSERS and brackets:
            brackets.pop()
        function = kind == "NAME" and before is not None and before.type == "FN"
        before = token


def _would_merge(before: Token, token: Token) -> bool:
    """Whether two tokens without a space between them would be read as others: `1. ..2`, `0.. .5`, `2 .x`."""
    if before.type == "INT":
        return token.type == "DOT"
    if before.type == "FLOAT":
        return before.endswith(".") and token.type in ("DOT", "RANGE")
    return before.type == "RANGE" and token.type in ("FLOAT", "DOT", "ELLIPSIS") and token.startswith(".")
