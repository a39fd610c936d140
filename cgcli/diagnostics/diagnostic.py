"""Errors: exceptions that hold diagnostics, which any room may raise."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .source import Diagnostic, Label, Span

__all__ = ["EMPTY", "CgError", "Diagnostic", "Label", "error", "unknown_name"]

EMPTY = "''"  # how messages name an empty text


class CgError(Exception):
    """Raised for whatever the user can correct. Holds at least one diagnostic.

    `str` is what the command line prints, `diagnostics` the data: codes, spans of the text, values. `status` is that
    of the command line: 2 for a wrong call or program, 1 for a run that failed.
    """

    __module__ = "cgcli"  # where users know it from

    def __init__(self, *diagnostics: Diagnostic, status: int = 2) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics
        self.status = status

    def __str__(self) -> str:
        from .report import text  # with the words, for an error that is shown

        return text(self.diagnostics).rstrip("\n")

    def __repr__(self) -> str:
        return f"CgError({', '.join(d.code for d in self.diagnostics)})"  # without the texts that spans hold


def error(code: str, *labels: Label | Span | None, status: int = 2, **values: Any) -> CgError:
    """A `CgError` of one diagnostic; a bare span takes the role `here`, None is left out.

    values: numbers, texts and lists of them; of an object with `in_words`, as a type has, that.
    """
    spans = tuple(Label(x) if isinstance(x, Span) else x for x in labels if x is not None)
    return CgError(Diagnostic(code, spans, {name: _plain(x) for name, x in values.items()}), status=status)


def unknown_name(name: str, names: Collection[str]) -> dict[str, Any]:
    """The values of an error about an unknown name: it, the nearest of the names, and all of them."""
    from .suggest import nearest  # for an error alone

    return {"name": name or EMPTY, "nearest": nearest(name, names), "names": list(names)}


def _plain(value: Any) -> Any:
    """A value as data: the `in_words` of an object that has it, as types do."""
    words = getattr(value, "in_words", None)
    return value if words is None else words
