"""The diagnostic of a syntax error: that of the most specific rule that matches its position."""

from __future__ import annotations

import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span

from .grammar import lex
from .lines import Mistake, bad_escape, statement_lines
from .syntax_errors import RULES
from .syntax_errors.characters import explain_character, explain_name
from .syntax_errors.position import Position

if TYPE_CHECKING:
    from lark import Token

AHEAD = 100_000  # tokens behind the refused one that rules may look at


def hidden_character(source: Source, at: int) -> CgError:
    """The error for a character that cannot be seen."""
    character = source.text[at]
    if character == "\r":
        return error("lone-carriage-return", Span(source, at, at + 1))
    point = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "").lower()
    return error("hidden-character", Span(source, at, at + 1), point=point, name=name or None)


def explain(source: Source, text: str, problem: Any, start: str = "start") -> CgError:
    """The error for what stopped the parser: a Mistake, or an UnexpectedInput of lark's.

    text: what was parsed, that is the source's text with a newline behind it. start: `value` where one expression was
    expected.
    """
    if isinstance(problem, Mistake):
        return _mistake(source, problem)
    token = getattr(problem, "token", None)
    if token is None:
        return explain_character(source, problem.pos_in_stream)
    pos = _position(source, text, token)
    if start == "value" and (pos.kind in ("EQUAL", "SEMICOLON") or (pos.begins_line and pos.kind != "$END")):
        return error("value-only", pos.token_span, token=pos.token)
    for rule in RULES:
        syntax_error = rule(pos)
        if syntax_error is not None:
            return syntax_error
    return error("does-not-fit", pos.token_span, token=pos.token)


def _position(source: Source, text: str, refused: Token) -> Position:
    """The refused token among those before it and some of those behind it."""
    tokens: list[Token] = []
    stream = statement_lines(lex(text))
    if refused.type == "$END":
        tokens.extend(stream)
    else:
        for token in stream:
            tokens.append(token)
            if token.start_pos == refused.start_pos and token.type == refused.type:
                index = len(tokens) - 1
                tokens.extend(islice(stream, AHEAD))
                return Position(source, tokens, index)
    end = refused.new_borrow_pos("$END", "", refused)
    end.start_pos = end.end_pos = len(source.text)
    tokens.append(end)
    return Position(source, tokens, len(tokens) - 1)


def _mistake(source: Source, mistake: Mistake) -> CgError:
    token = mistake.token
    at = token.start_pos or 0
    if mistake.code == "bad-name":
        return explain_name(source, at, str(token))
    if mistake.code == "bad-escape":
        bad = bad_escape(token) or 0
        return error("bad-escape", Span(source, at + bad, at + bad + 2), escape=token[bad : bad + 2])
    return error("line-begins-with-minus", Span(source, at, at + 1))
