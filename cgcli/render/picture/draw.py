"""`render`: a graph as the bytes of a picture file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.render.schema import to_json

from .compose import picture
from .content import View
from .dot import Drawing, to_dot
from .image import Image, draw, layout
from .mermaid import to_mermaid
from .tikz import to_tikz

KINDS = ("svg", "png", "pdf", "dot", "mmd", "tex", "json")
LATER = ("html",)


def render(
    graph: Graph,
    evaluation: Evaluation | None,
    kind: str,
    *,
    title: str = "",
    params: Sequence[str] = (),
    view: View | None = None,
    drawing: Drawing | None = None,
) -> Image:
    """The picture of a graph as a file of one of `KINDS`.

    title: what the picture shows, for those who cannot see it; drawing: among others a title above it.
    Raises CgError (status 1) when its layout takes too long.
    """
    if kind == "json":
        return Image(to_json(graph, evaluation, title).encode("utf-8"))
    graph_picture = picture(graph, evaluation, params, view)
    notes = "; ".join(graph_picture.notes) or None
    if kind == "mmd":
        return Image(to_mermaid(graph_picture, drawing).encode("utf-8"), notes)
    dot = to_dot(graph_picture, drawing)
    if kind == "dot":
        return Image(dot.encode("utf-8"), notes)
    if kind == "tex":
        positions, note = layout(dot)
        image = Image(to_tikz(graph_picture, positions, drawing).encode("utf-8"), note)
    else:
        image = draw(dot, kind, title)  # type: ignore[arg-type]  # one of KINDS that is no text
    return Image(image.data, "; ".join(each for each in (notes, image.note) if each) or None)


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
            file=path or EMPTY,
            nearest=None if suggestion is None else f".{suggestion}",
            choices=choices,
        )
    return kind
