"""Graphs compiled under the limits of a program, for many runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cgcli.graph.graph import Graph
from cgcli.run.backends import executor


class Limits(Protocol):
    """The limits and the backend of a program; see `executor`."""

    max_memory: int | None
    max_steps: int | None
    backend: str | None


class CompiledGraph:
    """A call returns the values of the graph's outputs for the values of its inputs; both are in order.

    limits: a program, whose limits and backend hold; None for no limits. checkpointed: whether its loops compute steps
    again that they do not store. A call raises CgError as running the program does.
    """

    def __init__(self, graph: Graph, limits: Limits | None = None, *, checkpointed: bool = False) -> None:
        options = () if limits is None else (limits.max_memory, limits.max_steps, limits.backend)
        self._executor = executor(graph, None, *options)
        self._outputs = graph.outputs
        self.checkpointed = checkpointed

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        values = self._executor.forward(inputs)
        return [values[i] for i in self._outputs]
