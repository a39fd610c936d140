"""The executor of scalar graphs on plain Python numbers: interpreted forward, and one backward sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.ops.interpreter import Interpreter, Limits, Runner
from cgcli.ops.number_kernels import CompiledLoop, NumberKernels


class ScalarExecutor:
    """A graph made ready to run any number of times on scalars; only what `roots` (the outputs) need is computed.

    max_memory: bytes that the stacks of loops may take. max_steps: how many steps loops may run together.
    """

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        max_steps: int | None = None,
    ) -> None:
        def kernels(graph: Graph, runner: Runner) -> NumberKernels:
            return NumberKernels(graph, runner, _compile_loop, roots)

        self._interpreter = Interpreter(graph, kernels, Limits(max_memory, max_steps))

    def forward(self, inputs: Sequence[Any]) -> list[Any]:
        """The value of every node that is needed, else None; a node with several results has a tuple.

        Raises CgError (status 1) where an integer is divided by zero or leaves its range, where an assertion does not
        hold, and at a loop that runs too many steps or whose stacks take too much memory.
        """
        return self._interpreter.run(inputs)

    def backward(self, v: Sequence[Any], of: int) -> list[Any]:
        """The derivative of node `of` by every node, None where no path leads to it; `v` is the result of `forward`.

        One backward sweep in descending order of nodes, with the operations of the gradient graph in the same order.
        """
        adj: list[Any] = [None] * len(v)
        adj[of] = 1.0
        self._sweep(adj, v, of)
        return adj

    def partials(self, v: Sequence[Any], i: int) -> tuple[float | None, ...]:
        """The local partial derivative of node `i` by each of its operands; see `Sweep.partials`."""
        partials: tuple[float | None, ...] = self._sweep.partials(v, i)
        return partials

    @cached_property
    def _sweep(self) -> Any:
        from .sweep import Sweep  # with the derivative rules

        return Sweep(self._interpreter.graph, self._interpreter.runner)


def _compile_loop(attrs: Mapping[str, Any], operands: int) -> CompiledLoop | None:
    from .loops import compile_loop  # only graphs with loops need it

    return compile_loop(attrs, operands)
