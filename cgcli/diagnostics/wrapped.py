"""Texts that fit the width of a terminal: broken at blanks, each line under the beginning of the first."""

from __future__ import annotations

LEAST = 24  # columns that a text beside a label needs
SLACK = 8  # by how much shorter than the longest a line of a page may be that was broken
_SIGNS = dict.fromkeys(map(ord, "∂·×−→…ᵀ²³"))  # of cg's own, each of which takes one column
BELOW = 4  # by how much a text below its label is indented


def cell_width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii() or text.translate(_SIGNS).isascii():
        return len(text)
    from rich.cells import cell_len  # for other letters alone

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """A text with blanks up to a width."""
    return text + " " * (width - cell_width(text))


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


def fitted(page: str, width: int | None) -> str:
    """A page of text for a terminal: paragraphs, and labels with their texts in a column, lines of at most `width`.

    Lines that the page breaks itself, because the next word would not have fitted, are joined first.
    """
    lines = page.split("\n")
    longest = max(map(len, lines))
    if width is None or longest <= width:
        return page
    import re  # for pages that are too wide alone

    entries: list[tuple[str, int, str]] = []  # label, column of the text, text
    end = 0  # of the last line
    for line in lines:
        text = line.lstrip()
        lead = len(line) - len(text)
        label = re.match(r" *\S.*?(?: {2,})(?=\S)", line)
        is_full = end + len(text.partition(" ")[0]) > longest - SLACK
        if text and label is None and is_full and entries and entries[-1][1] == lead and entries[-1][2]:
            entries[-1] = (*entries[-1][:2], f"{entries[-1][2]} {text}")
        elif label is not None:
            entries.append((label[0].rstrip(), label.end(), line[label.end() :]))
        else:
            entries.append(("", min(lead, max(width - LEAST, 0)), text))
        end = len(line)
    return "\n".join(
        labelled(label, text, column, width) if label else " " * column + wrapped(text, column, width) if text else ""
        for label, column, text in entries
    )
