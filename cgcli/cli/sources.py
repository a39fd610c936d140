"""The program that a command works on: a file, standard input, or an expression on the command line."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import is_stream, read_stdin, read_text
from cgcli.program import Program, load, parse


def open_program(
    file: str | None,
    expression: str | None,
    allow_path: Sequence[str] = (),
    mode: str | None = None,
    *,
    runs: bool = True,
    max_nodes: int | None = None,
) -> Program:
    """The program of FILE, `-` or `-e`; raises `CgError` when it cannot be read or has errors.

    mode: `static` or `dynamic`; by default what the program needs. runs: whether a Python file may be run, where its
    inputs cannot be found otherwise. max_nodes: of the graph of a static program.
    """
    program = _open(file, expression, [Path(folder) for folder in allow_path], mode, runs, max_nodes)
    gc.freeze()  # the program lives as long as the process: the collector need not traverse it again
    return program


def _open(
    file: str | None, expression: str | None, allowed: Sequence[Path], mode: Any, runs: bool, max_nodes: int | None
) -> Program:
    if expression is not None:
        return parse(expression, name="-e", allow_path=allowed, keep=True, mode=mode, max_nodes=max_nodes)
    if file is None:
        raise error("no-program")
    if is_stream(file):
        source = read_stdin(file)
        return parse(source.text, name=source.name, allow_path=allowed, mode=mode, max_nodes=max_nodes)
    function = python_function(file)
    if function is not None:
        from cgcli.program.python_file import load_function, read_function

        if mode == "static":
            raise error("host-static")
        return load_function(*function) if runs else read_function(*function)
    if file.endswith(".py") and Path(file).is_file():
        from cgcli.program.reading import function_names, read_python

        names = function_names(read_python(file))
        raise error("host-file", file=file, names=[f"`{file}:{name}`" for name in names], none=None if names else "f")
    module, dot, _ = file.partition(".")
    if dot and not Path(file).exists():
        from cgcli.language.modules import library_function  # with the parser

        library = library_function(file)
        if library is not None:  # `cg show nn.softmax`: the graph of its example
            return parse(f"import {module}\n{library.example}", name=file, mode=mode)
    with _suggesting_sample():
        return load(file, allow_path=allowed, mode=mode, max_nodes=max_nodes)


@contextmanager
def _suggesting_sample() -> Iterator[None]:
    """Within, the error for a file that does not exist suggests the sample of the same name."""
    try:
        yield
    except CgError as problem:
        first = problem.diagnostics[0]
        if first.code != "no-such-file" or first.values["nearest"] is not None or first.labels:
            raise
        from cgcli.cli.sample_files import sample_files

        stem = PurePath(str(first.values["file"])).stem
        sample = stem if stem in {path.stem for path in sample_files()} else None
        raise error("no-such-file", status=problem.status, **{**first.values, "sample": sample}) from None


def python_function(file: str | None) -> tuple[str, str] | None:
    """The file and the function name of `model.py:f`; None for any other text and for the name of an existing file."""
    path, colon, function = (file or "").rpartition(":")
    if not colon or not path.endswith(".py") or not function or os.path.isfile(file or ""):
        return None
    return path, function


def program_text(file: str | None, expression: str | None) -> Source:
    """The text of FILE, `-` or `-e`; raises `CgError` when it cannot be read."""
    if expression is not None:
        return Source("-e", expression)
    if file is None:
        raise error("no-program")
    python = python_function(file)
    if python is not None or file.endswith(".py"):
        raise error("host-layout", file=python[0] if python else file)
    with _suggesting_sample():
        return read_text(file)
