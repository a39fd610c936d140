"""A program: evaluation, derivatives, plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error, unknown_name
from cgcli.diagnostics.source import Source
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import identifier, plain_number
from cgcli.graph.signature import Input, Module
from cgcli.graph.traversal import live, restrict
from cgcli.graph.types import Type
from cgcli.ops.interpreter import Interpreter, Limits
from cgcli.ops.number_kernels import NumberKernels, has_loop, is_scalar
from cgcli.ops.numbers import unsigned_zero
from cgcli.run.backends import Compiled, compile_graph, tensor_of
from cgcli.run.binding import extent, fit, initialised, plain, require, within
from cgcli.run.scalar.executor import number_interpreter

Values = Mapping[str, Any]
"""By input a number, or an array or nested lists of numbers."""


if TYPE_CHECKING:
    from cgcli.analysis.differences import Check
    from cgcli.graph.evaluation import Evaluation
    from cgcli.graph.plan import Compilation
    from cgcli.graph.sizes import Shape
    from cgcli.run.scalar.sweep import Sweep

P = ParamSpec("P")
R = TypeVar("R")


def _for_shapes(method: Callable[Concatenate[Program, Values, P], R]) -> Callable[Concatenate[Program, Values, P], R]:
    """Runs a method on the program as the shapes of the values want it, where a declaration leaves axes open."""

    @wraps(method)
    def call(program: Program, values: Values, /, *args: P.args, **options: P.kwargs) -> R:
        return method(program.for_shapes(values), values, *args, **options)

    return call


@dataclass(frozen=True)
class Gradient:
    """The value of `of` and its derivative by each name, in that one's shape; zero where it does not depend on it."""

    of: str
    value: Any
    partials: dict[str, Any]


Mode = Literal["static", "dynamic"]


