"""The chain rule in the article's way: in symbols, then in numbers; as text, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from .escape import show
from .numbers import shortest
from .tensors import as_lists, is_tensor, terminal_brief
from .tikz import latex_text

Form = Literal["text", "markdown", "latex"]
LONGEST_SUM = 6  # paths of which the sum is written out
LONGEST_LINE = 90  # characters of a sum that stands in one line
LONGEST_WAY = 8  # nodes of a path that are named
DIGITS = 4  # significant, of a factor
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Name(NamedTuple):
    """A name, with a number where several values have it."""

    name: str
    number: int | None = None

    @property
    def text(self) -> str:
        return self.name if self.number is None else f"{self.name}{str(self.number).translate(_SUBSCRIPTS)}"

    @property
    def latex(self) -> str:
        plain = self.name if len(self.name) == 1 and self.name.isascii() else rf"\mathit{{{latex_text(self.name)}}}"
        return plain if self.number is None else f"{{{plain}}}_{{{self.number}}}"


class Step(NamedTuple):
    """A value, how it is made in text and in LaTeX, and what it is."""

    name: Name
    text: str
    latex: str
    value: Any


class Local(NamedTuple):
    """The derivative of one step by what it reads: in symbols (empty where it is no number), and its value."""

    of: Name
    by: Name
    text: str
    latex: str
    value: float | None


class Way(NamedTuple):
    """A path: its nodes from the value to the result, the derivative on each arrow, and their product."""

    nodes: tuple[Name, ...]
    partials: tuple[float, ...] | None
    product: Any


class By(NamedTuple):
    """The derivative by one value. many: of all paths; largest: whether none is larger than those that are listed."""

    name: Name
    derivative: Any
    many: int
    ways: tuple[Way, ...]
    largest: bool

    @property
    def rest(self) -> Any:
        """What the paths that are not listed add up to."""
        rest = self.derivative
        for way in self.ways:
            rest = rest - way.product
        return rest


class Explanation(NamedTuple):
    """steps and locals: none when there are too many of them; nodes: how many there are."""

    of: Name
    value: Any
    steps: tuple[Step, ...]
    locals: tuple[Local, ...]
    by: tuple[By, ...]
    nodes: int


def told(found: Explanation, form: Form, precision: int | None = None) -> str:
    """The explanation in one of its forms, without the last line end."""
    lines = _latex(found, precision) if form == "latex" else _text(found, form == "markdown", precision)
    return "\n".join(lines)


def data(found: Explanation) -> dict[str, Any]:
    """The same for programs."""

    def plain(x: Any) -> Any:
        return as_lists(x) if is_tensor(x) else x

    return {
        "of": found.of.text,
        "value": plain(found.value),
        "steps": [{"name": s.name.text, "formula": s.text, "value": plain(s.value)} for s in found.steps],
        "locals": [{"of": x.of.text, "by": x.by.text, "formula": x.text, "value": x.value} for x in found.locals],
        "by": {
            each.name.text: {
                "derivative": plain(each.derivative),
                "count": each.many,
                "paths": [
                    {"nodes": [n.text for n in way.nodes], "partials": way.partials, "product": plain(way.product)}
                    for way in each.ways
                ],
            }
            for each in found.by
        },
    }


# ---- text and Markdown


def _text(found: Explanation, markdown: bool, precision: int | None) -> Iterator[str]:
    y = show(found.of.text)

    def heading(text: str) -> str:
        return f"## {text}\n" if markdown else text

    yield f"# {_plain(y)} = {_value(found.value, precision)}" if markdown else f"{y} = {_value(found.value, precision)}"
    if found.steps:
        yield from ("", heading("Step by step"))
        rows = [(show(s.name.text), show(s.text), _value(s.value, precision)) for s in found.steps]
        yield from _aligned(rows, markdown)
    if found.locals:
        yield from ("", heading("Local derivatives"))
        rows = []
        for x in found.locals:
            value = "" if x.value is None else _value(x.value, precision)
            rows.append((f"∂{show(x.of.text)}/∂{show(x.by.text)}", show(x.text) if x.text != value else "", value))
        yield from _aligned(rows, markdown)
    if not found.steps and found.nodes:
        yield from ("", f"The {found.nodes} steps are too many to be written out.")
    for each in found.by:
        yield from ("", *_by(found, each, markdown, precision))


def _aligned(rows: Sequence[tuple[str, str, str]], markdown: bool) -> Iterator[str]:
    """`d  = a + b  = 5`, the signs below each other."""
    indent = "    " if markdown else "  "
    first, second = (max((len(row[k]) for row in rows), default=0) for k in (0, 1))
    for name, formula, value in rows:
        middle = f"= {formula:<{second}}  " if formula else " " * (second + 4 if second else 0)
        end = f"= {value}" if value else ""
        yield f"{indent}{name:<{first}} {middle}{end}".rstrip()


def _by(found: Explanation, each: By, markdown: bool, precision: int | None) -> Iterator[str]:
    name = f"∂{show(found.of.text)}/∂{show(each.name.text)}"
    derivative = _value(each.derivative, precision)
    paths = f"{each.many:_} path{'' if each.many == 1 else 's'}".replace("_", " ")
    if not each.many:
        text = f"{name} = {derivative}: no path leads from {show(each.name.text)} to {show(found.of.text)}"
        yield f"## {_plain(text)}" if markdown else text
        return
    head = f"{name} = {derivative}: {paths}"
    yield f"## {_plain(head)}\n" if markdown else head
    indent = "    " if markdown else "  "
    written = each.many <= LONGEST_SUM and len(each.ways) == each.many
    if written and all(len(way.nodes) > 1 for way in each.ways):
        sums = [" · ".join(_symbols(way)) for way in each.ways]
        lead = " " * (len(indent) + len(name))
        yield from _sum(f"{indent}{name}", sums)
        if all(way.partials is not None for way in each.ways):
            yield from _sum(lead, [_product(way, precision) for way in each.ways])
            if each.many > 1 or len(each.ways[0].nodes) > 2:
                yield f"{lead} = {derivative}"
        yield ""
    rows = []
    for way in each.ways:
        product = _value(way.product, precision)
        rows.append((product, _way(way), _product(way, precision) if way.partials and not written else ""))
    if len(each.ways) < each.many:
        others = f"{each.many - len(each.ways):_}".replace("_", " ")
        rows.append(
            (_value(each.rest, precision), f"the other {others} path{'s' if others != '1' else ''} together", "")
        )
    widths = [max(len(row[k]) for row in rows) for k in (0, 1)]
    for product, way_text, factors in rows:
        yield f"{indent}{product:>{widths[0]}}  {way_text:<{widths[1]}}  {factors}".rstrip()
    if not each.largest:
        yield f"{indent}(not all paths were followed: others may add more than those that are listed)"


def _sum(lead: str, terms: Sequence[str]) -> Iterator[str]:
    """A sum in one line, or of long terms in one line each."""
    if sum(map(len, terms)) <= LONGEST_LINE:
        yield f"{lead} = {' + '.join(terms)}"
        return
    for k, term in enumerate(terms):
        yield f"{lead if k == 0 else ' ' * len(lead)} {'+' if k else '='} {term}"


def _symbols(way: Way) -> list[str]:
    """`∂y/∂d · ∂d/∂b`: from the result back, as the chain rule is written."""
    pairs = list(pairwise(way.nodes))
    return [f"∂{show(i.text)}/∂{show(x.text)}" for x, i in reversed(pairs)]


def _product(way: Way, precision: int | None) -> str:
    factors = [shortest(p, precision or DIGITS) for p in reversed(way.partials or ())]
    return " · ".join(f"({f})" if f.startswith("-") else f for f in factors)


def _way(way: Way) -> str:
    names = [show(node.text) for node in way.nodes]
    if len(names) > LONGEST_WAY:
        half = LONGEST_WAY // 2
        names = [*names[:half], f"… {len(names) - 2 * half} more …", *names[-half:]]
    return " → ".join(names)


def _value(value: Any, precision: int | None) -> str:
    return terminal_brief(value, precision) if is_tensor(value) else shortest(value, precision)


def _plain(text: str) -> str:
    """User text in Markdown outside of a block of code: signs that mean something there are escaped."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|&~" else c for c in text)


