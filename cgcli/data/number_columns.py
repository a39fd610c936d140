"""Columns of plain Python numbers, for tables of few rows: they need no arrays."""

from __future__ import annotations


class Numbers(list[float | int | bool]):
    """A column of a result. A plain list holds cells that are carried through."""
