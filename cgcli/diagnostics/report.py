"""Diagnostics on a terminal, and as data for editors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .escape import show
from .source import Diagnostic, Source, Span
from .source_excerpt import Mark, draw
from .wording.messages import message_of
from .wrapped import wrapped

RESET = "\x1b[0m"
BOLD, GUTTER, SECONDARY = "\x1b[1m", "\x1b[34m", "\x1b[36m"
SEVERITIES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}


def text(diagnostics: Iterable[Diagnostic], colour: bool = False, width: int | None = None) -> str:
    """The diagnostics with the lines they are about, an empty line between two of them. Whatever users wrote is escaped
    with `show`. width: of the terminal, in which sentences are broken at blanks."""
    return "\n".join(
        "".join(f"{line}\n" for line in _DiagnosticText(diagnostic, colour, width).lines) for diagnostic in diagnostics
    )


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic for JSON: lines and columns count from 1, an end is exclusive; None without a place."""
    message = message_of(diagnostic)
    span = diagnostic.labels[0].span if diagnostic.labels else None
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": message.title,
        "help": list(message.helps),
        **_position(span),
        "labels": [{**_position(span), "text": label} for span, label in message.labels],
    }


def _position(span: Span | None) -> dict[str, Any]:
    keys = "file", "line", "column", "end_line", "end_column"
    if span is None:
        return dict.fromkeys(keys)
    source = span.source
    return dict(zip(keys, (source.name, *source.position(span.start), *source.position(span.end)), strict=True))


class _DiagnosticText:
    """The lines of one diagnostic."""

    def __init__(self, diagnostic: Diagnostic, colour: bool, width: int | None) -> None:
        self.colour = colour
        self.severity = SEVERITIES[diagnostic.severity]
        self.lines: list[str] = []
        message = message_of(diagnostic)
        title = self._paint(f"{diagnostic.severity}:", self.severity)
        first, *more = wrapped(show(message.title), len(diagnostic.severity) + 2, width).split("\n")
        self.lines.append(f"{title} {self._paint(first, BOLD)}")
        self.lines += [self._paint(line, BOLD) for line in more]
        marks = self._marks_by_line(message.labels)
        numbers = [number for lines in marks.values() for number in lines]
        # without lines, a help stands where the arrow to one would
        self.margin = len(str(max(numbers))) + 1 if numbers else 1
        for source, lines in marks.items():
            self._excerpt(source, lines)
        for help_text in message.helps:
            words = wrapped(show(help_text), self.margin + len(" = help: "), width)
            self.lines.append(f"{' ' * (self.margin + 1)}{self._paint('=', GUTTER)} help: {words}")

    def _marks_by_line(self, labels: Sequence[tuple[Span, str]]) -> dict[Source, dict[int, list[Mark]]]:
        """The marks of each line of each source, the place of the diagnostic first."""
        marks: dict[Source, dict[int, list[Mark]]] = {}
        for k, (span, label) in enumerate(labels):
            line, column = span.source.position(span.start)
            # of a span over several lines the first is underlined
            end = column - 1 + max(span.end - span.start, 1)
            mark = Mark(column - 1, end, show(label), primary=k == 0)
            marks.setdefault(span.source, {}).setdefault(line, []).append(mark)
        return marks

    def _excerpt(self, source: Source, lines: dict[int, list[Mark]]) -> None:
        number, marks = next(iter(lines.items()))
        arrow = "-->" if marks[0].primary else ":::"
        position = f"{show(source.name)}:{number}:{marks[0].start + 1}"
        self.lines.append(f"{' ' * self.margin}{self._paint(arrow, GUTTER)} {position}")
        self._row("", "")
        before = None
        for number in sorted(lines):
            if before is not None and number == before + 2:
                self._row(str(before + 1), draw(source.line(before + 1), ())[0])
            elif before is not None and number > before + 1:
                self.lines.append(self._paint(f"{' ' * (self.margin - 1)}…", GUTTER))
            line, *below = draw(source.line(number), lines[number], self._mark)
            self._row(str(number), line)
            for row in below:
                self._row("", row)
            before = number

    def _row(self, number: str, content: str) -> None:
        gutter = self._paint(f"{number:>{self.margin}} |", GUTTER)
        self.lines.append(f"{gutter} {content}" if content else gutter)

    def _mark(self, part: str, primary: bool) -> str:
        return self._paint(part, self.severity if primary else SECONDARY)

    def _paint(self, part: str, style: str) -> str:
        return f"{style}{part}{RESET}" if self.colour else part
