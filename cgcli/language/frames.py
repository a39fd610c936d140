"""Frames: where an expression stands while it is lowered, and small helpers that need nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier, number
from cgcli.graph.sizes import Size
from cgcli.graph.types import MAX_AXES, Type
from cgcli.ops.numbers import single

from .origins import counted
from .regions import Call, Region, Several, Value
from .resolver import Names
from .tree import kind, span_of


@dataclass
class Environment:
    """What a file's names mean while it is being lowered."""

    source: Source
    names: Names
    values: dict[str, Any] = field(default_factory=dict)  # values; in a dynamic run also structured data
    modules: dict[str, Environment] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)  # names of sizes, with the token that first names each
    library: bool = False  # a file of the standard library
    prefix: str = ""  # of an imported file's names: `layers.`
    around: Environment | None = None  # the program that an expression belongs to, whose functions it may call


@dataclass(frozen=True)
class Frame:
    """Where an expression stands: its file, the region its nodes go to, the call it belongs to, and local names."""

    environment: Environment
    region: Region
    call: Call | None = None
    local: dict[str, Any] | None = None  # as those of a file; None at the top level
    sizes: dict[str, Size] | None = None  # of a function's signature, bound by this call
    prefix: str = ""  # of the names that are bound here, as pictures show them
    returns: bool = False  # whether it is a function's body

    def span(self, tree: Any) -> Span:
        return span_of(self.environment.source, tree)


TYPES = ("float", "f64", "f32", "int", "i64", "i32", "bool")  # and `any`, of structured data


def assigned(statement: Any) -> Any:
    """The tree whose value an assignment binds; of `y[i] = v` that is the new y."""
    *targets, expression = statement.children
    if len(targets) == 1 and kind(targets[0]) == "index":
        return Part("part_assign", [targets[0], expression], targets[0].meta)
    return expression


class Part(NamedTuple):
    """A tree that no parser made: the assignment to a part of a value."""

    data: str
    children: list[Any]
    meta: Any


def named_parts(frame: Frame, statement: Any, found: Any) -> list[tuple[str, Any]]:
    """The names that an assignment binds with their values. Raises where the counts differ."""
    targets = statement.children[:-1]
    for target in targets:
        if len(targets) > 1 and kind(target) == "index":
            raise error("part-of-several", frame.span(target))
    names = [target_name(frame, target) for target in targets]
    values = found if isinstance(found, Several) else (found,)
    if len(values) != len(names):
        code = "results-count" if len(names) > 1 else "several-results"
        given = counted(len(values), "result")
        raise error(code, frame.span(statement.children[-1]), count=len(values), given=given, wanted=len(names))
    if len(set(names)) < len(names):
        twice = next(t for k, t in enumerate(targets) if names[k] in names[:k])
        raise error("bound-twice-at-once", frame.span(twice), name=frame.span(twice).text)
    return list(zip(names, values, strict=True))


def target_name(frame: Frame, target: Any) -> str:
    """The name that an assignment binds; raises where its left side is no name."""
    rule = kind(target)
    if rule == "name":
        return identifier(target.children[0])
    if rule == "index" and kind(target.children[0]) == "name":
        return identifier(target.children[0].children[0])
    if rule == "call":
        name, text = frame.span(target.children[0]).text, frame.span(target).text
        raise error("assign-to-call", frame.span(target), name=name, target=text)
    raise error("assign-to-expression", frame.span(target))


Dimension = int | str
"""A dimension as it is written: a number, a name, or `...`."""


def written_type(source: Source, tree: Any) -> tuple[str, list[tuple[Dimension, Any]]]:
    """The dtype that a `type` tree names, and its dimensions with their tokens. Raises for an unknown type."""
    name, *dims = (c for c in tree.children if c is not None)
    if str(name) == "any" and dims:
        raise error("any-with-shape", span_of(source, tree))
    if str(name) not in TYPES and str(name) != "any":
        raise error("unknown-type", span_of(source, name), name=str(name), nearest=nearest(str(name), TYPES))
    if len(dims) > MAX_AXES:
        raise error("too-many-axes", span_of(source, dims[MAX_AXES]), limit=MAX_AXES)
    found: list[tuple[Dimension, Any]] = []
    for dim in dims:
        token = dim.children[0]
        size = number(token) if token.type == "INT" else identifier(token)
        if isinstance(size, float):
            raise error("size-too-large", span_of(source, token))
        if size == "..." and any(d == "..." for d, _ in found):
            raise error("ellipsis-twice", span_of(source, token))
        found.append((size, token))
    return {"f64": "float", "i64": "int"}.get(str(name), str(name)), found


def coerce(region: Region, value: Value, wanted: Type) -> int:
    """The node of `value` in `region` as a `wanted`; a literal is written anew, anything else is cast."""
    b = region.builder
    index = region.index(value)
    if wanted.shape:
        return index if b.type1(index) == wanted else b.cast(index, dtype=str(wanted._replace(shape=())))
    if b.type1(index) == wanted:
        return index
    constant = b.constant(index)
    if constant is not None and index not in b.names and not isinstance(constant, bool):
        if wanted.is_float:
            constant = single(constant) if wanted.dtype == "f32" else float(constant)
        return b.const(constant, wanted)
    return b.cast(index, dtype=str(wanted))
