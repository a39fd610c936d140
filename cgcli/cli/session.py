"""What the commands that compute have in common: the program, the values given to it, and how results are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from cgcli.cli.command import known_options
from cgcli.cli.inputs import gather, missing_inputs, require
from cgcli.cli.output import notice, tell
from cgcli.cli.sources import open_program
from cgcli.graph.diagnostic import CgError, error
from cgcli.graph.evaluation import Evaluation
from cgcli.language.records import Scalar
from cgcli.language.wording.words import phrase
from cgcli.program import Program
from cgcli.render.escape import show


@dataclass(frozen=True)
class Session:
    """A program and the values that its inputs are given on the line."""

    program: Program
    values: dict[str, Scalar]
    context: typer.Context

    def require_values(self) -> None:
        """Raises `CgError` that names every input still without a value."""
        require(self.program, self.values, known_options(self.context))

    def evaluation(self, of: str | None) -> Evaluation | None:
        """What a picture shows beside the graph: values and, where there is one value to differentiate, gradients.

        None when no values are given to a program that needs some. Raises `CgError` when only some are given, or when
        none are and yet there is an `of`.
        """
        if not len(self.program.graph):
            raise error("nothing-to-compute", name=self.program.module.source.name)
        if self.values or of is not None:
            self.require_values()
        if missing_inputs(self.program, self.values):
            return None
        if of is None:
            try:
                self.program.of_choice(None)
            except CgError as problem:
                choices = problem.diagnostics[0].values.get("choices")
                named = f"; choose one by `--of`: {phrase(choices)}" if choices else ""
                notice(show(f"note: no gradients are shown, for there is not one float output alone{named}"))
                return self.program.run(self.values, derivatives=False)
        return self.program.run(self.values, of=of)


def start(
    context: typer.Context,
    file: str | None,
    expression: str | None,
    settings: Sequence[str] | None,
    inputs_file: str | None,
    allow_path: Sequence[str] | None,
    colour: str,
) -> Session:
    """Opens the program, reads the values and prints the warnings. Raises `CgError` for what is wrong with either."""
    program = open_program(file, expression, allow_path or ())
    tell(program.warnings, colour)
    values = gather(program, settings or (), inputs_file, known_options(context))
    tell(program.range_warnings(values), colour)
    return Session(program, values, context)
