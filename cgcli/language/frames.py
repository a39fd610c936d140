"""Frames: the context in which an expression is lowered, and small helpers that need nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier, number
from cgcli.graph.sizes import Size
from cgcli.graph.types import MAX_AXES, Type
from cgcli.ops.builder import Builder
from cgcli.ops.numbers import single

from .origins import callers, counted
from .regions import Call, Region, Several, Value
from .resolver import Names
from .tree import SyntheticTree, kind, span_of


@dataclass
class Environment:
    """The values of a file's names while it is being lowered."""

    source: Source
    names: Names
    values: dict[str, Any] = field(default_factory=dict)  # values; in a dynamic run also structured data
    modules: dict[str, Environment] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)  # names of sizes, with the token that first names each
    library: bool = False  # a file of the standard library
    prefix: str = ""  # of an imported file's names: `layers.`
    enclosing: Environment | None = None  # the program that an expression belongs to, whose functions it may call


@dataclass(frozen=True)
class Frame:
    """The context of an expression: its file, the region of its nodes, the call that it is in, and local names."""

    environment: Environment
    region: Region
    call: Call | None = None
    local: dict[str, Any] = field(default_factory=dict)  # as those of a file; none at the top level
    sizes: dict[str, Size] = field(default_factory=dict)  # of a function's signature, bound by this call
    prefix: str = ""  # of the names that are bound in it, as in pictures
    returns: bool = False  # whether it is a function's body
    written: Span | None = None  # of an operation that has parts with spans of their own: the span of all its nodes

    def span(self, tree: Any) -> Span:
        return span_of(self.environment.source, tree)

    def at(self, tree: Any) -> Builder:
        """The builder, set to a tree and to the call for its next nodes."""
        return self.region.at(self.written or self.span(tree), self.call)

    def error(self, code: str, tree: Any, **values: Any) -> CgError:
        """The error at a tree, with the calls that lead to its file from another one."""
        span = self.span(tree)
        return error(code, span, *callers(self.call, span), **values)

    def cond(self, tree: Any, condition: Value, sides: Sequence[tuple[Region, Sequence[int]]]) -> list[Value]:
        """The results of a `cond` node, whose sides have these outputs."""
        captured = list(dict.fromkeys(v for region, _ in sides for v in region.captured))
        then, otherwise = (region.close(outputs, captured) for region, outputs in sides)
        b = self.at(tree)
        operands = [self.region.index(v) for v in (condition, *captured)]
        node = b.apply("cond", *operands, **{"then": then, "else": otherwise})
        return [Value(self.region, b.get(node, k=k)) for k in range(len(then.outputs))]


TYPES = ("float", "f64", "f32", "int", "i64", "i32", "bool")  # and `any`, of structured data


def assigned_tree(statement: Any) -> Any:
    """The tree whose value an assignment binds; of `y[i] = v` that is the new y."""
    *targets, expression = statement.children
    if len(targets) == 1 and kind(targets[0]) == "index":
        return SyntheticTree("part_assign", [targets[0], expression], statement.meta)
    return expression


def named_values(frame: Frame, statement: Any, result: Any) -> list[tuple[str, Any]]:
    """The names that an assignment binds with their values. Raises where the counts differ."""
    targets = statement.children[:-1]
    for target in targets:
        if len(targets) > 1 and kind(target) == "index":
            raise error("part-of-several", frame.span(target))
    names = [target_name(frame, target) for target in targets]
    values = result if isinstance(result, Several) else (result,)
    if len(values) != len(names):
        code = "results-count" if len(names) > 1 else "several-results"
        count = counted(len(values), "result")
        raise error(code, frame.span(statement.children[-1]), count=len(values), results=count, names=len(names))
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
"""A dimension of a declared type: a number, a name, or `...`."""


def declared_type(source: Source, tree: Any) -> tuple[str, list[tuple[Dimension, Any]]]:
    """The dtype that a `type` tree names, and its dimensions with their tokens. Raises for an unknown type."""
    name, *dims = (c for c in tree.children if c is not None)
    if str(name) == "any" and dims:
        raise error("any-with-shape", span_of(source, tree))
    if str(name) not in TYPES and str(name) != "any":
        raise error("unknown-type", span_of(source, name), name=str(name), nearest=nearest(str(name), TYPES))
    if len(dims) > MAX_AXES:
        raise error("too-many-axes", span_of(source, dims[MAX_AXES]), limit=MAX_AXES)
    dimensions: list[tuple[Dimension, Any]] = []
    for dim in dims:
        token = dim.children[0]
        size = number(token) if token.type == "INT" else identifier(token)
        if isinstance(size, float):
            raise error("size-too-large", span_of(source, token))
        if size == "..." and any(d == "..." for d, _ in dimensions):
            raise error("ellipsis-twice", span_of(source, token))
        dimensions.append((size, token))
    return {"f64": "float", "i64": "int"}.get(str(name), str(name)), dimensions


def coerce(region: Region, value: Value, type_: Type) -> int:
    """The node of `value` in `region` as a `type_`: a new constant for a literal, otherwise a cast."""
    b = region.builder
    index = region.index(value)
    if type_.shape:
        return index if b.type1(index) == type_ else b.cast(index, dtype=str(type_._replace(shape=())))
    if b.type1(index) == type_:
        return index
    constant = b.constant(index)
    if constant is not None and index not in b.names and not isinstance(constant, bool):
        if type_.is_float:
            constant = single(constant) if type_.dtype == "f32" else float(constant)
        return b.const(constant, type_)
    return b.cast(index, dtype=str(type_))
