"""`cg step`: a debugger that goes forward, back, and through the backward pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from cgcli.cli import signals
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import (
    AllowPath,
    Expression,
    File,
    InputsFile,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
)
from cgcli.cli.output import emit, is_terminal
from cgcli.cli.session import open_session
from cgcli.cli.stepper import Quit, Stepper
from cgcli.cli.targets import ReadFiles
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.source_files import read_source
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.stepping import RunCursor
from cgcli.render.escape import show
from cgcli.system import edit_typed_lines

PROMPT = "(cg) "

Commands = Annotated[
    str | None, typer.Option("--commands", metavar="FILE", help="Take the commands from a file, one a line.")
]


def step(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    commands: Commands = None,
    precision: Precision = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
) -> int:
    """Walk through a run of a program, line by line, forward and back, and through its backward pass.

    Say help at the prompt for the commands. They may also come from a file or from standard input: one that fails is
    told and the next is taken, and the exit status is 1 then.
    """
    lines = None if commands is None else read_source(commands).text.splitlines()
    limits = (seed, max_memory, None, max_steps, timeout, "dynamic", weights, max_nodes, max_depth)
    session = open_session(context, file, expression, settings, inputs_file, allow_path, *limits)
    signals.unwatch()  # an interrupt stops the program, not its debugger
    session.require_values()
    if not isinstance(session.program, DynamicProgram):
        raise error("host-lines")
    stepper = Stepper(RunCursor(session.program, session.values), precision, ReadFiles(context, session.program))
    emit("\n".join(stepper.greeting()))
    person = lines is None and is_terminal(sys.stdin)
    failed: list[str] = []
    for line in _asked() if lines is None else lines:
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
    if failed and not person:
        raise error("step-failed", status=1, commands=failed)
    return 0


def _asked() -> Iterator[str]:
    """The lines that are typed or read from standard input, to its end."""
    if sys.stdin is None:
        return
    if not is_terminal(sys.stdin):
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    edit_typed_lines()
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            emit("")
            return


command = declare("step", step, ProgramCommand, "cg step samples/newton.cg")
