"""`cg samples`: the programs that come with the tool."""

from __future__ import annotations

from typing import Annotated

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit, notice
from cgcli.program.options import Option
from cgcli.program.samples import copy_here, headline, sample_files

Name = Annotated[str | None, Option("NAME", "The sample to copy into this folder.", completion="samples")]


def samples(name: Name = None) -> int:
    """List the samples that come with cg, or copy one into the working folder.

    A sample that imports another file is copied together with it. A file that is already there stays as it is.
    """
    if name is None:
        width = max(len(path.stem) for path in sample_files())
        emit("\n".join(f"{path.stem:{width}}  {headline(path)}" for path in sample_files()))
        return 0
    for line in copy_here(name.removesuffix(".cg")):
        notice(line)
    return 0


command = declare("samples", samples, Command, "cg samples article")
