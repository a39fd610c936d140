"""The chain rule of one value by others, put together: steps, local derivatives, paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgcli.analysis.paths import Edges
from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.latex import latex_text
from cgcli.ops.notation import shown_attrs, write_constant
from cgcli.ops.spelling import LONGEST_TENSOR, Written, write_latex, write_op
from cgcli.ops.table import BY_CODE
from cgcli.ops.value_names import ValueNames
from cgcli.ops.written import WrittenOperations
from cgcli.optimise.simplify import simplify
from cgcli.render.explain import Derivative, Equation, Explanation, LocalDerivative, Name, PathProduct
from cgcli.render.written_text import operation_text
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
    written = arrows.written
    starts = {name: written.result_of[program.module.values[name]] for name in gradients.partials}
    between = {name: arrows.between(i) for name, i in starts.items()}
    partials: dict[tuple[int, int], float | None] = {}
    for name, nodes in between.items():
        nodes_between, edges = frozenset(nodes), arrows.of_value(starts[name])
        for i in nodes:
            partials |= {(i, x): p for x, p in edges[i].items() if x in nodes_between and i != starts[name]}
    names = _names(written, sorted({*arrows.partials, *starts.values()}))
    text = _SymbolicText(written, names)
    equation_nodes = [i for i in sorted(arrows.partials) if i in names and graph.op[i] != INPUT]
    is_short = len(equation_nodes) <= MOST_STEPS
    equations = [Equation(names[i], *text.operation(i), v[i]) for i in equation_nodes] if is_short else []
    equations = [equation for equation in equations if equation.text != equation.name.text]  # not the size `n`
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
        names[arrows.of],
        v[arrows.of],
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


def _names(written: WrittenOperations, nodes: Sequence[int]) -> dict[int, Name]:
    """The name of each result but literals; see `ValueNames`."""
    names = ValueNames(written)
    by_node: dict[int, Name] = {}
    for i in nodes:
        version = names.versions.get(i)
        if version is not None:
            by_node[i] = Name(version.name, None if version.is_only else version)
        elif written.graph.op[i] != CONST:
            by_node[i] = Name(names[i])
    return by_node


class _SymbolicText:
    """Operations and their local derivatives over names, as text and in LaTeX."""

    def __init__(self, written: WrittenOperations, names: Mapping[int, Name]) -> None:
        self.written, self.graph, self.names = written, written.graph, names

    def operation(self, i: int) -> tuple[str, str]:
        """An operation over the names of its operands."""
        return operation_text(self.written, i, self._text).text, self._operation_latex(i)

    def _operation_latex(self, i: int) -> str:
        graph, written = self.graph, self.written
        if written.text(i) is None:
            operands = [self._latex(written.result_of[x]) for x in graph.operands(i)]
            return write_latex(BY_CODE[graph.op[i]].spelling, operands, shown_attrs(graph, i)).text
        operands, symbol = [self._latex(x) for x in written.inputs(i)], written.operator(i)
        for x in written.members.get(i, (i,)):
            spelling = BY_CODE[graph.op[x]].spelling
            if spelling.form == "infix" and spelling.text == symbol and len(operands) == 2:
                return write_latex(spelling, operands, shown_attrs(graph, x)).text
        texts = [x.text for x in operands]
        if symbol.startswith("[") and symbol != "[…]" and texts:
            text = rf"{texts[0]}\text{{{latex_text(symbol)}}}"
            return f"{text} {texts[-1]}" if symbol.endswith("=") and len(texts) > 1 else text
        return rf"\operatorname{{{latex_text(symbol)}}}\left({', '.join(texts)}\right)"

    def partial(self, i: int, x: int) -> tuple[str, str]:
        """The local derivative of operation `i` by its operand `x` in symbols.

        Empty where it is no single number, or the operation has several nodes.
        """
        graph = self.graph
        operands = graph.operands(i)
        if i in self.written.members or any(self.written.is_form[y] for y in operands):
            return "", ""
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
