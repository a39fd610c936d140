"""The values of a call from Python, and its results in the array library of these values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.lexemes import identifier

from .computation import Values

if TYPE_CHECKING:
    from .array_libraries import ArrayLibrary
    from .results import Gradient

NUMBERS = (float, int, bool, type(None))


def read_values(values: Values | None, inputs: Values) -> tuple[Values, ArrayLibrary | None]:
    """The values of a call, in one mapping or by keyword, and the library that results are given in, None for NumPy.

    Raises CgError for what is no mapping, a name given twice, arrays that cannot be read, and two libraries.
    """
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        table = "f.map" if hasattr(values, "columns") else None
        raise error("values-without-names", kind=type(values).__name__, table=table)
    unnamed = next((name for name in values if not isinstance(name, str)), None)
    if unnamed is not None:
        raise error("name-type", name=repr(unnamed), kind=type(unnamed).__name__)
    if values and inputs:
        names = set(map(identifier, values))
        for name in inputs:
            if identifier(name) in names:
                raise error("value-twice", name=name)
    values = {**values, **inputs}
    if all(type(x) in NUMBERS for x in values.values()):
        return values, None
    from .array_libraries import read_arrays

    return read_arrays(values)


def results_in(results: dict[str, Any], library: ArrayLibrary | None, values: Values) -> dict[str, Any]:
    """The results in a library, with memory of their own."""
    if library is not None:
        return library.results(results)
    if not any(hasattr(x, "dtype") for x in results.values()):
        return results
    from .array_libraries import unshared

    return unshared(results, values)


def gradient_in(gradient: Gradient, library: ArrayLibrary | None, values: Values) -> Gradient:
    """A gradient in a library, likewise."""
    if library is not None:
        return library.gradient(gradient)
    value = results_in({"": gradient.value}, None, values)[""]
    return replace(gradient, value=value, partials=results_in(gradient.partials, None, values))
