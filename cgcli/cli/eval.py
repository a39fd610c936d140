"""`cg eval`: the outputs of a program."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import (
    AllowPath,
    Backend,
    BatchSize,
    Data,
    Expression,
    File,
    Format,
    Full,
    InputsFile,
    Map,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    OnError,
    Out,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
)
from cgcli.cli.results import exclude, only_with_data, show_numbers
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.render.numbers import single

Every = Annotated[bool, typer.Option("--all", help="Every named value, not only the outputs.")]


def evaluate(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    every: Every = False,
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
    data: Data = None,
    maps: Map = None,
    on_error: OnError = None,
    target: Out = None,
    batch: BatchSize = None,
) -> int:
    """Evaluate a program and print its outputs.

    Give each input its value by its own name: --a 2.
    """
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
    if data is not None:
        from cgcli.cli.rows import over_rows, table_settings  # imports what reads tables

        others = {
            "--all": every,
            "--full": full,
            "--precision": precision is not None,
            "--format": output_format is not None,
        }
        for option in others.items():
            exclude(option, ("--data", True))
        return over_rows(session, data, table_settings(maps, on_error, batch), target)
    only_with_data(maps, on_error, target, batch)
    session.require_values()
    session = session.recorded()
    program = session.program
    results = {n: single(v, program.type_of(n)) for n, v in program.eval(session.values, every=every).items()}
    if not results:
        raise error("nothing-to-compute", name=session.program.module.source.name)
    show_numbers(list(results.items()), results, output_format, precision, full)
    return 0


command = declare("eval", evaluate, ProgramCommand, "cg eval samples/article.cg --a 2 --b 3 --c 1")
