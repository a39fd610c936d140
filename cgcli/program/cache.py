"""Programs by their text: lowered, or read from the cache when the same text was lowered before."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.files import cache
from cgcli.files.source_files import read_source, resolved, root_folder
from cgcli.graph.serialize import dump, restore
from cgcli.graph.signature import Module
from cgcli.version import VERSION

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape
    from cgcli.language.lower import LoweredProgram

KIND = "program"


def open_module(
    source: Source,
    *,
    path: Path | None,
    root: Path | None,
    allowed: Sequence[Path],
    keep: bool = True,
    open_shapes: Mapping[str, Shape] | None = None,
    max_nodes: int | None = None,
) -> Module:
    """The program's graph and declarations. Raises CgError as `lower` does.

    An entry of the cache holds good while the texts of all its files, the folders that imports may lie in and cg itself
    are the same.
    """
    folder = root_folder(root, path)
    folders = [str(resolved(p)) for p in (folder, *allowed)]
    shapes = repr(sorted((open_shapes or {}).items()))
    limit = str(max_nodes)  # a program that was cached under another one may be too large
    origin = str(path and resolved(path))
    key = cache.digest(VERSION, _code_stamp(), source.text, origin, shapes, limit, *folders)
    entry = cache.load(KIND, key) if keep else None
    if isinstance(entry, dict):
        module = _restore(entry, source)
        if module is not None:
            return module
    from cgcli.language.lower import lower  # with the parser, which a cached program does without

    limits = {} if max_nodes is None else {"max_nodes": max_nodes}
    lowered = lower(source, path=path, root=folder, allowed=allowed, open_shapes=open_shapes, **limits)
    if keep:
        cache.store(KIND, key, _entry(lowered))
    return lowered.module


def _entry(lowered: LoweredProgram) -> dict[str, Any]:
    imports = [[str(p), s.name, cache.digest(s.text)] for p, s in lowered.imports]
    return {
        "imports": imports,
        "module": dump(lowered.module, [lowered.module.source, *(s for _, s in lowered.imports)]),
    }


def _restore(entry: dict[str, Any], source: Source) -> Module | None:
    """The cached program, unless a file that it imports has changed."""
    try:
        sources = [source]
        for path, name, digest in entry["imports"]:
            imported = read_source(path, name)
            if cache.digest(imported.text) != digest:
                return None
            sources.append(imported)
        return replace(restore(entry["module"], sources), imports=tuple(Path(path) for path, _, _ in entry["imports"]))
    except (CgError, KeyError, TypeError, ValueError, IndexError, AssertionError):
        return None  # not what this version writes, or a file is gone: lowering reports the error


def _code_stamp() -> str:
    """Changes with cg's own code, so that a checkout that is being worked on reads nothing stale."""
    rooms = Path(__file__).parents[1]
    newest = 0
    for room in ("diagnostics", "graph", "ops", "transform", "optimise", "language"):
        with os.scandir(rooms / room) as entries:
            newest = max(newest, *(e.stat().st_mtime_ns for e in entries if e.name.endswith(".py")))
    return str(newest)
