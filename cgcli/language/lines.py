"""Between lexer and parser: the newlines that end a statement, and errors in single tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Token

CLOSES = {"RPAR": "LPAR", "RSQB": "LSQB", "RBRACE": "LBRACE"}
OPENS = frozenset(CLOSES.values())
CONTINUES = frozenset({"ELSE", "THEN", "LBRACE"})
ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


class Mistake(Exception):
    """A token that the grammar would accept and the language does not: a code for the wording, and the token."""

    def __init__(self, code: str, token: Token) -> None:
        super().__init__(code)
        self.code = code
        self.token = token


class Lines:
    """The post-lexer. It holds no state between parses."""

    always_accept: tuple[str, ...] = ()  # of interest to the contextual lexer only

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The tokens for the parser. Raises Mistake for one that is wrong by itself."""
        # the kinds of the last two tokens; a file begins like a block
        before_previous, previous = "", "LBRACE"
        for token in statement_lines(stream):
            kind = token.type
            if kind == "MINUS" and previous == "_NL" and before_previous not in ("LBRACE", "SEMICOLON"):
                raise Mistake("line-begins-with-minus", token)
            _check(token)
            yield token
            before_previous, previous = previous, kind


def statement_lines(stream: Iterable[Token]) -> Iterator[Token]:
    """The tokens without the newlines that end no statement: those inside ( ) [ ], before `else`, `then` and `{`, and
    all but the first of several."""
    brackets: list[str] = []
    newline: Token | None = None  # one newline, until the next token
    for token in stream:
        kind = token.type
        if kind == "_NL":
            if newline is None and (not brackets or brackets[-1] == "LBRACE"):
                newline = token
            continue
        if newline is not None:
            if kind not in CONTINUES:
                yield newline
            newline = None
        if kind in OPENS:
            brackets.append(kind)
        elif kind in CLOSES and brackets and brackets[-1] == CLOSES[kind]:
            brackets.pop()
        yield token
    if newline is not None:
        yield newline


def _check(token: Token) -> None:
    if token.type == "NAME":
        # as written, before NFKC: that would make a name `x2` of `x²`
        if not token.isascii() and not token.isidentifier():
            raise Mistake("bad-name", token)
    elif token.type == "STRING" and "\\" in token and bad_escape(token) is not None:
        raise Mistake("bad-escape", token)


def bad_escape(token: Token) -> int | None:
    """The position within a string literal of a backslash that begins no escape."""
    at = token.find("\\")
    while at >= 0:
        if token[at + 1] not in ESCAPES:
            return at
        at = token.find("\\", at + 2)
    return None
