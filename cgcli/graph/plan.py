"""The record of a plan: the order in which a graph runs, the memory of its values, and the costs.

Data only: `plan/planner.py` makes one, `run/numpy/planned.py` runs it, pictures and tables show it. A size is a
number, or a text made of named sizes (`sizes`) where the plan was made before their numbers were known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .graph import Graph
from .sizes import Size


class Cost(NamedTuple):
    """What one run of a node takes: arithmetic operations, and bytes that it reads and writes."""

    operations: Size
    bytes: Size


class Buffer(NamedTuple):
    """Memory of `size` bytes, from the step that first writes it to the last one that reads it.

    A step is an index in `Plan.order`; a buffer that holds a result has the number of steps as its `last`. nodes: whose
    values lie in it, one after the other, in that order. fresh: taken anew at every run, because its value leaves the
    run, because its op brings memory of its own, or because it is too large to be kept; the others stay between runs.
    """

    size: Size
    first: int
    last: int
    nodes: tuple[int, ...]
    fresh: bool = False


class Change(NamedTuple):
    """What one pass did: its name and law, the nodes before and after it (nested graphs included), and in words.

    exact: whether the pass keeps every value to the last bit.
    """

    name: str
    law: str
    before: int
    after: int
    changes: tuple[str, ...]
    exact: bool


class Executor(NamedTuple):
    """What runs some work: a backend, and why it does."""

    work: str
    backend: str
    reason: str


@dataclass(frozen=True)
class Compilation:
    """The compilation of a static graph: the graph as written, the changes of the passes, and the plan.

    source: the whole graph of the program; graph: what is asked for of it, with its derivatives.
    of: what is differentiated, and by what; None and nothing of values alone. named: the plan in terms of named sizes.
    executors: what runs the graph once, again, and for the rows of a table.
    """

    source: Graph
    graph: Graph
    changes: tuple[Change, ...]
    plan: Plan
    named: Plan
    of: str | None = None
    wrt: tuple[str, ...] = ()
    executors: tuple[Executor, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How a graph is run.

    sizes: the numbers of named sizes that it was made for, None when they stay names.
    order: the nodes in the order in which they run; inputs and constants are there before and are not in it.
    buffers, buffer_of: the memory of values, and of each node that has memory of its own the number of its buffer.
    views: of a node that may be a view of other memory instead of having its own, the operands that it may alias.
    last: of each node of `order`, the last step that reads its memory, itself or through a view.
    groups: elementwise nodes that run together, block by block, when their arrays are large; in the order of steps.
    blocks: of each group that runs block by block, by its number, how many rows of the first axis make a block.
    in_place: of a node that writes over a value nobody reads any more, the operand that it writes over.
    costs: of each node of `order` what one run of it takes; a loop's is that of all its steps.
    nested: plans of what structured nodes hold, by the node and the attribute that holds the graph.
    operations, bytes: sums of `costs`. peak: the most bytes that are taken at one time: buffers that are kept, fresh
    ones, and what nested plans take; unshared: the same if every value had memory of its own until the end. inputs:
    bytes of inputs and constants, which `peak` does not count.
    """

    graph: Graph
    order: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    buffer_of: Mapping[int, int]
    views: Mapping[int, tuple[int, ...]]
    last: Mapping[int, int]
    groups: tuple[tuple[int, ...], ...]
    in_place: Mapping[int, int]
    costs: Mapping[int, Cost]
    operations: Size
    bytes: Size
    peak: Size
    unshared: Size
    inputs: Size
    blocks: Mapping[int, int] = field(default_factory=dict)
    nested: Mapping[tuple[int, str], Plan] = field(default_factory=dict)
    sizes: Mapping[str, int] | None = None

    @property
    def steps(self) -> Mapping[int, int]:
        """Of each node of `order`, the number of its step."""
        return {node: step for step, node in enumerate(self.order)}
