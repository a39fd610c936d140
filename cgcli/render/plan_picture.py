"""A plan as a picture: the steps from top to bottom, beside them the memory that each holds, as bars."""

from __future__ import annotations

from collections.abc import Iterator

from cgcli.diagnostics.escape import dot_html
from cgcli.graph.plan import Compilation, Plan

from .picture.themes import THEMES
from .plan import bytes_text, letters, plan_names, size_text, step_text

INK, QUIET, LINE, ACCENT = (THEMES["light"][name] for name in ("ink", "quiet", "line", "accent"))

ROW, BAR, GAP = 22, 26, 8  # heights and widths in pixels
TOP, LEFT = 96, 24
LETTER = 7.3  # about the width of a character
MOST = 400  # steps that are drawn
WIDEST = 46  # characters of a step
FILLS = ("#d1e9ff", "#d3f8df", "#fef0c7", "#fce7f6", "#e0eaff", "#f2f4f7")
LEGEND = (
    "a bar: memory from its first to its last use; a dot: a step writes it; orange: over an operand that nobody needs"
)
FONT = "DejaVu Sans Mono, Menlo, Consolas, monospace"


def draw(compilation: Compilation, title: str) -> str:
    """The picture as SVG; of a long plan the first steps, and a line that says how many are left out."""
    plan = compilation.plan
    nodes = plan.order[:MOST]
    names = plan_names(compilation)
    texts = [_clip(step_text(plan.graph, i, names)) for i in nodes]
    text_width = max([20, *map(len, texts)])
    left = LEFT + 44 + text_width * LETTER + 20
    width = left + len(plan.buffers) * (BAR + GAP) + LEFT
    summary = _summary(compilation)
    width = max(width, LEFT * 2 + max(len(summary), len(LEGEND)) * LETTER)
    height = TOP + ROW * (len(nodes) + 1) + 36
    subject = "its outputs" if compilation.of is None else f"{compilation.of} and its derivatives"
    heading = f"The plan of {title}: {subject}"
    lines = [
        _svg_start(width, height),
        f"<title>{dot_html(heading)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        _text(LEFT, 34, heading, INK, 16),
        _text(LEFT, 58, summary, QUIET, 12),
        _text(LEFT, height - 14, LEGEND, QUIET, 11),
        *_steps(plan, texts, nodes, left + len(plan.buffers) * (BAR + GAP)),
        *_bars(plan, left, len(nodes)),
    ]
    if len(nodes) < len(plan.order):
        lines.append(
            _text(LEFT, TOP + ROW * (len(nodes) + 0.7), f"and {len(plan.order) - len(nodes)} more steps", QUIET)
        )
    return "\n".join([*lines, "</svg>", ""])


def _svg_start(width: float, height: float) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}" font-size="12">'


def _summary(compilation: Compilation) -> str:
    plan = compilation.plan
    return (
        f"{len(plan.order)} steps, {size_text(plan.operations)} operations, {bytes_text(plan.peak)} at one time "
        f"({bytes_text(plan.unshared)} without sharing)"
    )


def _steps(plan: Plan, texts: list[str], nodes: tuple[int, ...], right: float) -> Iterator[str]:
    for k, (i, text) in enumerate(zip(nodes, texts, strict=True)):
        y = TOP + ROW * k
        if k % 2:
            yield f'<rect x="{LEFT}" y="{y}" width="{right - LEFT:.0f}" height="{ROW}" fill="#f9fafb"/>'
        over = i in plan.in_place
        yield _text(LEFT + 30, y + 15, str(k + 1), QUIET, anchor="end")
        yield _text(LEFT + 44, y + 15, text, ACCENT if over else INK)


def _bars(plan: Plan, left: float, count: int) -> Iterator[str]:
    """A bar a buffer, from the step that first writes it to the last that reads it; a dot where a step writes."""
    steps = plan.steps
    for k, b in enumerate(plan.buffers):
        if b.first >= count:
            continue
        x = left + k * (BAR + GAP)
        last = min(b.last, count - 1)
        y, height = TOP + ROW * b.first, ROW * (last - b.first + 1)
        fill = FILLS[k % len(FILLS)]
        frame = f'x="{x:.0f}" y="{y + 2}" width="{BAR}" height="{height - 4}" rx="5"'
        yield f"<g><title>{letters(k)}: {dot_html(bytes_text(b.size))}</title>"
        yield f'<rect {frame} fill="{fill}" stroke="{LINE}"/></g>'
        yield _text(x + BAR / 2, TOP - 8, letters(k), QUIET, anchor="middle")
        for i in b.nodes:
            if steps[i] < count:
                yield f'<circle cx="{x + BAR / 2:.0f}" cy="{TOP + ROW * steps[i] + ROW / 2:.0f}" r="3.5" fill="{INK}"/>'


def _clip(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _text(x: float, y: float, text: str, colour: str, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" font-size="{size}" text-anchor="{anchor}" '
        f'xml:space="preserve">{dot_html(text)}</text>'
    )
