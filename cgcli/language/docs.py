"""Comments of a program, and the doc comments among them with the statements that they belong to."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.source import Source

from .grammar import parser

if TYPE_CHECKING:
    from lark import Token

DOCUMENTED = frozenset({"input_decl", "param_decl", "output_decl", "fn_decl", "assign", "unpack"})


@cache
def _pattern() -> re.Pattern[str]:
    """Strings and comments; in a text that was parsed every `#` outside a string begins a comment."""
    string, comment = (parser().get_terminal(name).pattern.to_regexp() for name in ("STRING", "COMMENT"))
    return re.compile(f"{string}|(?P<comment>{comment})")


def find_comments(source: Source) -> tuple[Token, ...]:
    """Every comment of a text that has no syntax error, in order, as tokens with positions."""
    from lark import Token

    if "#" not in source.text:
        return ()
    comments = []
    for match in _pattern().finditer(source.text):
        if match["comment"] is not None:
            line, column = source.position(match.start())
            ends = {"end_line": line, "end_column": column + len(match[0]), "end_pos": match.end()}
            comments.append(Token("COMMENT", match[0], match.start(), line, column, **ends))
    return tuple(comments)


def is_doc(comment: str) -> bool:
    """Whether a comment has exactly two `#`."""
    return comment.startswith("##") and not comment.startswith("###")


def attach(source: Source, statements: list[Any], comments: tuple[Token, ...]) -> dict[int, str]:
    """The doc comments by the start of the statement they belong to.

    One at the end of a line belongs to that line's last declaration, function or assignment; one on a line of its own
    belongs to the statement on the next line that is no such comment.
    """
    docs = [comment for comment in comments if is_doc(comment)]
    if not docs:
        return {}
    starts = [statement.meta.start_pos for statement in statements]
    first_of_line: dict[int, int] = {}
    for i, start in enumerate(starts):
        first_of_line.setdefault(source.position(start)[0], i)
    lines: dict[int, list[str]] = {}
    following = _lines_below([comment.line or 1 for comment in docs if _alone(source, comment)])
    for comment in docs:
        if comment.line in following:
            owner = first_of_line.get(following[comment.line])
        else:
            owner = bisect_left(starts, comment.start_pos or 0) - 1
            if owner >= 0 and not _touches(source, statements[owner], comment):
                owner = None
        if owner is not None and owner >= 0 and statements[owner].data in DOCUMENTED:
            lines.setdefault(starts[owner], []).append(comment[2:].strip())
    return {start: "\n".join(texts) for start, texts in lines.items()}


def _lines_below(numbers: list[int]) -> dict[int, int]:
    """For each of these lines, in ascending order, the first line below it that is not among them."""
    below: dict[int, int] = {}
    for number in reversed(numbers):
        below[number] = below.get(number + 1, number + 1)
    return below


def _alone(source: Source, comment: Token) -> bool:
    """Whether nothing stands before a comment on its line."""
    return not source.line(comment.line or 1)[: (comment.column or 1) - 1].strip()


def _touches(source: Source, statement: Any, comment: Token) -> bool:
    """Whether a statement begins or ends on the line of a comment that comes later than its start."""
    ends = (statement.meta.start_pos, statement.meta.end_pos - 1)
    return comment.line in {source.position(end)[0] for end in ends}
