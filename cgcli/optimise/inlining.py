"""A graph that a structured node holds, put in the node's place."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import INPUT, NONE, Graph

from .editor import Editor


def inline(ed: Editor, graph: Graph, arguments: Sequence[int]) -> list[int]:
    """The outputs of `graph` over `arguments`, its nodes standing in front of the node that the editor is at."""
    where = [NONE] * len(graph)
    for i, x in zip(graph.inputs, arguments, strict=True):
        where[i] = x
    span, group = ed.at_span, ed.at_group
    spans = [ed.intern_span(s) for s in graph.spans]
    types = [ed.intern_type(t) for t in graph.types]
    groups: list[int] = []
    for g in graph.groups:
        groups.append(ed.add_group(g._replace(parent=group if g.parent == NONE else groups[g.parent])))
    for i, code in enumerate(graph.op):
        if code == INPUT:
            continue
        ed.at_span = spans[graph.span[i]] if graph.span[i] != NONE else span
        ed.at_group = groups[graph.group[i]] if graph.group[i] != NONE else group
        operands = tuple([where[x] for x in graph.operands(i)])
        where[i] = ed.place(code, operands, types[graph.type[i]], graph.attrs.get(i, {}))
        if i in graph.names:
            ed.names[where[i]] = graph.names[i]
    ed.at_span, ed.at_group = span, group
    return [where[i] for i in graph.outputs]
