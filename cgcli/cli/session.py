"""What the commands that compute have in common: the program and the values given to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from cgcli.cli import watchdog
from cgcli.cli.arguments import Walked
from cgcli.cli.command import WALKED, known_options
from cgcli.cli.inputs import canonical, declared, gather, require
from cgcli.cli.options import WRITTEN
from cgcli.cli.output import notice, tell, terminal
from cgcli.cli.sources import open_program
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Span
from cgcli.graph.lexemes import plain_number
from cgcli.program import Program
from cgcli.render.escape import show
from cgcli.run.limits import Meter, node_limit
from cgcli.system import call_after


@dataclass(frozen=True)
class Session:
    """A program and the values that its inputs are given on the line."""

    program: Program
    values: dict[str, Any]
    context: typer.Context

    def require_values(self) -> None:
        """Raises `CgError` that names every input still without a value."""
        require(self.program, self.values, known_options(self.context))

    def recorded(self) -> Session:
        """This session with a program that has a graph: in dynamic mode the record of a run, which has its values."""
        if self.program.mode == "static":
            return self
        self.require_values()
        program = self.program.recorded(self.values)
        return Session(program, dict.fromkeys(i.name for i in program.inputs), self.context)


def start(
    context: typer.Context,
    file: str | None,
    expression: str | None,
    settings: Sequence[str] | None,
    inputs_file: str | None,
    allow_path: Sequence[str] | None,
    seed: int | None = None,
    max_memory: int | None = None,
    backend: str | None = None,
    max_steps: int | None = None,
    timeout: float | None = None,
    mode: str | None = None,
    weights: str | None = None,
    max_nodes: int | None = None,
    max_depth: int | None = None,
) -> Session:
    """Opens the program, reads the values and prints the warnings. Raises `CgError` for what is wrong with either."""
    watchdog.watch()
    Meter.on_slow = _tell_slow if terminal(sys.stderr) else None
    if timeout is not None:
        _stop_after(timeout, context)
    most = None if max_nodes is None and max_memory is None else node_limit(max_nodes, max_memory)
    try:
        program = open_program(file, expression, allow_path or (), mode, max_nodes=most)
    except CgError as e:
        raise declared(e, (), settings or (), inputs_file) from None
    program.max_nodes, program.max_depth = max_nodes, max_depth
    program.seed = seed or 0
    program.max_memory, program.max_steps, program.backend = max_memory, max_steps, backend
    if any(context.params.get(name) is not None for name in (*WRITTEN, "data", "resume")):
        from cgcli.cli.targets import Files

        Files(context, program).check_targets()
    tell(program.warnings)
    try:
        values = gather(program, settings or (), inputs_file, known_options(context))
    except CgError as e:
        raise declared(e, program.inputs, settings or (), inputs_file) from None
    _tell_of_options(context, program)
    if weights is not None:
        from cgcli.cli.trained import trained  # with the library that reads such files

        values = {**trained(program, weights, values), **values}
    tell(program.range_warnings(values))
    return Session(program, values, context)


def _tell_slow(place: Span | None, steps: int) -> None:
    """A line about a loop that takes long: which one, and how far it is."""
    where = "a loop" if place is None else f"line {place.line} of {place.source.name}"
    notice(show(f"note: {where} still runs, {steps} steps so far; Ctrl-C ends it, `--max-steps` sets a limit"))


def _tell_of_options(context: typer.Context, program: Program) -> None:
    """A note on each option of the line that has the name of an input, which the line gives no value."""
    walked: Walked = context.meta[WALKED]
    named = {each.name for each in program.inputs}.difference(map(canonical, walked.inputs))
    for option in walked.options:
        name, _, value = option.removeprefix("--").partition("=")
        if option.startswith("--") and name in named:
            given = f"{name}={value}" if plain_number(value) is not None else f"{name}=VALUE"
            told = f"`--{name}` is an option of `{context.command_path}`; the input is given by `--set {given}`"
            notice(show(f"note: {told}"))


def _stop_after(seconds: float, context: typer.Context) -> None:
    """Ends the command with an error after so many seconds. Raises `CgError` in a thread that no clock can stop."""

    def stop() -> None:
        raise error("timed-out", status=1, seconds=seconds)

    watchdog.state.seconds = seconds
    try:
        context.call_on_close(call_after(seconds, stop))
    except ValueError:
        raise error("no-timeout") from None
