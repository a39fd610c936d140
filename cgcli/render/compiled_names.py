"""The names of values in a compiled graph: those that the same values have in the graph as it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cgcli.graph.graph import COND, CONST, INPUT, LOOP, Graph
from cgcli.graph.traversal import every
from cgcli.ops.value_names import ValueNames, unnamed_text, unused_names
from cgcli.ops.written import WrittenOperations

CHANGED = -1  # no node of the source


class CompiledNames:
    """The names of the nodes of a compiled graph, and of the graphs that it holds.

    A node is the same value as one of the source when it is the same operation on the same values; passes keep what
    they do not change. Nodes that they added have further numbers, as have those of nested graphs.
    """

    def __init__(self, source: Graph, graph: Graph) -> None:
        names = ValueNames(WrittenOperations(source))
        texts = [None if x == CHANGED else names[x] for x in _twins(source, graph)]
        used = {names[i] for i in range(len(source))}
        fresh = (name for name in unused_names(source) if name not in used)
        self._names: dict[tuple[int, int], str] = {}
        self._add(graph, [graph.names.get(i) if text is None else text for i, text in enumerate(texts)], fresh)
        for nested in every(graph):
            if nested is not graph:
                self._add(nested, [nested.names.get(i) for i in range(len(nested))], fresh)

    def _add(self, graph: Graph, texts: Sequence[str | None], fresh: Iterator[str]) -> None:
        for i, text in enumerate(texts):
            if text is not None:
                self._names[id(graph), i] = text
            else:
                self._names[id(graph), i] = unnamed_text(graph, i) if graph.op[i] == CONST else next(fresh)

    def of(self, graph: Graph, i: int) -> str:
        """The name of a node of the compiled graph or of one that it holds."""
        return self._names[id(graph), i]


def _twins(source: Graph, graph: Graph) -> list[int]:
    """By node of a compiled graph, the node of its source that is the same value, else `CHANGED`."""
    nodes: dict[Any, int] = {}
    first: list[int] = []  # of equal nodes of the source, the first
    for i in range(len(source)):
        meaning = _meaning(source, i, first)
        first.append(i if meaning is None else nodes.setdefault(meaning, i))
    bindings = Counter(source.names.values())
    by_name = {name: i for i, name in source.names.items() if bindings[name] == 1}
    twins: list[int] = []  # in terms of `first`
    result = []
    for i in range(len(graph)):
        name = graph.names.get(i)
        twin = nodes.get(_meaning(graph, i, twins), CHANGED)
        named = by_name.get(name, CHANGED) if name is not None else twin
        if name is not None and named == CHANGED and twin != CHANGED and source.names.get(twin) == name:
            named = twin
        twins.append(first[named] if named != CHANGED else twin)
        result.append(named)
    return result


def _meaning(graph: Graph, i: int, twins: Sequence[int]) -> Any:
    """What a node computes, over the nodes that `twins` has for its operands; None where that is not compared."""
    if graph.op[i] in (COND, LOOP):
        return None  # passes change what they hold
    if graph.op[i] == INPUT:
        return graph.op[i], graph.names.get(i)
    operands = tuple(twins[x] for x in graph.operands(i))
    attrs = graph.attrs.get(i)
    return None if CHANGED in operands else (graph.op[i], operands, repr(sorted(attrs.items())) if attrs else "")
