"""Programs in dynamic mode: each run makes the graph, as a record of what it computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.diagnostics.diagnostic import Diagnostic
from cgcli.dynamic.eager import Interpreter
from cgcli.dynamic.run_log import RunLog
from cgcli.dynamic.structured import plain_data
from cgcli.files.source_files import Files
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Input, Module
from cgcli.graph.sizes import Shape, evaluate
from cgcli.graph.types import ANY, Type
from cgcli.language.dynamic import Execution, outline
from cgcli.language.regions import Value
from cgcli.language.structures import Structure, leaves
from cgcli.render.trace import Line

from .format_event import format_event
from .program import Program, Values
from .results import Gradient

if TYPE_CHECKING:
    from cgcli.dynamic.loop_steps import LoopSteps


class Run(NamedTuple):
    """A run that is about to begin: its interpreter, the inputs with their sizes in numbers, the values by name."""

    interpreter: Interpreter
    inputs: Mapping[str, Input]
    values: Values


class RunProgram(Program):
    """A program whose graph each run makes anew. Questions about the graph are answered by the record of a run."""

    def __init__(self, module: Module, lower_for: Callable[[Mapping[str, Shape]], Module]) -> None:
        super().__init__(module)
        self.mode = "dynamic"
        self._lower_for = lower_for

    def record(self, values: Values) -> Recorded:
        """A run. Raises CgError for mistakes in the program and for errors of the run."""
        raise NotImplementedError

    def for_shapes(self, values: Values) -> Program:
        return self.record(values)

    def in_dynamic_mode(self) -> Program:
        return self

    def bound_by_name(self, values: Values) -> dict[str, Any]:
        return self.bound_inputs(values)[1]

    def bound_inputs(self, values: Values) -> tuple[dict[str, Input], dict[str, Any], Mapping[str, int]]:
        """The inputs with sizes in numbers, their values, and the sizes. Raises CgError for values that do not fit."""
        program = super().for_shapes(values)
        bound = program.bind_inputs(values)
        sizes: Mapping[str, int] = {}
        if any(isinstance(size, str) for i in program.inputs for size in i.type.shape):
            from cgcli.ops.sizes import bind_sizes

            sizes = bind_sizes(program.graph, program.graph.inputs, bound)
        by_name = {i.name: x for i, x in zip(program.inputs, bound, strict=True)}
        return {i.name: _sized(i, sizes) for i in program.inputs}, by_name, sizes

    def _record(
        self, module: Module, v: list[Any], values: Values, structures: Mapping[str, Value | Structure] | None = None
    ) -> Recorded:
        """The record of a run on these values."""
        record = Recorded(module, v, structures or {}, self, values)
        record.take_limits(self)
        return record


class DynamicProgram(RunProgram):
    """A `.cg` program in dynamic mode. why: the error of static mode, None where dynamic mode was asked for."""

    def __init__(self, files: Files, why: Diagnostic | None) -> None:
        super().__init__(outline(files), lambda shapes: outline(files, shapes))
        self.files = files
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return DynamicProgram, (self.files.with_texts(self.module.imports), self.why), self.settings

    def record(self, values: Values) -> Recorded:
        return self.execute(self.prepare(values))

    def recorded_with_steps(self, values: Values) -> tuple[Recorded, LoopSteps]:
        from cgcli.dynamic.loop_steps import LoopSteps  # for explanations alone

        steps = LoopSteps()
        return self.execute(self.prepare(values, RunLog(steps.add))), steps

    def trace(self, values: Values, tell: Callable[[Line], None]) -> Recorded:
        """A run that calls `tell` with each line when it has run."""
        log = RunLog(lambda event: tell(format_event(event, log, run.interpreter.tape.v)))
        run = self.prepare(values, log)
        return self.execute(run)

    def prepare(self, values: Values, log: RunLog | None = None) -> Run:
        """A run that is ready to begin. Raises CgError for values that are missing or do not fit."""
        inputs, by_name, sizes = self.bound_inputs(values)
        limits = self.max_nodes, self.max_memory, self.max_steps
        return Run(Interpreter(by_name, sizes, *limits, log, self.max_depth), inputs, by_name)

    def execute(self, run: Run) -> Recorded:
        """Runs. Raises CgError; what was computed before is on the run's tape."""
        return self.recorded_run(run, Execution(self.files, run.interpreter, run.inputs).module())

    def recorded_run(self, run: Run, module: Module) -> Recorded:
        """The record of a run that has come to its end. module: the graph of what it computed."""
        return self._record(module, run.interpreter.tape.v, run.values, run.interpreter.structures)


