"""How the picture of a program is drawn: options as data, and the part of the graph that they choose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import identifier
from cgcli.ops.number_kernels import has_loop
from cgcli.render.picture.collapse import BUDGET, LARGEST, Detail
from cgcli.render.picture.content import View
from cgcli.render.picture.drawing import PAINTED, Drawing, Size
from cgcli.render.picture.themes import ThemeName
from cgcli.render.picture.units import Level

from .options import Option

RADIUS = 2  # arrows
_DRAWN = (*PAINTED, "tex", "dot", "mmd", "html")
_EFFECTIVE: dict[str, tuple[str, ...]] = {  # by option, the kinds on which it has an effect, where not on all
    "size": PAINTED,
    "background": (*PAINTED, "tex", "dot"),
    "animate": ("svg",),
    "legend": (*PAINTED, "tex", "dot"),
    "heat": (*PAINTED, "tex", "dot", "mmd"),
    **dict.fromkeys(("theme", "direction", "detail", "depth", "fold", "unfold", "budget"), _DRAWN),
    **dict.fromkeys(("focus", "radius", "between", "min_grad"), _DRAWN),
    "view": tuple(kind for kind in (*_DRAWN, "json") if kind != "html"),  # a page has all of them
}
COLOURS = {"none": "none", "white": "#ffffff", "black": "#000000"}


@dataclass(frozen=True)
class PictureOptions:
    """What a picture shows, and how it is drawn."""

    view: Annotated[
        Literal["forward", "backward", "both", "gradient-graph"],
        Option("--view", "Values, derivatives, both, or the graph that computes the derivatives.", group="Picture"),
    ] = "both"
    detail: Annotated[
        Level,
        Option("--detail", "A card for each named value, or every operation (what fits the size).", group="Picture"),
    ] = "auto"
    depth: Annotated[
        int | None,
        Option(
            "--depth", "How many calls within calls are open (else as many as fit).", "N", "Picture", range=(0, 1000)
        ),
    ] = None
    fold: Annotated[
        tuple[str, ...],
        Option(
            "--fold", "Draw each call of this function as one block; `loop` for loops.", "NAME", "Picture", many=True
        ),
    ] = ()
    unfold: Annotated[
        tuple[str, ...],
        Option("--unfold", "Open each call of this function; `loop` for loops.", "NAME", "Picture", many=True),
    ] = ()
    budget: Annotated[
        int | None,
        Option(
            "--budget",
            f"The most cards to draw; of a larger graph parts become blocks ({BUDGET}).",
            "N",
            "Picture",
            range=(1, LARGEST),
        ),
    ] = None
    focus: Annotated[str | None, Option("--focus", "Only what is near this value.", "NAME", "Picture")] = None
    radius: Annotated[
        int | None,
        Option("--radius", f"How near to --focus, in arrows ({RADIUS}).", "K", "Picture", range=(0, LARGEST)),
    ] = None
    between: Annotated[
        tuple[str, str] | None,
        Option("--path", "Only what lies between these two values, as w..loss.", "A..B", "Picture", "path"),
    ] = None
    min_grad: Annotated[
        float | None,
        Option("--min-grad", "Only values by which the derivative is this large.", "T", "Picture", "threshold"),
    ] = None
    heat: Annotated[bool, Option("--heat", "Colour nodes by the size of the derivative.", group="Picture")] = False
    theme: Annotated[
        ThemeName, Option("--theme", "Colours; auto: in an .svg those that the reader prefers.", group="Picture")
    ] = "auto"
    direction: Annotated[
        Literal["auto", "right", "down", "left", "up"],
        Option("--direction", "Where the data flows; auto: as it fits a page.", group="Picture"),
    ] = "auto"
    title: Annotated[str, Option("--title", "A line above the picture.", "TEXT", "Picture")] = ""
    legend: Annotated[bool, Option("--legend", "Say above the picture what its signs mean.", group="Picture")] = False
    size: Annotated[
        str, Option("--size", "Its width in pixels, as 1200, or how many times its own, as 2x.", "SIZE", "Picture")
    ] = ""
    background: Annotated[
        str, Option("--background", "The colour behind it, as #f5f5f5 or white; or none.", "COLOUR", "Picture")
    ] = ""
    animate: Annotated[
        bool,
        Option("--animate", "An .svg that plays the forward and the backward pass, step by step.", group="Picture"),
    ] = False

    def drawing(self) -> Drawing:
        """How it is drawn. Raises `CgError` for a size or a colour that is none."""
        size, background = _size(self.size), _colour(self.background)
        return Drawing(self.theme, self.direction, self.title, self.legend, size, background, self.animate)

    def check(self, kind: str) -> None:
        """Raises `CgError` for a size or a colour that is none, and for an option without effect on this kind."""
        self.drawing()
        for each in fields(self):
            kinds = _EFFECTIVE.get(each.name, (kind,))
            if kind not in kinds and getattr(self, each.name) != each.default:
                option = "--path" if each.name == "between" else f"--{each.name.replace('_', '-')}"
                raise error("no-effect-on-kind", option=option, kind=f".{kind}", kinds=[f".{k}" for k in kinds])


def view_of(graph: Graph, options: PictureOptions) -> View:
    """The part of a graph that a picture shows. Raises `CgError` for a function that is not called there."""
    detail = Detail(
        options.depth,
        _calls(graph, options.fold, "--fold"),
        _calls(graph, options.unfold, "--unfold"),
        options.budget or BUDGET,
        options.detail,
    )
    return View(
        detail,
        "both" if options.view == "gradient-graph" else options.view,
        None if options.focus is None else identifier(options.focus),
        RADIUS if options.radius is None else options.radius,
        options.between,
        options.min_grad,
        options.heat,
    )


def _calls(graph: Graph, names: Sequence[str], option: str) -> frozenset[str]:
    """Functions whose calls are in the graph, or `loop`. Raises `CgError` for another name."""
    calls: list[Any] = [group.function for group in graph.groups]
    calls = list(dict.fromkeys([*calls, *(["loop"] if has_loop(graph) else [])]))
    selected = frozenset(map(identifier, names))
    for name in selected.difference(calls):
        raise error(
            "no-such-call", name=name or EMPTY, option=option, nearest=nearest(name, calls), names=calls or None
        )
    return selected


def _size(text: str) -> Size:
    """A width as `1200`, or a factor as `2x`."""
    match = re.fullmatch(r"(\d{1,5}(?:\.\d{1,3})?)(x?)", text.strip(), re.ASCII)
    if not text:
        return Size()
    if match is None or float(match[1]) == 0 or (not match[2] and "." in match[1]):
        raise error("bad-size", option="--size", value=text)
    return Size(scale=float(match[1])) if match[2] else Size(int(match[1]))


def _colour(text: str) -> str:
    """A colour as `#rrggbb`, or `none`."""
    colour = COLOURS.get(text.lower(), text.lower())
    if re.fullmatch(r"#[0-9a-f]{3}", colour):
        colour = "#" + "".join(2 * c for c in colour[1:])
    if colour and colour != "none" and not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise error("bad-colour", option="--background", value=text)
    return colour
