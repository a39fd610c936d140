"""Runs by a plan: a graph is planned once for each set of sizes and then run many times without looking at it.

The first run goes node by node in the planned order and records its calls and the strides of values; later ones run
compiled code with these calls, with results in memory that stays between runs. Values are those of the interpreter, bit
for bit, and so are errors: the same calls, and those that may fail in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import CONST, GET, NONE, Graph
from cgcli.graph.plan import Plan
from cgcli.graph.types import AnyType, Type
from cgcli.ops.array_kernels import DTYPES, ArrayKernels, input_array, loses_range
from cgcli.ops.failures import AssertionFailed, Stop, failure
from cgcli.ops.interpreter import DEFAULT_LIMITS, Kernel, Limits, Runner, Sizes, walk
from cgcli.ops.limits import Meter, memory_limit
from cgcli.ops.op import Op
from cgcli.ops.sizes import bind_sizes, named_sizes
from cgcli.ops.table import BY_CODE
from cgcli.plan.memory import last_uses
from cgcli.plan.planner import plan

from .call_recorder import ArrayFunction, Unrecordable, record_calls
from .codegen import CompiledPlan, PlanCompiler
from .reference import array_interpreter
from .scope import ALIGN, NodeRecord, Recording, Relayout, persistent_bytes

if TYPE_CHECKING:
    from cgcli.ops.array_kernels import NumPyArray

MAX_INVARIANT_BYTES = 2**16  # up to which a value that is the same at every run is stored
Layout = tuple[tuple[int, ...] | type, ...]
"""Of each input the strides, or the type of what is no array."""
MAX_CACHED = 4  # sets of sizes, and of input strides for each, that a graph has compiled code and memory for


class PlannedGraph:
    """A graph made ready to run by a plan; it keeps memory between runs. Runs may overlap: each then has memory of its
    own. meter: what the last run had left."""

    def __init__(self, graph: Graph, limits: Limits = DEFAULT_LIMITS) -> None:
        self.graph, self.limits = graph, limits
        self._idle: list[_RunState] = []
        self._size_names = named_sizes(graph)
        self.meter = Meter(limits.steps, limits.memory)

    def __call__(self, inputs: Sequence[object], sizes: Sizes | None = None) -> Sequence[object]:
        """The values of the outputs. Raises CgError (status 1) at the node that stops the run."""
        graph = self.graph
        env = bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes
        env = {name: n for name, n in env.items() if name in self._size_names}  # not ints that are no sizes
        run = self._idle.pop() if self._idle else _RunState(self.limits)
        run.start(env)
        self.meter = run.meter
        try:
            with np.errstate(all="ignore"):
                return run.body(graph)(
                    [input_array(x, graph.type_of(i)) for i, x in zip(graph.inputs, inputs, strict=True)]
                )
        finally:
            self._idle.append(run)


class _RunState(Runner):
    """The state of a run: its limits, and the bodies with their memory. Runs the graphs in structured nodes by plan."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits, self.max_memory = limits, limits.memory or memory_limit()
        self.sizes: Sizes = {}
        self._bodies: dict[int, _Body] = {}

    def start(self, sizes: Sizes) -> None:
        self.meter = Meter(self.limits.steps, self.limits.memory)
        if sizes != self.sizes:
            self.sizes = sizes
            for body in self._bodies.values():
                body.plan = None

    def body(self, graph: Graph) -> _Body:
        body = self._bodies.get(id(graph))
        if body is None:
            body = self._bodies[id(graph)] = _Body(self, graph)
        return body

    def results(self, graph: Graph, values: Sequence[object]) -> Sequence[object]:
        return self.body(graph)(values)


@dataclass
class _Specialisation(Recording):
    """A graph for one set of sizes and strides of its inputs: what the first run recorded, then compiled code."""

    compiled: CompiledPlan | None = None


