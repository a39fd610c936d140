"""The picture of a program: the values and gradients in it, and its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path, PurePath

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.render.picture.draw import Image, render
from cgcli.run.binding import missing, require

from .computation import Computation, Values
from .graph_values import graph_values
from .nested_values import with_nested
from .picture_options import PictureOptions, view_of

FRAME_HEIGHT = 640  # pixels


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


def framed(page: str) -> str:
    """The page in a frame that has no rights but to compute, as a part of another page."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(page)}" title="graph" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 0"></iframe>'
    )


def picture(program: Computation, values: Values, kind: str, of: str | None, options: PictureOptions) -> Picture:
    """The picture of a program that has a graph. Raises CgError for options that do not fit it."""
    if options.view == "gradient-graph" and (options.heat or options.min_grad is not None):
        raise error("picture-of-gradient", option="heat" if options.heat else "min_grad")
    if options.view == "forward" and of is not None:
        raise error("options-exclude", first="of", second="view='forward'")
    values = {program.input(name).name: x for name, x in values.items()}
    if (values or of is not None) and kind != "html":
        require(program.inputs, values)
    notes: list[str] = []
    image = draw_picture(program, values, options, kind, of, notes.append)
    return Picture(image.data, kind, "; ".join(filter(None, (*notes, image.note))) or None)


def draw_picture(
    program: Computation,
    values: Values,
    options: PictureOptions,
    kind: str,
    of: str | None,
    note: Callable[[str], None],
) -> Image:
    """The picture of a program as a file of a kind. note: called with each remark about it. Raises `CgError`."""
    drawing = options.drawing()
    options.check(kind)
    if kind == "html":
        from .page import page  # the loop form and its printer

        return Image(page(program, values, of, options, note).encode("utf-8"))
    graph, evaluation = _evaluated(program, values, options, of, note)
    view = view_of(graph, options)
    params = [i.name for i in program.inputs if i.kind == "param"]
    title = options.title or PurePath(program.module.source.name).stem
    return render(graph, evaluation, kind, title=title, params=params, view=view, drawing=drawing)


def _evaluated(
    program: Computation, values: Values, options: PictureOptions, of: str | None, note: Callable[[str], None]
) -> tuple[Graph, Evaluation | None]:
    """The graph to draw, and the values and gradients of its nodes; None without values."""
    if options.view == "gradient-graph":
        gradient = program.gradient_graph(values, of=of)
        return gradient.graph, None if missing(program.inputs, values) else gradient
    evaluation = graph_values(program, values, of, note, derivatives=options.view != "forward")
    return program.graph, None if evaluation is None else with_nested(evaluation)
