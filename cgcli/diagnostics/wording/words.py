"""The shape of the tables of words, and how a template is filled with the values of a diagnostic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

from cgcli.diagnostics.source import Span

LISTED = 12  # items of a list that are named, the others are counted
LONGEST = 500  # characters of one value
MANY_BITS = 500  # of an int that nobody would read digit by digit


@dataclass(frozen=True)
class Words:
    """The templates of one code: a title, a text for each role of a label, and lines of help.

    Fields in braces are the diagnostic's values. A line of help one of whose values is not there is left out.
    """

    title: str
    labels: Mapping[str, str] = field(default_factory=dict)
    help: tuple[str, ...] = ()

    @property
    def templates(self) -> tuple[str, ...]:
        return (self.title, *self.labels.values(), *self.help)


@dataclass(frozen=True)
class Message:
    """A diagnostic in sentences. labels: each span with its text, which may be empty."""

    title: str
    labels: tuple[tuple[Span, str], ...]
    helps: tuple[str, ...]


def fields(template: str) -> frozenset[str]:
    """The names of the values that a template needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def fill(template: str, values: Mapping[str, object]) -> str | None:
    """The template with its values, or None when one of them is missing, None or empty."""
    shown = {name: format_value(values.get(name)) for name in fields(template)}
    if any(text == "" for text in shown.values()):
        return None
    return template.format_map(shown)


def format_value(value: object) -> str:
    """A value as a user knows it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return "a huge number"
    if isinstance(value, (list, tuple, set, frozenset)):
        return _listed([format_value(each) for each in value])
    text = repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(items) > LISTED:
        items = [*items[: LISTED - 1], f"{len(items) - LISTED + 1} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
