"""The documentation of the standard library: functions with their doc comments, examples and text."""

from __future__ import annotations

from typing import Any, NamedTuple

from cgcli.files.source_files import read_source
from cgcli.graph.lexemes import identifier
from cgcli.language.imports import library_names, library_path

from .parser import parse
from .tree import kind, span_of

EXAMPLE = "example:"


class LibraryFunction(NamedTuple):
    """A function of a module. example: a call; value: its result as text. text: the definition."""

    name: str
    signature: str
    doc: str
    example: str
    value: str
    text: str


def library_functions(module: str) -> list[LibraryFunction]:
    """The functions of a module, in the order of its file; none for an unknown module."""
    path = library_path(module)
    if path is None:
        return []
    source = read_source(path, f"stdlib/{module}.cg")
    parsed = parse(source)
    functions: list[LibraryFunction] = []
    statements: list[Any] = parsed.tree.children
    for statement in statements:
        if kind(statement) != "fn_decl":
            continue
        span = span_of(source, statement)
        token, *_, body = (c for c in statement.children if c is not None)
        head = source.text[span.start : span_of(source, body).start]
        signature = head.partition("(")[2].rpartition(")")[0]
        doc, _, example = parsed.docs.get(span.start, "").partition(EXAMPLE)
        call, _, value = example.strip().partition("->")
        name = identifier(token)
        doc_text = " ".join(doc.split())
        functions.append(
            LibraryFunction(name, f"{module}.{name}({signature})", doc_text, call.strip(), value.strip(), span.text)
        )
    return functions


def library_function(path: str) -> LibraryFunction | None:
    """`nn.softmax` by that name."""
    module, dot, name = path.partition(".")
    if not dot or module not in library_names():
        return None
    return next((f for f in library_functions(module) if f.name == name), None)
