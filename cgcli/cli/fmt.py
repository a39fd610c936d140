"""`cg fmt`: the one canonical layout of a program."""

from __future__ import annotations

from typing import Annotated

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit, notice, print_diagnostics
from cgcli.cli.program_files import Files, counted, program_files, several
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.escape import show
from cgcli.files.source_files import is_stream
from cgcli.files.writing import write_atomic
from cgcli.program.format import formatted_program
from cgcli.program.options import EXPRESSION, Option
from cgcli.render.changes import unified

FAILED = 1

Check = Annotated[
    bool, Option("--check", "Change nothing, print what would change, and exit with 1 if anything would.")
]


def fmt(files: Files = (), expression: Annotated[str | None, EXPRESSION] = None, check: Check = False) -> int:
    """Lay programs out in the one canonical way. Comments stay.

    Each file is rewritten, as a whole or not at all; - and -e print the result instead. One that is wrong stops no
    other. A folder stands for the .cg files below it.
    """
    if expression is not None or not several(files):
        return FAILED if _changed(files[0] if files else None, expression, check) and check else 0
    names, changed, statuses = program_files(files), 0, {0}
    wrong = 0
    for file in names:
        try:
            changed += _changed(file, None, check)
        except CgError as problem:
            print_diagnostics(problem.diagnostics)
            statuses.add(problem.status)
            wrong += 1
    verb = "would be rewritten" if check else "rewritten"
    failed = f", {wrong} failed" if wrong else ""
    notice(f"{counted(len(names))}: {changed} {verb}, {len(names) - changed - wrong} as before{failed}")
    return max(*statuses, FAILED if check and changed else 0)


def _changed(file: str | None, expression: str | None, check: bool) -> bool:
    """Whether formatting changes the program; writes the result, or with `check` prints the difference."""
    source, formatted = formatted_program(file, expression)
    if check:
        text = source.text if expression is None else source.text.rstrip("\n") + "\n"  # nobody types the last one
        return _compare(source.name, text, formatted)
    if file is None or is_stream(file):
        emit(formatted)
    elif formatted != source.text:
        write_atomic(file, formatted.encode())
        notice(f"rewrote {show(file)}")
    return formatted != source.text


def _compare(name: str, text: str, formatted: str) -> bool:
    """Whether formatting would change the text; prints the difference."""
    if text == formatted:
        return False
    before, after = text.split("\n"), formatted.split("\n")  # shows a missing last newline and foreign line ends
    emit("\n".join(show(line) for line in unified(before, after, name, f"{name} (laid out)")))
    return True


command = declare("fmt", fmt, Command, "cg samples article", "cg fmt --check article.cg")
