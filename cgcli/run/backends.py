"""The backends that run a graph: plain numbers where they suffice, else arrays, whose library is loaded then.

What each backend has to offer is `Executor`; see docs/backends.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import LOOP, SIZE, Graph
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import is_scalar

from .scalar.executor import ScalarExecutor

BACKENDS = {
    "reference": "node by node as the program says, with NumPy",
    "numpy": "the optimised graph, planned: results in shared memory, large arrays block by block",
}


class Executor(Protocol):
    """A graph made ready to run any number of times."""

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        """A list with an entry for each node of the graph, of which those of the roots hold their values.

        inputs: a value for each input; sizes: the numbers of named sizes, None to take them from the inputs. Raises
        CgError (status 1) at the node that stops the run.
        """


def executor(
    graph: Graph,
    roots: Sequence[int] | None = None,
    max_memory: int | None = None,
    max_steps: int | None = None,
    backend: str | None = None,
) -> Any:
    """What computes `roots` (the outputs); see `ArrayExecutor` for the limits, `BACKENDS` for the names.

    Graphs on numbers alone run on Python's numbers whatever the backend; without a backend, graphs on tensors are run
    by an `AdaptiveExecutor`. Raises CgError for an unknown backend.
    """
    if backend is not None:
        check_backend(backend)
    if is_scalar(graph):
        return ScalarExecutor(graph, roots, max_memory, max_steps)
    output_nodes = tuple(graph.outputs if roots is None else roots)
    if backend is not None:
        return _BUILDERS[backend](graph, output_nodes, max_memory, max_steps)
    return AdaptiveExecutor(graph, output_nodes, max_memory, max_steps)


def check_backend(name: str) -> str:
    """The name of a backend, unchanged. Raises CgError for an unknown name."""
    if name not in BACKENDS:
        raise error("unknown-backend", name=name, choices=sorted(BACKENDS))
    return name


def tensor_of(graph: Graph, inputs: Sequence[Any] = (), sizes: Mapping[str, int] | None = None) -> Any:
    """The only output of a graph on tensors. Raises CgError as running it does."""
    from .numpy.reference import ArrayExecutor

    return ArrayExecutor(graph).forward(inputs, sizes or {})[graph.outputs[0]]


def names_no_size(graph: Graph) -> bool:
    """Whether a graph can run before named sizes have numbers."""
    has_names = any(isinstance(d, str) for t in graph.types if isinstance(t, Type) for d in t.shape)
    return not has_names and SIZE not in graph.op


class AdaptiveExecutor:
    """The backend that suits the graph: a plan pays when its nodes run more than once.

    So `numpy` where there is a loop, whose body runs many times, and from the second run on; `reference` for the first
    run of a graph without loops.
    """

    def __init__(self, graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> None:
        self._arguments = graph, roots, max_memory, max_steps
        self._reference = None if LOOP in graph.op else _reference(*self._arguments)
        self._planned: Executor | None = None

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        if self._reference is not None:
            reference, self._reference = self._reference, None
            return reference.forward(inputs, sizes)
        if self._planned is None:
            self._planned = _planned(*self._arguments)
        return self._planned.forward(inputs, sizes)


class OptimisedExecutor:
    """The optimised form of a graph, run by the planned executor, under the node numbers of the original graph."""

    def __init__(self, graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> None:
        from cgcli.optimise.driver import optimise  # a graph on numbers runs without the optimiser

        from .numpy.planned import PlannedExecutor

        self._roots, self._length = roots, len(graph)
        self._graph = optimise(replace(graph, outputs=roots))
        self._planned = PlannedExecutor(self._graph, None, max_memory, max_steps)

    def forward(self, inputs: Sequence[Any], sizes: Mapping[str, int] | None = None) -> list[Any]:
        values = self._planned.forward(inputs, sizes)
        v: list[Any] = [None] * self._length
        for root, i in zip(self._roots, self._graph.outputs, strict=True):
            v[root] = values[i]
        return v


def _reference(graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> Executor:
    from .numpy.reference import ArrayExecutor

    return ArrayExecutor(graph, roots, max_memory, max_steps=max_steps)


def _planned(graph: Graph, roots: tuple[int, ...], max_memory: int | None, max_steps: int | None) -> Executor:
    if not all(isinstance(graph.type_of(i), Type) for i in roots):  # passes know no outputs of other kinds
        return _reference(graph, roots, max_memory, max_steps)
    return OptimisedExecutor(graph, roots, max_memory, max_steps)


_BUILDERS = {"reference": _reference, "numpy": _planned}