class _Body:
    """One graph: the outermost one, or one that a structured node holds."""

    def __init__(self, run: _RunState, graph: Graph) -> None:
        self.run = run
        self.graph = graph
        self.kernels = ArrayKernels(graph, run, run.max_memory)
        self.converters = [_input_converter(graph.type_of(i)) for i in graph.inputs]
        self.specialisations: dict[Layout, _Specialisation] = {}
        self.by_sizes: dict[tuple[tuple[str, int], ...], tuple[Plan, dict[Layout, _Specialisation]]] = {}
        self.plan: Plan | None = None  # None after sizes have changed
        self.constants = [i for i in self.kernels.order if graph.op[i] == CONST]

    def __call__(self, values: Sequence[object]) -> tuple[object, ...]:
        if self.plan is None:
            self._bind_sizes()
        inputs = [
            x if type(x) is np.ndarray or convert is None else convert(x)
            for convert, x in zip(self.converters, values, strict=True)
        ]
        key = tuple([x.strides if type(x) is np.ndarray else type(x) for x in inputs])
        spec = self.specialisations.get(key)
        if spec is None:
            return self._record_run(key, inputs)
        if spec.compiled is None:
            self._compile(spec)
        compiled = spec.compiled
        assert compiled is not None
        v = compiled.template.copy()
        for i, x in zip(self.graph.inputs, inputs, strict=True):
            v[i] = x
        try:
            compiled.run(v)
        except Relayout as stop:
            self._finish(v, compiled.failed_at(stop))
        except (Stop, MemoryError) as stop:
            raise self._error(compiled.failed_at(stop), stop, inputs) from None
        return tuple([v[i] for i in self.graph.outputs])

    # ---- recording and compiling

    def _bind_sizes(self) -> None:
        self.kernels.bind(dict(self.run.sizes))
        key = tuple(sorted(self.run.sizes.items()))
        entry = self.by_sizes.get(key)
        if entry is None:
            if len(self.by_sizes) >= MAX_CACHED:
                self.by_sizes.clear()
            entry = self.by_sizes[key] = plan(self.graph, self.run.sizes), {}
        self.plan, self.specialisations = entry

    def _record_run(self, key: Layout, inputs: Sequence[object]) -> tuple[object, ...]:
        """The outputs of a run node by node in the planned order, which is recorded."""
        spec = _Specialisation()
        v: list[object] = [None] * len(self.graph)
        for i, x in zip(self.graph.inputs, inputs, strict=True):
            v[i] = x
            spec.records[i] = _record_of(x)
        self._run_nodes(v, inputs, 0, spec)
        if len(self.specialisations) >= MAX_CACHED:
            self.specialisations.clear()
        self.specialisations[key] = spec
        return tuple(v[i] for i in self.graph.outputs)

    def _finish(self, v: list[object], node: int) -> None:
        """The rest of a run behind `node`, whose value has other strides than at the first run."""
        assert self.plan is not None
        self._run_nodes(v, [v[i] for i in self.graph.inputs], self.plan.order.index(node) + 1, None)

    def _run_nodes(self, v: list[object], inputs: Sequence[object], start: int, spec: _Specialisation | None) -> None:
        """Interprets the nodes from step `start` of the order on; their operands are in `v`. spec: records them."""
        assert self.plan is not None
        kernels = self.kernels
        dying = last_uses(self.graph, self.plan.order, (*self.graph.outputs, *self.graph.inputs, *self.constants))
        order = [*self.constants, *self.plan.order[start:]]
        kernels.used = 0
        kernels.table = {
            i: kernels.counted(kernels.plain[i] if spec is None else self._recording(i, spec), dying.get(i, ()))
            for i in order
        }
        try:
            walk(self.graph, kernels, v, order)
        except CgError as e:
            raise self._repeated(inputs) if isinstance(e.__cause__, AssertionFailed) else e from None

    def _recording(self, i: int, spec: _Specialisation) -> Kernel:
        """The kernel of node `i`, which records what it computes."""
        graph, binding, plain = self.graph, self.kernels.binding, self.kernels.plain[i]
        op, t, is_get = BY_CODE[graph.op[i]], graph.type_of(i), graph.op[i] == GET
        operands = graph.operands(i)
        attrs = binding.attrs.get(i, graph.attrs.get(i, {}))
        unchecked = isinstance(t, Type) and not (t.is_int and op.effects.may_overflow) and not (t.weak and not t.shape)

        def kernel(v: list[object], *_: object) -> object:
            invariant = all(x in spec.invariants for x in operands) and not is_get
            fixed = all(type(v[x]) is np.ndarray or (x in spec.invariants and _is_number(v[x])) for x in operands)
            value: object = None
            if isinstance(t, Type) and unchecked and fixed and operands and not is_get:
                evaluate = _evaluate_converted(op, t, [graph.type_of(x) for x in operands])
                with suppress(Unrecordable):
                    y, calls = record_calls(evaluate, attrs, [v[x] for x in operands])
                    if not loses_range(y.dtype, t):  # the range of ints has to be checked at every run
                        value = np.asarray(y).astype(DTYPES[t.dtype], copy=False)
                        spec.records[i] = _record_of(value)._replace(calls=calls, fits=y.dtype == DTYPES[t.dtype])
            if value is None:
                value = plain(v, i, NONE, NONE, graph.more)
                spec.records[i] = _record_of(value)
            if op.code == CONST or (invariant and self._is_small(i, value)):
                spec.invariants[i] = value
            return value

        return kernel

    def _is_small(self, i: int, x: object) -> bool:
        """Whether an invariant value is worth storing: it is small and does not leave the run."""
        assert self.plan is not None
        return self.plan.last[i] < len(self.plan.order) and (
            _is_number(x) or getattr(x, "nbytes", MAX_INVARIANT_BYTES) < MAX_INVARIANT_BYTES
        )

    def _compile(self, spec: _Specialisation) -> None:
        assert self.plan is not None
        size = persistent_bytes(self.plan)
        memory = None
        if 0 < size <= self.run.max_memory:
            memory = np.empty(size + ALIGN, dtype=np.uint8)
            start = -memory.ctypes.data % ALIGN
            memory = memory[start : start + size]
        spec.compiled = PlanCompiler(self.kernels, self.plan, spec, memory).compile_plan()

    # ---- errors

    def _error(self, i: int, stop: Stop | MemoryError, inputs: Sequence[object]) -> CgError:
        """The same error as that of the reference."""
        if isinstance(stop, MemoryError):
            self.kernels.used = self.kernels.binding.bytes[i]
            stop = self.kernels.too_large(i)
        return self._repeated(inputs) if isinstance(stop, AssertionFailed) else failure(self.graph, i, stop)

    def _repeated(self, inputs: Sequence[object]) -> CgError:
        """The error of a run that failed, by the reference: the values that it names may be overwritten by now."""
        try:
            array_interpreter(self.graph, self.run.limits)(inputs, self.run.sizes)
        except CgError as e:
            return e
        raise AssertionError("a run that failed does not fail when it is repeated")


