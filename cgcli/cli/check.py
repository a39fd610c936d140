"""`cg check`: what is wrong or doubtful in a program, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cgcli.cli.arguments import Walked
from cgcli.cli.command import WALKED, ProgramCommand, declare, known_options
from cgcli.cli.inputs import check_names, settings_of
from cgcli.cli.many import Files, counted, program_files, several
from cgcli.cli.options import AllowPath, Expression, InputsFile, Mode, Set, choice
from cgcli.cli.output import coloured, emit, stdout
from cgcli.cli.results import exclude
from cgcli.cli.session import Session, start
from cgcli.cli.sources import open_program, python_function
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.diagnostics.wording import message_of
from cgcli.diagnostics.wording.templates import format_value
from cgcli.files.source_files import working_folder
from cgcli.graph.signature import Input
from cgcli.program import Program
from cgcli.program.compare import compare
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.lint import lint
from cgcli.render.escape import show
from cgcli.render.json import dump
from cgcli.render.report import as_data
from cgcli.render.report import text as report
from cgcli.render.tensors import write

Layout = Annotated[str, typer.Option("--format", help="json is for editors.", **choice("--format", "plain", "json"))]


Modes = Annotated[
    bool, typer.Option("--modes", help="Run it in both modes and compare all values and derivatives; 1 if they differ.")
]


def check(
    context: typer.Context,
    files: Files = None,
    expression: Expression = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    modes: Modes = False,
    layout: Layout = "plain",
    mode: Mode = None,
    allow_path: AllowPath = None,
) -> int:
    """Check programs: syntax, names, types, warnings. Runs nothing, unless --modes says so.

    What is found is the result, on standard output. The exit status is 2 when there is an error. A folder stands for
    the .cg files below it; --format json has an object a line for several.
    """
    paths = files or []
    many = expression is None and several(paths)
    file = paths[0] if paths and not many else None
    if many and modes:
        raise error("one-file-only", option="--modes")
    exclude(("--modes", modes), ("--mode", mode is not None))
    exclude(("--modes", modes), ("--format json", layout == "json"))
    if modes and (expression is not None or python_function(file) is None):
        return _compare(start(context, file, expression, settings, inputs_file, allow_path))
    if modes:
        return _one_mode(open_program(file, expression, runs=False))
    if settings or inputs_file is not None:
        check_names(
            open_program(file, expression, allow_path or (), mode, runs=False),
            settings_of(settings or ()),
            known_options(context),
        )
        raise error("check-takes-no-values")
    if not many:
        program, found, status = _checked(file, expression, allow_path, mode)
        emit(dump(_data(program, found)) if layout == "json" else _told(program, found))
        return status
    statuses = []
    for each in program_files(paths):
        program, found, status = _checked(each, None, allow_path, mode)
        statuses.append(status)
        if layout == "json":
            emit(dump({"file": each, **_data(program, found)}))
        else:
            emit(_told(program, found, f"{show(each)}: ") + ("\n" if found else ""))
    if layout != "json":
        wrong = sum(status != 0 for status in statuses)
        emit(f"{counted(len(statuses))}: {len(statuses) - wrong} ok, {wrong} wrong")
    return max(statuses)


Found = tuple[Program | None, Sequence[Diagnostic], int]


def _checked(file: str | None, expression: str | None, allow_path: Sequence[str] | None, mode: str | None) -> Found:
    """The program, None for one that is wrong; what is wrong or doubtful, and the exit status for it."""
    try:
        program = open_program(file, expression, allow_path or (), mode, runs=False)
        return program, [*program.warnings, *lint(program)], 0
    except CgError as problem:
        return None, problem.diagnostics, problem.status


def _told(program: Program | None, found: Sequence[Diagnostic], name: str = "") -> str:
    """The same for a person. name: what the line about a program begins with."""
    parts = [report(found, colour=coloured(stdout())).rstrip("\n")] if found else []
    if program is not None:
        parts.append(name + summary(program))
    return "\n\n".join(parts)


def _compare(session: Session) -> int:
    """Prints that both modes agree. Raises `CgError` (status 1) for the first value that they differ in."""
    if session.program.mode == "dynamic":
        return _one_mode(session.program)
    session.require_values()
    source = session.program.module.source
    path = None if source.name in ("-e", "-") else Path(source.name)
    walked: Walked = session.context.meta[WALKED]
    allowed = [Path(folder) for folder in walked.allowed]
    other = DynamicProgram(source, path, path.parent if path else working_folder(), allowed, None)
    found = compare(session.program, other, session.values)
    if found.name is not None:
        both = {"static": write(found.static), "dynamic": write(found.dynamic)}
        raise error("modes-differ", found.span, status=1, name=found.name, **both)
    told = [_plural(found.values, "value"), _plural(found.derivatives, "derivative")]
    emit(f"ok: both modes agree in {' and '.join(told)}")
    return 0


def _one_mode(program: Program) -> int:
    """Prints that there is nothing to compare."""
    emit(f"ok: only one mode can run it; {_needs_run(program)}")
    return 0


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def summary(program: Program) -> str:
    """One line: the inputs, those without a declaration marked, the outputs, and why a run makes the graph."""
    implicit = [each.name for each in program.inputs if each.implicit]
    params = [each.name for each in program.inputs if each.kind == "param"]
    declared = [each.name for each in program.inputs if each.kind == "input" and not each.implicit]
    parts = [_counted("input", declared), _counted("implicit input", implicit), _counted("param", params)]
    told = [part for part in parts if part] or ["no inputs"]
    if program.outputs or program.mode == "static":  # a run tells those of a Python function
        told.append(_counted("output", program.outputs) or "no outputs")
    ok = "ok: " + ", ".join(told)
    carried = program.module.carried
    if carried:
        ok += f"; {format_value(carried)} only {'carries a loop' if len(carried) == 1 else 'carry loops'} on"
    return ok if program.mode == "static" else f"{ok}; {_needs_run(program)}"


def _needs_run(program: Program) -> str:
    why = "" if program.why is None else f", for {message_of(program.why).title}"
    return show(f"dynamic: each run makes the graph{why}")


def _counted(what: str, names: Sequence[str]) -> str:
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({format_value(names)})" if names else ""


def _data(program: Program | None, found: Sequence[Diagnostic]) -> dict[str, Any]:
    """The same for an editor: the diagnostics and, of a program without errors, its inputs and outputs."""
    data: dict[str, Any] = {"diagnostics": [as_data(each) for each in found]}
    if program is not None:
        data["inputs"] = [_input(each) for each in program.inputs]
        data["outputs"] = list(program.outputs)
        data["carried"] = list(program.module.carried)
        data["mode"] = program.mode
    return data


def _input(each: Input) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": each.kind,
        "type": str(each.type),
        "implicit": each.implicit,
        "default": each.default if each.initial is None else each.written,
        "range": None if each.range is None else list(each.range),
        "doc": each.doc,
    }


command = declare("check", check, ProgramCommand, "cg check samples/article.cg")
