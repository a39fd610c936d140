"""The messages of diagnostics: a table of templates for each topic, and the one function that fills them."""

from __future__ import annotations

from cgcli.diagnostics.source import Diagnostic

from . import (
    call,
    control,
    data,
    files,
    host,
    picture,
    program,
    python,
    run,
    stepper,
    structures,
    sweep,
    syntax,
    tensors,
    training,
)
from .templates import Message, Templates, fill_template, format_value

TABLES = (
    syntax.TEMPLATES,
    files.TEMPLATES,
    program.TEMPLATES,
    tensors.TEMPLATES,
    control.TEMPLATES,
    structures.TEMPLATES,
    stepper.TEMPLATES,
    host.TEMPLATES,
    run.TEMPLATES,
    picture.TEMPLATES,
    call.TEMPLATES,
    data.TEMPLATES,
    training.TEMPLATES,
    sweep.TEMPLATES,
    python.TEMPLATES,
)
SHARED = {"call": "called here"}  # label templates for roles that any diagnostic may have
DECLARE = "a name without a declaration is one number; declare the inputs above: `{declare}`"
"""Replaces all other help where a declaration mends what is wrong with an input."""
TEMPLATES: dict[str, Templates] = {code: templates for table in TABLES for code, templates in table.items()}


def message_of(diagnostic: Diagnostic) -> Message:
    """The message of a diagnostic. One without templates, which is a bug of ours, is shown as its code and values."""
    values = diagnostic.values
    templates = TEMPLATES.get(diagnostic.code)
    if templates is None:
        return Message(_without_template(diagnostic), tuple((label.span, "") for label in diagnostic.labels), ())
    labels = []
    for label in diagnostic.labels:
        template = templates.labels.get(label.role) or SHARED.get(label.role)
        labels.append((label.span, (fill_template(template, values) if template is not None else None) or ""))
    helps = [fill_template(template, values) for template in ((DECLARE,) if values.get("declare") else templates.help)]
    title = fill_template(templates.title, values)
    return Message(
        _without_template(diagnostic) if title is None else title,
        tuple(labels),
        tuple(text for text in helps if text is not None),
    )


def _without_template(diagnostic: Diagnostic) -> str:
    """The code and the values that are not empty."""
    texts = {name: format_value(value) for name, value in diagnostic.values.items()}
    values = ", ".join(f"{name}: {text}" for name, text in texts.items() if text)
    return f"{diagnostic.code} ({values})" if values else diagnostic.code
