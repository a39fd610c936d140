"""Memory planning: buffers, shared by values whose lifetimes do not overlap.

A value that leaves the run has memory of its own, allocated at each run; so has what an op allocates itself. A view has
none and keeps its operand's alive. The others take over the memory of an operand (elementwise, in place) or a buffer
that is free by then: of equal size as a text, or large enough where sizes are numbers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Buffer
from cgcli.graph.sizes import Size

from .alias_analysis import aliased_operands, supports_out
from .schedule import Unit

Views = dict[int, tuple[int, ...]]


@dataclass
class MemoryLayout:
    """The buffers of a plan and the nodes in them; see `Plan` for the fields."""

    buffers: list[Buffer] = field(default_factory=list)
    buffer_of: dict[int, int] = field(default_factory=dict)
    views: Views = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    in_place: dict[int, int] = field(default_factory=dict)


def last_uses(graph: Graph, order: Sequence[int], live_out: Iterable[int]) -> dict[int, list[int]]:
    """Liveness: after each node of `order`, the values that have no reader any more; those of `live_out` stay."""
    live_after = set(live_out)
    dying: dict[int, list[int]] = {}
    for i in reversed(order):
        for x in dict.fromkeys((i, *graph.operands(i))):
            if x not in live_after:
                dying.setdefault(i, []).append(x)
                live_after.add(x)
    return dying


def lifetimes(graph: Graph, order: Sequence[int], live_out: Sequence[int]) -> tuple[dict[int, int], Views]:
    """Liveness: of each value the last step that reads its memory (the number of steps: it leaves the run); and the
    views."""
    last: dict[int, int] = dict.fromkeys(live_out, len(order))
    views: Views = {}
    for step in range(len(order) - 1, -1, -1):
        i = order[step]
        last_of_i = last.setdefault(i, step)
        aliased = aliased_operands(graph, i)
        if aliased:
            views[i] = aliased
        for x in graph.operands(i):
            last_of_x = last_of_i if x in aliased else step
            if last.get(x, -1) < last_of_x:
                last[x] = last_of_x
    return last, views


def assign(
    graph: Graph,
    units: Sequence[Unit],
    live_out: Sequence[int],
    sizes: Mapping[int, Size],
    in_place: Mapping[int, int],
    blocks: Mapping[int, Mapping[int, Size]],
) -> MemoryLayout:
    """Buffers for all nodes of `units` that have a size in bytes in `sizes`.

    in_place: of nodes that may write over an operand, that operand. blocks: of each unit that runs block by block, by
    its number, the bytes of a block of the nodes without readers outside of it.
    """
    layout = MemoryLayout()
    layout.last, layout.views = lifetimes(graph, [i for unit in units for i in unit], live_out)
    pool = _Pool(graph, layout, sum(map(len, units)))
    first = 0
    for number, unit in enumerate(units):
        inner = blocks.get(number)
        end = first + len(unit) - 1
        if inner is None:
            for step, i in enumerate(unit, first):
                pool.allocate(i, sizes.get(i), step, step, in_place.get(i))
                pool.free(step)
        else:
            # operands from outside are read, and values for readers outside written, from the first block to the last
            for step, i in enumerate(unit, first):
                if i not in inner:
                    pool.allocate(i, sizes.get(i), first, step, in_place.get(i))
            for step, i in enumerate(unit, first):
                if i in inner:
                    target = in_place.get(i)
                    pool.allocate(i, inner[i], step, step, target if target in inner else None)
                pool.free(step, inner)
            for step in range(first, end + 1):
                pool.free(step)
        first = end + 1
    pool.finish()
    return layout


class _Pool:
    """The buffers: which of them are free, and which value lies in which."""

    def __init__(self, graph: Graph, layout: MemoryLayout, steps: int) -> None:
        self.graph = graph
        self.layout = layout
        self.steps = steps
        self.free_by_number: list[tuple[int, int]] = []  # free buffers, sorted by their sizes
        self.free_by_text: dict[str, list[int]] = {}  # those of sizes that are made of names
        self.owner: dict[int, int] = {}
        self.nodes: dict[int, list[int]] = {}
        self.last: dict[int, int] = {}  # of each buffer, the last step that reads it
        self.dying: dict[int, list[int]] = {}  # values in buffers by their last step

    def allocate(self, i: int, size: Size | None, first: int, step: int, target: int | None) -> None:
        """Memory for node `i`, which runs at `step`, from step `first` on; target: an operand to write over."""
        layout = self.layout
        if size is None or i in layout.views:
            return
        last = layout.last[i]
        if last == self.steps or not supports_out(self.graph, i):
            layout.buffer_of[i] = len(layout.buffers)
            layout.buffers.append(Buffer(size, first, last, (i,), True))
            return
        buffer = None
        if target is not None and layout.last.get(target) == step:
            buffer = layout.buffer_of.get(target)
            if buffer is not None and not layout.buffers[buffer].fresh and self.owner[buffer] == target:
                layout.in_place[i] = target
            else:
                buffer = None
        if buffer is None:
            buffer = self._reuse(size)
        if buffer is None:
            buffer = len(layout.buffers)
            layout.buffers.append(Buffer(size, first, last, ()))
            self.nodes[buffer] = []
        self.nodes[buffer].append(i)
        self.last[buffer] = max(last, self.last.get(buffer, 0))
        layout.buffer_of[i] = buffer
        self.owner[buffer] = i
        self.dying.setdefault(last, []).append(i)

    def finish(self) -> None:
        """Completes the records of the buffers that values share."""
        for buffer, nodes in self.nodes.items():
            b = self.layout.buffers[buffer]
            self.layout.buffers[buffer] = b._replace(last=self.last[buffer], nodes=tuple(nodes))

    def _reuse(self, size: Size) -> int | None:
        """A free buffer for a value of this size, which is free no longer; None where there is none."""
        if isinstance(size, int):
            k = bisect_left(self.free_by_number, (size, -1))
            return self.free_by_number.pop(k)[1] if k < len(self.free_by_number) else None
        buffers = self.free_by_text.get(size)
        return buffers.pop() if buffers else None

    def free(self, step: int, among: Container[int] | None = None) -> None:
        """Frees the memory of values whose last reader runs at `step`; among: of these alone."""
        dying = self.dying.get(step)
        if not dying:
            return
        not_among = [] if among is None else [i for i in dying if i not in among]
        for i in dying:
            buffer = self.layout.buffer_of[i]
            if (among is None or i in among) and self.owner[buffer] == i:
                size = self.layout.buffers[buffer].size
                if isinstance(size, int):
                    insort(self.free_by_number, (size, buffer))
                else:
                    self.free_by_text.setdefault(size, []).append(buffer)
        self.dying[step] = not_among
