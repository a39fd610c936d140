"""The reference: a graph that holds tensors, interpreted node by node with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cgcli.graph.graph import Graph
from cgcli.ops.array_kernels import ArrayKernels
from cgcli.ops.interpreter import Interpreter, Limits, Runner, Sizes


class ArrayExecutor:
    """A graph made ready to run any number of times; only what `roots` (the outputs) need is computed.

    max_memory: bytes that the values of a run may take together. max_steps: how many steps its loops may run together.
    keep: whether the values of all nodes stay, besides those of the roots.
    """

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        keep: bool = False,
        max_steps: int | None = None,
    ) -> None:
        def kernels(graph: Graph, runner: Runner) -> ArrayKernels:
            return ArrayKernels(graph, runner, max_memory, roots, keep)

        self._interpreter = Interpreter(graph, kernels, Limits(max_memory, max_steps))

    def forward(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The value of every root, else None or, with `keep`, that of every node.

        Raises CgError (status 1) at the node that stops the run: a division of an int by zero, an index out of range,
        sizes that differ, a matrix without an inverse, an assertion that does not hold, more memory or more steps of
        loops than are allowed.
        """
        with np.errstate(all="ignore"):
            return self._interpreter.run(inputs, None if sizes is None else dict(sizes))
