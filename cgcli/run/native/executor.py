"""A graph as one loop nest in machine code; where that stops, the plan for arrays says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cgcli.graph.graph import LOOP, Graph
from cgcli.loop_nests import form
from cgcli.loop_nests.extents import shapes
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
from .scratch import ALIGNMENT, Layout, layout, lifetimes

if TYPE_CHECKING:
    from numpy.typing import NDArray


MAX_BINDINGS = 16  # sets of sizes that are known


class _Binding(NamedTuple):
    """What runs of certain sizes need: the shapes of the outputs, where scratch buffers lie; whether it fits."""

    sizes: Sizes
    outputs: list[tuple[int, ...]]
    scratch: Layout
    fits: bool


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
        self.nest, named = nest_of(graph, batch)
        self.code = compile_nest(self.nest)
        self._routines = Routines(named, self.nest)
        self._lifetimes = lifetimes(self.nest)
        self._dtypes = {name: np.dtype(form.DTYPES[buffer.type]) for name, buffer in self.nest.buffers.items()}
        self._bindings: dict[tuple[int, ...], _Binding] = {}
        self._idle: list[NDArray[np.uint8]] = []  # blocks of scratch memory that no run uses
        self._on_numbers = is_scalar(graph)
        self._make_fallback = fallback
        self._fallback: Run | None = None

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the outputs. Raises CgError (status 1) at the node that stops the run."""
        graph = self.graph
        env = bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes
        binding = self._binding(env)
        if binding is None:
            return self._run_fallback(inputs, env)
        arrays: dict[str, NDArray[Any]] = {}
        for n, x in enumerate(inputs):
            arrays[f"x{n}"] = np.require(x, self._dtypes[f"x{n}"], ["C", "A"])
        if not self._routines.is_empty and max((x.size for x in arrays.values()), default=0) >= blas().ints:
            return self._run_fallback(inputs, env)
        outputs = [np.empty(shape, self._dtypes[f"y{n}"]) for n, shape in enumerate(binding.outputs)]
        arrays.update((f"y{n}", y) for n, y in enumerate(outputs))
        status = self._run(arrays, binding, env)
        if status & 15 == form.MEMORY:
            raise failure(graph, self._first_loop(), StacksTooLarge(self.max_memory))
        if status:
            return self._run_fallback(inputs, env)
        return [y.item() for y in outputs] if self._on_numbers else outputs

    def _binding(self, env: Sizes) -> _Binding | None:
        """What runs of these sizes need, memoised; None where there is no run, for sizes or memory do not suffice."""
        try:
            numbers = {name: env[name] for name in self.nest.sizes}
        except KeyError:
            return None
        key = tuple(numbers.values())
        binding = self._bindings.get(key)
        if binding is None:
            if len(self._bindings) >= MAX_BINDINGS:
                self._bindings.clear()
            binding = self._bindings[key] = self._bound(numbers)
        return binding if binding.fits else None

    def _bound(self, numbers: Sizes) -> _Binding:
        shape_of = shapes(self.nest, numbers)
        outputs = [shape_of[f"y{n}"] for n in range(len(self.graph.outputs))]
        scratch = {name: shape for name, shape in shape_of.items() if self.nest.buffers[name].role == "scratch"}
        written = [*outputs, *scratch.values()]
        if any(n < 0 for shape in written for n in shape):
            return _Binding(numbers, [], Layout({}, 0), fits=False)
        sizes = {name: prod(shape) * self._dtypes[name].itemsize for name, shape in scratch.items()}
        placed = layout(self._lifetimes, sizes)
        total = placed.size + sum(prod(y) * self._dtypes[f"y{n}"].itemsize for n, y in enumerate(outputs))
        largest = max((prod(max(1, n) for n in shape) for shape in shape_of.values()), default=0)
        fits = total <= self.max_memory and (self._routines.is_empty or largest < blas().ints)
        return _Binding(numbers, outputs, placed, fits)

    def _slow_run(self) -> Callable[[], None]:
        """Reports a run of loops that takes long, as an interpreter does."""
        meter = Meter(None, self.max_memory)
        return lambda: meter.wait(self.graph.spans[self.graph.span[self._first_loop()]])

    def _first_loop(self) -> int:
        """The first loop, which stands for all of them in messages."""
        return next((i for i, code in enumerate(self.graph.op) if code == LOOP), 0)

    def _run(self, arrays: Mapping[str, NDArray[Any]], binding: _Binding, env: Sizes) -> int:
        """Runs the nest; its status."""
        count = None if self.rows is None else binding.sizes.get(self.rows)
        routines = None if self._routines.is_empty else self._routines.bind(env)
        block = self._scratch(binding.scratch.size)
        first = -(-block.ctypes.data // ALIGNMENT) * ALIGNMENT
        try:
            with nullcontext() if routines is None else one_thread():
                status = run_chunks(
                    self.code,
                    arrays,
                    binding.sizes,
                    count,
                    stop=StopFlag(self.max_memory),
                    on_wait=self._slow_run(),
                    routines=routines and routines.table,
                    addresses={name: first + at for name, at in binding.scratch.offsets.items()},
                )
        finally:
            self._idle.append(block)
        if routines is not None and routines.interrupt is not None:
            raise routines.interrupt
        return status

    def _scratch(self, size: int) -> NDArray[np.uint8]:
        """A block of so many bytes and some to align it. Blocks stay, for the first use of memory takes time."""
        block = self._idle.pop() if self._idle else None
        return block if block is not None and block.size >= size + ALIGNMENT else np.empty(size + ALIGNMENT, np.uint8)

    def _run_fallback(self, inputs: Sequence[Any], sizes: Sizes) -> Sequence[Any]:
        if self._fallback is None:
            self._fallback = self._make_fallback()
        return self._fallback(inputs, sizes)
