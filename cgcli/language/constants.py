"""Constant evaluation: of defaults, ranges, and values of the command line."""

from __future__ import annotations

from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Scalar
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import needed_by
from cgcli.graph.types import Type
from cgcli.ops.failures import IntegerDivisionByZero, Overflow
from cgcli.ops.interpreter import Interpreter
from cgcli.ops.number_kernels import NumberKernels
from cgcli.ops.numbers import FITS
from cgcli.ops.typing import one

from .frames import Frame
from .regions import Value


def value_graph(frame: Frame, value: Value) -> Graph:
    """The graph that computes one value."""
    return needed_by(frame.region.builder, frame.region.index(value))


def shape_matches(shape: Shape, declared: Shape) -> bool:
    """Whether a default has the declared shape, up to names of sizes that it may bind."""
    return len(shape) == len(declared) and all(
        a == b or (isinstance(a, int) and isinstance(b, str) and b.isidentifier())
        for a, b in zip(shape, declared, strict=True)
    )


def can_cast(type_: Type, declared: Type) -> bool:
    """Whether a value can be cast to the declared dtype of an input."""
    if type_.dtype == "bool" or declared.dtype == "bool":
        return type_.dtype == declared.dtype
    return declared.is_float or type_.is_int


def evaluate_constant(frame: Frame, tree: Any, graph: Graph, declared: Type, status: int = 2) -> Scalar:
    """The value of a constant graph, in the declared type."""
    type_ = one(graph.type_of(graph.outputs[0]))
    try:
        result: Scalar = Interpreter(graph, NumberKernels).run(())[graph.outputs[0]]
        if not can_cast(type_, declared):
            raise error("value-type", frame.span(tree), status=status, declared=declared, type=type_)
        return result if declared.dtype == "bool" else FITS[declared.dtype](result)
    except (Overflow, CgError) as e:
        stop = e.__cause__ if isinstance(e, CgError) else e
        if isinstance(stop, Overflow):
            raise error("value-overflow", frame.span(tree), status=status, type=declared) from None
        if isinstance(stop, IntegerDivisionByZero):
            raise error(stop.code, frame.span(tree), status=status) from None
        raise
