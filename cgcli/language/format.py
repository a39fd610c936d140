"""The one canonical layout of a program."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from cgcli.diagnostics.source import Source

from .docs import is_doc
from .grammar import parser
from .parser import parse
from .spacing import CLOSERS, OPENERS, spaces

if TYPE_CHECKING:
    from lark import Token

WIDTH = 100  # columns of a line that holds a block
INDENT = "    "
DEEPEST = 25  # levels of indentation: deeper nesting is not indented further


def format_source(source: Source) -> str:
    """The program in its canonical layout, which ends with a newline unless it is empty. Raises CgError.

    Comments, brackets and line breaks inside brackets are the user's; so are blank lines, several of which become one.
    The tokens are unchanged, but for `**`, which becomes `^`, and `;`, which is dropped at the end of a line.
    """
    comments = parse(source).comments
    text = source.text.removeprefix("\ufeff")
    dropped = len(source.text) - len(text)
    layout = _Layout(source.text, list(parser().lex(" " * dropped + text + "\n")), comments)
    return layout.text()


class _Layout:
    """The layout of one program.

    tokens: without those that only end statements. begins: whether a token begins a statement. gaps: the space before
    a token that follows another on its line. match: the closing brace of each opening one.
    """

    def __init__(self, text: str, stream: list[Token], comments: tuple[Token, ...]) -> None:
        self.source = text
        self.tokens: list[Token] = []
        self.begins: list[bool] = []
        self._read_tokens(stream)
        self.comments = self._comments_by_token(comments)
        self.match = self._braces()
        self.gaps = self._gaps()
        self.ends = list(accumulate(len(gap) + len(t) for gap, t in zip(self.gaps, self.tokens, strict=True)))
        self.parts: list[str] = []
        self.column = 0
        self.level = 0  # of the block
        self.depth = 0  # of brackets in the statement
        self.is_continued = False  # whether the statement continues in a line that begins with `then` or `else`
        self.flat_until = -1  # the closing brace of a block that stays on one line
        self.too_wide: set[int] = set()  # opening braces of blocks whose `if` does not fit on one line
        self.end = 0  # the end, in the source, of the last token or comment that was written
        self.after_opener = True  # whether that is an opening bracket: no blank line follows one
        self.needs_blank = False  # whether a blank line must follow

    # ---- the source

    def _read_tokens(self, stream: list[Token]) -> None:
        ended = True
        for token in stream:
            if token.type in ("_NL", "SEMICOLON"):
                ended = True
                continue
            self.begins.append(ended and token.type != "RBRACE")
            self.tokens.append(token)
            ended = token.type == "LBRACE"

    def _comments_by_token(self, comments: tuple[Token, ...]) -> list[list[Token]]:
        """The comments before each token, and in a last list those at the end."""
        before: list[list[Token]] = [[] for _ in range(len(self.tokens) + 1)]
        k = 0
        for comment in comments:
            while k < len(self.tokens) and _start(self.tokens[k]) < _start(comment):
                k += 1
            before[k].append(comment)
        return before

    def _braces(self) -> dict[int, int]:
        match, opened = {}, []
        for i, token in enumerate(self.tokens):
            if token.type == "LBRACE":
                opened.append(i)
            elif token.type == "RBRACE":
                match[opened.pop()] = i
        return match

    def _gaps(self) -> list[str]:
        gaps = list(spaces(self.tokens, self.begins))
        for i, (before, token) in enumerate(pairwise(self.tokens), 1):
            if before.type == "LBRACE":
                gaps[i] = "" if token.type == "RBRACE" else " "
            elif self.begins[i]:
                gaps[i] = "; "
            elif token.type == "RBRACE":
                gaps[i] = " "
        return gaps

    # ---- the layout

    def text(self) -> str:
        for i, token in enumerate(self.tokens):
            if self.begins[i] or token.type == "RBRACE":
                self.is_continued = False
            commented = self._comments(i)
            self._token(i, token, commented)
        self.is_continued = False
        self._comments(len(self.tokens))
        return "".join([*self.parts, "\n"]) if self.parts else ""

    def _token(self, i: int, token: Token, commented: bool) -> None:
        kind = token.type
        broken = commented or self._breaks(i)
        if kind == "RBRACE":
            self.level -= 1
        elif kind in CLOSERS:
            self.depth -= 1
        if broken:
            if self._continues(i):
                self.is_continued = True
            self._line(i, token)
        elif i > 0:
            self._write(self.gaps[i])
        self._write("^" if kind == "POWER" else str(token))
        self.end = token.end_pos or 0
        self.after_opener = kind in OPENERS or kind == "LBRACE"
        if kind == "LBRACE":
            self._open(i)
            self.level += 1
        elif kind in OPENERS:
            self.depth += 1
        if self._needs_end(i):
            self._write(";")

    def _breaks(self, i: int) -> bool:
        """Whether a token that no comment precedes begins a line."""
        if i == 0 or i <= self.flat_until:
            return False
        if self.begins[i]:
            return True
        if self.tokens[i].type == "RBRACE":
            return self.tokens[i - 1].type != "LBRACE"
        # outside of brackets a line may also continue with `then`, `else` and `{`; a brace joins the line before
        return (self.depth > 0 or self._continues(i)) and self._newlines_before(i) > 0

    def _continues(self, i: int) -> bool:
        """Whether the token continues a conditional expression outside of brackets."""
        if i == len(self.tokens) or self.depth:
            return False
        kind = self.tokens[i].type
        return kind == "THEN" or (kind == "ELSE" and self.tokens[i - 1].type != "RBRACE")

    def _line(self, i: int, token: Token) -> None:
        """Begins the line of a token; brackets that it closes first do not count for its indentation."""
        closing = 0
        k = i + 1
        while token.type in CLOSERS and k < len(self.tokens) and self._goes_on_closing(k):
            closing += 1
            k += 1
        blank = self.begins[i] or (self.depth > 0 and token.type not in CLOSERS)
        self._newline(blank and self._newlines(_start(token)) > 1, self.depth - closing)

    def _goes_on_closing(self, k: int) -> bool:
        return self.tokens[k].type in CLOSERS and not self.comments[k] and self._newlines_before(k) == 0

    def _open(self, i: int) -> None:
        """Decides whether a block that stands on one line stays there."""
        end = self.match[i]
        if i < self.flat_until or not self._one_line(i):
            return
        if i not in self.too_wide and self._fits(i):
            self.flat_until = end
        elif self._has_else(end):
            # the other branches of the same `if` are laid out alike
            following = end + 1
            while self.tokens[following].type != "LBRACE":
                following += 1
            self.too_wide.add(following)

    def _one_line(self, i: int) -> bool:
        """Whether the user wrote the block that token `i` opens on one line."""
        return self.tokens[i].line == self.tokens[self.match[i]].line

    def _has_else(self, i: int) -> bool:
        """Whether the closing brace `i` is followed by `else`, on the same line when laid out."""
        return i + 1 < len(self.tokens) and self.tokens[i + 1].type == "ELSE" and not self.comments[i + 1]

    def _fits(self, i: int) -> bool:
        """Whether a line up to the opening brace `i` has room for the rest of it, with its blocks on that line."""
        room = WIDTH - self.column + self.ends[i]
        k = i
        while self.ends[k] <= room:
            if self.tokens[k].type == "LBRACE":
                if not self._one_line(k):
                    return True
                k = self.match[k]
                if not self._has_else(k):
                    return self.ends[k] <= room
            k += 1
            header_breaks = self.tokens[k].type not in ("LBRACE", "ELSE") and self._newlines_before(k) > 0
            if self.comments[k] or header_breaks:
                return True
        return False

    def _newlines_before(self, k: int) -> int:
        """Line breaks of the source between a token and the one before it."""
        return (self.tokens[k].line or 0) - (self.tokens[k - 1].line or 0)

    def _needs_end(self, i: int) -> bool:
        """Whether a `;` is needed: a line that begins with `-` would continue the statement before."""
        following = i + 1
        return (
            following < len(self.tokens)
            and following > self.flat_until
            and self.begins[following]
            and self.tokens[following].type == "MINUS"
            and self.tokens[i].type != "LBRACE"
        )

    # ---- comments and lines

    def _comments(self, i: int) -> bool:
        """Writes the comments before a token; returns whether there are any."""
        for comment in self.comments[i]:
            newlines = self._newlines(_start(comment))
            trails = newlines == 0 and bool(self.parts)
            if trails:
                self._write("  ")
            else:
                self._newline(newlines > 1, self.depth + (self._continues(i) and not self.is_continued))
            between = self.source[self.end : _start(comment)]
            self._write(comment.rstrip())
            self.end = comment.end_pos or 0
            self.after_opener = False
            # behind a lone `;` it documents nothing; on a line of its own it would document the next statement
            self.needs_blank = not trails and ";" in between.rpartition("\n")[2] and is_doc(comment)
        return bool(self.comments[i])

    def _newlines(self, start: int) -> int:
        """Line breaks between the end of what was written last and a position in the source."""
        return self.source.count("\n", self.end, start)

    def _newline(self, blank: bool, depth: int) -> None:
        """Begins a line, after a blank one where the user has one that does not follow an opening bracket."""
        if self.parts:
            self.parts.append("\n\n" if self.needs_blank or (blank and not self.after_opener) else "\n")
        self.needs_blank = False
        indent = INDENT * min(self.level + depth + self.is_continued, DEEPEST)
        self.parts.append(indent)
        self.column = len(indent)

    def _write(self, part: str) -> None:
        self.parts.append(part)
        self.column += len(part)


def _start(token: Token) -> int:
    return token.start_pos or 0
