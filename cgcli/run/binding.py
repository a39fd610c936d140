"""Values given for inputs, as their declarations want them; what initialisers make where nothing is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input, signature
from cgcli.graph.types import ANY, FLOAT
from cgcli.ops.numbers import FITS, Overflow

from .executors import names_no_size, tensor_of


def fit(declared: Input, value: Any) -> Any:
    """A value as the input's type wants it. Raises CgError when it does not fit."""
    dtype = declared.type.dtype
    if declared.type == ANY:
        return value
    if declared.type.shape:
        from .fitting import fit_array

        return fit_array(declared.name, value, declared.type)
    if extent(value):
        found = f"[{', '.join(map(str, extent(value)))}]"
        types = signature([declared], {declared.name: FLOAT._replace(shape=extent(value))})
        lines = types if declared.implicit else None
        raise error("array-shape", status=1, name=declared.name, wanted=declared.type, found=found, declare=lines)
    value = plain(value)
    if dtype == "bool":
        if isinstance(value, bool):
            return value
    elif not isinstance(value, bool) and isinstance(value, int | float if declared.type.is_float else int):
        with suppress(Overflow, OverflowError):
            return FITS[dtype](value)
    raise error("input-type", status=1, name=declared.name, value=value, wanted=declared.type)


def initialised(inputs: Sequence[Input], graph: Graph, bound: list[Any], seed: int) -> list[Any]:
    """The values with those that initialisers make, which may be of sizes that the given values have."""
    from .numpy.reference import bind_sizes

    def made(declared: Input, sizes: Mapping[str, int]) -> Any:
        assert declared.initial is not None
        return fit(declared, tensor_of(declared.initial, (seed,) * len(declared.initial.inputs), sizes))

    # a default may bind a size itself, or need the sizes that other values have
    for k, declared in enumerate(inputs):
        if bound[k] is None and declared.initial and names_no_size(declared.initial):
            bound[k] = made(declared, {})
    given = [(i, x) for i, x in zip(graph.inputs, bound, strict=True) if x is not None]
    sizes = bind_sizes(graph, [i for i, _ in given], [x for _, x in given])
    return [made(i, sizes) if x is None else x for i, x in zip(inputs, bound, strict=True)]


def plain(value: Any) -> Any:
    """A number of an array without axes; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def within(value: Any, low: float, high: float) -> bool:
    """Whether a value, or every element of one, lies between two ends."""
    inside = (low <= value) & (value <= high)
    return bool(inside.all()) if hasattr(inside, "all") else bool(inside)


def extent(value: Any) -> tuple[int, ...]:
    """The shape of an array, or of nested lists as far as their first items tell."""
    if hasattr(value, "shape"):
        return tuple(value.shape)
    shape: list[int] = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)
