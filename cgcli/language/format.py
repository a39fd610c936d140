"""The one canonical layout of a program."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from cgcli.graph.source import Source

from .docs import is_doc
from .grammar import parser
from .parser import parse
from .spacing import CLOSERS, OPENERS, spaces

if TYPE_CHECKING:
    from lark import Token

WIDTH = 100  # columns of a line that holds a block
INDENT = "    "
DEEPEST = 25  # levels of indentation: what is nested deeper stands there too


def format_source(source: Source) -> str:
    """The program in its canonical layout, which ends with a newline unless it is empty. Raises CgError.

    Comments, brackets and line breaks inside brackets are the user's; so are blank lines, of which one stands for any
    number. The tokens stay what they are, but for `**`, which is written `^`, and `;`, which ends no line.
    """
    comments = parse(source).comments
    text = source.text.removeprefix("\ufeff")
    dropped = len(source.text) - len(text)
    layout = _Layout(source.text, list(parser().lex(" " * dropped + text + "\n")), comments)
    return layout.text()


class _Layout:
    """One program on its way into lines.

    tokens: without those that only end statements. begins: whether a token begins a statement. gaps: what stands
    before a token when it follows another on its line. match: of each opening brace, the closing one.
    """

    def __init__(self, text: str, stream: list[Token], comments: tuple[Token, ...]) -> None:
        self.source = text
        self.tokens: list[Token] = []
        self.begins: list[bool] = []
        self._read(stream)
        self.comments = self._comments_before(comments)
        self.match = self._braces()
        self.gaps = self._gaps()
        self.ends = list(accumulate(len(gap) + len(t) for gap, t in zip(self.gaps, self.tokens, strict=True)))
        self.out: list[str] = []
        self.column = 0
        self.level = 0  # of the block
        self.depth = 0  # of brackets in the statement
        self.hangs = False  # whether the statement went on in a line that begins with `then` or `else`
        self.flat_until = -1  # the closing brace of a block that stays on one line
        self.widened: set[int] = set()  # closing braces of blocks that were too wide for one line
        self.place = 0  # the end, in the source, of what was written last

    # ---- what is given

    def _read(self, stream: list[Token]) -> None:
        ended = True
        for token in stream:
            if token.type in ("_NL", "SEMICOLON"):
                ended = True
                continue
            self.begins.append(ended and token.type != "RBRACE")
            self.tokens.append(token)
            ended = token.type == "LBRACE"

    def _comments_before(self, comments: tuple[Token, ...]) -> list[list[Token]]:
        """The comments before each token, and in a last list those behind all."""
        found: list[list[Token]] = [[] for _ in range(len(self.tokens) + 1)]
        k = 0
        for comment in comments:
            while k < len(self.tokens) and _start(self.tokens[k]) < _start(comment):
                k += 1
            found[k].append(comment)
        return found

    def _braces(self) -> dict[int, int]:
        match, opened = {}, []
        for i, token in enumerate(self.tokens):
            if token.type == "LBRACE":
                opened.append(i)
            elif token.type == "RBRACE":
                match[opened.pop()] = i
        return match

    def _gaps(self) -> list[str]:
        gaps = list(spaces(self.tokens))
        for i, (before, token) in enumerate(pairwise(self.tokens), 1):
            if before.type == "LBRACE":
                gaps[i] = "" if token.type == "RBRACE" else " "
            elif self.begins[i]:
                gaps[i] = "; "
            elif token.type == "RBRACE":
                gaps[i] = " "
        return gaps

    # ---- what is made of it

    def text(self) -> str:
        for i, token in enumerate(self.tokens):
            if self.begins[i] or token.type == "RBRACE":
                self.hangs = False
            commented = self._comments(i)
            self._token(i, token, commented)
        self.hangs = False
        self._comments(len(self.tokens))
        return "".join([*self.out, "\n"]) if self.out else ""

    def _token(self, i: int, token: Token, commented: bool) -> None:
        kind = token.type
        broken = commented or self._breaks(i)
        if kind == "RBRACE":
            self.level -= 1
        elif kind in CLOSERS:
            self.depth -= 1
        if broken:
            if self._continues(i):
                self.hangs = True
            self._line(i, token)
        elif i > 0:
            self._write(self.gaps[i])
        self._write("^" if kind == "POWER" else str(token))
        self.place = token.end_pos or 0
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
        # outside of brackets a line may also go on with `then`, `else` and `{`; a brace is drawn up
        return (self.depth > 0 or self._continues(i)) and self._newlines(_start(self.tokens[i])) > 0

    def _continues(self, i: int) -> bool:
        """Whether the token goes on with a conditional expression outside of brackets."""
        if i == len(self.tokens) or self.depth:
            return False
        kind = self.tokens[i].type
        return kind == "THEN" or (kind == "ELSE" and self.tokens[i - 1].type != "RBRACE")

    def _line(self, i: int, token: Token) -> None:
        """Begins the line of a token; brackets that close at its beginning are closed for its indentation."""
        closing = 0
        k = i + 1
        while token.type in CLOSERS and k < len(self.tokens) and self._goes_on_closing(k):
            closing += 1
            k += 1
        blank = self.begins[i] or (self.depth > 0 and token.type not in CLOSERS)
        self._newline(blank and self._newlines(_start(token)) > 1, self.depth - closing)

    def _goes_on_closing(self, k: int) -> bool:
        return (
            self.tokens[k].type in CLOSERS
            and not self.comments[k]
            and "\n" not in self.source[self.tokens[k - 1].end_pos : _start(self.tokens[k])]
        )

    def _open(self, i: int) -> None:
        """Decides whether a block that stands on one line stays there."""
        end = self.match[i]
        chained = i in self.widened
        if i < self.flat_until or self.tokens[i].line != self.tokens[end].line:
            return
        if not chained and self._fits(i):
            self.flat_until = end
            return
        # the other branches of the same `if` are laid out alike
        if end + 1 < len(self.tokens) and self.tokens[end + 1].type == "ELSE":
            following = end + 1
            while self.tokens[following].type != "LBRACE":
                following += 1
            self.widened.add(following)

    def _fits(self, i: int) -> bool:
        """Whether a line that goes up to an opening brace fits with the rest of it, its blocks being on one line."""
        k = i
        room = WIDTH - self.column + self.ends[i]
        while self.ends[k] <= room:
            token = self.tokens[k]
            if token.type == "LBRACE":
                if token.line != self.tokens[self.match[k]].line:
                    return True
                k = self.match[k]
                continue_ = k + 1 < len(self.tokens) and self.tokens[k + 1].type == "ELSE" and not self.comments[k + 1]
                if self.ends[k] > room:
                    return False
                if not continue_:
                    return True
            k += 1
            if self.comments[k] or (self._is_inner_break(k)):
                return True
        return False

    def _is_inner_break(self, k: int) -> bool:
        """Whether the user broke the line before a token of a header."""
        token, before = self.tokens[k], self.tokens[k - 1]
        return token.line != before.line and token.type not in ("LBRACE", "ELSE")

    def _needs_end(self, i: int) -> bool:
        """Whether a `;` has to stay: a line that begins with `-` would be taken for more of the statement before."""
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
        """Writes the comments before a token; whether there are any."""
        for comment in self.comments[i]:
            newlines = self._newlines(_start(comment))
            if newlines == 0 and self.out:
                self._write("  ")
            else:
                self._newline(newlines > 1, self.depth + (self._continues(i) and not self.hangs))
            lone = ";" in self.source[self.place : _start(comment)].rpartition("\n")[2] and newlines > 0
            self._write(comment.rstrip())
            self.place = comment.end_pos or 0
            if lone and is_doc(comment):
                self.out.append("\n")  # else it would become the next statement's
        return bool(self.comments[i])

    def _newlines(self, start: int) -> int:
        """Line breaks between what was written last and a place of the source."""
        return self.source.count("\n", self.place, start)

    def _newline(self, blank: bool, depth: int) -> None:
        """Begins a line, after a blank one where the user has one that does not follow an opening bracket."""
        if self.out:
            opened = self.source[self.place - 1 : self.place] in ("(", "[", "{")
            doubled = self.out[-1] == "\n"
            self.out.append("\n\n" if blank and not opened and not doubled else "\n")
        indent = INDENT * min(self.level + depth + self.hangs, DEEPEST)
        self.out.append(indent)
        self.column = len(indent)

    def _write(self, part: str) -> None:
        self.out.append(part)
        self.column += len(part)


def _start(token: Token) -> int:
    return token.start_pos or 0
