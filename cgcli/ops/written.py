"""Operations as they were written: the nodes that one of them was lowered to, seen as one."""

from __future__ import annotations

import re

from cgcli.graph.graph import ASSERT, COND, GET, INPUT, LOOP, NONE, Graph

from .table import BY_CODE

_CALL = re.compile(r"(?:\w+\.)*(\w+)\(")
_STRUCTURAL = frozenset((INPUT, COND, LOOP, GET, ASSERT))


class WrittenOperations:
    """A partition of a graph's nodes: `P[0, 0]` is a slice and a squeeze, `x @ y` of two vectors four nodes.

    A node without a name belongs to the operation of its users when all of them are part of one that has the same
    span, the source text that it was lowered from, or when it is written as its operand is (a cast) within their text.
    result_of: by node the last one of its operation, which stands for it. Every edge that leaves an operation
    starts at its result, so that no path leads out of it and back.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.result_of = _results(graph)
        self.members: dict[int, list[int]] = {}
        """By result, the nodes of the operations that have more than one, in the graph's order."""
        for i, result in enumerate(self.result_of):
            if i != result:
                self.members.setdefault(result, []).append(i)
        for result, nodes in self.members.items():
            nodes.append(result)

    def operands(self, i: int) -> tuple[int, ...]:
        """What the operation with the result `i` reads: results of others, each once when it has several nodes."""
        nodes = self.members.get(i)
        if nodes is None:
            return tuple(self.result_of[x] for x in self.graph.operands(i))
        results = (self.result_of[x] for node in nodes for x in self.graph.operands(node))
        return tuple(dict.fromkeys(x for x in results if x != i))

    def text(self, i: int) -> str | None:
        """The source text of an operation of several nodes, on one line; None where its one node says it all."""
        if i not in self.members:
            return None
        span = self.graph.spans[self.graph.span[i]]
        return " ".join(span.source.text[span.start : span.end].split())

    def symbol(self, i: int) -> str | None:
        """The function, the index or the operator that an operation of several nodes was written with; else None."""
        text = self.text(i)
        if text is None:
            return None
        call = _CALL.match(text)
        if call and _closes(text, call.end() - 1) == len(text) - 1:
            return call[1]
        if text.endswith("]"):
            opening = _opening(text)
            if opening > 0:
                return text[opening:]
        spellings = [BY_CODE[self.graph.op[x]].spelling for x in self.members[i]]
        return next((s.text for s in reversed(spellings) if s.form in ("infix", "prefix")), None) or text


def _results(graph: Graph) -> list[int]:
    """By node, the result of its operation: one pass from the last node to the first."""
    result = list(range(len(graph)))
    users: list[int] = [NONE] * len(graph)  # the one operation that reads a node so far
    shared = bytearray(len(graph))  # read by several operations
    fixed = {*graph.outputs, *graph.asserts, *graph.names}
    for i in range(len(graph) - 1, -1, -1):
        reader = users[i]
        if reader != NONE and not shared[i] and i not in fixed and _belongs(graph, i, reader):
            result[i] = reader
        owner = result[i]
        for x in graph.operands(i):
            if users[x] not in (NONE, owner):
                shared[x] = 1
            users[x] = owner
    return result


def _belongs(graph: Graph, i: int, result: int) -> bool:
    """Whether an unnamed node is part of the operation with this result, which alone reads it."""
    if graph.op[i] in _STRUCTURAL or graph.op[result] in _STRUCTURAL or NONE in (graph.span[i], graph.span[result]):
        return False
    part, whole = graph.spans[graph.span[i]], graph.spans[graph.span[result]]
    if part.source is not whole.source:
        return False
    if (part.start, part.end) == (whole.start, whole.end):
        return True
    is_within = whole.start <= part.start and part.end <= whole.end
    return is_within and BY_CODE[graph.op[i]].spelling.form == "same"


def _closes(text: str, opening: int) -> int:
    """Where the bracket closes that is opened there."""
    depth = 0
    for k in range(opening, len(text)):
        depth += (text[k] in "([{") - (text[k] in ")]}")
        if not depth:
            return k
    return len(text)


def _opening(text: str) -> int:
    """Where the bracket opens that the text ends with."""
    depth = 0
    for k in range(len(text) - 1, -1, -1):
        depth += (text[k] in ")]}") - (text[k] in "([{")
        if not depth:
            return k
    return 0
