"""A small graph drawn in the terminal: a line an operation, values run down as rails until their last use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph

from .node_table import OperationTable
from .node_text import gradient, value_writer

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
    *,
    ascii_only: bool = False,
    precision: int | None = None,
) -> Iterator[str]:
    """Lines. Raises `CgError` (status 1) when there are too many nodes, or too many values at a time."""
    table = OperationTable(graph)
    nodes = table.nodes
    if len(nodes) > MOST_NODES:
        raise error("too-large-to-draw-here", status=1, count=len(nodes), limit=MOST_NODES, what="nodes")
    rails = list(_rails(table, ASCII if ascii_only else UNICODE))
    width = max((len(row) for row in rails), default=0)
    if width > 2 * MOST_RAILS:
        raise error(
            "too-large-to-draw-here", status=1, count=(width + 1) // 2, limit=MOST_RAILS, what="values at a time"
        )
    texts = [show(table.definition(i)) for i in nodes]
    write = value_writer(precision)
    values, gradients = (
        ["" if number is None else write(number) for number in column]
        for column in (
            [evaluation.values[i] if evaluation else None for i in nodes],
            [gradient(graph, evaluation, i) if evaluation else None for i in nodes],
        )
    )
    widths = [max(map(len, texts), default=0), max(map(len, values), default=0)]
    for row, text, value, derivative in zip(rails, texts, values, gradients, strict=True):
        numbers = f"{value:<{widths[1]}}   {'gradient ' + derivative if derivative else ''}"
        yield f"{row:<{width}}  {text:<{widths[0]}}   {numbers}".rstrip()


def _rails(table: OperationTable, signs: Signs) -> Iterator[str]:
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
        yield _row(rails, column, ending - {column}, passing, signs)
        for k in ending:
            rails[k] = None
        rails[column] = i if uses_left[i] else None
        while rails and rails[-1] is None:
            rails.pop()


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
