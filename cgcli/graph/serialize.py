"""A lowered program as plain data and back, so that a program that was read once need not be parsed again."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import Diagnostic, Label
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import COLUMNS, Graph, Group, map_nested, opcode, opname
from cgcli.graph.types import Type, parse_type

from .signature import Input, Module

Data = dict[str, Any]


def dump(module: Module, sources: Sequence[Source]) -> Data:
    """The module as JSON data; `sources` are the texts of its spans, the program's own first."""
    index = {id(s): k for k, s in enumerate(sources)}

    def span_row(span: Span | None) -> list[int] | None:
        return None if span is None else [index[id(span.source)], span.start, span.end]

    return {
        "graph": _dump_graph(module.graph, index),
        "inputs": [
            [
                i.name,
                i.kind,
                str(i.type),
                i.default,
                i.initial and _dump_graph(i.initial, index),
                i.written,
                i.open,
                i.range,
                i.doc,
                span_row(i.span),
                i.implicit,
            ]
            for i in module.inputs
        ],
        "outputs": module.outputs,
        "values": module.values,
        "carried": module.carried,
        "docs": module.docs,
        "warnings": [[d.code, [[span_row(x.span), x.role] for x in d.labels], dict(d.values)] for d in module.warnings],
    }


def restore(data: Data, sources: Sequence[Source]) -> Module:
    """The inverse of `dump`. Raises an error of any kind for other data."""

    def span(row: list[int] | None) -> Span | None:
        return None if row is None else Span(sources[row[0]], row[1], row[2])

    def required_span(row: list[int]) -> Span:
        return Span(sources[row[0]], row[1], row[2])

    inputs = tuple(
        Input(
            name,
            kind,
            _type(type_),
            default,
            initial and _restore_graph(initial, sources),
            written,
            tuple(open_) if open_ else None,
            tuple(range_) if range_ else None,
            doc,
            span(row),
            implicit,
        )
        for name, kind, type_, default, initial, written, open_, range_, doc, row, implicit in data["inputs"]
    )
    warnings = tuple(
        Diagnostic(code, tuple(Label(required_span(row), role) for row, role in labels), values, "warning")
        for code, labels, values in data["warnings"]
    )
    return Module(
        source=sources[0],
        graph=_restore_graph(data["graph"], sources),
        inputs=inputs,
        outputs=tuple(data["outputs"]),
        values=data["values"],
        carried=tuple(data["carried"]),
        docs=data["docs"],
        warnings=warnings,
    )


def _type(text: str) -> Type:
    type_ = parse_type(text)
    assert isinstance(type_, Type)
    return type_


def _dump_graph(graph: Graph, sources: Mapping[int, int]) -> Data:
    """Columns as lists; recursion only into structured nodes."""
    codes = sorted(set(graph.op))
    local = {code: k for k, code in enumerate(codes)}
    return {
        "ops": [opname(code) for code in codes],
        **{name: list(getattr(graph, name)) for name in COLUMNS},
        "op": [local[code] for code in graph.op],
        "more": list(graph.more.items()),
        "attrs": [
            [i, map_nested(attrs, lambda inner: {"graph": _dump_graph(inner, sources)})]
            for i, attrs in graph.attrs.items()
        ],
        "names": list(graph.names.items()),
        "types": [str(t) for t in graph.types],
        "spans": [[sources[id(s.source)], s.start, s.end] for s in graph.spans],
        "groups": [
            [g.parent, g.function, g.span and [sources[id(g.span.source)], g.span.start, g.span.end]]
            for g in graph.groups
        ],
        "outputs": graph.outputs,
        "inputs": graph.inputs,
    }


def _restore_graph(data: Data, sources: Sequence[Source]) -> Graph:
    codes = [opcode(name) for name in data["ops"]]
    attrs = {
        i: {k: _restore_graph(v["graph"], sources) if isinstance(v, dict) else _tuple(v) for k, v in node_attrs.items()}
        for i, node_attrs in data["attrs"]
    }
    spans = tuple(Span(sources[k], start, end) for k, start, end in data["spans"])
    groups = tuple(
        Group(parent, function, row and Span(sources[row[0]], row[1], row[2]))
        for parent, function, row in data["groups"]
    )
    return Graph(
        **{name: array("i", data[name]) for name in COLUMNS[1:]},
        op=array("i", [codes[k] for k in data["op"]]),
        more={i: tuple(xs) for i, xs in data["more"]},
        attrs=attrs,
        names=dict(data["names"]),
        types=tuple(parse_type(t) for t in data["types"]),
        spans=spans,
        groups=groups,
        inputs=tuple(data["inputs"]),
        outputs=tuple(data["outputs"]),
    )


def _tuple(value: Any) -> Any:
    return tuple(_tuple(x) for x in value) if isinstance(value, list) else value
