"""The backends that run a graph: plain numbers where they suffice, else arrays, whose library is loaded then.

What each backend has to offer is `Compiled`; see docs/backends.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import LOOP, SIZE, Graph
from cgcli.graph.types import Type
from cgcli.ops.interpreter import DEFAULT_LIMITS, Limits, Sizes
from cgcli.ops.number_kernels import is_scalar

from .scalar.executor import number_interpreter

BACKENDS = {
    "reference": "node by node as the program says, with NumPy",
    "numpy": "the optimised graph, planned: results in shared memory, large arrays block by block",
}


class Compiled(Protocol):
    """A graph made ready to run any number of times."""

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the graph's outputs, which no later run changes. Asserts run even if no output needs them.

        inputs: a value for each input; sizes: the numbers of named sizes, None to take them from the inputs. Raises
        CgError (status 1) at the node that stops the run.
        """


def compile_graph(graph: Graph, limits: Limits = DEFAULT_LIMITS, backend: str | None = None) -> Compiled:
    """The graph made ready to run; who needs more nodes compiles `restrict(graph, nodes)`.

    Graphs on numbers alone run on Python's numbers whatever the backend (`BACKENDS`); without a backend, graphs on
    tensors run by a plan where that pays (`Adaptive`). Raises CgError for an unknown backend.
    """
    if backend is not None:
        check_backend(backend)
    if is_scalar(graph):
        return number_interpreter(graph, limits)
    return Adaptive(graph, limits) if backend is None else _COMPILERS[backend](graph, limits)


def check_backend(name: str) -> str:
    """The name of a backend, unchanged. Raises CgError for an unknown name."""
    if name not in BACKENDS:
        raise error("unknown-backend", name=name, choices=sorted(BACKENDS))
    return name


def tensor_of(graph: Graph, inputs: Sequence[Any] = (), sizes: Mapping[str, int] | None = None) -> Any:
    """The only output of a graph on tensors. Raises CgError as running it does."""
    return _reference(graph, DEFAULT_LIMITS)(inputs, sizes or {})[0]


def names_no_size(graph: Graph) -> bool:
    """Whether a graph can run before named sizes have numbers."""
    has_names = any(isinstance(d, str) for t in graph.types if isinstance(t, Type) for d in t.shape)
    return not has_names and SIZE not in graph.op


class Adaptive:
    """The backend that suits the graph: a plan pays when its nodes run more than once.

    So `numpy` where there is a loop, whose body runs many times, and from the second run on; `reference` for the first
    run of a graph without loops.
    """

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self._graph, self._limits = graph, limits
        self._reference = None if LOOP in graph.op else _reference(graph, limits)
        self._planned: Compiled | None = None

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        if self._reference is not None:
            reference, self._reference = self._reference, None
            return reference(inputs, sizes)
        if self._planned is None:
            self._planned = _planned(self._graph, self._limits)
        return self._planned(inputs, sizes)


def _reference(graph: Graph, limits: Limits) -> Compiled:
    from .numpy.reference import array_interpreter

    return array_interpreter(graph, limits)


def _planned(graph: Graph, limits: Limits) -> Compiled:
    if not all(isinstance(graph.type_of(i), Type) for i in graph.outputs):  # passes know no outputs of other kinds
        return _reference(graph, limits)
    from cgcli.optimise.driver import optimise  # a graph on numbers runs without the optimiser

    from .numpy.planned import PlannedGraph

    return PlannedGraph(optimise(graph), limits)


_COMPILERS = {"reference": _reference, "numpy": _planned}
