"""How operations on shapes are written: `x[1:3]`, `concat([a, b], axis=-1)`, `full([2, 3], x)`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.graph.sizes import Shape, Size, add, mul
from cgcli.graph.types import Type

from .op import ATOM, Spelling
from .spelling import Style, Written, call, sign_of, within, write_filled

if TYPE_CHECKING:
    from .protocols import Attrs


def with_shape(attrs: Attrs, t: Type) -> Mapping[str, object]:
    """The attributes, and as `of` the shape of the operand, on which the text depends."""
    return {**attrs, "of": t.shape}


def permuted_axes(attrs: Attrs, t: Type) -> Mapping[str, object]:
    """`transpose(x)` turns matrices; any other order is written for all axes of the operand."""
    if attrs.get("axes") != (-1, -2):
        return with_shape(attrs, t)
    return {key: value for key, value in attrs.items() if key != "axes"}


def write_size_node(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    return write_size(attrs["size"])


def write_size(size: Size) -> Written:
    """A size as an expression: `n`, `2*n + 1`."""
    text = str(size)
    return Written(text, ATOM if text.isalnum() or text.isidentifier() else 0)


def write_arange(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    return call(sign_of(spelling, style), write_size(attrs["size"]).text)


def write_expand(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    """A number repeated is `full`."""
    return write_filled(attrs["shape"], operands[0]) if attrs.get("of") == () else None


def write_joined(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    """Several values as one list, `concat([a, b], axis=0)`."""
    return call(sign_of(spelling, style), f"[{', '.join(x.text for x in operands)}]", f"axis={attrs['axis']}")


def write_permute(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    if "of" not in attrs:
        return None
    rank, axes = len(attrs["of"]), attrs["axes"]
    order = [*range(rank - len(axes)), *(rank + axis for axis in axes)]
    return call(sign_of(spelling, style), operands[0].text, str(order))


def latex_permute(attrs: Attrs) -> tuple[str, int]:
    if "of" not in attrs:
        return r"{0}^{{\top}}", 9
    rank, axes = len(attrs["of"]), attrs["axes"]
    order = [*range(rank - len(axes)), *(rank + axis for axis in axes)]
    return rf"\operatorname{{{{transpose}}}}\left({{0}}, {order}\right)", ATOM


def latex_expand(attrs: Attrs) -> tuple[str, int]:
    """A number repeated is `full`; other tensors stretch by themselves."""
    is_number = "of" in attrs and all(size == 1 for size in attrs["of"])
    return (latex_filled(attrs["shape"]) if is_number else "{0}"), ATOM


def latex_filled(shape: Shape) -> str:
    """The template of a tensor of which all elements are the same, which is no number: a product with it adds up."""
    sizes = r" \times ".join(latex_size(size)[0] for size in shape).replace("{", "{{").replace("}", "}}")
    return rf"\operatorname{{{{full}}}}_{{{{{sizes}}}}}\left({{0}}\right)"


def latex_size(size: Size) -> tuple[str, int]:
    """A size in LaTeX: `n`, `2 \\cdot n + 1`."""
    from .latex import latex_name  # of names alone

    text = re.sub(r"[^\W\d]\w*", lambda m: r"\max" if m[0] == "max" else latex_name(m[0]), str(size))
    return text.replace("*", r" \cdot "), write_size(size).level


# ---- parts


def write_slice(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written:
    return Written(f"{within(operands[0], ATOM)}[{_slices(attrs)}]")


def slice_has_text(attrs: Attrs) -> bool:
    return all(isinstance(n, int) or n.isidentifier() for n in (*attrs["starts"], *attrs["sizes"]))


def _slices(attrs: Attrs) -> str:
    """The parts of the last axes, `1:3, ::2`; the axes in front of them are whole."""
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


def write_take(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    """Indices along one axis, which counts from the end."""
    if len(operands) < 2:
        return None
    axis, shape = attrs["axis"], attrs.get("of")
    lead = ["..."] if shape is None or len(shape) > -axis else []
    indices = ", ".join((*lead, operands[1].text, *(":" for _ in range(-axis - 1))))
    return Written(f"{within(operands[0], ATOM)}[{indices}]")


def write_elements(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    return _target(operands[0], operands[1:], attrs)


def write_update(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    """A changed array by the assignment that changes it."""
    target = _target(operands[0], operands[2:], attrs)
    return target and Written(f"{target.text} {sign_of(spelling, style)} {operands[1].text}", 0)


def _target(x: Written, indices: Sequence[Written], attrs: Attrs) -> Written | None:
    """`x[i, 1:3]`; a step of 0 stands for the next of the indices."""
    steps = attrs["steps"]
    if len(indices) != steps.count(0):
        return None

    def sliced(sizes: Sequence[Size]) -> tuple[Size, ...]:
        """The part of them that is for slices."""
        return tuple(n for n, step in zip(sizes, steps, strict=True) if step)

    kept: dict[str, Any] = {name: sliced(attrs.get(name)) for name in ("starts", "steps", "sizes")}
    shape = attrs.get("of")
    lead = None if shape is None else len(shape) - len(steps)
    if shape is not None:
        kept["of"] = sliced(shape[lead:])
    slices = iter(part for part in _slices(kept).split(", ") if part != "...") if any(steps) else iter(())
    rest = iter(indices)
    parts = ["..."] if lead != 0 else []
    parts += [next(slices) if step else next(rest).text for step in steps]
    return Written(f"{within(x, ATOM)}[{', '.join(parts)}]")


def write_pad(spelling: Spelling, operands: Sequence[Written], attrs: Attrs, style: Style) -> Written | None:
    widths = _pad_widths(attrs) if "of" in attrs else None
    return None if widths is None else call(sign_of(spelling, style), operands[0].text, str(widths))


def pad_has_text(attrs: Attrs) -> bool:
    return _pad_widths(attrs) is not None


def _pad_widths(attrs: Attrs) -> list[list[int]] | None:
    """The zeros that `pad` puts around each axis of its operand; None where they are no numbers, or with gaps."""
    shape, sizes = attrs["of"], attrs["sizes"]
    lead = len(shape) - len(sizes)
    widths = [[0, 0] for _ in range(lead)]
    for length, start, step, size in zip(shape[lead:], attrs["starts"], attrs["steps"], sizes, strict=True):
        behind = add(add(size, mul(-1, start)), mul(-1, length))
        if step != 1 or not isinstance(start, int) or not isinstance(behind, int):
            return None
        widths.append([start, behind])
    return widths
