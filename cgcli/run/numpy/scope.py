"""The scope of generated code: names for objects, and arrays in the planned memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Plan
from cgcli.graph.sizes import Size
from cgcli.graph.types import Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.emit import Source

from .call_recorder import CallRecord
from .calls import expression_lines, out_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cgcli.ops.array_kernels import Element, NumPyArray

ALIGN = 64


class NodeRecord(NamedTuple):
    """What the first run recorded of a node.

    shape, strides: of the value; strides is None for what is no array. calls: those that compute it, None for a node
    whose op is called as it is. fits: whether the calls return the dtype of the node.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    calls: CallRecord | None = None
    fits: bool = True


@dataclass
class Recording:
    """What the first run recorded: by node its record, and the value where that is the same at every run."""

    records: dict[int, NodeRecord] = field(default_factory=dict)
    invariants: dict[int, object] = field(default_factory=dict)


class Relayout(Exception):
    """A value has other strides than the calls after it were recorded for."""


def persistent_bytes(plan: Plan) -> int:
    """The bytes that a plan's buffers take between runs."""
    return sum(_aligned(b.size) for b in plan.buffers if not b.fresh)


def _aligned(size: Size) -> int:
    assert isinstance(size, int)
    return -(-size // ALIGN) * ALIGN


class CodeScope(Source):
    """The names and the memory of one piece of generated code.

    memory: `persistent_bytes(plan)` bytes, or None to use none.
    template: the values that a run begins with. arrays: of nodes whose value lies in that memory, the names of their
    arrays. read_outside: the nodes of blocks that other nodes read, directly or through a view.
    """

    def __init__(self, graph: Graph, plan: Plan, recording: Recording, memory: NDArray[np.uint8] | None) -> None:
        functions = {name: getattr(np, name) for name in ("asarray", "copyto", "empty", "ndarray")}
        super().__init__({**functions, "Relayout": Relayout})
        self.graph, self.plan, self.memory = graph, plan, memory
        self.records, self.invariants = recording.records, recording.invariants
        self.template = [self.invariants.get(i) for i in range(len(graph))]
        self.arrays: dict[int, str] = {}
        self._offsets = list(accumulate((0 if b.fresh else _aligned(b.size) for b in plan.buffers), initial=0))
        self.read_outside = self._read_outside()

    def _read_outside(self) -> set[int]:
        """The nodes of groups that other nodes read, directly or through a view."""
        group = {i: k for k in self.plan.blocks for i in self.plan.groups[k]}
        nodes = {i for i in self.graph.outputs if i in group}
        for i in self.plan.order if group else ():
            nodes.update(x for x in self.graph.operands(i) if x in group and group[x] != group.get(i))
        for k in self.plan.blocks:
            for i in reversed(self.plan.groups[k]):
                if i in nodes:
                    nodes.update(x for x in self.plan.views.get(i, ()) if group.get(x) == k)
        return nodes

    def value(self, x: int) -> str:
        """The expression for the value of a node."""
        if x in self.arrays:
            return self.arrays[x]
        if x in self.invariants:
            value = self.invariants[x]
            return repr(value) if type(value) in (int, bool) else self.bind(value)
        return f"v[{x}]"

    def dtype(self, i: int) -> np.dtype[Element]:
        t = self.graph.type_of(i)
        assert isinstance(t, Type)
        return np.dtype(DTYPES[t.dtype])

    def array(self, i: int, shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> NumPyArray | None:
        """An array in the buffer of node `i`; None where it has none between runs, or where strides leave gaps."""
        buffer = self.plan.buffer_of.get(i)
        if buffer is None or self.memory is None or self.plan.buffers[buffer].fresh:
            return None
        dtype = self.dtype(i)
        size = math.prod(shape) * dtype.itemsize
        if strides is not None:
            if any(s < 0 for n, s in zip(shape, strides, strict=True) if n > 1):
                return None
            extent = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + dtype.itemsize
            if size and extent != size:
                return None
        buffer_bytes = self.plan.buffers[buffer].size
        assert isinstance(buffer_bytes, int)
        return np.ndarray(shape, dtype, self.memory, self._offsets[buffer], strides) if size <= buffer_bytes else None

    def overwritten_operand(self, i: int) -> int | None:
        """The operand whose array, allocated in this run, node `i` may write its value into."""
        x = self.plan.in_place.get(i)
        if x is None or i in self.arrays or x in self.arrays or x in self.invariants:
            return None
        own, operand = self.records[i], self.records[x]
        same_layout = own.strides is not None and operand.calls is not None and own.strides == operand.strides
        return x if same_layout and own.shape and self.dtype(i) == self.dtype(x) else None

    def value_lines(self, i: int, operands: Sequence[str], target: str) -> list[str]:
        """Lines that compute node `i` into an array of NumPy's own, under the name `target`."""
        record = self.records[i]
        assert record.calls is not None
        *lines, text = expression_lines(self.bind, record.calls, operands, f"t{i}_")
        if not record.fits:
            text = f"asarray({text}).astype({self.bind(self.dtype(i))}, copy=False)"
        elif not record.shape:
            text = f"asarray({text})"
        return [*lines, f"{target} = {text}"]

    def write_lines(self, i: int, operands: Sequence[str], target: str) -> list[str]:
        """Lines that write the value of node `i` into the array `target`."""
        record, in_place = self.records[i], self.plan.in_place.get(i)
        assert record.calls is not None
        aliased = [k for k, x in enumerate(self.graph.operands(i)) if x == in_place]
        return out_lines(self.bind, record.calls, operands, target, record.fits, f"t{i}_", aliased)

    def bind_array(self, i: int, array: NumPyArray) -> str:
        """The name of `array`, which holds the value of node `i` at every run."""
        self.template[i] = array
        self.arrays[i] = self.bind(array)
        return self.arrays[i]
