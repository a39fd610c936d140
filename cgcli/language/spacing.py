"""The spaces between tokens of a line in the canonical layout."""

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
    """The space before each token that follows another one of its statement, or an empty text.

    begins: whether a token begins a statement.
    """
    previous: Token | None = None
    after_fn = False  # whether `previous` is the name behind `fn`
    brackets: list[str] = []  # those that are open: "LPAR", "LSQB", or "fn" around parameters
    tight = True  # whether no space follows `previous`
    for token, first in zip(tokens, begins, strict=True):
        kind = token.type
        if first:
            previous, tight = None, True
        inner = brackets[-1] if brackets else ""
        joined = (
            tight
            or kind in CLOSERS
            or kind in TIGHT
            or kind == "COMMA"
            or (kind == "COLON" and previous is not None and previous.type != "COMMA")
            or (kind in OPENERS and previous is not None and previous.type in ENDS)
            or (kind == "EQUAL" and inner == "LPAR")
        )
        yield "" if joined and not (previous is not None and _would_merge(previous, token)) else " "
        tight = (
            kind in OPENERS
            or kind in TIGHT
            or (kind == "COLON" and inner == "LSQB")
            or (kind == "EQUAL" and inner == "LPAR")
            or (kind == "MINUS" and (previous is None or previous.type not in ENDS))
        )
        if kind in OPENERS:
            brackets.append("fn" if after_fn else kind)
        elif kind in CLOSERS and brackets:
            brackets.pop()
        after_fn = kind == "NAME" and previous is not None and previous.type == "FN"
        previous = token


def _would_merge(previous: Token, token: Token) -> bool:
    """Whether two tokens without a space between them would be lexed differently: `1. ..2`, `0.. .5`, `2 .x`."""
    if previous.type == "INT":
        return token.type == "DOT"
    if previous.type == "FLOAT":
        return previous.endswith(".") and token.type in ("DOT", "RANGE")
    return previous.type == "RANGE" and token.type in ("FLOAT", "DOT", "ELLIPSIS") and token.startswith(".")
