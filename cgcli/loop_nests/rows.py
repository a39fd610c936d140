"""The nest that computes a graph for each row of a table, each by loops and in memory of its own."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import Graph
from cgcli.ops.typing import one

from .form import Index, LoopNest, statements
from .lower import Lowering, argument
from .one_loop import require_no_call
from .readers import Stored, first_nodes


def lower_rows(graph: Graph, flags: Sequence[bool], rows: str, name: str = "nest") -> LoopNest:
    """The nest that computes a graph for each row: the flagged inputs and all outputs have an axis in front, of the
    size `rows`. Each row runs its own loops, to its own length.
    """
    lowering = Lowering(name, first_nodes(graph), parallel=True)
    k = lowering.k
    lowering.require_sizes(graph)
    for n, (i, flag) in enumerate(zip(graph.inputs, flags, strict=True)):
        argument(lowering, graph, i, f"x{n}", "in", rows if flag else None)
    for n, i in enumerate(graph.outputs):
        argument(lowering, graph, i, f"y{n}", "out", rows)

    def row(index: tuple[Index, ...]) -> None:
        frame = lowering.frame(graph)
        for n, (i, flag) in enumerate(zip(graph.inputs, flags, strict=True)):
            frame.readers[i] = Stored(k, f"x{n}", index if flag else ())
        lowering.emit(frame)
        for n, i in enumerate(graph.outputs):

            def element(rest: tuple[Index, ...], n: int = n, i: int = i) -> None:
                k.store(f"y{n}", (*index, *rest), lowering.element(frame, i, rest))

            lowering.loops(one(graph.type_of(i)).shape, element, "vector")

    lowering.loops((rows,), row, "chunk", "chunk")
    require_no_call(statements(k.blocks[0]))
    return k.nest()
