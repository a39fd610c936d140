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


def _dump_span(span: Span | None, sources: Mapping[int, int]) -> list[int] | None:
    return None if span is None else [sources[id(span.source)], span.start, span.end]


def _restore_span(row: list[int], sources: Sequence[Source]) -> Span:
    return Span(sources[row[0]], row[1], row[2])


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
        "spans": [_dump_span(span, sources) for span in graph.spans],
        "groups": [[g.parent, g.function, _dump_span(g.span, sources)] for g in graph.groups],
        "outputs": graph.outputs,
        "inputs": graph.inputs,
    }


def _restore_graph(data: Data, sources: Sequence[Source]) -> Graph:
    codes = [opcode(name) for name in data["ops"]]
    attrs = {
        i: {k: _restore_graph(v["graph"], sources) if isinstance(v, dict) else _tuple(v) for k, v in node_attrs.items()}
        for i, node_attrs in data["attrs"]
    }
    spans = tuple(_restore_span(row, sources) for row in data["spans"])
    groups = tuple(
        Group(parent, function, row and _restore_span(row, sources)) for parent, function, row in data["groups"]
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
