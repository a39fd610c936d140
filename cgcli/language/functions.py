"""The functions that a file declares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .tree import kind


@dataclass
class Parameter:
    name: str
    token: Any
    type: Any  # a `type` tree or None
    default: Any  # an expression tree or None


@dataclass
class Function:
    """An `fn` of a file. derived: names that a `grad` in its body differentiates by."""

    name: str
    tree: Any
    parameters: list[Parameter]
    body: Any
    derived: frozenset[str]

    @cached_property
    def names(self) -> dict[str, Parameter]:
        """The parameters by their names, in order."""
        return {p.name: p for p in self.parameters}

    @property
    def statements(self) -> list[Any] | None:
        """Of a block; None for a function of one line."""
        return self.body.children if kind(self.body) == "block" else None
