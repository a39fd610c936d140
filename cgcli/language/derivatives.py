"""`grad(y, x)` inside a program: the gradient pass, applied to the nodes that were lowered so far."""

from __future__ import annotations

from cgcli.graph.graph import INPUT
from cgcli.ops.builder import Builder
from cgcli.transform.jacobian import jacobians

from .regions import Region, Value


class ThroughLoop(Exception):
    """A value depends on the carry of a loop that is being lowered, or on an item of a tensor that depends on x.

    code: of the error. name: of the carry or the tensor.
    """

    def __init__(self, code: str, name: str) -> None:
        super().__init__(code, name)
        self.code, self.name = code, name


def derivative(region: Region, y: Value, x: Value) -> Value | None:
    """The derivative of each element of `y` by `x`, as a node of `region`; None where `y` does not depend on `x`.

    Raises ThroughLoop for a path from `x` to `y` through a loop that is being lowered.

    Its nodes get the span and the call that the region is at: the derivative is one operation, and what was written
    stands where it was.

    Where `x` stands outside of `region` (a side of an `if`), the nodes on paths between the two are first recomputed
    inside: a region reads values from outside, but only its own can be differentiated.
    """
    b = region.builder
    start, span, group = len(b), b.at_span, b.at_group
    y_node = _recomputed(region, y, x)
    if y_node is None:
        return None
    partial = jacobians(b, y_node, [region.index(x)])[0]
    for i in range(start, len(b)):
        b.span[i], b.group[i] = span, group
    return Value(region, partial)


def _recomputed(region: Region, y: Value, x: Value) -> int | None:
    """A node of `region` that computes `y` from `x` without leaving the region; None when there is no path."""
    if y == x:
        return region.index(x)
    order = _between(y, x)
    if y not in order:
        return None
    if x.region is region:
        return y.node
    b: Builder = region.builder
    inside: dict[Value, int] = {x: region.index(x)}
    for value in order:
        builder = value.region.builder
        operands = tuple(
            inside[o] if o in inside else region.index(o)
            for o in (_origin(value.region, i) for i in builder.operands(value.node))
        )
        attrs = builder.attrs.get(value.node, {})
        inside[value] = b.place(builder.op[value.node], operands, b.intern_type(builder.type_of(value.node)), attrs)
    return inside[y]


def _origin(region: Region, i: int) -> Value:
    """The value of node `i`; for an input that captures a value of an outer region, that value."""
    return region.captured_by_input.get(i, Value(region, i))


def _between(y: Value, x: Value) -> dict[Value, None]:
    """The values on paths from `x` to `y`, without `x`, in topological order."""
    depends: dict[Value, bool] = {x: True}
    order: dict[Value, None] = {}
    stack = [(y, False)]
    while stack:
        value, visited = stack.pop()
        if value in depends and not visited:
            continue
        region, b = value.region, value.region.builder
        operands = [_origin(region, i) for i in b.operands(value.node)]
        tensor = None if x.region.within(region) else _stack_of(value)
        if tensor is not None:
            operands = [tensor]
        if not visited:
            if (b.op[value.node] == INPUT and tensor is None) or (region is x.region and value.node < x.node):
                if region.loop is not None and not x.region.within(region) and b.type1(value.node).has_derivative:
                    raise ThroughLoop("derivative-through-loop", b.names.get(value.node, ""))
                depends[value] = False
                continue
            stack.append((value, True))
            stack.extend((o, False) for o in operands if o not in depends)
            continue
        if value in order:
            continue
        depends[value] = any(depends[o] for o in operands)
        if depends[value] and tensor is not None:
            raise ThroughLoop("derivative-through-item", tensor.region.builder.names.get(tensor.node, ""))
        if depends[value]:
            order[value] = None
    return order


def _stack_of(value: Value) -> Value | None:
    """The tensor outside of a loop whose item a value is, or None."""
    loop = value.region.loop
    if loop is None or value.region.builder.op[value.node] != INPUT:
        return None
    return next((x for (x, _), item in loop.reads.items() if item == value.node), None)
