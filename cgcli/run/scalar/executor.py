"""Graphs on plain Python numbers: interpreted, with their loops compiled; and from much work on as machine code, with
the same digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cgcli.graph.graph import Graph
from cgcli.ops.interpreter import DEFAULT_LIMITS, Interpreter, Limits, Sizes
from cgcli.ops.number_kernels import CompiledLoop, NumberKernels

if TYPE_CHECKING:
    from cgcli.run.native.columns import ColumnGraph

    from .sweep import Sweep

LEAST_WORK = 400_000
"""Nodes that runs and sweeps of a graph compute in about the time that machine code takes to be ready: its imports and
the compilation (`benchmarks/large_graphs.py --break-even`)."""
LEAST_NODES = 50
"""Nodes that the kernels compute in about the time of a call of machine code."""


class NumberGraph:
    """A graph on numbers made ready to run any number of times, and to be swept backward.

    columns: its machine code from the first run on. compiles: whether it may run as machine code.
    """

    def __init__(
        self, graph: Graph, limits: Limits = DEFAULT_LIMITS, compiles: bool = True, columns: ColumnGraph | None = None
    ) -> None:
        self.graph, self._limits = graph, limits
        self._compiles = compiles and len(graph) >= LEAST_NODES
        self._work = 0  # the nodes of all runs and sweeps that were asked for
        self._columns = columns

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The values of the outputs. Raises CgError as `run` does."""
        v = self.run(inputs)
        if len(self.graph.outputs) * 8 > len(v):
            v = list(v)  # all at once is quicker
        return [v[i] for i in self.graph.outputs]

    def run(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The values of the nodes that are needed, None for the others.

        Raises CgError (status 1) at the node that stops the run.
        """
        self._count()
        v = None if self._columns is None else self._columns.run(inputs)
        return self._interpreter.run(inputs) if v is None else v

    def adjoints(self, v: Sequence[Any], of: int) -> Sequence[Any]:
        """The derivative of node `of` by every node, None where no path leads to it. v: the values of a run."""
        self._work += len(self.graph)
        adjoints = None if self._columns is None else self._columns.adjoints(v, of)
        return self.sweep.adjoints(v, of) if adjoints is None else adjoints

    @cached_property
    def _interpreter(self) -> Interpreter[NumberKernels]:
        return number_interpreter(self.graph, self._limits)

    @cached_property
    def sweep(self) -> Sweep:
        """The backward sweep over Python's numbers."""
        from .sweep import Sweep  # with the derivative rules

        return Sweep(self._interpreter.kernels)

    def _count(self) -> None:
        """Counts a run; from the one on at which it pays the graph is machine code, where it can be."""
        self._work += len(self.graph)
        if self._compiles and self._work >= LEAST_WORK:
            self._compiles = False
            from cgcli.run.native.choice import columns_of  # with the compiler, which most programs do without

            self._columns = columns_of(self.graph)


def least_runs(graph: Graph) -> int:
    """The number of the run from which on a graph can be machine code; 0 where it never is."""
    return -(-LEAST_WORK // len(graph)) if len(graph) >= LEAST_NODES else 0


def number_interpreter(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> Interpreter[NumberKernels]:
    """What runs a graph on Python's numbers. limits: its memory bounds the stacks of loops."""
    return Interpreter(graph, lambda graph, runner: NumberKernels(graph, runner, _compile_loop), limits)


def _compile_loop(attrs: Mapping[str, object], operands: int) -> CompiledLoop | None:
    from .loops import compile_loop  # only graphs with loops need it

    return compile_loop(attrs, operands)
