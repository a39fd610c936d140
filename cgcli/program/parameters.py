"""The parameters of a Python function as the inputs of a program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label
from cgcli.diagnostics.source import Source, Span
from cgcli.files.source_files import Files, working_folder
from cgcli.graph.signature import Input, Module
from cgcli.language.dynamic import outline
from cgcli.ops.builder import Builder
from cgcli.run.binding import extent

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape

OPEN = "float[...]"  # a float, or an array of any shape
UNREAD = "…"  # a default that only a run can tell
WORDS = {"float": "float", "int": "int", "bool": "bool", "Any": OPEN, "ndarray": OPEN, "NDArray": OPEN}
_ARRAYS = ("ndarray", "NDArray")
_TYPE = re.compile(r"[\w\s\[\],.*/+()-]+")


class Parameter(NamedTuple):
    """A parameter: its type and its default in the language (None without one), the default's shape, its span."""

    name: str
    type: str = OPEN
    default: str | None = None
    shape: tuple[int, ...] = ()
    span: Span | None = None


class Refused(Exception):
    """An annotation, or a default, of something else than a number or an array; its text describes it."""


def outline_parameters(
    parameters: Sequence[Parameter], name: str, source: Source, shapes: Mapping[str, Shape]
) -> Module:
    """The program with these inputs and one output, without what it computes.

    Raises CgError, at the parameter, for a name or a type that the language does not have.
    """
    lines = []
    for p in parameters:
        # a value of another shape takes the place of a default, which need not fit it
        unused = p.default in (None, UNREAD) or shapes.get(p.name, p.shape) != p.shape
        default = "" if unused else f" = {p.default}"
        lines.append(f"input {p.name}: {p.type}{default}")
    text = Source(source.name, "\n".join(lines) + "\n")
    open_ = {p.name: p.shape for p in parameters if p.shape}
    try:
        module = outline(Files(text, None, working_folder()), {**open_, **shapes})
    except CgError as e:
        raise _at_parameters(e, text, parameters) from None
    unread = {p.name for p in parameters if p.default == UNREAD}
    inputs = tuple(_without_span(i, i.name in unread) for i in module.inputs)
    return replace(module, inputs=inputs, source=source, outputs=(name,))


def type_text(text: str) -> str:
    """An annotation that is a text, as a type of the language. Raises `Refused` for a text that is no type."""
    text = " ".join(text.split()).strip("\"'")
    head, bracket, _ = text.partition("[")
    word = head.rpartition(".")[2]
    if word in _ARRAYS or (word in WORDS and not bracket):
        return WORDS[word]
    if not _TYPE.fullmatch(text):
        raise Refused(repr(text))
    return text


def literal(x: Any) -> str:
    """A default as the language writes it: a number, or lists of numbers. Raises `Refused` for anything else."""
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, int):
        return int.__repr__(x)
    if isinstance(x, float):
        return float.__repr__(x)
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(map(literal, x))}]"
    raise Refused(f"a value of type `{type(x).__name__}`" if x is not None else "`None`")


def with_default(p: Parameter, default: Any) -> Parameter:
    """The parameter with a default. Raises `Refused`."""
    return p._replace(default=literal(default), shape=extent(default))


def _at_parameters(e: CgError, text: Source, parameters: Sequence[Parameter]) -> CgError:
    """The same mistakes, at the parameters in the place of the declarations that stand for them."""
    diagnostics = []
    for d in e.diagnostics:
        labels = []
        for label in d.labels:
            span = parameters[min(label.span.line, len(parameters)) - 1].span if label.span.source is text else None
            if span is not None:
                labels.append(Label(span, label.role))
        diagnostics.append(Diagnostic(d.code, tuple(labels), d.values, d.severity))
    return CgError(*diagnostics, status=e.status)


def _without_span(declared: Input, unread: bool) -> Input:
    """The input without a span. unread: it has a default whose value only a run can tell."""
    if not unread:
        return replace(declared, span=None)
    b = Builder()
    return replace(declared, span=None, initial=b.done(b.const(0.0)), written=UNREAD)
