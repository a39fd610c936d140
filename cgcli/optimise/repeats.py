"""What is equal in all elements is computed once and repeated. Masks of derivatives are such values in most loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, Graph, opname
from cgcli.graph.sizes import product, same
from cgcli.graph.traversal import prune
from cgcli.graph.types import BOOL, Results, Type
from cgcli.ops.builder import Builder
from cgcli.ops.loops import LoopView
from cgcli.ops.table import BY_CODE

from .algebra import algebra
from .editor import Editor
from .passes import Log, rewrite
from .safety import never_stops
from .shape_identities import EXPAND, repeated_number
from .structure import Gets, View, gets

ROUNDS = 10  # of this pass and identities over the body of a loop


@rewrite("repeats", "what is equal in all elements is computed once, also what a loop hands from step to step")
def repeats(graph: Graph, log: Log | None = None) -> Graph:
    """Values behind an `expand` of a number, and bools that each step of a loop keeps equal in all elements."""
    if EXPAND not in graph.op and LOOP not in graph.op and COND not in graph.op:
        return graph
    ed = Editor(graph, log)
    read = gets(graph)
    narrowed: dict[int, Type] = {}  # results of loops that have become numbers
    for i in ed.walk():
        code = ed.op[i]
        if code in (COND, LOOP):
            ed.within(i, lambda inner: repeats.run(inner, log))
            if code == LOOP:
                narrowed |= _narrow_carries(ed, i, read[i])
        elif i in narrowed:
            number = ed.place(GET, (ed.a[i],), ed.intern_type(narrowed[i]._replace(shape=())), ed.attrs[i])
            ed.replace(i, ed.expand(number, shape=narrowed[i].shape))
        elif code not in (INPUT, CONST, GET) and any(ed.op[x] == EXPAND for x in ed.operands(i)):
            number_of_all = _computed_once(ed, i)
            if number_of_all is not None:
                ed.say("{}: it is equal in all elements, so it is computed once", i)
                ed.replace(i, ed.expand(number_of_all, shape=ed.type1(i).shape))
    return ed.finish()


def _number(ed: Editor, x: int) -> int | None:
    """The number that each element of a tensor is, None where there is none or where it would be another type's."""
    t = ed.single(x)
    if t is None or not t.shape:
        return None if t is None else x
    number = repeated_number(ed, x)
    if number is not None:
        return number
    value = ed.number(x)
    return None if value is None or t.weak else ed.const(value, t._replace(shape=()))


def _computed_once(ed: Editor, i: int) -> int | None:
    """The number that each element of node `i` is, made of the numbers of its operands."""
    op, operands, t = BY_CODE[ed.op[i]], ed.operands(i), ed.single(i)
    if t is None or not t.shape:
        return None
    numbers = [_number(ed, x) for x in operands]
    if any(n is None for n in numbers):
        return None
    known = cast("list[int]", numbers)
    if op.is_elementwise:
        return _elementwise(ed, i, known, t)
    moves = op.effects.rearranges and len(operands) == 1 and not op.derivative.selects
    return known[0] if moves and same(product(ed.type1(operands[0]).shape), product(t.shape)) is True else None


def _elementwise(ed: Editor, i: int, numbers: Sequence[int], t: Type) -> int | None:
    """An elementwise op on numbers, where it has the type that it has on tensors and cannot stop the run."""
    if not never_stops(ed.graph, i):
        return None
    number = ed.apply(opname(ed.op[i]), *numbers, **ed.attrs.get(i, {}))
    return number if ed.type_of(number) == t._replace(shape=()) else None


# ---- carries of loops


def _narrow_carries(ed: Editor, i: int, read: Gets) -> dict[int, Type]:
    """Makes numbers of the bools of a loop whose elements stay equal; their `get`s, with the types that they had."""
    view = View.of(ed, i)
    if not view.fits(ed):
        return {}
    loop = view.of_loop
    numbers: dict[int, int] = {}
    for k, x in enumerate(view.carries):
        t = ed.single(x)
        number = _number(ed, x) if t is not None and t.dtype == "bool" and t.shape and not loop.saved[k] else None
        if number is not None:
            numbers[k] = number
    while numbers:
        body, unequal = _body(loop, set(numbers))
        if not unequal:
            break
        for k in unequal:
            del numbers[k]
    else:
        return {}
    attrs = {**view.attrs, "body": body}
    if loop.pred is not None:
        attrs["pred"] = _on_numbers(loop, "pred", set(numbers))
    carries = [numbers.get(k, x) for k, x in enumerate(view.carries)]
    items = list(cast("Results", ed.type_of(i)).items)
    result: dict[int, Type] = {}
    for k in numbers:
        for x in read.get(loop.carry_result(k), ()):
            result[x] = ed.type1(x)
        items[loop.carry_result(k)] = BOOL
    ed.alter(i, (*view.first, *carries, *view.invariants, *view.stacks), attrs, Results(tuple(items)))
    ed.say("{}: a mask that is equal in all elements is handed from step to step as one bool", i)
    return result


def _on_numbers(loop: LoopView[int], key: str, narrowed: set[int]) -> Graph:
    """The body or the condition of a loop in which these carries are numbers, which it repeats."""
    graph = loop.body if key == "body" else cast("Graph", loop.pred)
    carries = loop.inputs(key)[0]
    b = Builder()
    arguments = []
    for x in graph.inputs:
        t = graph.type_of(x)
        if x in carries and carries.index(x) in narrowed:
            arguments.append(b.expand(b.input(BOOL, graph.names.get(x)), shape=cast("Type", t).shape))
        else:
            arguments.append(b.input(cast("Type", t), graph.names.get(x)))
    where = b.inline(graph, arguments)
    result = b.done(*(where[x] for x in graph.outputs))
    for _ in range(ROUNDS):
        before, result = result, repeats.run(algebra.run(result))
        if result is before:
            break
    return result


def _body(loop: LoopView[int], narrowed: set[int]) -> tuple[Graph, list[int]]:
    """The body in which these carries are numbers; and which of them are not equal in all elements behind a step."""
    graph = _on_numbers(loop, "body", narrowed)
    outputs, unequal = list(graph.outputs), []
    b = Builder()
    where = b.inline(graph, [b.input(cast("Type", graph.type_of(x)), graph.names.get(x)) for x in graph.inputs])
    for k in narrowed:
        x = outputs[k]
        value = graph.attrs[x]["value"] if graph.op[x] == CONST else None
        while graph.op[x] == EXPAND:
            x = graph.a[x]
        if graph.type_of(x) == BOOL:
            outputs[k] = x
        elif isinstance(value, bool):
            where.append(b.const(value, BOOL))
            outputs[k] = len(where) - 1
        else:
            unequal.append(k)
    return prune(b.done(*(where[x] for x in outputs))), unequal
