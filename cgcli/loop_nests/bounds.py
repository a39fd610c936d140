"""What is known of ints in loops: of which loop variables they are made, and below which size they stay.

A loop variable is below its end, a checked index below the size of its axis, and `i + 1 < n + 1` follows from `i < n`.
So sums and products of indices need no check, and neither does an index that cannot leave its axis.
"""

from __future__ import annotations

from .builder import LoopBuilder
from .form import Extent, Index, Value, index_of

_MOST = 2**31  # of a constant or a factor of an index


class IndexBuilder(LoopBuilder):
    """A builder that knows its indices.

    limits: of an int from 0 up, the size that it is below. sums: of a computed int, the sum of others that it is.
    """

    def __init__(self, name: str, parallel: bool = False) -> None:
        super().__init__(name, parallel)
        self.limits: dict[Value, Extent] = {}
        self.sums: dict[Value, Index] = {}

    def apply(self, primitive: str, *operands: Value, node: int = -1, here: bool = False) -> Value:
        """A primitive; of the sums, differences and products with numbers that indices are, without a check."""
        if node < 0 or primitive not in ("add", "sub", "mul") or operands[0].type != "i64":
            return super().apply(primitive, *operands, node=node, here=here)
        joined = self._joined(primitive, *map(self._as_index, operands))
        if joined is None:
            return super().apply(primitive, *operands, node=node, here=here)
        result = super().apply(primitive, *operands)
        if result not in self.constants:
            self.sums.setdefault(result, joined)
        return result

    def _as_index(self, value: Value) -> Index | None:
        """The sum that an int is, None for one that may be any."""
        number = self.constants.get(value)
        if number is not None:
            return Index(int(number)) if abs(number) < _MOST else None
        if value in self.sums:
            return self.sums[value]
        return index_of(value) if value in self.limits or value in self.sizes.values() else None

    @staticmethod
    def _joined(primitive: str, a: Index | None, b: Index | None) -> Index | None:
        if a is None or b is None:
            return None
        if primitive == "mul":
            a, b = (a, b) if not b.terms else (b, a)
            if b.terms or any(isinstance(factor, Value) for _, factor in a.terms):
                return None
            joined = a.times(b.const)
        else:
            if primitive == "sub" and any(isinstance(factor, Value) for _, factor in b.terms):
                return None
            joined = a.plus(b if primitive == "add" else b.times(-1))
        factors = [factor for _, factor in joined.terms if isinstance(factor, int)]
        return joined if all(abs(n) < _MOST for n in (joined.const, *factors)) else None

    def sum_of(self, value: Value) -> Index:
        """The index that a computed int is, by loop variables where it is a sum of them."""
        return self._as_index(value) or index_of(value)

    def index_value(self, x: Index | Extent) -> Value:
        value = super().index_value(x)
        if value not in self.constants and index_of(value) != index_of(x):
            self.sums.setdefault(value, index_of(x))
        return value

    def is_below(self, index: Index, size: Extent) -> bool:
        """Whether an index is surely from 0 up to a size."""
        low, high = index.const, index.const
        if isinstance(size, int):
            for value, factor in index.terms:
                limit = self.limits.get(value)
                if not isinstance(limit, int) or not isinstance(factor, int):
                    return False
                reach = factor * (limit - 1)
                low, high = low + min(0, reach), high + max(0, reach)
            return low >= 0 and high < size
        if len(index.terms) != 1 or index.terms[0][1] != 1 or index.const < 0:
            return False
        limit = self.limits.get(index.terms[0][0])
        return isinstance(limit, Value) and self._difference(size, limit, index.const)

    def _difference(self, size: Value, limit: Value, least: int) -> bool:
        """Whether `size` is `limit` and at least so much."""
        if size is limit:
            return least == 0
        made = self.definitions.get(size)
        if made is None or made.primitive != "add" or limit not in made.operands:
            return False
        (other,) = (x for x in made.operands if x is not limit) if made.operands.count(limit) == 1 else (limit,)
        number = self.constants.get(other)
        return number is not None and number >= least
