"""Kernels of a tape for nodes with tensors, computed with NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgcli.graph.graph import CONST
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.array_kernels import DTYPES, XP, TypeKernel, type_kernel
from cgcli.ops.interpreter import Kernel
from cgcli.ops.table import BY_CODE

if TYPE_CHECKING:
    from cgcli.ops.array_kernels import NumPyArray


def array_kernel(op: int, types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, object]) -> Kernel:
    """The kernel of an op whose attributes hold numbers for sizes. It raises `Stop`."""
    if op == CONST:
        assert isinstance(result, Type)
        constant = _constant(attrs["value"], result)
        return lambda *_: constant
    arity = len(types)
    compute = _compute(op, types, result)

    def kernel(v: Sequence[object], i: int, a: int, b: int, more: Mapping[int, tuple[int, ...]]) -> object:
        operands = (a, b, *more.get(i, ()))[:arity]
        with np.errstate(all="ignore"):
            return compute(attrs, [v[x] for x in operands])

    return kernel


def _compute(op: int, types: Sequence[AnyType], result: AnyType) -> TypeKernel:
    declared = BY_CODE[op]
    if isinstance(result, Stack) or any(isinstance(t, Stack) for t in types):
        return lambda attrs, values: declared.evaluate(XP, attrs, *values)
    assert isinstance(result, Type)
    kernel = type_kernel(declared, types, result)
    # of operands that are numbers
    dtypes = [DTYPES[t.dtype] if isinstance(t, Type) and not t.shape and not t.weak else None for t in types]
    is_number = not result.shape and not result.weak

    def compute(attrs: Mapping[str, object], values: list[object]) -> object:
        y = kernel(attrs, [x if d is None else d(x) for x, d in zip(values, dtypes, strict=True)])
        return y.item() if is_number else y

    return compute


def _constant(value: object, t: Type) -> NumPyArray:
    shape = tuple(d for d in t.shape if isinstance(d, int))
    array: NumPyArray = np.asarray(value, dtype=DTYPES[t.dtype])
    return array.reshape(shape) if isinstance(value, tuple) else np.broadcast_to(array, shape)


def as_tensor(x: object) -> tuple[Type, NumPyArray | float] | None:
    """Nested lists of numbers, or an array, as a value with its type; None for other elements.

    Whole numbers in lists are weakly typed, as literals are; those out of the range of 64 bits are floats.
    """
    array = np.asarray(x)
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
