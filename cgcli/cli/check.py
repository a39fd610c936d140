"""`cg check`: what is wrong or doubtful in a program, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import typer

from cgcli.cli.command import ProgramCommand, command_options, declare
from cgcli.cli.options import Without
from cgcli.cli.output import emit, stdout, use_colour, width_of
from cgcli.cli.program_files import Files, counted, program_files, several
from cgcli.cli.results import exclude
from cgcli.cli.session import check_names, open_session
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wording.templates import format_value
from cgcli.program.input_values import settings_by_name
from cgcli.program.lint import lint
from cgcli.program.load import open_program, python_function
from cgcli.program.options import Option, RunOptions
from cgcli.program.program import Input, Program
from cgcli.render.json import dump

LIMITS = ("max_memory", "max_steps", "max_nodes", "max_depth", "timeout")
Run = Annotated[RunOptions, Without("file", "weights", "seed", "backend", *LIMITS)]
Modes = Annotated[
    bool, Option("--modes", "Run it in both modes and compare all values and derivatives; 1 if they differ.")
]
Format = Annotated[Literal["plain", "json"], Option("--format", "json is for editors.", group="Output")]


def check(
    context: typer.Context, run: Run, files: Files = (), modes: Modes = False, output_format: Format = "plain"
) -> int:
    """Check programs: syntax, names, types, warnings. Runs nothing, unless --modes says so.

    What is found is the result, on standard output. The exit status is 2 when there is an error. A folder stands for
    the .cg files below it; --format json has an object a line for several.
    """
    many = run.expression is None and several(files)
    run = replace(run, file=files[0] if files and not many else None)
    if many and modes:
        raise error("one-file-only", option="--modes")
    exclude(("--modes", modes), ("--mode", run.mode is not None))
    exclude(("--modes", modes), ("--format json", output_format == "json"))
    if modes:
        return _compare(context, run)
    if run.settings or run.inputs_file is not None:
        program = open_program(run, runs=False)
        check_names(program, settings_by_name(run.settings), command_options(context))
        raise error("check-takes-no-values")
    if many:
        return _check_each(files, run, output_format)
    checked, diagnostics, status = _check_program(run)
    emit(dump(_data(checked, diagnostics)) if output_format == "json" else _text(checked, diagnostics))
    return status


def _check_each(files: Sequence[str], run: RunOptions, output_format: str) -> int:
    """Prints the result for each program, and of plain text how many there are; returns the largest status."""
    statuses = []
    for file in program_files(files):
        program, diagnostics, status = _check_program(replace(run, file=file))
        statuses.append(status)
        if output_format == "json":
            emit(dump({"file": file, **_data(program, diagnostics)}))
        else:
            emit(_text(program, diagnostics, f"{show(file)}: ") + ("\n" if diagnostics else ""))
    if output_format != "json":
        wrong = sum(status != 0 for status in statuses)
        emit(f"{counted(len(statuses))}: {len(statuses) - wrong} ok, {wrong} wrong")
    return max(statuses)


def _check_program(run: RunOptions) -> tuple[Program | None, Sequence[Diagnostic], int]:
    """The program (None for one with errors), its errors and warnings, and the exit status for them."""
    try:
        program = open_program(run, runs=False)
        return program, [*program.warnings, *lint(program)], 0
    except CgError as problem:
        return None, problem.diagnostics, problem.status


def _text(program: Program | None, diagnostics: Sequence[Diagnostic], prefix: str = "") -> str:
    """The result for `--format plain`. prefix: of the line about the program."""
    parts = []
    if diagnostics:
        from cgcli.diagnostics.report import text as report  # with the words of all errors

        parts.append(report(diagnostics, use_colour(stdout()), width_of(stdout())).rstrip("\n"))
    if program is not None:
        parts.append(prefix + summary(program))
    return "\n\n".join(parts)


def _compare(context: typer.Context, run: RunOptions) -> int:
    """Prints that both modes agree. Raises `CgError` (status 1) for the first value that they differ in."""
    if run.expression is None and python_function(run.file) is not None:
        return _one_mode(open_program(run, runs=False))
    session = open_session(context, run)
    if session.program.mode == "dynamic":
        return _one_mode(session.program)
    session.require_values()
    from cgcli.program.compare import compare
    from cgcli.render.tensors import write

    comparison = compare(session.program, session.program.in_dynamic_mode(), session.values)
    if comparison.name is not None:
        both = {"static": write(comparison.static), "dynamic": write(comparison.dynamic)}
        raise error("modes-differ", comparison.span, status=1, name=comparison.name, **both)
    agreeing = [counted(comparison.values, "value"), counted(comparison.derivatives, "derivative")]
    emit(f"ok: both modes agree in {' and '.join(agreeing)}")
    return 0


def _one_mode(program: Program) -> int:
    """Prints that there is nothing to compare."""
    emit(f"ok: only one mode can run it; {_needs_run(program)}")
    return 0


def summary(program: Program) -> str:
    """One line: the inputs, those without a declaration marked, the outputs, and why a run makes the graph."""
    implicit = [i.name for i in program.inputs if i.implicit]
    params = [i.name for i in program.inputs if i.kind == "param"]
    declared = [i.name for i in program.inputs if i.kind == "input" and not i.implicit]
    by_kind = {"input": declared, "implicit input": implicit, "param": params}
    parts = [_counted_list(noun, names) for noun, names in by_kind.items() if names] or ["no inputs"]
    if program.outputs or program.mode == "static":  # those of a Python function are unknown before a run
        parts.append(_counted_list("output", program.outputs) or "no outputs")
    ok = "ok: " + ", ".join(parts)
    carried = program.module.carried
    if carried:
        ok += f"; {format_value(carried)} only {'carries a loop' if len(carried) == 1 else 'carry loops'} on"
    return ok if program.mode == "static" else f"{ok}; {_needs_run(program)}"


def _needs_run(program: Program) -> str:
    if program.why is None:
        return "dynamic: each run makes the graph"
    from cgcli.diagnostics.wording.messages import message_of

    return show(f"dynamic: each run makes the graph, for {message_of(program.why).title}")


def _counted_list(noun: str, names: Sequence[str]) -> str:
    return f"{counted(len(names), noun)} ({format_value(names)})" if names else ""


def _data(program: Program | None, diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The result for `--format json`: the diagnostics and, of a program without errors, its inputs and outputs."""
    from cgcli.diagnostics.report import as_data

    data: dict[str, Any] = {"diagnostics": [as_data(diagnostic) for diagnostic in diagnostics]}
    if program is not None:
        data["inputs"] = [_input(i) for i in program.inputs]
        data["outputs"] = list(program.outputs)
        data["carried"] = list(program.module.carried)
        data["mode"] = program.mode
    return data


def _input(i: Input) -> dict[str, Any]:
    return {
        "name": i.name,
        "kind": i.kind,
        "type": str(i.type),
        "implicit": i.implicit,
        "default": i.default if i.initial is None else i.written,
        "range": None if i.range is None else list(i.range),
        "doc": i.doc,
    }


command = declare("check", check, ProgramCommand, "cg samples article", "cg check article.cg")
