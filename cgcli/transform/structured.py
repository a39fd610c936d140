"""Reverse mode through structured nodes: that of a `cond` is a `cond`, that of a `loop` a loop in the other direction.

The derivative of a loop recomputes each step from the carries that the step began with; the loop itself is altered to
save those that are needed, on stacks. The body of the derivative is the body of the loop, swept backward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from typing import NamedTuple

from cgcli.graph.graph import Graph, map_nested
from cgcli.graph.traversal import live, prune
from cgcli.graph.types import INT, Results, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.loops import LoopView
from cgcli.ops.typing import single

from .cotangents import Cotangent, activity, flat_type, join, map_items, masked_value, pair, support_type
from .restore import Restorable, Restoration, latest, restorable_carries, restored, saving_changes
from .templates import cotangent_type

Sweep = Callable[[Builder, int, int, dict[int, Cotangent], bytearray], dict[int, Cotangent]]
"""`sweep(b, lo, hi, seeds, active)`: the cotangents of all active nodes from `lo` up to `hi`."""


def without_asserts(graph: Graph) -> Graph:
    """The graph for recomputation: its assertions have held once. Recursion only into nested graphs."""
    if not graph.asserts:
        return graph
    pruned = prune(graph, asserts=False)
    return replace(pruned, attrs={i: map_nested(attrs, without_asserts) for i, attrs in pruned.attrs.items()})


# ---- cond


def through_cond(
    b: Builder,
    i: int,
    incoming: dict[int, Cotangent],
    active: bytearray,
    cotangents: dict[int, Cotangent],
    sweep: Sweep,
) -> None:
    """A `cond` whose sides compute the cotangents of the active operands, value and support.

    incoming: the cotangents of its results, by number.
    """
    b.at_span, b.at_group = b.span[i], b.group[i]
    condition, *captured = b.operands(i)
    wrt = [k for k, x in enumerate(captured) if active[x] and single(b.type_of(x)).has_derivative]
    keys = sorted(incoming)
    extra: list[int] = []
    for k in keys:
        extra.append(masked_value(b, incoming[k]))
        support = incoming[k].support
        if support is not None:
            extra.append(support)
    attrs = b.attrs[i]
    sides = {side: _side_gradient(b, attrs[side], captured, wrt, incoming, extra, sweep) for side in ("then", "else")}
    node = b.apply("cond", condition, *captured, *extra, **sides)
    for j, k in enumerate(wrt):
        new = Cotangent(b.get(node, k=2 * j), b.get(node, k=2 * j + 1), True)
        cotangents[captured[k]] = join(b, cotangents.get(captured[k]), new)


def _side_gradient(
    outer: Builder,
    body: Graph,
    captured: Sequence[int],
    wrt: Sequence[int],
    incoming: Mapping[int, Cotangent],
    extra: Sequence[int],
    sweep: Sweep,
) -> Graph:
    """The graph from a side's inputs and its results' cotangents to (value, support) by each input in `wrt`."""
    b = Builder()
    inputs = [b.input(outer.type1(x), body.names.get(i)) for x, i in zip(captured, body.inputs, strict=True)]
    seeds_in = iter([b.input(single(outer.type_of(x))) for x in extra])
    body = without_asserts(body)
    where = b.inline(body, inputs)
    hi = len(b)
    active = activity(b, 0, hi, [inputs[k] for k in wrt])
    b.share()
    seeds: dict[int, Cotangent] = {}
    for k in sorted(incoming):
        value = next(seeds_in)
        support = None if incoming[k].support is None else next(seeds_in)
        output = where[body.outputs[k]]
        if active[output]:
            seeds[output] = join(b, seeds.get(output), Cotangent(value, support, True))
    cotangents = sweep(b, 0, hi, seeds, active)
    results: list[int] = []
    for k in wrt:
        results += pair(b, cotangents.get(inputs[k]), flat_type(outer.type_of(captured[k])))
    return prune(b.done(*results))


# ---- loop


class _Loop(NamedTuple):
    """A loop under differentiation, without its asserts, and which of its operands and results have cotangents."""

    view: LoopView[int]
    moving: list[int]  # the carries that depend on something active
    summed: list[int]  # the invariants that are active
    read: list[int]  # the stacks that are active
    written: list[int]  # the stacks that it writes that have a cotangent


def through_loop(
    b: Builder,
    i: int,
    incoming: dict[int, Cotangent],
    active: bytearray,
    cotangents: dict[int, Cotangent],
    sweep: Sweep,
) -> None:
    """A loop in the other direction, over the carries that each step began with.

    It carries the cotangents of the carries and the running sums of those of the invariants; with supports where an
    inf or NaN may turn up. It reads the cotangents of stacks written and writes those of stacks read.
    """
    b.at_span, b.at_group = b.span[i], b.group[i]
    attrs = dict(b.attrs[i], body=without_asserts(b.attrs[i]["body"]))
    view = LoopView(attrs, b.operands(i))
    carries, invariants, stacks = view.carries, view.invariants, view.stacks
    loop = _Loop(
        view,
        _moving(b, view, active),
        [k for k, x in enumerate(invariants) if active[x] and single(b.type_of(x)).has_derivative],
        [k for k, x in enumerate(stacks) if active[x] and single(b.type_of(x)).has_derivative],
        [k for k in range(len(view.written)) if view.stack_result(k) in incoming],
    )
    risky = bool(b.risk[i])
    back = _step_back(b, loop, incoming, risky, sweep)

    start: list[int] = []
    for k in loop.moving:
        start += _carried(b, incoming.get(view.carry_result(k)), flat_type(b.type_of(carries[k])), risky)
    for k in loop.summed:
        x = invariants[k]
        start += _carried(b, cotangents.pop(x, None), flat_type(b.type_of(x)), risky)
    start += [b.get(i, k=view.carry_result(k)) for k in back.restored]
    saved = saving(b, i, back.saved)
    all_stacks = [b.get(i, k=saved[k]) for k in back.saved] + saving_changes(b, i, back.restored) + list(stacks)
    for k in loop.written:
        c = incoming[view.stack_result(k)]
        all_stacks += [masked_value(b, c)] + ([] if c.support is None else [c.support])
    read_stacks = [all_stacks[k] for k in back.stacks]
    node = b.loop(
        b.get(i, k=0),
        *start,
        *(invariants[k] for k in back.invariants),
        *read_stacks,
        body=back.body,
        carries=len(start),
        invariants=len(back.invariants),
        **({} if view.reverse else {"reverse": True}),
        **({"short": True} if view.short else {}),
    )
    results = (b.get(node, k=k) for k in count(1))

    def result(supported: bool) -> Cotangent:
        return Cotangent(next(results), next(results) if supported else None, True)

    starts = [(carries[k], result(risky)) for k in loop.moving]
    for k in loop.summed:
        cotangents[invariants[k]] = result(risky)  # the sum so far went in
    for k in back.restored:
        b.restored[carries[k]] = next(results)
    for x, c in starts:
        cotangents[x] = join(b, cotangents.get(x), c)
    for k, supported in zip(loop.read, back.supported, strict=True):
        c = result(supported)
        if view.short:
            value = b.filled(c.value, stacks[k], zero=0.0)
            c = Cotangent(value, None if c.support is None else b.filled(c.support, stacks[k], zero=False), True)
        cotangents[stacks[k]] = join(b, cotangents.get(stacks[k]), c)


def _moving(b: Builder, loop: LoopView[int], active: bytearray) -> list[int]:
    """The carries that depend on something active, at the start or after some steps."""
    body = loop.body
    carry_inputs, *others = loop.inputs("body")
    pairs = zip((*loop.invariants, *loop.stacks), chain(*others), strict=True)
    fixed = [inner for outer, inner in pairs if active[outer]]
    floats = [k for k, x in enumerate(loop.carries) if single(b.type_of(x)).has_derivative]
    moving = {k for k in floats if active[loop.carries[k]]}
    while True:
        flags = activity(body, 0, len(body), [*fixed, *(carry_inputs[k] for k in moving)])
        new = {k for k in floats if flags[loop.carry_outputs[k]]} | moving
        if new == moving:
            return sorted(moving)
        moving = new


class _StepBack(NamedTuple):
    """The body of a derivative's loop, pruned to the operands that it needs.

    saved: carries whose values the step began with are read; restored: those that are carried back instead.
    invariants, stacks: which of all are operands, the stacks being the saved carries, what the restored ones need, the
    stacks that the loop reads, and the cotangents of those it writes. supported: whether the cotangent of each active
    stack read comes with a support.
    """

    body: Graph
    saved: list[int]
    restored: dict[int, Restorable]
    invariants: list[int]
    stacks: list[int]
    supported: list[bool]


def _step_back(outer: Builder, loop: _Loop, incoming: Mapping[int, Cotangent], risky: bool, sweep: Sweep) -> _StepBack:
    view = loop.view
    body = view.body
    b = Builder()
    step = b.input(INT)
    kinds = [flat_type(outer.type_of(view.carries[k])) for k in loop.moving]
    kinds += [flat_type(outer.type_of(view.invariants[k])) for k in loop.summed]
    running = [_carried_input(b, t, risky) for t in kinds]
    carry_inputs, *other_inputs = view.inputs("body")
    restorable = restorable_carries(view)
    arrays = {k: b.input(single(body.type_of(carry_inputs[k]))) for k in restorable}
    invariants = [b.input(single(outer.type_of(x)), None) for x in view.invariants]
    saved = {k: b.input(single(body.type_of(x))) for k, x in enumerate(carry_inputs) if k not in restorable}
    changed = {k: [b.input(t) for t in carry.items] for k, carry in restorable.items()}
    items = [b.input(_item(outer, x)) for x in view.stacks]
    stack_cotangents: list[tuple[int, Cotangent]] = []
    stack_inputs: list[int] = []
    for k in loop.written:
        c = incoming[view.stack_result(k)]
        value = b.input(_item(outer, c.value))
        stack_inputs.append(value)
        support = c.support
        if support is not None:
            support = b.input(_item(outer, support))
            stack_inputs.append(support)
        stack_cotangents.append((view.written[k], Cotangent(value, support, True)))
    restorations = {k: restored(b, body, carry, arrays[k], changed[k]) for k, carry in restorable.items()}
    start_carries = [saved[k] if k in saved else restorations[k].before for k in range(len(carry_inputs))]
    for inner, x in zip((*carry_inputs, *chain(*other_inputs)), (*start_carries, *invariants, *items), strict=True):
        if inner in body.names:
            b.names[x] = body.names[inner]
    where = b.inline(body, [step, *start_carries, *invariants, *items])
    hi = len(b)
    roots = [start_carries[k] for k in loop.moving]
    roots += [invariants[k] for k in loop.summed] + [items[k] for k in loop.read]
    active = activity(b, 0, hi, roots)
    b.share()
    seeds: dict[int, Cotangent] = {}
    carried_cotangents = zip((view.carry_outputs[k] for k in loop.moving), running, strict=False)
    for inner, c in (*carried_cotangents, *stack_cotangents):
        output = where[inner]
        if active[output]:
            seeds[output] = join(b, seeds.get(output), c)
    for k, c in zip(loop.summed, running[len(loop.moving) :], strict=True):
        x = invariants[k]
        seeds[x] = join(b, seeds.get(x), c)
    cotangents = sweep(b, 0, hi, seeds, active)
    results: list[int] = []
    for k, t in zip(loop.moving, kinds, strict=False):
        results += _carried(b, cotangents.get(start_carries[k]), t, risky)
    for k, t in zip(loop.summed, kinds[len(loop.moving) :], strict=True):
        results += _carried(b, cotangents.get(invariants[k]), t, risky)
    behind: list[int] = []
    supported: list[bool] = []
    for k in loop.read:
        c = cotangents.get(items[k]) or _nothing(b, items[k], risky)
        supported.append(c.support is not None and risky)
        behind.append(masked_value(b, c))
        if c.support is not None and risky:
            behind.append(c.support)
    again = _restored_again(b, body, where, restorations, (*results, *behind))
    graph: Graph = b.done(*results, *again.values(), *behind)
    needed = live(graph, graph.outputs)
    read = {k: x for k, x in saved.items() if needed[x]}
    others = [x for k in again for x in changed[k]] + items + stack_inputs
    stacks = [n for n, x in enumerate((*read.values(), *others)) if x in read.values() or needed[x]]
    carried = len(running) * (2 if risky else 1)
    pruned = prune(graph, inputs=graph.inputs[: 1 + carried], asserts=False)
    kept = [k for k, x in enumerate(invariants) if needed[x]]
    return _StepBack(pruned, [*read], {k: restorable[k] for k in again}, kept, stacks, supported)


def _restored_again(
    b: Builder, body: Graph, where: Sequence[int], arrays: Mapping[int, Restoration], results: Sequence[int]
) -> dict[int, int]:
    """Of the arrays that the results need, the node by which the step before goes on with each."""
    again: dict[int, int] = {}
    while True:
        needed = live(b, (*results, *again.values()))
        more = [k for k, array in arrays.items() if k not in again and needed[array.after]]
        if not more:
            return dict(sorted(again.items()))
        for k in more:
            again[k] = latest(b, body, where, arrays[k], (*results, *again.values()))


def _nothing(b: Builder, x: int, risky: bool) -> Cotangent:
    """The zero cotangent of an item that no path leads to."""
    t = cotangent_type(b.type_of(x))
    if isinstance(t, Stack):
        zero = map_items(b, lambda inner, y: inner.const(0.0, flat_type(inner.type_of(y))), x)
        return Cotangent(zero, None, True)
    value, support = pair(b, None, t)
    return Cotangent(value, support if risky else None, True)


def _item(b: Builder, x: int) -> Type | Stack:
    t = b.type_of(x)
    assert isinstance(t, Stack)
    return t.item


def _carried_input(b: Builder, t: Type, risky: bool) -> Cotangent:
    value = b.input(t)
    support = b.input(support_type(t)) if risky else None
    return Cotangent(value, support, True)


def _carried(b: Builder, c: Cotangent | None, t: Type, risky: bool) -> list[int]:
    """A cotangent as a loop carries it: with its support only where an inf or NaN may turn up."""
    value, support = pair(b, c, t)
    return [value, support] if risky else [value]


def saving(b: Builder, i: int, carries: Sequence[int]) -> tuple[int, ...]:
    """Makes loop `i` save these carries as each step begins. Returns by carry its result, 0 where it is not saved.

    Saved carries are results behind the others, so no `get` of the loop changes.
    """
    loop: LoopView[int] = LoopView(b.attrs[i])
    body, saved = loop.body, list(loop.saved)
    unsaved = [k for k in carries if not saved[k]]
    if unsaved:
        results = b.type_of(i)
        assert isinstance(results, Results)
        saved_inputs = [loop.inputs("body")[0][k] for k in unsaved]
        for position, k in enumerate(unsaved, len(results.items)):
            saved[k] = position
        types = [Stack(single(body.type_of(x))) for x in saved_inputs]
        more = {"body": replace(body, outputs=(*body.outputs, *saved_inputs)), "saved": tuple(saved)}
        b.replace_attrs(i, Results((*results.items, *types)), {**loop.attrs, **more})
    return tuple(saved)
