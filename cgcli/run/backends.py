"""The backends that run a graph: plain numbers where they suffice, else arrays, whose library is loaded then.

What each backend has to offer is `Compiled`; see docs/backends.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import LOOP, SIZE, Graph
from cgcli.graph.types import Type
from cgcli.ops.interpreter import DEFAULT_LIMITS, Limits, Sizes
from cgcli.ops.number_kernels import is_scalar

from .scalar.executor import number_interpreter

if TYPE_CHECKING:
    from cgcli.graph.plan import Executor

BACKENDS = {
    "reference": "node by node as the program says, with NumPy",
    "numpy": "the optimised graph, planned: results in shared memory, large arrays block by block",
    "native": "the optimised graph as loops in machine code",
}


class Batch(NamedTuple):
    """The batch axis of a graph that computes many rows at once: its size's name, and how many rows there are."""

    size: str
    rows: int


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
    `Adaptive`). Raises CgError for an unknown backend, and for `native` where a graph has no machine code.
    """
    if backend is not None:
        check_backend(backend)
    if backend == "native":
        return _native(graph, limits, batch)
    if is_scalar(graph):
        return number_interpreter(graph, limits)
    if backend is not None:
        return _COMPILERS[backend](graph, limits)
    return _native_rows(graph, limits, batch) or Adaptive(graph, limits)


class BatchedGraph:
    """A graph of many rows, compiled for few rows and for many. size: the name of their number."""

    def __init__(self, graph: Graph, size: str, compile_: Callable[[Graph, Batch], Compiled]) -> None:
        from .native.choice import least_rows

        self._graph, self._size, self._compile = graph, size, compile_
        self.least_rows = least_rows(graph)
        self._by_speed: dict[bool, Compiled] = {}

    def compiled(self, rows: int) -> Compiled:
        """What computes a table of so many rows, memoised."""
        many = rows >= self.least_rows
        if many not in self._by_speed:
            self._by_speed[many] = self._compile(self._graph, Batch(self._size, rows))
        return self._by_speed[many]


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


def executors(graph: Graph, rows: Graph, size: str) -> tuple[Executor, ...]:
    """What runs a graph once, again, and for the rows of a table. rows: the graph of many rows, `size` of them."""
    from cgcli.graph.plan import Executor

    from .native.choice import least_rows, no_machine_code

    if is_scalar(graph):
        once = [Executor("a run", "numbers", "every value is a number: no array is worth its making")]
    elif LOOP in graph.op:
        once = [Executor("a run", "numpy", "the nodes of a loop run many times, so a plan pays at once")]
    else:
        once = [
            Executor("the first run", "reference", "a plan takes as long as some ten runs on small arrays"),
            Executor("each later run", "numpy", "by the plan above"),
        ]
    obstacle = no_machine_code(rows, size)
    if obstacle:
        return (*once, Executor("the rows of a table", "numpy", obstacle))
    least = f"{least_rows(rows)} rows"
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
    """The backend that suits the graph: a plan pays when its nodes run more than once.

    So `numpy` where there is a loop, whose body runs many times, and from the second run on; `reference` for the first
    run of a graph without loops.
    """

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self._graph, self._limits = graph, limits
        self._reference = None if LOOP in graph.op else _reference(graph, limits)
        self._planned: Compiled | None = None

    def __call__(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> Sequence[Any]:
        if self._reference is not None:
            reference, self._reference = self._reference, None
            return reference(inputs, sizes)
        if self._planned is None:
            self._planned = _planned(self._graph, self._limits)
        return self._planned(inputs, sizes)


def _reference(graph: Graph, limits: Limits) -> Compiled:
    from .numpy.reference import array_interpreter

    return array_interpreter(graph, limits)


def _planned(graph: Graph, limits: Limits) -> Compiled:
    if not all(isinstance(graph.type_of(i), Type) for i in graph.outputs):  # passes know no outputs of other kinds
        return _reference(graph, limits)
    from cgcli.optimise.driver import optimise  # a graph on numbers runs without the optimiser

    from .numpy.planned import PlannedGraph

    return PlannedGraph(optimise(graph), limits)


_COMPILERS = {"reference": _reference, "numpy": _planned}


def _native_rows(graph: Graph, limits: Limits, batch: Batch | None) -> Compiled | None:
    """A graph of so many rows as machine code; None where that does not pay or there is none."""
    if batch is None:
        return None
    from cgcli.loop_nests.form import Unsupported  # graphs that run once do without

    from .native.choice import compiler_installed, least_rows

    if batch.rows < least_rows(graph) or not compiler_installed():
        return None
    try:
        return _machine_code(graph, limits, batch)
    except Unsupported:
        return None


def _native(graph: Graph, limits: Limits, batch: Batch | None) -> Compiled:
    """A graph as machine code. Raises CgError where there is none."""
    from cgcli.loop_nests.form import Unsupported

    from .native.choice import compiler_installed

    if not compiler_installed():
        raise error("no-compiler")
    try:
        return _machine_code(graph, limits, batch)
    except Unsupported as e:
        raise error("no-machine-code", what=str(e)) from None


def _machine_code(graph: Graph, limits: Limits, batch: Batch | None) -> Compiled:
    from cgcli.optimise.driver import optimise

    from .native.executor import NativeGraph

    return NativeGraph(
        optimise(graph),
        lambda: number_interpreter(graph, limits) if is_scalar(graph) else _planned(graph, limits),
        limits,
        None if batch is None else batch.size,
    )
