"""Opening programs: by files and texts, in the mode that they need, lowered or from the cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, get_args

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.files import cache
from cgcli.files.source_files import (
    Files,
    is_stream,
    read_source,
    read_stdin,
    read_text,
    require_local,
    resolved,
    working_folder,
)
from cgcli.graph.serialize import dump, restore
from cgcli.graph.signature import Module
from cgcli.ops.limits import Meter, node_limit
from cgcli.run.backends import check_backend
from cgcli.version import VERSION

from .options import RunOptions
from .program import Mode, Program, reopened

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape

KIND = "program"
LEAST_BYTES = 32  # of a node in the cache
NEEDS_RUN = ("any-input", "recursion")
"""Codes of errors by which a program shows that only a run can make its graph."""
FOR_A_RUN = "for a run"
"""A mode beside those of users, for what is asked of one run: dynamic where the static mode has an error."""


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
    file = Path(path)
    files = Files(read_source(path), file, file.parent, _folders(allow_path))
    return _open_program(files, True, mode, max_nodes)


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
    files = Files(Source(name, text), None, root, _folders(allow_path))
    return _open_program(files, keep, mode, max_nodes)


@dataclass(frozen=True)
class TextLowering:
    """How the text of a program becomes a graph: lowered, or read from the cache, where `keep` says so.

    An entry of the cache holds good while the texts of all its files, the folders that imports may lie in and cg itself
    are the same. max_nodes: of the graph.
    """

    files: Files
    keep: bool
    max_nodes: int | None

    def __call__(self, open_shapes: Mapping[str, Shape]) -> Module:
        """The program for the axes that `...` stands for. Raises CgError as `lower` does."""
        key = self._key(open_shapes)
        entry = cache.load(KIND, key) if self.keep else None
        if isinstance(entry, dict):
            module = _restore(entry, self.files)
            if module is not None:
                return module
        from cgcli.language.lower import lower  # with the parser, which a cached program does without

        limits = {} if self.max_nodes is None else {"max_nodes": self.max_nodes}
        source, path, root, allowed, texts = self.files
        try:
            module = lower(
                source, path=path, root=root, allowed=allowed, texts=texts, open_shapes=open_shapes, **limits
            )
        except CgError as e:
            from cgcli.language.undeclared import with_declarations

            raise with_declarations(e, source) from None
        if self.keep and len(module.graph) * LEAST_BYTES < cache.LARGEST:
            cache.store(KIND, key, _entry(module))
        return module

    def _key(self, open_shapes: Mapping[str, Shape]) -> str:
        source, path, root, allowed, _ = self.files
        folders = [str(resolved(p)) for p in (root, *allowed)]
        shapes = repr(sorted(open_shapes.items()))
        limit = str(self.max_nodes)  # a program that was cached under another one may be too large
        origin = str(path and resolved(path))
        return cache.digest(VERSION, cache.code_stamp(), source.text, origin, shapes, limit, *folders)

    def with_texts(self, texts: Mapping[Path, Source]) -> TextLowering:
        return replace(self, files=self.files.with_texts(texts))

    def dynamic(self) -> Program:
        from .dynamic import DynamicProgram  # with the interpreter

        return DynamicProgram(self.files, None)


def _entry(module: Module) -> dict[str, Any]:
    imports = [[str(path), source.name, cache.digest(source.text)] for path, source in module.imports.items()]
    return {
        "imports": imports,
        "links": module.links,
        "module": dump(module, [module.source, *module.imports.values()]),
    }


def _restore(entry: dict[str, Any], files: Files) -> Module | None:
    """The cached program, unless a file that it imports has changed."""
    try:
        links = {str(path): str(file) for path, file in entry["links"].items()}
        if any(os.path.realpath(path) != file for path, file in links.items()):
            return None
        imports: dict[Path, Source] = {}
        for text, name, digest in entry["imports"]:
            path = Path(text)
            imports[path] = files.texts.get(path) or read_source(path, name)
            if cache.digest(imports[path].text) != digest:
                return None
        return replace(restore(entry["module"], [files.source, *imports.values()]), imports=imports, links=links)
    except (CgError, KeyError, TypeError, ValueError, IndexError, AssertionError):
        return None  # not what this version writes, or a file is gone: lowering reports the error


def _open_program(files: Files, keep: bool, mode: str | None, max_nodes: int | None) -> Program:
    if mode not in (None, FOR_A_RUN, *get_args(Mode)):
        raise error("bad-choice", option="mode", value=str(mode), choices=list(get_args(Mode)), nearest=None)
    lowering = TextLowering(files, keep, max_nodes)
    static_error = None
    if mode != "dynamic":
        try:
            return reopened(lowering, {})
        except CgError as e:
            if mode == "static" or (mode is None and e.diagnostics[0].code not in NEEDS_RUN):
                raise
            static_error = e.diagnostics[0]
    from .dynamic import DynamicProgram  # with the interpreter

    return DynamicProgram(files, static_error)


def on_slow_loop(callback: Callable[[Span | None, int | None], None] | None) -> None:
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
    require_local(file)
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


def _folders(paths: Sequence[str | Path]) -> list[Path]:
    """The folders of `allow_path`. Raises CgError (status 2) for a URL."""
    for path in paths:
        require_local(str(path), "a folder of imports", "save it here first")
    return [Path(path) for path in paths]


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
    require_local(file)
    python = python_function(file)
    if python is not None or file.endswith(".py"):
        raise error("host-layout", file=python[0] if python else file)
    with _suggesting_sample():
        return read_text(file)
