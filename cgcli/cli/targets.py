"""The files that a command writes: none of them may be one that it reads, and no two may be the same.

Files are compared before one is opened, by identity and not by name: a link is the file that it points to, and a file
that does not exist yet is a name in a folder. An object is its URL.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import PurePath
from typing import TextIO

import typer

from cgcli.cli.command import Command
from cgcli.diagnostics.diagnostic import error
from cgcli.program.program import Program
from cgcli.system import is_url, split_member

Identity = tuple[int, int] | tuple[int, int, str] | str


class ReadFiles:
    """The files that a command reads: by identity, with the text that names each on the command line."""

    def __init__(self, context: typer.Context, program: Program) -> None:
        assert isinstance(context.command, Command)
        self._options, self._params = context.command.options, context.params
        self._texts: dict[Identity, str] = {}
        for text, path in self._sources(program):
            file = identity(path, sys.stdin)
            if file is not None:
                self._texts.setdefault(file, text)

    def check_targets(self) -> None:
        """Raises CgError for a target that is a file to read, or that another option names too."""
        options: dict[Identity, str] = {}
        for option, path in self._targets():
            file = self.check(option, path)
            other = option if file is None else options.setdefault(file, option)
            if other != option:
                raise error("same-target", first=other, second=option, path=path)

    def check(self, option: str, path: str) -> Identity | None:
        """The identity of a target. Raises CgError when it is a file to read. option: the one that names the target."""
        file = identity(path, sys.stdout)
        if file is not None and file in self._texts:
            code = "output-is-read" if path == "-" else "target-is-read"
            raise error(code, option=option, path=path, source=self._texts[file])
        return file

    def _targets(self) -> Iterator[tuple[str, str]]:
        """The files that the command writes, each with the option that names it."""
        for name, option in self._options.items():
            if option.file == "written" and self._params.get(name) is not None:
                yield self._option(name), self._params[name]
        if self._params.get("data") is not None and self._params.get("target", "") is None:
            yield "standard output", "-"
        name = "resume" if self._params.get("save") is None else "save"
        saved = self._params.get(name)
        if saved is not None and PurePath(saved).name:
            from cgcli.data.checkpoints import earlier  # imports what reads checkpoints

            yield self._option(name), saved
            for k in range(1, self._params.get("keep") or 2):
                yield self._option(name), earlier(saved, k)

    def _sources(self, program: Program) -> Iterator[tuple[str, str]]:
        """The files that the command reads, each with the text that names it on the command line."""
        if self._params.get("expression") is None:
            yield program.module.source.name, program.module.source.name
        for module in program.module.imports:
            yield f"import {module}", str(module)
        for name, option in self._options.items():
            path = self._params.get(name) if option.file == "read" else None
            if path is None or (name == "resume" and self._continues(path)):
                continue
            for file in _files(path) if name in ("data", "validation") else [path]:
                yield f"{self._option(name)} {path}", file
        for setting in self._params.get("settings") or ():
            name, _, value = setting.partition("=")
            if value.lstrip().startswith("@"):
                reference = value.strip()[1:]
                yield f"--{name.strip()} {value}", reference
                yield f"--{name.strip()} {value}", split_member(reference)[0]  # the file of an array

    def _continues(self, checkpoint: str) -> bool:
        """Whether the run continues its own checkpoint, which is then a target."""
        save = self._params.get("save")
        return save is None or identity(save, None) == identity(checkpoint, None)

    def _option(self, name: str) -> str:
        return self._options[name].name


def identity(path: str, standard: TextIO | None) -> Identity | None:
    """The identity of a file; None for a device, a pipe, a folder and an impossible name.

    standard: the stream that `-` stands for.
    """
    if is_url(path):
        from cgcli.files.remote import location  # for URLs alone

        return location(path)
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
    """The files of a table; none for the share of rows that `--validation` may name."""
    try:
        float(table)
    except ValueError:
        from cgcli.data.tables import files_of  # imports what reads tables

        return files_of(table)
    return ()
