"""The backward sweep of a graph on numbers: cotangents from a node back to all that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from cgcli.graph.graph import COND, GET, LOOP, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import NumberKernels, has_loop
from cgcli.ops.numbers import float32
from cgcli.ops.typing import single

from .backward import BackwardKernel, Cotangent, Cotangents, backward_kernel


class Sweep:
    """`sweep(adj, v, top)`: adds the contributions of the nodes from `top` down to the cotangents `adj`.

    A cotangent is None until a path reaches it. forward: the kernels of the graph; their runner computes the side of a
    `cond` that was taken again.
    """

    def __init__(self, forward: NumberKernels) -> None:
        self.graph, self._forward = forward.graph, forward
        self._nested: dict[int, Sweep] = {}
        self._gradients: dict[tuple[int, int], tuple[list[int], Graph]] = {}

    def __call__(self, adj: list[Cotangent], v: Sequence[object], top: int) -> None:
        a, b, more = self.graph.a, self.graph.b, self.graph.more
        kernels, kinds = self._kernels, self._forward.kinds
        for i in range(top, -1, -1):
            g = adj[i]
            if g is not None:
                kernel = kernels[kinds[i]]
                if kernel is not None:
                    kernel(adj, g, v, i, a[i], b[i], more)

    def adjoints(self, v: Sequence[object], of: int) -> list[float | None]:
        """The derivative of node `of` by every node, None where no path leads to it, and of structured nodes.

        v: the values of nodes. One sweep in descending order of nodes, with the operations of the gradient graph in the
        same order.
        """
        adj: list[Cotangent] = [None] * len(self.graph)
        adj[of] = 1.0
        self(adj, v, of)
        return [None if isinstance(g, dict) else g for g in adj]

    def partials(self, v: Sequence[object], i: int) -> tuple[float | None, ...]:
        """The local partial derivative of node `i` by each of its operands, None where it has none.

        For the result of a `cond`: by each operand of the `cond`, which itself has none. Loops have none.
        """
        if self.graph.op[i] == GET and self.graph.op[self.graph.a[i]] == COND:
            source = self.graph.a[i]
            adj: dict[int, Cotangent] = dict.fromkeys(self.graph.operands(source))
            self._through_cond(adj, {self.graph.attrs[i]["k"]: 1.0}, v, source)
            return tuple(_number(adj[x]) for x in self.graph.operands(source))
        if self.graph.op[i] in (LOOP, GET):
            return ()
        if self.graph.op[i] == COND:
            return (None,) * len(self.graph.operands(i))
        return local_partials(self.graph, v, i)

    @cached_property
    def _kernels(self) -> list[BackwardKernel | None]:
        """By kind of node, the backward kernel; None for kinds without a derivative (inputs, constants, …)."""
        return [self._kernel(i) for i in self._forward.first_of_kind]

    def _kernel(self, i: int) -> BackwardKernel | None:
        code = self.graph.op[i]
        if code == GET:
            return self._gather(self.graph.attrs[i]["k"])
        return _backward_kernel_of(self.graph, i) if code != COND else self._through_cond

    @staticmethod
    def _gather(k: int) -> BackwardKernel:
        """A `get`: the cotangent of a structured node is a dictionary, result by result."""

        def kernel(adj: Cotangents, g: Cotangent, v: Sequence[object], i: int, a: int, *_: object) -> None:
            by_result = adj[a]
            if not isinstance(by_result, dict):
                adj[a] = by_result = {}
            assert isinstance(g, float | int)
            by_result[k] = g  # a result is read once

        return kernel

    def _through_cond(self, adj: Cotangents, g: Cotangent, v: Sequence[object], i: int, *_: object) -> None:
        """The backward kernel of a `cond`: the side that was taken is computed again and swept; one with loops, through
        which no sweep goes, is differentiated as a graph.
        """
        assert isinstance(g, dict)
        condition, *captured = self.graph.operands(i)
        attrs = self.graph.attrs[i]
        body: Graph = attrs["then"] if v[condition] else attrs["else"]
        values = [v[x] for x in captured]
        cotangents = self._by_gradient(body, g, values) if has_loop(body) else self._by_sweep(body, g, values)
        for x, inner in zip(captured, cotangents, strict=True):
            t = self.graph.type_of(x)
            if inner is not None and isinstance(t, Type) and t.has_derivative:
                total = _sum(adj[x], inner)
                adj[x] = float32(total) if t.dtype == "f32" else total

    def _by_sweep(self, body: Graph, g: Mapping[int, float], values: Sequence[object]) -> list[float | None]:
        """The cotangents of the inputs of a side by those of its results, `g`, by number."""
        runner = self._forward.runner
        nested_v = runner.values(body, values)
        nested = self._nested.get(id(body))
        if nested is None:
            kernels = runner.nested(body)
            assert isinstance(kernels, NumberKernels)
            nested = self._nested[id(body)] = Sweep(kernels)
        nested_adj: list[Cotangent] = [None] * len(body)
        for k in sorted(g):
            output = body.outputs[k]
            nested_adj[output] = _sum(nested_adj[output], g[k])
        nested(nested_adj, nested_v, len(body) - 1)
        return [_number(nested_adj[x]) for x in body.inputs]

    def _by_gradient(self, body: Graph, g: Mapping[int, float], values: Sequence[object]) -> list[float | None]:
        """As `_by_sweep`."""
        cotangents: dict[int, float] = {}
        for k in sorted(g):
            by, graph = self._gradient(body, k)
            for x, derivative in zip(by, self._forward.runner(graph, values), strict=True):
                assert isinstance(derivative, float)
                cotangents[x] = cotangents.get(x, 0.0) + g[k] * derivative
        return [cotangents.get(x) for x in body.inputs]

    def _gradient(self, body: Graph, k: int) -> tuple[list[int], Graph]:
        """The inputs of a side that its result `k` needs, and the graph of the derivatives by them, memoised."""
        from cgcli.transform.gradient import gradient  # for sides with loops alone

        key = id(body), k
        if key not in self._gradients:
            output = body.outputs[k]
            needed = live(body, [output])
            by = [x for x in body.inputs if needed[x] and single(body.type_of(x)).has_derivative]
            self._gradients[key] = by, gradient(body, output, by)
        return self._gradients[key]


def _number(g: Cotangent) -> float | None:
    assert not isinstance(g, dict)  # of a structured node
    return g


def _sum(earlier: Cotangent, g: float) -> float:
    number = _number(earlier)
    return g if number is None else number + g


class LocalPartials(Mapping[int, tuple[float | None, ...]]):
    """By node of a graph on numbers its local derivative by each operand, computed when it is asked for."""

    def __init__(self, sweep: Sweep, v: Sequence[object]) -> None:
        self._graph, self._sweep, self._v = sweep.graph, sweep, v
        self._by_node: dict[int, tuple[float | None, ...]] = {}

    def __getitem__(self, i: int) -> tuple[float | None, ...]:
        if i not in self._by_node:
            if not 0 <= i < len(self._graph) or self._graph.a[i] < 0:
                raise KeyError(i)
            self._by_node[i] = self._sweep.partials(self._v, i)
        return self._by_node[i]

    def __iter__(self) -> Iterator[int]:
        return (i for i in range(len(self._graph)) if self._graph.a[i] >= 0)

    def __len__(self) -> int:
        return sum(x >= 0 for x in self._graph.a)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def local_partials(graph: Graph, v: Sequence[object], i: int) -> tuple[float | None, ...]:
    """The local partial derivative of a node on numbers by each of its operands, None where it has none."""
    operands = graph.operands(i)
    kernel = _backward_kernel_of(graph, i)
    last = len(operands)
    partials: list[float | None] = []
    for k in range(last):
        # the operands have indices of their own, so that x * x has two partials
        adj: list[Cotangent] = [None] * (last + 1)
        local = [*(v[x] for x in operands), v[i]]
        if kernel is not None:
            kernel(adj, 1.0, local, last, 0, 1, {last: tuple(range(2, last))})
        partials.append(_number(adj[k]))
    return tuple(partials)


def _backward_kernel_of(graph: Graph, i: int) -> BackwardKernel | None:
    """The backward kernel of a node; None for a node without a derivative."""
    code, result = graph.op[i], graph.type_of(i)
    types = tuple(graph.type_of(x) for x in graph.operands(i))
    active = [not isinstance(t, Type) or t.has_derivative for t in types]
    if not isinstance(result, Type) or not result.has_derivative or not any(active):
        return None
    return backward_kernel(code, types, result, graph.attrs.get(i, {}), active)
