"""Python source for single operations on plain numbers, made from their declarations.

A step is a function of the list of values `v`. Each distinct (op, types, attributes) is compiled once in a process.
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


class Writer:
    """Lines of one function and the objects that they name; those of `floats` it knows by their names."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = dict(vars(floats))

    def bind(self, value: object) -> str:
        name = f"_{len(self.scope)}"
        self.scope[name] = value
        return name

    def expression(
        self, op: int, operands: Sequence[str], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
    ) -> str:
        """Python for `op(operands)`, made to fit the result's type."""
        if op == CONST:
            return self.bind(attrs["value"])
        declared = BY_CODE[op]
        if declared.inline is not None:
            text = f"({declared.inline.format(*operands)})"
        else:
            names = ", ".join([self.bind(floats), self.bind(attrs), *operands])
            text = f"{self.bind(declared.evaluate)}({names})"
        fit = fit_for(result, types)
        return f"{self.bind(fit)}({text})" if fit else text

    def function(self, arguments: str) -> Callable[..., Any]:
        exec("\n".join([f"def step({arguments}):", *(f"    {line}" for line in self.lines)]), self.scope)
        made: Callable[..., Any] = self.scope["step"]
        return made


def operand_names(arity: int) -> list[str]:
    """How a step names the values of its operands: two columns, and a row of the others."""
    return [*_OPERAND[:arity], *(f"more[i][{k}]" for k in range(arity - 2))]


_forward: dict[tuple[Any, ...], Callable[..., Any]] = {}


def forward_step(op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any]) -> Callable[..., Any]:
    """`step(v, i, a, b, more)`: the value of node `i` from the values of its operands."""
    key = (op, types, result, repr(sorted(attrs.items())) if attrs else None)
    known = _forward.get(key)
    if known is None:
        w = Writer()
        refs = [x if x.startswith("v[") else f"v[{x}]" for x in operand_names(len(types))]
        w.lines.append(f"return {w.expression(op, refs, types, result, attrs)}")
        known = _forward[key] = w.function(ARGUMENTS)
    return known
