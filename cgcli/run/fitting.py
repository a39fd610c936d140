"""Values that are given for tensors, made to fit the declared types."""

from __future__ import annotations

from typing import Any

import numpy as np

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.types import Type
from cgcli.ops.numbers import INT_RANGES

from .numpy.reference import DTYPES

_KINDS = {"float": "fiu", "f32": "fiu", "int": "iu", "i32": "iu", "bool": "b"}


def fit_array(name: str, value: Any, wanted: Type, *, rows: bool = False) -> Any:
    """`value` (an array or nested lists) in the dtype of `wanted`; a copy is made only where it has to be.

    Named sizes fit every size; what they are, all inputs together say. Raises CgError (status 1) for another shape,
    for a dtype that does not fit (a float for an int, a bool for a number) and for an int that leaves its range.

    rows: whether there are many values, a row each; messages speak of one.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise error("ragged-value", status=1, name=name) from None
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(DTYPES[wanted.dtype])  # `[]` is no number of any kind
    if array.dtype.kind not in _KINDS[wanted.dtype]:
        raise error("array-type", status=1, name=name, wanted=wanted, found=_shown(array))
    sizes = ("", *wanted.shape) if rows else wanted.shape
    if array.ndim != len(sizes) or any(isinstance(d, int) and d != n for d, n in zip(sizes, array.shape, strict=True)):
        raise error("array-shape", status=1, name=name, wanted=wanted, found=_bracket(array.shape[rows:]))
    if wanted.is_int and array.size:
        legal = INT_RANGES[wanted.dtype]
        if int(array.max()) not in legal or int(array.min()) not in legal:
            raise error("array-overflow", status=1, name=name, wanted=wanted)
    return array.astype(DTYPES[wanted.dtype], copy=False)


def _shown(array: Any) -> str:
    kinds = {"f": "floats", "i": "ints", "u": "ints", "b": "bools", "c": "complex numbers"}
    return kinds.get(array.dtype.kind, "something else than numbers")


def _bracket(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else "a single number"
