"""`cg show`: the graph in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import NO_DATA, Without
from cgcli.cli.output import can_write, emit, is_terminal, stdout, use_colour, width_of
from cgcli.cli.results import chosen_format, exclude, table_settings
from cgcli.cli.session import note, open_session
from cgcli.program.graph_values import graph_values
from cgcli.program.names import canonical
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions
from cgcli.render import json
from cgcli.render.node_table import FORMULAS, HEADER, Listing, Sort, node_data, tree
from cgcli.render.node_text import value_writer
from cgcli.render.schema import heading
from cgcli.render.terminal_graph import draw
from cgcli.render.terminal_values import TerminalValues

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
    graph = session.program.graph
    evaluation = graph_values(session.program, session.values, derivative.of, note)
    if as_tree or as_graph:
        _show_drawn(tree if as_tree else draw, graph, evaluation, output)
        return 0
    names = [canonical(name) for name in only]
    if output.format == "json":
        params = [i.name for i in session.program.inputs if i.kind == "param"]
        operations = node_data(graph, evaluation, names, sort)
        emit(json.dump({**heading("cg-operations", graph, params), "nodes": operations}, output.precision))
    else:
        _show_table(Listing(graph, evaluation, names, sort), output)
    return 0


def _show_drawn(drawing: Callable[..., Iterator[str]], graph: Any, evaluation: Any, output: OutputOptions) -> None:
    """Prints the graph as a tree or as a drawing; on a terminal in its width and with numbers in few digits."""
    write = value_writer(output.precision, full=output.full)
    if is_terminal(stdout()):
        write = TerminalValues(output.precision, full=output.full).inline
    settings = {"ascii_only": not can_write(LINES, stdout()), "colour": use_colour(stdout())}
    emit("\n".join(drawing(graph, evaluation, write, width=width_of(stdout()), **settings)))


def _show_table(listing: Listing, output: OutputOptions) -> None:
    """Prints the table of operations, piece by piece."""
    from cgcli.render.node_text import PlainValues
    from cgcli.render.table import table_pieces

    chosen, precision, full = chosen_format(output.format), output.precision, output.full
    if chosen == "csv":
        from cgcli.render import csv

        cells = (["" if cell is None else cell for cell in row] for row in listing.rows())
        pieces = csv.pieces(listing.header(HEADER), cells, precision, full=full)
    elif chosen == "table":
        settings = table_settings(precision, full)
        titles = listing.header(FORMULAS)
        pieces = table_pieces(titles, listing.formulas(), styles=listing.styles, spare=2, over=1, **settings)
    else:
        values = PlainValues(precision, full=full)
        pieces = table_pieces(listing.header(HEADER), listing.rows(), width=None, values=values)
    for piece in pieces:
        emit(piece)


command = declare("show", show, ProgramCommand, "cg samples article", "cg show article.cg --a 2 --b 3 --c 1")
