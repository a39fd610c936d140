"""A graph as one loop nest in machine code; where that stops, the plan for arrays says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from cgcli.ops.typing import one
from cgcli.run.long_loops import Run

from .blas import blas, one_thread
from .choice import Batch, nest_of
from .chunks import run_parts
from .compile import StopFlag, compile_nest
from .llvm import argument_buffers
from .routines import Routines
from .scratch import ALIGNMENT, Layout, layout, lifetimes

if TYPE_CHECKING:
    from numpy.typing import NDArray


MAX_BINDINGS = 16  # sets of sizes that are prepared


class _Binding(NamedTuple):
    """What runs with inputs of certain shapes need: the sizes, those of the nest, the shapes of the outputs, where
    scratch buffers lie, about how many statements run; whether values fit into memory.
    """

    env: Sizes
    sizes: Sizes
    outputs: list[tuple[int, ...]]
    scratch: Layout
    work: int
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
        self._inputs = [self._dtypes[f"x{n}"] for n in range(len(graph.inputs))]
        self._outputs = [self._dtypes[f"y{n}"] for n in range(len(graph.outputs))]
        self._numbers = [  # the inputs that may be sizes
            n
            for n, i in enumerate(graph.inputs)
            if one(graph.type_of(i)).is_int and not one(graph.type_of(i)).shape
            if self._routines.has_ops or graph.names.get(i) in self.nest.sizes
        ]
        scratch = [name for name, buffer in self.nest.buffers.items() if buffer.role == "scratch"]
        given = [*(f"x{n}" for n in range(len(self._inputs))), *(f"y{n}" for n in range(len(self._outputs)))]
        assert argument_buffers(self.nest) == [*given, *scratch]
        self._bindings: dict[tuple[object, ...], _Binding] = {}
        self._idle: list[NDArray[np.uint8]] = []  # blocks of scratch memory that no run uses
        self._on_numbers = is_scalar(graph)
        self._make_fallback = fallback
        self._fallback: Run | None = None

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the outputs. Raises CgError (status 1) at the node that stops the run."""
        arrays = [_array(x, dtype) for x, dtype in zip(inputs, self._inputs, strict=True)]
        binding = self._binding(arrays, sizes)
        if not binding.fits:
            return self._run_fallback(inputs, binding.env)
        outputs = [np.empty(shape, dtype) for shape, dtype in zip(binding.outputs, self._outputs, strict=True)]
        status = self._run([*arrays, *outputs], binding)
        if status & 15 == form.MEMORY:
            raise failure(self.graph, self._first_loop(), StacksTooLarge(self.max_memory))
        if status:
            return self._run_fallback(inputs, binding.env)
        return [y.item() for y in outputs] if self._on_numbers else outputs

    def _binding(self, arrays: Sequence[NDArray[Any]], sizes: Sizes | None) -> _Binding:
        """What runs with inputs of these shapes need, memoised."""
        key = (
            *[x.shape for x in arrays],
            *[int(arrays[n]) for n in self._numbers],
            *(() if sizes is None else sizes.items()),
        )
        binding = self._bindings.get(key)
        if binding is None:
            if len(self._bindings) >= MAX_BINDINGS:
                self._bindings.clear()
            env = bind_sizes(self.graph, self.graph.inputs, arrays) if sizes is None else sizes
            binding = self._bindings[key] = self._bound(arrays, dict(env))
        return binding

    def _bound(self, arrays: Sequence[NDArray[Any]], env: Sizes) -> _Binding:
        """Raises ValueError for an array of another shape than the nest's."""
        without = _Binding(env, {}, [], Layout({}, 0), 0, fits=False)
        if any(name not in env for name in self.nest.sizes):
            return without
        sizes = {name: env[name] for name in self.nest.sizes}
        shape_of = shapes(self.nest, sizes)
        if any(n < 0 for shape in shape_of.values() for n in shape):
            return without
        for n, x in enumerate(arrays):
            if x.shape != shape_of[f"x{n}"]:
                raise ValueError(f"an input of shape {x.shape} where the nest has {shape_of[f'x{n}']}")
        outputs = [shape_of[f"y{n}"] for n in range(len(self._outputs))]
        scratch = [name for name in shape_of if self.nest.buffers[name].role == "scratch"]
        placed = layout(self._lifetimes, {name: prod(shape_of[name]) * self._dtypes[name].itemsize for name in scratch})
        total = placed.size + sum(prod(y) * dtype.itemsize for y, dtype in zip(outputs, self._outputs, strict=True))
        largest = max((prod(max(1, n) for n in shape) for shape in shape_of.values()), default=0)
        fits = total <= self.max_memory and (self._routines.is_empty or largest < blas().ints)
        return _Binding(env, sizes, outputs, placed, self.code.work(sizes), fits)

    def _wait(self) -> Callable[[], None]:
        """Reports a run of loops that takes long, as an interpreter does."""
        meter = Meter(None, self.max_memory)
        return lambda: meter.wait(self.graph.spans[self.graph.span[self._first_loop()]])

    def _first_loop(self) -> int:
        """The first loop, which stands for all of them in messages."""
        return next((i for i, code in enumerate(self.graph.op) if code == LOOP), 0)

    def _run(self, arrays: Sequence[NDArray[Any]], binding: _Binding) -> int:
        """Runs the nest on the arrays of inputs and outputs; its status."""
        count = None if self.rows is None else binding.sizes.get(self.rows)
        routines = None if self._routines.is_empty else self._routines.bind(binding.env)
        block = self._scratch(binding.scratch.size)
        first = -(-_address(block) // ALIGNMENT) * ALIGNMENT
        addresses = [*map(_address, arrays), *(first + at for at in binding.scratch.offsets.values())]
        lives = arrays, block, routines
        run = self.code.bind_addresses(addresses, [*binding.sizes.values()], routines and routines.table, lives)
        try:
            with _NOTHING if routines is None else one_thread():
                status = run_parts(run, binding.work, count, StopFlag(self.max_memory), on_wait=self._wait)
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


_NOTHING = nullcontext()


def _array(x: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array whose elements machine code can read."""
    if type(x) is np.ndarray and x.dtype is dtype and x.flags.carray:
        return x
    return np.require(x, dtype, ["C", "A"])


def _address(x: NDArray[Any]) -> int:
    address: int = x.__array_interface__["data"][0]
    return address
