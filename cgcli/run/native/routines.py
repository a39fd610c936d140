"""What a nest in machine code calls: BLAS and NumPy's functions on matrices by their addresses, other ops of the graph
by their array kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.form import DTYPES, PRODUCTS, Call, LoopNest
from cgcli.loop_nests.readers import node_of
from cgcli.ops import floats
from cgcli.ops.array_kernels import evaluated, type_kernel
from cgcli.ops.interpreter import Sizes
from cgcli.ops.table import BY_CODE

from . import matrices
from .blas import NAMES, blas
from .llvm import calls_of

FEW = 100
"""Elements up to which an elementwise op is computed one by one: array kernels of special functions have many steps."""


class _OpCall:
    """A call of an op: its kernel, and what it is handed."""

    def __init__(self, graph: Graph, nest: LoopNest, call: Call) -> None:
        inner, i = node_of(graph, call.node)
        op, result = BY_CODE[inner.op[i]], inner.type_of(i)
        types = [inner.type_of(x) for x in inner.operands(i)]
        assert isinstance(result, Type)
        self.op, self.kernel = op, type_kernel(op, types, result)
        self.address = matrices.address(nest, call)
        self.attrs, self.sized = inner.attrs.get(i, {}), op.sized
        self.weak = [isinstance(t, Type) and t.weak and not t.shape for t in types]
        self._last: tuple[object, Any] = None, None
        self.arrays: list[tuple[Any, int]] = []  # of each operand and of the result the dtype and the number of axes
        for region in (*call.operands, *call.results):
            buffer = nest.buffers[region.buffer]
            self.arrays.append((np.dtype(DTYPES[buffer.type]), len(buffer.shape) - len(region.access)))

    def __call__(self, arguments: Sequence[int], sizes: Sizes) -> None:
        arrays, at = [], 0
        for dtype, rank in self.arrays:
            shape = tuple(arguments[k] for k in range(at + 1, at + 1 + rank))
            arrays.append(_array(arguments[at], shape, dtype))
            at += 1 + rank
        *operands, result = arrays
        values = [x.item() if weak else x for x, weak in zip(operands, self.weak, strict=True)]
        attrs = {name: evaluated(x, sizes) if name in self.sized else x for name, x in self.attrs.items()}
        if self.op.is_elementwise and result.size <= FEW:
            result[...] = self._few(attrs, values, result.shape)
            return
        with np.errstate(all="ignore"):
            result[...] = self.kernel(attrs, values)

    def _few(self, attrs: dict[str, Any], values: Sequence[Any], shape: tuple[int, ...]) -> Any:
        """The op element by element. What the last run was handed is often the same: parameters, numbers of sizes."""
        key = repr(attrs), shape, *[np.asarray(x).tobytes() for x in values]
        last_key, y = self._last
        if key != last_key:
            elements = zip(*[x.flat for x in np.broadcast_arrays(*values)], strict=True)
            numbers = [self.op.evaluate(floats, attrs, *[x.item() for x in row]) for row in elements]
            y = np.reshape(numbers, shape)
            self._last = key, y
        return y


def _array(address: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """The array that lies at an address."""
    count = prod(shape) * dtype.itemsize
    if not count:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, (ctypes.c_char * count).from_address(address))


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64))


class Routines:
    """What a nest of a graph calls."""

    def __init__(self, graph: Graph, nest: LoopNest) -> None:
        calls = calls_of(nest)
        self.is_empty = not calls
        self._products: BoundRoutines | None = None
        self.has_ops = any(call.routine not in PRODUCTS for call in calls)
        self._ops = [_OpCall(graph, nest, call) if call.routine not in PRODUCTS else None for call in calls]

    def bind(self, sizes: Sizes) -> BoundRoutines:
        """Its table for a run."""
        if not self.has_ops:
            self._products = self._products or BoundRoutines([], sizes)
            return self._products
        return BoundRoutines(self._ops, sizes)


class BoundRoutines:
    """The table of addresses of a run. interrupt: what has ended it within an op."""

    def __init__(self, ops: Sequence[_OpCall | None], sizes: Sizes) -> None:
        self.interrupt: BaseException | None = None

        def run_op(number: int, arguments: Sequence[int]) -> int:
            op = ops[number]
            assert op is not None
            try:
                op(arguments, sizes)
            except Exception:  # whoever runs the nest runs the graph by the plan then, which says what is wrong
                return 1
            except BaseException as error:  # an interrupt; it is raised again outside of machine code
                self.interrupt = error
                return 1
            return 0

        self._callback = _CALLBACK(run_op) if any(ops) else None
        addresses = blas().addresses
        first = ctypes.cast(self._callback, ctypes.c_void_p).value if self._callback else 0
        table = [first, *(addresses[name] for name in NAMES), *(op.address if op else 0 for op in ops)]
        self.table = (ctypes.c_void_p * len(table))(*table)
