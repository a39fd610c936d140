"""NodeDerivatives of the nodes of a graph: by backward sweeps over numbers where these suffice, else by graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.traversal import live, restrict
from cgcli.graph.types import Type
from cgcli.ops.interpreter import Limits
from cgcli.ops.number_kernels import has_loop, is_scalar
from cgcli.ops.numbers import unsigned_zero
from cgcli.run.backends import Compiled, compile_graph
from cgcli.run.binding import plain
from cgcli.run.scalar.executor import NumberGraph

Build = Callable[[Graph, Sequence[int]], Graph]
"""Makes a graph of derivatives from a graph and the index of each node of the program in it."""


class NodeDerivatives:
    """The derivatives of a graph, within limits. What computes them is memoised.

    bound: the values of the graph's inputs, in order.
    """

    def __init__(self, graph: Graph, limits: Limits, backend: str | None) -> None:
        self.graph, self.limits, self.backend = graph, limits, backend
        self._number_graphs: dict[int, NumberGraph] = {}
        self._compiled: dict[tuple[int, ...], Compiled] = {}  # graphs of derivatives, by what they compute
        self._checkpointed: set[tuple[int, ...]] = set()  # those whose loops compute steps again

    @cached_property
    def by_sweep(self) -> bool:
        """Whether one backward sweep over numbers differentiates the graph; else its gradient runs as a graph."""
        return is_scalar(self.graph) and not has_loop(self.graph)

    def swept_values(self, of: int, bound: Sequence[Any]) -> Sequence[Any]:
        """The values of the nodes that `of` needs, for a backward sweep from it."""
        return self._number_graph(of).run(bound)

    def swept_adjoints(self, of: int, v: Sequence[Any]) -> Sequence[Any]:
        """The derivative of `of` by each node, None where there is no path; `v` holds the values of nodes."""
        return self._number_graph(of).adjoints(v, of)

    def local_partials(self, of: int, v: Sequence[Any]) -> Mapping[int, tuple[float | None, ...]]:
        """The local derivatives of each node of a graph on numbers by its operands."""
        from cgcli.run.scalar.sweep import LocalPartials  # with the derivative rules

        return LocalPartials(self._number_graph(of).sweep, v)

    def adjoints(self, of: int, v: Sequence[Any], bound: Sequence[Any]) -> Sequence[Any]:
        """The derivatives of `of` by the nodes that it depends on, None by others."""
        if self.by_sweep:
            return self.swept_adjoints(of, v)
        needed = live(self.graph, [of])
        types = [self.graph.type_of(i) for i in range(len(self.graph))]
        wrt = [i for i, t in enumerate(types) if needed[i] and isinstance(t, Type) and t.has_derivative]
        gradients = dict(zip(wrt, self.value_and_partials(of, wrt, bound)[1:], strict=True))
        return [gradients.get(i) for i in range(len(types))]

    def value_and_partials(self, of: int, wrt: Sequence[int], bound: Sequence[Any]) -> list[Any]:
        """The value of `of`, then its derivative by each of `wrt`, computed by a graph."""
        from cgcli.transform.gradient import gradient

        def build(graph: Graph, index: Sequence[int]) -> Graph:
            return gradient(graph, index[of], [index[i] for i in wrt], value=True)

        return self._run((-1, of, *wrt), build, bound)

    def jacobian(self, of: int, wrt: Sequence[int], bound: Sequence[Any]) -> list[Any]:
        """The value of `of`, then the derivative of each of its elements by each of `wrt`."""
        from cgcli.transform.jacobian import jacobian

        def build(graph: Graph, index: Sequence[int]) -> Graph:
            return jacobian(graph, index[of], [index[i] for i in wrt], value=True)

        return self._run((-3, of, *wrt), build, bound)

    def hessian(self, of: int, wrt: Sequence[int], bound: Sequence[Any]) -> list[list[Any]]:
        """The second derivatives of `of`: a row for each of `wrt`, in it one by each of `wrt`."""
        if not self.by_sweep:
            return [self._hessian_row(of, i, wrt, bound) for i in wrt]
        from cgcli.transform.gradient import gradient  # a pass of which values alone know nothing

        first = gradient(self.graph, of, wrt, whole=True)
        numbers = NumberGraph(first, self.limits, self.backend is None)
        v = numbers.run(bound)
        last = {name: node for node, name in first.names.items()}
        nodes = [last[self.graph.names[i]] for i in wrt]
        rows = (numbers.adjoints(v, row) for row in first.outputs)
        return [[unsigned_zero(adjoints[i] or 0.0) for i in nodes] for adjoints in rows]

    def _hessian_row(self, of: int, row: int, wrt: Sequence[int], bound: Sequence[Any]) -> list[Any]:
        from cgcli.transform.jacobian import hessian_row

        def build(graph: Graph, index: Sequence[int]) -> Graph:
            return hessian_row(graph, index[of], index[row], [index[i] for i in wrt])

        return self._run((-2, of, row, *wrt), build, bound)

    def _number_graph(self, of: int) -> NumberGraph:
        """What computes a node and goes back from it."""
        if of not in self._number_graphs:
            graph = restrict(self.graph, [of])
            self._number_graphs[of] = NumberGraph(graph, self.limits, self.backend is None)
        return self._number_graphs[of]

    def _run(self, key: tuple[int, ...], build: Build, bound: Sequence[Any]) -> list[Any]:
        """The outputs of a graph of derivatives.

        Where the stacks of loops would take more than memory allows, it is made of the graph with checkpoints.
        """
        if key not in self._compiled:
            self._compiled[key] = self._compile(build(self.graph, range(len(self.graph))))
        try:
            outputs = self._compiled[key](bound)
        except CgError as e:
            if key in self._checkpointed or all(d.code != "stacks-too-large" for d in e.diagnostics):
                raise
            from cgcli.transform.checkpoint import checkpointed

            self._checkpointed.add(key)
            self._compiled[key] = self._compile(build(*checkpointed(self.graph)))
            outputs = self._compiled[key](bound)
        return [plain(x) for x in outputs]

    def _compile(self, graph: Graph) -> Compiled:
        return compile_graph(graph, self.limits, self.backend)
