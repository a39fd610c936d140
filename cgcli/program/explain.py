"""The chain rule of one value by others, put together: steps, local derivatives, paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.analysis.paths import Edges, Path
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import ASSERT, COND, CONST, INPUT, LOOP, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import has_loop, is_scalar
from cgcli.ops.numbers import unsigned_zero
from cgcli.ops.rule_graph import FACTOR
from cgcli.ops.spelling import Written
from cgcli.ops.value_names import ValueNames
from cgcli.ops.written import WrittenOperations
from cgcli.render.explain import Derivative, Equation, Explanation, LocalDerivative, Name, PathProduct
from cgcli.run.binding import plain

from .computation import Computation, Values
from .iterations import Iterations
from .symbolic_text import SymbolicText, sum_of

if TYPE_CHECKING:
    from cgcli.dynamic.loop_steps import LoopSteps

MOST_STEPS = 100  # that are written out; of more only the paths are
LONGEST_FORMULA = 90  # characters of a derivative in one formula
LONGEST_RULE = 300  # characters of a rule of the backward pass


def is_record(graph: Graph) -> bool:
    """Whether a graph is the record of each of its runs: of numbers, without branches and loops."""
    return is_scalar(graph) and not has_loop(graph) and COND not in graph.op


def explain(
    program: Computation,
    of: str | None,
    wrt: Sequence[str] | None,
    most: int,
    values: Values | None = None,
    steps: LoopSteps | None = None,
) -> Explanation:
    """The derivatives of `of` by each of `wrt`, path by path, of the record of a run, or of a graph that is one.

    steps: those of the loops of the run, of which paths are added up step by step. Raises CgError for names that cannot
    be differentiated, and for values that do not fit.
    """
    values = values or {}
    target = program.of_choice(of)
    gradients = program.flat_gradient(values, target, wrt)  # structured data are the many inputs that they hold
    v = [plain(x) for x in program.node_values(range(len(program.graph)), values)]
    of_node = program.module.values[target]
    nodes = {name: program.module.values[name] for name in gradients.partials}

    def adjoints(nodes: Sequence[int]) -> Sequence[Any]:
        return program.derivatives.value_and_partials(of_node, nodes, program.bind_inputs(values))[1:]

    return _Writer(program.graph, v, of_node, nodes, steps, adjoints).explanation(gradients.partials, most)


def formulas(program: Computation, of: str | None, wrt: Sequence[str] | None, most: int) -> Explanation:
    """As `explain`, without values; branches and loops are one step each."""
    target = program.of_choice(of)
    nodes = {name: program.module.values[name] for name in program.derivative_names(wrt)}
    writer = _Writer(program.graph, None, program.module.values[target], nodes)
    closed = {name: _closed_form(program, target, name) for name in nodes} if writer.is_short else {}
    return writer.explanation(dict.fromkeys(nodes), most, closed)


def _closed_form(program: Computation, of: str, name: str) -> tuple[str, str]:
    """A derivative as one formula over names, as text and in LaTeX; empty where it takes several or a long one."""
    try:
        lines = [program.symbolic(of=of, wrt=[name], form=form).splitlines() for form in ("cg", "latex")]
    except CgError:  # for an operation without words
        return "", ""
    text, latex = lines[0][-1].partition(" = ")[2], lines[1][-2].partition(" &= ")[2].removesuffix(r" \\")
    return (text, latex) if len(lines[0]) == 1 and len(text) <= LONGEST_FORMULA else ("", "")


class _Writer:
    """Puts the explanation of a graph together, with the values of a run or, where `v` is None, without.

    nodes: what the node `of` is differentiated by, by their names. adjoints: the derivatives by any nodes.
    """

    def __init__(
        self,
        graph: Graph,
        v: Sequence[Any] | None,
        of: int,
        nodes: Mapping[str, int],
        steps: LoopSteps | None = None,
        adjoints: Callable[[Sequence[int]], Sequence[Any]] | None = None,
    ) -> None:
        self.graph, self.v, self.adjoints = graph, v, adjoints
        needed = live(graph, [of])
        self.written = written = WrittenOperations(graph)
        self.starts = {name: written.result_of[i] for name, i in nodes.items()}
        ran = [i for i in range(len(graph)) if needed[i] and written.result_of[i] == i]
        structural = (INPUT, ASSERT, COND, LOOP)
        operations = [i for i in ran if graph.op[i] not in structural and (graph.op[i] != CONST or i in graph.names)]
        self.iterations = Iterations(steps, operations, lambda i: (graph.op[i], graph.span[i]))
        parts = self.iterations.parts
        self.edges = Edges(graph, v, of, parts, [*self.starts.values()])
        self.between = {name: self.edges.between(i) for name, i in self.starts.items()}
        self.operations = operations
        self.is_short = len(self.iterations.shown) <= MOST_STEPS
        names = _names(written, sorted({*ran, *self.starts.values()}))
        self.names = names
        self.text = SymbolicText(written, names)

    def explanation(
        self, derivatives: Mapping[str, Any], most: int, closed: Mapping[str, tuple[str, str]] | None = None
    ) -> Explanation:
        names, of, is_short = self.names, self.edges.of, self.is_short
        # within steps of loops, where edges are of whole steps, by the rules of the operations alone
        has_parts = self.iterations.parts and self.v is not None
        self.formal = Edges(self.graph, None, of) if is_short and has_parts else self.edges
        self.factors = self._factors() if is_short else {}
        backward = self._backward() if is_short else {}
        return Explanation(
            names[of],
            None if self.v is None else self.v[of],
            tuple(self.iterations.rows(self.operations, self._equation) if is_short else ()),
            tuple(self.iterations.rows(self.operations, self._local_derivatives) if is_short else ()),
            tuple(self.iterations.rows(self.operations, self._iteration_derivatives) if is_short else ()),
            tuple(self.iterations.rows(sorted(backward, reverse=True), lambda x: [backward[x]])),
            tuple(self._derivative(name, value, most, closed or {}) for name, value in derivatives.items()),
            len(self.operations),
        )

    def _equation(self, i: int) -> list[Equation]:
        if i not in self.names:
            return []
        text, latex = self.text.operation(i)
        is_size = text == self.names[i].text  # `n`
        return [] if is_size else [Equation(self.names[i], text, latex, None if self.v is None else self.v[i])]

    def _factors(self) -> dict[int, dict[int, float | None]]:
        """By operation that is written out, its local derivative by each operand on a path."""
        edges, formal = self.edges, self.formal
        factors: dict[int, dict[int, float | None]] = {}
        for start in self.starts.values():
            nodes = frozenset(formal.between(start))
            of_value = formal.of_value(start)
            for i in self.iterations.shown:
                if i in nodes and i != start:
                    partials = of_value[i] if formal is edges else edges.operation_partials(i)
                    factors.setdefault(i, {}).update({x: p for x, p in partials.items() if x in nodes})
        return factors

    def _local_derivatives(self, i: int) -> list[LocalDerivative]:
        derivatives = []
        for x, partial in sorted(self.factors.get(i, {}).items()):
            text, latex = self.text.partial(i, x)
            if partial is not None or (self.v is None and text.text):
                derivatives.append(LocalDerivative(self.names[i], self.names[x], text.text, latex.text, partial))
        return derivatives

    def _backward(self) -> dict[int, LocalDerivative]:
        """By node on a path, the derivative of the result by it, from those by the operations that read it.

        None without tensors, for numbers have local derivatives. A step that is left out stands as `…`.
        """
        formal, of = self.formal, self.edges.of
        nodes = {i for start in self.starts.values() for i in formal.between(start)}
        if not any(map(self._has_axes, nodes)):
            return {}
        readers: dict[int, list[int]] = {}
        for i in sorted(nodes):
            for x in formal.partials[i]:
                if x in nodes:
                    readers.setdefault(x, []).append(i)
        shown = {*self.iterations.shown, *self.starts.values()}
        written_out = [x for x in readers if x in shown]
        values = dict(zip(written_out, self.adjoints(written_out), strict=True)) if self.adjoints else {}
        rows: dict[int, LocalDerivative] = {}
        for x, operations in readers.items():
            terms: list[tuple[Written, Written] | None] = []
            if x in shown:
                terms = [self._rule(i, x) if i in shown else None for i in operations]
            text, latex = (sum_of([None if term is None else term[k] for term in terms]) for k in (0, 1))
            if len(text) > LONGEST_RULE:
                text = latex = ""
            value = unsigned_zero(values[x]) if x in values else None
            rows[x] = LocalDerivative(self.names[of], self.names[x], text, latex, value)
        return rows

    def _rule(self, i: int, x: int) -> tuple[Written, Written]:
        y, name = self.names[self.edges.of], self.names[i]
        is_result = i == self.edges.of
        cotangent = (
            None if is_result else (f"∂{y.text}/∂{name.text}", rf"\frac{{\partial {y.latex}}}{{\partial {name.latex}}}")
        )
        return self.text.backward_rule(i, x, cotangent)

    def _has_axes(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and bool(t.shape)

    def _iteration_derivatives(self, i: int) -> list[LocalDerivative]:
        """The derivatives of what a step of a loop leaves behind by what it began with."""
        if i not in self.edges.partials or not self.edges.is_sum(i):
            return []
        partials = {
            x: partial
            for nodes in self.between.values()
            if i in nodes
            for x, partial in self.edges.partials[i].items()
            if x in nodes and partial is not None
        }
        return [LocalDerivative(self.names[i], self.names[x], "", "", p) for x, p in sorted(partials.items())]

    def _derivative(self, name: str, value: Any, most: int, closed: Mapping[str, tuple[str, str]]) -> Derivative:
        paths = self.edges.paths(self.starts[name], most)
        products = tuple(map(self._path_product, paths.listed))
        formula = closed.get(name, ("", ""))
        return Derivative(self.names[self.starts[name]], value, paths.many, products, paths.largest, *formula)

    def _path_product(self, path: Path) -> PathProduct:
        texts: list[str] = []
        latex: list[str] = []
        for x, i in zip(path.nodes[-2::-1], path.nodes[:0:-1], strict=True) if self.v is None else ():
            text, formula = self.text.partial(i, x)
            is_factor = text.level >= FACTOR and not text.text.startswith("-")
            texts.append(text.text if is_factor or not text.text else f"({text.text})")
            latex.append(formula.text if is_factor else rf"\left({formula.text}\right)")
        products = (" · ".join(texts), r" \cdot ".join(latex)) if texts and all(texts) else ("", "")
        return PathProduct(tuple(self.names[x] for x in path.nodes), path.partials, path.product, *products)


def _names(written: WrittenOperations, nodes: Sequence[int]) -> dict[int, Name]:
    """The name of each result but literals; see `ValueNames`."""
    names = ValueNames(written)
    by_node: dict[int, Name] = {}
    for i in nodes:
        version = names.versions.get(i)
        if version is not None:
            by_node[i] = Name(version.name, None if version.is_only else version)
        elif written.graph.op[i] not in (CONST, COND, LOOP):
            by_node[i] = Name(names[i])
    return by_node
