"""The order in which training takes the rows of a table, and the rows that are held out for validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HELD_OUT = 2**62  # stands for an epoch where the rows for validation are drawn


@dataclass(frozen=True)
class Batches:
    """Rows in batches of `size` (None: all of them in one), of another order in each epoch unless `shuffle` is off.

    rows: 0 where a step takes no rows; an epoch is then one step.
    """

    rows: int
    size: int | None = None
    seed: int = 0
    shuffle: bool = True

    @property
    def per_epoch(self) -> int:
        """How many steps make an epoch."""
        return max(1, math.ceil(self.rows / self._size))

    def order(self, epoch: int) -> Any:
        """The indices of the rows in the order of an epoch; None without rows."""
        if not self.rows:
            return None
        if self.shuffle:
            return permutation(self.seed, epoch, self.rows)
        import numpy as np

        return np.arange(self.rows)

    def batch(self, order: Any, k: int) -> Any:
        """The indices of the k-th batch of an epoch with this order; None without rows."""
        return None if order is None else order[k * self._size : (k + 1) * self._size]

    @property
    def _size(self) -> int:
        return self.size or max(1, self.rows)


def permutation(seed: int, epoch: int, rows: int) -> Any:
    """An order of the rows: another one for each seed and epoch, the same at every run."""
    import numpy as np

    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(rows)


def split(share: float, rows: int, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    """The rows to learn from and those for validation, drawn by the seed; both in the order of the table."""
    shuffled = permutation(seed, HELD_OUT, rows)
    count = round(share * rows)
    return sorted(shuffled[count:].tolist()), sorted(shuffled[:count].tolist())
