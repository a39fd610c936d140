"""The position of a syntax error: the refused token, the tokens before it, the brackets that are open there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError, Label
from cgcli.diagnostics.source import Source, Span
from cgcli.language.lines import CLOSES, OPENS

if TYPE_CHECKING:
    from lark import Token

VALUE_ENDS = frozenset({"NAME", "INT", "FLOAT", "STRING", "RPAR", "RSQB", "TRUE", "FALSE"})
VALUE_BEGINS = frozenset({"NAME", "INT", "FLOAT", "STRING", "TRUE", "FALSE", "LPAR", "LSQB"})
ARITHMETIC = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "AT", "CARET", "POWER"})
OPERATORS = ARITHMETIC | {"COMPARE", "RANGE", "AND", "OR", "NOT", "EQUAL"}
DECLARES = frozenset({"INPUT", "PARAM", "OUTPUT", "IMPORT", "FN"})
KEYWORDS = DECLARES | {
    *("AND", "OR", "NOT", "IF", "THEN", "ELSE", "FOR", "WHILE", "IN"),
    *("RETURN", "AS", "ASSERT", "TRUE", "FALSE"),
}
ENDS = frozenset({"_NL", "$END"})


@dataclass(frozen=True)
class Position:
    """tokens: as the parser saw them, and some more behind `index`, the number of the token that it refused."""

    source: Source
    tokens: Sequence[Token]
    index: int

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def kind(self) -> str:
        return self.token.type

    @cached_property
    def previous(self) -> Token | None:
        """The last token before the refused one that is no newline."""
        return next((t for t in reversed(self.tokens[: self.index]) if t.type != "_NL"), None)

    @property
    def previous_kind(self) -> str:
        """The kind of the previous token; empty at the beginning."""
        return "" if self.previous is None else self.previous.type

    @property
    def begins_line(self) -> bool:
        """Whether a newline that ends a statement stands right before."""
        return self.index > 0 and self.tokens[self.index - 1].type == "_NL"

    @property
    def adjacent(self) -> bool:
        """Whether nothing stands between the previous token and the refused one."""
        return self.previous is not None and self.previous.end_pos == self.token.start_pos

    @property
    def following(self) -> Token | None:
        """The token behind the refused one."""
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @cached_property
    def open_brackets(self) -> list[Token]:
        """The brackets that are open, the innermost last."""
        stack: list[Token] = []
        for token in self.tokens[: self.index]:
            if token.type in OPENS:
                stack.append(token)
            elif token.type in CLOSES and stack and stack[-1].type == CLOSES[token.type]:
                stack.pop()
        return stack

    @property
    def bracket(self) -> Token | None:
        """The innermost open bracket."""
        return self.open_brackets[-1] if self.open_brackets else None

    @property
    def in_brackets(self) -> bool:
        """Whether the position is inside ( ) or [ ]."""
        return self.bracket is not None and self.bracket.type != "LBRACE"

    @cached_property
    def statement(self) -> list[Token]:
        """The tokens of the statement before the position, without closed brackets and their contents."""
        tokens: list[Token] = []
        depth = 0
        for token in reversed(self.tokens[: self.index]):
            if token.type in CLOSES:
                depth += 1
                if token.type == "RBRACE" and depth == 1 and not self._continues(tokens):
                    break
            elif token.type in OPENS and depth:
                depth -= 1
            elif depth:
                continue
            elif token.type in ("_NL", "SEMICOLON", "LBRACE"):
                break
            else:
                tokens.append(token)
        return tokens[::-1]

    def _continues(self, following: list[Token]) -> bool:
        """Whether the tokens after a `}`, in reverse, still belong to its statement."""
        return bool(following) and following[-1].type == "ELSE"

    @property
    def head(self) -> str:
        """The kind of the first token of the statement; empty where a statement begins."""
        return self.statement[0].type if self.statement else ""

    def last(self, *kinds: str) -> Token | None:
        """The last token of the statement that is of one of the kinds."""
        return next((t for t in reversed(self.statement) if t.type in kinds), None)

    @property
    def pending_if(self) -> Token | None:
        """The last `if` of the statement that has neither `then` nor a block yet."""
        token = self.last("IF", "THEN")
        return token if token is not None and token.type == "IF" else None

    def rest_of_line(self) -> list[Token]:
        """The tokens from the refused one to the end of its line."""
        return list(takewhile(lambda t: t.type not in ENDS and t.line == self.token.line, self.tokens[self.index :]))

    # ---- spans

    def span(self, token: Token, last: Token | None = None) -> Span:
        """The characters of a token, or from one to the last."""
        end = (last or token).end_pos or 0
        return Span(self.source, token.start_pos or 0, min(end, len(self.source.text)))

    @property
    def token_span(self) -> Span:
        """The characters of the refused token; right behind the previous one when it is an end."""
        if self.kind not in ENDS:
            return self.span(self.token)
        end = 0 if self.previous is None else self.previous.end_pos or 0
        return Span(self.source, end, end)

    def label(self, token: Token, role: str) -> Label:
        return Label(self.span(token), role)


SyntaxRule = Callable[[Position], CgError | None]
