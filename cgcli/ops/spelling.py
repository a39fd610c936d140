"""How an operation is written: in a file, in a picture and in LaTeX, with the brackets that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .op import ATOM, Form, Spelling

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape

    from .protocols import Attrs, Constant

Style = Literal["cg", "picture"]
UNARY = 8
LONGEST_TENSOR = 28  # characters of a constant tensor in a picture
_MARK = 0xE000  # stands for the first operand, the next sign for the second: no text of an operation has them
_KEYWORDS = ("axes", "axis", "keepdims", "shape", "pattern")


class Written(NamedTuple):
    """A text and how tightly its outermost operator binds."""

    text: str
    level: int = ATOM


def write_op(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style = "cg") -> Written:
    """An operation over the texts of its operands."""
    if spelling.rule is not None:
        written: Written | None = spelling.rule(spelling, operands, attrs, style)
        if written is not None:
            return written
    return _FORMS[spelling.form](spelling, operands, attrs, style)


def write_latex(spelling: Spelling, operands: Sequence[Written], attrs: Attrs) -> Written:
    """An operation over texts in LaTeX's mathematics, by its template."""
    template = spelling.latex
    if callable(template):
        text, level = template(attrs)
        if not operands:
            return Written(text, level)
        if text == "{0}":
            return operands[0]
        least = ATOM if text.startswith("{0}^") else 0
        return Written(
            text.format(*(x.text if x.level >= least else rf"\left({x.text}\right)" for x in operands)), level
        )
    if not template:
        return _latex_call(spelling, operands, attrs)
    exponent = attrs.get("exponent")
    level, bounds = ATOM, [0] * len(operands)
    if spelling.form == "infix" and not template.startswith((r"\frac", r"\left")):
        level, bounds = spelling.level, list(spelling.bounds)
    elif spelling.form == "prefix":
        level, bounds = spelling.level, [spelling.level]
    elif template.startswith(("{0}^", "e^")):  # a power, which has brackets within another; a product with what follows
        level, bounds = (9, [ATOM if template[0] == "{" else 0]) if len(operands) == 1 else (7, [ATOM, 8])
    elif template == "{0}":  # its operand as it stands
        level, bounds = operands[0].level, [0]
    if exponent is not None:
        level, bounds = 9, [ATOM]
    texts = [x.text if x.level >= b else rf"\left({x.text}\right)" for x, b in zip(operands, bounds, strict=False)]
    try:
        power = write_number(exponent).text if exponent is not None else ""
        return Written(template.format(*texts, exponent=power, text=spelling.text), level)
    except IndexError:  # of `max` with one operand
        return _latex_call(spelling, operands, attrs)


def _latex_call(spelling: Spelling, operands: Sequence[Written], attrs: Attrs) -> Written:
    """An operation without a template: as the language writes it, with its own words and numbers upright."""
    import re

    from .latex import latex_text  # for formulas in LaTeX alone, both

    marks = [chr(_MARK + k) for k in range(len(operands))]
    text = write_op(spelling, list(map(Written, marks)), attrs).text
    name, _, arguments = text.partition("(")
    is_call = name.isidentifier() and text.endswith(")")
    parts = []
    for part in re.split(f"([{chr(_MARK)}-{chr(_MARK + len(marks))}])", arguments[:-1] if is_call else text):
        if part in marks:
            parts.append(operands[marks.index(part)].text)
            continue
        words = part.removeprefix(", ")
        parts.append(part[: len(part) - len(words)] + (rf"\text{{{latex_text(words)}}}" if words.strip() else words))
    inner = "".join(parts)
    return Written(rf"\operatorname{{{latex_text(name)}}}\left({inner}\right)" if is_call else inner)


# ---- the forms


def sign_of(spelling: Spelling, style: Style) -> str:
    return spelling.symbol if style == "picture" else spelling.text


