"""What one run may spend: steps of loops, and memory for what loops keep of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Any, ClassVar

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Span
from cgcli.graph.graph import CONST, Graph, Node
from cgcli.ops.op import AssertionFailed
from cgcli.system import memory

NODE = 200  # bytes of a node of a graph or on a tape, with a number as its value
TAPE = 10**9  # bytes that the nodes of a tape or of a lowered graph may take when nothing else is said
MAX_DEPTH = 10_000  # calls within calls
LONG = 10.0  # seconds after which loops that still run are told of
SLICE = 4096  # steps of a compiled loop between two looks at the clock
NUMBER = 32  # bytes of a Python number in a list: the place and the object
_UNLIMITED = 2**62


def memory_limit() -> int:
    """The bytes that a run may take when nothing else is said: four fifths of the machine's memory."""
    return (memory() or 10 * 2**30) * 4 // 5


def most_nodes(max_nodes: int | None, max_memory: int | None) -> int:
    """How many nodes a tape or a lowered graph may have: as both limits allow."""
    room = (TAPE if max_memory is None else max_memory) // NODE
    return room if max_nodes is None else min(max_nodes, room)


class TooManySteps(Exception):
    """Loops have run as many steps as are allowed."""


class StacksTooLarge(Exception):
    """What loops keep of their steps takes more memory than is allowed."""


class Meter:
    """What is left of the steps and the bytes of one run.

    slow: is called once in a run whose loops take long, with the place of a loop and the steps that were run; it holds
    for all runs of the process. mark: where `steps` falls below it, `check` is due.
    """

    slow: ClassVar[Callable[[Span | None, int], None] | None] = None

    def __init__(self, max_steps: int | None, max_memory: int | None) -> None:
        self.steps = self._most = _UNLIMITED if max_steps is None else max_steps
        self.room = memory_limit() if max_memory is None else max_memory
        self._due = inf if Meter.slow is None else monotonic() + LONG
        self.mark = 0 if Meter.slow is None else max(0, self.steps - SLICE)

    def step(self, place: Graph | Callable[[], Span]) -> None:
        """Counts a step of the loop that has this body, or whose place is told by a call. Raises TooManySteps."""
        self.steps -= 1
        if self.steps < self.mark or monotonic() > self._due:
            self.check(place)

    def check(self, place: Graph | Callable[[], Span]) -> None:
        """Raises TooManySteps where no step is left; tells of a run that takes long."""
        if self.steps < 0:
            raise TooManySteps
        if Meter.slow is not None and monotonic() > self._due:
            self._due = inf
            span = next(iter(place.spans), None) if isinstance(place, Graph) else place()
            Meter.slow(span, self._most - self.steps)
        self.mark = 0 if self._due == inf else max(0, self.steps - SLICE)

    def keep(self, size: int) -> None:
        """Raises StacksTooLarge."""
        self.room -= size
        if self.room < 0:
            raise StacksTooLarge


def kept_bytes(x: Any) -> int:
    """About what a value on a stack takes; the items of a stack within it are of one size."""
    count = 1
    while isinstance(x, list):
        if not x:
            return NUMBER
        count *= len(x)
        x = x[0]
    return count * (NUMBER + getattr(x, "nbytes", 0))


def stopped(
    graph: Graph, i: int, stop: Exception, v: Sequence[Any], max_steps: int | None, max_memory: int | None
) -> CgError:
    """The error of a run that an assertion or a limit stops at node `i`; `v` holds the values so far."""
    span = Node(graph, i).span
    if isinstance(stop, TooManySteps):
        return error("too-many-steps", span, status=1, limit=max_steps)
    if isinstance(stop, StacksTooLarge):
        from cgcli.diagnostics.byte_text import byte_text  # for an error alone

        return error("stacks-too-large", span, status=1, limit=byte_text(max_memory or memory_limit()))
    assert isinstance(stop, AssertionFailed)
    message = graph.attrs[i]["message"] or None
    code = "assertion-failed" if message else "assertion-failed-plain"
    return error(code, span, status=1, message=message, row=stop.args, found=_named(graph, i, v))


def _named(graph: Graph, i: int, v: Sequence[Any]) -> list[str]:
    """`x is -2` for each number with a name that an assertion's condition is made of and that is still there."""
    from cgcli.diagnostics.wording.words import phrase  # words are loaded when an error is shown

    found: dict[str, str] = {}
    seen = {i}
    stack = [i]
    while stack and len(seen) < 50:
        top = stack.pop()
        name = graph.names.get(top)
        if name is not None and top != i:
            if v[top] is not None and getattr(v[top], "shape", ()) == ():
                value = v[top].item() if hasattr(v[top], "item") else v[top]
                found.setdefault(name, f"{name} is {phrase(value)}")
            continue
        new = [x for x in graph.operands(top) if x not in seen and graph.op[x] != CONST]
        seen.update(new)
        stack.extend(reversed(new))
    return list(found.values())
