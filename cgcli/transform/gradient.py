"""Reverse mode as graph to graph: the gradient consists of ordinary nodes, so it can be differentiated again.

With every cotangent travels its *support*, a bool that says where a path to the result exists (none: everywhere).
Operations that take only some of their operands narrow it; a zero is written only where cotangents of different
support meet, and at the end. So a side that is not taken contributes exactly zero, whatever inf or NaN it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import COND, GET, INPUT, LOOP, Graph
from cgcli.graph.traversal import prune
from cgcli.ops.builder import Builder
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one

from .cotangents import Cotangent, activity, flat_type, join, pair
from .structured import through_cond, through_loop
from .support import Stamp, elementwise, mixing, stamp_of, structural

_STRUCTURED = {COND: through_cond, LOOP: through_loop}


def gradient(graph: Graph, of: int, wrt: Sequence[int], whole: bool = False, value: bool = False) -> Graph:
    """The graph that has `graph`'s inputs and gives the derivative of node `of` by each node of `wrt`.

    A derivative has the shape of the node it is by; it is zero where `of` does not depend on that node.
    whole: keep every node of `graph`, also those that no derivative needs. value: `of` itself is the first output.
    """
    b = Builder()
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    partials = differentiate(b, where[of], [where[x] for x in wrt])
    result = b.done(*([where[of]] if value else []), *partials)
    return result if whole else prune(result)


def differentiate(b: Builder, of: int, wrt: Sequence[int], seed: int | None = None) -> list[int]:
    """Appends to `b` the derivative of `of` by each of `wrt`, and returns those nodes.

    seed: the cotangent of `of`; ones where it is left out.
    """
    b.share()
    span, group = b.at_span, b.at_group
    lo = min(wrt, default=of)
    active = activity(b, lo, of + 1, wrt)
    if seed is None and active[of]:
        seed = b.const(1.0, flat_type(b.type_of(of)))
    seeds = {of: Cotangent(seed)} if seed is not None and active[of] else {}
    cotangents = _backpropagate(b, lo, of + 1, seeds, active)
    b.at_span, b.at_group = span, group
    results = [pair(b, cotangents.get(x), flat_type(b.type_of(x)))[0] for x in wrt]
    b.share(False)
    return results


def _backpropagate(
    b: Builder, lo: int, hi: int, seeds: dict[int, Cotangent], active: bytearray
) -> dict[int, Cotangent]:
    """Cotangents of all active nodes from `lo` up to `hi`, in descending order of the nodes that contribute."""
    cotangents = dict(seeds)
    rules = _Rules(b, active)
    results: dict[int, dict[int, Cotangent]] = {}  # of a structured node: the cotangents of its results
    for i in range(hi - 1, lo - 1, -1):
        if not active[i]:
            continue
        code = b.op[i]
        if code in _STRUCTURED:
            if i in results:
                _STRUCTURED[code](b, i, results.pop(i), active, cotangents, _backpropagate)
            continue
        c = cotangents.get(i)
        if c is None or code == INPUT:
            continue
        b.at_span, b.at_group = b.span[i], b.group[i]
        if code == GET:
            incoming = results.setdefault(b.a[i], {})
            k = b.attrs[i]["k"]
            incoming[k] = join(b, incoming.get(k), c)
            continue
        _through(b, i, c, rules, cotangents)
    return cotangents


class _Rules:
    """The stamps of a builder's nodes, memoised by op and types of nodes without attributes."""

    def __init__(self, b: Builder, active: bytearray) -> None:
        self.b, self.active = b, active
        self._stamps: dict[tuple[int, ...], Stamp] = {}

    def of(self, i: int, operands: tuple[int, ...]) -> Stamp:
        b, active = self.b, self.active
        plain = i not in b.attrs
        key = (b.op[i], b.type[i], *[2 * b.type[x] + active[x] for x in operands])
        stamp = self._stamps.get(key) if plain else None
        if stamp is None:
            stamp = stamp_of(b, i, operands, [bool(active[x]) for x in operands])
            if plain:
                self._stamps[key] = stamp
        return stamp


def _through(b: Builder, i: int, c: Cotangent, rules: _Rules, cotangents: dict[int, Cotangent]) -> None:
    """Stamps the rules of node `i` and adds the contributions to the cotangents of its operands."""
    operands = b.operands(i)
    op = BY_CODE[b.op[i]]
    rule = rules.of(i, operands)
    if op.is_elementwise:
        contributions = elementwise(b, i, c, rule, operands, op)
    elif op.derivative.flow == "structural":
        contributions = structural(b, i, c, rule, operands, op)
    else:
        contributions = mixing(b, i, c, rule, operands, op)
    for x, new in contributions:
        cotangents[x] = join(b, cotangents.get(x), new)
