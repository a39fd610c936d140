"""The backends that run a graph: plain numbers where they suffice, else arrays, whose library is loaded then.

What each backend has to offer is `Compiled`; see docs/backends.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import LOOP, SIZE, Graph
from cgcli.graph.traversal import every
from cgcli.graph.types import Type
from cgcli.ops.interpreter import DEFAULT_LIMITS, Limits, Sizes
from cgcli.ops.number_kernels import has_loop, is_scalar

from .scalar.executor import NumberGraph, least_runs, number_interpreter

if TYPE_CHECKING:
    from cgcli.graph.plan import Executor

    from .long_loops import Metered
    from .native.choice import Batch

BACKENDS = {
    "reference": "node by node as the program says, with NumPy",
    "numpy": "the optimised graph, planned: results in shared memory, large arrays block by block",
    "native": "the optimised graph as loops in machine code",
}


FEW_ROWS = 100
"""Rows of a file of numbers from which on arrays pay; fewer are runs of their own on Python's numbers."""


class Compiled(Protocol):
    """A graph made ready to run any number of times."""

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        """The values of the graph's outputs, which no later run changes. Asserts run even if no output needs them.

        inputs: a value for each input; sizes: the numbers of named sizes, None to take them from the inputs. Raises
        CgError (status 1) at the node that stops the run.
        """


def compile_graph(
    graph: Graph, limits: Limits = DEFAULT_LIMITS, backend: str | None = None, batch: Batch | None = None
) -> Compiled:
    """The graph made ready to run; who needs more nodes compiles `restrict(graph, nodes)`.

    Graphs on numbers alone run on Python's numbers unless the backend (`BACKENDS`) is `native`. Without a backend,
    graphs of many rows run as machine code, others on tensors by a plan, each where that pays (`native.choice`,
    `Adaptive`). How the rows of a table run does not change while it is read. Raises CgError for an unknown backend,
    and for `native` where a graph has no machine code.
    """
    if backend is not None:
        check_backend(backend)
    if backend == "native":
        return _native(graph, limits, batch)
    if backend is not None:
        return NumberGraph(graph, limits, compiles=False) if is_scalar(graph) else _COMPILERS[backend](graph, limits)
    if batch is not None:
        return _native_rows(graph, limits, batch) or _compiled(graph, limits, counts=False)
    return _long_loops(graph, limits) or _compiled(graph, limits)


def compile_step(graph: Graph, limits: Limits = DEFAULT_LIMITS, backend: str | None = None) -> Compiled:
    """A graph that runs hundreds of times, as a step of training does: as machine code where a run has enough work.

    That depends on the graph alone, never on earlier runs, so that a training that goes on has the digits of one that
    was not interrupted. Raises CgError as `compile_graph`.
    """
    from .native.choice import step_pays

    if backend is not None:
        return compile_graph(graph, limits, backend)
    code = _native_if_any(graph, limits) if step_pays(graph) else None
    return code or _compiled(graph, limits, counts=False)


class BatchedGraph:
    """A graph made for many rows of a table, and compiled for few rows and for many. Raises CgError where each row
    would have a seed of its own.

    row: the graph of one row; flags: which of its inputs have a value for each row.
    """

    def __init__(
        self, row: Graph, flags: Sequence[bool], limits: Limits = DEFAULT_LIMITS, backend: str | None = None
    ) -> None:
        from cgcli.graph.traversal import prune
        from cgcli.transform.batch import batch, fresh_size

        from .native.choice import Batch, least_rows

        row = prune(row)
        self.least_rows = least_rows(row)
        self.batch = Batch(fresh_size(row), 0, row, flags)
        self.graph = batch(row, flags, self.batch.size)
        self._limits, self._backend = limits, backend
        self._by_speed: dict[bool, Compiled] = {}

    def compiled(self, rows: int) -> Compiled:
        """What computes a table of so many rows, memoised."""
        many = rows >= self.least_rows
        if many not in self._by_speed:
            batch = self.batch._replace(rows=rows)
            self._by_speed[many] = compile_graph(self.graph, self._limits, self._backend, batch)
        return self._by_speed[many]


def runs_by_row(row: Graph, rows: int) -> bool:
    """Whether each row of a file of so many is a run of its own, with the digits that a single run has. row: the graph
    of one. Loops are left to machine code, f32 and i32 to arrays, which have such types."""
    is_short = any(isinstance(t, Type) and t.dtype in ("f32", "i32") for g in every(row) for t in g.types)
    return rows < FEW_ROWS and is_scalar(row) and not has_loop(row) and not is_short


