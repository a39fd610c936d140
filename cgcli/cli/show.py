"""`cg show`: the graph in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import NO_DATA, Without
from cgcli.cli.output import can_write, emit, stdout
from cgcli.cli.results import exclude, table_settings
from cgcli.cli.session import note, open_session
from cgcli.program.graph_values import graph_values
from cgcli.program.names import canonical
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions
from cgcli.render import json
from cgcli.render.node_table import Sort, each_row, header, node_data, tree
from cgcli.render.node_text import value_writer
from cgcli.render.schema import heading
from cgcli.render.table import table_pieces
from cgcli.render.terminal_graph import draw

LINES = "├─└│●╰╯┴┤┼"  # the characters that draw a tree or a graph

Tree = Annotated[bool, Option("--tree", "What each output is made of, step by step.")]
Drawn = Annotated[bool, Option("--graph", "A small graph as a drawing: a line a node, joined by its uses.")]
Sorted = Annotated[
    Sort | None,
    Option("--sort", "By the size of gradients or values, the largest first, or by name or operation."),
]
Only = Annotated[
    tuple[str, ...],
    Option("--only", "Only this value, the calls of this function, or this operation.", "NAME", many=True),
]


def show(
    context: typer.Context,
    run: RunOptions,
    derivative: Annotated[DerivativeOptions, Without("wrt")],
    output: OutputOptions,
    as_tree: Tree = False,
    as_graph: Drawn = False,
    sort: Sorted = None,
    only: Only = (),
    data: Annotated[str | None, NO_DATA] = None,
) -> int:
    """Show the graph of a program: a table of its operations, as they are written.

    With the values of its inputs the table has values and gradients too. `--format json` lists the nodes that the
    operations are made of.
    """
    for option in (("--tree", as_tree), ("--graph", as_graph)):
        exclude(option, (f"--format {output.format}", output.format in ("json", "csv")))
        exclude(option, ("--sort", sort is not None))
        exclude(option, ("--only", bool(only)))
    exclude(("--tree", as_tree), ("--graph", as_graph))
    exclude(("--graph", as_graph), ("--full", output.full))
    session = open_session(context, run).recorded()
    session.require_all_or_none(needed=derivative.of is not None)
    graph, precision, full = session.program.graph, output.precision, output.full
    evaluation = graph_values(session.program, session.values, derivative.of, note)
    ascii_only = not can_write(LINES, stdout())
    if as_tree:
        emit("\n".join(tree(graph, evaluation, ascii_only=ascii_only, precision=precision, full=full)))
    elif as_graph:
        emit("\n".join(draw(graph, evaluation, ascii_only=ascii_only, precision=precision)))
    else:
        names = [canonical(name) for name in only]
        if output.format == "json":
            params = [i.name for i in session.program.inputs if i.kind == "param"]
            operations = node_data(graph, evaluation, names, sort)
            emit(json.dump({**heading("cg-operations", graph, params), "nodes": operations}, precision))
        else:
            _show_table(header(evaluation), each_row(graph, evaluation, names, sort), output)
    return 0


def _show_table(titles: tuple[str, ...], rows: Iterable[Sequence[Any]], output: OutputOptions) -> None:
    """Prints the table of operations, piece by piece."""
    precision, full = output.precision, output.full
    if output.format == "csv":
        from cgcli.render import csv

        cells = (["" if cell is None else cell for cell in row] for row in rows)
        pieces = csv.pieces(titles, cells, precision, full=full)
    else:
        accent = [titles.index("gradient")] if "gradient" in titles else []
        tensor = value_writer(precision, full=full)
        pieces = table_pieces(titles, rows, accent=accent, tensor=tensor, **table_settings(precision))
    for piece in pieces:
        emit(piece)


command = declare("show", show, ProgramCommand, "cg samples article", "cg show article.cg --a 2 --b 3 --c 1")
