"""The chain rule in the article's way: in symbols, then in numbers; as text, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from cgcli.diagnostics.escape import show
from cgcli.ops.versions import Version

from .latex_text import latex_text
from .numbers import shortest
from .tensors import as_lists, is_tensor, terminal_brief

Form = Literal["text", "markdown", "latex"]
LONGEST_SUM = 6  # paths of which the sum is written out
LONGEST_LINE = 90  # characters of a sum that stands in one line
LONGEST_PATH = 8  # nodes of a path that are named
DIGITS = 4  # significant, of a factor


class Name(NamedTuple):
    """A name, with its version where several values have it."""

    name: str
    version: Version | None = None

    @property
    def text(self) -> str:
        return self.name if self.version is None else self.version.text

    @property
    def latex(self) -> str:
        plain = self.name if len(self.name) == 1 and self.name.isascii() else rf"\mathit{{{latex_text(self.name)}}}"
        return plain if self.version is None or self.version.is_last else f"{{{plain}}}_{{{self.version.number}}}"


class Equation(NamedTuple):
    """A name, the operation that it stands for, in text and in LaTeX, and its value."""

    name: Name
    text: str
    latex: str
    value: Any


class LocalDerivative(NamedTuple):
    """The partial of an equation by an operand: in symbols (empty where it is no number), and its value."""

    of: Name
    by: Name
    text: str
    latex: str
    value: float | None


class PathProduct(NamedTuple):
    """A path: its nodes from the value to the result, the partial on each edge, and their product."""

    nodes: tuple[Name, ...]
    partials: tuple[float, ...] | None
    product: Any


class Derivative(NamedTuple):
    """The derivative by one value. path_count: of all paths; are_largest: whether none is larger than those listed."""

    name: Name
    value: Any
    path_count: int
    paths: tuple[PathProduct, ...]
    are_largest: bool

    @property
    def rest(self) -> Any:
        """The sum of the paths that are not listed."""
        rest = self.value
        for path in self.paths:
            rest = rest - path.product
        return rest


class Explanation(NamedTuple):
    """equations and local_derivatives: none when there are too many of them. node_count: how many there are."""

    of: Name
    value: Any
    equations: tuple[Equation, ...]
    local_derivatives: tuple[LocalDerivative, ...]
    derivatives: tuple[Derivative, ...]
    node_count: int

    def __str__(self) -> str:
        return text(self, "text")

    def _repr_markdown_(self) -> str:
        return text(self, "markdown")


def text(explanation: Explanation, form: Form, precision: int | None = None) -> str:
    """The explanation in one of its forms, without the last line end."""
    lines = _latex(explanation, precision) if form == "latex" else _text(explanation, form == "markdown", precision)
    return "\n".join(lines)


def data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON data."""
    return {
        "of": explanation.of.text,
        "value": as_lists(explanation.value),
        "steps": [{"name": s.name.text, "formula": s.text, "value": as_lists(s.value)} for s in explanation.equations],
        "locals": [
            {"of": x.of.text, "by": x.by.text, "formula": x.text, "value": x.value}
            for x in explanation.local_derivatives
        ],
        "by": {
            derivative.name.text: {
                "derivative": as_lists(derivative.value),
                "count": derivative.path_count,
                "paths": [
                    {
                        "nodes": [n.text for n in path.nodes],
                        "partials": path.partials,
                        "product": as_lists(path.product),
                    }
                    for path in derivative.paths
                ],
            }
            for derivative in explanation.derivatives
        },
    }


# ---- text and Markdown


def _text(explanation: Explanation, markdown: bool, precision: int | None) -> Iterator[str]:
    y = show(explanation.of.text)

    def heading(text: str) -> str:
        return f"## {text}\n" if markdown else text

    yield (
        f"# {_plain(y)} = {terminal_brief(explanation.value, precision)}"
        if markdown
        else f"{y} = {terminal_brief(explanation.value, precision)}"
    )
    if explanation.equations:
        yield from ("", heading("Step by step"))
        rows = [(show(s.name.text), show(s.text), terminal_brief(s.value, precision)) for s in explanation.equations]
        yield from _aligned(rows, markdown)
    if explanation.local_derivatives:
        yield from ("", heading("Local derivatives"))
        rows = []
        for x in explanation.local_derivatives:
            value = "" if x.value is None else terminal_brief(x.value, precision)
            rows.append((f"∂{show(x.of.text)}/∂{show(x.by.text)}", show(x.text) if x.text != value else "", value))
        yield from _aligned(rows, markdown)
    if not explanation.equations and explanation.node_count:
        yield from ("", f"The {explanation.node_count} steps are too many to be written out.")
    for derivative in explanation.derivatives:
        yield from ("", *_derivative_lines(explanation, derivative, markdown, precision))


def _aligned(rows: Sequence[tuple[str, str, str]], markdown: bool) -> Iterator[str]:
    """`d  = a + b  = 5`, the signs below each other."""
    indent = "    " if markdown else "  "
    first, second = (max((len(row[k]) for row in rows), default=0) for k in (0, 1))
    for name, formula, value in rows:
        middle = f"= {formula:<{second}}  " if formula else " " * (second + 4 if second else 0)
        end = f"= {value}" if value else ""
        yield f"{indent}{name:<{first}} {middle}{end}".rstrip()


