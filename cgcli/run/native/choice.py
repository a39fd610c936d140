"""Where machine code of a graph's loops pays: by the graph and the number of rows alone.

Neither a clock nor the cache nor the number of cores decides, so that the digits of a result do not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cgcli.graph.graph import CONST, INPUT, LOOP, Graph, nested
from cgcli.graph.traversal import every
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import has_loop, is_scalar
from cgcli.ops.table import BY_CODE

if TYPE_CHECKING:
    from cgcli.loop_nests.form import LoopNest

    from .columns import ColumnGraph


class Batch(NamedTuple):
    """The rows of a table: the name of their number, and how many there are; the graph of one row; which of its inputs
    have a value for each row."""

    size: str
    rows: int
    row: Graph
    flags: Sequence[bool]


LEAST_WORK = 30_000_000
"""Nodes times rows that save the time for the imports and for a short graph (`benchmarks/rows.py --break-even`)."""
LEAST_ROWS = 75_000
"""Rows at which a node saves the time that it takes to compile."""
LEAST_DEAR_WORK = 4_000_000
"""Nodes times rows from which on machine code pays where the array kernels would import a library first."""

STEP_ELEMENTS = 1_000_000
"""Elements of a run from which on some hundred runs save the time to compile (`benchmarks/train.py`)."""
MANY_ELEMENTS = 100_000_000
"""Elements of all runs of a graph on arrays together that save the time to compile (`benchmarks/tensors.py`)."""
STRAIGHT_LINE = 1000
"""Nodes of a graph on numbers up to which straight-line code is compiled in a second; larger ones run over columns."""
NAMED = 64
"""How many elements a named axis, as that of a batch, is expected to have."""
STEPS = 300
"""How many steps a loop over a row is expected to have, before it has run."""
ROWS_OF_A_CALL = 1500
"""Rows that an array kernel computes in about the time of its call, which each step of a loop has to pay."""
SHORT_LOOPS = {True: 10_000_000, False: 150_000}
"""Nodes that the steps of loops compute in about the time for the imports and for a short graph: of a graph on numbers,
and of one on arrays (by first runs of `samples/ode.cg` and of the same program on numbers, each in a new process)."""


def short_steps(graph: Graph) -> int:
    """The number of steps that loops may run before machine code of the graph pays, compiling included."""
    bodies = [g for g in every(graph) if g is not graph]
    loops = sum(g.op.count(LOOP) for g in every(graph))
    return max(1, SHORT_LOOPS[is_scalar(graph)] * loops // max(1, sum(map(len, bodies))))


def least_rows(graph: Graph) -> int:
    """The number of rows from which on machine code of this graph of one row pays, compiling included."""
    nodes, work = max(1, sum(map(_computed, every(graph)))), max(1, _in_a_run(graph, _computed))
    if any(BY_CODE[code].effects.dear for g in every(graph) for code in set(g.op)):
        return -(-LEAST_DEAR_WORK // work)
    rows = -(-(LEAST_ROWS * nodes + LEAST_WORK) // work)
    return max(1, rows - ROWS_OF_A_CALL) if has_loop(graph) else rows


def step_pays(graph: Graph) -> bool:
    """Whether machine code of this graph pays where it runs a few hundred times."""
    return elements(graph, {}) >= STEP_ELEMENTS


def elements(graph: Graph, sizes: Mapping[str, int]) -> int:
    """About how many elements a run computes. sizes: the numbers of named sizes that are known."""

    def own(g: Graph) -> int:
        types = [g.type_of(i) for i, code in enumerate(g.op) if code not in (INPUT, CONST)]
        return sum(
            prod(sizes.get(n, NAMED) if isinstance(n, str) else n for n in t.shape)
            for t in types
            if isinstance(t, Type)
        )

    return _in_a_run(graph, own)


def _computed(graph: Graph) -> int:
    """How many nodes are computed."""
    return sum(code not in (INPUT, CONST) for code in graph.op)


def _in_a_run(graph: Graph, own: Callable[[Graph], int]) -> int:
    """What a run counts together, of which each graph has its own, at `STEPS` steps of each loop. Recursion only into
    nested graphs."""
    total = own(graph)
    for i, attrs in graph.attrs.items():
        steps = STEPS if graph.op[i] == LOOP else 1
        total += sum(_in_a_run(inner, own) for inner in nested(attrs).values()) * steps
    return total


@cache
def compiler_installed() -> bool:
    """Whether llvmlite is installed and its library loads: one for another system or a damaged one does not."""
    from .host import host  # with llvmlite

    try:
        host()
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def has_columns(graph: Graph) -> bool:
    """Whether a graph on numbers can be machine code over its columns, as far as its ops tell."""
    from cgcli.loop_nests.column_loop import is_supported

    return all(map(is_supported, set(graph.op))) and compiler_installed()


def columns_of(graph: Graph) -> ColumnGraph | None:
    """A graph on numbers as machine code over its columns; None where there is none. Whether that pays depends on the
    number of its nodes and of its runs (`scalar.executor`)."""
    if not has_columns(graph):
        return None
    from cgcli.loop_nests.form import Unsupported

    from .columns import ColumnGraph

    try:
        return ColumnGraph(graph)
    except Unsupported:
        return None


def nest_of(graph: Graph, batch: Batch | None = None) -> tuple[LoopNest, Graph]:
    """The loop nest of an optimised graph that machine code runs, and the graph whose nodes its statements name.

    batch: of a graph of many rows, cut over threads. The rows share one loop where all that they compute are numbers;
    else each row computes its own values, by its own loops, in memory of its own. Raises Unsupported where there is no
    nest.
    """
    from cgcli.loop_nests.form import Unsupported
    from cgcli.loop_nests.lower import lower
    from cgcli.loop_nests.rows import lower_rows
    from cgcli.loop_nests.shared_loops import share_loops
    from cgcli.optimise.driver import optimise

    if batch is None:
        return share_loops(lower(graph)), graph
    try:
        return lower(graph, rows=batch.size), graph
    except Unsupported:
        row = optimise(batch.row)
        return lower_rows(row, batch.flags, batch.size), row


def no_machine_code(graph: Graph, batch: Batch | None = None) -> str:
    """Why a graph has no machine code; empty where it has. batch: as in `nest_of`."""
    from cgcli.loop_nests.form import Unsupported
    from cgcli.optimise.driver import optimise

    try:
        nest_of(optimise(graph), batch)
    except Unsupported as e:
        return f"there is no machine code for {e}"
    return "" if compiler_installed() else "machine code needs the package llvmlite"
