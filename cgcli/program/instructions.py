"""What the front door keeps of a program: its inputs, its results by name, and the instructions that compute them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from cgcli.files.cache import digest, load_bytes, store_bytes
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import is_ascii_name
from cgcli.graph.signature import Input
from cgcli.graph.traversal import restrict
from cgcli.ops.number_kernels import has_loop, is_scalar
from cgcli.run.scalar.instruction_writer import MOST, Unsupported, write_instructions

from .front_door import ENCODING, ENTRY, ERRORS, KIND, LARGEST, folder_of, key_of
from .options import RunOptions
from .program import Program


def keep(program: Program, opened: RunOptions, command: str, of: str | None, wrt: Sequence[str] | None) -> None:
    """Stores what `cg eval`, or `cg grad` of these names, computes, where instructions can say it.

    opened: how the program was opened. of, wrt: as the options have them. That no input has the name of an option is
    the caller's to see to.
    """
    text = program.module.source.text
    file = opened.file or ""
    named = opened.expression is not None or file.endswith(".cg")
    if not named or opened.allow_path or program.mode != "static" or program.warnings or len(text) > LARGEST:
        return
    imports = [f"file {digest(source.text)} {path}" for path, source in program.module.imports.items()]
    imports += [f"link {path}\t{target}" for path, target in program.module.links.items()]
    if any("\n" in line or line.count("\t") > 1 for line in imports):
        return
    options = {"--of": of or "", "--wrt": ",".join(wrt or ())}
    with suppress(OSError):  # the working folder was deleted
        key = key_of(command, options, text, folder_of(file))
        entry = (load_bytes(KIND, key) or b"").decode(ENCODING, ERRORS).split("\n")
        if entry[: len(imports) + 1] != [*imports, ENTRY]:
            entry = [*imports, ENTRY, *(_lines(program, command, of, wrt) or [""])]
            store_bytes(KIND, key, "\n".join(entry).encode(ENCODING, ERRORS))


def _lines(program: Program, command: str, of: str | None, wrt: Sequence[str] | None) -> list[str] | None:
    """The inputs, the results, and the instructions behind an empty line; None where these cannot say the program."""
    inputs = [_input_line(i) for i in program.inputs]
    if len(program.graph) > MOST or not is_scalar(program.graph) or has_loop(program.graph) or None in inputs:
        return None
    names, graph = _computed(program, command, of, wrt)
    if not names or not all(map(is_ascii_name, names)):
        return None
    try:
        instructions, registers = write_instructions(graph)
    except Unsupported:
        return None
    results = [f"result {name} {register}" for name, register in zip(names, registers, strict=True)]
    return [*filter(None, inputs), *results, "", *instructions]


def _input_line(i: Input) -> str | None:
    plain = i.type.dtype in ("float", "int") and i.initial is None and is_ascii_name(i.name)
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