# ---- LaTeX


def _latex(found: Explanation, precision: int | None) -> Iterator[str]:
    y = found.of.latex
    yield r"% needs \usepackage{amsmath}"
    if found.steps:
        yield r"\begin{align*}"
        yield from (f"  {s.name.latex} &= {s.latex} = {_math(s.value, precision)} \\\\" for s in found.steps)
        yield r"\end{align*}"
    if found.locals:
        yield r"\begin{align*}"
        for x in found.locals:
            middle = f" = {x.latex}" if x.latex else ""
            end = "" if x.value is None or x.latex == _math(x.value, precision) else f" = {_math(x.value, precision)}"
            yield f"  {_fraction(x.of, x.by)} &{middle}{end} \\\\"
        yield r"\end{align*}"
    for each in found.by:
        head = rf"\frac{{\partial {y}}}{{\partial {each.name.latex}}}"
        if not each.many:
            yield rf"\[ {head} = 0 \]"
            continue
        yield r"\begin{align*}"
        lines = []
        for way in each.ways:
            pairs = reversed(list(pairwise(way.nodes)))
            symbols = r" \cdot ".join(_fraction(i, x) for x, i in pairs) or "1"
            lines.append((symbols, _math(way.product, precision)))
        if len(each.ways) < each.many:
            lines.append((rf"\text{{{each.many - len(each.ways)} more paths}}", _math(each.rest, precision)))
        for k, (symbols, value) in enumerate(lines):
            lead = f"{head} =" if k == 0 else ""
            yield rf"  {lead} &{' +' if k else ''} \underbrace{{{symbols}}}_{{{value}}} \\"
        yield rf"  = & \; {_math(each.derivative, precision)}"
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
