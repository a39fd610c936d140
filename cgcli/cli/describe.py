"""A program's inputs in words, for help pages and summaries."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.cli.arguments import CommandOptions
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.escape import show
from cgcli.program.program import Input
from cgcli.render.numbers import shortest

LONGEST = 40  # characters of a default that is an expression


def input_rows(inputs: Sequence[Input], options: CommandOptions) -> list[tuple[str, str]]:
    """A row for each input: its option, and its doc comment, default and range."""
    return [(_option(i, options), _about(i)) for i in inputs]


def unlisted(problem: CgError) -> str:
    """One line on why a program could not be read, and where."""
    first = problem.diagnostics[0]
    position = ""
    if first.labels:
        span = first.labels[0].span
        line, column = span.source.position(span.start)
        position = f" ({span.source.name}:{line}:{column})"
    from cgcli.diagnostics.wording.messages import message_of  # the words of all errors, for one alone

    return show(message_of(first).title + position)


def _option(i: Input, options: CommandOptions) -> str:
    kind = str(i.type).removeprefix("~").upper()
    return f"--set {i.name}={kind}" if f"--{i.name}" in options else f"--{i.name} {kind}"


def _about(i: Input) -> str:
    facts: list[str] = [] if i.kind == "input" else [i.kind]
    if i.default is not None:
        facts.append(f"default: {shortest(i.default)}")
    elif i.optional:
        written = " ".join(i.written.split())
        facts.append(f"default: {written if len(written) <= LONGEST else written[: LONGEST - 1] + '…'}")
    if i.range is not None:
        facts.append(f"range: {shortest(i.range[0])}..{shortest(i.range[1])}")
    if not i.optional:
        facts.append("required")
    about = show(" ".join(i.doc.split()))
    return f"{about}  [{'; '.join(facts)}]".lstrip()
