"""The picture of a program: the values and gradients in it, and its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path, PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.render.picture.draw import Image, frames, render
from cgcli.run.binding import missing, require

from .computation import Computation, Values
from .graph_values import graph_values
from .nested_values import with_nested
from .picture_options import PictureOptions, view_of

FRAME_HEIGHT = 640  # pixels
FRAME_KINDS = ("svg", "png")


@dataclass(frozen=True)
class Picture:
    """A picture as the bytes of a file. kind: `svg`, `png`, …; note: what was left out or drawn as one."""

    data: bytes = field(repr=False)
    kind: str
    note: str | None = None

    @property
    def text(self) -> str:
        """The picture as text, of a kind that is text: all but `png` and `pdf`."""
        return self.data.decode("utf-8")

    def save(self, path: str | Path) -> None:
        """Writes the file as a whole. Raises CgError when that fails."""
        from cgcli.files.writing import write_atomic

        write_atomic(str(path), self.data)

    def _repr_svg_(self) -> str | None:
        return self.text if self.kind == "svg" else None

    def _repr_html_(self) -> str | None:
        return framed(self.text) if self.kind == "html" else None

    def _repr_png_(self) -> bytes | None:
        return self.data if self.kind == "png" else None


def pass_pictures(
    program: Computation, values: Values, kind: str, of: str | None, options: PictureOptions
) -> tuple[Picture, ...]:
    """The pictures of the passes of a program that has a graph. Raises CgError for options that do not fit it."""
    _check(options, of)
    values = {program.input(name).name: x for name, x in values.items()}
    notes: list[str] = []
    images = draw_frames(program, values, options, kind, of, notes.append)
    return tuple(Picture(i.data, kind, "; ".join(filter(None, (*notes, i.note))) or None) for i in images)


def framed(page: str) -> str:
    """The page in a frame that has no rights but to compute, as a part of another page."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(page)}" title="graph" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 0"></iframe>'
    )


def picture(program: Computation, values: Values, kind: str, of: str | None, options: PictureOptions) -> Picture:
    """The picture of a program that has a graph. Raises CgError for options that do not fit it."""
    _check(options, of)
    values = {program.input(name).name: x for name, x in values.items()}
    if (values or of is not None) and kind != "html":
        require(program.inputs, values)
    notes: list[str] = []
    image = draw_picture(program, values, options, kind, of, notes.append)
    return Picture(image.data, kind, "; ".join(filter(None, (*notes, image.note))) or None)


def _check(options: PictureOptions, of: str | None) -> None:
    if options.view == "gradient-graph" and (options.heat or options.min_grad is not None):
        raise error("picture-of-gradient", option="heat" if options.heat else "min_grad")
    if options.view == "forward" and of is not None:
        raise error("options-exclude", first="of", second="view='forward'")


def draw_picture(
    program: Computation,
    values: Values,
    options: PictureOptions,
    kind: str,
    of: str | None,
    note: Callable[[str], None],
) -> Image:
    """The picture of a program as a file of a kind. note: called with each remark about it. Raises `CgError`."""
    options.check(kind)
    if options.animate:
        require(program.inputs, values)
    if kind == "html":
        from .page import page  # the loop form and its printer

        return Image(page(program, values, of, options, note).encode("utf-8"))
    graph, evaluation = _evaluated(program, values, options, of, note)
    return render(graph, evaluation, kind, **_settings(program, graph, options))


def draw_frames(
    program: Computation,
    values: Values,
    options: PictureOptions,
    kind: str,
    of: str | None,
    note: Callable[[str], None],
) -> list[Image]:
    """The forward and the backward pass of a program, a picture a step; see `draw_picture`. Raises `CgError`."""
    if kind not in FRAME_KINDS:
        raise error("no-effect-on-kind", option="--frames", kind=f".{kind}", kinds=[f".{k}" for k in FRAME_KINDS])
    if options.animate:
        raise error("options-exclude", first="--frames", second="--animate")
    options.check(kind)
    require(program.inputs, values)
    graph, evaluation = _evaluated(program, values, options, of, note)
    assert evaluation is not None
    return list(frames(graph, evaluation, kind, **_settings(program, graph, options)))


def _settings(program: Computation, graph: Graph, options: PictureOptions) -> Any:
    return {
        "title": options.title or PurePath(program.module.source.name).stem,
        "params": [i.name for i in program.inputs if i.kind == "param"],
        "view": view_of(graph, options),
        "drawing": options.drawing(),
    }


def _evaluated(
    program: Computation, values: Values, options: PictureOptions, of: str | None, note: Callable[[str], None]
) -> tuple[Graph, Evaluation | None]:
    """The graph to draw, and the values and gradients of its nodes; None without values."""
    if options.view == "gradient-graph":
        gradient = program.gradient_graph(values, of=of)
        return gradient.graph, None if missing(program.inputs, values) else gradient
    evaluation = graph_values(program, values, of, note, derivatives=options.view != "forward")
    return program.graph, None if evaluation is None else with_nested(evaluation)
