"""A graph run by each of the ways there are, with the value of each node that was computed in a list by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.traversal import restrict
from cgcli.ops.interpreter import Limits
from cgcli.run.backends import compile_graph
from cgcli.run.numpy.planned import PlannedGraph
from cgcli.run.numpy.reference import array_interpreter
from cgcli.run.scalar.executor import number_interpreter
from cgcli.run.scalar.sweep import Sweep


class _Executor:
    """What `make` makes of a graph whose outputs are the roots, if there are any."""

    make: Callable[[Graph, Limits], Any]

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        max_steps: int | None = None,
    ) -> None:
        self.graph = graph if roots is None else restrict(graph, roots)
        self.run = type(self).make(self.graph, Limits(max_memory, max_steps))


class ScalarExecutor(_Executor):
    """On numbers, with a backward sweep."""

    make = staticmethod(number_interpreter)

    def forward(self, inputs: Sequence[Any]) -> list[Any]:
        v: list[Any] = self.run.run(inputs)
        return v

    def backward(self, v: Sequence[Any], of: int) -> list[Any]:
        return Sweep(self.run.kernels).adjoints(v, of)


class _Compiled(_Executor):
    """The outputs, or the roots, of a graph on arrays."""

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        v: list[Any] = [None] * len(self.graph)
        for i, x in zip(self.graph.outputs, self.run(inputs, sizes), strict=True):
            v[i] = x
        return v


class ArrayExecutor(_Compiled):
    """Node by node."""

    make = staticmethod(array_interpreter)


class PlannedExecutor(_Compiled):
    """By a plan, without the optimiser."""

    make = staticmethod(PlannedGraph)


def executor(
    graph: Graph,
    roots: Sequence[int] | None = None,
    max_memory: int | None = None,
    max_steps: int | None = None,
    backend: str | None = None,
) -> Any:
    """As programs run it."""

    class Chosen(_Compiled):
        make = staticmethod(lambda graph, limits: compile_graph(graph, limits, backend))

    return Chosen(graph, roots, max_memory, max_steps)
