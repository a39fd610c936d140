"""The tape: a builder that computes each node as it is added, so that a recording is a graph with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, Node
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.builder import Builder
from cgcli.ops.evaluate import on_numbers
from cgcli.ops.numbers import Overflow
from cgcli.ops.op import AssertionFailed
from cgcli.ops.table import BY_CODE
from cgcli.run.limits import format_bytes, limit_error, memory_limit
from cgcli.run.scalar.codegen import forward_kernel

TapeKernel = Callable[["Tape", int, Sequence[int], Mapping[str, Any]], Any]
_NO_ATTRS: Mapping[str, Any] = {}


class Tape(Builder):
    """`v` holds the value of each node: a Python number, or an array where the node's type has axes.

    max_memory: bytes that the tensors on it may take. Every method that adds a node raises CgError (status 1) where
    computing it stops the run.
    """

    def __init__(self, max_memory: int | None = None) -> None:
        super().__init__()
        self.v: list[Any] = []
        self.max_memory = max_memory or memory_limit()
        self._used = 0
        self._kernels: dict[tuple[int, ...], TapeKernel] = {}

    def bind_input(self, type_: Type, name: str | None, value: Any) -> int:
        """An input with its value."""
        i = self.input(type_, name)
        self.v[i] = value
        return i

    def value_of(self, i: int) -> Any:
        return self.v[i]

    def mark_varying(self, i: int) -> None:
        """Marks node `i` as no literal, as the values are that an `if` or a loop binds."""
        self.varies[i] = True

    def truncate(self, size: int) -> None:
        """Removes all nodes from `size` on."""
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
        if op == CONST and attrs is not None and not _has_axes(self.types[type_]):
            self.v[i] = attrs["value"]
            return i
        type_rows = self.type
        key = (op, type_, *[type_rows[x] for x in operands])
        kernel = self._kernels.get(key)
        if kernel is None or attrs:
            kernel = self._kernel(op, operands, type_, attrs or _NO_ATTRS)
            if not attrs:
                self._kernels[key] = kernel
        try:
            self.v[i] = kernel(self, i, operands, attrs or _NO_ATTRS)
        except (IntegerDivisionByZero, Overflow, AssertionFailed) as stop:
            raise self._error(i, stop) from None
        return i

    def _kernel(self, op: int, operands: Sequence[int], type_: int, attrs: Mapping[str, Any]) -> TapeKernel:
        result = self.types[type_]
        types = tuple(self.type_of(x) for x in operands)
        if not _has_axes(result) and on_numbers(op) and not any(map(_has_axes, types)):
            forward = forward_kernel(op, types, result, attrs)
            return lambda tape, i, xs, _attrs: forward(tape.v, i, tape.a[i], tape.b[i], tape.more)
        from .tape_arrays import array_kernel  # with the array library

        array_compute = array_kernel(op, types, result)

        def kernel(tape: Tape, i: int, xs: Sequence[int], attrs: Mapping[str, Any]) -> Any:
            tape._reserve(i, result)
            return array_compute(Node(cast(Graph, tape), i), [tape.v[x] for x in xs], attrs)

        return kernel

    def _reserve(self, i: int, t: AnyType) -> None:
        """Raises CgError when the value of node `i` does not fit into memory any more."""
        from cgcli.run.numpy.reference import type_bytes

        size = type_bytes(t, {})
        self._used += size
        if self._used > self.max_memory:
            node = Node(cast(Graph, self), i)
            used = format_bytes(self._used) if self._used > 1.1 * size else None
            values = {"type": t, "name": node.name, "size": format_bytes(size), "used": used}
            raise error("too-large", node.span, status=1, **values, limit=format_bytes(self.max_memory))

    def _error(self, i: int, stop: Exception) -> CgError:
        graph = cast(Graph, self)  # a builder has a graph's columns
        if isinstance(stop, AssertionFailed):
            return limit_error(graph, i, stop, self.v, None, None)
        node = Node(graph, i)
        if isinstance(stop, Overflow):
            return error("integer-overflow", node.span, status=1, op=_op_text(node), type=node.type)
        return error("integer-division-by-zero", node.span, status=1, op=_op_text(node))


def _op_text(node: Node) -> str:
    return BY_CODE[node.graph.op[node.index]].notation.text


def _has_axes(t: AnyType) -> bool:
    return isinstance(t, Stack) or bool(isinstance(t, Type) and t.shape)
