"""Python source for one operation's part of a backward sweep on plain numbers, made from its derivative template.

A step is a function of the list of cotangents `adj` and of the list of values `v`. Each distinct (op, types,
attributes, active operands) is compiled once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.types import AnyType
from cgcli.ops.numbers import fit_for
from cgcli.transform.templates import COTANGENT, OPERANDS, RESULT, cotangent_type, template

from .codegen import ARGUMENTS, Writer, operand_names

_backward: dict[tuple[Any, ...], Callable[..., None]] = {}


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
    places = operand_names(len(types))
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
    return w.function("adj, g, " + ARGUMENTS)
