"""Where values lie: memory shared by values that are never needed at the same time.

A value that leaves the run has memory of its own, taken anew at each run; so has what an op brings itself. A view has
none and keeps that of its operand. The others take over the memory of an operand (elementwise, in place) or memory that
is free by then: of equal size as a text, or large enough where sizes are numbers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Buffer
from cgcli.graph.sizes import Size

from .alias_analysis import shown, writes
from .schedule import Unit

Views = dict[int, tuple[int, ...]]


@dataclass
class Layout:
    """Results of `assign`; see `Plan` for what they say."""

    buffers: list[Buffer] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    views: Views = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    in_place: dict[int, int] = field(default_factory=dict)


def lifetimes(graph: Graph, order: Sequence[int], kept: Sequence[int]) -> tuple[dict[int, int], Views]:
    """Of each value the last step that reads its memory (the number of steps: it leaves the run), and the views."""
    last: dict[int, int] = dict.fromkeys(kept, len(order))
    views: Views = {}
    for step in range(len(order) - 1, -1, -1):
        i = order[step]
        own = last.setdefault(i, step)
        seen = shown(graph, i)
        if seen:
            views[i] = seen
        for x in graph.operands(i):
            until = own if x in seen else step
            if last.get(x, -1) < until:
                last[x] = until
    return last, views


def assign(
    graph: Graph,
    units: Sequence[Unit],
    kept: Sequence[int],
    sizes: Mapping[int, Size],
    wishes: Mapping[int, int],
    blocks: Mapping[int, Mapping[int, Size]],
) -> Layout:
    """Memory for every node of `units` that `sizes` gives bytes.

    wishes: of nodes that may write over an operand, that operand. blocks: of each unit that runs block by block, by
    its number, the bytes of a block of the nodes that nobody outside of it reads.
    """
    made = Layout()
    made.last, made.views = lifetimes(graph, [i for unit in units for i in unit], kept)
    pool = _Pool(graph, made, sum(map(len, units)))
    first = 0
    for number, unit in enumerate(units):
        inner = blocks.get(number)
        end = first + len(unit) - 1
        if inner is None:
            for step, i in enumerate(unit, first):
                pool.place(i, sizes.get(i), step, step, wishes.get(i))
                pool.free(step)
        else:
            # what comes from others is read, and what they read is written, from the first block to the last one
            for step, i in enumerate(unit, first):
                if i not in inner:
                    pool.place(i, sizes.get(i), first, step, wishes.get(i))
            for step, i in enumerate(unit, first):
                if i in inner:
                    over = wishes.get(i)
                    pool.place(i, inner[i], step, step, over if over in inner else None)
                pool.free(step, inner)
            for step in range(first, end + 1):
                pool.free(step)
        first = end + 1
    pool.finish()
    return made


class _Pool:
    """Memory that is free, and whose value lies in which."""

    def __init__(self, graph: Graph, made: Layout, steps: int) -> None:
        self.graph = graph
        self.made = made
        self.steps = steps
        self.numbers: list[tuple[int, int]] = []  # free buffers by size
        self.named: dict[str, list[int]] = {}
        self.owner: dict[int, int] = {}
        self.nodes: dict[int, list[int]] = {}
        self.until: dict[int, int] = {}
        self.dying: dict[int, list[int]] = {}  # values in buffers by their last step

    def place(self, i: int, size: Size | None, first: int, own: int, over: int | None) -> None:
        """Memory for node `i`, which runs at step `own`; `over`: an operand that it may write over."""
        made = self.made
        if size is None or i in made.views:
            return
        last = made.last[i]
        if last == self.steps or not writes(self.graph, i):
            made.place[i] = len(made.buffers)
            made.buffers.append(Buffer(size, first, last, (i,), True))
            return
        number = None
        if over is not None and made.last.get(over) == own:
            number = made.place.get(over)
            if number is not None and not made.buffers[number].fresh and self.owner[number] == over:
                made.in_place[i] = over
            else:
                number = None
        if number is None:
            number = self._free(size)
        if number is None:
            number = len(made.buffers)
            made.buffers.append(Buffer(size, first, last, ()))
            self.nodes[number] = []
        self.nodes[number].append(i)
        self.until[number] = max(last, self.until.get(number, 0))
        made.place[i] = number
        self.owner[number] = i
        self.dying.setdefault(last, []).append(i)

    def finish(self) -> None:
        """Writes down which values lay in each buffer."""
        for number, nodes in self.nodes.items():
            b = self.made.buffers[number]
            self.made.buffers[number] = b._replace(last=self.until[number], nodes=tuple(nodes))

    def _free(self, size: Size) -> int | None:
        if isinstance(size, int):
            at = bisect_left(self.numbers, (size, -1))
            return self.numbers.pop(at)[1] if at < len(self.numbers) else None
        same = self.named.get(size)
        return same.pop() if same else None

    def free(self, step: int, among: Container[int] | None = None) -> None:
        """Gives back the memory of values that nobody reads after `step`; `among`: of these alone."""
        dying = self.dying.get(step)
        if not dying:
            return
        rest = [] if among is None else [i for i in dying if i not in among]
        for i in dying:
            number = self.made.place[i]
            if (among is None or i in among) and self.owner[number] == i:
                size = self.made.buffers[number].size
                if isinstance(size, int):
                    insort(self.numbers, (size, number))
                else:
                    self.named.setdefault(size, []).append(number)
        self.dying[step] = rest
