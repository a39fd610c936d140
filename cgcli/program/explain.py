"""The chain rule of one value by others, put together: steps, local derivatives, paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from cgcli.analysis.paths import Edges
from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.notation import shown_attrs, write_constant, write_node
from cgcli.ops.spelling import LONGEST_TENSOR, Written, write_latex, write_op
from cgcli.ops.table import BY_CODE
from cgcli.optimise.simplify import simplify
from cgcli.render.explain import Derivative, Equation, Explanation, LocalDerivative, Name, PathProduct
from cgcli.transform.gradient import gradient

from .computation import Computation

MOST_STEPS = 60  # that are written out; of more only the paths are


def explain(program: Computation, of: str | None, wrt: Sequence[str] | None, most: int) -> Explanation:
    """The derivatives of `of` by each of `wrt`, path by path. The program is the record of a run.

    Raises CgError for names that cannot be differentiated.
    """
    target = program.of_choice(of)
    gradients = program.flat_gradient({}, target, wrt)  # structured data are the many inputs that they hold
    evaluation = program.run({}, of=target)
    assert evaluation.of is not None
    graph, v = evaluation.graph, evaluation.values
    arrows = Edges(graph, v, evaluation.of)
    starts = {name: program.module.values[name] for name in gradients.partials}
    between = {name: arrows.between(i) for name, i in starts.items()}
    partials: dict[tuple[int, int], float | None] = {}
    for name, nodes in between.items():
        nodes_between, edges = frozenset(nodes), arrows.of_value(starts[name])
        for i in nodes:
            partials |= {(i, x): p for x, p in edges[i].items() if x in nodes_between and i != starts[name]}
    names = _names(graph, sorted({*arrows.partials, *starts.values()}))
    text = _SymbolicText(graph, names)
    equation_nodes = [i for i in sorted(arrows.partials) if i in names and graph.op[i] != INPUT]
    is_short = len(equation_nodes) <= MOST_STEPS
    equations = [Equation(names[i], *text.operation(i), v[i]) for i in equation_nodes] if is_short else []
    local_derivatives = [
        LocalDerivative(names[i], names[x], *text.partial(i, x), partial)
        for (i, x), partial in (sorted(partials.items()) if is_short else ())
        if partial is not None
    ]
    derivatives = []
    for name, i in starts.items():
        paths = arrows.paths(i, most)
        products = tuple(PathProduct(tuple(names[x] for x in p.nodes), p.partials, p.product) for p in paths.listed)
        derivatives.append(Derivative(names[i], gradients.partials[name], paths.many, products, paths.largest))
    return Explanation(
        names[evaluation.of],
        v[evaluation.of],
        tuple(equations),
        tuple(local_derivatives),
        tuple(derivatives),
        len(equation_nodes),
    )


def _number(graph: Graph, i: int) -> Type | None:
    """The type of a single number, a literal's as that of a float: whole numbers in data are such, and have
    derivatives."""
    t = graph.type_of(i)
    if not isinstance(t, Type) or t.shape:
        return None
    return Type("float") if t.weak else t


def _names(graph: Graph, nodes: Sequence[int]) -> dict[int, Name]:
    """The name of each node: its own, with a number where several have it; `v1`, `v2` for those without one."""
    uses = Counter(graph.names[i] for i in nodes if i in graph.names)
    seen: Counter[str] = Counter()
    names: dict[int, Name] = {}
    unnamed = 0
    for i in nodes:
        name = graph.names.get(i)
        if name is None:
            if graph.op[i] == CONST:
                continue
            unnamed += 1
            while f"v{unnamed}" in uses:
                unnamed += 1
            names[i] = Name(f"v{unnamed}")
        else:
            seen[name] += 1
            names[i] = Name(name, seen[name] if uses[name] > 1 else None)
    return names


class _SymbolicText:
    """Operations and their local derivatives over names, as text and in LaTeX."""

    def __init__(self, graph: Graph, names: Mapping[int, Name]) -> None:
        self.graph, self.names = graph, names

    def operation(self, i: int) -> tuple[str, str]:
        """A node's operation over the names of its operands."""
        graph = self.graph
        operands = graph.operands(i)
        text = write_node(graph, i, [self._text(x) for x in operands], LONGEST_TENSOR).text
        latex = write_latex(BY_CODE[graph.op[i]].spelling, [self._latex(x) for x in operands], shown_attrs(graph, i))
        return text, latex.text

    def partial(self, i: int, x: int) -> tuple[str, str]:
        """The local derivative of node `i` by its operand `x` in symbols; empty where it is no single number."""
        graph = self.graph
        operands = graph.operands(i)
        numbers = [t for t in (_number(graph, x) for x in (*operands, i)) if t is not None]
        if len(numbers) <= len(operands):
            return "", ""
        *types, result = numbers
        b = Builder()
        inputs: dict[int, int] = {}  # operand to its node in the small graph
        for y, t in zip(operands, types, strict=True):
            if y not in inputs:
                is_literal = graph.op[y] == CONST and y not in graph.names
                inputs[y] = b.const(graph.attrs[y]["value"], t) if is_literal else b.input(t)
        node = b.place(graph.op[i], tuple(inputs[y] for y in operands), b.intern_type(result), graph.attrs.get(i, {}))
        value_graph = b.done(node)
        derivative = prune(simplify(gradient(value_graph, node, [inputs[x]]))[0])
        free = [y for y in inputs if value_graph.op[inputs[y]] == INPUT]
        names = dict(zip(derivative.inputs, free, strict=True))
        texts: dict[int, Written] = {}
        latex: dict[int, Written] = {}
        for k in range(len(derivative)):
            if k in names:
                texts[k], latex[k] = self._text(names[k]), self._latex(names[k])
                continue
            code, attrs = derivative.op[k], shown_attrs(derivative, k)
            operands_of_node = derivative.operands(k)
            if any(y not in texts for y in operands_of_node) or BY_CODE[code].is_structured:
                return "", ""
            spelling = BY_CODE[code].spelling
            texts[k] = write_op(spelling, [texts[y] for y in operands_of_node], attrs)
            latex[k] = write_latex(spelling, [latex[y] for y in operands_of_node], attrs)
        return texts[derivative.outputs[0]].text, latex[derivative.outputs[0]].text

    def _text(self, x: int) -> Written:
        if x in self.names:
            return Written(self.names[x].text)
        return write_constant(self.graph, x, longest=LONGEST_TENSOR)

    def _latex(self, x: int) -> Written:
        if x in self.names:
            return Written(self.names[x].latex)
        return write_latex(BY_CODE[CONST].spelling, [], self.graph.attrs[x])
