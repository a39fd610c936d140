"""What a tape computes with the array library: nodes that tensors take part in."""

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

Compute = Callable[[Node, list[Any], Mapping[str, Any]], Any]


def array_step(op: int, types: Sequence[AnyType], result: AnyType) -> Compute:
    """What computes a node from the values of its operands and its attributes; it raises CgError where that fails."""
    if op == CONST:
        assert isinstance(result, Type)
        t = result
        return lambda node, values, at: _constant(at["value"], t)
    declared = BY_CODE[op]
    if isinstance(result, Stack) or any(isinstance(t, Stack) for t in types):
        return lambda node, values, at: declared.evaluate(_XP, at, *values)
    assert isinstance(result, Type)
    compute = type_kernel(declared, types, result)
    numbers = [_dtype(t) for t in types]  # of operands that are numbers of a certain dtype
    single = not result.shape and not result.weak

    def step(node: Node, values: list[Any], at: Mapping[str, Any]) -> Any:
        xs = [x if d is None else d(x) for x, d in zip(values, numbers, strict=True)]
        with np.errstate(all="ignore"):
            try:
                y = compute(_XP, at, xs)
            except STOPS as stop:
                raise stop_error(node, stop) from None
        return y.item() if single else y

    return step


def _dtype(t: AnyType) -> Callable[[Any], Any] | None:
    return DTYPES[t.dtype] if isinstance(t, Type) and not t.shape and not t.weak else None


def _constant(value: Any, t: Type) -> Any:
    shape = tuple(d for d in t.shape if isinstance(d, int))
    made: Any = np.asarray(value, dtype=DTYPES[t.dtype])
    return made.reshape(shape) if isinstance(value, tuple) else np.broadcast_to(made, shape)


def as_tensor(x: Any) -> tuple[Type, Any] | None:
    """Nested lists of numbers, or an array, as a value with its type; None for other elements.

    Whole numbers in lists are what literals are; those that 64 bits do not hold are floats.
    """
    made: Any = np.asarray(x)
    if made.dtype.kind == "O" and not all(isinstance(each, (bool, int, float)) for each in made.flat):
        return None  # NumPy would read None as NaN, and texts as numbers
    if made.dtype.kind == "O" or (made.dtype.kind == "u" and made.size and made.max() >= 2**63):
        made = made.astype(np.float64)
    dtype = (
        "f32" if made.dtype == np.float32 else {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(made.dtype.kind)
    )
    if dtype is None:
        return None
    made = made.astype(DTYPES[dtype], copy=False)
    weak = dtype == "int" and not hasattr(x, "dtype")
    return Type(dtype, tuple(made.shape), weak), made if made.shape else made.item()
