"""Columns of plain Python numbers, for tables of few rows: they need no arrays."""

from __future__ import annotations

from typing import Any


class Numbers(list[float | int | bool]):
    """A column of a result. A plain list holds cells that are carried through."""

    def array(self) -> Any:
        """The same as an array."""
        import numpy as np

        return np.array(self)
