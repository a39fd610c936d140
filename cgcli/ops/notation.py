"""Nodes written as text, as in a file or as in a picture; an op's `Notation` says which brackets are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cgcli.graph.graph import CONST, Graph, opname
from cgcli.graph.types import Type

from .numbers import shortest_single
from .table import OPS

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape, Size

Style = Literal["cg", "picture"]
ATOM = 12
UNARY = 8
LONGEST_TENSOR = 28  # characters of a constant tensor in a picture
_KEYWORDS = ("axes", "axis", "keepdims", "shape", "pattern")


class Written(NamedTuple):
    """A text and how tightly its outermost operator binds."""

    text: str
    level: int = ATOM


def write_number(value: Any, style: Style = "cg", longest: int | None = None) -> Written:
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


def write_nested(value: Sequence[Any], write: Callable[[Any], str], longest: int | None = None) -> str:
    """Nested sequences of numbers as a literal: `[[1, 2], [3, 4]]`; what makes it too long is left out as `…`."""
    if longest is None:
        return _nested(value, write, None)
    sizes: list[int] = []
    inner: Any = value
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


def _nested(value: Sequence[Any], write: Callable[[Any], str], first: int | None) -> str:
    """The first so many of each row, all where there is no limit; recursion only as deep as a tensor's rank."""
    items = value if first is None else value[:first]
    parts = [_nested(x, write, first) if isinstance(x, (tuple, list)) else write(x) for x in items]
    if len(items) < len(value):
        parts.append("…")
    return f"[{', '.join(parts)}]"


def write_op(op: str, operands: Sequence[Written], attrs: Mapping[str, Any], style: Style = "cg") -> Written:
    """The operation over the texts of its operands."""
    notation = OPS[op].notation
    sign = (notation.picture or notation.text) if style == "picture" else notation.text
    if op == "const":
        return write_number(attrs["value"], style)
    if op == "size":
        return _size(attrs["size"])
    if op == "slice":
        return Written(f"{_within(operands[0], ATOM)}[{_slices(attrs)}]")
    if op == "take" and len(operands) > 1:
        return Written(f"{_within(operands[0], ATOM)}[{_take_indices(attrs, operands[1].text)}]")
    if op == "expand" and attrs.get("of") == ():
        return write_filled(attrs["shape"], operands[0])
    if "exponent" in attrs:
        operands = [*operands, write_number(attrs["exponent"], style)]
    if notation.form == "same":
        return operands[0]
    if notation.form == "prefix":
        space = " " if sign.isalpha() else ""
        return Written(f"{sign}{space}{_within(operands[0], notation.level)}", notation.level)
    if notation.form == "infix":
        left = notation.level + (notation.assoc != "left")
        right = notation.level + (notation.assoc != "right")
        space = "" if notation.text == "^" else " "
        return Written(f"{_within(operands[0], left)}{space}{sign}{space}{_within(operands[1], right)}", notation.level)
    if op in ("concat", "stack"):
        return Written(f"{sign}([{', '.join(x.text for x in operands)}], axis={attrs['axis']})")
    if op == "einsum":
        return Written(f'{sign}("{attrs["pattern"]}", {", ".join(x.text for x in operands)})')
    if op == "permute" and "of" in attrs:
        rank, axes = len(attrs["of"]), attrs["axes"]
        order = [*range(rank - len(axes)), *(rank + axis for axis in axes)]
        return Written(f"{sign}({operands[0].text}, {order})")
    if op == "pad" and "of" in attrs:
        widths = pad_widths(attrs)
        if widths is not None:
            return Written(f"{sign}({operands[0].text}, {widths})")
    sizes = [_size(attrs["size"]).text] if op == "arange" else []
    return Written(f"{sign}({', '.join([*sizes, *(x.text for x in operands), *_keywords(attrs)])})")


def write_node(graph: Graph, i: int, operands: Sequence[Written], longest: int | None = None) -> Written:
    """A node in the language, over the texts of its operands; a constant by its value, see `write_number`."""
    if graph.op[i] == CONST:
        return write_constant(graph, i, longest=longest)
    return write_op(opname(graph.op[i]), operands, shown_attrs(graph, i))


def write_latex(op: str, operands: Sequence[Written], attrs: Mapping[str, Any]) -> Written:
    """The operation over texts in LaTeX's mathematics, by the op's own template."""
    notation = OPS[op].notation
    if op == "const":
        number = write_number(attrs["value"])
        return Written(number.text.replace("nan", r"\mathrm{nan}").replace("inf", r"\infty"), number.level)
    template = OPS[op].latex
    exponent = attrs.get("exponent")
    level, bounds = ATOM, [0] * len(operands)
    if notation.form == "infix" and not template.startswith((r"\frac", r"\left")):
        level = notation.level
        bounds = [level + (notation.assoc != "left"), level + (notation.assoc != "right")]
    elif notation.form == "prefix":
        level, bounds = notation.level, [notation.level]
    elif notation.form == "same":
        level, bounds = operands[0].level, [0]
    if exponent is not None:
        level, bounds = 9, [ATOM]
    texts = [x.text if x.level >= b else rf"\left({x.text}\right)" for x, b in zip(operands, bounds, strict=False)]
    try:
        return Written(
            template.format(*texts, exponent=write_number(exponent).text if exponent is not None else ""), level
        )
    except (IndexError, KeyError):  # a template that needs more than operands, as that of a pattern
        name = (notation.text or op).replace("_", r"\_")
        return Written(rf"\operatorname{{{name}}}\left({', '.join(x.text for x in operands)}\right)")


