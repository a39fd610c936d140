"""A small graph drawn in the terminal: a line an operation, values run down as rails until their last use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import cell_width, padded
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph

from .node_table import LEAST_LINE, OperationTable, Part, fitted_parts
from .node_text import gradient, value_writer
from .style import ACCENT, styled

MOST_NODES = 80
MOST_RAILS = 24


class Signs(NamedTuple):
    """A node, a rail, a connection; the end of a rail at the left, the right or between; a branch there."""

    node: str
    rail: str
    line: str
    left_end: str
    right_end: str
    end: str
    left: str
    right: str
    branch: str


UNICODE = Signs("●", "│", "─", "╰", "╯", "┴", "├", "┤", "┼")
ASCII = Signs("o", "|", "-", "`", "'", "'", "|", "|", "+")


def draw(
    graph: Graph,
    evaluation: Evaluation | None = None,
    write: Callable[[Any], str] | None = None,
    *,
    ascii_only: bool = False,
    width: int | None = None,
    colour: bool = False,
) -> Iterator[str]:
    """Lines. write: writes a value, by default with all digits. width: of lines, None for any.

    Raises `CgError` (status 1) when there are too many nodes, or too many values at a time.
    """
    table = OperationTable(graph)
    nodes = table.nodes
    if len(nodes) > MOST_NODES:
        raise error("too-large-to-draw-here", status=1, count=len(nodes), limit=MOST_NODES, what="nodes")
    rails = list(_rails(table, ASCII if ascii_only else UNICODE))
    rails_width = max((len(row) for row, _ in rails), default=0)
    most = MOST_RAILS if width is None else min(MOST_RAILS, max(1, (width - LEAST_LINE) // 2))
    if rails_width > 2 * most:
        raise error(
            "too-large-to-draw-here", status=1, count=(rails_width + 1) // 2, limit=most, what="values at a time"
        )
    texts = [show(table.definition(i)) for i in nodes]
    write = write or value_writer()
    values, gradients = (
        ["" if number is None else write(number) for number in column]
        for column in (
            [evaluation.values[i] if evaluation else None for i in nodes],
            [gradient(graph, evaluation, i) if evaluation else None for i in nodes],
        )
    )
    widths = [max(map(cell_width, texts), default=0), max(map(len, values), default=0)]
    accent = ACCENT if colour else ""
    longest = max((len(g) + 9 if g else 0 for g in gradients), default=0)
    is_wide = width is not None and rails_width + 8 + sum(widths) + longest > width
    for (row, below), text, value, derivative in zip(rails, texts, values, gradients, strict=True):
        last = Part(f"gradient {derivative}" if derivative else "", accent)
        if not is_wide:
            yield f"{row:<{rails_width}}  {padded(text, widths[0])}   {value:<{widths[1]}}   {styled(*last)}".rstrip()
            continue
        parts = [Part(text), *([Part(f"value {value}")] if value else []), *([last] if last.text else [])]
        yield from fitted_parts(parts, f"{row:<{rails_width}}  ", f"{below:<{rails_width}}  ", width)


def _rails(table: OperationTable, signs: Signs) -> Iterator[tuple[str, str]]:
    """For each operation its line, and what stands in front of a further line of it."""
    nodes, node_set = table.nodes, set(table.nodes)
    reads = {i: list(dict.fromkeys(x for x in table.inputs(i) if x in node_set)) for i in nodes}
    uses_left: dict[int, int] = dict.fromkeys(nodes, 0)  # uses still to come
    for operands_of_node in reads.values():
        for x in operands_of_node:
            uses_left[x] += 1
    rails: list[int | None] = []
    for i in nodes:
        for x in reads[i]:
            uses_left[x] -= 1
        ending = {rails.index(x) for x in reads[i] if not uses_left[x]}
        passing = {rails.index(x) for x in reads[i] if uses_left[x]}
        free = [k for k, x in enumerate(rails) if x is None]
        column = min(ending) if ending else free[0] if free else len(rails)
        if column == len(rails):
            rails.append(None)
        row = _row(rails, column, ending - {column}, passing, signs)
        for k in ending:
            rails[k] = None
        rails[column] = i if uses_left[i] else None
        while rails and rails[-1] is None:
            rails.pop()
        yield row, " ".join(" " if x is None else signs.rail for x in rails)


def _row(rails: list[int | None], column: int, ending: set[int], passing: set[int], signs: Signs) -> str:
    """One line: the node at a rail, joined with those of its operands."""
    joined = {column, *ending, *passing}
    low, high = min(joined), max(joined)
    text = ""
    for k, x in enumerate(rails):
        if k == column:
            text += signs.node
        elif k in ending:
            text += signs.left_end if k == low else signs.right_end if k == high else signs.end
        elif k in passing:
            text += signs.left if k == low else signs.right if k == high else signs.branch
        elif x is not None:
            text += signs.rail
        else:
            text += signs.line if low < k < high else " "
        text += signs.line if low <= k < high else " "
    return text.rstrip()
