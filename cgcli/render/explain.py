"""The chain rule in the article's way: in symbols, then in numbers; as text, Markdown or LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import BELOW, LEAST, cell_width, padded, wrapped
from cgcli.ops.latex import latex_name, latex_text
from cgcli.ops.versions import Version

from .numbers import shortest
from .tensors import as_lists, is_tensor, terminal_brief

Form = Literal["text", "markdown", "latex"]
LONGEST_SUM = 6  # paths of which the sum is written out
LONGEST_LINE = 90  # characters of a sum that stands in one line
LONGEST_PATH = 8  # nodes of a path that are named
LONGEST_PRODUCT = 16  # nodes of a path of which the product is written out
HUGE = 10**15  # from where on a number of paths is told by its power of ten
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
        plain = latex_name(self.name)
        return plain if self.version is None or self.version.is_last else f"{{{plain}}}_{{{self.version.number}}}"


class Equation(NamedTuple):
    """A name, the operation that it stands for, in text and in LaTeX, and its value, None where there is none.

    depth: under how many headings it stands.
    """

    name: Name
    text: str
    latex: str
    value: Any
    depth: int = 0


class LocalDerivative(NamedTuple):
    """The derivative of one value by another: in symbols (empty where there are none), and its value."""

    of: Name
    by: Name
    text: str
    latex: str
    value: Any
    depth: int = 0


class Iteration(NamedTuple):
    """The heading of what a step of a loop computes. depth: how many loops are around that loop."""

    number: int
    line: int
    is_last: bool
    depth: int


class MoreIterations(NamedTuple):
    """So many steps that are left out. are_alike: whether each has the operations of the one before them."""

    number: int
    are_alike: bool
    depth: int


class PathProduct(NamedTuple):
    """A path: its nodes from the value to the result, the partial on each edge, and their product.

    text, latex: the product in symbols, where there are no values and each of its factors has a formula.
    """

    nodes: tuple[Name, ...]
    partials: tuple[float, ...] | None
    product: Any
    text: str = ""
    latex: str = ""


class Derivative(NamedTuple):
    """The derivative by one value. path_count: of all paths; are_largest: whether none is larger than those listed.

    text, latex: the derivative as one formula, where there are no values and it is short.
    """

    name: Name
    value: Any
    path_count: int
    paths: tuple[PathProduct, ...]
    are_largest: bool
    text: str = ""
    latex: str = ""

    @property
    def rest(self) -> Any:
        """The sum of the paths that are not listed."""
        rest = self.value
        for path in self.paths:
            rest = rest - path.product
        return rest


class Explanation(NamedTuple):
    """The chain rule of one value.

    equations, local_derivatives: none when there are too many of them; of a loop those of some steps, under headings.
    iteration_derivatives: of what whole steps of loops leave behind, by what they began with. Paths lead from step to
    step. backward: where there are tensors, the derivative by each value, made of those by the operations that read it.
    node_count: how many operations there are.
    """

    of: Name
    value: Any
    equations: tuple[Equation | Iteration | MoreIterations, ...]
    local_derivatives: tuple[LocalDerivative | Iteration | MoreIterations, ...]
    iteration_derivatives: tuple[LocalDerivative | Iteration | MoreIterations, ...]
    backward: tuple[LocalDerivative | Iteration | MoreIterations, ...]
    derivatives: tuple[Derivative, ...]
    node_count: int

    @property
    def has_values(self) -> bool:
        return self.value is not None

    def __str__(self) -> str:
        return text(self, "text")

    def _repr_markdown_(self) -> str:
        return text(self, "markdown")


def text(explanation: Explanation, form: Form, precision: int | None = None, width: int | None = None) -> str:
    """The explanation in one of its forms, without the last line end. width: of lines, as text; None for any."""
    if form == "latex":
        return "\n".join(_latex(explanation, precision))
    lines = _text(explanation, form == "markdown", precision, width)
    return "\n".join(_fitted(line, width) for line in lines)


def _fitted(line: str, width: int | None) -> str:
    """A line that is too long goes on below what follows its first sign of equality."""
    if width is None or cell_width(line) <= width:
        return line
    sign = re.match(r" *(?:\S+ *)?[=+] ", line)
    start = sign.end() if sign else 0
    if not 0 < start <= width - LEAST:
        start = max(min(len(line) - len(line.lstrip()) + BELOW, width - LEAST), 0)
    return line[:start] + wrapped(line[start:], start, width)


def _leaves_no_room(name: str, width: int | None) -> bool:
    """Whether equations of so long a left side begin below it."""
    return width is not None and cell_width(name) + len(" = ") > width - LEAST


def data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON data; null for what has no value."""
    return {
        "of": explanation.of.text,
        "value": _json_value(explanation.value),
        "steps": [_json_row(row) for row in explanation.equations],
        "locals": [_json_row(row) for row in explanation.local_derivatives],
        "iterations": [_json_row(row) for row in explanation.iteration_derivatives],
        "backward": [_json_row(row) for row in explanation.backward],
        "by": {
            derivative.name.text: {
                "derivative": _json_value(derivative.value),
                **({"formula": derivative.text} if derivative.text else {}),
                "count": _counted(derivative.path_count) if _is_huge(derivative.path_count) else derivative.path_count,
                "paths": [
                    {
                        "nodes": [n.text for n in path.nodes],
                        "partials": path.partials,
                        "product": _json_value(path.product),
                        **({"formula": path.text} if path.text else {}),
                    }
                    for path in derivative.paths
                ],
            }
            for derivative in explanation.derivatives
        },
    }


