"""The session of a command that computes: the program and the values of its inputs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from cgcli.cli import signals
from cgcli.cli.arguments import Arguments
from cgcli.cli.command import ARGUMENTS, command_options
from cgcli.cli.inputs import canonical, input_values, with_declarations
from cgcli.cli.options import WRITTEN
from cgcli.cli.output import is_terminal, notice, print_diagnostics
from cgcli.cli.sources import open_program
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Span
from cgcli.graph.lexemes import plain_number
from cgcli.ops.limits import Meter, node_limit
from cgcli.program import Program
from cgcli.render.escape import show
from cgcli.run.binding import require
from cgcli.system import call_after


@dataclass(frozen=True)
class Session:
    """A program and the values of its inputs on the command line."""

    program: Program
    values: dict[str, Any]
    context: typer.Context

    def require_values(self) -> None:
        """Raises `CgError` that names every input still without a value."""
        require(self.program.inputs, self.values)

    def recorded(self) -> Session:
        """This session with a program that has a graph: in dynamic mode the recorded graph of a run and its values."""
        if self.program.mode == "static":
            return self
        self.require_values()
        program = self.program.recorded(self.values)
        return Session(program, dict.fromkeys(i.name for i in program.inputs), self.context)


def open_session(
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
    """Opens the program, reads the values and prints the warnings. Raises `CgError` for errors in either."""
    signals.watch()
    Meter.on_slow = _note_slow_loop if is_terminal(sys.stderr) else None
    if timeout is not None:
        _stop_after(timeout, context)
    most = None if max_nodes is None and max_memory is None else node_limit(max_nodes, max_memory)
    try:
        program = open_program(file, expression, allow_path or (), mode, max_nodes=most)
    except CgError as e:
        raise with_declarations(e, (), settings or (), inputs_file) from None
    program.max_nodes, program.max_depth = max_nodes, max_depth
    program.seed = seed or 0
    program.max_memory, program.max_steps, program.backend = max_memory, max_steps, backend
    if any(context.params.get(name) is not None for name in (*WRITTEN, "data", "resume")):
        from cgcli.cli.targets import ReadFiles

        ReadFiles(context, program).check_targets()
    print_diagnostics(program.warnings)
    try:
        values = input_values(program, settings or (), inputs_file, command_options(context))
    except CgError as e:
        raise with_declarations(e, program.inputs, settings or (), inputs_file) from None
    _note_shadowed_inputs(context, program)
    if weights is not None:
        from cgcli.cli.checkpoint_params import checkpoint_params  # imports the library that reads checkpoints

        values = {**checkpoint_params(program, weights, values), **values}
    print_diagnostics(program.range_warnings(values))
    return Session(program, values, context)


def _note_slow_loop(span: Span | None, steps: int) -> None:
    """A note about a loop that takes long: which one, and its steps so far."""
    where = "a loop" if span is None else f"line {span.line} of {span.source.name}"
    notice(show(f"note: {where} still runs, {steps} steps so far; Ctrl-C ends it, `--max-steps` sets a limit"))


def _note_shadowed_inputs(context: typer.Context, program: Program) -> None:
    """A note on each option on the command line that has the name of an input without a value."""
    arguments: Arguments = context.meta[ARGUMENTS]
    unset = {i.name for i in program.inputs}.difference(map(canonical, arguments.inputs))
    for option in arguments.options:
        name, _, value = option.removeprefix("--").partition("=")
        if option.startswith("--") and name in unset:
            setting = f"{name}={value}" if plain_number(value) is not None else f"{name}=VALUE"
            text = f"`--{name}` is an option of `{context.command_path}`; the input is given by `--set {setting}`"
            notice(show(f"note: {text}"))


def _stop_after(seconds: float, context: typer.Context) -> None:
    """Sets a timer that ends the command with an error. Raises `CgError` in a thread that no timer can stop."""

    def stop() -> None:
        raise error("timed-out", status=1, seconds=seconds)

    signals.state.seconds = seconds
    try:
        context.call_on_close(call_after(seconds, stop))
    except ValueError:
        raise error("no-timeout") from None
