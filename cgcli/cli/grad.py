"""`cg grad`: a value and its derivatives."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.output import emit, notice
from cgcli.cli.results import exclude, only_with_data, show_numbers, show_table
from cgcli.cli.session import Session, open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions, TableOptions
from cgcli.render.json import dump
from cgcli.render.numbers import single

Every = Annotated[bool, Option("--all", "The derivatives by every named value.", group="Derivatives")]
Jacobian = Annotated[bool, Option("--jacobian", "The Jacobian; of one number it is the gradient.", group="Derivatives")]
Hessian = Annotated[bool, Option("--hessian", "The second derivatives too.", group="Derivatives")]
Symbolic = Annotated[
    bool, Option("--symbolic", "The derivatives as lines of the language; no values needed.", group="Derivatives")
]
Check = Annotated[
    bool, Option("--check", "Compare with differences; exit with 1 where they disagree.", group="Derivatives")
]


def grad(
    context: typer.Context,
    run: RunOptions,
    derivative: DerivativeOptions,
    output: OutputOptions,
    table: TableOptions,
    every: Every = False,
    jacobian: Jacobian = False,
    hessian: Hessian = False,
    symbolic: Symbolic = False,
    check: Check = False,
) -> int:
    """Evaluate a program and differentiate an output by the inputs.

    Prints the value, then a partial derivative for each float input.
    """
    kinds = {"--jacobian": jacobian, "--hessian": hessian, "--symbolic": symbolic, "--check": check}
    _exclude_kinds({"--all": every, **kinds}, derivative)
    session = open_session(context, run)
    if table.data is not None:
        from cgcli.cli.rows import over_rows, table_settings  # imports what reads tables
        from cgcli.program.rows import Derivatives

        for option in {"--all": every, **kinds}.items():
            exclude(option, ("--data", True))
        derivatives = Derivatives(derivative.of, derivative.wrt)
        return over_rows(session, table, output, table_settings(table, session.checkpoint), derivatives)
    only_with_data(table)
    session = session.recorded()
    if symbolic:
        return _show_symbolic(session, derivative, output)
    session.require_values()
    if check:
        return _show_checks(session, derivative, output)
    return _show_gradient(session, derivative, output, "jacobian" if jacobian else "grad", every, hessian)


def _exclude_kinds(options: dict[str, bool], derivative: DerivativeOptions) -> None:
    """Raises `CgError` for two options of which only one can be given."""
    pairs = ["--all --hessian", "--symbolic --hessian", "--all --jacobian", "--symbolic --jacobian", "--all --check"]
    pairs += ["--symbolic --check", "--all --symbolic", "--hessian --check"]
    exclude(("--all", options["--all"]), ("--wrt", derivative.wrt is not None))
    for first, second in map(str.split, pairs):
        exclude((first, options[first]), (second, options[second]))


def _show_gradient(
    session: Session, derivative: DerivativeOptions, output: OutputOptions, kind: str, every: bool, hessian: bool
) -> int:
    """Prints a value and its derivatives. kind: `grad` or `jacobian`; hessian: whether to add second derivatives."""
    program, of, wrt = session.program, derivative.of, derivative.wrt
    if kind == "jacobian":
        gradient = program.jacobian(session.values, of=of, wrt=wrt)
    else:
        gradient = program.grad(session.values, of=of, wrt=wrt, every=every)
    y = gradient.of
    value = single(gradient.value, program.type_of(y))
    partials = {name: single(partial, program.type_of(name)) for name, partial in gradient.partials.items()}
    if kind == "grad" and (missing := [n for n, g in gradient.partials.items() if _has_nan(g)]):
        _note_nan(session, y, gradient.value, missing)
    rows = [(y, value), *((f"d{y}/d{name}", partial) for name, partial in partials.items())]
    results: dict[str, Any] = {"of": y, "value": value, kind: partials}
    if hessian:
        second = program.hessian(session.values, of=of, wrt=wrt)
        rows += [(f"d2{y}/d{a}/d{b}", value) for a, row in second.items() for b, value in row.items()]
        results["hessian"] = second
    show_numbers(rows, results, output)
    return 0


def _has_nan(value: Any) -> bool:
    return bool((value != value).any()) if hasattr(value, "dtype") else value != value


def _note_nan(session: Session, y: str, value: Any, names: list[str]) -> None:
    """A note on the operation where derivatives of a finite value became NaN."""
    if not isfinite(value):
        return
    from cgcli.program.gradient_checks import origin_of_nan  # for a NaN alone

    node, text = origin_of_nan(session.program, session.values, y)
    if node.span is not None:
        text += f" on line {node.span.source.position(node.span.start)[0]}"
    derivatives = ", ".join(f"d{show(y)}/d{show(n)}" for n in names)
    notice(f"note: {derivatives} {'is' if len(names) == 1 else 'are'} nan: it begins at {text}")


def _show_symbolic(session: Session, derivative: DerivativeOptions, output: OutputOptions) -> int:
    """Prints the derivatives as lines of the language."""
    if session.values:
        notice("note: `--symbolic` makes no use of values")
    lines = session.program.symbolic(of=derivative.of, wrt=derivative.wrt).splitlines()
    if output.format == "csv":
        raise error("options-exclude", first="--symbolic", second="--format csv")
    if output.format == "json":
        emit(dump({"of": session.program.of_choice(derivative.of), "symbolic": lines}))
    else:
        emit("\n".join(lines))
    return 0


def _show_checks(session: Session, derivative: DerivativeOptions, output: OutputOptions) -> int:
    """Prints each derivative beside its finite difference. Raises `CgError` (status 1) where they disagree."""
    y = session.program.of_choice(derivative.of)
    checks = session.program.check_gradient(session.values, of=derivative.of, wrt=derivative.wrt)
    show_table(
        ("derivative", "value", "by differences", "verdict"),
        [(f"d{y}/d{check.name}", check.derivative, check.difference, check.verdict) for check in checks],
        {
            "of": y,
            "check": {
                check.name: {"derivative": check.derivative, "difference": check.difference, "verdict": check.verdict}
                for check in checks
            },
        },
        output,
    )
    from cgcli.program.gradient_checks import require_agreement

    require_agreement(session.program, session.values, y, checks)
    return 0


command = declare("grad", grad, ProgramCommand, "cg samples article", "cg grad article.cg --a 2 --b 3 --c 1")