def check_backend(name: str) -> str:
    """The name of a backend, unchanged. Raises CgError for an unknown name."""
    if name not in BACKENDS:
        raise error("unknown-backend", name=name, choices=sorted(BACKENDS))
    return name


def is_machine_code(compiled: Compiled) -> bool:
    """Whether a graph runs as machine code."""
    return getattr(compiled, "is_machine_code", False)


def tensor_of(graph: Graph, inputs: Sequence[Any] = (), sizes: Mapping[str, int] | None = None) -> Any:
    """The only output of a graph on tensors. Raises CgError as running it does."""
    return _reference(graph, DEFAULT_LIMITS)(inputs, sizes or {})[0]


def executors(graph: Graph) -> tuple[Executor, ...]:
    """What runs a graph once, again, and for the rows of a table, of which each has values for all inputs."""
    from cgcli.graph.plan import Executor

    from .native.choice import MANY_ELEMENTS, has_columns, no_machine_code, short_steps

    long = []
    work = "a run"
    if has_loop(graph) and not no_machine_code(graph):
        work = f"a run of up to {short_steps(graph)} steps of loops"
        long = [Executor("a longer run", "native", "machine code of a step takes a few nanoseconds a node")]
    if is_scalar(graph):
        once = [Executor(work, "numbers", "every value is a number: no array is worth its making"), *long]
        if (runs := least_runs(graph)) and has_columns(graph):
            reason = "one loop of machine code over the nodes gives the same digits"
            once = [*once[: runs - 1], Executor(f"from {runs} runs on" if runs > 1 else "a run", "native", reason)]
    elif has_loop(graph):
        once = [Executor(work, "numpy", "the nodes of a loop run many times, so a plan pays at once"), *long]
    else:
        once = [
            Executor("the first run", "reference", "a plan takes as long as some ten runs on small arrays"),
            Executor("each later run", "numpy", "by the plan above"),
        ]
        if not no_machine_code(graph):
            once.append(
                Executor(
                    "after many runs", "native", f"compiling pays once they have computed {MANY_ELEMENTS} elements"
                )
            )
    if runs_by_row(graph, 1):
        reason = "each row is a run of its own, as of single values"
        once.append(Executor(f"a file of fewer than {FEW_ROWS} rows", "numbers", reason))
    try:
        rows = BatchedGraph(graph, [True] * len(graph.inputs))
    except CgError:
        return (*once, Executor("the rows of a table", "none", "random numbers have one seed for all of its rows"))
    obstacle = no_machine_code(rows.graph, rows.batch)
    if obstacle:
        return (*once, Executor("the rows of a table", "numpy", obstacle))
    if rows.least_rows == 1:
        return (*once, Executor("the rows of a table", "native", "each row runs its own loops in machine code"))
    least = f"{rows.least_rows} rows"
    return (
        *once,
        Executor(f"tables of fewer than {least}", "numpy", "compiling would take longer than it saves"),
        Executor(f"tables from {least} on", "native", "one loop of machine code computes all values of a row"),
    )


def names_no_size(graph: Graph) -> bool:
    """Whether a graph can run before named sizes have numbers."""
    has_names = any(isinstance(d, str) for t in graph.types if isinstance(t, Type) for d in t.shape)
    return not has_names and SIZE not in graph.op


class Adaptive:
    """The backend that suits the graph: a plan pays when its nodes run more than once, machine code after many runs.

    So `numpy` where there is a loop, whose body runs many times, and from the second run on; `reference` for the first
    run of a graph without loops. `native` once all runs have computed `choice.MANY_ELEMENTS` together, if it `counts`
    them: digits may change then.
    """

    def __init__(self, graph: Graph, limits: Limits, counts: bool = True) -> None:
        self._graph, self._limits, self._counts = graph, limits, counts and not has_loop(graph)
        self._reference: Compiled | None = None if LOOP in graph.op else _reference(graph, limits)
        self._planned: Compiled | None = None
        self._left: int | None = None  # elements before machine code is tried, None where it is not
        self._elements: int | None = None  # those of a run, None where they depend on named sizes

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        if self._reference is not None:
            reference, self._reference = self._reference, None
            return reference(inputs, sizes)
        if self._planned is None:
            from .native.choice import MANY_ELEMENTS, elements

            self._planned = _planned(self._graph, self._limits)
            self._left = MANY_ELEMENTS if self._counts else None
            self._elements = elements(self._graph, {}) if self._counts and names_no_size(self._graph) else None
        elif self._left is not None:
            self._count(self._left, inputs, sizes)
        return self._planned(inputs, sizes)

    def _count(self, left: int, inputs: Sequence[Any], sizes: Sizes | None) -> None:
        """Counts the elements of a run, and compiles the graph where there have been many."""
        count = self._elements
        if count is None:
            from cgcli.ops.sizes import bind_sizes

            from .native.choice import elements

            numbers = bind_sizes(self._graph, self._graph.inputs, inputs) if sizes is None else sizes
            count = elements(self._graph, numbers)
        self._left = left - count
        if self._left < 0:
            self._left = None
            self._planned = _native_if_any(self._graph, self._limits) or self._planned