class Recorded(Program):
    """The record of a run as a program of its own: straight-line code. Its inputs have their values.

    structures: the data of inputs of type `any`, whose numbers are inputs named by their paths. origin, values: the
    program that was run, and on what.
    """

    def __init__(
        self,
        module: Module,
        v: list[Any],
        structures: Mapping[str, Value | Structure],
        origin: RunProgram,
        values: Values,
    ) -> None:
        graph = module.graph
        # data that are one number or one tensor have it as their only part
        declared = {i.name: i for i in module.inputs if i.type != ANY}
        parts = {graph.names[i]: i for i in graph.inputs}
        inputs = tuple(declared.get(name) or _part(module, name, i) for name, i in parts.items())
        super().__init__(replace(module, inputs=inputs, values={**parts, **module.values}))
        self.v = v
        self.structures = structures
        self.origin, self.values = origin, values

    def __reduce__(self) -> tuple[Any, ...]:
        return _record, (self.origin, self.values)

    def for_shapes(self, values: Values) -> Program:
        return self

    def bind_inputs(self, values: Values) -> list[Any]:
        return [self.v[i] for i in self.graph.inputs]

    def node_values(self, nodes: Sequence[int], values: Values) -> Sequence[Any]:
        return [self.v[i] for i in nodes]

    def swept_values(self, of: int, values: Values) -> list[Any]:
        return self.v

    def gradient(self, values: Values, of: str | None, wrt: Sequence[str] | None, every: bool = False) -> Gradient:
        """As of other programs; that by structured data has their shape, with None where there is no number."""
        parts = {n: [self.graph.names[v.node] for v in leaves(data)] for n, data in self.structures.items()}
        name_of_part = {part: name for name, every_part in parts.items() for part in every_part}
        gradient = super().gradient(values, of, wrt, every)
        by_node = {self.module.values[n]: g for n, g in gradient.partials.items()}
        requested = set(wrt or ())
        partials: dict[str, Any] = {}
        for name, g in gradient.partials.items():
            record = name_of_part.get(name)
            if record is None or name in requested:
                partials[name] = g
            elif record not in partials:
                partials[record] = plain_data(self.structures[record], by_node)
        return Gradient(gradient.of, gradient.value, partials)

    def flat_gradient(self, values: Values, of: str | None, wrt: Sequence[str] | None) -> Gradient:
        return super().gradient(values, of, wrt)

    def _value_at(self, of: str, k: int, x: Any, point: Sequence[Any]) -> float:
        """The value of `of` for another value of input `k`: by a run of its own, which may take other branches."""
        name, node = self.inputs[k].name, self.graph.inputs[k]
        changed = {name: x}
        for record, data in self.structures.items():
            if any(v.node == node for v in leaves(data)):
                numbers = {v.node: x if v.node == node else self.v[v.node] for v in leaves(data)}
                changed = {record: plain_data(data, numbers, texts=True)}
        run = self.origin.record({**self.values, **changed})
        return float(run.v[run.module.values[of]])

    def type_of(self, name: str) -> Type:
        data = self.structures.get(name)
        return super().type_of(name) if data is None or isinstance(data, Value) else ANY

    def derivative_names(self, wrt: Sequence[str] | None) -> list[str]:
        """Inputs, or the given names; of structured data the numbers in them."""
        if wrt is not None:
            names = [identifier(n) for n in wrt]
            structures = {n: data for n, data in self.structures.items() if n in names}
            parts = {n: [v for v in leaves(data) if v.type.has_derivative] for n, data in structures.items()}
            flat = [[self.graph.names[v.node] for v in parts[n]] if n in parts else [n] for n in names]
            return super().derivative_names([n for part in flat for n in part])
        return [i.name for i in self.inputs if i.type.has_derivative]


def _record(program: RunProgram, values: Values) -> Recorded:
    return program.record(values)


def _sized(declared: Input, sizes: Mapping[str, int]) -> Input:
    """The declaration with sizes in numbers."""
    return replace(declared, type=declared.type._replace(shape=tuple(evaluate(d, sizes) for d in declared.type.shape)))


def _part(module: Module, name: str, node: int) -> Input:
    graph = module.graph
    span = graph.spans[graph.span[node]] if graph.span[node] >= 0 else None
    t = graph.type_of(node)
    assert isinstance(t, Type)
    # a whole number in data is a literal, whose derivative is asked of it as of a float
    return Input(name, type=Type("float", t.shape) if t.weak else t, span=span)