def write_same(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    return operands[0]


def write_prefix(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    sign = sign_of(spelling, style)
    space = " " if sign.isalpha() else ""
    return Written(f"{sign}{space}{within(operands[0], spelling.level)}", spelling.level)


def write_infix(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    left, right = spelling.bounds
    space = "" if spelling.text == "^" else " "
    sign = sign_of(spelling, style)
    return Written(f"{within(operands[0], left)}{space}{sign}{space}{within(operands[1], right)}", spelling.level)


def write_call(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    return call(sign_of(spelling, style), *(x.text for x in operands), *_keywords(attrs))


_FORMS: Mapping[Form, Callable[[Spelling, Sequence[Written], Attrs, Style], Written]] = {
    "same": write_same,
    "prefix": write_prefix,
    "infix": write_infix,
    "call": write_call,
    "none": write_call,
}


def call(name: str, *arguments: str) -> Written:
    return Written(f"{name}({', '.join(arguments)})")


def within(x: Written, level: int) -> str:
    """A text in brackets unless it binds at least so tightly."""
    return x.text if x.level >= level else f"({x.text})"


def _keywords(attrs: Attrs) -> list[str]:
    """The keyword arguments of a call: `axis=-1`, `axis=[-2, -1]`, `keepdims=true`."""
    texts = []
    for attr in _KEYWORDS:
        key, value = attr, attrs.get(attr)
        if value is None or value is False or value == ():
            continue
        if key == "axes":
            key, value = "axis", value[0] if len(value) == 1 else value
        if isinstance(value, tuple):
            text = f"[{', '.join(map(str, value))}]"
        elif isinstance(value, bool):
            text = "true"
        else:
            text = f'"{value}"' if key == "pattern" else str(value)
        texts.append(f"{key}={text}")
    return texts


# ---- constants


def write_number(value: Constant, style: Style = "cg", longest: int | None = None) -> Written:
    """A constant as the language reads it; whole floats without `.0`. A tensor is nested tuples of numbers.

    longest: characters of a tensor, of which more are left out as `…`; in a picture `LONGEST_TENSOR`.
    """
    if isinstance(value, tuple):
        if longest is None and style == "picture":
            longest = LONGEST_TENSOR
        return Written(write_nested(value, lambda x: write_number(x, style).text, longest))
    if isinstance(value, bool):
        return Written("true" if value else "false")
    if value != value:
        return Written("nan")
    text = repr(abs(value)).removesuffix(".0")
    negative = str(value).startswith("-")
    minus = "−" if style == "picture" else "-"
    return Written(minus + text, UNARY) if negative else Written(text)


def write_nested(value: Sequence[object], write: Callable[[Any], str], longest: int | None = None) -> str:
    """Nested sequences of numbers as a literal: `[[1, 2], [3, 4]]`; what makes it too long is left out as `…`."""
    if longest is None:
        return _nested(value, write, None)
    sizes: list[int] = []
    inner: object = value
    while isinstance(inner, (tuple, list)) and inner:
        sizes.append(len(inner))
        inner = inner[0]
    for first in range(longest // 3, 0, -1):
        # an element takes three characters, so that nothing large is written only to be thrown away
        if 3 * prod(min(first, size) for size in sizes) <= longest or first == 1:
            text = _nested(value, write, first)
            if len(text) <= longest or (first == 1 and len(sizes) > 1):
                return text
    return _nested(value, write, 0)


def _nested(value: Sequence[object], write: Callable[[Any], str], first: int | None) -> str:
    """The first so many of each row, all where there is no limit; recursion only as deep as a tensor's rank."""
    items = value if first is None else value[:first]
    parts = [_nested(x, write, first) if isinstance(x, (tuple, list)) else write(x) for x in items]
    if len(items) < len(value):
        parts.append("…")
    return f"[{', '.join(parts)}]"


def write_filled(shape: Shape, value: Written) -> Written:
    """A tensor of which all elements are the same."""
    return Written(f"full([{', '.join(map(str, shape))}], {value.text})")
