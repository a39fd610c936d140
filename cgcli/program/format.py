"""The one canonical layout of a program."""

from __future__ import annotations

from cgcli.diagnostics.source import Source
from cgcli.language.format import format_source

from .load import program_text


def formatted_program(file: str | None, expression: str | None) -> tuple[Source, str]:
    """The text of FILE, `-` or `-e`, and the same program in the canonical layout. Raises `CgError`."""
    source = program_text(file, expression)
    return source, format_source(source)
