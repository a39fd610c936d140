"""Checkpoints: a loop cut into a loop of loops, whose derivative keeps the carries of few steps and runs the others
again (Griewank and Walther, Evaluating Derivatives, chapter 12). Values and first derivatives keep their bits, but for
the sign of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import INPUT, NONE, Graph, map_nested, opcode
from cgcli.graph.types import INT
from cgcli.ops.builder import Builder
from cgcli.ops.loops import items_of, parts
from cgcli.ops.typing import single

_LOOP, _GET = opcode("loop"), opcode("get")
CHUNK = 1000  # steps of a `while` between two checkpoints: how many steps there are is known only when it has run


def checkpointed(graph: Graph) -> tuple[Graph, list[int]]:
    """The graph with its loops cut, and where each node went; the nodes of loops themselves went nowhere.

    A `for` of n steps keeps about √n carries twice. Loops that already keep their carries stay. Recursion only into
    nested graphs.
    """
    b = Builder()
    where: list[int] = []
    several: dict[int, list[int]] = {}
    for i, code in enumerate(graph.op):
        operands = [where[x] for x in graph.operands(i)]
        attrs = graph.attrs.get(i, {})
        b.at_span = b.intern_span(graph.spans[graph.span[i]]) if graph.span[i] != NONE else NONE
        if code == INPUT:
            where.append(b.input(single(graph.type_of(i)), graph.names.get(i), **attrs))
            continue
        if code == _LOOP and not attrs.get("reverse") and "saved" not in attrs:
            several[i] = _cut(b, attrs, operands)
            where.append(NONE)
            continue
        if code == _GET and graph.a[i] in several:
            where.append(several[graph.a[i]][attrs["k"]])
        else:
            attrs = map_nested(attrs, lambda inner: checkpointed(inner)[0])
            where.append(b.place(code, tuple(operands), b.intern_type(graph.type_of(i)), attrs))
        if i in graph.names:
            b.names.setdefault(where[i], graph.names[i])
    return b.done(*(where[i] for i in graph.outputs)), where


def _cut(b: Builder, attrs: Mapping[str, Any], operands: Sequence[int]) -> list[int]:
    """The results of a loop as those of a loop of loops."""
    count, carries, invariants, stacks = parts(attrs, operands)
    body = checkpointed(attrs["body"])[0]
    if count is None:
        size = b.const(CHUNK, INT)
    else:
        zero = b.const(0, INT)
        count = b.max(b.cast(count, dtype="int"), zero)
        size = b.max(b.cast(b.ceil(b.sqrt(b.cast(count, dtype="float"))), dtype="int"), b.const(1, INT))
    test = attrs.get("pred")
    inner = _inner(b, attrs, body, carries, invariants, stacks)
    written = len(body.outputs) - len(carries)
    total = b.const(0, INT)

    outer = Builder()
    outer.input(INT)
    begun = [outer.input(single(b.type_of(x))) for x in (*carries, total)]
    fixed = [outer.input(single(b.type_of(x))) for x in (*invariants, size, *([] if count is None else [count]))]
    items = [outer.input(single(b.type_of(x))) for x in stacks]  # a chunk of a stack is a stack
    start = begun[-1]
    own = fixed[: len(invariants)]
    limit = fixed[len(invariants)]
    if test is None:
        limit = outer.min(limit, outer.sub(fixed[-1], start))
        node = outer.loop(limit, *begun[:-1], *own, start, *items, **inner)
        steps = outer.get(node, k=0)
    else:
        counter = outer.const(0, INT)
        node = outer.loop(*begun[:-1], counter, *own, start, limit, *items, **inner)
        steps = outer.get(node, k=len(begun))
    first = 1 + inner["carries"]
    results = [outer.get(node, k=1 + k) for k in range(len(carries))]
    kept = [outer.get(node, k=first + k) for k in range(written)]
    outer_body = outer.done(*results, outer.add(start, steps), *kept)

    more: dict[str, Any] = {"body": outer_body, "carries": len(begun), "invariants": len(fixed)}
    chunks = [b.chunks(x, size) for x in stacks]
    if test is None:
        rounds = b.floor_div(b.sub(b.add(count, size), b.const(1, INT)), size)
        made = b.loop(rounds, *carries, total, *invariants, size, count, *chunks, **more)
    else:
        p = Builder()
        again = [p.input(single(outer.type_of(x))) for x in (*begun, *fixed)]
        read = [*again[: len(carries)], *again[len(begun) : len(begun) + len(invariants)]]
        more["pred"] = p.done(p.inline(test, read)[test.outputs[0]])
        made = b.loop(*carries, total, *invariants, size, *chunks, **more)
    found = [b.get(made, k=1 + len(carries)), *(b.get(made, k=1 + k) for k in range(len(carries)))]
    found += [b.joined(b.get(made, k=2 + len(carries) + k), size) for k in range(written)]
    return found


def _inner(
    b: Builder,
    attrs: Mapping[str, Any],
    body: Graph,
    carries: Sequence[int],
    invariants: Sequence[int],
    stacks: Sequence[int],
) -> dict[str, Any]:
    """The loop over one chunk: the steps of the whole one, counted from where the chunk starts.

    That of a `while` counts its steps itself and stops at the size of a chunk.
    """
    test: Graph | None = attrs.get("pred")
    step = Builder()
    k = step.input(INT)
    own = [step.input(single(b.type_of(x))) for x in carries]
    counter = [] if test is None else [step.input(INT)]
    fixed = [step.input(single(b.type_of(x))) for x in invariants]
    start = step.input(INT)
    if test is not None:
        step.input(INT)
    items = [step.input(items_of(b.type_of(x))) for x in stacks]
    where = step.inline(body, [step.add(start, k), *own, *fixed, *items])
    outputs = [where[i] for i in body.outputs]
    advanced = [step.add(x, step.const(1)) for x in counter]
    graph = step.done(*outputs[: len(own)], *advanced, *outputs[len(own) :])
    made: dict[str, Any] = {
        "body": graph,
        "carries": len(own) + len(counter),
        "invariants": len(fixed) + 1 + len(counter),
    }
    if test is not None:
        p = Builder()
        carried = [p.input(single(b.type_of(x))) for x in carries]
        done = p.input(INT)
        seen = [p.input(single(b.type_of(x))) for x in invariants]
        p.input(INT)
        limit = p.input(INT)
        holds = p.inline(test, [*carried, *seen])[test.outputs[0]]
        made["pred"] = p.done(p.and_(p.lt(done, limit), holds))
    return made
