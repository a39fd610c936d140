"""`cg step`: a debugger that goes forward, back, and through the backward pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from cgcli.cli import signals
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import emit, is_terminal
from cgcli.cli.session import open_session
from cgcli.cli.stepper import Quit, Stepper
from cgcli.cli.targets import ReadFiles
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.escape import show
from cgcli.files.source_files import read_source, require_local
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.options import Option, OutputOptions, RunOptions
from cgcli.program.stepping import RunCursor
from cgcli.system import edit_typed_lines

PROMPT = "(cg) "

Commands = Annotated[
    str | None, Option("--commands", "Take the commands from a file, one a line.", "FILE", file="read")
]


def step(
    context: typer.Context,
    run: Annotated[RunOptions, Without("backend", mode="dynamic")],
    output: Annotated[OutputOptions, Without("format", "full")],
    commands: Commands = None,
) -> int:
    """Walk through a run of a program, line by line, forward and back, and through its backward pass.

    Say help at the prompt for the commands; Tab completes them, and Enter alone repeats the last one. They may also
    come from a file or from standard input: one that fails is told and the next is taken, and the exit status is 1.
    """
    if commands is not None:
        require_local(commands, "a file of commands", "save it here first")
    lines = None if commands is None else read_source(commands).text.splitlines()
    session = open_session(context, run)
    signals.unwatch()  # an interrupt stops the program, not its debugger
    session.require_values()
    if not isinstance(session.program, DynamicProgram):
        raise error("host-lines")
    cursor = RunCursor(session.program, session.values)
    stepper = Stepper(cursor, output.precision, ReadFiles(context, session.program))
    emit("\n".join(stepper.greeting()))
    failed = _run_commands(stepper, lines)
    if failed and (lines is not None or not is_terminal(sys.stdin)):
        raise error("step-failed", status=1, commands=failed)
    return 0


def _run_commands(stepper: Stepper, lines: Sequence[str] | None) -> list[str]:
    """Runs the commands, those that are typed for None, to `quit` or the last; returns those that failed."""
    failed: list[str] = []
    for line in _typed(stepper) if lines is None else lines:
        if lines is not None:
            emit(f"{PROMPT}{show(line)}")
        try:
            for text in stepper.run(line):
                emit(text)
        except Quit:
            break
        except CgError as problem:
            emit(stepper.complain(problem))
            failed.append(line.strip())
    return failed


def _typed(stepper: Stepper) -> Iterator[str]:
    """The lines that are typed or read from standard input, to its end; an empty one that is typed repeats."""
    if sys.stdin is None:
        return
    if not is_terminal(sys.stdin):
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    edit_typed_lines(stepper.completions)
    while True:
        try:
            yield input(PROMPT).strip() or stepper.repeated
        except EOFError:
            emit("")
            return


command = declare("step", step, ProgramCommand, "cg samples newton", "cg step newton.cg")
