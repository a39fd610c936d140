"""`cg eval`: the outputs of a program."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.results import exclude, only_with_data, show_numbers
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions, TableOptions
from cgcli.render.numbers import single

Every = Annotated[bool, Option("--all", "Every named value, not only the outputs.")]


def evaluate(
    context: typer.Context, run: RunOptions, output: OutputOptions, table: TableOptions, every: Every = False
) -> int:
    """Evaluate a program and print its outputs.

    Give each input its value by its own name: --a 2.
    """
    session = open_session(context, run)
    if table.data is not None:
        from cgcli.cli.rows import over_rows, table_settings  # imports what reads tables

        exclude(("--all", every), ("--data", True))
        over_rows(session, table, output, table_settings(table, session.checkpoint))
        session.keep_instructions(run, DerivativeOptions())
        return 0
    only_with_data(table)
    session.require_values()
    session = session.recorded()
    program = session.program
    results = {n: single(v, program.type_of(n)) for n, v in program.eval(session.values, every=every).items()}
    if not results:
        raise error("nothing-to-compute", name=session.program.module.source.name)
    show_numbers(list(results.items()), results, output, answers=program.module.outputs)
    if not every:
        session.keep_instructions(run, DerivativeOptions())
    return 0


command = declare("eval", evaluate, ProgramCommand, "cg samples article", "cg eval article.cg --a 2 --b 3 --c 1")
