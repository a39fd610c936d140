"""`loop`, the one node for `for` and `while`, and the stacks that loops read and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cgcli.graph.graph import Graph
from cgcli.graph.types import BOOL, INT, AnyType, Results, Stack, Type

from .op import Effects, OnStacks, Spelling, Structured, TypeMismatch, declare_structural
from .typing import one, single

if TYPE_CHECKING:
    from .interpreter import Runner
    from .protocols import ArrayNamespace, Attrs, BoundAttrs, Item


def items_of(t: AnyType) -> Type | Stack:
    """The type of a stack's items."""
    assert isinstance(t, Stack)
    return t.item


T = TypeVar("T")


@dataclass(frozen=True)
class LoopView(Generic[T]):
    """A loop by the roles of its attributes, operands, results and the inputs and outputs of its graphs.

    operands: nodes, types, values or names; the trip count of a counted loop, carries, invariants, stacks read. Its
    results are the trip count, the final carries and the stacks written. Inputs of the body are the number of the
    step, the carries, the invariants and an item of each stack read; its outputs are the carries and an item of each
    stack written. Inputs of the condition are the carries and the invariants.
    """

    attrs: Attrs
    operands: Sequence[T] = ()

    @property
    def body(self) -> Graph:
        return self.attrs["body"]

    @property
    def pred(self) -> Graph | None:
        """The condition of a `while`."""
        pred: Graph | None = self.attrs.get("pred")
        return pred

    @property
    def reverse(self) -> bool:
        """Whether its steps go from the last to the first."""
        return "reverse" in self.attrs and self.attrs["reverse"]

    @property
    def short(self) -> bool:
        """Whether it may run fewer steps than the stacks that it reads have items."""
        return "pred" in self.attrs or "short" in self.attrs

    @property
    def saved(self) -> tuple[int, ...]:
        """Of each carry the result that holds its value before each step, 0 for none."""
        return self.attrs["saved"] if "saved" in self.attrs else (0,) * self.carry_count

    @property
    def carry_count(self) -> int:
        return self.attrs["carries"]

    @property
    def _counts(self) -> int:
        """How many operands are trip counts."""
        return 0 if "pred" in self.attrs else 1

    @property
    def count(self) -> T | None:
        """The trip count, None of a `while`."""
        return self.operands[0] if self._counts else None

    @property
    def carries(self) -> Sequence[T]:
        first = self._counts
        return self.operands[first : first + self.carry_count]

    @property
    def invariants(self) -> Sequence[T]:
        first = self._counts + self.carry_count
        return self.operands[first : first + self.attrs["invariants"]]

    @property
    def stacks(self) -> Sequence[T]:
        return self.operands[self._counts + self.carry_count + self.attrs["invariants"] :]

    def inputs(self, key: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The inputs of `body` or `pred` that stand for carries, invariants and items of stacks."""
        graph = self.body if key == "body" else self.attrs["pred"]
        start = self.offset(key)
        middle = start + self.carry_count
        end = middle + self.attrs["invariants"]
        return graph.inputs[start:middle], graph.inputs[middle:end], graph.inputs[end:]

    @staticmethod
    def offset(key: str) -> int:
        """How many inputs of `body` or `pred` stand in front of the carries: the number of the step of a body."""
        return 1 if key == "body" else 0

    @property
    def carry_outputs(self) -> tuple[int, ...]:
        return self.body.outputs[: self.carry_count]

    @property
    def written(self) -> tuple[int, ...]:
        """The outputs of the body that are items of the stacks that the loop writes."""
        return self.body.outputs[self.carry_count :]

    @staticmethod
    def carry_result(k: int) -> int:
        """The number of the result that is the final value of carry `k`."""
        return 1 + k

    def stack_result(self, k: int) -> int:
        """The number of the result that is the `k`-th stack written."""
        return 1 + self.carry_count + k


def _loop_type(types: Sequence[AnyType], at: Attrs) -> Results:
    loop = LoopView(at, types)
    count, carries, invariants, stacks = loop.count, loop.carries, loop.invariants, loop.stacks
    if count is not None and not (one(count).is_int and not one(count).shape):
        raise TypeMismatch("not-an-int", [0], type=count)
    body = loop.body
    input_types = [body.type_of(i) for i in body.inputs]
    if input_types != [INT, *carries, *invariants, *(items_of(t) for t in stacks)]:
        raise TypeMismatch("body-inputs")
    results = [single(body.type_of(i)) for i in body.outputs]
    if results[: len(carries)] != list(carries):
        raise TypeMismatch("carry-changes")
    test = loop.pred
    if test is not None:
        if [test.type_of(i) for i in test.inputs] != input_types[1 : 1 + len(carries) + len(invariants)]:
            raise TypeMismatch("body-inputs")
        if [test.type_of(i) for i in test.outputs] != [BOOL]:
            raise TypeMismatch("not-a-bool", [0], type=test.type_of(test.outputs[0]))
    return Results((INT, *results[: len(carries)], *(Stack(t) for t in results[len(carries) :])))


def _run_loop(run: Runner, at: Attrs, *values: Any) -> tuple[Any, ...]:
    """The trip count, the final carries, and stacks of the values that each step wrote."""
    loop = LoopView(at, values)
    count, invariants, stacks = loop.count, loop.invariants, loop.stacks
    body, test, reverse = loop.body, loop.pred, loop.reverse
    carries = tuple(loop.carries)
    many = len(carries)
    written: list[list[Any]] = [[] for _ in loop.written]
    steps = 0
    total = 0 if count is None else max(0, int(count))
    while run(test, (*carries, *invariants))[0] if test is not None else steps < total:
        k = total - 1 - steps if reverse else steps
        results = run(body, (k, *carries, *invariants, *[s[k] for s in stacks]))
        carries = tuple(results[:many])
        for stack, x in zip(written, results[many:], strict=True):
            stack.append(x)
        run.stepped(body, k, results, many)
        steps += 1
    if reverse:
        for stack in written:
            stack.reverse()
    return (steps, *carries, *written)


declare_structural(
    "loop",
    "steps repeated a number of times, or as long as a condition holds; the carries go from step to step",
    Structured(),
    spelling=Spelling("none", latex=r"\text{{loop}}"),
    type_rule=_loop_type,
    evaluate=_run_loop,
    effects=Effects(may_fail=True),
    domain="a trip count or a condition, starts of its carries, what its steps read",
)


_on_stacks = partial(
    declare_structural, spelling=Spelling("none", latex=r"\text{{{text}}}\ {0}"), numbers=True, loops=OnStacks()
)

_on_stacks(
    "length",
    "how many items a stack holds",
    type_rule=lambda types, at: INT,
    evaluate=lambda xp, at, items: len(items),
    domain="a stack",
    rules=(None,),
    effects=Effects(operations=0),
)


_on_stacks(
    "chunks",
    "a stack cut into stacks of so many items, the last one shorter",
    type_rule=lambda types, at: Stack(single(types[0])),
    evaluate=lambda xp, at, items, n: [items[k : k + int(n)] for k in range(0, len(items), int(n))],
    domain="a stack and a size from 1",
    rules=(lambda b, g, y, x, size, at: b.joined(g, size), None),
)
_on_stacks(
    "joined",
    "the items of a stack of stacks of so many items as one stack",
    type_rule=lambda types, at: items_of(types[0]),
    evaluate=lambda xp, at, rows, size: [x for row in rows for x in row],
    domain="a stack of stacks and a size from 1",
    rules=(lambda b, g, y, x, size, at: b.chunks(g, size), None),
)


def _filled(xp: ArrayNamespace, at: BoundAttrs, items: list[Item], like: list[Item]) -> list[Item]:
    return [*items, *(_zero(xp, at["zero"], x) for x in like[len(items) :])]


def _zero(xp: ArrayNamespace, zero: float, x: Item) -> Item:
    """A zero of the shape of `x`; of a stack, which nests as deep as loops do, a stack of such."""
    if isinstance(x, list):
        return [_zero(xp, zero, item) for item in x]
    shape = getattr(x, "shape", ())
    return xp.full(shape, zero) if shape else zero


_on_stacks(
    "head",
    "the first items of a stack, as many as another one holds",
    type_rule=lambda types, at: types[0],
    evaluate=lambda xp, at, items, like: items[: len(like)],
    domain="two stacks",
    rules=(lambda b, g, y, x, like, at: b.filled(g, x, zero=0.0), None),
)
_on_stacks(
    "filled",
    "a stack with zeros behind it, as many items as another one holds, in the shapes of those",
    type_rule=lambda types, at: types[0],
    evaluate=_filled,
    domain="two stacks",
    rules=(lambda b, g, y, x, like, at: b.head(g, x), None),
)
