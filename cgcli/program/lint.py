"""Warnings that only `cg check` gives: valid programs that most likely are not meant so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from cgcli.diagnostics.diagnostic import Diagnostic, Label
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import CONST, COPY, INPUT, Graph
from cgcli.graph.lexemes import identifier
from cgcli.graph.traversal import every
from cgcli.graph.types import Type
from cgcli.language.flow import BLOCKS
from cgcli.language.parser import Parsed, parse_shortly
from cgcli.language.plain_lines import PlainLines, lines_of
from cgcli.language.resolver import bound_names, indexed_statements, size_names, used_expressions, value_names
from cgcli.language.tree import kind, span_of, walk
from cgcli.ops.number_kernels import evaluate
from cgcli.ops.table import BY_CODE

from .program import Program

BOUND_BY_TRAIN = ("training", "step")  # inputs that `cg train` binds, whether they are read or not


def lint(program: Program) -> list[Diagnostic]:
    """The warnings about a program without mistakes, in the order of its text, one a place."""
    if program.function_name is not None:
        return []  # its text is Python's
    source = program.module.source
    parsed = parse_shortly(source)
    warnings = [*_unused_inputs(program, parsed), *_unused_values(source, parsed)]
    if program.mode == "static":
        warnings += [warning for graph in every(program.graph) for warning in _of_graph(graph, source)]
    by_span = {warning.labels[0].span: warning for warning in warnings}
    return [by_span[span] for span in sorted(by_span, key=lambda span: span.start)]


def _warning(code: str, *labels: Label, **values: object) -> Diagnostic:
    return Diagnostic(code, labels, values, severity="warning")


# ---- unused inputs and values


def _reads(statement: Any) -> set[str]:
    """The names that a statement reads anywhere, its blocks, sizes and the bodies of functions included."""
    if kind(statement) == "output_item" and statement.children[1] is None:
        return {identifier(statement.children[0])}
    parts = [statement] if kind(statement) in (*BLOCKS, "fn_decl") else used_expressions(statement)
    types = [node for node in walk(statement) if kind(node) == "type"]
    names = {identifier(token) for part in parts for token in value_names(part)}
    return names | {name for type_node in types for name in size_names(type_node)}


def _unused_inputs(program: Program, parsed: Parsed) -> Iterator[Diagnostic]:
    read = set().union(*(_reads(statement) for _, statement in indexed_statements(parsed.tree.children)))
    if parsed.layout is not None:
        for piece in parsed.layout.pieces:
            read.update(parsed.layout.texts[word] for word in parsed.layout.outer_words(piece))
    for declared in program.inputs:
        sizes = {size for size in declared.type.shape if isinstance(size, str)}
        name = declared.name
        used = name in read or name in program.outputs or sizes & read or name in BOUND_BY_TRAIN
        if not used and declared.span is not None:
            yield _warning("unused-input", Label(declared.span), kind=declared.kind, name=name)


def _unused_values(source: Source, parsed: Parsed) -> Iterator[Diagnostic]:
    """Values of the top level that are bound again before anything reads them."""
    bound: dict[str, Callable[[], Any]] = {}  # by name the token of a binding that nothing has read yet
    for reads, targets in _readings(parsed):
        for name in reads:
            bound.pop(name, None)
        for name, token in targets:
            before = bound.get(name)
            if before is not None:
                again = Label(span_of(source, token()), "again")
                yield _warning("unused-value", Label(span_of(source, before())), again, name=name)
            bound[name] = token


Targets = Sequence[tuple[str, Callable[[], Any]]]


def _readings(parsed: Parsed) -> Iterator[tuple[Iterable[str], Targets]]:
    """By statement the names that it reads, and those that it assigns with their tokens."""
    for _, statement in indexed_statements(parsed.tree.children):
        if isinstance(statement, PlainLines) and parsed.layout is not None:
            layout, texts = parsed.layout, parsed.layout.texts
            for line, _, _, (target, *words) in lines_of(statement):
                yield map(texts.__getitem__, words), [(texts[target], partial(layout.token, statement, line, 0))]
        elif kind(statement) in ("assign", "unpack"):
            yield _reads(statement), [(identifier(t), partial(_itself, t)) for t in bound_names(statement)]
        else:
            yield _reads(statement), ()


def _itself(token: Any) -> Any:
    return token


# ---- operations of the graph


def _of_graph(graph: Graph, source: Source) -> Iterator[Diagnostic]:
    constants: dict[int, Any] = {}
    for i in range(len(graph)):
        operands, code = graph.operands(i), graph.op[i]
        if code == CONST:
            constants[i] = graph.attrs[i]["value"]
        elif BY_CODE[code].spelling.text in ("==", "!="):
            yield from _equal_floats(graph, i, source)
        elif operands and all(x in constants for x in operands):
            yield from _constant(graph, i, operands, constants, source)


def _constant(
    graph: Graph, i: int, operands: Sequence[int], constants: dict[int, Any], source: Source
) -> Iterator[Diagnostic]:
    """Notes the value of an elementwise operation on constants; a warning where it is outside the domain."""
    op, values, result = BY_CODE[graph.op[i]], [constants[x] for x in operands], graph.type_of(i)
    if not op.is_elementwise or not isinstance(result, Type) or result.shape:
        return
    try:
        value = evaluate(op.code, values, [graph.type_of(x) for x in operands], result, graph.attrs.get(i, {}))
    except Exception:  # an error of the run, which reports it
        return
    constants[i] = value
    span = _span(graph, i, source)
    if span is not None and value != value and all(v == v for v in values):
        yield _warning("outside-domain", Label(span), op=op.name, operands=list(values))


def _equal_floats(graph: Graph, i: int, source: Source) -> Iterator[Diagnostic]:
    span = _span(graph, i, source)
    operands = [_uncopied(graph, x) for x in graph.operands(i)]
    types = [graph.type_of(x) for x in operands]
    if span is None or not all(isinstance(t, Type) and t.is_float for t in types):
        return
    fractions = [x for x in operands if graph.op[x] == CONST and _fractional(graph.attrs[x]["value"])]
    computed = [x for x in operands if graph.op[x] not in (CONST, INPUT)]
    if len(fractions) == 1 or len(computed) == 2:
        single = any(t.dtype == "f32" for t in types if isinstance(t, Type))
        yield _warning("equal-floats", Label(span), write=_close(span.text, "1e-5" if single else "1e-9"))


def _fractional(value: Any) -> bool:
    return isinstance(value, float) and not value.is_integer() and value == value


def _uncopied(graph: Graph, i: int) -> int:
    while graph.op[i] == COPY:
        i = graph.a[i]
    return i


def _span(graph: Graph, i: int, source: Source) -> Span | None:
    """Where the node comes from, if that is the program's own text."""
    span = graph.spans[graph.span[i]] if graph.span[i] >= 0 else None
    return span if span is not None and span.source is source else None


def _close(comparison: str, slack: str) -> str | None:
    """A comparison by the distance in place of `==` or `!=`; None where the text holds more than the two sides."""
    sides = re.fullmatch(r"([^=!<>]+)(==|!=)([^=!<>]+)", comparison)
    if sides is None or re.search(r"\b(and|or|not|if|then|else)\b", comparison):
        return None
    return f"abs({sides[1].strip()} - {sides[3].strip()}) {'<' if sides[2] == '==' else '>'} {slack}"
