"""Python source for single operations on plain numbers, generated from their declarations.

A kernel is a function of the list of values `v`. Each distinct (op, types, attributes) is compiled once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.graph import CONST
from cgcli.graph.types import AnyType
from cgcli.ops import floats
from cgcli.ops.numbers import fit_for
from cgcli.ops.table import BY_CODE

_OPERAND = ("v[a]", "v[b]")
ARGUMENTS = "v, i, a, b, more"


class FunctionWriter:
    """The source of one function and the scope of its names, those of `floats` among them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = dict(vars(floats))

    def bind(self, value: object) -> str:
        """A new name for an object."""
        name = f"_{len(self.scope)}"
        self.scope[name] = value
        return name

    def expression(
        self, op: int, operands: Sequence[str], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
    ) -> str:
        """The Python expression of `op(operands)`, converted to the result's type."""
        if op == CONST:
            return self.bind(attrs["value"])
        declared = BY_CODE[op]
        if declared.inline is not None:
            text = f"({declared.inline.format(*operands)})"
        else:
            names = ", ".join([self.bind(floats), self.bind(attrs), *operands])
            text = f"{self.bind(declared.evaluate)}({names})"
        convert = fit_for(result, types)
        return f"{self.bind(convert)}({text})" if convert else text

    def function(self, arguments: str) -> Callable[..., Any]:
        exec("\n".join([f"def step({arguments}):", *(f"    {line}" for line in self.lines)]), self.scope)
        function: Callable[..., Any] = self.scope["step"]
        return function


def operand_names(arity: int) -> list[str]:
    """The names of a kernel's operands: two columns, and a row of the others."""
    return [*_OPERAND[:arity], *(f"more[i][{k}]" for k in range(arity - 2))]


_forward_kernels: dict[tuple[Any, ...], Callable[..., Any]] = {}


def forward_kernel(
    op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any]
) -> Callable[..., Any]:
    """`kernel(v, i, a, b, more)`: the value of node `i` from the values of its operands."""
    key = (op, types, result, repr(sorted(attrs.items())) if attrs else None)
    kernel = _forward_kernels.get(key)
    if kernel is None:
        writer = FunctionWriter()
        refs = [x if x.startswith("v[") else f"v[{x}]" for x in operand_names(len(types))]
        writer.lines.append(f"return {writer.expression(op, refs, types, result, attrs)}")
        kernel = _forward_kernels[key] = writer.function(ARGUMENTS)
    return kernel
