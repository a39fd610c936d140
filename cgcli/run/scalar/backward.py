"""Python source for one operation's part of a backward sweep on plain numbers, from its derivative template.

A kernel is a function of the list of cotangents `adj` and of the list of values `v`. Each distinct (op, types,
attributes, active operands) is compiled once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Protocol

from cgcli.graph.types import AnyType
from cgcli.ops import floats
from cgcli.ops.emit import Source
from cgcli.ops.number_kernels import PARAMETERS, expression, operand_names
from cgcli.ops.numbers import fit_for
from cgcli.transform.templates import COTANGENT, OPERANDS, RESULT, cotangent_type, template

Cotangent = float | dict[int, float] | None
"""None until a path reaches the node; of a structured node a dictionary by result."""


class Cotangents(Protocol):
    """The cotangents of nodes, by node."""

    def __getitem__(self, i: int, /) -> Cotangent: ...
    def __setitem__(self, i: int, g: Cotangent, /) -> None: ...


BackwardKernel = Callable[[Cotangents, Cotangent, Sequence[object], int, int, int, Mapping[int, tuple[int, ...]]], None]
"""`kernel(adj, g, v, i, a, b, more)`: adds the contributions of node `i`, whose cotangent is `g`, to `adj`."""
_kernels: dict[Hashable, BackwardKernel] = {}


def backward_kernel(
    op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, object], active: Sequence[bool]
) -> BackwardKernel:
    """The backward kernel of an operation on operands of these types, memoised. active: those with a derivative."""
    key = (op, types, result, tuple(active), repr(sorted(attrs.items())) if attrs else None)
    kernel = _kernels.get(key)
    if kernel is None:
        kernel = _kernels[key] = _compile_kernel(op, types, result, attrs, active)
    return kernel


def _compile_kernel(
    op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, object], active: Sequence[bool]
) -> BackwardKernel:
    rule = template(op, types, result, attrs, active)
    source = Source(vars(floats))
    lines: list[str] = []
    names = operand_names(len(types))
    text = {COTANGENT: "g", RESULT: "v[i]"}
    type_of: dict[int, AnyType] = {COTANGENT: cotangent_type(result), RESULT: result}
    for k, (name, t) in enumerate(zip(names, types, strict=True)):
        text[OPERANDS - k], type_of[OPERANDS - k] = name if name.startswith("v[") else f"v[{name}]", t
    for j, row in enumerate(rule.rows):
        operands, operand_types = [text[r] for r in row.operands], [type_of[r] for r in row.operands]
        text[j], type_of[j] = f"t{j}", row.type
        lines.append(f"t{j} = {expression(source, row.op, operands, operand_types, row.type, row.attrs)}")
    for k, contribution in enumerate(rule.contributions):
        if contribution is None:
            continue
        node = "ab"[k] if k < 2 else names[k]
        indent = ""
        if contribution.support is not None:
            lines.append(f"if {text[contribution.support]}:")
            indent = "    "
        convert = fit_for(cotangent_type(types[k]), [cotangent_type(types[k])])
        total = f"p + {text[contribution.value]}"
        lines.append(f"{indent}p = adj[{node}]")
        lines.append(
            f"{indent}adj[{node}] = {text[contribution.value]} if p is None else "
            + (f"{source.bind(convert)}({total})" if convert else total)
        )
    lines.append("return")
    return source.function("adj, g, " + PARAMETERS, lines)
