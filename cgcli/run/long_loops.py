"""Graphs with loops: as machine code where the loops run long.

A run begins as it would without a compiler, for at most as many steps as cost about what compiling does. One that is
longer begins again as machine code. So does every later run with the same whole numbers and sizes, on which the number
of steps mostly depends, and every run with those whose earlier runs had as many steps together. What decides is
counted: neither a clock nor what is in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cgcli.diagnostics.diagnostic import CgError
from cgcli.ops.interpreter import Sizes

if TYPE_CHECKING:
    from cgcli.ops.limits import Meter

Run = Callable[[Sequence[Any], Sizes | None], Sequence[Any]]
"""What computes the outputs of a graph from its inputs and sizes."""
MOST_KEYS = 1000  # whole numbers and sizes that are remembered


class Metered(Protocol):
    """A run that counts steps. meter: that of the last run."""

    @property
    def meter(self) -> Meter:
        """What the last run had left."""

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the outputs."""


class LongLoops:
    """A graph with loops.

    short: runs it within a limit of `steps`. long: makes what runs it without one.
    """

    def __init__(self, short: Metered, long: Callable[[], Run], steps: int) -> None:
        self._short, self._make_long, self._most = short, long, steps
        self._long: Run | None = None
        self._steps: dict[object, int] = {}  # that runs with these whole numbers and sizes had together

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        key = _whole_numbers(inputs), None if sizes is None else tuple(sizes.items())
        steps = self._steps.get(key, 0)
        if steps <= self._most:
            try:
                outputs = self._short(inputs, sizes)
            except CgError as e:
                if any(d.code != "too-many-steps" for d in e.diagnostics):
                    raise
                self._count(key, self._most + 1)
            else:
                self._count(key, steps + self._short.meter.used_steps)
                return outputs
        if self._long is None:
            self._long = self._make_long()
        return self._long(inputs, sizes)

    def _count(self, key: object, steps: int) -> None:
        if len(self._steps) >= MOST_KEYS and key not in self._steps:
            self._steps.clear()
        self._steps[key] = steps


def _whole_numbers(inputs: Sequence[Any]) -> tuple[object, ...]:
    """Of each input its value where it is a whole number, else its shape."""
    return tuple([x if isinstance(x, int) else getattr(x, "shape", None) for x in inputs])
