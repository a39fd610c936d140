"""What the front door keeps of a program: its inputs, its results by name, and the instructions that compute them."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.files.cache import digest
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input
from cgcli.graph.traversal import restrict
from cgcli.ops.number_kernels import has_loop, is_scalar
from cgcli.run.scalar.instruction_writer import MOST, Unsupported, write_instructions

from .front_door import is_name
from .program import Program


def entry(program: Program, command: str, of: str | None, wrt: Sequence[str] | None) -> list[str] | None:
    """The lines to keep for a command; None where the front door cannot run the program."""
    inputs = [_input_line(i) for i in program.inputs]
    imports = [f"file {digest(source.text)} {path}" for path, source in program.module.imports.items()]
    small = len(program.graph) <= MOST and is_scalar(program.graph) and not has_loop(program.graph)
    if not small or any("\n" in line for line in imports):
        return None
    names, graph = _computed(program, command, of, wrt)
    if not names or not all(map(is_name, names)):
        return None
    try:
        instructions, registers = write_instructions(graph)
    except Unsupported:
        return None
    results = [f"result {name} {register}" for name, register in zip(names, registers, strict=True)]
    return None if None in inputs else [*imports, *filter(None, inputs), *results, "", *instructions]


def _input_line(i: Input) -> str | None:
    plain = i.type.dtype in ("float", "int") and i.initial is None and is_name(i.name)
    if not plain:
        return None
    default = "-" if i.default is None else repr(i.default)
    low, high = ("-", "-") if i.range is None else map(repr, i.range)
    return f"input {i.name} {i.type.dtype} {default} {low} {high}"


def _computed(program: Program, command: str, of: str | None, wrt: Sequence[str] | None) -> tuple[list[str], Graph]:
    """The names of what a command prints, and the graph of their values; for `grad` the value comes first."""
    values = program.module.values
    if command == "eval":
        return list(program.outputs), restrict(program.graph, [values[name] for name in program.outputs])
    from cgcli.transform.gradient import gradient  # `eval` does without

    y, names = program.of_choice(of), program.derivative_names(wrt)
    return [y, *names], gradient(program.graph, values[y], [values[name] for name in names], value=True)
