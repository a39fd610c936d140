"""Graphs with loops: as machine code where the loops run long.

A run begins as it would without a compiler, for at most as many steps as cost about what compiling does. One that is
longer begins again as machine code, and so does every later run with the same whole numbers and sizes, on which the
number of steps mostly depends. So the digits of a result depend neither on a clock nor on what is in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.ops.interpreter import Sizes

Run = Callable[[Sequence[Any], Sizes | None], Sequence[Any]]
"""What computes the outputs of a graph from its inputs and sizes."""


class LongLoops:
    """A graph with loops.

    short: runs it, and raises CgError (`too-many-steps`) after a number of steps. long: makes what runs it to the end.
    """

    def __init__(self, short: Run, long: Callable[[], Run]) -> None:
        self._short, self._make_long = short, long
        self._long: Run | None = None
        self._keys: set[object] = set()  # of runs that were long

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        key = _whole_numbers(inputs), None if sizes is None else tuple(sizes.items())
        if key not in self._keys:
            try:
                return self._short(inputs, sizes)
            except CgError as e:
                if any(d.code != "too-many-steps" for d in e.diagnostics):
                    raise
            self._keys.add(key)
        if self._long is None:
            self._long = self._make_long()
        return self._long(inputs, sizes)


def _whole_numbers(inputs: Sequence[Any]) -> tuple[object, ...]:
    """Of each input its value where it is a whole number, else its shape."""
    return tuple([x if isinstance(x, int) else getattr(x, "shape", None) for x in inputs])
