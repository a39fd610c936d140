"""`cg samples`: the programs that come with the tool."""

from __future__ import annotations

from typing import Annotated

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit, notice, stdout, width_of
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.wrapped import labelled
from cgcli.program.options import Option
from cgcli.program.samples import copy_here, headline, sample_files

Name = Annotated[str | None, Option("NAME", "The sample to copy into this folder.", completion="samples")]

Every = Annotated[bool, Option("--all", "Copy all samples, with their data, into this folder.")]


def samples(name: Name = None, every: Every = False) -> int:
    """List the samples that come with cg, or copy one or all of them into the working folder.

    A sample is copied together with its data and the files that it imports. A file that is already there stays as it
    is; then nothing is copied.
    """
    if name is None and not every:
        column, width = 2 + max(len(path.stem) for path in sample_files()), width_of(stdout())
        emit("\n".join(labelled(path.stem, headline(path), column, width) for path in sample_files()))
        return 0
    if name is not None and every:
        raise error("options-exclude", first="--all", second=name or EMPTY)
    for line in copy_here(None if name is None else name.removesuffix(".cg")):
        notice(line)
    return 0


command = declare("samples", samples, Command, "cg samples article")
