"""The planned executor: a graph is planned once for each set of sizes and then run many times without looking at it.

The first run goes node by node in the planned order and notes what is called and how values lie in memory; later ones
run the calls alone, with results in memory that is kept. Values are those of `ArrayExecutor`, bit for bit, and so are
errors: the same calls in an order that keeps what may fail in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import CONST, INPUT, Graph, opcode
from cgcli.graph.plan import Plan
from cgcli.graph.traversal import live
from cgcli.graph.types import Stack, Type
from cgcli.ops.op import AssertionFailed, Op, Structured
from cgcli.ops.table import BY_CODE
from cgcli.plan.planner import plan
from cgcli.run.limits import Meter, StacksTooLarge, TooManySteps, limit_error, memory_limit, stack_value_bytes
from cgcli.run.sizes import bind_sizes, named_sizes

from .call_recorder import Untraceable, trace
from .codegen import Kit, Program
from .reference import DTYPES, STOPS, ArrayExecutor, Layout, Sizes, _given
from .scope import ALIGN, Note, Relayout, memory_of

_GET = opcode("get")
FIXED = 2**16  # bytes up to which a value that is the same at every run is kept
_STOP: tuple[type[Exception], ...] = (*STOPS, AssertionFailed, TooManySteps, StacksTooLarge, MemoryError)
LAYOUTS = 4  # sets of sizes, and of layouts for each, that a graph keeps programs and memory for


class PlannedExecutor:
    """As `ArrayExecutor`; it keeps memory between runs. Runs may overlap: each then has memory of its own."""

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        max_steps: int | None = None,
    ) -> None:
        self.graph = graph if roots is None else replace(graph, outputs=tuple(roots))
        self.max_memory = max_memory or memory_limit()
        self.max_steps = max_steps
        self._idle: list[_Run] = []
        self._named = named_sizes(graph)

    def forward(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The value of every root, else None. Raises CgError (status 1) at the node that stops the run."""
        graph = self.graph
        env = bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes
        env = {name: n for name, n in env.items() if name in self._named}  # an int that is no size changes no plan
        run = self._idle.pop() if self._idle else _Run(self)
        run.start(env)
        try:
            with np.errstate(all="ignore"):
                found = run.body(graph)(
                    [_given(x, graph.type_of(i)) for i, x in zip(graph.inputs, inputs, strict=True)]
                )
        finally:
            self._idle.append(run)
        v: list[Any] = [None] * len(graph)
        for i, x in zip(graph.outputs, found, strict=True):
            v[i] = x
        return v


class _Run:
    """What a run changes: what is left of its limits, and the bodies with their memory. Evaluates graphs of nodes."""

    def __init__(self, executor: PlannedExecutor) -> None:
        self.max_memory, self.max_steps = executor.max_memory, executor.max_steps
        self.meter = Meter(None, None)
        self.sizes: Sizes = {}
        self._bodies: dict[int, _Body] = {}

    def start(self, sizes: Sizes) -> None:
        self.meter = Meter(self.max_steps, self.max_memory)
        if sizes != self.sizes:
            self.sizes = sizes
            for body in self._bodies.values():
                body.resize()

    def body(self, graph: Graph) -> _Body:
        found = self._bodies.get(id(graph))
        if found is None:
            found = self._bodies[id(graph)] = _Body(self, graph)
        return found

    def __call__(self, graph: Graph, values: Sequence[Any]) -> tuple[Any, ...]:
        room = self.meter.bytes_left
        found = self.body(graph)(values)
        self.meter.bytes_left = room  # what loops inside kept is gone
        return found

    def stepped(self, body: Graph, written: Sequence[Any]) -> None:
        self.meter.step(body)
        if written:
            self.meter.reserve(sum(map(stack_value_bytes, written)))


class _Prepared:
    """A graph for one set of sizes and layouts of its inputs: what the first run noted, then its program."""

    def __init__(self) -> None:
        self.notes: dict[int, Note] = {}
        self.fixed: dict[int, Any] = {}
        self.program: Program | None = None


