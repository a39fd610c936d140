"""One operation on plain Python numbers, straight from the registry: for folding and for checks of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.types import AnyType

from . import floats
from .numbers import fit_for
from .registry import BY_CODE


def evaluate(
    op: int, values: Sequence[Any], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
) -> Any:
    """The op's value, in its result's type. Raises `Overflow` and `IntegerDivisionByZero`."""
    value = BY_CODE[op].evaluate(floats, attrs, *values)
    fit = fit_for(result, types)
    return fit(value) if fit else value
