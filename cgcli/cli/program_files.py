"""Several programs for one command: files, and folders that stand for the programs below them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from cgcli.diagnostics.diagnostic import error

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help=".cg files, folders of them, or - for standard input.", show_default=False),
]


def several(paths: Sequence[str]) -> bool:
    """Whether the answer is that of many files: also for a folder that holds one."""
    return len(paths) > 1 or any(os.path.isdir(path) for path in paths)


def program_files(paths: Sequence[str]) -> list[str]:
    """The files that the paths stand for, each once. Raises CgError for a folder without a program."""
    files: dict[str, None] = {}
    for path in paths:
        below = sorted(_below(path)) if os.path.isdir(path) else [path]
        if not below:
            raise error("no-programs-below", folder=path)
        files.update(dict.fromkeys(below))
    return list(files)


def _below(folder: str) -> Iterator[str]:
    """The programs below a folder. What is hidden is left out, and so is what a link leads to outside of the folder."""
    root = os.path.realpath(folder)
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(place, name)
            hidden = name.startswith(".") or not name.endswith(".cg")
            if not hidden and os.path.realpath(path).startswith(os.path.join(root, "")):
                yield path


def counted(count: int, of: str = "file") -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"
