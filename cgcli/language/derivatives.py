"""`grad(y, x)` inside a program: the gradient pass, applied to what has been lowered so far."""

from __future__ import annotations

from cgcli.graph.graph import INPUT
from cgcli.ops.builder import Builder
from cgcli.transform.jacobian import jacobians

from .regions import Region, Value


class ThroughLoop(Exception):
    """A value depends on what earlier steps of a loop have made, or on an item that it reads of what depends on x.

    code: of the error that says so. name: of what goes from step to step, or of what is read.
    """

    def __init__(self, code: str, name: str) -> None:
        super().__init__(code, name)
        self.code, self.name = code, name


def derivative(region: Region, y: Value, x: Value) -> Value | None:
    """The derivative of each element of `y` by `x`, made in `region`; None when `y` does not depend on `x`.

    Raises ThroughLoop where a loop stands between the two that runs on.

    Where `x` stands outside of `region` (a side of an `if`), what lies between the two is first computed again inside:
    a region reads values from outside, but only from within can it be differentiated.
    """
    of = _again(region, y, x)
    if of is None:
        return None
    return Value(region, jacobians(region.builder, of, [region.index(x)])[0])


def _again(region: Region, y: Value, x: Value) -> int | None:
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
        home = value.region.builder
        operands = tuple(
            inside[o] if o in inside else region.index(o)
            for o in (_origin(value.region, i) for i in home.operands(value.node))
        )
        attrs = home.attrs.get(value.node, {})
        inside[value] = b.place(home.op[value.node], operands, b.intern_type(home.type_of(value.node)), attrs)
    return inside[y]


def _origin(region: Region, i: int) -> Value:
    """The value that node `i` stands for: for an input of a side, the value outside that it brings in."""
    return region.brought.get(i, Value(region, i))


def _between(y: Value, x: Value) -> dict[Value, None]:
    """The values on a path from `x` to `y`, `x` left out, in an order in which each stands behind its operands."""
    depends: dict[Value, bool] = {x: True}
    order: dict[Value, None] = {}
    stack = [(y, False)]
    while stack:
        value, visited = stack.pop()
        if value in depends and not visited:
            continue
        region, b = value.region, value.region.builder
        operands = [_origin(region, i) for i in b.operands(value.node)]
        item_of = None if x.region.within(region) else _stack_of(value)
        if item_of is not None:
            operands = [item_of]
        if not visited:
            if (b.op[value.node] == INPUT and item_of is None) or (region is x.region and value.node < x.node):
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
        if depends[value] and item_of is not None:
            raise ThroughLoop("derivative-through-item", item_of.region.builder.names.get(item_of.node, ""))
        if depends[value]:
            order[value] = None
    return order


def _stack_of(value: Value) -> Value | None:
    """The tensor outside of a loop that a value is the item of, if it is one."""
    loop = value.region.loop
    if loop is None or value.region.builder.op[value.node] != INPUT:
        return None
    return next((x for (x, _), item in loop.reads.items() if item == value.node), None)
