"""The backward pass node by node, as one looks at it: each local partial derivative, each product, the running sum."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.evaluate import on_numbers
from cgcli.ops.numbers import unsigned_zero
from cgcli.run.backends import executor
from cgcli.run.binding import plain
from cgcli.run.scalar.executor import local_partials
from cgcli.transform.gradient import gradient


class Given(NamedTuple):
    """What a node hands to one of its operands.

    partial: the local derivative, of numbers alone. product: that times the node's own derivative. total: the sum of
    all that the operand has been handed so far.
    """

    operand: int
    partial: float | None
    product: Any
    total: Any


class Step(NamedTuple):
    """A node whose derivative is complete, that derivative, and what it hands on."""

    node: int
    derivative: Any
    gives: tuple[Given, ...]


class BackwardPass:
    """From node `of` of a graph with the values `v` of its nodes, back to its inputs; it can also go forth again.

    The nodes come in descending order, so that the derivative by a node is complete when its turn comes.
    """

    def __init__(self, graph: Graph, v: Sequence[Any], of: int) -> None:
        self.graph, self.v, self.of = graph, v, of
        self._begin()

    def _begin(self) -> None:
        self.steps: list[Step] = []
        self.derivatives: dict[int, Any] = {self.of: 1.0}
        self._waiting = [-self.of]

    def step(self) -> Step | None:
        """The next node; None when all of them have had their turn."""
        if not self._waiting:
            return None
        i = -heapq.heappop(self._waiting)
        g = self.derivatives[i]
        gives: list[Given] = []
        for x, partial, product in contributions(self.graph, self.v, i, g):
            if x in self.derivatives:
                total = self.derivatives[x] + product
            else:
                total = product
                heapq.heappush(self._waiting, -x)
            self.derivatives[x] = total
            gives.append(Given(x, partial, product, total))
        self.steps.append(Step(i, g, tuple(gives)))
        return self.steps[-1]

    def back(self) -> bool:
        """Takes the last step back; False when there is none."""
        if not self.steps:
            return False
        count = len(self.steps) - 1
        self._begin()  # the sums of before are made again: a step is short
        for _ in range(count):
            self.step()
        return True


def contributions(graph: Graph, v: Sequence[Any], i: int, g: Any) -> list[tuple[int, float | None, Any]]:
    """Of each operand of node `i` that a derivative reaches: the operand, the local partial, and what it is handed."""
    operands, result = graph.operands(i), graph.type_of(i)
    types = [t for t in map(graph.type_of, operands) if isinstance(t, Type)]  # a tape holds values alone
    if graph.op[i] in (INPUT, CONST) or not isinstance(result, Type) or not result.has_derivative:
        return []
    if on_numbers(graph.op[i]) and not any(t.shape for t in (*types, result)):
        found = local_partials(graph, v, i)
        return [
            (x, unsigned_zero(p), unsigned_zero(p * g)) for x, p in zip(operands, found, strict=True) if p is not None
        ]
    b = Builder()
    xs = [b.input(t) for t in types]
    wanted = [k for k, t in enumerate(types) if t.has_derivative]
    y = b.place(graph.op[i], tuple(xs), b.intern_type(result), graph.attrs.get(i, {}))
    weight = b.input(Type(result.dtype if result.is_float else "float", result.shape))
    total = b.mul(y, weight)
    if result.shape:
        total = b.sum(total, axes=tuple(range(-result.rank, 0)), keepdims=False)
    made = gradient(b.done(total), total, [xs[k] for k in wanted])
    w = executor(made).forward([*(v[x] for x in operands), g])
    handed = zip(wanted, made.outputs, strict=True)
    return [(operands[k], None, w[out] if types[k].shape else plain(w[out])) for k, out in handed]
