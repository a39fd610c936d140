"""`render`: a graph as the bytes of a picture file."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph

from .dot import to_dot
from .image import LARGEST, Image, draw
from .picture import picture

KINDS = ("svg", "png", "pdf", "dot")


def render(
    graph: Graph, evaluation: Evaluation | None, kind: str, *, title: str = "", params: Sequence[str] = ()
) -> Image:
    """The picture of a graph as a file of one of `KINDS`.

    Raises CgError (status 1) when the graph is too large to be drawn or its layout takes too long.
    """
    made = picture(graph, evaluation, params)
    dot = to_dot(made)
    if kind == "dot":
        return Image(dot.encode("utf-8"))
    if len(made.nodes) > LARGEST:
        raise error("picture-too-large", status=1, nodes=len(made.nodes), limit=LARGEST)
    return draw(dot, kind, title)  # type: ignore[arg-type]  # one of KINDS that is no text
