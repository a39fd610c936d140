"""Where a program mixes two kinds of floats, most likely by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cgcli.diagnostics.source import Span
from cgcli.graph.signature import Input
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder


class MixedFloats(NamedTuple):
    """An operation on f64 and f32, and the names of a param and an input that begin to mix them."""

    span: Span
    param: str
    input: str


def mixed_floats(inputs: Mapping[str, Input], b: Builder) -> MixedFloats | None:
    """The first operation where a f64 input and a f32 param meet: its result is f64."""
    declared = {name: i.type for name, i in inputs.items()}
    params = [n for n, t in declared.items() if inputs[n].kind == "param" and t.dtype == "f32"]
    others = [n for n, t in declared.items() if inputs[n].kind == "input" and t.dtype == "float"]
    if not params or not others:
        return None
    for i in range(len(b)):
        operands = [b.type_of(x) for x in b.operands(i)]
        dtypes = {t.dtype for t in operands if isinstance(t, Type) and not t.weak}
        result_type = b.type_of(i)
        if {"f32", "float"} <= dtypes and isinstance(result_type, Type) and result_type.dtype == "float":
            return MixedFloats(b.spans[b.span[i]], params[0], others[0])
    return None
