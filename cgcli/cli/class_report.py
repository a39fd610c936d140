"""The classes of a classifier on standard output: a table of shares, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.cli.output import emit
from cgcli.cli.results import chosen_format, table_settings
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import cell_width
from cgcli.program.classes import ClassShares, Confusion
from cgcli.program.options import OutputOptions
from cgcli.render.numbers import rounded, shortest
from cgcli.render.table import table

MOST_CLASSES = 20  # that are listed, and that a matrix is printed of
MOST_MISTAKES = 10  # pairs that are listed
LISTED = 100  # classes whose matrix JSON has
DIGITS = 4  # of shares
WIDE = 10**6  # columns: more than any matrix takes


def class_data(confusion: Confusion) -> dict[str, Any]:
    """The classes as JSON data, and the matrix; of more than `LISTED` classes all mistakes."""
    data: dict[str, Any] = {"output": confusion.guess, "truth": confusion.truth, "rows": confusion.rows}
    data |= {"validation": confusion.held_out, "right": confusion.right}
    data["classes"] = [
        {
            "class": share.number,
            **({} if share.word is None else {"word": share.word}),
            "rows": share.rows,
            "guessed": share.guessed,
            "recall": share.recall,
            "precision": share.precision,
        }
        for share in confusion.shares()
    ]
    if len(confusion.classes) <= LISTED:
        data["confusion"] = confusion.counts.tolist()
    else:
        numbers = confusion.classes
        data["mistakes"] = [[numbers[i], numbers[j], rows] for i, j, rows in confusion.mistakes()]
    return data


def show_classes(confusion: Confusion, output: OutputOptions) -> None:
    """Prints the shares of each class, and the confusion matrix where it fits, else the most frequent mistakes."""
    shares = confusion.shares()
    title = confusion.truth + (" (validation)" if confusion.held_out else "")
    if len(shares) > MOST_CLASSES:
        title += f", the worst {MOST_CLASSES} of {len(shares)}"
        shares = sorted(shares, key=lambda share: 2.0 if share.recall is None else share.recall)[:MOST_CLASSES]
    digits = output.precision or DIGITS
    if chosen_format(output.format) == "table":
        _show_tables(confusion, title, shares, digits)
        return
    lines = [f"{title}: {confusion.rows} rows, {shortest(confusion.right, digits)} right"]
    for share in shares:
        numbers = [("recall", share.recall), ("precision", share.precision)]
        parts = [f"{name} {shortest(x, digits)}" for name, x in numbers if x is not None]
        lines.append(f"{confusion.truth} {_name(share)}: {', '.join([f'rows {share.rows}', *parts])}")
    lines += [f"{confusion.truth} {a} taken for {b}: rows {rows}" for a, b, rows in _mistakes(confusion)]
    emit("\n".join(map(show, lines)))


def _show_tables(confusion: Confusion, title: str, shares: Sequence[ClassShares], digits: int) -> None:
    """The shares to so many digits; counts have all of theirs."""
    settings = table_settings(None)
    rows: list[tuple[Any, ...]] = [
        (_name(s), s.rows, *(None if x is None else rounded(x, digits) for x in (s.recall, s.precision)))
        for s in shares
    ]
    rows.append(("all", confusion.rows, rounded(confusion.right, digits), None))
    emit(table((title, "rows", "recall", "precision"), rows, **settings))
    mistakes = _mistakes(confusion)
    if not mistakes:
        return
    if len(confusion.classes) <= MOST_CLASSES:
        names = [_name(share) for share in shares]
        header = (f"{confusion.truth} ╲ {confusion.guess}", *names)
        counts = [[count or None for count in row] for row in confusion.counts.tolist()]
        text = table(
            header, [(name, *row) for name, row in zip(names, counts, strict=True)], **{**settings, "width": WIDE}
        )
        if max(cell_width(line) for line in text.split("\n")) <= settings["width"]:
            emit(text)
            return
    emit(table((confusion.truth, "taken for", "rows"), mistakes, **settings))


def _mistakes(confusion: Confusion) -> list[tuple[str, str, int]]:
    """The most frequent mistakes, by the names of classes."""
    names = [_name(share) for share in confusion.shares()]
    return [(names[i], names[j], rows) for i, j, rows in confusion.mistakes()[:MOST_MISTAKES]]


def _name(share: ClassShares) -> str:
    return str(share.number) if share.word is None else share.word
