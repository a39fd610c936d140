"""Loops: loop-invariant code motion, and carries that no step changes become invariants."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import CONST, INPUT, LOOP, Graph
from cgcli.graph.traversal import prune, used
from cgcli.graph.types import INT, Results
from cgcli.ops.loops import LoopView

from .editor import Editor
from .passes import Log, rewrite
from .safety import never_stops
from .structure import Gets, View, keep_results, rewrite_structured, with_inputs, with_outputs


@rewrite(
    "hoist", "what is the same in every step of a loop is computed once in front of it, unless that could stop the run"
)
def hoist(graph: Graph, log: Log | None = None) -> Graph:
    """Inner loops first, so that a node can be hoisted out of several.

    There may be no step: only nodes that cannot stop the run are hoisted. Constants stay, they cost nothing.
    """
    return rewrite_structured(graph, log, hoist.run, {LOOP: _hoist_from})


def _hoist_from(ed: Editor, i: int, _: Gets) -> None:
    view = View.of(ed, i)
    if not view.fits(ed):
        return
    hoisted = {key: _hoisted(ed, view, key, graph) for key, graph in view.graphs()}
    added = [outer for nodes in hoisted.values() for outer in nodes.values()]  # operands that are new invariants
    if not added:
        return
    graphs: dict[str, Graph] = {}
    start = 0
    for key, graph in view.graphs():
        carries, invariants, items = view.inputs(key)
        new = [ed.type_of(x) for x in added]
        before = [*graph.inputs[: LoopView.offset(key)], *carries, *invariants]
        replacements = {x: k for k, x in enumerate(hoisted[key], len(before) + start)}
        start += len(hoisted[key])
        graphs[key] = prune(with_inputs(graph, [*before, *new, *items], replacements))
    operands = (*view.first, *view.carries, *view.invariants, *added, *view.stacks)
    attrs = {**view.attrs, **graphs, "invariants": len(view.invariants) + len(added)}
    ed.alter(i, operands, attrs)
    ed.say("{}: what is the same in every step of the loop is computed once", i)


def _hoisted(ed: Editor, view: View, key: str, graph: Graph) -> dict[int, int]:
    """The nodes of a body or condition that are hoisted and read within it, with the nodes in front of the loop that
    replace them."""
    invariant = dict(zip(view.inputs(key)[1], view.invariants, strict=True))
    outside: dict[int, int] = {}  # nodes that can be computed in front, inputs and constants left out
    fixed = bytearray(len(graph))
    for x in invariant:
        fixed[x] = 1
    for x, code in enumerate(graph.op):
        if code == INPUT:
            continue
        operands = graph.operands(x)
        if code == CONST or (code != LOOP and operands and all(fixed[y] for y in operands) and never_stops(graph, x)):
            fixed[x] = 1
    leaving = [x for x in range(len(graph)) if fixed[x] and graph.op[x] not in (CONST, INPUT) and _single(graph, x)]
    leaving_set = set(leaving)
    read_inside = {y for x in range(len(graph)) if not fixed[x] for y in graph.operands(x)}.union(graph.outputs)
    read = [x for x in leaving if x in read_inside]
    if not read:
        return {}
    span, group = ed.at_span, ed.at_group
    needed = set(read)
    for x in range(len(graph) - 1, -1, -1):
        if x in needed:
            needed.update(graph.operands(x))
    for x in sorted(needed):
        if graph.op[x] == INPUT:
            outside[x] = invariant[x]
            continue
        span_row = graph.span[x]
        ed.at_span = ed.intern_span(graph.spans[span_row]) if span_row >= 0 else span
        operands = tuple([outside[y] for y in graph.operands(x)])
        outside[x] = ed.place(graph.op[x], operands, ed.intern_type(graph.type_of(x)), graph.attrs.get(x, {}))
        if x in graph.names and x in leaving_set:
            ed.names[outside[x]] = graph.names[x]
    ed.at_span, ed.at_group = span, group
    return {x: outside[x] for x in read}


def _single(graph: Graph, x: int) -> bool:
    return not isinstance(graph.type_of(x), Results)


# ---- carries that do not change


@rewrite("settle", "what no step of a loop changes is not handed from step to step; a loop of one step is that step")
def settle(graph: Graph, log: Log | None = None) -> Graph:
    """A carry that every step passes on unchanged is an invariant; a loop of no steps returns its start values."""
    return rewrite_structured(graph, log, settle.run, {LOOP: _settle_carries})


def _settle_carries(ed: Editor, i: int, read: Gets) -> None:
    view = View.of(ed, i)
    if not view.fits(ed):
        return
    many = len(view.carries)
    steps = ed.number(view.first[0]) if view.first else None
    if isinstance(steps, int) and steps <= 1 and all(k <= many for k in read) and not (steps == 1 and view.stacks):
        _unrolled(ed, i, view, read, max(0, steps))
        return
    loop = view.of_loop
    carries = view.inputs("body")[0]
    still = [k for k in range(many) if loop.carry_outputs[k] == carries[k]]
    if not still or _ends_never(view, still):
        return
    moving = [k for k in range(many) if k not in still]
    attrs = {key: value for key, value in view.attrs.items() if key != "saved"}
    for key, graph in view.graphs():
        c, v, s = view.inputs(key)
        inputs = [*graph.inputs[: LoopView.offset(key)], *(c[k] for k in moving), *v, *(c[k] for k in still), *s]
        outputs = (*(loop.carry_outputs[k] for k in moving), *loop.written) if key == "body" else graph.outputs
        attrs[key] = with_inputs(with_outputs(graph, outputs), inputs, {})
    attrs |= {"carries": len(moving), "invariants": len(view.invariants) + len(still)}
    operands = (
        *view.first,
        *(view.carries[k] for k in moving),
        *view.invariants,
        *(view.carries[k] for k in still),
        *view.stacks,
    )
    results = [0, *map(loop.carry_result, moving), *map(loop.stack_result, range(len(loop.written)))]
    keep_results(ed, i, read, results, operands, attrs)
    ed.say("{}: what no step of the loop changes is not handed from step to step", i)
    for k in still:
        for x in read.get(loop.carry_result(k), ()):
            ed.replace(x, view.carries[k])


def _ends_never(view: View, still: Sequence[int]) -> bool:
    """Whether a `while` that begins has no end: its condition reads nothing that steps change. It stays as it is."""
    if view.of_loop.pred is None:
        return False
    read = used(view.of_loop.pred)
    return not any(read[x] for k, x in enumerate(view.inputs("pred")[0]) if k not in still)


def _unrolled(ed: Editor, i: int, view: View, read: Gets, steps: int) -> None:
    """A loop of no step or of one, of which no stack is read."""
    results = list(view.carries)
    if steps:
        body = view.of_loop.body
        where = ed.inline(body, (ed.const(0, INT), *view.carries, *view.invariants))
        results = [where[x] for x in body.outputs]
    ed.say("{}: the loop takes " + ("one step, which is put in its place" if steps else "no step"), i)
    for k, nodes in read.items():
        for x in nodes:
            ed.replace(x, results[k - 1] if k else ed.const(steps, INT))
    ed.replace(i, view.operands[0])  # now unread
