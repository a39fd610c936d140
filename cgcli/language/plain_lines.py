"""Plain lines: those that bind a name to an expression of names, numbers, operators and elementwise functions.

One regular expression tells them from the rest of a text, whatever their number. It decides nothing about the language:
the rest is parsed as ever, by itself, and moved back to where it stands; and of plain lines the first of each shape is
parsed and lowered as ever too (`replay`). A line is the rest where anything about it is unusual: a word of the
syntax or a call of another function, a doc comment on it or before it, an open bracket, a character beyond these few.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate, compress
from operator import and_
from typing import Any, NamedTuple

from cgcli.diagnostics.source import Source, first_hidden
from cgcli.graph.lexemes import nfkc

from .builtins import CONSTANTS, ELEMENTWISE, NAMES
from .grammar import parser
from .tree import walk

MARK = "\0"  # stands for a name or a number in a shape; a program cannot have this character
SHORTEST = 500  # lines of a text that is worth the search; a shorter one is parsed as a whole
REPEATS = 4  # lines a shape, on average: with fewer, nothing is gained
LARGEST_REST = 0.25  # of the characters of a text: with more, little is gained
BLOCK, BATCH = 100_000, 1000  # characters that are read at once, lines that are
FUNCTIONS = frozenset(ELEMENTWISE) | {"clip"}
"""The functions that plain lines may call."""

_COMMENT = re.compile(r"(?<!#)#(?!#)[^\r\n]*")  # no doc comment
_EMPTY = re.compile(r"[ \t]*\r?")
_WORD = re.compile(r"\w+")
# Numbers and names that are not called, which begin like this: split by it a text is gap, word, gap, word and so on.
# A possessive group would match without end on Python 3.11 before 3.11.5.
WORDS = re.compile(r"([\w.](?<![\w.]{2})[\w.]*+(?:(?<=[\d.][eE])[+-]\d++|)(?![ \t]*\())", re.ASCII)
_VALUE = re.compile(rf"(?:[ \t+\-*/%^(),{MARK}]|[<>]=?|[=!]=|[A-Za-z_]\w*(?=[ \t]*\())+\r?", re.ASCII)
_EXPONENT = re.compile(rf"(?:\^|\*\*)[ \t(\-]*(?={MARK})")
_GOES_ON = re.compile(r"\s*(?:[-{]|(?:then|else)\b)")


class NotDivided(Exception):
    """Raised where a text that was divided has to be parsed and lowered as a whole."""


class Meta(NamedTuple):
    """The characters of a tree or a token that no parser made."""

    start_pos: int
    end_pos: int


class Shape:
    """What lines have in common that differ by names and numbers only.

    gaps: the texts between these. words: how many there are; the first is the name that is bound. calls: the functions.
    exponents: the words that may be exponents, whose numbers are no operands. plans: by key, see `replay`.
    """

    __slots__ = ("calls", "exponents", "gaps", "is_plain", "plans", "words")

    def __init__(self, text: str) -> None:
        self.gaps = text.split(MARK)
        self.words = len(self.gaps) - 1
        self.calls = frozenset(_WORD.findall(text))
        self.exponents = tuple(text.count(MARK, 0, match.end()) for match in _EXPONENT.finditer(text))
        self.is_plain = self._is_assignment() if self.words else _EMPTY.fullmatch(text) is not None
        self.plans: dict[tuple[int, ...], Any] = {}

    def _is_assignment(self) -> bool:
        indent, after, *_ = self.gaps
        sign, value = after.lstrip(" \t")[:1], MARK.join(self.gaps[1:]).lstrip(" \t")[1:]
        return (
            not indent.strip(" \t")
            and sign == "="
            and value[:1] != "="
            and all(self.gaps[1:-1])
            and _VALUE.fullmatch(value) is not None
            and self.words > 1
            and self.calls <= FUNCTIONS
            and _is_balanced(value)
        )


class _Shapes(dict[str, Shape]):
    """The shapes by their texts."""

    def __missing__(self, text: str) -> Shape:
        shape = self[text] = Shape(text)
        return shape


class _Words(dict[str, int]):
    """The words of plain lines by their texts. is_number: a flag a word. others: the words that no plain line has, of
    the syntax or neither a name nor a number."""

    def __init__(self) -> None:
        super().__init__({text: word for word, text in enumerate(reserved_words())})
        self.is_number = bytearray(len(self))
        self.others = {self[text] for text in _keywords()}

    def __missing__(self, text: str) -> int:
        word = self[text] = len(self)
        is_number = not text.isidentifier() and _numbers().fullmatch(text) is not None
        self.is_number.append(is_number)
        if not is_number and not text.isidentifier():
            self.others.add(word)
        return word


class PlainLines:
    """Plain lines that follow each other: to the resolver and the lowering one statement.

    shapes, targets, starts: of each line its shape, the word that it binds and its first character. words: of all
    lines, as numbers. outside: the words whose values come from elsewhere.
    """

    data = "plain_lines"
    children: tuple[()] = ()

    def __init__(self, start: int) -> None:
        self.meta = Meta(start, start)
        self.shapes: list[Shape] = []
        self.targets, self.starts, self.words = array("i"), array("i"), array("i")
        self.outside: frozenset[int] = frozenset()


class Move(NamedTuple):
    """From a character of the rest on, how far in front of its position in the whole text everything stands."""

    start: int
    distance: int


class Rest(NamedTuple):
    """A text without its plain lines."""

    text: str
    moves: list[Move]

    def move_back(self, statements: Iterable[Any]) -> None:
        """Gives trees and tokens of the rest their positions in the whole text."""
        starts = [move.start for move in self.moves]

        def distance(at: int) -> int:
            return self.moves[bisect_right(starts, at) - 1].distance

        for statement in statements:
            for node in walk(statement):
                position = getattr(node, "meta", node)
                position.start_pos += distance(position.start_pos)
                position.end_pos += distance(position.end_pos - 1)


class Layout:
    """A text, divided.

    pieces: the plain lines. texts: of their words, by number, the first ones reserved. is_number, is_bound: whether a
    word is a number, whether a plain line binds it. shared: the words that the rest has too. functions: those that
    plain lines call.
    """

    def __init__(
        self, source: Source, rest: Rest, pieces: Sequence[PlainLines], words: _Words, rest_words: Iterable[str]
    ) -> None:
        self.source, self.rest, self.pieces = source, rest, pieces
        self.texts, self.is_number = list(words), words.is_number
        self.reserved = len(reserved_words())
        self.is_bound = bytearray(len(words))
        for piece in pieces:
            for word in piece.targets:
                self.is_bound[word] = 1
        self.functions = {f for piece in pieces for shape in set(piece.shapes) for f in shape.calls}
        of_rest = {words[text] for text in rest_words if words.get(text, 0) >= self.reserved}
        self.shared = {word for word in of_rest if not self.is_number[word]}
        names = range(self.reserved, len(words))
        unbound = {word for word in names if not self.is_bound[word] and not self.is_number[word]}
        self._outer = self.shared | unbound

    @property
    def is_odd(self) -> bool:
        """Whether a line binds what is no name, or a built-in name."""
        return any(self.is_bound[: self.reserved]) or any(map(and_, self.is_bound, self.is_number))

    def shared_targets(self, piece: PlainLines) -> list[tuple[int, Any]]:
        """The names that lines bind and the rest has too: the line of each, and its token."""
        if self.shared.isdisjoint(piece.targets):
            return []
        return [(n, self.token(piece, n, 0)) for n, word in enumerate(piece.targets) if word in self.shared]

    def outer_words(self, piece: PlainLines) -> frozenset[int]:
        """The words of lines that are names and that others may bind or nothing."""
        return frozenset(self._outer.intersection(piece.words))

    def outer_reads(self, piece: PlainLines) -> list[tuple[int, Any]]:
        """The names that lines read before one of them binds it, and that others may bind or nothing: the line of the
        first reading, and the token there."""
        words = piece.outside = self.outer_words(piece)
        bound: dict[int, int] = {}
        if not words.isdisjoint(piece.targets):
            for line, word in enumerate(piece.targets):
                if word in words:
                    bound.setdefault(word, line)
        return [
            (line, self.token(piece, line, at))
            for word, line, at in _first_reads(piece, words)
            if line <= bound.get(word, line)
        ]

    def line(self, start: int) -> Source:
        """The line that begins at a character, as a text of its own."""
        return Source(self.source.name, line_at(self.source.text, start))

    def token(self, piece: PlainLines, line: int, word: int) -> Any:
        """A word of a line as a token."""
        from lark import Token

        start = piece.starts[line]
        parts = WORDS.split(self.line(start).text)
        start += sum(map(len, parts[: 2 * word + 1]))
        text = parts[2 * word + 1]
        return Token("NAME", text, start_pos=start, end_pos=start + len(text))


def _first_reads(piece: PlainLines, words: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Where these words are first read in the lines: word, line, and its number in the line; in this order."""
    remaining = set(words)
    for line, _, _, of_line in lines_of(piece, lambda several: not remaining.isdisjoint(several)):
        if not remaining.isdisjoint(of_line[1:]):
            for k, word in enumerate(of_line):
                if k and word in remaining:
                    remaining.discard(word)
                    yield word, line, k
        if not remaining:
            return


