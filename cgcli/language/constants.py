"""Values that are known when a file is read: defaults, ranges, and what the command line gives."""

from __future__ import annotations

from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Scalar
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import needed_by
from cgcli.graph.types import Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.numbers import FITS, Overflow
from cgcli.ops.typing import one
from cgcli.optimise.fold import constant_value

from .frames import Frame
from .regions import Value


def alone(frame: Frame, value: Value) -> Graph:
    """The graph that computes one value."""
    return needed_by(frame.region.builder, frame.region.index(value))


def binds(found: Shape, wanted: Shape) -> bool:
    """Whether a default has the declared shape, up to names of sizes that it may bind."""
    return len(found) == len(wanted) and all(
        a == b or (isinstance(a, int) and isinstance(b, str) and b.isidentifier())
        for a, b in zip(found, wanted, strict=True)
    )


def value_fits(found: Type, wanted: Type) -> bool:
    """Whether a value's dtype can become that of an input."""
    if found.dtype == "bool" or wanted.dtype == "bool":
        return found.dtype == wanted.dtype
    return wanted.is_float or found.is_int


def evaluated(frame: Frame, tree: Any, graph: Graph, wanted: Type, status: int = 2) -> Scalar:
    """The number that a constant graph is, in the wanted type."""
    found = one(graph.type_of(graph.outputs[0]))
    try:
        result: Scalar = constant_value(graph)
        if not value_fits(found, wanted):
            raise error("value-type", frame.span(tree), status=status, wanted=wanted, found=found)
        return result if wanted.dtype == "bool" else FITS[wanted.dtype](result)
    except Overflow:
        raise error("value-overflow", frame.span(tree), status=status, wanted=wanted) from None
    except IntegerDivisionByZero:
        raise error("integer-division-by-zero", frame.span(tree), status=status) from None
