"""`cg grad`: a value and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Annotated, Any, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import notice, write_text
from cgcli.cli.results import exclude, only_with_data, show_numbers, show_table
from cgcli.cli.session import Session, open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions, TableOptions
from cgcli.render.json import dump
from cgcli.render.numbers import single

Format = Annotated[
    Literal["table", "plain", "json", "csv", "latex"] | None,
    Option(
        "--format",
        "How results are written: a table on a terminal, plain lines elsewhere; of `--symbolic` also LaTeX.",
        group="Output",
    ),
]


@dataclass(frozen=True)
class Kinds:
    """What to show of the derivatives."""

    every: Annotated[bool, Option("--all", "The derivatives by every named value.", group="Derivatives")] = False
    jacobian: Annotated[
        bool, Option("--jacobian", "The Jacobian; of one number it is the gradient.", group="Derivatives")
    ] = False
    hessian: Annotated[bool, Option("--hessian", "The second derivatives too.", group="Derivatives")] = False
    symbolic: Annotated[
        bool,
        Option(
            "--symbolic",
            "The derivatives as formulas, lines of the language; no values needed, -o FILE.",
            group="Derivatives",
        ),
    ] = False
    check: Annotated[
        bool, Option("--check", "Compare with differences; exit with 1 where they disagree.", group="Derivatives")
    ] = False

    @property
    def flags(self) -> dict[str, bool]:
        """Each by its option."""
        kinds = {"--jacobian": self.jacobian, "--hessian": self.hessian, "--symbolic": self.symbolic}
        return {"--all": self.every, **kinds, "--check": self.check}


def grad(
    context: typer.Context,
    run: RunOptions,
    derivative: DerivativeOptions,
    output: Annotated[OutputOptions, Without("format")],
    table: TableOptions,
    kinds: Kinds,
    output_format: Format = None,
) -> int:
    """Evaluate a program and differentiate an output by the inputs.

    Prints the value, then a partial derivative for each float input.
    """
    _exclude_kinds(kinds.flags, derivative)
    if output_format == "latex" and not kinds.symbolic:
        raise error("needs-symbolic")
    session = open_session(context, run)
    output = replace(output, format=None if output_format == "latex" else output_format)
    if table.data is not None:
        from cgcli.cli.rows import over_rows, table_settings  # imports what reads tables
        from cgcli.program.rows import Derivatives

        for option in kinds.flags.items():
            exclude(option, ("--data", True))
        derivatives = Derivatives(derivative.of, derivative.wrt)
        over_rows(session, table, output, table_settings(table, session.checkpoint), derivatives)
        session.keep_instructions(run, derivative)
        return 0
    only_with_data(replace(table, target=None) if kinds.symbolic else table)
    session = session.recorded()
    if kinds.symbolic:
        return _show_symbolic(session, derivative, output_format, table.target)
    session.require_values()
    if kinds.check:
        return _show_checks(session, derivative, output)
    _show_gradient(session, derivative, output, kinds)
    if not (kinds.jacobian or kinds.every or kinds.hessian):
        session.keep_instructions(run, derivative)
    return 0


def _exclude_kinds(options: dict[str, bool], derivative: DerivativeOptions) -> None:
    """Raises `CgError` for two options of which only one can be given."""
    pairs = ["--all --hessian", "--symbolic --hessian", "--all --jacobian", "--symbolic --jacobian", "--all --check"]
    pairs += ["--symbolic --check", "--all --symbolic", "--hessian --check"]
    exclude(("--all", options["--all"]), ("--wrt", derivative.wrt is not None))
    for first, second in map(str.split, pairs):
        exclude((first, options[first]), (second, options[second]))


def _show_gradient(session: Session, derivative: DerivativeOptions, output: OutputOptions, kinds: Kinds) -> None:
    """Prints a value and its derivatives."""
    program, of, wrt = session.program, derivative.of, derivative.wrt
    kind = "jacobian" if kinds.jacobian else "grad"
    if kinds.jacobian:
        gradient = program.jacobian(session.values, of=of, wrt=wrt)
    else:
        gradient = program.grad(session.values, of=of, wrt=wrt, every=kinds.every)
    y = gradient.of
    value = single(gradient.value, program.type_of(y))
    partials = {name: single(partial, program.type_of(name)) for name, partial in gradient.partials.items()}
    if kind == "grad" and (missing := [n for n, g in gradient.partials.items() if _has_nan(g)]):
        _note_nan(session, y, gradient.value, missing)
    rows = [(y, value), *((f"d{y}/d{name}", partial) for name, partial in partials.items())]
    results: dict[str, Any] = {"of": y, "value": value, kind: partials}
    if kinds.hessian:
        second = program.hessian(session.values, of=of, wrt=wrt)
        rows += [(f"d2{y}/d{a}/d{b}", value) for a, row in second.items() for b, value in row.items()]
        results["hessian"] = second
    show_numbers(rows, results, output, answers=[y], derivatives=[name for name, _ in rows[1:]])


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


def _show_symbolic(
    session: Session, derivative: DerivativeOptions, output_format: str | None, target: str | None
) -> int:
    """Prints the derivatives as lines of the language or of LaTeX, or writes them into a file."""
    if session.values:
        notice("note: `--symbolic` makes no use of values")
    if output_format == "csv":
        raise error("options-exclude", first="--symbolic", second="--format csv")
    form: Literal["cg", "latex"] = "latex" if output_format == "latex" else "cg"
    text = session.program.symbolic(of=derivative.of, wrt=derivative.wrt, form=form)
    if output_format == "json":
        text = dump({"of": session.program.of_choice(derivative.of), "symbolic": text.splitlines()})
    write_text(target, text)
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
        accent=(1, 2),
    )
    from cgcli.program.gradient_checks import require_agreement

    require_agreement(session.program, session.values, y, checks)
    return 0


command = declare("grad", grad, ProgramCommand, "cg samples article", "cg grad article.cg --a 2 --b 3 --c 1")
