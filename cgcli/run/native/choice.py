"""Where machine code of a graph's loops pays: by the graph and the number of rows alone.

Neither a clock nor the cache nor the number of cores decides, so that the digits of a result do not depend on them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.ops.number_kernels import has_loop
from cgcli.ops.table import BY_CODE

if TYPE_CHECKING:
    from cgcli.loop_nests.form import LoopNest

LEAST_WORK = 30_000_000
"""Nodes times rows that save the time for the imports and for a short graph (`benchmarks/rows.py --break-even`)."""
LEAST_ROWS = 75_000
"""Rows at which a node saves the time that it takes to compile."""
LEAST_DEAR_WORK = 4_000_000
"""Nodes times rows from which on machine code pays where the array kernels would import a library first."""


def least_rows(graph: Graph) -> int:
    """The number of rows from which on machine code of this graph of many rows pays, compiling included."""
    codes = [code for code in graph.op if code not in (INPUT, CONST)]
    nodes = max(1, len(codes))
    if any(BY_CODE[code].effects.dear for code in set(codes)):
        return -(-LEAST_DEAR_WORK // nodes)
    return LEAST_ROWS - (-LEAST_WORK // nodes)


@cache
def compiler_installed() -> bool:
    """Whether llvmlite is installed and its library loads: one for another system or a damaged one does not."""
    from .compile import host  # with the printer of machine code

    try:
        host()
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def nest_of(graph: Graph, rows: str | None) -> LoopNest:
    """The loop nest of a graph that machine code runs; rows: the name of the size whose loop is cut over threads.

    Raises Unsupported where there is none, and for loops, whose limits of steps and memory machine code does not keep.
    """
    from cgcli.loop_nests.form import Unsupported
    from cgcli.loop_nests.lower import lower

    if has_loop(graph):
        raise Unsupported("loops")
    return lower(graph, rows=rows)


def no_machine_code(graph: Graph, rows: str) -> str:
    """Why a graph of many rows, `rows` of them, has no machine code; empty where it has."""
    from cgcli.loop_nests.form import Unsupported
    from cgcli.optimise.driver import optimise

    try:
        nest_of(optimise(graph), rows)
    except Unsupported as e:
        return f"there is no machine code for {e}"
    return "" if compiler_installed() else "machine code needs the package llvmlite"
