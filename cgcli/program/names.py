"""Names and numbers on the command line."""

from __future__ import annotations

from cgcli.graph.lexemes import identifier, plain_number


def canonical(name: str) -> str:
    """The normalised name (NFKC), by which programs compare names."""
    return identifier(name.strip())


def reads_as_number(text: str) -> bool:
    """Whether a text is a literal with at most one sign."""
    return plain_number(text) is not None
