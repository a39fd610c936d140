"""A graph as one loop nest in machine code; where that stops, the plan for arrays says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cgcli.graph.graph import LOOP, Graph
from cgcli.graph.types import Type
from cgcli.loop_nests import form
from cgcli.loop_nests.extents import shapes
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.failures import StacksTooLarge, failure
from cgcli.ops.interpreter import DEFAULT_LIMITS, Limits, Sizes
from cgcli.ops.limits import Meter, memory_limit
from cgcli.ops.number_kernels import is_scalar
from cgcli.ops.sizes import bind_sizes
from cgcli.run.long_loops import Run

from .blas import blas, one_thread
from .choice import Batch, nest_of
from .chunks import run_chunks
from .compile import StopFlag, compile_nest
from .routines import Routines

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NativeGraph:
    """A graph made ready to run as machine code. Runs may overlap.

    batch: of a graph of many rows, whose loop is cut over threads; None to run in one piece. fallback: makes what runs
    the graph where the nest stops, or where its values do not fit into memory: that raises the error, with its words.
    Raises Unsupported for a graph that has no machine code.
    """

    is_machine_code = True

    def __init__(
        self,
        graph: Graph,
        fallback: Callable[[], Run],
        limits: Limits = DEFAULT_LIMITS,
        batch: Batch | None = None,
    ) -> None:
        self.graph, self.rows = graph, batch and batch.size
        self.max_memory = limits.memory or memory_limit()
        self.nest = nest_of(graph, batch)
        self.code = compile_nest(self.nest)
        self._routines = Routines(graph, self.nest)
        self._on_numbers = is_scalar(graph)
        self._make_fallback = fallback
        self._fallback: Run | None = None

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the outputs. Raises CgError (status 1) at the node that stops the run."""
        graph = self.graph
        env = bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes
        numbers = {name: env[name] for name in self.nest.sizes if name in env}
        arrays = self._arrays(inputs, numbers) if len(numbers) == len(self.nest.sizes) else None
        count = None if self.rows is None else numbers.get(self.rows)
        if arrays is None:
            return self._run_fallback(inputs, env)
        status = self._run(arrays, env, numbers, count)
        if status & 15 == form.MEMORY:
            raise failure(graph, self._first_loop(), StacksTooLarge(self.max_memory))
        if status:
            return self._run_fallback(inputs, env)
        outputs = [arrays[f"y{n}"] for n in range(len(graph.outputs))]
        return [y.item() for y in outputs] if self._on_numbers else outputs

    def _run(self, arrays: Mapping[str, NDArray[Any]], env: Sizes, sizes: Sizes, count: int | None) -> int:
        """Runs the nest; its status."""
        stop, on_wait = StopFlag(self.max_memory), self._slow_run()
        if self._routines.is_empty:
            return run_chunks(self.code, arrays, sizes, count, stop=stop, on_wait=on_wait)
        routines = self._routines.bind(env)
        with one_thread():
            status = run_chunks(self.code, arrays, sizes, count, stop=stop, on_wait=on_wait, routines=routines.table)
        if routines.interrupt is not None:
            raise routines.interrupt
        return status

    def _slow_run(self) -> Callable[[], None]:
        """Reports a run of loops that takes long, as an interpreter does."""
        meter = Meter(None, self.max_memory)
        return lambda: meter.wait(self.graph.spans[self.graph.span[self._first_loop()]])

    def _first_loop(self) -> int:
        """The first loop, which stands for all of them in messages."""
        return next((i for i, code in enumerate(self.graph.op) if code == LOOP), 0)

    def _run_fallback(self, inputs: Sequence[Any], sizes: Sizes) -> Sequence[Any]:
        if self._fallback is None:
            self._fallback = self._make_fallback()
        return self._fallback(inputs, sizes)

    def _arrays(self, inputs: Sequence[Any], sizes: Sizes) -> dict[str, NDArray[Any]] | None:
        """The arrays of the buffers by name; None where a size is negative, or the run's memory does not suffice."""
        arrays: dict[str, NDArray[Any]] = {}
        for n, (i, x) in enumerate(zip(self.graph.inputs, inputs, strict=True)):
            arrays[f"x{n}"] = np.require(x, DTYPES[cast("Type", self.graph.type_of(i)).dtype], ["C", "A"])
        rest = {name: shape for name, shape in shapes(self.nest, sizes).items() if name not in arrays}
        if any(n < 0 for shape in rest.values() for n in shape):
            return None
        dtypes = {name: np.dtype(form.DTYPES[self.nest.buffers[name].type]) for name in rest}
        counts = [prod(max(1, n) for n in shape) for shape in (*rest.values(), *(x.shape for x in arrays.values()))]
        if not self._routines.is_empty and max(counts, default=0) >= blas().ints:
            return None
        if sum(prod(shape) * dtypes[name].itemsize for name, shape in rest.items()) > self.max_memory:
            return None
        for name, shape in rest.items():
            arrays[name] = np.empty(shape, dtypes[name])
        return arrays
