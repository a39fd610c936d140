"""The program that a command works on: a file, standard input, or an expression on the line."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cgcli.graph.diagnostic import error
from cgcli.graph.source import Source
from cgcli.language.files import library_names, read_source, read_stdin
from cgcli.program import Program, load, parse


def open_program(
    file: str | None,
    expression: str | None,
    allow_path: Sequence[str] = (),
    mode: str | None = None,
    max_nodes: int | None = None,
) -> Program:
    """The program of FILE, `-` or `-e`; raises `CgError` when it cannot be read or is wrong.

    mode: `static` or `dynamic`; by default what the program needs. max_nodes: of the graph of a static program.
    """
    program = _open(file, expression, [Path(folder) for folder in allow_path], mode, max_nodes)
    gc.freeze()  # the program stays as long as the process: the collector need not look through it again
    return program


def _open(
    file: str | None, expression: str | None, allowed: Sequence[Path], mode: Any, max_nodes: int | None
) -> Program:
    if expression is not None:
        return parse(expression, name="-e", allow_path=allowed, keep=True, mode=mode, max_nodes=max_nodes)
    if file is None:
        raise error("no-program")
    if file == "-":
        return parse(read_stdin().text, name="-", allow_path=allowed, mode=mode, max_nodes=max_nodes)
    before, colon, function = file.rpartition(":")
    if colon and before.endswith(".py") and function:
        from cgcli.program.host import load_function  # with the array library

        if mode == "static":
            raise error("host-static")
        return load_function(before, function)
    module, dot, _ = file.partition(".")
    if dot and module in library_names() and not Path(file).exists():
        from cgcli.language.modules import library_function  # with the parser

        known = library_function(file)
        if known is not None:  # `cg show nn.softmax`: the graph of its example
            return parse(f"import {module}\n{known.example}", name=file, mode=mode)
    return load(file, allow_path=allowed, mode=mode, max_nodes=max_nodes)


def program_text(file: str | None, expression: str | None) -> Source:
    """The text of FILE, `-` or `-e`; raises `CgError` when it cannot be read."""
    if expression is not None:
        return Source("-e", expression)
    if file is None:
        raise error("no-program")
    return read_stdin() if file == "-" else read_source(file)
