"""Which executor runs a graph: plain numbers where they suffice, else arrays, whose library is loaded then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph, opname
from cgcli.graph.types import Type
from cgcli.ops.evaluate import is_scalar

from .scalar.executor import ScalarExecutor

BACKENDS = {
    "reference": "node by node as the program says, with NumPy",
    "numpy": "the optimised graph, planned: results in shared memory, large arrays block by block",
}


def executor(
    graph: Graph,
    roots: Sequence[int] | None = None,
    max_memory: int | None = None,
    max_steps: int | None = None,
    backend: str | None = None,
) -> Any:
    """What computes `roots` (the outputs); see `ArrayExecutor` for the limits, `BACKENDS` for the names.

    Graphs on numbers alone run on Python's numbers whatever the backend. Raises CgError for an unknown backend.
    """
    if backend is not None:
        check_backend(backend)
    if is_scalar(graph):
        return ScalarExecutor(graph, roots, max_memory, max_steps)
    from .backends import tensor_executor

    return tensor_executor(graph, roots, max_memory, max_steps, backend)


def check_backend(name: str) -> str:
    """The name, if it is one. Raises CgError otherwise."""
    if name not in BACKENDS:
        raise error("unknown-backend", name=name, choices=sorted(BACKENDS))
    return name


def tensor_of(graph: Graph, inputs: Sequence[Any] = (), sizes: Mapping[str, int] | None = None) -> Any:
    """The only output of a graph on tensors. Raises CgError as running it does."""
    from .numpy.reference import ArrayExecutor

    return ArrayExecutor(graph).forward(inputs, sizes or {})[graph.outputs[0]]


def names_no_size(graph: Graph) -> bool:
    """Whether a graph can run before named sizes are known."""
    named = any(isinstance(d, str) for t in graph.types if isinstance(t, Type) for d in t.shape)
    return not named and "size" not in map(opname, graph.op)