def _json_value(value: Any) -> Any:
    return None if value is None else as_lists(value)


def _json_row(row: Equation | LocalDerivative | Iteration | MoreIterations) -> dict[str, Any]:
    match row:
        case Equation():
            return {"name": row.name.text, "formula": row.text, "value": _json_value(row.value)}
        case LocalDerivative():
            return {"of": row.of.text, "by": row.by.text, "formula": row.text, "value": _json_value(row.value)}
        case Iteration():
            return {"iteration": row.number, "line": row.line}
        case MoreIterations():
            return {"iterations_left_out": row.number}


def _is_huge(count: int) -> bool:
    return count >= HUGE


def _counted(count: int, noun: str = "") -> str:
    """How many, with groups of three digits: `1 024`; of a huge number the power of ten."""
    text = f"about 10^{math.floor(math.log10(count))}" if _is_huge(count) else f"{count:_}".replace("_", " ")
    return f"{text} {noun}{'' if count == 1 else 's'}" if noun else text


def iteration_text(row: Iteration | MoreIterations) -> str:
    """A heading: `iteration 3 of the loop in line 15, the last`; `… 17 iterations alike`."""
    if isinstance(row, MoreIterations):
        noun = "iteration" if row.number == 1 else "iterations"
        return f"… {row.number} {noun} alike" if row.are_alike else f"… {row.number} more {noun}"
    if row.number == 1:
        return f"iteration 1 of the loop in line {row.line}"
    return f"iteration {row.number}{', the last' if row.is_last else ''}"


# ---- text and Markdown


def _text(explanation: Explanation, markdown: bool, precision: int | None, width: int | None) -> Iterator[str]:
    def heading(text: str) -> str:
        return f"## {text}\n" if markdown else text

    yield f"# {_plain(_head(explanation, precision))}" if markdown else _head(explanation, precision)
    sections = (
        ("Step by step", explanation.equations),
        ("Local derivatives", explanation.local_derivatives),
        ("Derivatives of whole iterations", explanation.iteration_derivatives),
        ("Backward", explanation.backward),
    )
    for title, rows in sections:
        if rows:
            yield from ("", heading(title))
            yield from _aligned([_cells(row, precision) for row in rows], markdown, width)
    if not explanation.equations and explanation.node_count:
        yield from ("", f"The {_counted(explanation.node_count)} steps are too many to be written out.")
    for derivative in explanation.derivatives:
        yield from ("", *_derivative_lines(explanation, derivative, markdown, precision, width))


def _head(explanation: Explanation, precision: int | None) -> str:
    y = show(explanation.of.text)
    if explanation.has_values:
        return f"{y} = {terminal_brief(explanation.value, precision)}"
    return f"{y} in formulas: no value is given"


Cells = tuple[str, str, str]
"""`d`, `a + b`, `5` of an equation; a heading stands in the first with the others empty."""


