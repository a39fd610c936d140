"""Diagnostics in sentences: one table of words for each topic, and the one function that reads them."""

from __future__ import annotations

from cgcli.diagnostics.diagnostic import Diagnostic

from . import call, control, data, files, host, picture, program, run, stepper, structures, syntax, tensors, training
from .words import Message, Words, fill, format_value

TABLES = (
    syntax.WORDS,
    files.WORDS,
    program.WORDS,
    tensors.WORDS,
    control.WORDS,
    structures.WORDS,
    stepper.WORDS,
    host.WORDS,
    run.WORDS,
    picture.WORDS,
    call.WORDS,
    data.WORDS,
    training.WORDS,
)
SHARED = {"call": "called here"}  # texts of roles that any diagnostic may have
DECLARE = "a name without a declaration is one number; declare the inputs above: `{declare}`"
"""The help in place of all other where a declaration mends what is wrong with an input."""
WORDS: dict[str, Words] = {code: words for table in TABLES for code, words in table.items()}


def message_of(diagnostic: Diagnostic) -> Message:
    """The sentences of a diagnostic. One that has no words is told by its code and values: a mistake of ours, but the
    user still learns what is known."""
    values = diagnostic.values
    words = WORDS.get(diagnostic.code)
    if words is None:
        return Message(_bare(diagnostic), tuple((label.span, "") for label in diagnostic.labels), ())
    labels = []
    for label in diagnostic.labels:
        template = words.labels.get(label.role) or SHARED.get(label.role)
        labels.append((label.span, (fill(template, values) if template is not None else None) or ""))
    helps = [fill(template, values) for template in ((DECLARE,) if values.get("declare") else words.help)]
    title = fill(words.title, values)
    return Message(
        _bare(diagnostic) if title is None else title,
        tuple(labels),
        tuple(text for text in helps if text is not None),
    )


def _bare(diagnostic: Diagnostic) -> str:
    told = ", ".join(f"{name}: {format_value(value)}" for name, value in diagnostic.values.items() if format_value(value))
    return f"{diagnostic.code} ({told})" if told else diagnostic.code
