"""The backward pass operation by operation: each local partial derivative, each product, the running sum."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import on_numbers
from cgcli.ops.numbers import unsigned_zero
from cgcli.ops.written import WrittenOperations
from cgcli.run.binding import plain
from cgcli.run.scalar.sweep import local_partials

if TYPE_CHECKING:
    from cgcli.ops.array_kernels import FloatArray
    from cgcli.run.backends import Compiled

    Number = float | FloatArray


class Edge(NamedTuple):
    """An edge of the backward pass, from a node to one of its operands.

    partial: the local derivative, of numbers alone. product: that times the node's own derivative. total: the sum of
    the products that have reached the operand so far.
    """

    operand: int
    partial: float | None
    product: Number
    total: Number


class Step(NamedTuple):
    """An operation whose derivative is complete, its result, and the edges to its operands."""

    node: int
    derivative: Number
    edges: tuple[Edge, ...]


class BackwardPass:
    """Steps from node `of` of a graph with the values `v` of its nodes back to its inputs; steps can be undone.

    A step is an operation as it was written. They come in descending order, so that the derivative by a result is
    complete when its turn comes.
    """

    def __init__(self, graph: Graph, v: Sequence[Number], of: int) -> None:
        self.graph, self.v = graph, v
        self.written = WrittenOperations(graph)
        self.of = self.written.result_of[of]
        self._reset()

    def _reset(self) -> None:
        self.steps: list[Step] = []
        self.derivatives: dict[int, Number] = {self.of: 1.0}
        self._pending = [-self.of]

    @property
    def ended(self) -> bool:
        return not self._pending

    def step(self) -> Step | None:
        """The next node; None when all of them have had their turn."""
        if not self._pending:
            return None
        i = -heapq.heappop(self._pending)
        g = self.derivatives[i]
        edges: list[Edge] = []
        for x, partial, product in operation_contributions(self.written, self.v, i, g):
            if x in self.derivatives:
                total = self.derivatives[x] + product
            else:
                total = product
                heapq.heappush(self._pending, -x)
            self.derivatives[x] = total
            edges.append(Edge(x, partial, product, total))
        self.steps.append(Step(i, g, tuple(edges)))
        return self.steps[-1]

    def back(self) -> bool:
        """Undoes the last step; False when there is none."""
        if not self.steps:
            return False
        count = len(self.steps) - 1
        self._reset()  # the sums are recomputed: a step is short
        for _ in range(count):
            self.step()
        return True


def operation_contributions(
    written: WrittenOperations, v: Sequence[Number], result: int, g: Number
) -> list[tuple[int, float | None, Number]]:
    """As `contributions`, of an operation as it was written: the chain rule over the nodes that it was lowered to."""
    graph, inside = written.graph, frozenset(written.members.get(result, (result,)))
    if len(inside) == 1 and not any(written.is_form[x] for x in graph.operands(result)):
        return contributions(graph, v, result, g)
    derivatives: dict[int, Number] = {result: g}
    by_operand: dict[int, Number] = {}
    pending = [-result]
    while pending:
        i = -heapq.heappop(pending)
        for x, _, product in contributions(graph, v, i, derivatives[i]):
            is_part = x in inside or written.is_form[x]
            sums = derivatives if is_part else by_operand
            if is_part and x not in derivatives:
                heapq.heappush(pending, -x)
            sums[x] = sums[x] + product if x in sums else product
    is_number = isinstance(g, float | int) and g == 1.0
    order = {x: k for k, x in enumerate(written.operands(result))}
    products = sorted(by_operand.items(), key=lambda product: order.get(product[0], len(order)))
    return [(x, p if is_number and isinstance(p, float | int) else None, p) for x, p in products]


def partials_on_numbers(graph: Graph, v: Sequence[Number], i: int) -> tuple[float | None, ...] | None:
    """The local partial by each operand of an operation on numbers, None where it has none; None for one on tensors."""
    types = [t for t in map(graph.type_of, (*graph.operands(i), i)) if isinstance(t, Type)]
    if not on_numbers(graph.op[i]) or any(t.shape for t in types):
        return None
    return local_partials(graph, v, i)


def contributions(graph: Graph, v: Sequence[Number], i: int, g: Number) -> list[tuple[int, float | None, Number]]:
    """By operand of node `i` that a derivative reaches: the operand, the local partial, and the product with `g`."""
    operands, result = graph.operands(i), graph.type_of(i)
    types = [t for t in map(graph.type_of, operands) if isinstance(t, Type)]  # a tape holds values alone
    if graph.op[i] in (INPUT, CONST) or not isinstance(result, Type) or not result.has_derivative:
        return []
    partials = partials_on_numbers(graph, v, i)
    if partials is not None:
        assert isinstance(g, float | int)
        return [
            (x, unsigned_zero(p), unsigned_zero(p * g))
            for x, p in zip(operands, partials, strict=True)
            if p is not None
        ]
    signature = graph.op[i], tuple(types), result
    attrs = tuple(graph.attrs.get(i, {}).items())
    try:
        run = _kept_products(*signature, attrs)
    except TypeError:  # an attribute that is no key
        run = _products(*signature, attrs)
    differentiable = [k for k, t in enumerate(types) if t.has_derivative]
    products = zip(differentiable, run([*(v[x] for x in operands), g]), strict=True)
    return [(operands[k], None, x if types[k].shape else plain(x)) for k, x in products]


def _products(op: int, types: tuple[Type, ...], result: Type, attrs: tuple[tuple[str, Any], ...]) -> Compiled:
    """Computes the products of an operation's cotangent with its Jacobians, from the operands and the cotangent."""
    from cgcli.ops.builder import Builder  # numbers do without
    from cgcli.run.backends import compile_graph
    from cgcli.transform.gradient import gradient

    b = Builder()
    xs = [b.input(t) for t in types]
    y = b.place(op, tuple(xs), b.intern_type(result), dict(attrs))
    weight = b.input(Type(result.dtype if result.is_float else "float", result.shape))
    total = b.mul(y, weight)
    if result.shape:
        total = b.sum(total, axes=tuple(range(-result.rank, 0)), keepdims=False)
    wrt = [x for x, t in zip(xs, types, strict=True) if t.has_derivative]
    return compile_graph(gradient(b.done(total), total, wrt))


_kept_products = lru_cache(1024)(_products)
"""For the operations of loops, which are the same in each step."""
