"""A graph run node by node: one walk, over kernels for numbers or for arrays, within the limits of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from cgcli.graph.graph import Graph

from .failures import Stop, failure
from .limits import Meter, stack_value_bytes

Kernel = Callable[[list[Any], int, int, int, Mapping[int, tuple[int, ...]]], object]
"""`kernel(v, i, a, b, more)`: the value of node `i` from the values `v` of its operands, which the columns name."""
Sizes = Mapping[str, int]
Observer = Callable[[Graph, int, Sequence[object]], None]
"""`observer(body, step, carries)`: a step of the loop with this body is over, with these values of its carries."""


class Limits(NamedTuple):
    """memory: the bytes that values, and the stacks of loops, may take together. steps: how many steps the loops of a
    run may run together. None: the default, and no limit."""

    memory: int | None = None
    steps: int | None = None


DEFAULT_LIMITS = Limits()


class Kernels(Protocol):
    """Kernels for the nodes of one graph, on one kind of value."""

    @property
    def order(self) -> Sequence[int]:
        """The nodes that a run computes, in topological order."""

    @property
    def table(self) -> Any:
        """A kernel for each kind of node."""

    @property
    def kinds(self) -> Sequence[int]:
        """The kind of each node."""

    @property
    def sizes(self) -> Sizes:
        """The numbers of named sizes in the run that began last."""

    def begin(self, inputs: Sequence[object], sizes: Sizes | None) -> list[object]:
        """An entry for each node of the graph, with the values of the inputs. sizes: None to take them from the inputs.

        Raises CgError where sizes are not those of the inputs.
        """

    def nested(self, graph: Graph, runner: Runner) -> Kernels:
        """Kernels of the same kind for a graph that a structured node holds."""

    def context(self) -> AbstractContextManager[None]:
        """Within it the nodes are computed: how the library of the values treats infinities and NaN."""

    def too_large(self, i: int) -> Stop | None:
        """The stop of a run without memory for the value of node `i`; None where the MemoryError is to be raised."""


K = TypeVar("K", bound=Kernels)


class Interpreter(Generic[K]):
    """A graph made ready to be run any number of times, node by node.

    make_kernels: its kernels, given the runner of nested graphs. observer: is called with each step of a loop whose
    nodes are interpreted, as all are unless kernels compile loops. It is the reference: every other way to run a graph
    gives the same values and the same errors.
    """

    def __init__(
        self,
        graph: Graph,
        make_kernels: Callable[[Graph, Runner], K],
        limits: Limits = DEFAULT_LIMITS,
        observer: Observer | None = None,
    ) -> None:
        self.graph = graph
        self.limits = limits
        self.runner = Runner()
        self.runner.observer = observer
        self.kernels = make_kernels(graph, self.runner)
        self.runner.kernels = self.kernels

    @property
    def meter(self) -> Meter:
        """What the last run had left."""
        return self.runner.meter

    def run(self, inputs: Sequence[object], sizes: Sizes | None = None) -> list[Any]:
        """The values of the nodes that were computed and still had a reader, or are outputs; None for the others.

        Raises CgError (status 1) at the node that stops the run.
        """
        self.runner.meter = Meter(self.limits.steps, self.limits.memory)
        v = self.kernels.begin(inputs, sizes)
        with self.kernels.context():
            walk(self.graph, self.kernels, v)
        return v

    def __call__(self, inputs: Sequence[object], sizes: Sizes | None = None) -> list[Any]:
        """The values of the outputs. Raises CgError as `run` does."""
        v = self.run(inputs, sizes)
        return [v[i] for i in self.graph.outputs]


def walk(graph: Graph, kernels: Kernels, v: list[object], order: Sequence[int] | None = None) -> None:
    """Computes the nodes of `order` (all that the kernels are for) into `v`. Raises CgError where one stops the run."""
    a, b, more = graph.a, graph.b, graph.more
    table, kinds = kernels.table, kernels.kinds
    i = 0
    try:
        for i in kernels.order if order is None else order:
            v[i] = table[kinds[i]](v, i, a[i], b[i], more)
    except Stop as stop:
        raise failure(graph, i, stop, v) from stop
    except MemoryError:
        memory_stop = kernels.too_large(i)
        if memory_stop is None:
            raise
        raise failure(graph, i, memory_stop, v) from None


class Runner:
    """Runs the graphs that structured nodes hold, and counts the steps of their loops.

    meter: what the whole run has left.
    """

    kernels: Kernels

    def __init__(self) -> None:
        self.meter = Meter(None, None)
        self.observer: Observer | None = None
        self._nested: dict[int, tuple[Graph, Kernels]] = {}

    def __call__(self, graph: Graph, values: Sequence[object]) -> Sequence[object]:
        """The results of a graph."""
        bytes_left = self.meter.bytes_left
        results = self.results(graph, values)
        self.meter.bytes_left = bytes_left  # the stacks of loops inside are freed
        return results

    def results(self, graph: Graph, values: Sequence[object]) -> Sequence[object]:
        """The results of a graph, whose nodes are interpreted."""
        v = self.values(graph, values)
        return tuple([v[i] for i in graph.outputs])

    def values(self, graph: Graph, values: Sequence[object]) -> list[object]:
        """The values of the nodes of a graph."""
        kernels = self.nested(graph)
        v = kernels.begin(values, self.kernels.sizes)
        walk(graph, kernels, v)
        return v

    def nested(self, graph: Graph) -> Kernels:
        """The kernels of a nested graph, memoised."""
        entry = self._nested.get(id(graph))
        if entry is None:
            entry = self._nested[id(graph)] = graph, self.kernels.nested(graph, self)
        return entry[1]

    def stepped(self, body: Graph, step: int, results: Sequence[object], carries: int) -> None:
        """Counts a step of a loop and the bytes that it leaves on stacks. Raises TooManySteps and StacksTooLarge."""
        self.meter.step(body)
        if self.observer is not None:
            self.observer(body, step, results[:carries])
        written = results[carries:]
        if written:
            self.meter.reserve(sum(map(stack_value_bytes, written)))
