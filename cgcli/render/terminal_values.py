"""Values as people read them on a terminal: numbers in six digits, small tensors in full, a row of a matrix a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from .numbers import concise, point, shortest
from .tensors import elements, is_tensor, literal, statement

MOST_IN_FULL = 12  # numbers of a tensor that is written out


class TerminalValues:
    """How values are written. precision: significant digits; by default `concise`. full: all digits, all elements."""

    def __init__(self, precision: int | None = None, *, full: bool = False) -> None:
        self.precision, self.full = precision, full

    def number(self, x: Any) -> str:
        """A number; the length of a loop's stack."""
        if isinstance(x, list):
            return f"{len(x)} items"
        return concise(x) if self.precision is None and not self.full else shortest(x, self.precision)

    def inline(self, x: Any) -> str:
        """A value on one line."""
        return self.flat(x) if is_tensor(x) else self.number(x)

    def tensor(self, x: Any) -> str:
        """A tensor: a line for each row of the last axis, columns aligned; of a large one what it is."""
        if not self.full and not 0 < x.size <= MOST_IN_FULL:
            return statement(x, self.number, self.precision)
        return self.flat(x) if x.ndim < 2 or not x.size else "\n".join(self._rows(x))

    def flat(self, x: Any) -> str:
        """A tensor as a literal on one line; of a large one what it is."""
        if not self.full and not 0 < x.size <= MOST_IN_FULL:
            return statement(x, self.number, self.precision)
        return literal(x, write=self.number)

    def _rows(self, x: Any) -> list[str]:
        texts = [[self.number(element) for element in row] for row in elements(x.reshape(-1, x.shape[-1]))]
        columns = [aligned(column) for column in zip(*texts, strict=True)]
        lines = [", ".join(row) for row in zip(*columns, strict=True)]
        depth = x.ndim - 1
        brackets = []
        for index in product(*map(range, x.shape[:-1])):
            opened = next((k for k, at in enumerate(reversed(index)) if at), depth)
            ends = (at == size - 1 for at, size in zip(reversed(index), reversed(x.shape[:-1]), strict=True))
            closed = next((k for k, is_last in enumerate(ends) if not is_last), depth)
            brackets.append((opened + 1, closed + 1))
        last = len(lines) - 1
        return [
            f"{' ' * (depth + 1 - opened)}{'[' * opened}{line}{']' * closed}{',' if k < last else ''}"
            for k, (line, (opened, closed)) in enumerate(zip(lines, brackets, strict=True))
        ]


def aligned(texts: Sequence[str]) -> list[str]:
    """Numbers padded to one width, their decimal points below each other."""
    before = max(map(point, texts))
    padded = [" " * (before - point(text)) + text for text in texts]
    width = max(map(len, padded))
    return [text.ljust(width) for text in padded]
