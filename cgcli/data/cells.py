"""Cells of a table as numbers: what text and JSON hold for an input, and which rows hold something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from cgcli.graph.types import Type

_WORDS = {"true": True, "false": False}
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def converted(cells: Sequence[Any], t: Type) -> tuple[Any, list[int]]:
    """The cells of a column as an array, a row each of the type's shape, and the rows whose cell does not fit.

    A bad row holds NaN, of an int or a bool 0.
    """
    import numpy as np

    dtype = "float64" if t.is_float else "bool" if t.dtype == "bool" else "int64"
    if hasattr(cells, "dtype"):
        return cells, []
    sizes = tuple(size for size in t.shape if isinstance(size, int))
    if not t.shape:
        # what NumPy would take for a number: None, which it reads as NaN, and the underscores of Python's literals
        if t.is_float and not any(c is None or isinstance(c, bool) or (isinstance(c, str) and "_" in c) for c in cells):
            try:
                return np.array(cells, dtype="float64"), []  # at once, when all are good
            except (TypeError, ValueError):
                pass
        read: Callable[[Any], Any] = _float if t.is_float else _bool if t.dtype == "bool" else _int
        blank: Any = float("nan") if t.is_float else 0
        found = []
        bad = []
        for k, cell in enumerate(cells):
            value = read(cell)
            found.append(blank if value is None else value)
            if value is None:
                bad.append(k)
        return np.array(found, dtype=dtype), bad
    arrays: list[Any] = []
    bad = []
    shape: tuple[int, ...] | None = sizes if len(sizes) == len(t.shape) else None
    for k, cell in enumerate(cells):
        array = _array(cell, dtype)
        if array is not None and shape is None and array.ndim == len(t.shape):
            shape = array.shape
        if array is None or array.shape != shape:
            bad.append(k)
            array = None
        arrays.append(array)
    shape = shape or (0,) * len(t.shape)
    filler = np.full(shape, np.nan if t.is_float else 0, dtype=dtype)
    return np.stack([filler if a is None else a for a in arrays]) if arrays else np.zeros((0, *shape), dtype), bad


def side_by_side(columns: Sequence[Any]) -> Any:
    """Columns of numbers as one of vectors."""
    import numpy as np

    return np.stack(columns, axis=-1)


def _float(cell: Any) -> float | None:
    if isinstance(cell, bool) or cell is None or (isinstance(cell, str) and "_" in cell):
        return None
    try:
        return float(_NUMBERS.get(cell, cell) if isinstance(cell, str) else cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _int(cell: Any) -> int | None:
    if isinstance(cell, str):
        text = cell.strip()
        digits = text[1:] if text[:1] in ("-", "+") else text
        cell = int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
    if isinstance(cell, bool) or not isinstance(cell, int) or not -(2**63) <= cell < 2**63:
        return None
    return cell


def _bool(cell: Any) -> bool | None:
    return _WORDS.get(cell.strip()) if isinstance(cell, str) else cell if isinstance(cell, bool) else None


def _array(cell: Any, dtype: str) -> Any:
    """Nested lists, which text holds as JSON; None for anything else."""
    import numpy as np

    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    if not isinstance(cell, list):
        return None
    try:
        array = np.array(cell)
    except ValueError:
        return None
    kinds = {"float64": "fiu", "int64": "iu", "bool": "b"}[dtype]
    return array.astype(dtype) if array.dtype.kind in kinds or not array.size else None
