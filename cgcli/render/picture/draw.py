"""`render`: a graph as the bytes of a picture file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cgcli.diagnostics.escape import show
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.render.schema import to_json

from .card import Card
from .collapse import BUDGET
from .compose import picture
from .content import Picture, View
from .drawing import Drawing, fits
from .layout import Layout, cards_of, lay_out
from .scene import extent, scene
from .shapes import Scene
from .text_width import without_glyph

if TYPE_CHECKING:
    from .frames import Passes

MOST_ABSENT = 8  # characters that a note names
SMALLER_BUDGETS = (28, 20, 14, 10)
"""Tried one after the other while a picture is too large for a page and the reader has not said how much to draw."""


class Image(NamedTuple):
    """The bytes of a file, and a note for the user on what was left out or drawn more simply."""

    data: bytes
    note: str | None = None


class Arranged(NamedTuple):
    """A picture with its layout."""

    picture: Picture
    cards: Mapping[int, Card]
    layout: Layout

    @property
    def notes(self) -> str | None:
        """What a reader has to be told of it."""
        notes = (*self.picture.notes, self.layout.note)
        return "; ".join(note for note in notes if note) or None


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
    """The picture of a graph as a file of one of `KINDS` but `html`, a page that computes.

    title: what the picture shows, for those who cannot see it; drawing: among others a title above it.
    Raises CgError (status 1) when its layout takes too long.
    """
    drawing = drawing or Drawing()
    if kind == "json":
        return Image(to_json(graph, evaluation, title, params).encode("utf-8"))
    view = view or View()
    if kind in ("mmd", "dot"):
        return _described(lambda v: picture(graph, evaluation, params, v), view, kind, drawing)
    arranged = fitting(lambda v: picture(graph, evaluation, params, v), view, drawing)
    return Image(painted(arranged, kind, drawing, title), _notes(arranged, kind, drawing))


def frames(
    graph: Graph,
    evaluation: Evaluation,
    kind: str,
    *,
    title: str = "",
    params: Sequence[str] = (),
    view: View | None = None,
    drawing: Drawing | None = None,
) -> Iterator[Image]:
    """The forward and the backward pass over a picture, a picture a step, the last one of the whole. kind: `svg` or
    `png`.

    Raises CgError (status 1) as `render` does, and for too many steps.
    """
    from .frames import frame

    drawing = drawing or Drawing()
    whole = fitting(lambda v: picture(graph, evaluation, params, v), view or View(), drawing)
    shapes = _frames(whole, drawing, title)
    note = _notes(whole, kind, drawing)
    for k in range(len(shapes.captions)):
        yield Image(_image(frame(shapes, k), kind, drawing), note)


def painted_frame(arranged: Arranged, each: Passes, k: int, kind: str, drawing: Drawing, title: str = "") -> Image:
    """Frame `k` of passes over a picture whose layout is there; kind: one of `PAINTED`."""
    from .frames import frame, frames_scene

    shapes = frames_scene(arranged.picture, arranged.layout, arranged.cards, drawing, title, each)
    return Image(_image(frame(shapes, k), kind, drawing), _notes(arranged, kind, drawing))


def _notes(arranged: Arranged, kind: str, drawing: Drawing) -> str | None:
    """What a reader has to be told of a file of this kind."""
    notes = [arranged.notes, _boxes(arranged.picture, drawing) if kind in ("png", "pdf") else None]
    if kind == "png":
        from .png import size_note

        notes.append(size_note(*extent(arranged.picture, arranged.layout, drawing), drawing.size))
    return "; ".join(note for note in notes if note) or None


def _described(compose: Callable[[View], Picture], view: View, kind: str, drawing: Drawing) -> Image:
    """The text of a picture that another program lays out. It shows what the layouts of cg show, in their direction;
    what the reader has said to be of any size needs no layout here."""
    if _is_sized(view):
        shown = compose(view)
    else:
        arranged = fitting(compose, view, drawing)
        shown, drawing = arranged.picture, drawing._replace(direction=arranged.layout.direction)
    notes = [*shown.notes]
    if kind == "mmd":
        from .mermaid import limit_note, to_mermaid  # this and others: a picture is of one kind

        text = to_mermaid(shown, cards_of(shown), drawing)
        notes += filter(None, [limit_note(text, shown)])
    else:
        from .dot import to_dot

        text = to_dot(shown, cards_of(shown), drawing)
    return Image(text.encode("utf-8"), "; ".join(notes) or None)


def _boxes(picture: Picture, drawing: Drawing) -> str | None:
    """A note on the characters that an image shows as boxes."""
    texts = [drawing.title, *(group.label for group in picture.groups)]
    texts += [text for node in picture.nodes for text in (node.title, *node.formula.split("\n"))]
    absent = without_glyph("".join(texts))
    if not absent:
        return None
    more = " …" if len(absent) > MOST_ABSENT else ""
    characters = " ".join(map(show, absent[:MOST_ABSENT]))
    return f"cg has no font for {characters}{more}, which are boxes here; an .svg shows them"


def arranged(graph_picture: Picture, drawing: Drawing) -> Arranged:
    """A picture with its layout. Raises CgError (status 1) when that takes too long."""
    cards = cards_of(graph_picture)
    return Arranged(graph_picture, cards, lay_out(graph_picture, drawing, cards))


def fitting(compose: Callable[[View], Picture], view: View, drawing: Drawing) -> Arranged:
    """The picture of a view, with its layout. One that is too large for a page is drawn without heat maps, then with
    fewer nodes, unless the view says how many it has or how deep it goes.
    """
    result = arranged(compose(view), drawing)
    if _fits(result, drawing) or _is_sized(view):
        return result
    for smaller in _smaller(result.picture, compose, view):
        if smaller == result.picture or len(smaller.nodes) > len(result.picture.nodes):
            continue
        result = arranged(smaller, drawing)
        if _fits(result, drawing):
            break
    return result


def _is_sized(view: View) -> bool:
    """Whether the reader has said how much to draw."""
    return view.detail.depth is not None or bool(view.detail.expand) or view.detail.budget != BUDGET


def _smaller(whole: Picture, compose: Callable[[View], Picture], view: View) -> Iterator[Picture]:
    """The picture without heat maps, then pictures of fewer nodes."""
    yield _without_maps(whole)
    for budget in SMALLER_BUDGETS:
        yield _without_maps(compose(replace(view, detail=replace(view.detail, budget=budget))))


def _fits(arranged: Arranged, drawing: Drawing) -> bool:
    """Whether no text is too small where the whole, with what stands above the graph, is as large as it may be."""
    return fits(*extent(arranged.picture, arranged.layout, drawing))


def _without_maps(picture: Picture) -> Picture:
    nodes = tuple(replace(node, value_map=None, gradient_map=None) for node in picture.nodes)
    return replace(picture, nodes=nodes) if nodes != picture.nodes else picture


def painted(arranged: Arranged, kind: str, drawing: Drawing, title: str = "") -> bytes:
    """The file of a picture whose layout is there; kind: `svg`, `png`, `pdf` or `tex`."""
    if kind == "tex":
        from .tikz import to_tikz

        shapes = scene(arranged.picture, arranged.layout, arranged.cards, drawing, title)
        return to_tikz(shapes, arranged.layout, arranged.cards, drawing).encode("utf-8")
    if drawing.animate:
        return _image(_frames(arranged, drawing, title), kind, drawing)
    return _image(scene(arranged.picture, arranged.layout, arranged.cards, drawing, title), kind, drawing)


def _frames(arranged: Arranged, drawing: Drawing, title: str) -> Scene:
    from .frames import frames_scene, passes

    each = passes(arranged.picture)
    return frames_scene(arranged.picture, arranged.layout, arranged.cards, drawing, title, each)


def _image(shapes: Scene, kind: str, drawing: Drawing) -> bytes:
    if kind == "png":
        from .png import to_png

        return to_png(shapes, drawing)
    if kind == "pdf":
        from .pdf import to_pdf

        return to_pdf(shapes, drawing)
    from .svg import to_svg

    return to_svg(shapes, drawing).encode("utf-8")
