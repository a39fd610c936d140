"""`cg fmt`: the one canonical layout of a program."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.command import Command, declare
from cgcli.cli.options import Expression, File
from cgcli.cli.output import emit, notice
from cgcli.cli.sources import program_text
from cgcli.data.files import write_whole
from cgcli.language.files import is_stream
from cgcli.language.format import format_source
from cgcli.render.changes import unified
from cgcli.render.escape import show

Check = Annotated[
    bool, typer.Option("--check", help="Change nothing, print what would change, and exit with 1 if anything would.")
]


def fmt(file: File = None, expression: Expression = None, check: Check = False) -> int:
    """Lay a program out in the one canonical way. Comments stay.

    The file is rewritten, as a whole or not at all; - and -e print the result instead.
    """
    source = program_text(file, expression)
    laid_out = format_source(source)
    if check:
        text = source.text if expression is None else source.text.rstrip("\n") + "\n"  # nobody types the last one
        return _compare(source.name, text, laid_out)
    if file is None or is_stream(file):
        emit(laid_out)
    elif laid_out != source.text:
        write_whole(file, laid_out.encode())
        notice(f"rewrote {show(file)}")
    return 0


def _compare(name: str, text: str, laid_out: str) -> int:
    """Prints what would change; the status is 1 when something would."""
    if text == laid_out:
        return 0
    before, after = text.split("\n"), laid_out.split("\n")  # a last newline that lacks, and others' line ends, show
    emit("\n".join(show(line) for line in unified(before, after, name, f"{name} (laid out)")))
    return 1


command = declare("fmt", fmt, Command, "cg fmt --check samples/article.cg")
