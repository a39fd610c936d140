"""What all plots have in common: matplotlib (installed with `cgcli[plot]`), the look of cg's pictures, the file.

A plot is made within `style`, for the look is read when an artist is made and when the figure is drawn:

    with style() as colours:
        figure = new_figure(7, 4)
        axes = panel(figure.add_subplot(), x="step", y=name)
        axes.plot(x, y, color=colours["input line"])
        data = image(figure, "svg")

No text is a formula (`text.parse_math`), so names need `show` alone. A logarithmic scale is that of `log_scale`, whose
numbers are no formulas either.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show

from .numbers import shortest
from .picture.themes import THEMES, ThemeName

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
DPI = 150  # of pixels
LONGEST_HEADING = 64  # characters
SERIES = tuple(
    (hue, dash) for dash in ("-", "--", ":") for hue in ("input line", "positive", "output line", "param line")
)
"""The colour, by role, and the dash of each curve of many: Wong's hues, and dashes for those who see no colours."""


def require() -> None:
    """Raises CgError when matplotlib is not there."""
    if find_spec("matplotlib") is None:
        raise error("no-matplotlib")


def plot_kind(option: str, path: str) -> str:
    """The kind of picture (`svg`, `png`, `pdf`) that a file is to hold.

    Raises CgError for a name with another ending, and when matplotlib is not there.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise error("bad-target-kind", option=option, path=path, kinds=list(SUFFIXES))
    require()
    return suffix[1:]


@contextmanager
def style(theme: ThemeName = "light") -> Iterator[Mapping[str, str]]:
    """Within, figures have the look of cg's pictures, whatever the user's own settings of matplotlib; its colours by
    role. Raises CgError when matplotlib is not there.
    """
    require()
    from matplotlib.style import context

    colours = THEMES[theme]
    settings = {
        "font.family": "DejaVu Sans",  # which matplotlib brings along
        "font.size": 9.5,
        "text.parse_math": False,
        "text.color": colours["ink"],
        "figure.facecolor": colours["paper"],
        "savefig.facecolor": colours["paper"],
        "axes.facecolor": colours["paper"],
        "axes.edgecolor": colours["line"],
        "axes.labelcolor": colours["ink"],
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.useoffset": False,  # each number of an axis says what it is
        "grid.color": colours["border"],
        "grid.linewidth": 0.5,
        "xtick.color": colours["quiet"],
        "ytick.color": colours["quiet"],
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.5,
        "svg.hashsalt": "cg",  # of names within the file: the same plot gives the same file
    }
    with context(["default", settings]):
        yield colours


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; width, height in inches. The room of its panels follows from their texts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panel(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """The axes with a title and the names of what they show, which may be a user's."""
    axes.set_title(show(title), fontweight="bold")
    axes.set_xlabel(show(x))
    axes.set_ylabel(show(y))
    return axes


def heading(figure: Figure, text: str) -> None:
    """The title of the whole figure."""
    figure.suptitle(
        show(shortened(text, LONGEST_HEADING)), x=0.01, horizontalalignment="left", fontsize=12, fontweight="bold"
    )


def shortened(text: str, most: int) -> str:
    """The text with so many characters at most, without its middle: names often differ at their ends."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def legend(within: Axes | Figure, entries: Sequence[tuple[Any, str]], **settings: Any) -> None:
    """Says what artists show. settings: of matplotlib's legend."""
    if entries:
        handles, labels = zip(*entries, strict=True)
        within.legend(handles, [show(label) for label in labels], **settings)


def log_scale(axes: Axes, axis: str = "y") -> None:
    """A logarithmic scale (`x` or `y`), its numbers written as everywhere else."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return shortest(float(x), 3) if super().__call__(x, pos) else ""

    axes.set(**{f"{axis}scale": "log"})
    one = axes.yaxis if axis == "y" else axes.xaxis
    one.set_major_formatter(Plain())
    one.set_minor_formatter(Plain(minor_thresholds=(1.5, 0.5)))


def image(figure: Figure, kind: str, title: str = "") -> bytes:
    """The picture: `svg`, `png` or `pdf`, without the time of day, so that the same plot gives the same file."""
    out = io.BytesIO()
    about: dict[str, Any] = {"Title": show(title)} if title else {}
    about |= {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    for axes in figure.axes:
        power = axes.yaxis.get_offset_text()  # of ten: beside what is above the axes
        power.set(horizontalalignment="right", x=-0.01)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # it is drawn as a box
        figure.savefig(out, format=kind, dpi=DPI, metadata=about)
    return out.getvalue()
