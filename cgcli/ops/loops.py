"""`loop`, the one node for `for` and `while`, and the stacks that loops read and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.types import BOOL, INT, AnyType, Results, Stack, Type

from .op import Attrs, Notation, Op, Runner, Structured, TypeMismatch, register
from .typing import one, single


def items_of(t: AnyType) -> Type | Stack:
    """The type of a stack's items."""
    assert isinstance(t, Stack)
    return t.item


def parts(at: Attrs, operands: Sequence[Any]) -> tuple[Any | None, Sequence[Any], Sequence[Any], Sequence[Any]]:
    """A loop's operands by role: the trip count (None of a `while`), carries, invariants, the stacks that it reads."""
    first = 0 if "pred" in at else 1
    carries = first + at["carries"]
    invariants = carries + at["invariants"]
    count = operands[0] if first else None
    return count, operands[first:carries], operands[carries:invariants], operands[invariants:]


def _loop_type(types: Sequence[AnyType], at: Attrs) -> Results:
    count, carries, invariants, stacks = parts(at, types)
    if count is not None and not (one(count).is_int and not one(count).shape):
        raise TypeMismatch("not-an-int", [0], found=count)
    body: Graph = at["body"]
    input_types = [body.type_of(i) for i in body.inputs]
    if input_types != [INT, *carries, *invariants, *(items_of(t) for t in stacks)]:
        raise TypeMismatch("body-inputs")
    results = [single(body.type_of(i)) for i in body.outputs]
    if results[: len(carries)] != list(carries):
        raise TypeMismatch("carry-changes")
    if "pred" in at:
        test: Graph = at["pred"]
        if [test.type_of(i) for i in test.inputs] != input_types[1 : 1 + len(carries) + len(invariants)]:
            raise TypeMismatch("body-inputs")
        if [test.type_of(i) for i in test.outputs] != [BOOL]:
            raise TypeMismatch("not-a-bool", [0], found=test.type_of(test.outputs[0]))
    return Results((INT, *results[: len(carries)], *(Stack(t) for t in results[len(carries) :])))


# attrs of a loop: `body`, of a `while` `pred`; `carries` and `invariants`, how many; `reverse`, of one whose steps go
# from the last to the first; `saved`, of each carry the result that holds its value before each step, 0 for none;
# `short`, of one that may run fewer steps than the stacks that it reads have items


def _run_loop(run: Runner, at: Attrs, *values: Any) -> tuple[Any, ...]:
    """The trip count, the final carries, and stacks of the values that each step wrote."""
    count, start, invariants, stacks = parts(at, values)
    body, test = at["body"], at.get("pred")
    carries = tuple(start)
    many = len(carries)
    written: list[list[Any]] = [[] for _ in range(len(body.outputs) - many)]
    steps = 0
    total = 0 if count is None else max(0, int(count))
    while run(test, (*carries, *invariants))[0] if test is not None else steps < total:
        k = total - 1 - steps if at.get("reverse") else steps
        results = run(body, (k, *carries, *invariants, *[s[k] for s in stacks]))
        carries = tuple(results[:many])
        for stack, x in zip(written, results[many:], strict=True):
            stack.append(x)
        run.stepped(body, k, results, many)
        steps += 1
    if at.get("reverse"):
        for stack in written:
            stack.reverse()
    return (steps, *carries, *written)


register(
    Op(
        name="loop",
        doc="steps repeated a number of times, or as long as a condition holds; the carries go from step to step",
        notation=Notation("none", "loop"),
        type_rule=_loop_type,
        evaluate=_run_loop,
        vjp=Structured(),
        flow="structural",
        hazard=False,  # its body may have one: the builder looks
        may_fail=True,
        latex=r"\text{{loop}}",
        domain="a trip count or a condition, starts of its carries, what its steps read",
        examples=(),
    )
)


def _on_stacks(name: str, doc: str, **fields: Any) -> None:
    register(
        Op(
            name=name,
            doc=doc,
            notation=Notation("none", name),
            flow="structural",
            hazard=False,
            latex=rf"\text{{{{{name}}}}}\ {{0}}",
            examples=(),
            numbers=True,
            **fields,
        )
    )


_on_stacks(
    "length",
    "how many items a stack holds",
    type_rule=lambda types, at: INT,
    evaluate=lambda xp, at, items: len(items),
    vjp=(None,),
    domain="a stack",
)


def _chunked(xp: Any, at: Attrs, items: Sequence[Any], size: Any) -> list[Any]:
    size = int(size)
    return [items[k : k + size] for k in range(0, len(items), size)]


_on_stacks(
    "chunks",
    "a stack cut into stacks of so many items, the last one shorter",
    type_rule=lambda types, at: Stack(single(types[0])),
    evaluate=_chunked,
    vjp=(lambda b, g, y, x, size, at: b.joined(g, size), None),
    domain="a stack and a size from 1",
)
_on_stacks(
    "joined",
    "the items of a stack of stacks of so many items as one stack",
    type_rule=lambda types, at: items_of(types[0]),
    evaluate=lambda xp, at, rows, size: [x for row in rows for x in row],
    vjp=(lambda b, g, y, x, size, at: b.chunks(g, size), None),
    domain="a stack of stacks and a size from 1",
)


def _filled(xp: Any, at: Attrs, items: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    return [*items, *(_zero(xp, at["zero"], x) for x in like[len(items) :])]


def _zero(xp: Any, zero: Any, x: Any) -> Any:
    """A zero of the shape of `x`; of a stack, which nests as deep as loops do, a stack of such."""
    if isinstance(x, list):
        return [_zero(xp, zero, item) for item in x]
    return xp.full(x.shape, zero) if getattr(x, "shape", ()) else zero


_on_stacks(
    "head",
    "the first items of a stack, as many as another one holds",
    type_rule=lambda types, at: types[0],
    evaluate=lambda xp, at, items, like: items[: len(like)],
    vjp=(lambda b, g, y, x, like, at: b.filled(g, x, zero=0.0), None),
    domain="two stacks",
)
_on_stacks(
    "filled",
    "a stack with zeros behind it, as many items as another one holds, in the shapes of those",
    type_rule=lambda types, at: types[0],
    evaluate=_filled,
    vjp=(lambda b, g, y, x, like, at: b.head(g, x), None),
    domain="two stacks",
)
