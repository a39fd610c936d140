"""A lowered program as plain data and back, so that a program that was read once need not be parsed again."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import Diagnostic, Label
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import COLUMNS, Graph, Group, map_nested, opcode, opname
from cgcli.graph.types import Type, parse_type

from .signature import Input, Module
from .span_table import SpanTable

Data = dict[str, Any]
NUMBERS = (float, int, bool)


def dump(module: Module, sources: Sequence[Source]) -> Data:
    """The module as JSON data; `sources` are the texts of its spans, the program's own first."""
    index = {s: k for k, s in enumerate(sources)}
    return {
        "graph": _dump_graph(module.graph, index),
        "inputs": [
            {
                **vars(i),
                "type": str(i.type),
                "initial": i.initial and _dump_graph(i.initial, index),
                "span": _dump_span(i.span, index),
            }
            for i in module.inputs
        ],
        "outputs": module.outputs,
        "values": module.values,
        "carried": module.carried,
        "docs": module.docs,
        "warnings": [
            [d.code, [[_dump_span(x.span, index), x.role] for x in d.labels], dict(d.values)] for d in module.warnings
        ],
    }


def restore(data: Data, sources: Sequence[Source]) -> Module:
    """The inverse of `dump`. Raises an error of any kind for other data."""
    return Module(
        source=sources[0],
        graph=_restore_graph(data["graph"], sources),
        inputs=tuple(_restore_input(row, sources) for row in data["inputs"]),
        outputs=tuple(data["outputs"]),
        values=data["values"],
        carried=tuple(data["carried"]),
        docs=data["docs"],
        warnings=tuple(
            Diagnostic(
                code, tuple(Label(_restore_span(span, sources), role) for span, role in labels), values, "warning"
            )
            for code, labels, values in data["warnings"]
        ),
    )


def _restore_input(data: Data, sources: Sequence[Source]) -> Input:
    type_ = parse_type(data["type"])
    assert isinstance(type_, Type)
    changed = {
        "type": type_,
        "initial": data["initial"] and _restore_graph(data["initial"], sources),
        "span": data["span"] and _restore_span(data["span"], sources),
    }
    return Input(**{name: _tuple(value) for name, value in data.items()} | changed)


def _dump_span(span: Span | None, sources: Mapping[Source, int]) -> list[int] | None:
    return None if span is None else [sources[span.source], span.start, span.end]


def _restore_span(row: list[int], sources: Sequence[Source]) -> Span:
    return Span(sources[row[0]], row[1], row[2])


def _dump_graph(graph: Graph, sources: Mapping[Source, int]) -> Data:
    """Columns of numbers as texts, which are read at once; recursion only into structured nodes."""
    codes = sorted(set(graph.op))
    local = {code: k for k, code in enumerate(codes)}
    columns = {name: _dump_column(getattr(graph, name)) for name in COLUMNS}
    constants = {i: a["value"] for i, a in graph.attrs.items() if len(a) == 1 and type(a.get("value")) in NUMBERS}
    spans = SpanTable(graph.spans).flat(list(sources))
    return {
        "ops": [opname(code) for code in codes],
        **columns,
        "op": _dump_column([local[code] for code in graph.op]),
        "more": list(graph.more.items()),
        "constants": [_dump_column(constants), list(constants.values())],
        "attrs": [
            [i, map_nested(attrs, lambda inner: {"graph": _dump_graph(inner, sources)})]
            for i, attrs in graph.attrs.items()
            if i not in constants
        ],
        "names": [_dump_column(graph.names), list(graph.names.values())],
        "types": [str(t) for t in graph.types],
        "spans": [_dump_column(column) for column in spans],
        "groups": [[g.parent, g.function, _dump_span(g.span, sources)] for g in graph.groups],
        "outputs": graph.outputs,
        "inputs": graph.inputs,
    }


def _restore_graph(data: Data, sources: Sequence[Source]) -> Graph:
    codes = [opcode(name) for name in data["ops"]]
    columns = {name: _restore_column(data[name]) for name in COLUMNS}
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("not the columns of one graph")
    columns["op"] = array("i", map(codes.__getitem__, columns["op"]))
    rows, values = data["constants"]
    attrs: dict[int, Mapping[str, Any]] = {
        i: {"value": value} for i, value in zip(_restore_column(rows), values, strict=True)
    }
    for i, node_attrs in data["attrs"]:
        attrs[i] = {
            k: _restore_graph(v["graph"], sources) if isinstance(v, dict) else _tuple(v) for k, v in node_attrs.items()
        }
    groups = tuple(
        Group(parent, function, row and _restore_span(row, sources)) for parent, function, row in data["groups"]
    )
    rows, names = data["names"]
    return Graph(
        **columns,
        more={i: tuple(xs) for i, xs in data["more"]},
        attrs=attrs,
        names=dict(zip(_restore_column(rows), names, strict=True)),
        types=tuple(parse_type(t) for t in data["types"]),
        spans=SpanTable.of(sources, *map(_restore_column, data["spans"])),
        groups=groups,
        inputs=tuple(data["inputs"]),
        outputs=tuple(data["outputs"]),
    )


def _dump_column(numbers: Iterable[int]) -> str:
    """Numbers of 32 bits, the lowest byte first, in base 64."""
    column = array("i", numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return base64.b64encode(column).decode("ascii")


def _restore_column(text: str) -> array[int]:
    column = array("i", base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _tuple(value: Any) -> Any:
    return tuple(_tuple(x) for x in value) if isinstance(value, list) else value
