"""A program in words: its signature, with its text or on one line."""

from __future__ import annotations

from pathlib import PurePath

from cgcli.diagnostics.escape import show
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input
from cgcli.graph.types import Type
from cgcli.render.numbers import shortest

from .computation import Computation

MOST = 12  # names on one line
LONGEST = 60  # characters of a default that is an expression


def one_line(program: Computation) -> str:
    """`<cgcli.Program article.cg: a, b, c -> y>`."""
    inputs = _listed([i.name for i in program.inputs])
    outputs = _listed(list(program.outputs)) if program.outputs else "…"
    name = show(PurePath(program.module.source.name).name)
    return f"<cgcli.Program {name}: {inputs + ' ' if inputs else ''}-> {outputs}>"


def whole_text(program: Computation, text: str) -> str:
    """The name, a line for each input with its type and default and for each output with its type; then the text."""
    lines = [show(program.module.source.name)]
    lines += [f"  {i.kind} {_input(i)}" for i in program.inputs]
    lines += [f"  output {_output(program, name)}" for name in program.outputs]
    return "\n".join([*lines, "", text.rstrip("\n")] if text else lines)


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MOST else ", ".join([*names[:MOST], f"… ({len(names)})"])


def _input(declared: Input) -> str:
    text = f"{declared.name}: {str(declared.type).removeprefix('~')}"
    if isinstance(declared.initial, Graph):
        written = " ".join(declared.written.split())
        return f"{text} = {written if len(written) <= LONGEST else written[: LONGEST - 1] + '…'}"
    return text if declared.default is None else f"{text} = {shortest(declared.default)}"


def _output(program: Computation, name: str) -> str:
    """The output with its type, which a program in dynamic mode has only when it runs."""
    node = program.module.values.get(name)
    type_ = None if node is None else program.graph.type_of(node)
    return f"{name}: {str(type_).removeprefix('~')}" if isinstance(type_, Type) else name
