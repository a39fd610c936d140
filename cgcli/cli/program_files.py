"""The programs that a command takes: files, and folders for all programs below them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

from cgcli.diagnostics.diagnostic import error
from cgcli.program.options import Option

Files = Annotated[
    tuple[str, ...],
    Option("FILE...", ".cg files, folders of them, or - for standard input.", group="Program", many=True),
]


def several(paths: Sequence[str]) -> bool:
    """Whether the result is reported as for many files, also for a folder with one."""
    return len(paths) > 1 or any(os.path.isdir(path) for path in paths)


def program_files(paths: Sequence[str]) -> list[str]:
    """The files of the paths, without duplicates. Raises CgError for a folder without a program."""
    files: dict[str, None] = {}
    for path in paths:
        below = sorted(_below(path)) if os.path.isdir(path) else [path]
        if not below:
            raise error("no-programs-below", folder=path)
        files.update(dict.fromkeys(below))
    return list(files)


def _below(folder: str) -> Iterator[str]:
    """The programs below a folder, without hidden ones and links to files outside of the folder."""
    root = os.path.realpath(folder)
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(parent, name)
            hidden = name.startswith(".") or not name.endswith(".cg")
            if not hidden and os.path.realpath(path).startswith(os.path.join(root, "")):
                yield path


def counted(count: int, noun: str = "file") -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
