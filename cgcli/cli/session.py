"""The session of a command that computes: the program and the values of its inputs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from cgcli.cli import signals
from cgcli.cli.arguments import Arguments, CommandOptions
from cgcli.cli.command import ARGUMENTS, Command, command_options
from cgcli.cli.output import is_terminal, notice, print_diagnostics
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.source import Span
from cgcli.program.input_values import (
    input_values,
    require_values,
    settings_by_name,
    with_declarations,
)
from cgcli.program.load import on_slow_loop, open_program
from cgcli.program.names import canonical, reads_as_number
from cgcli.program.options import DerivativeOptions, RunOptions
from cgcli.program.program import Program
from cgcli.system import call_after

if TYPE_CHECKING:
    from cgcli.data.checkpoints import Checkpoint


ReadValues = Callable[[Program, Mapping[str, str], str | None], dict[str, Any]]


@dataclass(frozen=True)
class Session:
    """A program and the values of its inputs on the command line. checkpoint: that of `--weights`."""

    program: Program
    values: dict[str, Any]
    context: typer.Context
    checkpoint: Checkpoint | None = None

    def require_values(self) -> None:
        """Raises `CgError` that names every input still without a value."""
        require_values(self.program, self.values)

    def require_all_or_none(self, *, needed: bool = False) -> None:
        """Raises `CgError` when only some inputs have values, or when values are needed and not all have one."""
        if self.values or needed:
            self.require_values()

    def recorded(self) -> Session:
        """This session with a program that has a graph: in dynamic mode the recorded graph of a run and its values."""
        if self.program.mode == "static":
            return self
        self.require_values()
        program = self.program.recorded(self.values)
        return Session(program, dict.fromkeys(i.name for i in program.inputs), self.context)

    def keep_instructions(self, run: RunOptions, derivative: DerivativeOptions) -> None:
        """Keeps what the command has computed for the front door, unless an input has the name of an option."""
        from cgcli.program.instructions import keep  # not for a session without a result

        options = command_options(self.context)
        if all(f"--{i.name}" not in options for i in self.program.inputs):
            keep(self.program, run, str(self.context.command.name), derivative.of, derivative.wrt)


def open_session(context: typer.Context, run: RunOptions, read_values: ReadValues = input_values) -> Session:
    """Opens the program, reads the values and prints the warnings. Raises `CgError` for errors in either.

    read_values: what reads them, from the texts by name and the file of `--inputs`.
    """
    signals.watch()
    on_slow_loop(_note_slow_loop if is_terminal(sys.stderr) else None)
    if run.timeout is not None:
        _stop_after(run.timeout, context)
    try:
        program = open_program(run)
    except CgError as e:
        raise with_declarations(e, (), run) from None
    gc.freeze()  # the program lives as long as the process: the collector need not traverse it again
    _check_targets(context, program)
    print_diagnostics(program.warnings)
    try:
        texts = settings_by_name(run.settings)
        check_names(program, texts, command_options(context))
        values = read_values(program, texts, run.inputs_file)
    except CgError as e:
        raise with_declarations(e, program.inputs, run) from None
    _note_shadowed_inputs(context, program)
    checkpoint: Checkpoint | None = None
    if run.weights is not None:
        from cgcli.data.checkpoints import read_checkpoint  # with the library that reads checkpoints
        from cgcli.program.checkpoint_params import checkpoint_params

        checkpoint = read_checkpoint(run.weights)
        values = {**checkpoint_params(program, checkpoint, values, note), **values}
    print_diagnostics(program.range_warnings(values))
    return Session(program, values, context, checkpoint)


def note(text: str) -> None:
    """Writes a remark on standard error, unless `--quiet` is given."""
    notice(show(f"note: {text}"))


def check_names(program: Program, names: Iterable[str], options: CommandOptions) -> None:
    """Raises `CgError` for the first name that is no input, with the nearest input or option."""
    inputs = {i.name: i for i in program.inputs}
    unknown = next((name for name in names if name not in inputs), None)
    if unknown is not None:
        raise options.unknown_name_error(unknown, list(inputs))


def _check_targets(context: typer.Context, program: Program) -> None:
    """Raises `CgError` when a file that the command writes is one that it reads."""
    command = context.command
    assert isinstance(command, Command)
    files = [name for name, option in command.options.items() if option.file == "written" or name in ("data", "resume")]
    if any(context.params.get(name) is not None for name in files):
        from cgcli.cli.targets import ReadFiles

        ReadFiles(context, program).check_targets()


def _note_slow_loop(span: Span | None, steps: int | None) -> None:
    """A note about a loop that takes long: which one, and its steps so far, None where they are not counted."""
    where = "a loop" if span is None else f"line {span.line} of {span.source.name}"
    so_far = "" if steps is None else f", {steps} steps so far"
    note(f"{where} still runs{so_far}; Ctrl-C ends it, `--max-steps` sets a limit")


def _note_shadowed_inputs(context: typer.Context, program: Program) -> None:
    """A note on each option on the command line that has the name of an input without a value."""
    arguments: Arguments = context.meta[ARGUMENTS]
    unset = {i.name for i in program.inputs}.difference(map(canonical, arguments.inputs))
    for option in arguments.options:
        name, _, value = option.removeprefix("--").partition("=")
        if option.startswith("--") and name in unset:
            setting = f"{name}={value}" if reads_as_number(value) else f"{name}=VALUE"
            note(f"`--{name}` is an option of `{context.command_path}`; the input is given by `--set {setting}`")


def _stop_after(seconds: float, context: typer.Context) -> None:
    """Sets a timer that ends the command with an error. Raises `CgError` in a thread that no timer can stop."""

    def stop() -> None:
        raise error("timed-out", status=1, seconds=seconds)

    signals.state.seconds = seconds
    try:
        context.call_on_close(call_after(seconds, stop))
    except ValueError:
        raise error("no-timeout") from None
