"""Opening programs, in the mode that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import read_source, root_folder, working_folder
from cgcli.graph.signature import Module

from .cache import open_program
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
            return open_program(
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
