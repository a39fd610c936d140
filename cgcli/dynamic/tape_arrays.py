"""Kernels of a tape for nodes with tensors, computed with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cgcli.graph.graph import CONST, Node
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.arrays import Namespace
from cgcli.ops.table import BY_CODE
from cgcli.run.numpy.reference import DTYPES, STOPS, stop_error, type_kernel

_XP = Namespace(np)

ArrayKernel = Callable[[Node, list[Any], Mapping[str, Any]], Any]


def array_kernel(op: int, types: Sequence[AnyType], result: AnyType) -> ArrayKernel:
    """The kernel of an op: from the node, the values of its operands and its attributes. It raises CgError."""
    if op == CONST:
        assert isinstance(result, Type)
        t = result
        return lambda node, values, attrs: _constant(attrs["value"], t)
    operation = BY_CODE[op]
    if isinstance(result, Stack) or any(isinstance(t, Stack) for t in types):
        return lambda node, values, attrs: operation.evaluate(_XP, attrs, *values)
    assert isinstance(result, Type)
    kernel = type_kernel(operation, types, result)
    dtypes = [_number_dtype(t) for t in types]  # of operands that are numbers
    is_number = not result.shape and not result.weak

    def checked_kernel(node: Node, values: list[Any], attrs: Mapping[str, Any]) -> Any:
        xs = [x if d is None else d(x) for x, d in zip(values, dtypes, strict=True)]
        with np.errstate(all="ignore"):
            try:
                y = kernel(_XP, attrs, xs)
            except STOPS as stop:
                raise stop_error(node, stop) from None
        return y.item() if is_number else y

    return checked_kernel


def _number_dtype(t: AnyType) -> Callable[[Any], Any] | None:
    return DTYPES[t.dtype] if isinstance(t, Type) and not t.shape and not t.weak else None


def _constant(value: Any, t: Type) -> Any:
    shape = tuple(d for d in t.shape if isinstance(d, int))
    array: Any = np.asarray(value, dtype=DTYPES[t.dtype])
    return array.reshape(shape) if isinstance(value, tuple) else np.broadcast_to(array, shape)


def as_tensor(x: Any) -> tuple[Type, Any] | None:
    """Nested lists of numbers, or an array, as a value with its type; None for other elements.

    Whole numbers in lists are weakly typed, as literals are; those out of the range of 64 bits are floats.
    """
    array: Any = np.asarray(x)
    if array.dtype.kind == "O" and not all(isinstance(item, (bool, int, float)) for item in array.flat):
        return None  # NumPy would read None as NaN, and texts as numbers
    if array.dtype.kind == "O" or (array.dtype.kind == "u" and array.size and array.max() >= 2**63):
        array = array.astype(np.float64)
    dtype = (
        "f32"
        if array.dtype == np.float32
        else {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(array.dtype.kind)
    )
    if dtype is None:
        return None
    array = array.astype(DTYPES[dtype], copy=False)
    weak = dtype == "int" and not hasattr(x, "dtype")
    return Type(dtype, tuple(array.shape), weak), array if array.shape else array.item()
