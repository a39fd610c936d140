"""The tape: a builder that computes each node as it is added, so that a recording is a graph with values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import CONST, INPUT
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.failures import Stop, ValueTooLarge, failure
from cgcli.ops.interpreter import Kernel
from cgcli.ops.limits import memory_limit
from cgcli.ops.number_kernels import number_kernel, on_numbers


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
        self._kernels: dict[tuple[int, ...], Kernel] = {}

    def bind_input(self, type_: Type, name: str | None, value: object) -> int:
        """An input with its value."""
        i = self.input(type_, name)
        self.v[i] = value
        return i

    def value_of(self, i: int) -> object:
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

    def _append(
        self, code: int, operands: tuple[int, ...], type_: int, attrs: Mapping[str, object], risk: bool, varies: bool
    ) -> int:
        i = super()._append(code, operands, type_, attrs, risk, varies)
        self.v.append(None)
        if code == INPUT:
            return i
        if code == CONST and not _has_axes(self.types[type_]):
            self.v[i] = attrs["value"]
            return i
        type_rows = self.type
        key = (code, type_, *[type_rows[x] for x in operands])
        kernel = self._kernels.get(key)
        if kernel is None or attrs:
            kernel = self._kernel(code, operands, type_, attrs)
            if not attrs:
                self._kernels[key] = kernel
        try:
            self.v[i] = kernel(self.v, i, self.a[i], self.b[i], self.more)
        except Stop as stop:
            raise failure(self, i, stop, self.v) from stop
        return i

    def _kernel(self, op: int, operands: Sequence[int], type_: int, attrs: Mapping[str, object]) -> Kernel:
        result = self.types[type_]
        types = tuple(self.type_of(x) for x in operands)
        if not _has_axes(result) and on_numbers(op) and not any(map(_has_axes, types)):
            return number_kernel(op, types, result, attrs)
        from cgcli.ops.sizes import type_bytes

        from .tape_arrays import array_kernel  # with the array library

        compute, size = array_kernel(op, types, result, attrs), type_bytes(result, {})

        def kernel(v: list[object], i: int, a: int, b: int, more: Mapping[int, tuple[int, ...]]) -> object:
            self._used += size
            if self._used > self.max_memory:
                raise ValueTooLarge(result, size, self._used, self.max_memory)
            return compute(v, i, a, b, more)

        return kernel


def _has_axes(t: AnyType) -> bool:
    return isinstance(t, Stack) or bool(isinstance(t, Type) and t.shape)