class Program:
    """A program and the graph that it defines."""

    def __init__(self, module: Module, lower_for: Callable[[Mapping[str, Shape]], Module] | None = None) -> None:
        self.module = module
        self.mode: Mode = "static"
        self.why: Diagnostic | None = None  # why the program needs the dynamic mode
        self._lower_for = lower_for
        self._by_axes: dict[tuple[tuple[str, Shape], ...], Program] = {}
        self.graph: Graph = module.graph
        self.inputs: tuple[Input, ...] = module.inputs
        self.outputs: tuple[str, ...] = module.outputs
        self.warnings: tuple[Diagnostic, ...] = module.warnings
        self.doc = ""  # its author's description
        self.seed = 0
        self.max_memory: int | None = None
        self.max_steps: int | None = None
        self.max_nodes: int | None = None
        self.max_depth: int | None = None
        self.backend: str | None = None
        self._by_nodes: dict[tuple[int, ...], Compiled] = {}
        self.by_columns: dict[tuple[tuple[str, ...], tuple[str, ...]], Compiled] = {}  # for the rows of tables
        self._sweep_by_node: dict[int, tuple[Interpreter[NumberKernels], Sweep]] = {}
        self._derivatives: dict[tuple[int, ...], Compiled] = {}  # graphs of derivatives, by what they compute
        self._checkpointed: set[tuple[int, ...]] = set()  # those whose loops compute steps again

    def input(self, name: str) -> Input:
        """The declaration of an input. Raises CgError for an unknown name."""
        name = identifier(name)
        if name not in self._declared:
            raise error("unknown-input", **unknown_name(name, self._declared))
        return self._declared[name]

    def parse_value(self, name: str, text: str) -> Any:
        """The value of an input given as a constant expression of the language, such as `-1e-3`, `pi/2` or `[1, 2]`.

        Raises CgError when the text is no such expression or its value does not fit the input's type.
        """
        declared = self.input(name)
        type_ = declared.type
        number = plain_number(text)
        if number is not None and (type_.is_float or isinstance(number, int)):
            return self.fit_value(name, number)
        from cgcli.language.value_text import constant  # only for a value that is more than a number

        value = constant(Source(f"--{name}", text), type_)
        return self.fit_value(name, tensor_of(value) if isinstance(value, Graph) else value)

    def fit_value(self, name: str, value: Any) -> Any:
        """The value of an input, a number or an array, as its type wants it. Raises CgError when it does not fit."""
        declared = self.input(name)
        return value if declared.open is not None else fit(declared, value)

    def recorded(self, values: Values) -> Program:
        """The program with the graph that a run on these values has: in static mode always the same one."""
        return self.for_shapes(values)

    @_for_shapes
    def eval(self, values: Values, *, every: bool = False) -> dict[str, Any]:
        """The value of each output, or of every named value. Raises CgError, also when the run fails (status 1)."""
        names = list(self.module.values) if every else list(self.outputs)
        nodes = [self.module.values[name] for name in names]
        results = self.node_values(nodes, values)
        return {name: plain(x) for name, x in zip(names, results, strict=True)}

    @_for_shapes
    def run(self, values: Values, *, of: str | None = None, derivatives: bool = True) -> Evaluation:
        """Everything that a picture shows: values of all nodes and, with `derivatives`, those of `of`."""
        target = self.module.values[self.of_choice(of)] if derivatives else None
        results = self.node_values(range(len(self.graph)), values)
        v = list(results) if self._scalar else [plain(x) for x in results]
        from cgcli.graph.evaluation import Evaluation

        if target is None:
            return Evaluation(self.graph, v)
        partials: dict[int, tuple[float | None, ...]] = {}
        if self._scalar:
            sweep = self._sweep(target)[1]
            partials = {i: sweep.partials(v, i) for i in range(len(self.graph)) if self.graph.a[i] >= 0}
        if not self._sweeps:
            return Evaluation(self.graph, v, target, self._adjoints(values, target), partials)
        adjoints = sweep.adjoints(v, target)
        return Evaluation(self.graph, v, target, adjoints, partials)

    @_for_shapes
    def grad(
        self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None, every: bool = False
    ) -> Gradient:
        """The derivative of `of` (by default the only float output) by inputs: all floats among them, or `wrt`.

        every: by every named float value instead. Raises CgError for names that cannot be differentiated.
        """
        name = self.of_choice(of)
        names = self._every_float() if every and wrt is None else self.derivative_names(wrt)
        target = self.module.values[name]
        if not self._sweeps:
            value, *partials = self._gradient_values(target, tuple(self.module.values[n] for n in names), values)
            return Gradient(name, value, {n: unsigned_zero(g) for n, g in zip(names, partials, strict=True)})
        v = self.swept_values(target, values)
        adjoints = self._sweep(target)[1].adjoints(v, target)
        gradients = {n: adjoints[self.module.values[n]] for n in names}
        return Gradient(name, float(v[target]), {n: _reported(g) for n, g in gradients.items()})

    @_for_shapes
    def hessian(
        self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The second derivatives of `of` by each pair of inputs: the shape of the one, then that of the other."""
        names = self.derivative_names(wrt)
        nodes = [self.module.values[n] for n in names]
        from cgcli.transform.gradient import gradient  # a pass of which values alone know nothing

        target = self.module.values[self.of_choice(of)]
        table: dict[str, dict[str, Any]] = {}
        if not self._sweeps:
            from cgcli.transform.jacobian import hessian_row

            for n, row in zip(names, nodes, strict=True):

                def build(graph: Graph, index: Sequence[int], row: int = row) -> Graph:
                    return hessian_row(graph, index[target], index[row], [index[i] for i in nodes])

                table[n] = dict(zip(names, self._derived((-2, target, row, *nodes), build, values), strict=True))
            return table
        first = gradient(self.graph, target, nodes, whole=True)
        index = self._names_in(first)
        interpreter, sweep = self._new_sweep(first)
        v = interpreter.run(self.bind_inputs(values))
        for n, row in zip(names, first.outputs, strict=True):
            adjoints = sweep.adjoints(v, row)
            table[n] = {m: _reported(adjoints[index[m]]) for m in names}
        return table

    @_for_shapes
    def jacobian(self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None) -> Gradient:
        """The derivative of each element of `of` by each input: the shape of `of`, then that of the input."""
        name = self.of_choice(of, tensors=True)
        target = self.module.values[name]
        if not self.type_of(name).shape:
            return self.grad(values, of=of, wrt=wrt)
        from cgcli.transform.jacobian import jacobian

        names = self.derivative_names(wrt)
        nodes = [self.module.values[n] for n in names]

        def build(graph: Graph, index: Sequence[int]) -> Graph:
            return jacobian(graph, index[target], [index[i] for i in nodes], value=True)

        outputs = self._derived((-3, target, *nodes), build, values)
        return Gradient(name, outputs[0], dict(zip(names, outputs[1:], strict=True)))

    def symbolic(self, *, of: str | None = None, wrt: Sequence[str] | None = None) -> str:
        """Lines of cg, `dy/da = …` a partial derivative, in terms of inputs and the program's names."""
        from cgcli.language.unparse import write_outputs
        from cgcli.optimise.simplify import simplify
        from cgcli.transform.gradient import gradient

        name = self.of_choice(of)
        names = self.derivative_names(wrt)
        graph = gradient(self.graph, self.module.values[name], [self.module.values[n] for n in names], whole=True)
        short, index = simplify(graph)
        named = {index[i]: n for n, i in self._names_in(graph).items()}
        return "\n".join(write_outputs(short, [f"d{name}/d{n}" for n in names], named, graph))

    @_for_shapes
    def gradient_graph(self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None) -> Evaluation:
        """The simplified graph of `of` and its derivatives by inputs, and its values where inputs have values."""
        from cgcli.graph.evaluation import Evaluation

        from .pipeline import gradient_graph

        graph = gradient_graph(self.module, self.of_choice(of), self.derivative_names(wrt))
        has_values = values or not [i for i in self.inputs if not i.optional]
        if not has_values:
            return Evaluation(graph, [None] * len(graph))
        run = self.compile(restrict(graph, range(len(graph))))
        return Evaluation(graph, [plain(x) for x in run(self.bind_inputs(values))])

    @_for_shapes
    def plan(
        self,
        values: Values,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        derivatives: bool = False,
        fast_math: bool = False,
    ) -> Compilation:
        """How the outputs, or a value and its derivatives, are computed: passes, order, memory, costs.

        With a value for every input that needs one the plan is in numbers, else in terms of named sizes.
        """
        from .pipeline import compilation

        name = self.of_choice(of) if derivatives or of is not None or wrt is not None else None
        names = () if name is None else tuple(self.derivative_names(wrt))
        nodes = [self.module.values[n] for n in names]
        target = None if name is None else self.module.values[name]
        bound = self.bind_inputs(values) if values else None
        return compilation(self.graph, target, nodes, bound, (name, names), fast_math)

    @_for_shapes
    def check_gradient(self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None) -> list[Check]:
        """Each partial derivative beside differences of the program itself; of a tensor the element that fits worst."""
        from cgcli.analysis.differences import check

        gradient = self.flat_gradient(values, of, wrt)
        point = self.bind_inputs(values)
        single = any(t.dtype == "f32" for t in self.graph.types if isinstance(t, Type))
        checks: list[Check] = []
        for n, derivative in gradient.partials.items():
            k = next((k for k, i in enumerate(self.inputs) if i.name == n), None)
            if k is None:
                raise error("check-by-input", name=n)

            def f(x: Any, k: int = k) -> float:
                return self._value_at(gradient.of, k, x, point)

            unit = 2.0**-23 if single else 2.0**-52
            if self.inputs[k].type.shape:
                from cgcli.analysis.gradcheck import worst_element

                checks.append(worst_element(f, n, point[k], derivative, unit))
            else:
                checks.append(check(f, n, float(point[k]), derivative, unit))
        return checks

    def flat_gradient(self, values: Values, of: str | None, wrt: Sequence[str] | None) -> Gradient:
        """The derivative by each input of the graph: of structured data, by each number in them."""
        return self.grad(values, of=of, wrt=wrt)

    def _value_at(self, of: str, k: int, x: Any, point: Sequence[Any]) -> float:
        """The value of `of` at a point with another value of input `k`."""
        target = self.module.values[of]
        return float(self._compiled((target,))([*point[:k], fit(self.inputs[k], x), *point[k + 1 :]])[0])

    @_for_shapes
    def first_wrong_node(self, values: Values) -> tuple[int, str, Check] | None:
        """The first node with a wrong derivative, the element of which operand, and the difference; None if all fit."""
        from cgcli.analysis.gradcheck import element, first_wrong

        wrong = first_wrong(self.graph, self.bind_inputs(values))
        if wrong is None:
            return None
        operand = self.graph.operands(wrong.node)[wrong.operand]
        name = self.graph.names.get(operand) or f"operand {wrong.operand + 1}"
        return wrong.node, f"{name}{element(wrong.position)}", wrong.check

    def range_warnings(self, values: Values) -> list[Diagnostic]:
        """A warning for each value outside the range that its declaration gives."""
        warnings: list[Diagnostic] = []
        values = {identifier(name): x for name, x in values.items()}
        for declared in self.inputs:
            x = values.get(declared.name, declared.default)
            x = self.fit_value(declared.name, x) if isinstance(x, (list, tuple)) else x
            if declared.range and x is not None and not within(x, *declared.range):
                labels = (Label(declared.span, "declared"),) if declared.span else ()
                low, high = declared.range
                details = {"name": declared.name, "value": x, "low": low, "high": high}
                warnings.append(Diagnostic("outside-range", labels, details, severity="warning"))
        return warnings

    def of_choice(self, of: str | None, tensors: bool = False) -> str:
        """The name of the value to differentiate: `of`, or the only float output. Raises CgError naming the choices.

        tensors: whether it may be a tensor, as for a Jacobian.
        """
        floats = [n for n in self.outputs if self.type_of(n).has_derivative and (tensors or not self.type_of(n).shape)]
        if of is None:
            if len(floats) == 1:
                return floats[0]
            differentiable = [n for n in self.outputs if self.type_of(n).has_derivative]
            if differentiable and not floats:
                raise error("derivative-of-tensor-named", name=differentiable[0], type=self.type_of(differentiable[0]))
            choices = [n for n in self._every_float() if tensors or not self.type_of(n).shape]
            raise error(
                "several-outputs" if floats else "no-float-output", choices=floats or choices, outputs=self.outputs
            )
        of = identifier(of)
        if of not in self.module.values:
            raise error("unknown-output", **unknown_name(of, self.module.values))
        if not self.type_of(of).has_derivative:
            raise error("no-derivative-of", name=of, type=self.type_of(of))
        if self.type_of(of).shape and not tensors:
            raise error("derivative-of-tensor-named", name=of, type=self.type_of(of))
        return of

    def type_of(self, name: str) -> Type:
        """The type of a named value."""
        t = self.graph.type_of(self.module.values[name])
        assert isinstance(t, Type)
        return t

    # ---- inside

    def for_shapes(self, values: Values) -> Program:
        """The program for the axes that `...` stands for in the values; this one where no axes are open."""
        axes: dict[str, Shape] = {}
        for name, value in values.items():
            declared = self.input(name)
            if declared.open is None or self._lower_for is None:
                continue
            axis, count = declared.open
            shape = extent(value)
            axes[declared.name] = shape[axis : axis + max(0, len(shape) - len(declared.type.shape) + count)]
        if not axes:
            return self
        key = tuple(sorted(axes.items()))
        program = self._by_axes.get(key)
        if program is None:
            assert self._lower_for is not None
            program = self._by_axes[key] = Program(self._lower_for(axes))
        program.take_limits(self)
        return program

    def take_limits(self, other: Program) -> None:
        """Takes over the seed, the limits and the backend of another program."""
        self.seed, self.backend = other.seed, other.backend
        self.max_memory, self.max_steps = other.max_memory, other.max_steps
        self.max_nodes, self.max_depth = other.max_nodes, other.max_depth

    def _every_float(self) -> list[str]:
        return [n for n in self.module.values if self.type_of(n).has_derivative]

    def derivative_names(self, wrt: Sequence[str] | None) -> list[str]:
        if wrt is None:
            return [i.name for i in self.inputs if i.type.is_float]
        names = [identifier(name) for name in wrt]
        for name in names:
            if name not in self.module.values:
                raise error("unknown-wrt", **unknown_name(name, self.module.values))
            if not self.type_of(name).has_derivative:
                raise error("no-derivative-by-input", name=name, type=self.type_of(name))
        return list(dict.fromkeys(names))

    def bind_inputs(self, values: Values) -> list[Any]:
        """The inputs in order. Raises CgError for unknown names, and for all missing ones together."""
        values = {self.input(name).name: x for name, x in values.items()}
        require(self.inputs, values)
        bound = [
            fit(i, values.get(i.name, i.default)) if i.name in values or i.initial is None else None
            for i in self.inputs
        ]
        return initialised(self.inputs, self.graph, bound, self.seed) if any(x is None for x in bound) else bound

    def node_values(self, nodes: Sequence[int], values: Values) -> Sequence[Any]:
        """The values of nodes."""
        return self._compiled(tuple(nodes))(self.bind_inputs(values))

    def swept_values(self, of: int, values: Values) -> list[Any]:
        """The values of the nodes that `of` needs, for a backward sweep from it."""
        return self._sweep(of)[0].run(self.bind_inputs(values))

    @cached_property
    def _declared(self) -> dict[str, Input]:
        return {i.name: i for i in self.inputs}

    @cached_property
    def _scalar(self) -> bool:
        """Whether plain numbers suffice to run the program."""
        return is_scalar(self.graph)

    @cached_property
    def _sweeps(self) -> bool:
        """Whether one backward sweep over its numbers differentiates the program; else its gradient runs as a graph."""
        return self._scalar and not has_loop(self.graph)

    def compile(self, graph: Graph) -> Compiled:
        """A graph made ready to run within the program's limits, by its backend."""
        return compile_graph(graph, Limits(self.max_memory, self.max_steps), self.backend)

    def _compiled(self, nodes: tuple[int, ...]) -> Compiled:
        """What computes these nodes, memoised."""
        if nodes not in self._by_nodes:
            self._by_nodes[nodes] = self.compile(restrict(self.graph, nodes))
        return self._by_nodes[nodes]

    def _sweep(self, of: int) -> tuple[Interpreter[NumberKernels], Sweep]:
        """What computes a node, and what goes back from it; memoised."""
        if of not in self._sweep_by_node:
            self._sweep_by_node[of] = self._new_sweep(restrict(self.graph, [of]))
        return self._sweep_by_node[of]

    def _new_sweep(self, graph: Graph) -> tuple[Interpreter[NumberKernels], Sweep]:
        """What computes the nodes of a graph on numbers, and what goes back through them."""
        from cgcli.run.scalar.sweep import Sweep  # with the derivative rules

        interpreter = number_interpreter(graph, Limits(self.max_memory, self.max_steps))
        return interpreter, Sweep(interpreter.kernels)

    def _gradient_values(self, target: int, wrt: tuple[int, ...], values: Values) -> list[Any]:
        """The value of `target`, then its derivative by each of `wrt`."""

        def build(graph: Graph, index: Sequence[int]) -> Graph:
            from cgcli.transform.gradient import gradient

            return gradient(graph, index[target], [index[i] for i in wrt], value=True)

        return self._derived((-1, target, *wrt), build, values)

    def _derived(
        self, key: tuple[int, ...], build: Callable[[Graph, Sequence[int]], Graph], values: Values
    ) -> list[Any]:
        """The outputs of a graph of derivatives, which `build` makes of the program's graph, given where its nodes are.

        Where the stacks of loops would take more than memory allows, it is made of the graph with checkpoints.
        """
        bound = self.bind_inputs(values)
        if key not in self._derivatives:
            self._derivatives[key] = self.compile(build(self.graph, range(len(self.graph))))
        try:
            outputs = self._derivatives[key](bound)
        except CgError as e:
            if key in self._checkpointed or all(d.code != "stacks-too-large" for d in e.diagnostics):
                raise
            from cgcli.transform.checkpoint import checkpointed

            self._checkpointed.add(key)
            self._derivatives[key] = self.compile(build(*checkpointed(self.graph)))
            outputs = self._derivatives[key](bound)
        return [plain(x) for x in outputs]

    def _adjoints(self, values: Values, target: int) -> list[Any]:
        """The derivatives of `target` by the nodes that it depends on, None by others."""
        needed = live(self.graph, [target])
        types = [self.graph.type_of(i) for i in range(len(self.graph))]
        wrt = [i for i, t in enumerate(types) if needed[i] and isinstance(t, Type) and t.has_derivative]
        gradients = dict(zip(wrt, self._gradient_values(target, tuple(wrt), values)[1:], strict=True))
        return [gradients.get(i) for i in range(len(types))]

    def _names_in(self, graph: Graph) -> dict[str, int]:
        """The nodes of a gradient graph that hold the program's named values."""
        last = {name: node for node, name in graph.names.items()}
        return {name: last[name] for name in self.module.values if name in last}


def _reported(derivative: float | None) -> float:
    """A derivative as it is reported: 0 where there is no path."""
    return 0.0 if derivative is None else unsigned_zero(derivative)
