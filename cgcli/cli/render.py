"""`cg render`: the picture of the graph."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import NO_DATA, Without
from cgcli.cli.output import notice, write_picture
from cgcli.cli.session import Session, note, open_session
from cgcli.cli.targets import ReadFiles
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.program.options import DerivativeOptions, Option, RunOptions
from cgcli.program.picture_options import PictureOptions
from cgcli.render.picture.drawing import KINDS, LAID_OUT, picture_kind
from cgcli.render.picture.layout_process import start_child

Target = Annotated[
    str | None,
    Option(
        "-o",
        "The file to write: .svg, .png, .pdf, .dot, .mmd (Mermaid), .tex (TikZ), .json or .html, a page in which the "
        "program runs (else an .svg here); - is standard output.",
        "TARGET",
        "Output",
        file="written",
    ),
]
Kind = Annotated[
    str | None,
    Option("--format", "The kind of picture (else what the name ends in; svg).", group="Output", choices=KINDS),
]


Frames = Annotated[
    str | None,
    Option(
        "--frames",
        "A folder for the forward and the backward pass, a picture a step (.svg, or .png by --format).",
        "DIR",
        "Output",
    ),
]


def render(
    context: typer.Context,
    run: RunOptions,
    derivative: Annotated[DerivativeOptions, Without("wrt")],
    picture: PictureOptions,
    target: Target = None,
    output_format: Kind = None,
    frames: Frames = None,
    data: Annotated[str | None, NO_DATA] = None,
) -> int:
    """Draw the graph of a program.

    With the values of its inputs the picture has values and gradients too. Of a large graph parts are drawn as blocks.
    """
    if frames is not None and target is not None:
        raise error("options-exclude", first="--frames", second="-o")
    kind = output_format or ("svg" if target in (None, "-") else picture_kind(target or ""))
    check_picture(picture, derivative.of)
    if kind in LAID_OUT:
        start_child()
    from cgcli.program.pictures import draw_picture  # while the child loads Graphviz

    session = open_session(context, run)
    path = default_target(run.file, kind) if target is None else target
    if target is None and frames is None:
        ReadFiles(context, session.program).check("the picture", path)
    session = session.recorded()
    if frames is not None:
        _render_frames(session, picture, kind, derivative.of, frames)
        return 0
    if kind != "html":
        with_values = derivative.of is not None and picture.view != "gradient-graph"
        session.require_all_or_none(needed=with_values or picture.animate)
    image = draw_picture(session.program, session.values, picture, kind, derivative.of, note)
    write_picture(path, image.data)
    if image.note is not None:
        notice(f"note: {image.note}")
    if target is None:
        notice(f"wrote {show(path)}")
    return 0


def _render_frames(session: Session, picture: PictureOptions, kind: str, of: str | None, folder: str) -> None:
    if folder == "-":
        raise error("frames-are-files")
    session.require_values()
    from cgcli.program.frame_files import write_frames  # for frames alone
    from cgcli.program.pictures import draw_frames

    images = draw_frames(session.program, session.values, picture, kind, of, note)
    write_frames(folder, kind, [image.data for image in images])
    if images[0].note is not None:
        notice(f"note: {images[0].note}")
    notice(f"wrote {len(images)} frames into {show(folder)}")


def check_picture(picture: PictureOptions, of: str | None) -> None:
    """Raises `CgError` for an option that another one leaves without effect."""
    if picture.view == "forward" and of is not None:
        raise error("options-exclude", first="--of", second="--view forward")
    if picture.radius is not None and picture.focus is None:
        raise error("needs-focus")
    if picture.view == "gradient-graph" and (picture.heat or picture.min_grad is not None):
        raise error("picture-of-gradient", option="--heat" if picture.heat else "--min-grad")


def default_target(file: str | None, kind: str = "svg") -> str:
    """The default target, such as `<stem>.svg`, in the working folder."""
    stem = PurePath(file).stem if file is not None and file != "-" else ""
    return f"{stem or 'out'}.{kind}"


command = declare(
    "render", render, ProgramCommand, "cg samples article", "cg render article.cg --a 2 --b 3 --c 1 -o article.svg"
)
