"""Opening programs, in the mode that they need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.files.source_files import is_stream, read_source, read_stdin, read_text, root_folder, working_folder
from cgcli.graph.signature import Module
from cgcli.ops.limits import Meter, node_limit
from cgcli.run.backends import check_backend

from .cache import open_module
from .options import RunOptions
from .program import Mode, Program

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape

NEEDS_RUN = ("any-input", "recursion")
"""Codes of errors by which a program shows that only a run can make its graph."""


def load(
    path: str | Path,
    *,
    allow_path: Sequence[str | Path] = (),
    mode: Mode | None = None,
    max_nodes: int | None = None,
) -> Program:
    """The program in a `.cg` file. Its imports stay in the file's folder, or in one of `allow_path`.

    mode: `static` makes the graph now, `dynamic` anew at each run; by default static, if the program allows it.
    max_nodes: of the graph that is made now. Raises CgError when the file cannot be read or is not a program.
    """
    return _open_program(read_source(path), Path(path), None, [Path(p) for p in allow_path], True, mode, max_nodes)


def parse(
    text: str,
    *,
    name: str = "<text>",
    folder: str | Path | None = None,
    allow_path: Sequence[str | Path] = (),
    keep: bool = False,
    mode: Mode | None = None,
    max_nodes: int | None = None,
) -> Program:
    """The program that `text` says; imports are looked up in `folder` (the working folder). Raises CgError.

    keep: whether the lowered program is kept in the user's cache for the next time, as `load` does. mode: see `load`.
    """
    root = working_folder() if folder is None else Path(folder)
    return _open_program(Source(name, text), None, root, [Path(p) for p in allow_path], keep, mode, max_nodes)


def _open_program(
    source: Source,
    path: Path | None,
    root: Path | None,
    allowed: Sequence[Path],
    keep: bool,
    mode: Mode | None,
    max_nodes: int | None,
) -> Program:
    def lower_for(open_shapes: Mapping[str, Shape]) -> Module:
        try:
            return open_module(
                source,
                path=path,
                root=root,
                allowed=allowed,
                keep=keep,
                open_shapes=open_shapes,
                max_nodes=max_nodes,
            )
        except CgError as e:
            from cgcli.language.undeclared import with_declarations  # with the parser

            raise with_declarations(e, source) from None

    static_error = None
    if mode != "dynamic":
        try:
            return Program(lower_for({}), lower_for)
        except CgError as e:
            if mode == "static" or e.diagnostics[0].code not in NEEDS_RUN:
                raise
            static_error = e.diagnostics[0]
    from .dynamic import DynamicProgram  # with the interpreter

    folder = root_folder(root, path)
    return DynamicProgram(source, path, folder, allowed, static_error)


def on_slow_loop(callback: Callable[[Span | None, int], None] | None) -> None:
    """From now on calls back, once a run, when the loops of a run of any program take long: which loop, its steps."""
    Meter.on_slow = callback


def open_program(run: RunOptions, *, runs: bool = True) -> Program:
    """The program that a command works on: a file, standard input, a text, `model.py:f`, or the example of a library
    function; with the limits of its runs. Raises `CgError` when it cannot be read or has errors.

    runs: whether a Python file may be run, where its inputs cannot be found otherwise.
    """
    if run.backend is not None:
        check_backend(run.backend)
    program = _open(run, runs)
    program.seed, program.backend = run.seed or 0, run.backend
    program.max_memory, program.max_steps = run.max_memory, run.max_steps
    program.max_nodes, program.max_depth = run.max_nodes, run.max_depth
    return program


def _open(run: RunOptions, runs: bool) -> Program:
    file, mode, allowed = run.file, run.mode, run.allow_path
    limited = run.max_nodes is not None or run.max_memory is not None
    max_nodes = node_limit(run.max_nodes, run.max_memory) if limited else None
    if run.expression is not None:
        return parse(run.expression, name="-e", allow_path=allowed, keep=True, mode=mode, max_nodes=max_nodes)
    if file is None:
        raise error("no-program")
    if is_stream(file):
        source = read_stdin(file)
        return parse(source.text, name=source.name, allow_path=allowed, mode=mode, max_nodes=max_nodes)
    function = python_function(file)
    if function is not None:
        from .python_file import load_function, read_function

        if mode == "static":
            raise error("host-static")
        return load_function(*function) if runs else read_function(*function)
    if file.endswith(".py") and Path(file).is_file():
        from .reading import function_names, read_python

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
        from .samples import sample_files

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
    """The text of a program; raises `CgError` when it cannot be read."""
    if expression is not None:
        return Source("-e", expression)
    if file is None:
        raise error("no-program")
    python = python_function(file)
    if python is not None or file.endswith(".py"):
        raise error("host-layout", file=python[0] if python else file)
    with _suggesting_sample():
        return read_text(file)
