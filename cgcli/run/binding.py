"""Binding: the values of a run's inputs, checked against their declarations; defaults computed by initialisers."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input, signature
from cgcli.graph.types import ANY, FLOAT, Type
from cgcli.ops.failures import Overflow
from cgcli.ops.numbers import FITS, INT_RANGES

from .backends import names_no_size, tensor_of

if TYPE_CHECKING:
    from cgcli.ops.array_kernels import NumPyArray

T = TypeVar("T")
_DTYPE_KINDS = {"float": "fiu", "f32": "fiu", "int": "iu", "i32": "iu", "bool": "b"}  # NumPy's kinds that convert


def missing(inputs: Sequence[Input], names: Container[str]) -> list[str]:
    """The inputs that are not among the names and have no default."""
    return [i.name for i in inputs if not i.optional and i.name not in names]


def require(inputs: Sequence[Input], names: Container[str]) -> None:
    """Raises CgError that names every input that is not among the names and has no default."""
    without = missing(inputs, names)
    if without:
        euler = any(i.name == "e" and i.implicit for i in inputs) and "e" in without
        raise error("missing-inputs", missing=without, euler="exp(1)" if euler else None)


def fit(declared: Input, value: object) -> object:
    """A value converted to the input's type. Raises CgError when it does not fit."""
    dtype = declared.type.dtype
    if declared.type == ANY:
        return value
    if declared.type.shape:
        return fit_array(declared.name, value, declared.type)
    shape = extent(value)
    if shape:
        types = signature([declared], {declared.name: FLOAT._replace(shape=shape)})
        lines = types if declared.implicit else None
        raise error(
            "array-shape", status=1, name=declared.name, type=declared.type, shape=bracket(shape), declare=lines
        )
    value = plain(value)
    if dtype == "bool":
        if isinstance(value, bool):
            return value
    elif not isinstance(value, bool) and isinstance(value, int | float if declared.type.is_float else int):
        with suppress(Overflow, OverflowError):
            return FITS[dtype](value)
    raise error(
        "input-type", status=1, name=declared.name, value="None" if value is None else value, type=declared.type
    )


def fit_array(name: str, value: object, target: Type, *, rows: bool = False) -> NumPyArray:
    """`value` (an array or nested lists) in the dtype of `target`; a copy is made only where it has to be.

    Named sizes fit every size; `bind_sizes` says what all inputs together bind them to. Raises CgError (status 1) for
    another shape, for a dtype that does not convert (a float for an int, a bool for a number) and for an int out of
    range.

    rows: whether there are many values, a row each; messages speak of one.
    """
    import numpy as np

    from cgcli.ops.array_kernels import DTYPES

    try:
        array = np.asarray(value)
    except ValueError:
        raise error("ragged-value", status=1, name=name) from None
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(DTYPES[target.dtype])  # `[]` is no number of any kind
    if array.dtype.kind not in _DTYPE_KINDS[target.dtype]:
        raise error("array-type", status=1, name=name, type=target, dtype=_dtype_in_words(array))
    sizes = ("", *target.shape) if rows else target.shape
    if array.ndim != len(sizes) or any(isinstance(d, int) and d != n for d, n in zip(sizes, array.shape, strict=True)):
        shape = array.shape[rows:]
        raise error("array-shape", status=1, name=name, type=target, shape=bracket(shape) or "a single number")
    if target.is_int and array.size:
        legal = INT_RANGES[target.dtype]
        if int(array.max()) not in legal or int(array.min()) not in legal:
            raise error("array-overflow", status=1, name=name, type=target)
    return array.astype(DTYPES[target.dtype], copy=False)


def initialised(inputs: Sequence[Input], graph: Graph, values: list[object], seed: int) -> list[object]:
    """The values, None among them replaced by what initialisers compute, which may be of sizes that the others bind."""
    from cgcli.ops.sizes import bind_sizes  # a run on numbers binds no sizes

    def initial(declared: Input, sizes: Mapping[str, int]) -> object:
        assert declared.initial is not None
        return fit(declared, tensor_of(declared.initial, (seed,) * len(declared.initial.inputs), sizes))

    # a default may bind a size itself, or need the sizes that other values have
    for k, declared in enumerate(inputs):
        if values[k] is None and declared.initial and names_no_size(declared.initial):
            values[k] = initial(declared, {})
    bound = [(i, x) for i, x in zip(graph.inputs, values, strict=True) if x is not None]
    sizes = bind_sizes(graph, [i for i, _ in bound], [x for _, x in bound])
    return [initial(i, sizes) if x is None else x for i, x in zip(inputs, values, strict=True)]


def plain(value: T) -> T | float:
    """The number in an array without axes; anything else unchanged."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def within(value: float | NumPyArray, low: float, high: float) -> bool:
    """Whether a value, or every element of one, lies between two ends."""
    inside = (low <= value) & (value <= high)
    return bool(inside.all()) if hasattr(inside, "all") else bool(inside)


def extent(value: object) -> tuple[int, ...]:
    """The shape of an array, or of nested lists as far as their first items tell."""
    if hasattr(value, "shape"):
        return tuple(value.shape)
    shape: list[int] = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _dtype_in_words(array: NumPyArray) -> str:
    words = {"f": "floats", "i": "ints", "u": "ints", "b": "bools", "c": "complex numbers"}
    return words.get(array.dtype.kind, "something else than numbers")


def bracket(shape: tuple[int, ...]) -> str:
    """A shape as messages write it, "" of a single number."""
    return f"[{', '.join(map(str, shape))}]" if shape else ""
