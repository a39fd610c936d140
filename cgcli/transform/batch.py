"""Batch as graph to graph (the field's vmap): many evaluations as one, along a new first axis.

Axes count from the end, so most ops carry the new axis as they are. What does not depend on a batched input stays
unbatched: it is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import CONST, INPUT, NONE, Graph, opcode
from cgcli.graph.sizes import Size
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.harmless import harmless
from cgcli.ops.registry import BY_CODE, Op
from cgcli.ops.shape import lifted
from cgcli.ops.typing import one

_COND = opcode("cond")
_GET = opcode("get")


def batch(graph: Graph, flags: Sequence[bool], size: Size) -> Graph:
    """The graph whose flagged inputs have a batch axis of `size` in front, and so have all its outputs.

    Row r of an output is what `graph` gives for row r of the flagged inputs and the whole of the others.
    """
    b = Builder()
    inputs: list[int] = []
    for i, flag in zip(graph.inputs, flags, strict=True):
        t = one(graph.type_of(i))
        inputs.append(b.input(_batched(t, size) if flag else t, graph.names.get(i)))
    outputs, flagged = _inlined(b, graph, inputs, flags, size, None)
    return prune(b.done(*(x if f else spread(b, x, size) for x, f in zip(outputs, flagged, strict=True))))


def spread(b: Builder, x: int, size: Size) -> int:
    """An unbatched value as a batch of equal rows."""
    return b.expand(x, shape=(size, *b.type1(x).shape))


def batch_nodes(b: Builder, source: Builder | Graph, where: list[int], flags: bytearray, lo: int, size: Size) -> None:
    """Appends to `b` the batched form of the nodes of `source` from `lo` on that depend on flagged ones.

    where: of each node of `source` its node in `b`; filled in from `lo` on. flags: likewise whether that is batched.
    """
    _Pass(b, source, where, flags, size, None).run(lo)


def _batched(t: Type, size: Size) -> Type:
    return t._replace(shape=(size, *t.shape))


def _inlined(
    b: Builder, graph: Graph, inputs: Sequence[int], flags: Sequence[bool], size: Size, mask: int | None
) -> tuple[list[int], list[bool]]:
    """Where a graph's outputs went, and which of them are batched. mask: the rows that count, None for all."""
    where = [NONE] * len(graph)
    flagged = bytearray(len(graph))
    for i, x, f in zip(graph.inputs, inputs, flags, strict=True):
        where[i], flagged[i] = x, f
    _Pass(b, graph, where, flagged, size, mask).run(0)
    return [where[i] for i in graph.outputs], [bool(flagged[i]) for i in graph.outputs]


class _Pass:
    def __init__(
        self, b: Builder, source: Builder | Graph, where: list[int], flags: bytearray, size: Size, mask: int | None
    ) -> None:
        self.b, self.source, self.where, self.flags, self.size, self.mask = b, source, where, flags, size, mask
        # of a `cond` whose rows part: the results and whether each is batched, for its `get`s
        self.several: dict[int, tuple[list[int], list[bool]]] = {}

    def run(self, lo: int) -> None:
        g, b = self.source, self.b
        for i in range(lo, len(self.where)):
            if g.op[i] == INPUT or self.where[i] != NONE:
                continue
            operands = g.operands(i)
            if g.op[i] == _COND:
                self._cond(i, operands)
            elif g.op[i] == _GET:
                results, flags = self.several[operands[0]]
                k = g.attrs[i]["k"]
                self.where[i], self.flags[i] = results[k], flags[k]
            else:
                self._node(i, operands)
            if i in g.names and self.where[i] != NONE:
                b.names.setdefault(self.where[i], g.names[i])

    def _node(self, i: int, operands: tuple[int, ...]) -> None:
        g, b = self.source, self.b
        flags = [bool(self.flags[x]) for x in operands]
        xs = [self.where[x] for x in operands]
        attrs = g.attrs.get(i, {})
        code = g.op[i]
        if g.span[i] != NONE:
            b.at_span = b.intern_span(g.spans[g.span[i]])
        if code == CONST or (not any(flags) and (self.mask is None or not BY_CODE[code].harmless)):
            self.where[i] = b.place(code, tuple(xs), b.intern_type(g.type_of(i)), attrs)
            return
        op = BY_CODE[code]
        if self.mask is not None and op.may_fail:
            xs, flags = self._masked(op, xs, flags)
        self.flags[i] = 1
        if callable(op.batch):
            self.where[i] = op.batch(b, xs, flags, attrs, self.size)
            return
        if op.batch == "spread":
            xs = [x if f else spread(b, x, self.size) for x, f in zip(xs, flags, strict=True)]
        else:
            rank = 1 + max(one(g.type_of(x)).rank for x in operands)
            xs = [lifted(b, x, rank) if f else x for x, f in zip(xs, flags, strict=True)]
        self.where[i] = b.emit(code, tuple(xs), attrs)

    def _masked(self, op: Op, xs: list[int], flags: list[bool]) -> tuple[list[int], list[bool]]:
        """The operands of an op that may fail, harmless in the rows that do not count."""
        b = self.b
        assert self.mask is not None
        made, flagged = list(xs), list(flags)
        for k in op.harmless:
            x = xs[k] if flags[k] else spread(b, xs[k], self.size)
            rows = _rows(b, self.mask, b.type1(x).rank)
            made[k], flagged[k] = b.where(rows, x, harmless(b, op, k, x)), True
        return made, flagged

    def _cond(self, i: int, operands: tuple[int, ...]) -> None:
        """One side for all rows, or both sides and a choice by row."""
        g, b = self.source, self.b
        flags = [bool(self.flags[x]) for x in operands]
        xs = [self.where[x] for x in operands]
        sides: list[Graph] = [g.attrs[i]["then"], g.attrs[i]["else"]]
        if not flags[0]:
            self.several[i] = self._same_side(xs, flags, sides)
            return
        taken = xs[0]
        masks = [taken, b.not_(taken)]
        if self.mask is not None:
            masks = [b.and_(self.mask, m) for m in masks]
        found: list[list[int]] = []
        for side, mask in zip(sides, masks, strict=True):
            outputs, flagged = _inlined(b, side, xs[1:], flags[1:], self.size, mask)
            found.append([x if f else spread(b, x, self.size) for x, f in zip(outputs, flagged, strict=True)])
        results = [b.where(_rows(b, taken, b.type1(p).rank), p, q) for p, q in zip(*found, strict=True)]
        self.several[i] = results, [True] * len(results)

    def _same_side(self, xs: list[int], flags: list[bool], sides: list[Graph]) -> tuple[list[int], list[bool]]:
        """All rows take the same side, which becomes a batch of its own."""
        b = self.b
        made: list[Graph] = []
        for side in sides:
            inner = Builder()
            inputs: list[int] = []
            for x, i in zip(xs[1:], side.inputs, strict=True):
                inputs.append(inner.input(b.type1(x), side.names.get(i)))
            outputs, flagged = _inlined(inner, side, inputs, flags[1:], self.size, None)
            made.append(
                inner.done(*(x if f else spread(inner, x, self.size) for x, f in zip(outputs, flagged, strict=True)))
            )
        node = b.apply("cond", *xs, **{"then": made[0], "else": made[1]})
        count = len(made[0].outputs)
        return [b.get(node, k=k) for k in range(count)], [True] * count


def _rows(b: Builder, mask: int, rank: int) -> int:
    """A bool a row, as a value that broadcasts over the rows of one of `rank`."""
    return b.expand_dims(mask, axes=tuple(range(-rank + 1, 0))) if rank > 1 else mask