class _Body:
    """One graph: the outermost one, or one that a structured node holds."""

    def __init__(self, run: _Run, graph: Graph) -> None:
        self.run = run
        self.graph = graph
        self.reference = ArrayExecutor(graph, max_memory=run.max_memory)
        self.takes = [_taken_as(graph.type_of(i)) for i in graph.inputs]
        self.prepared: dict[Any, _Prepared] = {}
        self.by_sizes: dict[tuple[tuple[str, int], ...], tuple[Plan, Layout, dict[Any, _Prepared]]] = {}
        self.plan: Plan | None = None
        self.layout: Layout | None = None
        needed = live(graph, (*graph.outputs, *graph.asserts))
        self.constants = [i for i, code in enumerate(graph.op) if code == CONST and needed[i]]
        self.structured: dict[int, Callable[[list[Any]], Any]] = {}
        for i, code in enumerate(graph.op):
            if needed[i] and code not in (CONST, INPUT) and isinstance(BY_CODE[code].vjp, Structured) and code != _GET:
                self.structured[i] = _structured(BY_CODE[code], graph.attrs[i], graph.operands(i), run)

    def resize(self) -> None:
        """Forgets the plan: sizes are others now."""
        self.plan = None

    def __call__(self, values: Sequence[Any]) -> tuple[Any, ...]:
        if self.plan is None:
            self._resized()
        given = [
            x if type(x) is np.ndarray or take is None else take(x) for take, x in zip(self.takes, values, strict=True)
        ]
        key = tuple([x.strides if type(x) is np.ndarray else type(x) for x in given])
        prepared = self.prepared.get(key)
        if prepared is None:
            return self._first(key, given)
        if prepared.program is None:
            self._write(prepared)
        program = prepared.program
        assert program is not None
        v = program.template.copy()
        for i, x in zip(self.graph.inputs, given, strict=True):
            v[i] = x
        try:
            program.run(v)
        except Relayout as stop:
            self._finish(v, program.failed_at(stop))
        except _STOP as stop:
            raise self._stopped(program.failed_at(stop), stop, given) from None
        return tuple([v[i] for i in self.graph.outputs])

    # ---- preparing

    def _resized(self) -> None:
        key = tuple(sorted(self.run.sizes.items()))
        known = self.by_sizes.get(key)
        if known is None:
            if len(self.by_sizes) >= LAYOUTS:
                self.by_sizes.clear()
            layout = self.reference._layout(dict(self.run.sizes))
            known = self.by_sizes[key] = plan(self.graph, self.run.sizes), layout, {}
        self.plan, self.layout, self.prepared = known

    def _first(self, key: Any, given: Sequence[Any]) -> tuple[Any, ...]:
        """A run node by node in the planned order, which notes what it sees."""
        prepared = _Prepared()
        v: list[Any] = [None] * len(self.graph)
        for i, x in zip(self.graph.inputs, given, strict=True):
            v[i] = x
            prepared.notes[i] = _seen(x)
        self._steps(v, given, 0, prepared)
        if len(self.prepared) >= LAYOUTS:
            self.prepared.clear()
        self.prepared[key] = prepared
        return tuple(v[i] for i in self.graph.outputs)

    def _finish(self, v: list[Any], at: int) -> None:
        """The rest of a run behind node `at`, whose value lies otherwise than it did at the first run."""
        assert self.plan is not None
        self._steps(v, [v[i] for i in self.graph.inputs], self.plan.order.index(at) + 1, None)

    def _steps(self, v: list[Any], given: Sequence[Any], start: int, prepared: _Prepared | None) -> None:
        """Nodes one after the other from a step on; what they need is in `v`."""
        assert self.plan is not None
        assert self.layout is not None
        reference, layout, taken = self.reference, self.layout, self.layout.bytes
        order, gone = self.plan.order, self._gone()
        used = 0
        i = 0
        try:
            for i in self.constants:
                used += taken[i]
                if used > self.run.max_memory:
                    raise reference._too_large(i, layout, used)
                v[i] = reference._steps[i](v, layout, i)
                if prepared is not None:
                    prepared.notes[i] = _seen(v[i])
                    prepared.fixed[i] = v[i]
            for i in order[start:]:
                used += taken[i]
                if used > self.run.max_memory:
                    raise reference._too_large(i, layout, used)
                if i in self.structured:
                    v[i] = self.structured[i](v)
                    if prepared is not None:
                        prepared.notes[i] = _seen(v[i])
                elif prepared is None:
                    v[i] = reference._steps[i](v, layout, i)
                else:
                    self._noted(i, v, prepared)
                for x in gone.get(i, ()):
                    v[x] = None
                    used -= taken[x]
        except _STOP as stop:
            raise self._stopped(i, stop, given, used) from None

    def _gone(self) -> Mapping[int, Sequence[int]]:
        """After each node, the values that nobody reads any more."""
        assert self.plan is not None
        seen = {*self.graph.outputs, *self.graph.inputs, *self.constants}
        found: dict[int, list[int]] = {}
        for i in reversed(self.plan.order):
            for x in dict.fromkeys((i, *self.graph.operands(i))):
                if x not in seen:
                    found.setdefault(i, []).append(x)
                    seen.add(x)
        return found

    def _noted(self, i: int, v: list[Any], prepared: _Prepared) -> None:
        graph, layout = self.graph, self.layout
        assert layout is not None
        op, t = BY_CODE[graph.op[i]], graph.type_of(i)
        operands = graph.operands(i)
        attrs = layout.attrs.get(i, graph.attrs.get(i, {}))
        fixed = not op.may_fail and all(x in prepared.fixed for x in operands) and graph.op[i] != _GET
        noted = None
        plain = isinstance(t, Type) and not (t.is_int and op.grows) and not (t.weak and not t.shape)
        known = all(type(v[x]) is np.ndarray or (x in prepared.fixed and _is_number(v[x])) for x in operands)
        if isinstance(t, Type) and plain and known and operands and graph.op[i] != _GET:
            evaluate = _with_operands(op, t, [graph.type_of(x) for x in operands])
            try:
                y, noted = trace(evaluate, attrs, [v[x] for x in operands])
            except Untraceable:
                noted = None
        if noted is not None and isinstance(t, Type) and t.is_int and y.dtype.kind == "f":
            noted = None  # whether it is in the range of ints has to be looked at every time
        if noted is None:
            v[i] = self.reference._steps[i](v, layout, i)
            prepared.notes[i] = _seen(v[i])
        else:
            assert isinstance(t, Type)
            v[i] = np.asarray(y).astype(DTYPES[t.dtype], copy=False)
            prepared.notes[i] = _seen(v[i])._replace(trace=noted, fits=y.dtype == DTYPES[t.dtype])
        if fixed and self._is_small(i, v[i]):
            prepared.fixed[i] = v[i]

    def _is_small(self, i: int, x: Any) -> bool:
        """Whether a value that is the same at every run is kept: it is small and does not leave the run."""
        assert self.plan is not None
        return self.plan.last[i] < len(self.plan.order) and (_is_number(x) or getattr(x, "nbytes", FIXED) < FIXED)

    def _write(self, prepared: _Prepared) -> None:
        assert self.plan is not None
        assert self.layout is not None
        size = memory_of(self.plan)
        memory = None
        if 0 < size <= self.run.max_memory:
            memory = np.empty(size + ALIGN, dtype=np.uint8)
            start = -memory.ctypes.data % ALIGN
            memory = memory[start : start + size]
        kit = Kit(self.reference, self.layout, self.structured)
        prepared.program = Program(self.graph, self.plan, prepared.notes, prepared.fixed, kit, memory)

    # ---- what can go wrong

    def _stopped(self, i: int, stop: Exception, given: Sequence[Any], used: int = 0) -> CgError:
        """The error as the reference gives it."""
        layout = self.layout
        assert layout is not None
        if isinstance(stop, MemoryError):
            return self.reference._too_large(i, layout, used or layout.bytes[i])
        if isinstance(stop, (TooManySteps, StacksTooLarge)):
            return limit_error(self.graph, i, stop, (), self.run.max_steps, self.run.max_memory)
        if isinstance(stop, AssertionFailed):
            # the values that it names may be written over by now
            try:
                self.reference.forward(given, self.run.sizes)
            except CgError as again:
                return again
            raise AssertionError("a run that failed does not fail when it is repeated")
        return self.reference._stopped(i, stop)