def _cells(row: Equation | LocalDerivative | Iteration | MoreIterations, precision: int | None) -> Cells:
    if isinstance(row, Iteration | MoreIterations):
        return f"{'  ' * row.depth}{iteration_text(row)}", "", ""
    value = "" if row.value is None else terminal_brief(row.value, precision)
    is_said = not isinstance(row, Equation) and row.text == value
    return "  " * row.depth + _left(row), "" if is_said else show(row.text), value


def _left(row: Equation | LocalDerivative) -> str:
    if isinstance(row, Equation):
        return show(row.name.text)
    return f"∂{show(row.of.text)}/∂{show(row.by.text)}"


def _aligned(rows: Sequence[Cells], markdown: bool, width: int | None) -> Iterator[str]:
    """`d  = a + b  = 5`, the signs below each other; the value is below a formula that leaves it no room."""
    indent = "    " if markdown else "  "
    equations = [row for row in rows if row[1] or row[2]]
    first = max((cell_width(row[0]) for row in equations), default=0)
    room = math.inf if width is None else width - len(indent) - first - 7 - max(cell_width(row[2]) for row in equations)
    second = max((cell_width(row[1]) for row in equations if cell_width(row[1]) <= room), default=0)
    is_below = _leaves_no_room(f"{indent}{'':<{first}}", width)
    for name, formula, value in rows:
        if is_below or not (formula or value):
            yield f"{indent}{name}"
            yield from (f"{indent}{'':<{BELOW}}= {right}" for right in (formula, value) if right)
            continue
        end = f"= {value}" if value else ""
        if formula and end and cell_width(formula) > room:
            yield f"{indent}{padded(name, first)} = {formula}"
            yield f"{indent}{'':<{first}} {end}"
            continue
        middle = f"= {padded(formula, second)}  " if formula else " " * (second + 4 if second else 0)
        yield f"{indent}{padded(name, first)} {middle}{end}".rstrip()


def _derivative_lines(
    explanation: Explanation, derivative: Derivative, markdown: bool, precision: int | None, width: int | None
) -> Iterator[str]:
    name = f"∂{show(explanation.of.text)}/∂{show(derivative.name.text)}"
    value = show(derivative.text) if derivative.value is None else terminal_brief(derivative.value, precision)
    equals = f" = {value}" if value else ""
    if not derivative.path_count:
        text = f"{name} = {value or 0}: no path leads from {show(derivative.name.text)} to {show(explanation.of.text)}"
        yield f"## {_plain(text)}" if markdown else text
        return
    head = f"{name}{equals}: {_counted(derivative.path_count, 'path')}"
    yield f"## {_plain(head)}\n" if markdown else head
    indent = "    " if markdown else "  "
    summed = derivative.path_count <= LONGEST_SUM and len(derivative.paths) == derivative.path_count
    summed = summed and all(1 < len(path.nodes) <= LONGEST_PRODUCT for path in derivative.paths)
    if summed:
        lead = f"{indent}{name}"
        if _leaves_no_room(lead, width):
            yield lead
            lead = f"{indent}{'':<{BELOW - 1}}"
        yield from _sum(lead, [" · ".join(_symbols(path, derivative.path_count == 1)) for path in derivative.paths])
        lead = " " * cell_width(lead)
        products = [show(path.text) or _product(path, precision) for path in derivative.paths]
        if all(products):
            yield from _sum(lead, products)
            if equals and products != [value]:
                yield f"{lead}{equals}"
        yield ""
    yield from _path_lines(derivative, indent, not summed, precision)


def _path_lines(derivative: Derivative, indent: str, with_factors: bool, precision: int | None) -> Iterator[str]:
    """A path a line: what it adds, its nodes and, unless they are above, its factors."""
    has_values = derivative.value is not None
    rows: list[Cells] = []
    for path in derivative.paths:
        product = terminal_brief(path.product, precision) if has_values else ""
        factors = show(path.text) or _product(path, precision)
        rows.append((product, _path_text(path), factors if with_factors and len(path.nodes) <= LONGEST_PATH else ""))
    others = derivative.path_count - len(derivative.paths)
    if others:
        rest = terminal_brief(derivative.rest, precision) if has_values else ""
        text = f"the other {_counted(others, 'path')}"
        rows.append((rest, "the other path" if others == 1 else f"{text} together" if has_values else text, ""))
    widths = [max(cell_width(row[k]) for row in rows) for k in (0, 1)]
    for product, path_text, factors in rows:
        start = f"{product:>{widths[0]}}  " if has_values else ""
        yield f"{indent}{start}{padded(path_text, widths[1])}  {factors}".rstrip()
    if not derivative.are_largest:
        yield f"{indent}(not all paths were followed: others may add more than those that are listed)"


