"""Arrays that a loop changes element by element, going back: what was written over is put back, step by step.

So a derivative saves the elements that each step writes over and where they were, and not the arrays that the steps
began with; the loop in the other direction carries the array itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import NamedTuple

from cgcli.graph.graph import COND, LOOP, Graph
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import live
from cgcli.graph.types import BOOL, INT, Results, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.changes import Change, changes
from cgcli.ops.loops import LoopView, items_of
from cgcli.ops.typing import single

FEW = 16  # elements of an array that is saved as a whole


class Restorable(NamedTuple):
    """A carry that each step of a loop changes by writes of elements.

    items: the types of what a step saves, the items of stacks.
    """

    changes: list[Change]
    items: list[Type | Stack]


def restorable_carries(loop: LoopView[int]) -> dict[int, Restorable]:
    """The carries of a loop that a step back can restore, if that takes less memory than to save them."""
    body, found = loop.body, {}
    for k, (start, end) in enumerate(zip(loop.inputs("body")[0], loop.carry_outputs, strict=True)):
        t = body.type_of(start)
        if not isinstance(t, Type) or not t.shape or _is_small(t.shape):
            continue
        begin, steps = changes(body, end)
        if begin != start or not steps or not all(_can_be_undone(body, change) for change in steps):
            continue
        items = _item_types(body, end)
        if not _is_dearer(items, t.shape):
            found[k] = Restorable(steps, items)
    return found


def _is_small(shape: Shape) -> bool:
    return all(isinstance(n, int) for n in shape) and prod(n for n in shape if isinstance(n, int)) <= FEW


def _is_dearer(items: Sequence[Type | Stack], shape: Shape) -> bool:
    """Whether the items of a step are surely as many numbers as the array."""
    sizes = [n for t in items if isinstance(t, Type) for n in t.shape]
    if any(isinstance(t, Stack) for t in items) or not all(isinstance(n, int) for n in (*sizes, *shape)):
        return False
    return sum(_count(t.shape) for t in items if isinstance(t, Type)) >= _count(shape)


def _count(shape: Shape) -> int:
    return prod(n for n in shape if isinstance(n, int))


def _can_be_undone(graph: Graph, change: Change) -> bool:
    """Whether a change keeps the type of the array, and so does each within it; an `if` holds no loops."""
    if not change.within:
        return graph.type_of(change.node) == graph.type_of(change.before)
    inner = [(g, c) for g, x in change.within for c in changes(g, x)[1]]
    if graph.op[change.node] == COND and any(c.within for _, c in inner):
        return False
    return all(_can_be_undone(g, c) for g, c in inner)


# ---- what a step saves


def saving_changes(b: Builder, i: int, carries: Mapping[int, Restorable]) -> list[int]:
    """Makes loop `i` save what each step writes over in these carries: the stacks, in the order of the carries."""
    for k, carry in carries.items():
        if (i, k) not in b.overwritten:
            loop: LoopView[int] = LoopView(b.attrs[i])
            body = saving_elements(loop.body, [loop.carry_outputs[k]])
            nodes = _with_results(b, i, {**loop.attrs, "body": body}, [Stack(t) for t in carry.items])
            b.overwritten[i, k] = [b.attrs[x]["k"] for x in nodes]
    return [b.get(i, k=result) for k in carries for result in b.overwritten[i, k]]


def _item_types(graph: Graph, array: int) -> list[Type | Stack]:
    """The types of what is saved on the way to an array."""
    return [t for change in changes(graph, array)[1] for t in _types_of(graph, change)]


def _types_of(graph: Graph, change: Change) -> list[Type | Stack]:
    """The types of what a change saves: the elements and their indices; of a loop stacks; of an `if` those of both
    sides behind the condition."""
    if graph.op[change.node] == LOOP:
        return [Stack(t) for t in _item_types(*change.within[0])]
    if change.within:
        return [BOOL, *(t for side in change.within for t in _item_types(*side))]
    x, v, *indices = (single(graph.type_of(y)) for y in graph.operands(change.node))
    assert isinstance(x, Type)
    assert isinstance(v, Type)
    return [x._replace(shape=v.shape), *indices]


def saving_elements(graph: Graph, arrays: Sequence[int]) -> Graph:
    """The graph with more outputs: the elements that are written over on the way to each of these arrays, and their
    indices."""
    b = Builder()
    inputs = [b.input(single(graph.type_of(x)), graph.names.get(x), **graph.attrs.get(x, {})) for x in graph.inputs]
    where = b.inline(graph, inputs)
    items = [item for x in arrays for change in changes(graph, x)[1] for item in _elements_before(b, where, change)]
    return b.done(*(where[x] for x in graph.outputs), *items)


def _elements_before(b: Builder, where: Sequence[int], change: Change) -> list[int]:
    """What a change writes over, as nodes of the builder; of a loop as stacks, of an `if` with its condition."""
    i = where[change.node]
    attrs, operands = b.attrs[i], b.operands(i)
    if b.op[i] == LOOP:
        loop: LoopView[int] = LoopView(attrs)
        body = saving_elements(loop.body, [loop.carry_outputs[change.result - 1]])
        items = [single(body.type_of(x)) for x in body.outputs[len(loop.body.outputs) :]]
        return _with_results(b, i, {**attrs, "body": body}, [Stack(t) for t in items])
    if b.op[i] == COND:
        sides: dict[str, Graph] = {name: attrs[name] for name in ("then", "else")}
        own = {name: _item_types(side, side.outputs[change.result]) for name, side in sides.items()}
        wider = {
            "then": _side(sides["then"], change.result, [], own["else"]),
            "else": _side(sides["else"], change.result, own["then"], []),
        }
        return [operands[0], *_with_results(b, i, {**attrs, **wider}, [*own["then"], *own["else"]])]
    _, _, *indices = operands
    return [b.elements(where[change.before], *indices, **attrs), *indices]


def _side(side: Graph, result: int, before: Sequence[Type | Stack], behind: Sequence[Type | Stack]) -> Graph:
    """A side of an `if` that saves what it writes over, with zeros for what the other side saves."""
    saved = saving_elements(side, [side.outputs[result]])
    b = Builder()
    inputs = [b.input(single(side.type_of(x)), side.names.get(x)) for x in side.inputs]
    where = b.inline(saved, inputs)
    outputs = [where[x] for x in saved.outputs]
    many = len(side.outputs)
    zeros = [[_zero(b, t) for t in types] for types in (before, behind)]
    return b.done(*outputs[:many], *zeros[0], *outputs[many:], *zeros[1])


def _zero(b: Builder, t: Type | Stack) -> int:
    assert isinstance(t, Type)
    return b.const(False if t.dtype == "bool" else 0 if t.is_int else 0.0, t)


def _with_results(b: Builder, i: int, attrs: Mapping[str, object], types: Sequence[Type | Stack]) -> list[int]:
    """Gives a structured node more results, behind its own; the nodes that they are."""
    results = b.type_of(i)
    assert isinstance(results, Results)
    b.replace_attrs(i, Results((*results.items, *types)), attrs)
    return [b.get(i, k=k) for k in range(len(results.items), len(results.items) + len(types))]


# ---- back


def undone(b: Builder, graph: Graph, change: Change, items: Iterator[int], x: int) -> int:
    """The array before a change, of what it was behind it (`x`) and what the change has saved."""
    attrs, code = graph.attrs[change.node], graph.op[change.node]
    if code == LOOP:
        loop: LoopView[int] = LoopView(attrs)
        array = loop.carry_outputs[change.result - 1]
        stacks = list(islice(items, len(_item_types(loop.body, array))))
        inner = Builder()
        inner.input(INT)
        before = inner.input(single(b.type_of(x)))
        body = inner.done(_all_undone(inner, loop.body, array, [items_of(b.type_of(s)) for s in stacks], before))
        reverse = {} if loop.reverse else {"reverse": True}
        node = b.loop(b.length(stacks[0]), x, *stacks, body=body, carries=1, invariants=0, **reverse)
        return int(b.get(node, k=1))
    if code == COND:
        condition = next(items)
        sides: list[Graph] = [attrs["then"], attrs["else"]]
        types = [_item_types(side, side.outputs[change.result]) for side in sides]
        saved = list(islice(items, sum(map(len, types))))
        graphs = []
        for side, own in zip(sides, types, strict=True):
            inner = Builder()
            before = inner.input(single(b.type_of(x)))
            inputs = [inner.input(single(b.type_of(s))) for s in saved]
            mine = iter(inputs[: len(own)] if side is sides[0] else inputs[len(types[0]) :])
            graphs.append(inner.done(_chain_undone(inner, side, side.outputs[change.result], mine, before)))
        node = b.cond(condition, x, *saved, **{"then": graphs[0], "else": graphs[1]})
        return int(b.get(node, k=0))
    old, many = next(items), len(graph.operands(change.node)) - 2
    return int(b.update(x, old, *islice(items, many), **attrs))


def _all_undone(b: Builder, graph: Graph, array: int, items: Sequence[Type | Stack], x: int) -> int:
    """The array before all its changes, of new inputs for what they have saved."""
    return _chain_undone(b, graph, array, iter([b.input(t) for t in items]), x)


def _chain_undone(b: Builder, graph: Graph, array: int, items: Iterator[int], x: int) -> int:
    steps = changes(graph, array)[1]
    for change, own in zip(reversed(steps), reversed(_by_change(graph, steps, list(items))), strict=True):
        x = undone(b, graph, change, iter(own), x)
    return x


def _by_change(graph: Graph, steps: Sequence[Change], items: Sequence[int]) -> list[list[int]]:
    """The items that each change has saved."""
    rest = iter(items)
    return [list(islice(rest, len(_types_of(graph, change)))) for change in steps]


class Restoration(NamedTuple):
    """A carry of a loop in its derivative's body. after, items: inputs, the array behind the step and what was saved;
    before: the array before the step."""

    carry: Restorable
    after: int
    items: list[int]
    before: int


def restored(b: Builder, body: Graph, carry: Restorable, after: int, items: list[int]) -> Restoration:
    x = after
    for change, own in zip(reversed(carry.changes), reversed(_by_change(body, carry.changes, items)), strict=True):
        x = undone(b, body, change, iter(own), x)
    return Restoration(carry, after, items, x)


def latest(b: Builder, body: Graph, where: Sequence[int], array: Restoration, results: Sequence[int]) -> int:
    """The array before the step once more, made of its latest version among those that the results need.

    The step may be computed again and change the array. Where the derivative of a loop within it has restored the
    array, that is the version.
    """
    needed = live(b, results)
    x: int | None = None
    steps = list(zip(array.carry.changes, _by_change(body, array.carry.changes, array.items), strict=True))
    for change, own in reversed(steps):
        i, before = where[change.node], where[change.before]
        if x is None and not needed[i]:
            continue
        again = b.restored.get(before)
        if again is not None and needed[b.a[again]]:
            x = again
            continue
        if x is None:
            x = i if b.op[i] not in (LOOP, COND) else int(b.get(i, k=change.result))
        x = undone(b, body, change, iter(own), x)
    return array.before if x is None else x
