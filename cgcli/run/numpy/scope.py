"""What the lines of generated code refer to: names for objects, and arrays in the planned memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Plan
from cgcli.graph.types import Type

from .call_recorder import Trace
from .reference import DTYPES

ALIGN = 64


class Note(NamedTuple):
    """What the first run saw at a node.

    shape, strides: of the value; strides is None for what is no array. trace: the calls that made it, None for a node
    that is called as it is. fits: whether the calls give the dtype of the node.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    trace: Trace | None = None
    fits: bool = True


class Relayout(Exception):
    """A value has another layout in memory than the calls after it are made for."""


def memory_of(plan: Plan) -> int:
    """The bytes that a program keeps between runs."""
    return sum(_aligned(b.size) for b in plan.buffers if not b.fresh)


def _aligned(size: Any) -> int:
    assert isinstance(size, int)
    return -(-size // ALIGN) * ALIGN


class Scope:
    """The names and the memory of one piece of generated code.

    fixed: values that are the same at every run. memory: `memory_of(plan)` bytes, or None to take none. template: the
    values that a run begins with. into: nodes whose value lies in the kept memory, with the name of their array.
    read_outside: the nodes of blocks that something else reads, itself or through a view.
    """

    def __init__(
        self, graph: Graph, plan: Plan, notes: Mapping[int, Note], fixed: Mapping[int, Any], memory: Any
    ) -> None:
        self.graph, self.plan, self.notes, self.fixed, self.memory = graph, plan, notes, fixed, memory
        self.template: list[Any] = [None] * len(graph)
        for i, value in fixed.items():
            self.template[i] = value
        self.objects: dict[str, Any] = {"asarray": np.asarray, "copyto": np.copyto, "empty": np.empty}
        self.objects |= {"Relayout": Relayout, "ndarray": np.ndarray}
        self.into: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._offsets = self._buffer_offsets()
        self.read_outside = self._read_outside()

    def _buffer_offsets(self) -> list[int]:
        offsets: list[int] = []
        at = 0
        for b in self.plan.buffers:
            offsets.append(at)
            at += 0 if b.fresh else _aligned(b.size)
        return offsets

    def _read_outside(self) -> set[int]:
        """The nodes of groups that something else reads, itself or through a view."""
        group = {i: k for k in self.plan.blocks for i in self.plan.groups[k]}
        found = {i for i in self.graph.outputs if i in group}
        for i in self.plan.order if group else ():
            found.update(x for x in self.graph.operands(i) if x in group and group[x] != group.get(i))
        for k in self.plan.blocks:
            for i in reversed(self.plan.groups[k]):
                if i in found:
                    found.update(x for x in self.plan.views.get(i, ()) if group.get(x) == k)
        return found

    def bind(self, value: Any) -> str:
        """The name under which lines find an object."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"_{len(self.objects)}"
            self.objects[name] = value
        return name

    def value(self, x: int) -> str:
        """How a line names the value of a node."""
        if x in self.into:
            return self.into[x]
        if x in self.fixed:
            found = self.fixed[x]
            return repr(found) if type(found) in (int, bool) else self.bind(found)
        return f"v[{x}]"

    def dtype(self, i: int) -> Any:
        t = self.graph.type_of(i)
        assert isinstance(t, Type)
        return np.dtype(DTYPES[t.dtype])

    def array(self, i: int, shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> Any:
        """An array in the memory planned for node `i`; None where none is, or where it has gaps."""
        number = self.plan.buffer_of.get(i)
        if number is None or self.memory is None or self.plan.buffers[number].fresh:
            return None
        dtype = self.dtype(i)
        size = math.prod(shape) * dtype.itemsize
        if strides is not None:
            if any(s < 0 for n, s in zip(shape, strides, strict=True) if n > 1):
                return None
            reach = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + dtype.itemsize
            if size and reach != size:
                return None
        room = self.plan.buffers[number].size
        assert isinstance(room, int)
        return np.ndarray(shape, dtype, self.memory, self._offsets[number], strides) if size <= room else None

    def written_over(self, i: int) -> int | None:
        """The operand whose array of this run node `i` may take as it is."""
        x = self.plan.in_place.get(i)
        if x is None or i in self.into or x in self.into or x in self.fixed:
            return None
        mine, its = self.notes[i], self.notes[x]
        same = mine.strides is not None and its.trace is not None and mine.strides == its.strides
        return x if same and mine.shape and self.dtype(i) == self.dtype(x) else None

    def keep(self, i: int, made: Any) -> str:
        """The name of an array that holds the value of node `i` at every run."""
        self._keep(i, made)
        return self.into[i]

    def _keep(self, i: int, made: Any) -> None:
        self.template[i] = made
        self.into[i] = self.bind(made)