def _compiled(graph: Graph, limits: Limits, counts: bool = True) -> Compiled:
    """A graph on Python's numbers where these suffice, else on arrays. counts: as of `Adaptive`."""
    return NumberGraph(graph, limits) if is_scalar(graph) else Adaptive(graph, limits, counts)


def _long_loops(graph: Graph, limits: Limits) -> Compiled | None:
    """A graph that runs as machine code where its loops are long; None without loops, a compiler, or machine code.

    Machine code does not count steps, so a run with a limit of them has none.
    """
    if limits.steps is not None or not has_loop(graph):
        return None
    from .long_loops import LongLoops
    from .native.choice import short_steps

    def long() -> Compiled:
        return _native_if_any(graph, limits) or _compiled(graph, limits)

    steps = short_steps(graph)
    metered = limits._replace(steps=steps)
    short = number_interpreter(graph, metered) if is_scalar(graph) else _planned(graph, metered)
    return LongLoops(short, long, steps)


def _reference(graph: Graph, limits: Limits) -> Metered:
    from .numpy.reference import array_interpreter

    return array_interpreter(graph, limits)


def _planned(graph: Graph, limits: Limits) -> Metered:
    if not all(isinstance(graph.type_of(i), Type) for i in graph.outputs):  # passes know no outputs of other kinds
        return _reference(graph, limits)
    from cgcli.optimise.driver import optimise  # a graph on numbers runs without the optimiser

    from .numpy.planned import PlannedGraph

    return PlannedGraph(optimise(graph), limits)


_COMPILERS = {"reference": _reference, "numpy": _planned}


def _native_rows(graph: Graph, limits: Limits, batch: Batch) -> Compiled | None:
    """A graph of so many rows as machine code; None where that does not pay or there is none."""
    from .native.choice import least_rows  # graphs that run once do without

    return _native_if_any(graph, limits, batch) if batch.rows >= least_rows(batch.row) else None


def _native(graph: Graph, limits: Limits, batch: Batch | None) -> Compiled:
    """A graph as machine code. Raises CgError where there is none."""
    from cgcli.loop_nests.form import Unsupported

    from .native.choice import STRAIGHT_LINE, columns_of, compiler_installed

    if not compiler_installed():
        raise error("no-compiler")
    if batch is None and len(graph) > STRAIGHT_LINE and is_scalar(graph) and (columns := columns_of(graph)) is not None:
        return NumberGraph(graph, limits, compiles=False, columns=columns)
    try:
        return _machine_code(graph, limits, batch)
    except Unsupported as e:
        raise error("no-machine-code", what=str(e)) from None


def _native_if_any(graph: Graph, limits: Limits, batch: Batch | None = None) -> Compiled | None:
    """A graph as machine code; None where there is none."""
    from cgcli.loop_nests.form import Unsupported  # most graphs do without

    from .native.choice import compiler_installed

    if not compiler_installed():
        return None
    try:
        return _machine_code(graph, limits, batch)
    except Unsupported:
        return None


def _machine_code(graph: Graph, limits: Limits, batch: Batch | None) -> Compiled:
    """A graph as machine code. Raises Unsupported where there is none."""
    from cgcli.loop_nests.form import Unsupported
    from cgcli.optimise.driver import optimise

    from .native.executor import NativeGraph

    if limits.steps is not None and has_loop(graph):
        raise Unsupported("a limit of steps")
    if not all(isinstance(graph.type_of(i), Type) for i in graph.outputs):
        raise Unsupported("results of loops as a whole")
    return NativeGraph(
        optimise(graph),
        lambda: _compiled(graph, limits),
        limits,
        batch,
    )
