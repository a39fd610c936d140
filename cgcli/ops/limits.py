"""The limits of a run: steps of loops, and memory for the stacks that loops write."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import ClassVar

from cgcli.diagnostics.source import Span
from cgcli.graph.graph import Graph
from cgcli.system import memory

from .failures import StacksTooLarge, TooManySteps

NODE_BYTES = 200  # bytes of a node of a graph or on a tape, with a number as its value
TAPE_BYTES = 10**9  # default limit: bytes that the nodes of a tape or of a lowered graph may take
MAX_DEPTH = 10_000  # calls within calls
SLOW_AFTER = 10.0  # seconds after which a run whose loops still go on is reported
CLOCK_STEPS = 4096  # steps of a compiled loop between two reads of the clock
NUMBER_BYTES = 32  # bytes of a Python number in a list: the reference and the object
_UNLIMITED = 2**62


def memory_limit() -> int:
    """The default limit of a run's bytes: four fifths of the machine's memory."""
    return (memory() or 10 * 2**30) * 4 // 5


def node_limit(max_nodes: int | None, max_memory: int | None) -> int:
    """How many nodes a tape or a lowered graph may have: the smaller of both limits."""
    nodes = (TAPE_BYTES if max_memory is None else max_memory) // NODE_BYTES
    return nodes if max_nodes is None else min(max_nodes, nodes)


class Meter:
    """The steps and the bytes that one run has left.

    on_slow: a callback for all runs of the process, called once in a run whose loops take long, with the span of a
    loop and the steps that were run, None where they are not counted. check_below: where `steps` falls below it,
    `check` is due.
    """

    on_slow: ClassVar[Callable[[Span | None, int | None], None] | None] = None

    def __init__(self, max_steps: int | None, max_memory: int | None) -> None:
        self.steps = self._max_steps = _UNLIMITED if max_steps is None else max_steps
        self.bytes_left = self._max_bytes = max_memory or memory_limit()
        self._due = inf if Meter.on_slow is None else monotonic() + SLOW_AFTER
        self.check_below = 0 if Meter.on_slow is None else max(0, self.steps - CLOCK_STEPS)

    @property
    def used_steps(self) -> int:
        """The steps that were run."""
        return self._max_steps - self.steps

    def step(self, location: Graph | Callable[[], Span]) -> None:
        """Counts a step of the loop with this body, or with the span that a call returns. Raises TooManySteps."""
        self.steps -= 1
        if self.steps < self.check_below or monotonic() > self._due:
            self.check(location)

    def check(self, location: Graph | Callable[[], Span]) -> None:
        """Raises TooManySteps where no step is left; reports a run that takes long."""
        if self.steps < 0:
            raise TooManySteps(self._max_steps)
        if Meter.on_slow is not None and monotonic() > self._due:
            self._due = inf
            span = next(iter(location.spans), None) if isinstance(location, Graph) else location()
            Meter.on_slow(span, self.used_steps)
        self.check_below = 0 if self._due == inf else max(0, self.steps - CLOCK_STEPS)

    def wait(self, span: Span | None) -> None:
        """Reports a run that takes long and does not count its steps, at the span of a loop."""
        if Meter.on_slow is not None and monotonic() > self._due:
            self._due = inf
            Meter.on_slow(span, None)

    def reserve(self, size: int) -> None:
        """Counts bytes that a loop's stacks take. Raises StacksTooLarge."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise StacksTooLarge(self._max_bytes)


def stack_value_bytes(x: object) -> int:
    """About the bytes of a value on a stack; the items of a stack within it are of one size."""
    count = 1
    while isinstance(x, list):
        if not x:
            return NUMBER_BYTES
        count *= len(x)
        x = x[0]
    return count * (NUMBER_BYTES + getattr(x, "nbytes", 0))