def pad_widths(attrs: Mapping[str, Any]) -> list[list[int]] | None:
    """The zeros that `pad` puts around each axis of its operand; None where they are no numbers, or with gaps."""
    from cgcli.graph.sizes import add, mul  # numbers have no sizes

    shape, sizes = attrs["of"], attrs["sizes"]
    lead = len(shape) - len(sizes)
    widths = [[0, 0] for _ in range(lead)]
    for length, start, step, size in zip(shape[lead:], attrs["starts"], attrs["steps"], sizes, strict=True):
        behind = add(add(size, mul(-1, start)), mul(-1, length))
        if step != 1 or not isinstance(start, int) or not isinstance(behind, int):
            return None
        widths.append([start, behind])
    return widths


def has_text(op: str, attrs: Mapping[str, Any]) -> bool:
    """Whether the language has a spelling for the op; some occur only in the lowered form of its functions."""
    if op == "pad":
        return pad_widths(attrs) is not None
    if op == "slice":
        return all(isinstance(n, int) or n.isidentifier() for n in (*attrs["starts"], *attrs["sizes"]))
    return OPS[op].notation.form != "none" or op in ("size", "take", "input", "const")


def write_filled(shape: Shape, value: Written) -> Written:
    """A tensor of which all elements are the same."""
    return Written(f"full([{', '.join(map(str, shape))}], {value.text})")


def write_constant(graph: Graph, i: int, style: Style = "cg", longest: int | None = None) -> Written:
    """A constant node: a number, a tensor's literal, or the number that a tensor is filled with."""
    value, t = graph.attrs[i]["value"], graph.type_of(i)
    if isinstance(t, Type) and t.dtype == "f32":
        value = shortest_single(value)
    written = write_number(value, style, longest)
    if isinstance(value, tuple) or not isinstance(t, Type) or not t.shape:
        return written
    return write_filled(t.shape, written)


def shown_attrs(graph: Graph, i: int) -> Mapping[str, Any]:
    """The attributes of a node that are not implied by its operands: `sum(x)` is the sum of all elements.

    For a node whose text depends on its operand's shape they include that shape, as `of`.
    """
    attrs = graph.attrs.get(i, {})
    operands = graph.operands(i)
    if not attrs or not operands:
        return attrs
    t = graph.type_of(operands[0])
    if not isinstance(t, Type):
        return attrs
    op, axes = opname(graph.op[i]), attrs.get("axes")
    if op in ("slice", "take", "expand", "pad") or (op == "permute" and axes != (-1, -2)):
        return {**attrs, "of": t.shape}
    # `transpose(x)` turns matrices; a reduction without axes takes all elements
    implied = axes == (-1, -2) if op == "permute" else attrs.get("keepdims") is False and len(axes or ()) == t.rank
    return {key: value for key, value in attrs.items() if key != "axes"} if implied else attrs


def _keywords(attrs: Mapping[str, Any]) -> list[str]:
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


def _size(size: Size) -> Written:
    """A size as an expression: `n`, `2*n + 1`."""
    text = str(size)
    return Written(text, ATOM if text.isalnum() or text.isidentifier() else 0)


def _slices(attrs: Mapping[str, Any]) -> str:
    """The parts of the last axes, `1:3, ::2`; the axes in front of them are whole."""
    from cgcli.graph.sizes import add, mul

    sizes = attrs["sizes"]
    shape = attrs.get("of")
    parts = ["..."] if shape is None or len(shape) > len(sizes) else []
    lengths = (None,) * len(sizes) if shape is None else shape[len(shape) - len(sizes) :]
    for start, step, size, length in zip(attrs["starts"], attrs["steps"], sizes, lengths, strict=True):
        stop = add(start, mul(step, size))
        open_end = stop == length or (isinstance(stop, int) and stop < 0)
        ends = f"{'' if start == 0 else start}:{'' if open_end else stop}"
        parts.append(f"{ends}:{step}" if step != 1 else ends)
    return ", ".join(parts)


def _take_indices(attrs: Mapping[str, Any], indices: str) -> str:
    """The index of a `take`: indices along one axis, which counts from the end."""
    axis, shape = attrs["axis"], attrs.get("of")
    lead = ["..."] if shape is None or len(shape) > -axis else []
    return ", ".join((*lead, indices, *(":" for _ in range(-axis - 1))))


def _within(x: Written, level: int) -> str:
    return x.text if x.level >= level else f"({x.text})"
