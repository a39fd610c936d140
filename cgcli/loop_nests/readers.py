"""How elements of values that exist are read: from memory, or as the numbers that a small value is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cgcli.graph.graph import Graph
from cgcli.graph.traversal import every

from .form import Index, ScalarType, Store, Value, index_of

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape, Size

    from .bounds import IndexBuilder
    from .form import Extent, Kind
    from .numbers import Number
    from .order import Order

Reader = Callable[[tuple[Index, ...]], Value]


class Items(Protocol):
    """A stack."""

    @property
    def length(self) -> Extent:
        """How many items it has, from 0 up."""

    def item(self, k: Index, /) -> Reader | Items:
        """The item of this number, which exists where it is read."""


class Stored:
    """The reader of a value that lies in a buffer, behind the indices `front`.

    least: the depth of the block that writes the buffer. changing: whether the block has read it before it was written.
    """

    def __init__(
        self,
        k: IndexBuilder,
        buffer: str,
        front: tuple[Index, ...] = (),
        least: int = 0,
        changing: bool = False,
    ) -> None:
        self.k, self.buffer, self.front, self.least, self.changing = k, buffer, front, least, changing

    def __call__(self, index: tuple[Index, ...]) -> Value:
        return self.k.load(self.buffer, (*self.front, *index), self.changing, self.least)


class Components:
    """The reader of a value of a fixed shape by the number at each index.

    They are written into memory only where an index is computed, in the block that has all of them.
    """

    def __init__(
        self, k: IndexBuilder, type_: ScalarType, shape: tuple[int, ...], numbers: Mapping[tuple[int, ...], Value]
    ) -> None:
        self.k, self.type, self.shape, self.numbers = k, type_, shape, numbers
        self.buffer = ""

    def __call__(self, index: tuple[Index, ...]) -> Value:
        if any(i.terms for i in index):
            return self._in_memory()(index)
        number = self.numbers.get(tuple(i.const for i in index))
        return self.k.const(0, self.type) if number is None else number  # outside only behind a check that fails

    def _in_memory(self) -> Stored:
        k = self.k
        depth = max((k.depth[x] for x in self.numbers.values()), default=0)
        if not self.buffer:
            self.buffer = k.scratch(self.type, self.shape)
        key = "components", self.buffer
        if self.numbers and k.memo(key) is None:
            for index, x in self.numbers.items():
                k.emit(Store(self.buffer, tuple(map(index_of, index)), x), depth)
                k.remember(key, x, depth)
        return Stored(k, self.buffer, (), depth)


@dataclass(eq=False)
class Frame:
    """A graph being lowered.

    readers: of nodes whose values exist, how to read an element; stacks: of nodes that are stacks, the items. results:
    the same of results of structured nodes, by node and number; result_buffers: the buffers of those that have one.
    outputs: the buffers that outputs are computed into. base: the depth of the block that the graph is computed in.
    first: the number of its first node among those of all graphs (`first_nodes`). owned: the nodes whose values are all
    of a buffer that may be written over once nothing reads them, with that buffer. order: that of the graph.
    """

    graph: Graph
    readers: dict[int, Reader] = field(default_factory=dict)
    stacks: dict[int, Items] = field(default_factory=dict)
    results: dict[tuple[int, int], Reader | Items] = field(default_factory=dict)
    result_buffers: dict[tuple[int, int], str] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)
    base: int = 0
    first: int = 0
    owned: dict[int, str] = field(default_factory=dict)
    order: Order | None = None


class GraphLowering(Protocol):
    """The lowering of graphs (`lower.Lowering`), as the forms of nodes use it."""

    k: IndexBuilder

    def frame(self, graph: Graph) -> Frame:
        """A frame for a nested graph."""

    def size(self, size: Size) -> Extent:
        """A size as a number or a value."""

    def number(self, frame: Frame, x: int, index: tuple[Index, ...], node: int) -> Number:
        """An element of node `x` as a number in the kernel of `node`."""

    def element(self, frame: Frame, x: int, index: tuple[Index, ...]) -> Value:
        """An element of a node."""

    def loops(
        self,
        shape: Shape,
        visit: Callable[[tuple[Index, ...]], None],
        kind: Kind,
        first: Kind | None = None,
        independent: int | None = None,
        together: bool = True,
        short: bool = False,
    ) -> None:
        """Visits each index of a shape, in order."""

    def is_in_one_piece(self, frame: Frame, x: int) -> bool:
        """Whether all of a node is a buffer."""

    def emit(self, frame: Frame) -> None:
        """Lowers what has to lie in memory."""

    def store(self, frame: Frame, i: int) -> None:
        """Computes node `i` into a buffer, from which it is read then."""

    def keep(self, frame: Frame, i: int) -> None:
        """Computes the value of node `i` now."""


def first_nodes(graph: Graph) -> dict[int, int]:
    """The number of the first node of a graph, and of each that is nested in it, by the graph's `id`.

    So all nodes have different numbers, by which statements name them: those of the graph itself are its own.
    """
    first: dict[int, int] = {}
    count = 0
    for inner in every(graph):
        if id(inner) not in first:
            first[id(inner)] = count
            count += len(inner)
    return first


def node_of(graph: Graph, number: int) -> tuple[Graph, int]:
    """The graph, `graph` or one nested in it, and the node in it that has this number in statements."""
    first = first_nodes(graph)
    inner = next(g for g in every(graph) if 0 <= number - first[id(g)] < len(g))
    return inner, number - first[id(inner)]
