"""Checkpointing: a loop cut into a loop of loops, whose derivative saves the carries of few steps and recomputes the
others (Griewank and Walther, Evaluating Derivatives, chapter 12). Values and first derivatives keep their bits, but for
the sign of zeros.
"""

from __future__ import annotations

from typing import Any

from cgcli.graph.graph import GET, INPUT, LOOP, NONE, Graph, map_nested
from cgcli.graph.types import INT
from cgcli.ops.builder import Builder
from cgcli.ops.loops import LoopView, items_of
from cgcli.ops.typing import single

CHUNK = 1000  # steps of a `while` between two checkpoints: their number is known only when it has run


def checkpointed(graph: Graph) -> tuple[Graph, list[int]]:
    """The graph with its loops cut, and by node its new node; NONE for the nodes of loops themselves.

    A `for` of n steps keeps about √n carries twice. Loops that already save their carries stay. Recursion only into
    nested graphs.
    """
    b = Builder()
    where: list[int] = []
    cut_results: dict[int, list[int]] = {}
    for i, code in enumerate(graph.op):
        operands = [where[x] for x in graph.operands(i)]
        attrs = graph.attrs.get(i, {})
        b.at_span = b.intern_span(graph.spans[graph.span[i]]) if graph.span[i] != NONE else NONE
        if code == INPUT:
            where.append(b.input(single(graph.type_of(i)), graph.names.get(i), **attrs))
            continue
        if code == LOOP and not LoopView(attrs).reverse and "saved" not in attrs:
            cut_results[i] = _cut(b, LoopView(attrs, operands))
            where.append(NONE)
            continue
        if code == GET and graph.a[i] in cut_results:
            where.append(cut_results[graph.a[i]][attrs["k"]])
        else:
            attrs = map_nested(attrs, lambda inner: checkpointed(inner)[0])
            where.append(b.place(code, tuple(operands), b.intern_type(graph.type_of(i)), attrs))
        if i in graph.names:
            b.names.setdefault(where[i], graph.names[i])
    return b.done(*(where[i] for i in graph.outputs)), where


def _cut(b: Builder, loop: LoopView[int]) -> list[int]:
    """The results of a loop as those of a loop of loops."""
    count, carries, invariants, stacks = loop.count, loop.carries, loop.invariants, loop.stacks
    if count is None:
        size = b.const(CHUNK, INT)
    else:
        zero = b.const(0, INT)
        count = b.max(b.cast(count, dtype="int"), zero)
        size = b.max(b.cast(b.ceil(b.sqrt(b.cast(count, dtype="float"))), dtype="int"), b.const(1, INT))
    test, written = loop.pred, len(loop.written)
    inner_attrs = _inner(b, loop)
    inner: LoopView[int] = LoopView(inner_attrs)
    total = b.const(0, INT)

    outer = Builder()
    outer.input(INT)
    start_carries = [outer.input(single(b.type_of(x))) for x in (*carries, total)]
    fixed = [outer.input(single(b.type_of(x))) for x in (*invariants, size, *([] if count is None else [count]))]
    items = [outer.input(single(b.type_of(x))) for x in stacks]  # a chunk of a stack is a stack
    start = start_carries[-1]
    own_invariants = fixed[: len(invariants)]
    limit = fixed[len(invariants)]
    if test is None:
        limit = outer.min(limit, outer.sub(fixed[-1], start))
        node = outer.loop(limit, *start_carries[:-1], *own_invariants, start, *items, **inner_attrs)
        steps = outer.get(node, k=0)
    else:
        counter = outer.const(0, INT)
        node = outer.loop(*start_carries[:-1], counter, *own_invariants, start, limit, *items, **inner_attrs)
        steps = outer.get(node, k=inner.carry_result(len(carries)))
    results = [outer.get(node, k=inner.carry_result(k)) for k in range(len(carries))]
    item_stacks = [outer.get(node, k=inner.stack_result(k)) for k in range(written)]
    outer_body = outer.done(*results, outer.add(start, steps), *item_stacks)

    loop_attrs: dict[str, Any] = {"body": outer_body, "carries": len(start_carries), "invariants": len(fixed)}
    chunks = [b.chunks(x, size) for x in stacks]
    if test is None:
        rounds = b.floor_div(b.sub(b.add(count, size), b.const(1, INT)), size)
        whole = b.loop(rounds, *carries, total, *invariants, size, count, *chunks, **loop_attrs)
    else:
        p = Builder()
        inputs = [p.input(single(outer.type_of(x))) for x in (*start_carries, *fixed)]
        test_inputs = [*inputs[: len(carries)], *inputs[len(start_carries) : len(start_carries) + len(invariants)]]
        loop_attrs["pred"] = p.done(p.inline(test, test_inputs)[test.outputs[0]])
        whole = b.loop(*carries, total, *invariants, size, *chunks, **loop_attrs)
    outer_loop: LoopView[int] = LoopView(loop_attrs)
    final = [b.get(whole, k=outer_loop.carry_result(k)) for k in (len(carries), *range(len(carries)))]
    final += [b.joined(b.get(whole, k=outer_loop.stack_result(k)), size) for k in range(written)]
    return final


def _inner(b: Builder, loop: LoopView[int]) -> dict[str, Any]:
    """The attributes of the loop over one chunk: the steps of the whole one, counted from where the chunk starts.

    That of a `while` counts its steps itself and stops at the size of a chunk.
    """
    body, test = checkpointed(loop.body)[0], loop.pred
    carries, invariants, stacks = loop.carries, loop.invariants, loop.stacks
    step = Builder()
    k = step.input(INT)
    carry_inputs = [step.input(single(b.type_of(x))) for x in carries]
    counter = [] if test is None else [step.input(INT)]
    invariant_inputs = [step.input(single(b.type_of(x))) for x in invariants]
    start = step.input(INT)
    if test is not None:
        step.input(INT)
    items = [step.input(items_of(b.type_of(x))) for x in stacks]
    where = step.inline(body, [step.add(start, k), *carry_inputs, *invariant_inputs, *items])
    outputs = [where[i] for i in body.outputs]
    advanced = [step.add(x, step.const(1)) for x in counter]
    graph = step.done(*outputs[: len(carry_inputs)], *advanced, *outputs[len(carry_inputs) :])
    loop_attrs: dict[str, Any] = {
        "body": graph,
        "carries": len(carry_inputs) + len(counter),
        "invariants": len(invariant_inputs) + 1 + len(counter),
    }
    if test is not None:
        p = Builder()
        carry_values = [p.input(single(b.type_of(x))) for x in carries]
        done = p.input(INT)
        invariants_seen = [p.input(single(b.type_of(x))) for x in invariants]
        p.input(INT)
        limit = p.input(INT)
        holds = p.inline(test, [*carry_values, *invariants_seen])[test.outputs[0]]
        loop_attrs["pred"] = p.done(p.and_(p.lt(done, limit), holds))
    return loop_attrs
