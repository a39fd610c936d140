"""Reverse mode as graph to graph: the gradient is made of ordinary nodes, so it can be differentiated again.

With every cotangent travels its *support*, a bool that says where a path to the result exists (none: everywhere).
Operations that take only some of their operands narrow it; a zero is written only where cotangents of different
support meet, and at the end. So a side that is not taken contributes exactly zero, whatever inf or NaN it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import INPUT, Graph, opcode
from cgcli.graph.traversal import prune
from cgcli.graph.types import Results, Type
from cgcli.ops.builder import Builder
from cgcli.ops.registry import BY_CODE
from cgcli.ops.typing import one

from .support import Cotangent, Stamp, elementwise, everywhere, mixing, settled, stamp_of, structural
from .templates import cotangent_type

_COND = opcode("cond")
_GET = opcode("get")


def gradient(graph: Graph, of: int, wrt: Sequence[int], whole: bool = False, value: bool = False) -> Graph:
    """The graph that has `graph`'s inputs and gives the derivative of node `of` by each node of `wrt`.

    A derivative has the shape of the node it is by; it is zero where `of` does not depend on that node.
    whole: keep every node of `graph`, also those that no derivative needs. value: give `of` itself first.
    """
    b = Builder()
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    partials = differentiate(b, where[of], [where[x] for x in wrt])
    made = b.done(*([where[of]] if value else []), *partials)
    return made if whole else prune(made)


def differentiate(b: Builder, of: int, wrt: Sequence[int], seed: int | None = None) -> list[int]:
    """Appends to `b` the nodes of the derivative of `of` by each of `wrt`, and says which they are.

    seed: the cotangent of `of`; ones where it is left out.
    """
    b.share()
    span, group = b.at_span, b.at_group
    lo = min(wrt, default=of)
    active = _reached(b, lo, of + 1, wrt)
    if seed is None and active[of]:
        seed = b.const(1.0, cotangent_type(b.type_of(of)))
    seeds = {of: Cotangent(seed)} if seed is not None and active[of] else {}
    cotangents = _backpropagate(b, lo, of + 1, seeds, active)
    b.at_span, b.at_group = span, group
    results = [_pair(b, cotangents.get(x), cotangent_type(b.type_of(x)))[0] for x in wrt]
    b.share(False)
    return results


def _reached(b: Builder, lo: int, hi: int, roots: Sequence[int]) -> bytearray:
    """A flag a node below `hi`: whether it depends on one of `roots` through values that have a derivative."""
    flags = bytearray(hi)
    for i in roots:
        if i < hi:
            flags[i] = 1
    for i in range(lo, hi):
        if not flags[i] and any(flags[x] for x in b.operands(i)):
            t = b.type_of(i)
            flags[i] = isinstance(t, Results) or t.has_derivative
    return flags


def _join(b: Builder, p: Cotangent | None, q: Cotangent) -> Cotangent:
    """The sum of two contributions to one node."""
    if p is None:
        return q
    if p.support == q.support:
        return Cotangent(b.add(p.value, q.value), p.support, p.clean and q.clean)
    support = None if p.support is None or q.support is None else b.or_(p.support, q.support)
    return Cotangent(b.add(settled(b, p), settled(b, q)), support, True)


def _pair(b: Builder, c: Cotangent | None, type_: Type) -> tuple[int, int]:
    """Value and support as two nodes, zero and false where nothing is known."""
    if c is None:
        return b.const(0.0, type_), everywhere(b, type_, False)
    return settled(b, c), everywhere(b, type_) if c.support is None else c.support


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
        if code == _COND:
            if i in results:
                _through_cond(b, i, results.pop(i), active, cotangents)
            continue
        c = cotangents.get(i)
        if c is None or code == INPUT:
            continue
        b.at_span, b.at_group = b.span[i], b.group[i]
        if code == _GET:
            given = results.setdefault(b.a[i], {})
            k = b.attrs[i]["k"]
            given[k] = _join(b, given.get(k), c)
            continue
        _through(b, i, c, rules, cotangents)
    return cotangents


class _Rules:
    """The templates of a builder's nodes, found by numbers where that suffices."""

    def __init__(self, b: Builder, active: bytearray) -> None:
        self.b, self.active = b, active
        self._known: dict[tuple[int, ...], Stamp] = {}

    def of(self, i: int, operands: tuple[int, ...]) -> Stamp:
        b, active = self.b, self.active
        plain = i not in b.attrs
        key = (b.op[i], b.type[i], *[2 * b.type[x] + active[x] for x in operands])
        known = self._known.get(key) if plain else None
        if known is None:
            known = stamp_of(b, i, operands, [bool(active[x]) for x in operands])
            if plain:
                self._known[key] = known
        return known


def _through(b: Builder, i: int, c: Cotangent, rules: _Rules, cotangents: dict[int, Cotangent]) -> None:
    """Stamps the rules of node `i` and hands its operands what they give."""
    operands = b.operands(i)
    op = BY_CODE[b.op[i]]
    rule = rules.of(i, operands)
    if op.flow == "elementwise":
        given = elementwise(b, i, c, rule, operands, op)
    elif op.flow == "structural":
        given = structural(b, i, c, rule, operands, op)
    else:
        given = mixing(b, i, c, rule, operands, op)
    for x, new in given:
        cotangents[x] = _join(b, cotangents.get(x), new)


def _through_cond(
    b: Builder, i: int, given: dict[int, Cotangent], active: bytearray, cotangents: dict[int, Cotangent]
) -> None:
    """A `cond` whose sides compute their own side's cotangents: value and support of each operand that is active."""
    b.at_span, b.at_group = b.span[i], b.group[i]
    condition, *captured = b.operands(i)
    wrt = [k for k, x in enumerate(captured) if active[x] and b.type1(x).has_derivative]
    keys = sorted(given)
    extra: list[int] = []
    for k in keys:
        extra.append(settled(b, given[k]))
        support = given[k].support
        extra.append(everywhere(b, b.type1(given[k].value)) if support is None else support)
    attrs = b.attrs[i]
    sides = {
        side: _side_gradient(b, attrs[side], captured, wrt, keys, [b.type1(x) for x in extra])
        for side in ("then", "else")
    }
    node = b.apply("cond", condition, *captured, *extra, **sides)
    for j, k in enumerate(wrt):
        new = Cotangent(b.get(node, k=2 * j), b.get(node, k=2 * j + 1), True)
        cotangents[captured[k]] = _join(b, cotangents.get(captured[k]), new)


def _side_gradient(
    outer: Builder, body: Graph, captured: Sequence[int], wrt: Sequence[int], keys: Sequence[int], extra: list[Type]
) -> Graph:
    """From a side's inputs and its results' cotangents: (value, support) by each input in `wrt`."""
    b = Builder()
    inputs = [b.input(outer.type1(x), body.names.get(i)) for x, i in zip(captured, body.inputs, strict=True)]
    seeds_in = [b.input(t) for t in extra]
    where = b.inline(body, inputs)
    hi = len(b)
    active = _reached(b, 0, hi, [inputs[k] for k in wrt])
    b.share()
    seeds: dict[int, Cotangent] = {}
    for j, k in enumerate(keys):
        output = where[body.outputs[k]]
        if active[output]:
            seed = Cotangent(seeds_in[2 * j], seeds_in[2 * j + 1], True)
            seeds[output] = _join(b, seeds.get(output), seed)
    cotangents = _backpropagate(b, 0, hi, seeds, active)
    results: list[int] = []
    for k in wrt:
        results += _pair(b, cotangents.get(inputs[k]), cotangent_type(outer.type_of(captured[k])))
    return prune(b.done(*results))
