"""The files that a command writes: none of them is one that it reads, and no two of them are the same.

Files are compared before one is opened, by what they are and not by how they are named: a link is the file that it
leads to, and a file that does not exist yet is a name in a folder.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import PurePath
from typing import TextIO

import typer

from cgcli.cli.options import READ, WRITTEN
from cgcli.diagnostics.diagnostic import error
from cgcli.program import Program

Identity = tuple[int, int] | tuple[int, int, str]


class Files:
    """What a command reads: files by their identity, each as the line names it."""

    def __init__(self, context: typer.Context, program: Program) -> None:
        self._context, self._given = context, context.params
        self._read: dict[Identity, str] = {}
        for shown, path in self._sources(program):
            found = identity(path, sys.stdin)
            if found is not None:
                self._read.setdefault(found, shown)

    def check_targets(self) -> None:
        """Raises CgError for a target on the line that is a file to read, or that another option names too."""
        written: dict[Identity, str] = {}
        for option, path in self._targets():
            found = self.check(option, path)
            other = option if found is None else written.setdefault(found, option)
            if other != option:
                raise error("same-target", first=other, second=option, path=path)

    def check(self, option: str, path: str) -> Identity | None:
        """The identity of a target. Raises CgError when it is a file to read. option: what names the target."""
        found = identity(path, sys.stdout)
        if found is not None and found in self._read:
            code = "output-is-read" if path == "-" else "target-is-read"
            raise error(code, option=option, path=path, source=self._read[found])
        return found

    def _targets(self) -> Iterator[tuple[str, str]]:
        """Each file that the line has the command write, with the option that says so."""
        for name in WRITTEN:
            if self._given.get(name) is not None:
                yield self._option(name), self._given[name]
        if self._given.get("data") is not None and self._given.get("target", "") is None:
            yield "standard output", "-"
        name = "resume" if self._given.get("save") is None else "save"
        saved = self._given.get(name)
        if saved is not None and PurePath(saved).name:
            from cgcli.data.checkpoints import earlier  # with what reads them

            yield self._option(name), saved
            for k in range(1, self._given.get("keep") or 2):
                yield self._option(name), earlier(saved, k)

    def _sources(self, program: Program) -> Iterator[tuple[str, str]]:
        """Each file that the command reads, behind what the line says of it."""
        if self._given.get("expression") is None:
            yield program.module.source.name, program.module.source.name
        for file in program.module.imports:
            yield f"import {file}", str(file)
        for name in READ:
            path = self._given.get(name)
            if path is None or (name == "resume" and self._goes_on_in(path)):
                continue
            for each in _files(path) if name in ("data", "validation") else [path]:
                yield f"{self._option(name)} {path}", each
        for setting in self._given.get("settings") or ():
            name, _, value = setting.partition("=")
            if value.lstrip().startswith("@"):
                reference = value.strip()[1:]
                yield f"--{name.strip()} {value}", reference
                yield f"--{name.strip()} {value}", reference.rpartition(":")[0]  # the file of an array

    def _goes_on_in(self, checkpoint: str) -> bool:
        """Whether a run goes on in its own checkpoint, which is then what it writes."""
        save = self._given.get("save")
        return save is None or identity(save, None) == identity(checkpoint, None)

    def _option(self, name: str) -> str:
        return next(str(each.opts[0]) for each in self._context.command.params if each.name == name)


def identity(path: str, standard: TextIO | None) -> Identity | None:
    """What tells a file from all others; None for a device, a pipe, a folder and what no file can be named.

    standard: the stream that `-` stands for.
    """
    try:
        if path == "-":
            if standard is None:
                return None
            status = os.fstat(standard.fileno())
        else:
            path = os.path.realpath(path)
            if not os.path.lexists(path):
                folder, name = os.path.split(path)
                status = os.stat(folder)
                return status.st_dev, status.st_ino, name
            status = os.stat(path)
    except (OSError, ValueError):  # no such folder, a NUL in the name, a stream of no file
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _files(table: str) -> tuple[str, ...]:
    """The files of a table; none for the share of one that `--validation` may name."""
    try:
        float(table)
    except ValueError:
        from cgcli.data.tables import files_of  # with what reads them

        return files_of(table)
    return ()
