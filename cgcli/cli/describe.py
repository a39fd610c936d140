"""A program's inputs in words, for help pages and summaries."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.cli.arguments import Known
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.wording import message_of
from cgcli.graph.signature import Input
from cgcli.render.escape import show
from cgcli.render.numbers import shortest

LONGEST = 40  # characters of a default that is an expression


def input_rows(inputs: Sequence[Input], known: Known) -> list[tuple[str, str]]:
    """A row for each input: how it is given, and its doc comment, default and range."""
    return [(_option(each, known), _about(each)) for each in inputs]


def unlisted(problem: CgError) -> str:
    """One line that says why a program could not be read, and where."""
    first = problem.diagnostics[0]
    place = ""
    if first.labels:
        span = first.labels[0].span
        line, column = span.source.position(span.start)
        place = f" ({span.source.name}:{line}:{column})"
    return show(message_of(first).title + place)


def _option(each: Input, known: Known) -> str:
    kind = str(each.type).removeprefix("~").upper()
    return f"--set {each.name}={kind}" if f"--{each.name}" in known else f"--{each.name} {kind}"


def _about(each: Input) -> str:
    facts: list[str] = [] if each.kind == "input" else [each.kind]
    if each.default is not None:
        facts.append(f"default: {shortest(each.default)}")
    elif each.optional:
        written = " ".join(each.written.split())
        facts.append(f"default: {written if len(written) <= LONGEST else written[: LONGEST - 1] + '…'}")
    if each.range is not None:
        facts.append(f"range: {shortest(each.range[0])}..{shortest(each.range[1])}")
    if not each.optional:
        facts.append("required")
    about = show(" ".join(each.doc.split()))
    return f"{about}  [{'; '.join(facts)}]".lstrip()