def _input_converter(t: AnyType) -> Callable[[object], object] | None:
    """The conversion of an input to an array of its type; None for no conversion."""
    if not isinstance(t, Type) or (t.weak and not t.shape):
        return None
    return lambda x: input_array(x, t)


def _record_of(x: object) -> NodeRecord:
    return NodeRecord(x.shape, x.strides) if type(x) is np.ndarray else NodeRecord((), None)


def _is_number(x: object) -> bool:
    return isinstance(x, (int, float))


def _evaluate_converted(op: Op, result: Type, types: Sequence[AnyType]) -> ArrayFunction:
    """The op's evaluation with its operands converted as the interpreter converts them."""
    evaluate = op.evaluate
    converts_bools = result.dtype != "bool" and op.derivative.flow != "structural"
    bools_to_ints = [converts_bools and isinstance(t, Type) and t.dtype == "bool" for t in types]
    if any(bools_to_ints):

        def with_ints(xp: object, attrs: object, *xs: NumPyArray) -> object:
            converted = [x.astype(np.int64) if c else x for x, c in zip(xs, bools_to_ints, strict=True)]
            return evaluate(xp, attrs, *converted)

        return with_ints
    if not op.is_elementwise:
        return lambda xp, attrs, *xs: evaluate(xp, attrs, *[np.asarray(x) if _is_number(x) else x for x in xs])
    return evaluate
