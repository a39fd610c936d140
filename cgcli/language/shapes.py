"""Sizes and constants that lowering evaluates: those of shapes, axes and indices."""

from __future__ import annotations

from typing import Any

from cgcli.graph.graph import CONST, COPY, INPUT, SIZE, opcode
from cgcli.graph.sizes import Shape, Size, add, floor_div, mul, sub

from .regions import Region, Value

_STACK = opcode("stack")
_ARITHMETIC = {opcode("add"): add, opcode("sub"): sub, opcode("mul"): mul, opcode("floor_div"): floor_div}
_DEPTH = 50  # of an expression that stands for a size; a deeper one does not


def constant_of(value: Value) -> Any:
    """The number, bool or tensor (nested tuples) of a constant, or None for a computed value or an input."""
    b, node = value.region.builder, value.node
    while b.op[node] == COPY:
        node = b.a[node]
    return b.attrs[node]["value"] if b.op[node] == CONST else None


def size_of(value: Value, depth: int = _DEPTH) -> Size | None:
    """The size that a scalar int stands for: a literal, a named size, an int input, and sums and products of these."""
    region, node = value.region, value.node
    b = region.builder
    t = b.type_of(node)
    if depth == 0 or getattr(t, "shape", None) != () or not getattr(t, "is_int", False):
        return None
    observed = b.value_of(node)
    if observed is not None:
        return int(observed)
    op = b.op[node]
    if op == CONST:
        constant = b.attrs[node]["value"]
        return constant if isinstance(constant, int) else None
    if op == SIZE:
        size: Size = b.attrs[node]["size"]
        return size
    if op == INPUT:
        outer = outside(region, node)
        if outer is None:  # of the program; or of a body, where it varies with the step
            return b.names.get(node) if region.parent is None else None
        return size_of(outer, depth - 1)
    if op == COPY:
        return size_of(Value(region, b.a[node]), depth - 1)
    combine = _ARITHMETIC.get(op)
    if combine is None:
        return None
    left = size_of(Value(region, b.a[node]), depth - 1)
    right = size_of(Value(region, b.b[node]), depth - 1)
    if left is None or right is None or (combine is floor_div and right == 0):
        return None
    return combine(left, right)


def outside(region: Region, node: int) -> Value | None:
    """The value of an outer region that an input of a region captures."""
    return region.captured_by_input.get(node)


def sizes_of(value: Value) -> Shape | None:
    """The sizes that a vector of ints, or a single int, stands for."""
    region, b, node = value.region, value.region.builder, value.node
    constant = constant_of(value)
    if isinstance(constant, tuple):
        return constant if all(type(x) is int for x in constant) else None
    while b.op[node] == COPY:
        node = b.a[node]
    if b.op[node] == _STACK:
        sizes = [size_of(Value(region, x)) for x in b.operands(node)]
        return None if None in sizes else tuple(s for s in sizes if s is not None)
    size = size_of(value)
    return None if size is None else (size,)


def item_of(value: Value, k: int) -> Value | None:
    """Element `k` of a vector that is a stack of scalars."""
    region, b, node = value.region, value.region.builder, value.node
    while b.op[node] == COPY:
        node = b.a[node]
    if b.op[node] != _STACK or b.type1(node).rank != 1:
        return None
    items = b.operands(node)
    return Value(region, items[k]) if -len(items) <= k < len(items) else None
