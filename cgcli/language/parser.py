"""Text → syntax tree. Every error in a text becomes a `CgError`."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span, first_hidden
from cgcli.files.source_files import LARGEST

from .docs import attach, find_comments
from .grammar import parser
from .lines import ESCAPES, Mistake
from .plain_lines import Layout, divided
from .syntax import explain, hidden_character
from .tree import SyntheticTree

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True, eq=False, repr=False)  # both would recurse over the tree
class Parsed:
    """A program's syntax. docs: text of doc comments by the start of the statement that they belong to.

    layout: of a program whose plain lines have no trees.
    """

    tree: Tree[Token] | SyntheticTree
    comments: tuple[Token, ...]
    docs: dict[int, str]
    layout: Layout | None = None


CACHE_SIZE, LONGEST = 16, 100_000  # memoised programs, for those that run again and again; characters of one
_cache: dict[str, Parsed] = {}
_ESCAPE = re.compile(r"\\(.)")


def parse(source: Source) -> Parsed:
    """The syntax tree of a program, memoised; its positions are those of `source.text`. Raises CgError."""
    parsed = _cache.get(source.text)
    if parsed is None:
        tree = _parse(source, "start")
        comments = find_comments(source)
        parsed = Parsed(tree, comments, attach(source, tree.children, comments))
        if len(source.text) <= LONGEST:
            if len(_cache) >= CACHE_SIZE:
                del _cache[next(iter(_cache))]
            _cache[source.text] = parsed
    return parsed


def parse_value(source: Source) -> Tree[Token]:
    """The tree of one expression, such as a value on the command line. Raises CgError."""
    if not source.text.strip():
        raise error("empty-value", Span(source, 0, len(source.text)))
    value: Tree[Token] = _parse(source, "value").children[0]
    return value


def statements_of(source: Source) -> list[Any]:
    """The statements of a text that is not memoised. Raises CgError."""
    statements: list[Any] = _parse(source, "start").children
    return statements


def unquote(token: Token) -> str:
    r"""The value of a string of a program that was parsed: without quotes, `\"`, `\\`, `\n` and `\t` replaced."""
    return _ESCAPE.sub(lambda escape: ESCAPES[escape[1]], token[1:-1])


def parsed_text(source: Source) -> str:
    """The text for the lexer, every character at its position: a byte order mark becomes a blank, and a newline at the
    end gives an unexpected end a position of its own."""
    text = source.text
    return (" " + text[1:] if text.startswith("\ufeff") else text) + "\n"


def _parse(source: Source, start: str) -> Any:
    from lark import UnexpectedInput

    text = parsed_text(source)
    if len(text) > LARGEST + 1:
        raise error("program-too-large", size=len(text) - 1, limit=LARGEST)
    hidden = first_hidden(text)
    if hidden is not None:
        raise hidden_character(source, hidden)
    try:
        with collector_off():
            return parser().parse(text, start)
    except (UnexpectedInput, Mistake) as problem:
        syntax_problem = problem
    raise explain(source, text, syntax_problem, start)


def parse_shortly(source: Source) -> Parsed:
    """The syntax of a program, of a long one without trees for its plain lines. Raises CgError as `parse` does."""
    try:
        return parse_divided(source) or parse(source)
    except CgError:
        return parse(source)


def parse_divided(source: Source) -> Parsed | None:
    """The syntax of a long program without trees for its plain lines, whose statements are `PlainLines`; None where the
    text has to be parsed as a whole. Raises CgError, with other words than `parse` would."""
    layout = divided(source)
    if layout is None:
        return None
    rest = statements_of(Source(source.name, layout.rest.text))
    layout.rest.move_back(rest)
    comments = find_comments(source) if "##" in layout.rest.text else ()
    docs = attach(source, rest, comments)
    statements = sorted([*rest, *layout.pieces], key=lambda statement: statement.meta.start_pos)
    return Parsed(SyntheticTree("start", statements), comments, docs, layout)


@contextmanager
def collector_off() -> Iterator[None]:
    """Turns garbage collection off: a big tree or graph is then built twice as fast."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
