"""The place where a text stops being a program: what stands before it, what was found, what is still open."""

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
class Place:
    """tokens: as the parser saw them, and some more behind `at`, the number of the token that it refused."""

    source: Source
    tokens: Sequence[Token]
    at: int

    @property
    def found(self) -> Token:
        return self.tokens[self.at]

    @property
    def kind(self) -> str:
        return self.found.type

    @cached_property
    def before(self) -> Token | None:
        """The last token before that is no newline."""
        return next((t for t in reversed(self.tokens[: self.at]) if t.type != "_NL"), None)

    @property
    def previous(self) -> str:
        """The kind of the token before; empty at the beginning."""
        return "" if self.before is None else self.before.type

    @property
    def begins_line(self) -> bool:
        """Whether a newline that ends a statement stands right before."""
        return self.at > 0 and self.tokens[self.at - 1].type == "_NL"

    @property
    def adjacent(self) -> bool:
        """Whether nothing stands between the token before and the one found."""
        return self.before is not None and self.before.end_pos == self.found.start_pos

    @cached_property
    def opened(self) -> list[Token]:
        """The brackets that are open, the innermost last."""
        stack: list[Token] = []
        for token in self.tokens[: self.at]:
            if token.type in OPENS:
                stack.append(token)
            elif token.type in CLOSES and stack and stack[-1].type == CLOSES[token.type]:
                stack.pop()
        return stack

    @property
    def bracket(self) -> Token | None:
        """The innermost open bracket."""
        return self.opened[-1] if self.opened else None

    @property
    def in_brackets(self) -> bool:
        """Whether the place is inside ( ) or [ ]."""
        return self.bracket is not None and self.bracket.type != "LBRACE"

    @cached_property
    def statement(self) -> list[Token]:
        """The tokens of the statement before the place, brackets that were closed left out with all that is in them."""
        kept: list[Token] = []
        depth = 0
        for token in reversed(self.tokens[: self.at]):
            if token.type in CLOSES:
                depth += 1
                if token.type == "RBRACE" and depth == 1 and not self._continues(kept):
                    break
            elif token.type in OPENS and depth:
                depth -= 1
            elif depth:
                continue
            elif token.type in ("_NL", "SEMICOLON", "LBRACE"):
                break
            else:
                kept.append(token)
        return kept[::-1]

    def _continues(self, kept: list[Token]) -> bool:
        """Whether what comes after a `}` still belongs to its statement."""
        return bool(kept) and kept[-1].type == "ELSE"

    @property
    def head(self) -> str:
        """The kind of the first token of the statement; empty when the place is where one begins."""
        return self.statement[0].type if self.statement else ""

    def last(self, *kinds: str) -> Token | None:
        """The last token of the statement that is of one of the kinds."""
        return next((t for t in reversed(self.statement) if t.type in kinds), None)

    @property
    def pending_if(self) -> Token | None:
        """The last `if` of the statement that has neither `then` nor a block yet."""
        found = self.last("IF", "THEN")
        return found if found is not None and found.type == "IF" else None

    def rest_of_line(self) -> list[Token]:
        """The tokens from the place to the end of its line."""
        return list(takewhile(lambda t: t.type not in ENDS and t.line == self.found.line, self.tokens[self.at :]))

    # ---- spans

    def span(self, token: Token, last: Token | None = None) -> Span:
        """The characters of a token, or from one to the last."""
        end = (last or token).end_pos or 0
        return Span(self.source, token.start_pos or 0, min(end, len(self.source.text)))

    @property
    def here(self) -> Span:
        """The token found; right behind the one before when it is an end."""
        if self.kind not in ENDS:
            return self.span(self.found)
        end = 0 if self.before is None else self.before.end_pos or 0
        return Span(self.source, end, end)

    def label(self, token: Token, role: str) -> Label:
        return Label(self.span(token), role)


Rule = Callable[[Place], CgError | None]