def _derivative_lines(
    explanation: Explanation, derivative: Derivative, markdown: bool, precision: int | None
) -> Iterator[str]:
    name = f"∂{show(explanation.of.text)}/∂{show(derivative.name.text)}"
    value = terminal_brief(derivative.value, precision)
    counted = f"{derivative.path_count:_} path{'' if derivative.path_count == 1 else 's'}".replace("_", " ")
    if not derivative.path_count:
        text = f"{name} = {value}: no path leads from {show(derivative.name.text)} to {show(explanation.of.text)}"
        yield f"## {_plain(text)}" if markdown else text
        return
    head = f"{name} = {value}: {counted}"
    yield f"## {_plain(head)}\n" if markdown else head
    indent = "    " if markdown else "  "
    summed = derivative.path_count <= LONGEST_SUM and len(derivative.paths) == derivative.path_count
    if summed and all(len(path.nodes) > 1 for path in derivative.paths):
        sums = [" · ".join(_symbols(path)) for path in derivative.paths]
        lead = " " * (len(indent) + len(name))
        yield from _sum(f"{indent}{name}", sums)
        if all(path.partials is not None for path in derivative.paths):
            yield from _sum(lead, [_product(path, precision) for path in derivative.paths])
            if derivative.path_count > 1 or len(derivative.paths[0].nodes) > 2:
                yield f"{lead} = {value}"
        yield ""
    rows = []
    for path in derivative.paths:
        product = terminal_brief(path.product, precision)
        rows.append((product, _path_text(path), _product(path, precision) if path.partials and not summed else ""))
    if len(derivative.paths) < derivative.path_count:
        others = f"{derivative.path_count - len(derivative.paths):_}".replace("_", " ")
        rest = terminal_brief(derivative.rest, precision)
        rows.append((rest, f"the other {others} path{'s' if others != '1' else ''} together", ""))
    widths = [max(len(row[k]) for row in rows) for k in (0, 1)]
    for product, path_text, factors in rows:
        yield f"{indent}{product:>{widths[0]}}  {path_text:<{widths[1]}}  {factors}".rstrip()
    if not derivative.are_largest:
        yield f"{indent}(not all paths were followed: others may add more than those that are listed)"


def _sum(lead: str, terms: Sequence[str]) -> Iterator[str]:
    """A sum in one line, or of long terms in one line each."""
    if sum(map(len, terms)) <= LONGEST_LINE:
        yield f"{lead} = {' + '.join(terms)}"
        return
    for k, term in enumerate(terms):
        yield f"{lead if k == 0 else ' ' * len(lead)} {'+' if k else '='} {term}"


def _symbols(path: PathProduct) -> list[str]:
    """`∂y/∂d · ∂d/∂b`: from the result back, as the chain rule is written."""
    pairs = list(pairwise(path.nodes))
    return [f"∂{show(i.text)}/∂{show(x.text)}" for x, i in reversed(pairs)]


def _product(path: PathProduct, precision: int | None) -> str:
    factors = [shortest(p, precision or DIGITS) for p in reversed(path.partials or ())]
    return " · ".join(f"({f})" if f.startswith("-") else f for f in factors)


def _path_text(path: PathProduct) -> str:
    names = [show(node.text) for node in path.nodes]
    if len(names) > LONGEST_PATH:
        half = LONGEST_PATH // 2
        names = [*names[:half], f"… {len(names) - 2 * half} more …", *names[-half:]]
    return " → ".join(names)


def _plain(text: str) -> str:
    """User text in Markdown outside of a block of code, its special characters escaped."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|&~" else c for c in text)


# ---- LaTeX


def _latex(explanation: Explanation, precision: int | None) -> Iterator[str]:
    y = explanation.of.latex
    yield r"% needs \usepackage{amsmath}"
    if explanation.equations:
        yield r"\begin{align*}"
        yield from (f"  {s.name.latex} &= {s.latex} = {_math(s.value, precision)} \\\\" for s in explanation.equations)
        yield r"\end{align*}"
    if explanation.local_derivatives:
        yield r"\begin{align*}"
        for x in explanation.local_derivatives:
            middle = f" = {x.latex}" if x.latex else ""
            end = "" if x.value is None or x.latex == _math(x.value, precision) else f" = {_math(x.value, precision)}"
            yield f"  {_fraction(x.of, x.by)} &{middle}{end} \\\\"
        yield r"\end{align*}"
    for derivative in explanation.derivatives:
        head = rf"\frac{{\partial {y}}}{{\partial {derivative.name.latex}}}"
        if not derivative.path_count:
            yield rf"\[ {head} = 0 \]"
            continue
        yield r"\begin{align*}"
        lines = []
        for path in derivative.paths:
            pairs = reversed(list(pairwise(path.nodes)))
            symbols = r" \cdot ".join(_fraction(i, x) for x, i in pairs) or "1"
            lines.append((symbols, _math(path.product, precision)))
        more = derivative.path_count - len(derivative.paths)
        if more > 0:
            lines.append(
                (
                    rf"\text{{{derivative.path_count - len(derivative.paths)} more paths}}",
                    _math(derivative.rest, precision),
                )
            )
        for k, (symbols, value) in enumerate(lines):
            lead = f"{head} =" if k == 0 else ""
            yield rf"  {lead} &{' +' if k else ''} \underbrace{{{symbols}}}_{{{value}}} \\"
        yield rf"  = & \; {_math(derivative.value, precision)}"
        yield r"\end{align*}"


def _fraction(of: Name, by: Name) -> str:
    return rf"\frac{{\partial {of.latex}}}{{\partial {by.latex}}}"


def _math(value: Any, precision: int | None) -> str:
    if is_tensor(value):
        return rf"\text{{{latex_text(terminal_brief(value, precision or 4))}}}"
    text = shortest(value, precision or 6)
    mantissa, e, exponent = text.partition("e")
    if e:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}.get(text, text)
