"""The graph: columns of ints, one a property, and `Node`, a cheap view of one row.

A graph is a value: nothing edits one in place; passes make a new one through a builder.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from cgcli.diagnostics.source import Span

from .types import AnyType

NONE = -1  # no operand, no span, no group

_codes: dict[str, int] = {}
_names: list[str] = []


def opcode(name: str) -> int:
    """The number that stands for an op's name in `Graph.op`, the same in the whole process."""
    code = _codes.get(name)
    if code is None:
        code = _codes[name] = len(_names)
        _names.append(name)
    return code


def opname(code: int) -> str:
    return _names[code]


INPUT = opcode("input")
CONST = opcode("const")
ASSERT = opcode("assert")  # the one op with an effect: it is never dead code
COND = opcode("cond")
LOOP = opcode("loop")
GET = opcode("get")  # one of the results of a `cond` or a `loop`
SIZE = opcode("size")  # a size of an array as a number
COPY = opcode("copy")  # the same value under another name
CAST = opcode("cast")  # the same number in another dtype


class Group(NamedTuple):
    """A call that was inlined: the call it is part of (an index or NONE), the function's name, where it was called."""

    parent: int
    function: str
    span: Span | None


COLUMNS = ("op", "a", "b", "type", "span", "group")  # one number a node each


class _Columns(Protocol):
    """The columns that reading a row needs, of a graph or under construction."""

    @property
    def op(self) -> Sequence[int]: ...
    @property
    def a(self) -> Sequence[int]: ...
    @property
    def b(self) -> Sequence[int]: ...
    @property
    def type(self) -> Sequence[int]: ...
    @property
    def more(self) -> Mapping[int, tuple[int, ...]]: ...
    @property
    def types(self) -> Sequence[AnyType]: ...
    @property
    def attrs(self) -> Mapping[int, Mapping[str, Any]]: ...


class Rows:
    """Rows of columns: a graph has them frozen, a builder grows them."""

    def operands(self: _Columns, i: int) -> tuple[int, ...]:
        """The nodes that node `i` reads, in order."""
        b = self.b[i]
        if b != NONE:
            more = self.more.get(i)
            return (self.a[i], b, *more) if more else (self.a[i], b)
        a = self.a[i]
        return (a,) if a != NONE else ()

    def type_of(self: _Columns, i: int) -> AnyType:
        return self.types[self.type[i]]

    def constant(self: _Columns, i: int) -> float | int | bool | None:
        """The value of node `i` when it is a `const`, else None."""
        if self.op[i] != CONST:
            return None
        value: float | int | bool = self.attrs[i]["value"]
        return value


@dataclass(frozen=True)
class Graph(Rows):
    """Nodes in topological order, as columns.

    `a` and `b` hold the first two operands (NONE where there is none), `more` the third and later ones of the few
    nodes that have them. `attrs` and `names` (the user's) are sparse: few nodes have any. `type`, `span`
    and `group` are indices into the tables `types`, `spans` and `groups`. The inputs are the nodes whose op is
    `input`, in their order.

    Two graphs are equal when they print the same: spans and groups are its origin, not its meaning.
    """

    op: array[int]
    a: array[int]
    b: array[int]
    type: array[int]
    span: array[int]
    group: array[int]
    more: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    attrs: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    types: tuple[AnyType, ...] = ()
    spans: Sequence[Span] = ()
    groups: tuple[Group, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.op)

    def __iter__(self) -> Iterator[Node]:
        return (Node(self, i) for i in range(len(self.op)))

    def __getitem__(self, index: int) -> Node:
        return Node(self, range(len(self.op))[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((len(self.op), self.inputs, self.outputs))

    def __str__(self) -> str:
        return "\n".join(_lines(self, ""))

    def __repr__(self) -> str:
        return f"<Graph of {len(self)} nodes>"

    @cached_property
    def asserts(self) -> tuple[int, ...]:
        """The nodes that must run even if no output needs them: asserts, and nodes whose graphs hold some."""
        return asserts(self.op, self.attrs)


def positions(column: array[int], value: int) -> Iterator[int]:
    """The rows of a column that hold a value."""
    row = -1
    with suppress(ValueError):
        while True:
            row = column.index(value, row + 1)
            yield row


def asserts(op: Sequence[int], attrs: Mapping[int, Mapping[str, Any]]) -> tuple[int, ...]:
    """The rows of columns that are asserts, or hold graphs with some."""
    rows = {i for i, code in enumerate(op) if code == ASSERT} if ASSERT in op else set()
    rows.update(i for i, a in attrs.items() if any(graph.asserts for graph in nested(a).values()))
    return tuple(sorted(rows))


def nested(attrs: Mapping[str, Any]) -> dict[str, Graph]:
    """The graphs among the attributes of one node: the sides of a `cond`, the body and condition of a `loop`."""
    return {key: value for key, value in attrs.items() if isinstance(value, Graph)}


def map_nested(attrs: Mapping[str, Any], f: Callable[[Graph], Any]) -> Mapping[str, Any]:
    """The attributes of one node with `f` applied to each nested graph; the same object where that changes none."""
    changed = {key: new for key, graph in nested(attrs).items() if (new := f(graph)) is not graph}
    return {**attrs, **changed} if changed else attrs


_NO_ATTRS: Mapping[str, Any] = {}


class Node:
    """A view of one node, for people, renderers and tests; passes read the columns."""

    __slots__ = ("graph", "index")

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph = graph
        self.index = index

    @property
    def op(self) -> str:
        return opname(self.graph.op[self.index])

    @property
    def operands(self) -> tuple[Node, ...]:
        return tuple(Node(self.graph, i) for i in self.graph.operands(self.index))

    @property
    def attrs(self) -> Mapping[str, Any]:
        return self.graph.attrs.get(self.index, _NO_ATTRS)

    @property
    def type(self) -> AnyType:
        return self.graph.type_of(self.index)

    @property
    def name(self) -> str | None:
        """The user's name for this value, or None for an unnamed intermediate one."""
        return self.graph.names.get(self.index)

    @property
    def span(self) -> Span | None:
        span = self.graph.span[self.index]
        return None if span == NONE else self.graph.spans[span]

    @property
    def group(self) -> Group | None:
        group = self.graph.group[self.index]
        return None if group == NONE else self.graph.groups[group]

    @property
    def is_output(self) -> bool:
        return self.index in self.graph.outputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.graph is other.graph and self.index == other.index

    def __hash__(self) -> int:
        return hash((id(self.graph), self.index))

    def __repr__(self) -> str:
        return f"%{self.index} ({self.name or self.op})"


def _lines(graph: Graph, indent: str) -> Iterator[str]:
    """The printed form; recursion only as deep as structured nodes nest, which the language limits."""
    for i in range(len(graph)):
        refs = "".join(f" %{x}" for x in graph.operands(i))
        line = f"{indent}%{i}: {graph.type_of(i)} = {opname(graph.op[i])}{refs}"
        for key, value in sorted(graph.attrs.get(i, _NO_ATTRS).items()):
            if isinstance(value, Graph):
                yield f"{line} {key}={{"
                yield from _lines(value, indent + "  ")
                line = f"{indent}}}"
            else:
                line += f" {key}={json.dumps(value, ensure_ascii=False)}"
        name = graph.names.get(i)
        yield line if name is None else f"{line} {json.dumps(name, ensure_ascii=False)}"
    yield f"{indent}-> {' '.join(f'%{x}' for x in graph.outputs)}".rstrip()
