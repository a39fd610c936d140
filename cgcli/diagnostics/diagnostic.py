"""The record of a diagnostic: data only, so that any room may raise one.

`wording` turns a record into a message; screens and files only draw that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .source import Span

EMPTY = "''"  # how messages name an empty text


@dataclass(frozen=True)
class Label:
    """A span and its role (a key of the templates' `labels`)."""

    span: Span
    role: str = "here"


@dataclass(frozen=True)
class Diagnostic:
    """One problem: a stable code, labelled spans (the first is where it is), and the values for the message."""

    code: str
    labels: tuple[Label, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Literal["error", "warning", "note"] = "error"


class CgError(Exception):
    """Raised for whatever the user can correct. Holds at least one diagnostic.

    `status` is the exit status that the command line reports: 2 for a wrong call or program, 1 for a run that failed.
    """

    def __init__(self, *diagnostics: Diagnostic, status: int = 2) -> None:
        super().__init__(", ".join(d.code for d in diagnostics))
        self.diagnostics = diagnostics
        self.status = status


def error(code: str, *labels: Label | Span | None, status: int = 2, **values: Any) -> CgError:
    """A `CgError` of one diagnostic; a bare span takes the role `here`, None is left out.

    values: numbers, texts and lists of them; of an object with `in_words`, as a type has, that.
    """
    spans = tuple(Label(x) if isinstance(x, Span) else x for x in labels if x is not None)
    return CgError(Diagnostic(code, spans, {name: _plain(x) for name, x in values.items()}), status=status)


def unknown_name(name: str, names: Collection[str]) -> dict[str, Any]:
    """The values of an error about an unknown name: it, the nearest of the names, and all of them."""
    from .suggest import nearest  # for an error alone

    return {"name": name, "nearest": nearest(name, names), "names": list(names)}


def _plain(value: Any) -> Any:
    """A value as data: the `in_words` of an object that has it, as types do."""
    words = getattr(value, "in_words", None)
    return value if words is None else words
