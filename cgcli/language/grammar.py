"""The parser and its tables: made from `grammar/cg.lark` once (80 ms), then read from the user's cache (5 ms)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcli.files import cache as table_cache

from .lines import Lines

if TYPE_CHECKING:
    from lark import Lark, Token

KIND = "parser"


@cache
def grammar_text() -> str:
    """The grammar: from the installed package, or from the checkout that an editable install points to."""
    packaged = resources.files("cgcli").joinpath("grammar", "cg.lark")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "grammar" / "cg.lark").read_text(encoding="utf-8")


@cache
def parser() -> Lark:
    """The parser. It has no state between parses."""
    import lark

    key = table_cache.digest(grammar_text(), lark.__version__)
    try:
        return _from_tables(table_cache.load(KIND, key))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, lark.LarkError):
        pass  # a cache miss, or something else than tables
    tables = make_tables()
    table_cache.store(KIND, key, tables)
    return _from_tables(tables)


def lex(text: str) -> Iterator[Token]:
    """Every token of a text, comments and blanks left out; a character that begins none is a token `UNKNOWN`."""
    from lark import Token, UnexpectedCharacters
    from lark.lexer import LexerState
    from lark.utils import TextSlice

    frontend: Any = parser().parser
    state = LexerState(TextSlice.cast_from(text))
    while True:
        try:
            yield from frontend.lexer.lexer.lex(state, None)
            return
        except UnexpectedCharacters as problem:
            at, line, column = problem.pos_in_stream or 0, problem.line, problem.column
            yield Token("UNKNOWN", problem.char, at, line, column, line, column + 1, at + 1)
            state.line_ctr.feed(problem.char)


def make_tables() -> list[Any]:
    """The tables as plain data: JSON, but for the keys of dictionaries."""
    import lark

    lark_parser = lark.Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start=["start", "value"],
        propagate_positions=True,
        maybe_placeholders=True,
    )
    return list(lark_parser.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule]))


def _from_tables(tables: Any) -> Lark:
    """Lark has no public way to read tables that are not pickled; a test checks this one."""
    import lark

    data, memo = _restored(tables)
    load: Any = lark.Lark._load_from_dict
    lark_parser: Lark = load(data, memo, postlex=Lines())
    return lark_parser


def _restored(data: Any) -> Any:
    """The tables with keys that are numbers again, which JSON turns into strings."""
    if isinstance(data, dict):
        return {int(k) if isinstance(k, str) and k.isdigit() else k: _restored(v) for k, v in data.items()}
    if isinstance(data, list):
        return [_restored(item) for item in data]
    return data
