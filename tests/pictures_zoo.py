"""Pictures for tests of their layout and drawing: of samples, and one by hand with all that a picture can say."""

import math
from collections.abc import Callable
from pathlib import Path

from cgcli import load
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Arrow, Group, Picture, PictureNode
from cgcli.render.tensors import Cell, Cells, HeatMap

ROOT = Path(__file__).parents[1]


def cells(rows: int, columns: int, value: Callable[[int, int], Cell]) -> Cells:
    return tuple(tuple(value(r, c) for c in range(columns)) for r in range(rows))


def masked(r: int, c: int) -> Cell:
    return "-inf" if c > r else "nan" if (r, c) == (3, 3) else "inf" if (r, c) == (5, 0) else (r - c) / 6


WAVES = HeatMap((cells(8, 16, lambda r, c: math.sin(r * c / 9 + c) * math.cos(r)),))
SHEET = HeatMap(tuple(cells(5, 5, lambda r, c, k=k: math.sin(r + k) * math.cos(c * k + 1)) for k in range(4)), 12, 1.7)
MASKED = HeatMap((cells(6, 6, masked),))


def everything() -> Picture:
    """A node of every kind, an arrow of every style, groups in groups, and every extra of a card."""
    by = "∂loss/∂·"
    nodes = (
        PictureNode(0, "input", "x0 … x49", "input", "−1.2 … 3", "−0.5 … 1", by, stacked=True),
        PictureNode(1, "param", "W1", "param", "−1.2 … 1", "−0.3 … 0.2", by, "W1", -1, "8 × 16", WAVES, WAVES),
        PictureNode(2, "param", "K", "param", "−1.6 … 1.7", "−0.1 … 0.2", by, "K", -1, "16 × 5 × 5", SHEET, SHEET),
        PictureNode(3, "small", "@", shape="4 × 16", value="−1.8 … 1.36", value_map=WAVES),
        PictureNode(4, "value", "s", "mask(q)", "−∞ … 1", shape="6 × 6", value_map=MASKED, mark="NaN starts here"),
        PictureNode(5, "choice", "x > 0", "", "true"),
        PictureNode(6, "value", "low", "−x²", muted=True),
        PictureNode(7, "value", "high", "log(x)", "1.25×10⁻⁵", "−2.5×10¹²", by),
        PictureNode(8, "state", "xₖ₊₁", "xₖ − f(xₖ)", "1.41", "0.3", by, group=1, series=(2.0, 1.5, 1.42, 1.41)),
        PictureNode(9, "block", "layer × 12", "144 nodes\nin 12 calls", "3.2", "0.1", group=0, stacked=True),
        PictureNode(10, "loop", "while |x − y| > ε", "7 steps", series=(1.0, math.nan, 0.2, math.inf), group=1),
        PictureNode(11, "output", "loss", "mean((guess − target)²)", "0.316", "1", by, heat=1.0),
        PictureNode(12, "constant", "g", "= 9.81", heat=0.3),
        PictureNode(13, "choice", "if", "", "1", "2", heat=0.6),
        PictureNode(14, "value", "a_long_name_für_größe", "中文 α × β + γ", "12345", "−1", by, heat=0.05, group=0),
    )
    arrows = (
        Arrow(0, 3, style="many"),
        Arrow(1, 3, "· W1ᵀ", note="4 × 16"),
        Arrow(2, 4, note="16 × 5 × 5"),
        Arrow(3, 4, "· (1 − h²)"),
        Arrow(4, 5, "if", "condition"),
        Arrow(6, 7, style="untaken"),
        Arrow(5, 7, "∂y/∂x = −0.25"),
        Arrow(7, 8, "0.5"),
        Arrow(8, 10, style="next"),
        Arrow(8, 11, "1.5"),
        Arrow(9, 14, "… 3 steps", "path"),
        Arrow(14, 11, "2"),
        Arrow(12, 13, "1"),
        Arrow(13, 11, "0.1"),
        Arrow(10, 11),
        Arrow(4, 9),
    )
    groups = (Group(-1, "encoder"), Group(0, "loop × 5", "loop"))
    return Picture(nodes, arrows, groups, ("calls are closed",), "loss")


def of_sample(name: str, of: str | None = None) -> Picture:
    program = load(ROOT / f"samples/{name}.cg")
    params = [i.name for i in program.inputs if i.kind == "param"]
    values = {"a": 2, "b": 3, "c": 1} if name == "article" else {}
    return picture(program.graph, program.run(values, of=of), params)


PICTURES: dict[str, Callable[[], Picture]] = {
    "everything": everything,
    "article": lambda: of_sample("article"),
    "black_scholes": lambda: of_sample("black_scholes"),
    "newton": lambda: of_sample("newton", "implicit"),
    "mlp": lambda: of_sample("mlp", "loss"),
    "rnn": lambda: of_sample("rnn", "loss"),
}