def lines_of(
    piece: PlainLines, accepts: Callable[[Sequence[int]], bool] = lambda words: True
) -> Iterator[tuple[int, Shape, int, list[int]]]:
    """Each line with its shape, its first character and its words. accepts: whether the words of a batch of lines are
    worth a look at these."""
    end = 0
    for first in range(0, len(piece.shapes), BATCH):
        shapes, starts = piece.shapes[first : first + BATCH], piece.starts[first : first + BATCH]
        at, end = end, end + sum([shape.words for shape in shapes])
        words, at = piece.words[at:end].tolist(), 0
        for line, (shape, start) in enumerate(zip(shapes, starts, strict=True), first) if accepts(words) else ():
            yield line, shape, start, words[at : (at := at + shape.words)]


def divided(source: Source) -> Layout | None:
    """The text, divided; None where that gains nothing, or where it is not sure that its parts mean the same."""
    text = source.text
    if text.count("\n") < SHORTEST or MARK in text:
        return None
    return _Division(source).layout()


class _Division:
    """A text while it is being divided."""

    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.shapes, self.words = _Shapes(), _Words()
        self.pieces: list[PlainLines] = []
        self.open_piece: PlainLines | None = None
        self.rest: list[str] = []
        self.rest_words: set[str] = set()
        self.moves = [Move(0, 0)]
        self.rest_end = 0  # of the last line of the rest
        self.depth = 0  # of brackets
        self.has_doc = False  # whether a doc comment stands on the line before
        self.follows_plain = False
        self.is_sure = True

    def layout(self) -> Layout | None:
        start, lines = 0, 0
        while start < len(self.text):
            end = self.text.find("\n", start + BLOCK) + 1 or len(self.text)
            lines += self._block(start, self.text[start:end].removesuffix("\n"))
            if not self.is_sure or len(self.shapes) * REPEATS > max(lines, SHORTEST):
                return None
            start = end
        if self.depth or not self.pieces or sum(map(len, self.rest)) > LARGEST_REST * len(self.text):
            return None
        self.rest_words.update("out" + str(k or "") for k in range(len(self.rest) + 1))  # of outputs without a name
        layout = Layout(self.source, Rest("".join(self.rest), self.moves), self.pieces, self.words, self.rest_words)
        return None if layout.is_odd else layout

    def _block(self, start: int, block: str) -> int:
        """Divides some whole lines; returns their number."""
        lines, bare = block.split("\n"), block
        if "#" in bare:
            self.is_sure = first_hidden("\n".join(_COMMENT.findall(bare))) is None
            bare = _COMMENT.sub("", bare)
        parts = WORDS.split(bare)
        shapes = list(map(self.shapes.__getitem__, MARK.join(parts[::2]).split("\n")))
        del parts[::2]
        starts = list(accumulate(map((1).__add__, map(len, lines)), initial=start))
        of_block = set(shapes)
        if not self.depth and not self.has_doc and all(shape.is_plain for shape in of_block):
            words = list(map(self.words.__getitem__, parts))
            if self.words.others.isdisjoint(words):
                if words:
                    self._plain(shapes, starts, words, is_full=all(shape.words for shape in of_block))
                return len(lines)
        at = 0
        for line, shape, line_start in zip(lines, shapes, starts, strict=False):
            of_line = parts[at : (at := at + shape.words)]
            if shape.is_plain and not self.depth and not self.has_doc:
                words = list(map(self.words.__getitem__, of_line))
                if self.words.others.isdisjoint(words):
                    if words:
                        self._plain([shape], [line_start], words, is_full=True)
                    continue
            self._rest(line, line_start)
        return len(lines)

    def _plain(self, shapes: list[Shape], starts: list[int], words: list[int], *, is_full: bool) -> None:
        """is_full: whether no line is empty or a comment."""
        if not is_full:
            filled = [shape.words > 0 for shape in shapes]
            shapes, starts = list(compress(shapes, filled)), list(compress(starts, filled))
        piece = self.open_piece
        if piece is None:
            piece = self.open_piece = PlainLines(starts[0])
            self.pieces.append(piece)
        ends = accumulate([shape.words for shape in shapes], initial=0)
        piece.targets.extend([words[at] for at, _ in zip(ends, shapes, strict=False)])
        piece.starts.extend(starts[: len(shapes)])
        piece.words.extend(words)
        piece.shapes += shapes
        self.follows_plain = True

    def _rest(self, line: str, start: int) -> None:
        if self.follows_plain and _GOES_ON.match(line):
            self.is_sure = False
        bare = _literal_text().sub(" ", line)
        if bare.strip():
            self.follows_plain = False
        self.open_piece = None
        self.has_doc = "##" in line
        self.depth += sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
        self.is_sure = self.is_sure and self.depth >= 0 and first_hidden(line + "\n") is None
        self.rest_words.update(_WORD.findall(line if line.isascii() else nfkc(line)))
        if start != self.rest_end:
            moved = start - self.rest_end
            self.moves.append(Move(start - self.moves[-1].distance - moved, self.moves[-1].distance + moved))
        self.rest.append(self.text[start : start + len(line) + 1])
        self.rest_end = start + len(line) + 1


def line_at(text: str, start: int) -> str:
    """The line of a text that begins at a character, without the comment at its end."""
    end = text.find("\n", start)
    return _COMMENT.sub("", text[start : len(text) if end < 0 else end])


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


@cache
def _keywords() -> frozenset[str]:
    """The words of the syntax."""
    patterns = [terminal.pattern for terminal in parser().terminals]
    return frozenset(p.value for p in patterns if p.type == "str" and p.value.isidentifier())


@cache
def reserved_words() -> tuple[str, ...]:
    """The words with a meaning of their own."""
    return (*sorted(_keywords()), *sorted(NAMES), *CONSTANTS)


@cache
def _numbers() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{parser().get_terminal(name).pattern.value})" for name in ("FLOAT", "INT")))


@cache
def _literal_text() -> re.Pattern[str]:
    """Strings and comments."""
    return re.compile("|".join(parser().get_terminal(name).pattern.value for name in ("STRING", "COMMENT")))
