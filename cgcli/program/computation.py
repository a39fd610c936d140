"""A program's graph, run and differentiated by the names of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from cgcli.diagnostics.diagnostic import Diagnostic, Label, error, unknown_name
from cgcli.diagnostics.source import Source
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import identifier, plain_number
from cgcli.graph.signature import Input, Module
from cgcli.graph.traversal import restrict
from cgcli.graph.types import Type
from cgcli.ops.interpreter import Limits
from cgcli.ops.number_kernels import is_scalar
from cgcli.ops.numbers import unsigned_zero
from cgcli.run.backends import BatchedGraph, Compiled, compile_graph, compile_step, tensor_of
from cgcli.run.binding import extent, fit, initialised, plain, require, within

Values = Mapping[str, Any]
"""By input a number, or an array or nested lists of numbers."""

Mode = Literal["static", "dynamic"]

SETTINGS = ("seed", "max_memory", "max_steps", "max_nodes", "max_depth", "backend")

if TYPE_CHECKING:  # what only derivatives need is imported by them
    from cgcli.analysis.differences import Check
    from cgcli.graph.evaluation import Evaluation
    from cgcli.graph.plan import Compilation
    from cgcli.graph.sizes import Shape

    from .derivatives import NodeDerivatives
    from .results import Gradient

P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate["Computation", Values, P], R]


def _for_shapes(method: Method[P, R]) -> Method[P, R]:
    """Runs a method on the program as the shapes of the values want it, where a declaration leaves axes open."""

    @wraps(method)
    def call(program: Computation, values: Values, /, *args: P.args, **options: P.kwargs) -> R:
        return method(program.for_shapes(values), values, *args, **options)

    return call


class Computation:
    """A program as the rest of the package uses it: `Program` adds to it how users call it."""

    def __init__(self, module: Module, lower_for: Callable[[Mapping[str, Shape]], Module] | None = None) -> None:
        self.module = module
        self.mode: Mode = "static"
        self.why: Diagnostic | None = None  # why the program needs the dynamic mode
        self._lower_for = lower_for
        self._by_axes: dict[tuple[tuple[str, Shape], ...], Computation] = {}
        self.graph: Graph = module.graph
        self.inputs: tuple[Input, ...] = module.inputs
        self.outputs: tuple[str, ...] = module.outputs
        self.warnings: tuple[Diagnostic, ...] = module.warnings
        self.doc = ""  # its author's description
        self.function_name: str | None = None  # the name of the Python function that it is
        self.seed = 0
        self.max_memory: int | None = None
        self.max_steps: int | None = None
        self.max_nodes: int | None = None
        self.max_depth: int | None = None
        self.backend: str | None = None
        self._by_nodes: dict[tuple[Limits, str | None, tuple[int, ...]], Compiled] = {}
        self._derivatives: NodeDerivatives | None = None
        self.by_columns: dict[tuple[Any, ...], BatchedGraph] = {}  # for the rows of tables

    # ---- inputs

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

    def bind_inputs(self, values: Values) -> list[Any]:
        """The inputs in order. Raises CgError for unknown names, and for all missing ones together."""
        values = {self.input(name).name: x for name, x in values.items()}
        require(self.inputs, values)
        bound = [
            fit(i, values.get(i.name, i.default)) if i.name in values or i.initial is None else None
            for i in self.inputs
        ]
        return initialised(self.inputs, self.graph, bound, self.seed) if any(x is None for x in bound) else bound

    def bound_by_name(self, values: Values) -> dict[str, Any]:
        """The inputs by name, in the shapes of the values. Raises CgError as `bind_inputs`."""
        program = self.for_shapes(values)
        return {i.name: x for i, x in zip(program.inputs, program.bind_inputs(values), strict=True)}

    def recorded(self, values: Values) -> Computation:
        """The program with the graph that a run on these values has: in static mode always the same one."""
        return self.for_shapes(values)

    def for_shapes(self, values: Values) -> Computation:
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
            program = self._by_axes[key] = self._lowered_for(axes)
        program.take_limits(self)
        return program

    def _lowered_for(self, axes: Mapping[str, Shape]) -> Computation:
        assert self._lower_for is not None
        return Computation(self._lower_for(axes))

    @property
    def settings(self) -> dict[str, Any]:
        """The seed, the limits and the backend."""
        return {name: getattr(self, name) for name in SETTINGS}

    def take_limits(self, other: Computation) -> None:
        """Takes over the seed, the limits and the backend of another program."""
        vars(self).update(other.settings)

    # ---- names

    def type_of(self, name: str) -> Type:
        """The type of a named value."""
        t = self.graph.type_of(self.module.values[name])
        assert isinstance(t, Type)
        return t

    def float_outputs(self, tensors: bool = False) -> list[str]:
        """The outputs that can be differentiated. tensors: whether they may be tensors."""
        types = {name: self.type_of(name) for name in self.outputs}
        return [name for name, t in types.items() if t.has_derivative and (tensors or not t.shape)]

    def of_choice(self, of: str | None, tensors: bool = False) -> str:
        """The name of the value to differentiate: `of`, or the only float output. Raises CgError naming the choices.

        tensors: whether it may be a tensor, as for a Jacobian.
        """
        floats = self.float_outputs(tensors)
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

    def derivative_names(self, wrt: Sequence[str] | None) -> list[str]:
        """The values to differentiate by: `wrt`, or all inputs that are floats. Raises CgError for others."""
        if wrt is None:
            return [i.name for i in self.inputs if i.type.is_float]
        names = [identifier(name) for name in ([wrt] if isinstance(wrt, str) else wrt)]
        for name in names:
            if name not in self.module.values:
                raise error("unknown-wrt", **unknown_name(name, self.module.values))
            if not self.type_of(name).has_derivative:
                raise error("no-derivative-by-input", name=name, type=self.type_of(name))
        return list(dict.fromkeys(names))

    # ---- values and derivatives

    @_for_shapes
    def eval(self, values: Values, *, every: bool = False) -> dict[str, Any]:
        names = list(self.module.values) if every else list(self.outputs)
        nodes = [self.module.values[name] for name in names]
        results = self.node_values(nodes, values)
        return {name: plain(x) for name, x in zip(names, results, strict=True)}

    @_for_shapes
    def run(self, values: Values, *, of: str | None = None, derivatives: bool = True) -> Evaluation:
        target = self.module.values[self.of_choice(of)] if derivatives else None
        results = self.node_values(range(len(self.graph)), values)
        v = list(results) if is_scalar(self.graph) else [plain(x) for x in results]
        from cgcli.graph.evaluation import Evaluation

        if target is None:
            return Evaluation(self.graph, v)
        partials = self.derivatives.local_partials(target, v) if is_scalar(self.graph) else {}
        bound = [] if self.derivatives.by_sweep else self.bind_inputs(values)
        return Evaluation(self.graph, v, target, self.derivatives.adjoints(target, v, bound), partials)

    def grad(
        self, values: Values, /, *, of: str | None = None, wrt: Sequence[str] | None = None, every: bool = False
    ) -> Gradient:
        return self.for_shapes(values).gradient(values, of, wrt, every)

    def gradient(self, values: Values, of: str | None, wrt: Sequence[str] | None, every: bool = False) -> Gradient:
        """As `grad`, of the program for these shapes."""
        from .results import Gradient

        name = self.of_choice(of)
        names = self._every_float() if every and wrt is None else self.derivative_names(wrt)
        target = self.module.values[name]
        if self.derivatives.by_sweep:
            v = self.swept_values(target, values)
            adjoints = self.derivatives.swept_adjoints(target, v)
            partials = {n: unsigned_zero(adjoints[self.module.values[n]] or 0.0) for n in names}
            return Gradient(name, float(v[target]), partials)
        nodes = [self.module.values[n] for n in names]
        value, *gradients = self.derivatives.value_and_partials(target, nodes, self.bind_inputs(values))
        return Gradient(name, value, {n: unsigned_zero(g) for n, g in zip(names, gradients, strict=True)})

    def flat_gradient(self, values: Values, of: str | None, wrt: Sequence[str] | None) -> Gradient:
        """The derivative by each input of the graph: of structured data, by each number in them."""
        return self.gradient(values, of, wrt)

    @_for_shapes
    def hessian(
        self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        names = self.derivative_names(wrt)
        nodes = [self.module.values[n] for n in names]
        rows = self.derivatives.hessian(self.module.values[self.of_choice(of)], nodes, self.bind_inputs(values))
        return {n: dict(zip(names, row, strict=True)) for n, row in zip(names, rows, strict=True)}

    @_for_shapes
    def jacobian(self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None) -> Gradient:
        name = self.of_choice(of, tensors=True)
        if not self.type_of(name).shape:
            return self.gradient(values, of, wrt)
        from .results import Gradient

        names = self.derivative_names(wrt)
        nodes = [self.module.values[n] for n in names]
        value, *partials = self.derivatives.jacobian(self.module.values[name], nodes, self.bind_inputs(values))
        return Gradient(name, value, dict(zip(names, partials, strict=True)))

    def symbolic(
        self, *, of: str | None = None, wrt: Sequence[str] | None = None, form: Literal["cg", "latex"] = "cg"
    ) -> str:
        """Lines of cg, `dy/da = …` a partial derivative, in terms of inputs and the program's names.

        form: `latex` for equations in LaTeX, aligned at their signs.
        """
        from cgcli.language.unparse import write_outputs
        from cgcli.ops.latex import latex_name
        from cgcli.optimise.simplify import simplify
        from cgcli.transform.gradient import gradient

        name = self.of_choice(of)
        names = self.derivative_names(wrt)
        graph = gradient(self.graph, self.module.values[name], [self.module.values[n] for n in names], whole=True)
        short, index = simplify(graph)
        last = {n: node for node, n in graph.names.items()}
        named = {index[last[n]]: n for n in self.module.values if n in last}
        if form == "latex":
            y = latex_name(name)
            targets = [rf"\frac{{\partial {y}}}{{\partial {latex_name(n)}}}" for n in names]
            rows = [f"  {left} &= {right} \\\\" for left, right in write_outputs(short, targets, named, graph, form)]
            return "\n".join([r"% needs \usepackage{amsmath}", r"\begin{align*}", *rows, r"\end{align*}"])
        lines = write_outputs(short, [f"d{name}/d{n}" for n in names], named, graph)
        return "\n".join(f"{left} = {right}" for left, right in lines)

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
        from .pipeline import compilation

        name = self.of_choice(of) if derivatives or of is not None or wrt is not None else None
        names = () if name is None else tuple(self.derivative_names(wrt))
        nodes = [self.module.values[n] for n in names]
        target = None if name is None else self.module.values[name]
        bound = self.bind_inputs(values) if values else None
        return compilation(self.graph, target, nodes, bound, (name, names), fast_math)

    # ---- gradients beside differences

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

    def _value_at(self, of: str, k: int, x: Any, point: Sequence[Any]) -> float:
        """The value of `of` at a point with another value of input `k`."""
        target = self.module.values[of]
        return float(self._compiled((target,))([*point[:k], fit(self.inputs[k], x), *point[k + 1 :]])[0])

    # ---- inside

    def node_values(self, nodes: Sequence[int], values: Values) -> Sequence[Any]:
        """The values of nodes."""
        return self._compiled(tuple(nodes))(self.bind_inputs(values))

    def swept_values(self, of: int, values: Values) -> Sequence[Any]:
        """The values of the nodes that `of` needs, for a backward sweep from it."""
        return self.derivatives.swept_values(of, self.bind_inputs(values))

    @property
    def limits(self) -> Limits:
        return Limits(self.max_memory, self.max_steps)

    @property
    def derivatives(self) -> NodeDerivatives:
        """The derivatives of the graph, within the limits."""
        settings = self.limits, self.backend
        if self._derivatives is None or (self._derivatives.limits, self._derivatives.backend) != settings:
            from .derivatives import NodeDerivatives

            self._derivatives = NodeDerivatives(self.graph, *settings)
        return self._derivatives

    def compile(self, graph: Graph) -> Compiled:
        """A graph made ready to run within the program's limits, by its backend."""
        return compile_graph(graph, self.limits, self.backend)

    def compile_step(self, graph: Graph) -> Compiled:
        """The same for a graph that runs hundreds of times."""
        return compile_step(graph, self.limits, self.backend)

    def _compiled(self, nodes: tuple[int, ...]) -> Compiled:
        """What computes these nodes, memoised."""
        key = self.limits, self.backend, nodes
        if key not in self._by_nodes:
            self._by_nodes[key] = self.compile(restrict(self.graph, nodes))
        return self._by_nodes[key]

    def _every_float(self) -> list[str]:
        return [n for n in self.module.values if self.type_of(n).has_derivative]

    @cached_property
    def _declared(self) -> dict[str, Input]:
        return {i.name: i for i in self.inputs}
