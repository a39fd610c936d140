"""The record of a diagnostic's templates, and the functions that fill them with values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

from cgcli.diagnostics.source import Span

MAX_LISTED = 12  # items of a list that are shown; the others are counted
MAX_LENGTH = 500  # characters of one value
MAX_BITS = 500  # of an int that is shown by its digits


@dataclass(frozen=True)
class Templates:
    """The templates of one code: a title, a text for each role of a label, and lines of help.

    Fields in braces are the diagnostic's values. A line of help that lacks one of its values is left out.
    """

    title: str
    labels: Mapping[str, str] = field(default_factory=dict)
    help: tuple[str, ...] = ()

    @property
    def templates(self) -> tuple[str, ...]:
        return (self.title, *self.labels.values(), *self.help)


def words(title: str, *helps: str, **labels: str) -> Templates:
    """The templates of one code: its title, its lines of help, and by role the texts of its labels."""
    return Templates(title, labels, helps)


@dataclass(frozen=True)
class Message:
    """A diagnostic in sentences. labels: each span with its text, which may be empty."""

    title: str
    labels: tuple[tuple[Span, str], ...]
    helps: tuple[str, ...]


def fields(template: str) -> frozenset[str]:
    """The names of the values that a template needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def fill_template(template: str, values: Mapping[str, object]) -> str | None:
    """The template with its values, or None when one of them is missing, None or empty."""
    texts = {name: format_value(values.get(name)) for name in fields(template)}
    if any(text == "" for text in texts.values()):
        return None
    return template.format_map(texts)


def format_value(value: object) -> str:
    """A value as text for users; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return "a huge number"
    if isinstance(value, (list, tuple, set, frozenset)):
        return _join_list([format_value(item) for item in value])
    text = repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"


def _join_list(items: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(items) > MAX_LISTED:
        items = [*items[: MAX_LISTED - 1], f"{len(items) - MAX_LISTED + 1} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
