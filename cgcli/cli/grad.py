"""`cg grad`: a value and its derivatives."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Annotated, Any

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.inputs import wrt_names
from cgcli.cli.options import (
    AllowPath,
    Backend,
    BatchSize,
    Data,
    Expression,
    File,
    Format,
    Full,
    InputsFile,
    Map,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    Of,
    OnError,
    Out,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
    Wrt,
)
from cgcli.cli.output import emit, notice
from cgcli.cli.results import exclude, only_with_data, show_numbers, show_table
from cgcli.cli.session import Session, open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Node
from cgcli.ops.table import OPS
from cgcli.program.rows import Derivatives
from cgcli.render.escape import show
from cgcli.render.json import dump
from cgcli.render.numbers import shortest, single

Every = Annotated[bool, typer.Option("--all", help="The derivatives by every named value.")]
Jacobian = Annotated[bool, typer.Option("--jacobian", help="The Jacobian; of one number it is the gradient.")]
Hessian = Annotated[bool, typer.Option("--hessian", help="The second derivatives too.")]
Symbolic = Annotated[
    bool, typer.Option("--symbolic", help="The derivatives as lines of the language; no values needed.")
]
Compare = Annotated[bool, typer.Option("--check", help="Compare with differences; exit with 1 where they disagree.")]


def grad(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    of: Of = None,
    wrt: Wrt = None,
    every: Every = False,
    jacobian: Jacobian = False,
    hessian: Hessian = False,
    symbolic: Symbolic = False,
    compare: Compare = False,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    output_format: Format = None,
    precision: Precision = None,
    full: Full = False,
    mode: Mode = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
    data: Data = None,
    maps: Map = None,
    on_error: OnError = None,
    target: Out = None,
    batch: BatchSize = None,
) -> int:
    """Evaluate a program and differentiate an output by the inputs.

    Prints the value, then a partial derivative for each float input.
    """
    exclude(("--all", every), ("--wrt", wrt is not None))
    for name, is_set in {"--hessian": hessian, "--jacobian": jacobian, "--check": compare}.items():
        exclude(("--all", every), (name, is_set))
        exclude(("--symbolic", symbolic), (name, is_set))
    exclude(("--all", every), ("--symbolic", symbolic))
    exclude(("--hessian", hessian), ("--check", compare))
    names = wrt_names(wrt)
    session = open_session(
        context,
        file,
        expression,
        settings,
        inputs_file,
        allow_path,
        seed,
        max_memory,
        backend,
        max_steps,
        timeout,
        mode,
        weights,
        max_nodes,
        max_depth,
    )
    if data is not None:
        from cgcli.cli.rows import over_rows, table_settings  # imports what reads tables

        others = {
            "--all": every,
            "--jacobian": jacobian,
            "--hessian": hessian,
            "--symbolic": symbolic,
            "--check": compare,
        }
        others |= {"--full": full, "--precision": precision is not None, "--format": output_format is not None}
        for option in others.items():
            exclude(option, ("--data", True))
        return over_rows(session, data, table_settings(maps, on_error, batch), target, Derivatives(of, names))
    only_with_data(maps, on_error, target, batch)
    session = session.recorded()
    if symbolic:
        return _symbolic(session, of, names, output_format)
    session.require_values()
    if compare:
        return _compare(session, of, names, output_format, precision)
    if jacobian:
        gradient = session.program.jacobian(session.values, of=of, wrt=names)
    else:
        gradient = session.program.grad(session.values, of=of, wrt=names, every=every)
    y = gradient.of
    kind = session.program.type_of
    value = single(gradient.value, kind(y))
    partials = {name: single(partial, kind(name)) for name, partial in gradient.partials.items()}
    if not jacobian and (missing := [n for n, g in gradient.partials.items() if _has_nan(g)]):
        _note_nan(session, y, gradient.value, missing)
    rows = [(y, value), *((f"d{y}/d{name}", partial) for name, partial in partials.items())]
    results: dict[str, Any] = {"of": y, "value": value, "jacobian" if jacobian else "grad": partials}
    if hessian:
        second = session.program.hessian(session.values, of=of, wrt=names)
        rows += [(f"d2{y}/d{a}/d{b}", value) for a, row in second.items() for b, value in row.items()]
        results["hessian"] = second
    show_numbers(rows, results, output_format, precision, full)
    return 0


def _has_nan(value: Any) -> bool:
    return bool((value != value).any()) if hasattr(value, "dtype") else value != value


def _note_nan(session: Session, y: str, value: Any, names: list[str]) -> None:
    """A note on the operation where derivatives of a finite value became NaN."""
    if not isfinite(value):
        return
    node, text = _origin_of_nan(session, y)
    if node.span is not None:
        text += f" on line {node.span.source.position(node.span.start)[0]}"
    derivatives = ", ".join(f"d{show(y)}/d{show(n)}" for n in names)
    notice(f"note: {derivatives} {'is' if len(names) == 1 else 'are'} nan: it begins at {text}")


def _origin_of_nan(session: Session, y: str) -> tuple[Node, str]:
    """The operation at which a derivative becomes NaN, and its description."""
    from cgcli.analysis.gradcheck import first_nan

    evaluation = session.program.run(session.values, of=y)
    first = first_nan(evaluation)
    assert first is not None
    node = Node(evaluation.graph, first.node)
    text = f"`{OPS[node.op].spelling.text}`"
    if first.factors is not None:
        derivative, partial = first.factors
        text += f" ({shortest(derivative, 4)} times a local derivative of {shortest(partial, 4)})"
    return node, text


def _symbolic(session: Session, of: str | None, wrt: list[str] | None, output_format: str | None) -> int:
    """Prints the derivatives as lines of the language."""
    if session.values:
        notice("note: `--symbolic` makes no use of values")
    lines = session.program.symbolic(of=of, wrt=wrt).splitlines()
    if output_format == "csv":
        raise error("options-exclude", first="--symbolic", second="--format csv")
    if output_format == "json":
        emit(dump({"of": session.program.of_choice(of), "symbolic": lines}))
    else:
        emit("\n".join(lines))
    return 0


def _compare(
    session: Session, of: str | None, wrt: list[str] | None, output_format: str | None, precision: int | None
) -> int:
    """Prints each derivative beside its finite difference; the status is 1 where they disagree."""
    y = session.program.of_choice(of)
    checks = session.program.check_gradient(session.values, of=of, wrt=wrt)
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
        output_format,
        precision,
    )
    wrong = [f"d{y}/d{check.name}" for check in checks if check.verdict == "wrong"]
    missing = [f"d{y}/d{check.name}" for check in checks if check.verdict == "wrong" and isnan(check.derivative)]
    if missing:
        origin, text = _origin_of_nan(session, y)
        raise error("gradient-nan-at", origin.span, status=1, names=missing, text=text)
    if wrong:
        first = session.program.first_wrong_node(session.values)
        if first is None:
            raise error("gradient-differs", status=1, names=wrong)
        node, element, check = first
        span = Node(session.program.graph, node).span
        values = {"element": element, "derivative": check.derivative, "difference": check.difference}
        raise error("gradient-differs-at", span, status=1, names=wrong, **values)
    return 0


command = declare("grad", grad, ProgramCommand, "cg grad samples/article.cg --a 2 --b 3 --c 1")
