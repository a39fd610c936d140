"""Texts that fit the width of a terminal: broken at blanks, each line under the beginning of the first."""

from __future__ import annotations

LEAST = 24  # columns that a text beside a label needs
BELOW = 4  # by how much a text below its label is indented


def wrapped(text: str, indent: int, width: int | None) -> str:
    """A text that begins at column `indent`, in lines that end before `width`; None for any. No word is broken."""
    if width is None or indent + len(text) <= width:
        return text
    import textwrap  # for long texts alone

    room = max(width - indent, LEAST)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False, replace_whitespace=False)
    return ("\n" + " " * indent).join(lines)


def labelled(label: str, text: str, column: int, width: int | None) -> str:
    """A label and its text at a column; below the label where the width leaves little room beside it."""
    column = max(column, len(label) + 2)
    if width is not None and width - column < LEAST and column + len(text) > width:
        return f"{label.rstrip()}\n{' ' * BELOW}{wrapped(text, BELOW, width)}"
    return f"{label:<{column}}{wrapped(text, column, width)}"
