"""Conditionals: `cond`s with constant conditions, results that do not depend on the side, short sides."""

from __future__ import annotations

from cgcli.graph.graph import COND, CONST, INPUT, LOOP, Graph, opcode
from cgcli.graph.traversal import live, used
from cgcli.graph.types import BOOL, Type
from cgcli.ops.table import BY_CODE

from .common import attrs_text
from .editor import Editor
from .passes import Log, rewrite
from .safety import never_stops
from .structure import Gets, View, rewrite_structured

_NOT = opcode("not")
SHORT = 8  # operations of both sides together: fewer are cheaper to compute than to choose between


@rewrite("decide", "an `if` whose condition is known, or whose sides are equal, is the side that it takes")
def decide(graph: Graph, log: Log | None = None) -> Graph:
    """Constant conditions; `not`; sides that are equal; results that are equal on both sides.

    Within a side its own condition is constant, so that an `if` on the same condition inside it is decided.
    """
    return rewrite_structured(graph, log, decide.run, {COND: _decided})


@rewrite("choose", "a short `if` between numbers computes both sides and picks one")
def choose(graph: Graph, log: Log | None = None) -> Graph:
    """A `cond` of numbers with short sides that cannot stop the run computes both and chooses by `where`.

    `where` passes on one of two values of one type, bit for bit; the results of the other side are discarded.
    """
    return rewrite_structured(graph, log, choose.run, {COND: _chosen})


def _replace_results(ed: Editor, read: Gets, results: list[int]) -> None:
    """Replaces the `get`s of a node's results."""
    for k, nodes in read.items():
        for x in nodes:
            ed.replace(x, results[k])


def _decided(ed: Editor, i: int, read: Gets) -> None:
    view = View.of(ed, i)
    (condition,) = view.first
    value = ed.number(condition)
    then, otherwise = view.attrs["then"], view.attrs["else"]
    if not view.fits(ed):
        return
    if value is not None or (read and _equal(then, otherwise)):
        ed.say("{}: which side the `if` takes " + ("is known" if value is not None else "makes no difference"), i)
        _take_side(ed, i, then if value or value is None else otherwise, view, read)
        return
    if ed.op[condition] == _NOT:
        ed.alter(i, (ed.a[condition], *view.invariants), {**view.attrs, "then": otherwise, "else": then})
        ed.say("{}: an `if not` with its sides changed over", i)
        return
    _condition_inside(ed, i, view)
    _equal_results(ed, i, view, read)


def _equal(a: Graph, b: Graph) -> bool:
    return a.op == b.op and a == b  # graphs are compared as texts


def _take_side(ed: Editor, i: int, side: Graph, view: View, read: Gets) -> None:
    _replace_results(ed, read, _inlined(ed, side, view))
    ed.replace(i, view.first[0])  # now unread; so its asserts are not kept twice


def _inlined(ed: Editor, side: Graph, view: View) -> list[int]:
    """The results of a side, whose nodes now stand in front of the `cond`."""
    where = ed.inline(side, view.invariants)
    return [where[x] for x in side.outputs]


def _condition_inside(ed: Editor, i: int, view: View) -> None:
    (condition,) = view.first
    positions = [k for k, x in enumerate(view.invariants) if x == condition]
    if not positions:
        return
    sides = {}
    for key, side in view.graphs():
        inner = Editor(side)
        read = used(side)
        conditions = {x for k in positions if read[x := side.inputs[k]]}
        for x in inner.walk():
            if x in conditions:
                inner.replace(x, inner.const(key == "then", BOOL))
        sides[key] = inner.finish()
    if any(sides[key] is not view.attrs[key] for key in sides):
        ed.alter(i, attrs={**view.attrs, **sides})
        ed.say("{}: within a side of the `if` its condition is known", i)


def _equal_results(ed: Editor, i: int, view: View, read: Gets) -> None:
    """Replaces results that are the same outer value, or the same constant, on both sides."""
    then: Graph = ed.attrs[i]["then"]
    otherwise: Graph = ed.attrs[i]["else"]
    outside = [dict(zip(side.inputs, view.invariants, strict=True)) for side in (then, otherwise)]
    for k, nodes in read.items():
        p, q = then.outputs[k], otherwise.outputs[k]
        replacement = outside[0].get(p)
        if replacement is None or replacement != outside[1].get(q):
            replacement = None
            if then.op[p] == CONST == otherwise.op[q] and then.type_of(p) == otherwise.type_of(q):
                value = then.attrs[p]["value"]
                t = then.type_of(p)
                if attrs_text(then.attrs[p]) == attrs_text(otherwise.attrs[q]) and isinstance(t, Type):
                    replacement = ed.const(value, t)
        if replacement is not None and ed.type_of(replacement) == ed.type_of(nodes[0]):
            ed.say("{} is the same on both sides of the `if`", nodes[0])
            for x in nodes:
                if ed.replacement[x] == x:
                    ed.replace(x, replacement)


def _chosen(ed: Editor, i: int, read: Gets) -> None:
    view = View.of(ed, i)
    sides: tuple[Graph, Graph] = (view.attrs["then"], view.attrs["else"])
    if not read or sides[0].asserts or sides[1].asserts or not view.fits(ed):
        return
    if not all(_number(side, x) for side in sides for x in side.outputs):
        return
    costs = [_cost(side, [side.outputs[k] for k in read]) for side in sides]
    if None in costs or sum(c for c in costs if c is not None) > SHORT:
        return
    pairs = enumerate(zip(*(_inlined(ed, side, view) for side in sides), strict=True))
    results = [ed.make("where", view.first[0], p, q) if k in read else p for k, (p, q) in pairs]
    if any(ed.single(results[k]) != ed.type_of(x) for k, nodes in read.items() for x in nodes):
        return
    ed.say("{}: both sides of the `if` are short: both are computed, and one is chosen", i)
    _replace_results(ed, read, results)


def _number(side: Graph, x: int) -> bool:
    """Whether a result is a number. A literal's int is one when it is written out: else it may have left 64 bits."""
    t = side.type_of(x)
    return isinstance(t, Type) and not t.shape and not (t.weak and t.is_int and side.op[x] != CONST)


def _cost(side: Graph, outputs: list[int]) -> int | None:
    """How many operations a side computes, None when it is too long or may not be computed speculatively."""
    if LOOP in side.op or COND in side.op:
        return None
    needed = live(side, outputs)
    count = 0
    for i, code in enumerate(side.op):
        if not needed[i] or code in (CONST, INPUT):
            continue
        t = side.type_of(i)
        count += 1
        if count > SHORT or not isinstance(t, Type) or t.shape or not BY_CODE[code].is_elementwise:
            return None
        if not never_stops(side, i):
            return None
    return count