def _sum(lead: str, terms: Sequence[str]) -> Iterator[str]:
    """A sum in one line, or of long terms in one line each."""
    if sum(map(len, terms)) <= LONGEST_LINE:
        yield f"{lead} = {' + '.join(terms)}"
        return
    for k, term in enumerate(terms):
        yield f"{lead if k == 0 else ' ' * cell_width(lead)} {'+' if k else '='} {term}"


def _symbols(path: PathProduct, is_only: bool) -> list[str]:
    """`∂y/∂d · ∂d/∂b`: from the result back, as the chain rule is written."""
    pairs = list(pairwise(path.nodes))
    if len(pairs) == 1 and not is_only:
        return [f"∂{show(path.nodes[1].text)}/∂{show(path.nodes[0].text)} directly"]
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
    yield r"% needs \usepackage{amsmath}"
    yield from _latex_rows([_latex_row(row, precision) for row in explanation.equations])
    yield from _latex_rows([_latex_row(row, precision) for row in explanation.local_derivatives])
    yield from _latex_rows([_latex_row(row, precision) for row in explanation.iteration_derivatives])
    yield from _latex_rows([_latex_row(row, precision) for row in explanation.backward])
    for derivative in explanation.derivatives:
        yield from _latex_derivative(explanation, derivative, precision)


def _latex_rows(rows: Sequence[str]) -> Iterator[str]:
    if rows:
        yield from (r"\begin{align*}", *rows, r"\end{align*}")


def _latex_row(row: Equation | LocalDerivative | Iteration | MoreIterations, precision: int | None) -> str:
    if isinstance(row, Iteration | MoreIterations):
        return rf"  \intertext{{{latex_text(iteration_text(row))}}}"
    left = row.name.latex if isinstance(row, Equation) else _fraction(row.of, row.by)
    value = "" if row.value is None else _math(row.value, precision)
    right = [row.latex, value if isinstance(row, Equation) or row.latex != value else ""]
    return f"  {left} &= {' = '.join(filter(None, right))} \\\\"


def _latex_derivative(explanation: Explanation, derivative: Derivative, precision: int | None) -> Iterator[str]:
    head = _fraction(explanation.of, derivative.name)
    if not derivative.path_count:
        yield rf"\[ {head} = 0 \]"
        return
    has_values = derivative.value is not None
    yield r"\begin{align*}"
    lines = []
    for path in derivative.paths:
        pairs = list(pairwise(path.nodes))[::-1]
        factors = [_fraction(i, x) for x, i in pairs]
        if len(factors) > LONGEST_PRODUCT:
            half = LONGEST_PRODUCT // 2
            factors = [*factors[:half], r"\cdots", *factors[-half:]]
        if len(factors) == 1 and derivative.path_count > 1:
            factors = [rf"\left.{factors[0]}\right|_{{\text{{directly}}}}"]
        lines.append((r" \cdot ".join(factors) or "1", _math(path.product, precision) if has_values else path.latex))
    others = derivative.path_count - len(derivative.paths)
    if others > 0:
        text = latex_text(f"{_counted(others)} more path{'' if others == 1 else 's'}")
        lines.append((rf"\text{{{text}}}", _math(derivative.rest, precision) if has_values else ""))
    for k, (symbols, value) in enumerate(lines):
        lead = f"{head} =" if k == 0 else ""
        term = rf"\underbrace{{{symbols}}}_{{{value}}}" if value else symbols
        yield rf"  {lead} &{' +' if k else ''} {term} \\"
    result = _math(derivative.value, precision) if has_values else derivative.latex
    if result:
        yield rf"  = & \; {result}"
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
