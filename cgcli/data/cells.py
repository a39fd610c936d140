"""Cells of a table as numbers: the values of texts and JSON for an input, and the rows that hold something else.

A text is a number where the command line takes it for one (no expression, no `_` between digits); besides a leading
`+`, and NaN and the infinities as JSON's writers spell them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from numbers import Number
from typing import Any

from cgcli.graph.lexemes import plain_number
from cgcli.graph.types import MAX_AXES, Type

from .arrow_csv import Texts

BLANKS = " \t\r\n"
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NAN, _INF = float("nan"), float("inf")
_SPECIAL = {"nan": _NAN, "inf": _INF, "-inf": -_INF, "NaN": _NAN, "Infinity": _INF, "-Infinity": -_INF}
# texts that NumPy reads as cg does, but for numbers that are too large; `-0` has a sign in both
_PLAIN = re.compile(r"[0-9.eE+\- \t]*")
_TOKEN = re.compile(r"[\[\],]|[^\[\],]+")


def converted(cells: Sequence[Any], t: Type) -> tuple[Any, list[int]]:
    """The cells of a column as an array, a row each of the type's shape, and the rows whose cell does not fit.

    A bad row holds NaN, of an int or a bool 0.
    """
    import numpy as np

    if hasattr(cells, "dtype"):
        return cells, []
    if not t.shape:
        return _scalars(cells, t)
    known_sizes = tuple(size for size in t.shape if isinstance(size, int))
    arrays: list[Any] = []
    bad = []
    shape: tuple[int, ...] | None = known_sizes if len(known_sizes) == len(t.shape) else None
    for k, cell in enumerate(cells):
        array = _tensor(cell, t)
        if array is not None and shape is None:
            shape = array.shape
        if array is None or array.shape != shape:
            bad.append(k)
            array = None
        arrays.append(array)
    shape = shape or (0,) * len(t.shape)
    filler = np.full(shape, np.nan if t.is_float else 0, dtype=_dtype(t))
    return np.stack([filler if a is None else a for a in arrays]) if arrays else np.zeros((0, *shape), _dtype(t)), bad


def cell_shape(cells: Sequence[Any]) -> tuple[int, ...]:
    """The shape of the cells of a column, as far as the first items of its first one tell."""
    if hasattr(cells, "shape"):
        return tuple(cells.shape[1:])
    first = cells[0] if len(cells) else None
    if isinstance(first, str):
        first = _nested(first) if first.lstrip(BLANKS)[:1] == "[" else None
    shape = []
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    return tuple(shape)


def side_by_side(columns: Sequence[Any], shape: Sequence[int]) -> Any:
    """Columns of numbers, one for each element of a tensor, as one column of tensors."""
    import numpy as np

    return np.stack(columns, axis=-1).reshape(-1, *shape)


def concatenated(parts: Sequence[Any]) -> Any:
    """Pieces of a column, arrays or lists, as one."""
    import numpy as np

    return np.concatenate(parts) if hasattr(parts[0], "dtype") else [x for part in parts for x in part]


def row_numbers(before: int, indices: Sequence[int]) -> Any:
    """The numbers, from 1, of some of the rows that follow so many others."""
    import numpy as np

    return np.array(indices, dtype="int64") + (before + 1)


def number(text: str) -> float | int | None:
    """The number that a cell's text is, or None."""
    text = text.strip(BLANKS)
    if text in _SPECIAL:
        return _SPECIAL[text]
    return plain_number(text[1:] if text[:1] == "+" and text[1:2] in tuple("0123456789.") else text)


def _dtype(t: Type) -> str:
    return "float64" if t.is_float else "bool" if t.dtype == "bool" else "int64"


def converted_numbers(cells: Sequence[Any], t: Type) -> tuple[list[Any], list[int]]:
    """The cells of a column as Python's numbers, of a type without axes; see `converted`."""
    parse: Callable[[Any], Any] = _float if t.is_float else _bool if t.dtype == "bool" else _int
    values = [parse(cell) for cell in cells]
    bad = [k for k, value in enumerate(values) if value is None]
    for k in bad:
        values[k] = _NAN if t.is_float else 0
    return values, bad


def _scalars(cells: Sequence[Any], t: Type) -> tuple[Any, list[int]]:
    """Cells of one number each as an array, and which of them are bad."""
    import numpy as np

    array = _floats(cells) if t.is_float else cells.ints() if t.is_int and isinstance(cells, Texts) else None
    if array is not None:
        return array, []
    values, bad = converted_numbers(cells, t)
    return np.array(values, dtype=_dtype(t)), bad


def _floats(cells: Sequence[Any]) -> Any:
    """All cells at once, or None where one of them needs a look of its own."""
    import numpy as np

    if isinstance(cells, Texts) and (array := cells.floats()) is not None:
        return array
    cells = list(cells)
    kinds = set(map(type, cells))
    if kinds == {str} and _PLAIN.fullmatch("".join(cells)) is None:
        return None
    if kinds != {str} and not kinds <= {float, int}:
        return None
    try:
        array = np.array(cells, dtype="float64")
    except (ValueError, OverflowError):
        return None
    return None if kinds == {str} and np.isinf(array).any() else array


def _float(cell: Any) -> float | None:
    value = number(cell) if isinstance(cell, str) else cell
    if isinstance(value, bool) or not isinstance(value, Number):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _int(cell: Any) -> int | None:
    value = number(cell) if isinstance(cell, str) else cell
    if value == 0 and isinstance(cell, str) and cell.strip(BLANKS + "+-").isdigit():
        return 0  # of `-0` the number is a float
    return value if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 else None


def _bool(cell: Any) -> bool | None:
    return _WORDS.get(cell.strip(BLANKS)) if isinstance(cell, str) else cell if isinstance(cell, bool) else None


def _tensor(cell: Any, t: Type) -> Any:
    """Nested lists, or a literal of them, as an array of the type's rank; None for anything else."""
    level = [_nested(cell) if isinstance(cell, str) else cell]
    shape: list[int] = []
    while level and isinstance(level[0], list):
        length = len(level[0])
        if len(shape) == len(t.shape) or any(not isinstance(item, list) or len(item) != length for item in level):
            return None
        shape.append(length)
        level = list(chain.from_iterable(level))
    if not level:  # without elements the sizes of the other axes are unknown
        shape += [size if isinstance(size, int) else 0 for size in t.shape[len(shape) :]]
    if len(shape) != len(t.shape):
        return None
    array, bad = _scalars(level, t)
    return None if bad else array.reshape(shape)


def _nested(text: str) -> Any:
    """A literal such as `[[1, nan], [-2, .5]]` as nested lists of the texts of its numbers; None for any other text."""
    top: list[Any] = []
    stack = [top]
    after_item = False  # whether the last thing read was one
    for token in _TOKEN.findall(text.strip(BLANKS)):
        stripped = token.strip(BLANKS)
        if token == "]":
            if len(stack) == 1 or (not after_item and stack[-1]):
                return None
            stack.pop()
            after_item = True
        elif token == ",":
            if not after_item or len(stack) == 1:
                return None
            after_item = False
        elif stripped:
            if after_item or len(stack) > MAX_AXES:
                return None
            if token == "[":
                inner: list[Any] = []
                stack[-1].append(inner)
                stack.append(inner)
            else:
                stack[-1].append(stripped)
                after_item = True
    return top[0] if len(top) == len(stack) == 1 else None
