"""The ways to run a graph on tensors. What each has to offer is `Executor`; see docs/backends.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from cgcli.graph.graph import Graph, opcode
from cgcli.graph.types import Type
from cgcli.optimise.driver import optimise

_LOOP = opcode("loop")


class Executor(Protocol):
    """A graph made ready to run any number of times."""

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        """A list with a place for each node of the graph, of which those of the roots hold their values.

        inputs: a value for each input; sizes: the numbers of named sizes, None to take them from the inputs. Raises
        CgError (status 1) at the node that stops the run.
        """


def tensor_executor(
    graph: Graph,
    roots: Sequence[int] | None = None,
    max_memory: int | None = None,
    max_steps: int | None = None,
    backend: str | None = None,
) -> Executor:
    """What computes `roots` (the outputs) of a graph that holds tensors. Without a backend, `Chosen`."""
    wanted = tuple(graph.outputs if roots is None else roots)
    if backend is not None:
        return _BUILDERS[backend](graph, wanted, max_memory, max_steps)
    return Chosen(graph, wanted, max_memory, max_steps)


class Chosen:
    """The backend that suits what is run: a plan pays when its nodes run more than once.

    So `numpy` where there is a loop, whose body runs many times, and from the second run on; `reference` for the first
    run of a graph without loops.
    """

    def __init__(self, graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> None:
        self._arguments = graph, roots, max_memory, max_steps
        self._reference = None if _LOOP in graph.op else _reference(*self._arguments)
        self._planned: Executor | None = None

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        if self._reference is not None:
            first, self._reference = self._reference, None
            return first.forward(inputs, sizes)
        if self._planned is None:
            self._planned = _planned(*self._arguments)
        return self._planned.forward(inputs, sizes)


class Optimised:
    """The optimised form of a graph, run by the planned executor, under the numbers of the given graph's nodes."""

    def __init__(self, graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> None:
        from .numpy.planned import PlannedExecutor

        self._roots, self._length = roots, len(graph)
        self._graph = optimise(replace(graph, outputs=roots))
        self._inner = PlannedExecutor(self._graph, None, max_memory, max_steps)

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        found = self._inner.forward(inputs, sizes)
        v: list[Any] = [None] * self._length
        for root, i in zip(self._roots, self._graph.outputs, strict=True):
            v[root] = found[i]
        return v


def _reference(graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> Executor:
    from .numpy.reference import ArrayExecutor

    return ArrayExecutor(graph, roots, max_memory, max_steps=max_steps)


def _planned(graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> Executor:
    if not _single(graph, roots):
        return _reference(graph, roots, max_memory, max_steps)
    return Optimised(graph, roots, max_memory, max_steps)


def _single(graph: Graph, roots: Sequence[int]) -> bool:
    """Whether every root is one value: passes know no outputs of other kinds."""
    return all(isinstance(graph.type_of(i), Type) for i in roots)


_BUILDERS = {"reference": _reference, "numpy": _planned}
