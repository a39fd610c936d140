"""The reference: a graph that holds tensors, interpreted node by node with NumPy."""

from __future__ import annotations

from cgcli.graph.graph import Graph
from cgcli.ops.array_kernels import ArrayKernels
from cgcli.ops.interpreter import DEFAULT_LIMITS, Interpreter, Limits


def array_interpreter(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> Interpreter[ArrayKernels]:
    """What runs a graph on arrays.

    A run stops with CgError (status 1) at a division of an int by zero, an index out of range, sizes that differ, a
    matrix without an inverse, an assertion that does not hold, more memory or more steps of loops than are allowed.
    """
    return Interpreter(graph, lambda g, runner: ArrayKernels(g, runner, limits.memory), limits)
