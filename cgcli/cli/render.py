"""`cg render`: the picture of the graph."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import Annotated, cast

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.graph_values import graph_values
from cgcli.cli.inputs import canonical
from cgcli.cli.options import (
    AllowPath,
    Backend,
    Expression,
    File,
    InputsFile,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    NoData,
    Of,
    Seed,
    Set,
    Timeout,
    Weights,
    choice,
    whole_number,
)
from cgcli.cli.output import notice, write_picture
from cgcli.cli.session import Session, open_session
from cgcli.cli.targets import ReadFiles
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.ops.number_kernels import has_loop
from cgcli.render.collapse import BUDGET, LARGEST, Detail
from cgcli.render.dot import DIRECTIONS, Direction, Drawing
from cgcli.render.draw import KINDS
from cgcli.render.draw import render as draw
from cgcli.render.escape import show
from cgcli.render.picture import Sides, View
from cgcli.render.themes import THEMES, ThemeName
from cgcli.run.binding import missing

LATER = ("html",)
GRADIENT = "gradient-graph"

Target = Annotated[
    str | None,
    typer.Option(
        "-o",
        metavar="TARGET",
        help="The file to write: .svg, .png, .pdf, .dot, .mmd (Mermaid), .tex (TikZ) or .json (else an .svg here); "
        "- is standard output.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="The kind of picture (else what the name ends in; svg).", **choice("--format", *KINDS)
    ),
]
Sided = Annotated[
    str,
    typer.Option(
        "--view",
        help="Values, derivatives, both, or the graph that computes the derivatives.",
        **choice("--view", "forward", "backward", "both", GRADIENT),
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="N",
        parser=whole_number("--depth", 0, 1000),
        help="How many calls within calls are open (else as many as fit).",
    ),
]
Fold = Annotated[
    list[str] | None,
    typer.Option("--fold", metavar="NAME", help="Draw each call of this function as one block; `loop` for loops."),
]
Unfold = Annotated[
    list[str] | None,
    typer.Option("--unfold", metavar="NAME", help="Open each call of this function; `loop` for loops."),
]
Budget = Annotated[
    int | None,
    typer.Option(
        "--budget",
        metavar="N",
        parser=whole_number("--budget", 1, LARGEST),
        help=f"The most nodes to draw; of a larger graph parts become blocks ({BUDGET}).",
    ),
]
Focus = Annotated[str | None, typer.Option("--focus", metavar="NAME", help="Only what is near this value.")]
Radius = Annotated[
    int | None,
    typer.Option(
        "--radius", metavar="K", parser=whole_number("--radius", 0, LARGEST), help="How near to --focus, in arrows (2)."
    ),
]


def _path(text: str) -> tuple[str, str]:
    first, dots, second = text.partition("..")
    if not (dots and first.strip() and second.strip()):
        raise error("bad-path", value=text or EMPTY)
    return canonical(first), canonical(second)


def _least(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise error("bad-threshold", option="--min-grad", value=text or EMPTY)
    return value


Path = Annotated[
    str | None, typer.Option("--path", metavar="A..B", help="Only what lies between these two values, as w..loss.")
]
Least = Annotated[
    float | None,
    typer.Option("--min-grad", metavar="T", parser=_least, help="Only values by which the derivative is this large."),
]
Heat = Annotated[bool, typer.Option("--heat", help="Colour nodes by the size of the derivative.")]
Themed = Annotated[str, typer.Option("--theme", help="Colours.", **choice("--theme", *THEMES))]
Directed = Annotated[
    str, typer.Option("--direction", help="Where the data flows.", **choice("--direction", *DIRECTIONS))
]
Title = Annotated[str, typer.Option("--title", metavar="TEXT", help="A line above the picture.")]
Legend = Annotated[bool, typer.Option("--legend", help="Say above the picture what its signs mean.")]


def render(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    target: Target = None,
    output_format: Format = None,
    of: Of = None,
    sides: Sided = "both",
    depth: Depth = None,
    fold: Fold = None,
    unfold: Unfold = None,
    budget: Budget = None,
    focus: Focus = None,
    radius: Radius = None,
    path: Path = None,
    least: Least = None,
    heat: Heat = False,
    theme: Themed = "light",
    direction: Directed = "right",
    title: Title = "",
    legend: Legend = False,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    mode: Mode = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
    data: NoData = None,
) -> int:
    """Draw the graph of a program.

    With the values of its inputs the picture has values and gradients too. Of a large graph parts are drawn as blocks.
    """
    kind = output_format or ("svg" if target in (None, "-") else picture_kind(target or ""))
    name = default_target(file, kind) if target is None else target
    between = None if path is None else _path(path)
    if radius is not None and focus is None:
        raise error("needs-focus")
    if sides == GRADIENT and (heat or least is not None):
        raise error("picture-of-gradient", option="--heat" if heat else "--min-grad")
    limits = (seed, max_memory, backend, max_steps, timeout, mode, weights, max_nodes, max_depth)
    session = open_session(context, file, expression, settings, inputs_file, allow_path, *limits)
    if target is None:
        ReadFiles(context, session.program).check("the picture", name)
    session = session.recorded()
    graph, evaluation = _evaluated(session, of, sides)
    program = session.program
    view = View(
        Detail(depth, _calls(graph, fold, "--fold"), _calls(graph, unfold, "--unfold"), budget or BUDGET),
        "both" if sides == GRADIENT else cast(Sides, sides),
        None if focus is None else canonical(focus),
        2 if radius is None else radius,
        between,
        least,
        heat,
    )
    drawing = Drawing(cast(ThemeName, theme), cast(Direction, direction), title, legend)
    params = [i.name for i in program.inputs if i.kind == "param"]
    about = title or PurePath(program.module.source.name).stem
    image = draw(graph, evaluation, kind, title=about, params=params, view=view, drawing=drawing)
    write_picture(name, image.data)
    if image.note is not None:
        notice(f"note: {image.note}")
    if target is None:
        notice(f"wrote {show(name)}")
    return 0


def _evaluated(session: Session, of: str | None, sides: str) -> tuple[Graph, Evaluation | None]:
    """The graph to draw, and the values and gradients of its nodes; None without values."""
    program = session.program
    if sides != GRADIENT:
        if sides == "forward" and of is not None:
            raise error("options-exclude", first="--of", second="--view forward")
        return program.graph, graph_values(session, of, derivatives=sides != "forward")
    if session.values:
        session.require_values()
    evaluation = program.gradient_graph(session.values, of=of)
    return evaluation.graph, None if missing(program.inputs, session.values) else evaluation


def _calls(graph: Graph, names: list[str] | None, option: str) -> frozenset[str]:
    """Functions whose calls are in the graph, or `loop`. Raises `CgError` for another name."""
    calls = list(dict.fromkeys([*(group.function for group in graph.groups), *(["loop"] if has_loop(graph) else [])]))
    selected = frozenset(map(canonical, names or ()))
    for name in selected.difference(calls):
        raise error(
            "no-such-call", name=name or EMPTY, option=option, nearest=nearest(name, calls), names=calls or None
        )
    return selected


def default_target(file: str | None, kind: str = "svg") -> str:
    """The default target, such as `<stem>.svg`, in the working folder."""
    stem = PurePath(file).stem if file is not None and file != "-" else ""
    return f"{stem or 'out'}.{kind}"


def picture_kind(path: str) -> str:
    """The kind of picture for a file's suffix; raises `CgError` for another suffix."""
    kind = PurePath(path).suffix[1:].lower()
    choices = [f".{name}" for name in KINDS]
    if kind in LATER:
        raise error("not-yet", what=f"a picture as `.{kind}`", choices=choices)
    if kind not in KINDS:
        suggestion = nearest(kind, KINDS) if kind else None
        raise error(
            "unknown-picture",
            file=path or "''",
            nearest=None if suggestion is None else f".{suggestion}",
            choices=choices,
        )
    return kind


command = declare("render", render, ProgramCommand, "cg render samples/article.cg --a 2 --b 3 --c 1 -o article.svg")