def _taken_as(t: Any) -> Callable[[Any], Any] | None:
    """What makes an input an array of its type; None for what stays as it is."""
    if isinstance(t, Stack) or (t.weak and not t.shape):
        return None
    return lambda x: _given(x, t)


def _structured(op: Op, attrs: Mapping[str, Any], operands: tuple[int, ...], run: _Run) -> Callable[[list[Any]], Any]:
    evaluate = op.evaluate
    if op.name != "loop":
        return lambda v: evaluate(run, attrs, *[v[x] for x in operands])

    def counted(v: list[Any]) -> Any:
        steps, *results = evaluate(run, attrs, *[v[x] for x in operands])
        return np.asarray(steps, np.int64), *results

    return counted


def _seen(x: Any) -> Note:
    return Note(x.shape, x.strides) if type(x) is np.ndarray else Note((), None)


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float))


def _with_operands(op: Op, result: Type, types: Sequence[Any]) -> Callable[..., Any]:
    """The op's evaluation with its operands read as `ArrayExecutor` reads them."""
    evaluate = op.evaluate
    counts = [
        t.dtype == "bool" and result.dtype != "bool" and op.flow != "structural" if isinstance(t, Type) else False
        for t in types
    ]
    if any(counts):

        def counted(xp: Any, at: Any, *xs: Any) -> Any:
            return evaluate(xp, at, *[x.astype(np.int64) if c else x for x, c in zip(xs, counts, strict=True)])

        return counted
    if op.flow != "elementwise":
        return lambda xp, at, *xs: evaluate(xp, at, *[np.asarray(x) if _is_number(x) else x for x in xs])
    return evaluate
