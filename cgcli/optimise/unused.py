"""Dead code elimination: nodes that no output needs; of a `cond` or a `loop` the unread results, carries and operands.

A step that could stop the run, or never end, is dropped with them: the language allows it where no output needs it. An
assert stays, and all that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cgcli.graph.graph import COND, INPUT, LOOP, Graph
from cgcli.graph.traversal import live, prune, used

from .editor import Editor
from .passes import Log, describe, rewrite
from .structure import Gets, View, keep_results, rewrite_structured, with_outputs


@rewrite("drop", "what no output and no assert needs is not computed, nor carried along by a loop or an `if`")
def drop(graph: Graph, log: Log | None = None) -> Graph:
    needed = live(graph, (*graph.outputs, *graph.asserts))
    if not all(needed):
        dead = [i for i in range(len(graph)) if not needed[i] and graph.op[i] != INPUT]
        if log is not None:
            for i in dead:
                if i in graph.names:
                    log.say(f"{describe(graph, i)} is not needed by any output")
        if dead:
            graph = prune(graph)
    return rewrite_structured(graph, log, drop.run, {COND: _narrow_cond, LOOP: _narrow_loop})


def _narrow_cond(ed: Editor, i: int, read: Gets) -> None:
    view = View.of(ed, i)
    read_results = sorted(read)
    sides = dict(view.graphs())
    count = len(sides["then"].outputs)
    if len(read_results) < count:
        sides = {key: prune(with_outputs(side, [side.outputs[k] for k in read_results])) for key, side in sides.items()}
    read_by_sides = [(side.inputs, used(side)) for side in sides.values()]
    needed = [any(flags[inputs[j]] for inputs, flags in read_by_sides) for j in range(len(view.invariants))]
    if len(read_results) == count and all(needed):
        return
    sides = {
        key: prune(side, inputs=[x for x, w in zip(side.inputs, needed, strict=True) if w])
        for key, side in sides.items()
    }
    if len(read_results) < count:
        ed.say("{}: of the `if`, results that nobody reads are not computed", i)
    if not all(needed):
        ed.say("{}: the `if` is not handed what neither side reads", i)
    operands = (*view.first, *(x for x, w in zip(view.invariants, needed, strict=True) if w))
    keep_results(ed, i, read, read_results, operands, {**view.attrs, **sides})


class _Liveness:
    """Incremental liveness of a body's nodes, from more and more roots."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.flags = bytearray(len(graph))

    def add(self, roots: Iterable[int]) -> None:
        stack = [i for i in roots if not self.flags[i]]
        for i in stack:
            self.flags[i] = 1
        while stack:
            for x in self.graph.operands(stack.pop()):
                if not self.flags[x]:
                    self.flags[x] = 1
                    stack.append(x)


def _narrow_loop(ed: Editor, i: int, read: Gets) -> None:
    """A carry is needed when its final value, the condition or anything needed of a step reads it."""
    view = View.of(ed, i)
    loop = view.of_loop
    body, test, many = loop.body, loop.pred, loop.carry_count
    needed = _Liveness(body)
    carry_inputs, invariant_inputs, item_inputs = view.inputs("body")
    tested = None if test is None else used(test)
    carries = {k for k in range(many) if loop.carry_result(k) in read}
    if test is not None and tested is not None:
        carries |= {k for k, x in enumerate(view.inputs("pred")[0]) if tested[x]}
    written = [k for k in range(len(loop.written)) if loop.stack_result(k) in read]
    needed.add((*body.asserts, *(loop.written[k] for k in written)))
    while True:
        needed.add(loop.carry_outputs[k] for k in carries)
        more = {k for k, x in enumerate(carry_inputs) if needed.flags[x]} - carries
        if not more:
            break
        carries |= more
    kept_carries = sorted(carries)
    invariants = [
        k
        for k, x in enumerate(invariant_inputs)
        if needed.flags[x] or (tested is not None and tested[view.inputs("pred")[1][k]])
    ]
    stacks = [k for k, x in enumerate(item_inputs) if needed.flags[x]]
    whole = len(kept_carries) == many and len(invariants) == len(view.invariants) and len(stacks) == len(view.stacks)
    if whole and len(written) == len(loop.written):
        return
    _rebuild(ed, i, view, (kept_carries, invariants, stacks, written), read)


def _rebuild(
    ed: Editor,
    i: int,
    view: View,
    needed_parts: tuple[list[int], list[int], list[int], list[int]],
    read: Gets,
) -> None:
    carries, invariants, stacks, written = needed_parts
    loop = view.of_loop
    attrs = {key: value for key, value in view.attrs.items() if key != "saved"}
    attrs |= {"carries": len(carries), "invariants": len(invariants)}
    for key, graph in view.graphs():
        c, v, s = view.inputs(key)
        gone = _others(c, carries) | _others(v, invariants)
        if key == "body":
            gone |= _others(s, stacks)
            outputs = [loop.carry_outputs[k] for k in carries] + [loop.written[k] for k in written]
            attrs[key] = with_outputs(graph, outputs)
        attrs[key] = prune(attrs[key], inputs=[x for x in graph.inputs if x not in gone])
    if len(carries) < loop.carry_count:
        ed.say("{}: of the loop, what is handed from step to step and never read is not computed", i)
    if len(written) < len(loop.written):
        ed.say("{}: of the loop, values of its steps that nobody reads are not kept", i)
    if len(invariants) < len(view.invariants) or len(stacks) < len(view.stacks):
        ed.say("{}: the loop is not handed what no step reads", i)
    results = [0, *map(loop.carry_result, carries), *map(loop.stack_result, written)]
    operands = (
        *view.first,
        *(view.carries[k] for k in carries),
        *(view.invariants[k] for k in invariants),
        *(view.stacks[k] for k in stacks),
    )
    keep_results(ed, i, read, results, operands, attrs)


def _others(nodes: Sequence[int], kept: Sequence[int]) -> set[int]:
    """The nodes at the positions that are not among `kept`."""
    return set(nodes) - {nodes[k] for k in kept}
