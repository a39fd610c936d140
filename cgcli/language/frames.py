"""Frames: where an expression stands while it is lowered, and small helpers that need nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cgcli.graph.diagnostic import error
from cgcli.graph.source import Source, Span
from cgcli.graph.types import Type

from .names import Names
from .regions import Call, Region, Value
from .suggest import nearest
from .tree import identifier, kind, span_of


@dataclass
class Environment:
    """What a file's names mean while it is being lowered."""

    source: Source
    names: Names
    values: dict[str, Value] = field(default_factory=dict)
    modules: dict[str, Environment] = field(default_factory=dict)
    prefix: str = ""  # of an imported file's names: `layers.`


@dataclass(frozen=True)
class Frame:
    """Where an expression stands: its file, the region its nodes go to, the call it belongs to, and local names."""

    environment: Environment
    region: Region
    call: Call | None = None
    local: dict[str, Value] | None = None  # None at the top level

    def span(self, tree: Any) -> Span:
        return span_of(self.environment.source, tree)


TYPES = ("float", "f64", "f32", "int", "i64", "i32", "bool")


def target_name(frame: Frame, target: Any) -> str:
    """The name that an assignment binds; raises where its left side is no name."""
    rule = kind(target)
    if rule == "name":
        return identifier(target.children[0])
    if rule == "index":
        raise error("not-yet", frame.span(target), what="assigning to a part of a value")
    if rule == "call":
        raise error("assign-to-call", frame.span(target), name=frame.span(target.children[0]).text)
    raise error("assign-to-expression", frame.span(target))


def scalar_type(source: Source, tree: Any) -> Type:
    """The type that a `type` tree names. Raises for unknown ones, and for shapes, which are yet to come."""
    name, *dims = (c for c in tree.children if c is not None)
    if str(name) == "any":
        raise error("not-yet", span_of(source, name), what="the type `any`")
    if str(name) not in TYPES:
        raise error("unknown-type", span_of(source, name), name=str(name), nearest=nearest(str(name), TYPES))
    if dims:
        raise error("not-yet", span_of(source, tree), what="tensors")
    return Type({"f64": "float", "i64": "int"}.get(str(name), str(name)))


def coerce(region: Region, value: Value, wanted: Type) -> int:
    """The node of `value` in `region` as a `wanted`; a literal is written anew, anything else is cast."""
    b = region.builder
    index = region.index(value)
    if b.type1(index) == wanted:
        return index
    constant = b.constant(index)
    if constant is not None and index not in b.names and not isinstance(constant, bool):
        return b.const(float(constant) if wanted.is_float else constant, wanted)
    return b.cast(index, dtype=str(wanted))
