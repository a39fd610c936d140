"""Source texts, spans of them, and diagnostics: problems at spans, as data.

`wording` turns a diagnostic into a message; screens and files only draw that.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

# Invisible characters, and those that change how others are displayed: control and format characters, line and
# paragraph separators, halves of surrogate pairs; of these a program may have newline, tab and form feed, and CR before
# a newline.
HIDDEN_CLASS = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
)
_FORBIDDEN = re.compile(rf"(?![\t\n\f]|\r\n)[{HIDDEN_CLASS}]")


@dataclass(frozen=True, eq=False)
class Source:
    """One text of a program, with its name for the user (a path, `-`, `-e`)."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (counted from 1), without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def offset(self, line: int, byte: int) -> int:
        """The character at a byte of a line in UTF-8, lines counted from 1 and bytes from 0."""
        text = self.line(line).encode("utf-8", "surrogatepass")[:byte]
        return self._starts[line - 1] + len(text.decode("utf-8", "surrogatepass"))

    def stripped_line(self, number: int) -> Span | None:
        """A line (counted from 1) without the blanks around it; None where there is none."""
        if not 0 < number <= len(self._starts):
            return None
        text = self.line(number)
        start = self._starts[number - 1] + len(text) - len(text.lstrip())
        return Span(self, start, start + len(text.strip()))


class Span(NamedTuple):
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]


class RepeatedSpan(Span):
    """A span whose nodes are an operation each, as Python code has it that a loop runs again."""

    __slots__ = ()


@dataclass(frozen=True)
class Label:
    """A span and its role (a key of the templates' `labels`)."""

    span: Span
    role: str = "here"


@dataclass(frozen=True)
class Diagnostic:
    """One problem: a stable code, labelled spans (the first is where it is), and the values for the message."""

    code: str
    labels: tuple[Label, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Literal["error", "warning", "note"] = "error"

    def __post_init__(self) -> None:
        if any(_has_url(value) for value in self.values.values()):
            from .secrets import without_secrets  # for URLs alone

            values = {name: _mapped(x, without_secrets) if _has_url(x) else x for name, x in self.values.items()}
            object.__setattr__(self, "values", values)


def _has_url(value: object) -> bool:
    """Whether a value of a diagnostic is a text with a URL in it, or has one."""
    if isinstance(value, str):
        return "//" in value or ":/" in value
    return isinstance(value, list | tuple) and any(isinstance(x, str) and _has_url(x) for x in value)


def _mapped(value: object, function: Callable[[str], str]) -> object:
    """A value of a diagnostic with the function's texts."""
    if isinstance(value, str):
        return function(value)
    return [function(x) if isinstance(x, str) else x for x in value] if isinstance(value, list | tuple) else value


def first_hidden(text: str) -> int | None:
    """The offset of the first character that is forbidden in a program, or None."""
    match = _FORBIDDEN.search(text)
    return match.start() if match else None
