"""Python source for single operations on plain numbers, made from their declarations and from derivative templates.

A step is a function of the list of values `v`; a backward step also of the list of cotangents `adj`. Each distinct
(op, types, attributes) is compiled once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.graph import CONST
from cgcli.graph.types import AnyType
from cgcli.ops import floats
from cgcli.ops.numbers import fit_for
from cgcli.ops.table import BY_CODE
from cgcli.transform.templates import (
    COTANGENT,
    OPERANDS,
    RESULT,
    cotangent_type,
    template,
)

_OPERAND = ("v[a]", "v[b]")
_ARGUMENTS = "v, i, a, b, more"


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


def _operands(arity: int) -> list[str]:
    return [*_OPERAND[:arity], *(f"more[i][{k}]" for k in range(arity - 2))]


_forward: dict[tuple[Any, ...], Callable[..., Any]] = {}
_backward: dict[tuple[Any, ...], Callable[..., None]] = {}


def forward_step(op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any]) -> Callable[..., Any]:
    """`step(v, i, a, b, more)`: the value of node `i` from the values of its operands."""
    key = (op, types, result, repr(sorted(attrs.items())) if attrs else None)
    known = _forward.get(key)
    if known is None:
        w = Writer()
        refs = [x if x.startswith("v[") else f"v[{x}]" for x in _operands(len(types))]
        w.lines.append(f"return {w.expression(op, refs, types, result, attrs)}")
        known = _forward[key] = w.function(_ARGUMENTS)
    return known


def backward_step(
    op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any], active: Sequence[bool]
) -> Callable[..., None]:
    """`step(adj, g, v, i, a, b, more)`: adds to the operands' cotangents what the cotangent `g` of node `i` gives.

    None stands for a cotangent that no path has reached.
    """
    key = (op, types, result, tuple(active), repr(sorted(attrs.items())) if attrs else None)
    known = _backward.get(key)
    if known is None:
        known = _backward[key] = _write_backward(op, types, result, attrs, active)
    return known


def _write_backward(
    op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any], active: Sequence[bool]
) -> Callable[..., None]:
    rule = template(op, types, result, attrs, active)
    w = Writer()
    places = _operands(len(types))
    refs = [x if x.startswith("v[") else f"v[{x}]" for x in places]
    row_types = [row.type for row in rule.rows]

    def text(ref: int) -> str:
        if ref >= 0:
            return f"t{ref}"
        return {COTANGENT: "g", RESULT: "v[i]"}.get(ref) or refs[OPERANDS - ref]

    def type_of(ref: int) -> AnyType:
        if ref >= 0:
            return row_types[ref]
        if ref == COTANGENT:
            return cotangent_type(result)
        return result if ref == RESULT else types[OPERANDS - ref]

    for j, row in enumerate(rule.rows):
        operands = [text(r) for r in row.operands]
        w.lines.append(
            f"t{j} = {w.expression(row.op, operands, [type_of(r) for r in row.operands], row.type, row.attrs)}"
        )
    for k, given in enumerate(rule.gives):
        if given is None:
            continue
        place = "ab"[k] if k < 2 else places[k]
        indent = ""
        if given.support is not None:
            w.lines.append(f"if {text(given.support)}:")
            indent = "    "
        fit = fit_for(cotangent_type(types[k]), [cotangent_type(types[k])])
        total = f"p + {text(given.value)}"
        w.lines.append(f"{indent}p = adj[{place}]")
        w.lines.append(
            f"{indent}adj[{place}] = {text(given.value)} if p is None else "
            + (f"{w.bind(fit)}({total})" if fit else total)
        )
    w.lines.append("return")
    return w.function("adj, g, " + _ARGUMENTS)
