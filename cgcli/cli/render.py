"""`cg render`: the picture of the graph."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import (
    AllowPath,
    Backend,
    Colour,
    Data,
    Expression,
    File,
    InputsFile,
    MaxMemory,
    MaxSteps,
    Mode,
    Of,
    Seed,
    Set,
    Timeout,
)
from cgcli.cli.output import notice
from cgcli.cli.pictured import evaluate
from cgcli.cli.session import start
from cgcli.graph.diagnostic import error
from cgcli.language.suggest import nearest
from cgcli.render.draw import KINDS
from cgcli.render.draw import render as draw
from cgcli.render.escape import show
from cgcli.render.files import write_whole

LATER = ("mmd", "tex", "json", "html")

Target = Annotated[
    str | None,
    typer.Option(
        "-o",
        metavar="TARGET",
        help="The picture to write: a .svg, .png, .pdf or .dot file (else an .svg in the working folder).",
    ),
]


def render(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    target: Target = None,
    of: Of = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    mode: Mode = None,
    allow_path: AllowPath = None,
    colour: Colour = "auto",
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    timeout: Timeout = None,
    data: Data = None,
) -> int:
    """Draw the graph of a program.

    With the values of its inputs the picture has values and gradients too.
    """
    path = target if target is not None else default_target(file)
    kind = picture_kind(path)
    session = start(
        context,
        file,
        expression,
        settings,
        inputs_file,
        allow_path,
        colour,
        seed,
        max_memory,
        backend,
        max_steps,
        timeout,
        mode,
    )
    session = session.recorded()
    program = session.program
    evaluation = evaluate(session, of)
    params = [each.name for each in program.inputs if each.kind == "param"]
    image = draw(program.graph, evaluation, kind, title=PurePath(program.module.source.name).stem, params=params)
    write_whole(path, image.data)
    if image.note is not None:
        notice(f"note: {image.note}")
    if target is None:
        notice(f"wrote {show(path)}")
    return 0


def default_target(file: str | None) -> str:
    """`<stem>.svg` in the working folder."""
    stem = PurePath(file).stem if file is not None and file != "-" else ""
    return f"{stem or 'out'}.svg"


def picture_kind(path: str) -> str:
    """The kind of picture that the file's name asks for; raises `CgError` when there is none."""
    kind = PurePath(path).suffix[1:].lower()
    if kind in LATER:
        raise error("not-yet", what=f"a picture as `.{kind}`")
    if kind not in KINDS:
        like = nearest(kind, KINDS) if kind else None
        choices = [f".{each}" for each in KINDS]
        raise error("unknown-picture", file=path or "''", nearest=None if like is None else f".{like}", choices=choices)
    return kind


command = declare("render", render, ProgramCommand, "cg render samples/article.cg --a 2 --b 3 --c 1 -o article.svg")
