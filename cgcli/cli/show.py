"""`cg show`: the graph in the terminal."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.graph_values import graph_values
from cgcli.cli.inputs import canonical
from cgcli.cli.options import (
    AllowPath,
    Backend,
    Expression,
    File,
    Format,
    Full,
    InputsFile,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    NoData,
    Of,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
    choice,
)
from cgcli.cli.output import emit, stdout
from cgcli.cli.results import exclude, table_settings
from cgcli.cli.session import open_session
from cgcli.render import csv, json
from cgcli.render.node_table import Sort, rows, tree, value_writer
from cgcli.render.table import table
from cgcli.render.terminal_graph import draw

Tree = Annotated[bool, typer.Option("--tree", help="What each output is made of, step by step.")]
Drawn = Annotated[bool, typer.Option("--graph", help="A small graph as a drawing: a line a node, joined by its uses.")]
Sorted = Annotated[
    str | None,
    typer.Option(
        "--sort",
        help="By the size of gradients or values, the largest first, or by name or operation.",
        **choice("--sort", "grad", "value", "name", "op"),
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Only this value, the calls of this function, or this operation."),
]


def show(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    as_tree: Tree = False,
    as_graph: Drawn = False,
    sort: Sorted = None,
    only: Only = None,
    of: Of = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    output_format: Format = None,
    precision: Precision = None,
    full: Full = False,
    mode: Mode = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
    data: NoData = None,
) -> int:
    """Show the graph of a program: a table of its nodes.

    With the values of its inputs the table has values and gradients too.
    """
    for option, is_set in (("--tree", as_tree), ("--graph", as_graph)):
        exclude((option, is_set), (f"--format {output_format}", output_format in ("json", "csv")))
        exclude((option, is_set), ("--sort", sort is not None))
        exclude((option, is_set), ("--only", bool(only)))
    exclude(("--tree", as_tree), ("--graph", as_graph))
    exclude(("--graph", as_graph), ("--full", full))
    session = open_session(
        context,
        file,
        expression,
        settings,
        inputs_file,
        allow_path,
        seed,
        max_memory,
        backend,
        max_steps,
        timeout,
        mode,
        weights,
        max_nodes,
        max_depth,
    )
    session = session.recorded()
    evaluation = graph_values(session, of)
    graph = session.program.graph
    if as_tree:
        emit("\n".join(tree(graph, evaluation, ascii_only=not _draws_lines(), precision=precision, full=full)))
        return 0
    if as_graph:
        emit("\n".join(draw(graph, evaluation, ascii_only=not _draws_lines(), precision=precision)))
        return 0
    header, cells = rows(graph, evaluation, [canonical(name) for name in only or ()], cast(Sort | None, sort))
    if output_format == "json":
        emit(json.dump({"nodes": [_node(header, row) for row in cells]}, precision))
    elif output_format == "csv":
        emit(csv.dump(header, [["" if cell is None else cell for cell in row] for row in cells], precision, full=full))
    else:
        accent = [header.index("gradient")] if "gradient" in header else []
        tensor = value_writer(precision, full=full)
        emit(table(header, cells, accent=accent, tensor=tensor, **table_settings(precision)))
    return 0


def _node(header: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    node = dict(zip(header, row, strict=True))
    return node | {"inputs": node["inputs"].split(", ") if node["inputs"] else []}


def _draws_lines() -> bool:
    """Whether the encoding of standard output has the characters that draw a tree."""
    try:
        "├─└│●╰╯┴┤┼".encode(getattr(stdout(), "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


command = declare("show", show, ProgramCommand, "cg show samples/article.cg --a 2 --b 3 --c 1")
