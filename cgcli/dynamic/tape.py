"""The tape: a builder that computes each node as it is made, so that what was recorded is a graph with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, Node
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.builder import Builder
from cgcli.ops.evaluate import on_numbers
from cgcli.ops.numbers import Overflow
from cgcli.ops.op import AssertionFailed
from cgcli.ops.table import BY_CODE
from cgcli.run.limits import memory_limit, stopped
from cgcli.run.scalar.codegen import forward_step

Step = Callable[["Tape", int, Sequence[int], Mapping[str, Any]], Any]
_NO_ATTRS: Mapping[str, Any] = {}


class Tape(Builder):
    """`v` holds the value of each node: a Python number, or an array where the node's type has axes.

    max_memory: bytes that the tensors on it may take. Every method that makes a node raises CgError (status 1) where
    computing it stops the run.
    """

    def __init__(self, max_memory: int | None = None) -> None:
        super().__init__()
        self.v: list[Any] = []
        self.max_memory = max_memory or memory_limit()
        self._used = 0
        self._steps: dict[tuple[int, ...], Step] = {}

    def given(self, type_: Type, name: str | None, value: Any) -> int:
        """An input with its value."""
        i = self.input(type_, name)
        self.v[i] = value
        return i

    def seen(self, i: int) -> Any:
        return self.v[i]

    def let_vary(self, i: int) -> None:
        """From here on node `i` counts as more than a literal: as what an `if` or a loop hands on does."""
        self.varies[i] = True

    def cut(self, size: int) -> None:
        """Forgets all nodes from `size` on."""
        for column in (self.op, self.a, self.b, self.type, self.span, self.group, self.v, self.risk, self.varies):
            del column[size:]
        for table in (self.more, self.attrs, self.names):
            for i in [i for i in reversed(table) if i >= size]:
                del table[i]

    def append(
        self,
        op: int,
        operands: Sequence[int],
        type_: int,
        attrs: Mapping[str, Any] | None = None,
        span: int = NONE,
        group: int = NONE,
    ) -> int:
        i = super().append(op, operands, type_, attrs, span, group)
        self.v.append(None)
        if op == INPUT:
            return i
        if op == CONST and attrs is not None and not _axes(self.types[type_]):
            self.v[i] = attrs["value"]
            return i
        kind = self.type
        key = (op, type_, *[kind[x] for x in operands])
        step = self._steps.get(key)
        if step is None or attrs:
            step = self._step(op, operands, type_, attrs or _NO_ATTRS)
            if not attrs:
                self._steps[key] = step
        try:
            self.v[i] = step(self, i, operands, attrs or _NO_ATTRS)
        except (IntegerDivisionByZero, Overflow, AssertionFailed) as stop:
            raise self._stopped(i, stop) from None
        return i

    def _step(self, op: int, operands: Sequence[int], type_: int, attrs: Mapping[str, Any]) -> Step:
        result = self.types[type_]
        types = tuple(self.type_of(x) for x in operands)
        if not _axes(result) and on_numbers(op) and not any(map(_axes, types)):
            forward = forward_step(op, types, result, attrs)
            return lambda tape, i, xs, at: forward(tape.v, i, tape.a[i], tape.b[i], tape.more)
        from .tape_arrays import array_step  # with the array library

        compute = array_step(op, types, result)

        def step(tape: Tape, i: int, xs: Sequence[int], at: Mapping[str, Any]) -> Any:
            tape._reserve(i, result)
            return compute(Node(cast(Graph, tape), i), [tape.v[x] for x in xs], at)

        return step

    def _reserve(self, i: int, t: AnyType) -> None:
        """Raises CgError when the value of node `i` does not fit into memory any more."""
        from cgcli.run.numpy.reference import type_bytes

        size = type_bytes(t, {})
        self._used += size
        if self._used > self.max_memory:
            node = Node(cast(Graph, self), i)
            used = byte_text(self._used) if self._used > 1.1 * size else None
            words = {"type": t, "name": node.name, "size": byte_text(size), "used": used}
            raise error("too-large", node.span, status=1, **words, limit=byte_text(self.max_memory))

    def _stopped(self, i: int, stop: Exception) -> CgError:
        graph = cast(Graph, self)  # it has the columns that this needs
        if isinstance(stop, AssertionFailed):
            return stopped(graph, i, stop, self.v, None, None)
        node = Node(graph, i)
        if isinstance(stop, Overflow):
            return error("integer-overflow", node.span, status=1, op=_text(node), type=node.type)
        return error("integer-division-by-zero", node.span, status=1, op=_text(node))


def _text(node: Node) -> str:
    return BY_CODE[node.graph.op[node.index]].notation.text


def _axes(t: AnyType) -> bool:
    return isinstance(t, Stack) or bool(isinstance(t, Type) and t.shape)
