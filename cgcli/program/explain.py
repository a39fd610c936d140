"""The chain rule of one value by others, put together: steps, local derivatives, paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.analysis.paths import Edges
from cgcli.graph.graph import CONST, INPUT, Graph, opname
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.notation import Written, shown_attrs, write_constant, write_latex, write_op
from cgcli.optimise.simplify import simplify
from cgcli.render.explain import By, Explanation, Local, Name, Step, Way
from cgcli.transform.gradient import gradient

from .dynamic import Recorded

MOST_STEPS = 60  # that are written out; of more only the paths are


def explain(program: Recorded, of: str | None, wrt: Sequence[str] | None, most: int) -> Explanation:
    """The derivatives of `of` by each of `wrt`, path by path. The program is the record of a run.

    Raises CgError for names that cannot be differentiated.
    """
    target = program.of_choice(of)
    names = program.flat_gradient({}, target, wrt)  # structured data are the many inputs that they hold
    evaluation = program.run({}, of=target)
    assert evaluation.of is not None
    graph, v = evaluation.graph, evaluation.values
    arrows = Edges(graph, v, evaluation.of)
    starts = {name: program.module.values[name] for name in names.partials}
    between = {name: arrows.between(i) for name, i in starts.items()}
    taken: dict[tuple[int, int], float | None] = {}
    for name, nodes in between.items():
        within, ways = frozenset(nodes), arrows.of_value(starts[name])
        for i in nodes:
            taken |= {(i, x): p for x, p in ways[i].items() if x in within and i != starts[name]}
    called = _named(graph, sorted({*arrows.partials, *starts.values()}))
    speller = _Speller(graph, called)
    made = [i for i in sorted(arrows.partials) if i in called and graph.op[i] != INPUT]
    few = len(made) <= MOST_STEPS
    steps = [Step(called[i], *speller.formula(i), v[i]) for i in made] if few else []
    locals_ = [
        Local(called[i], called[x], *speller.partial(i, x), partial)
        for (i, x), partial in (sorted(taken.items()) if few else ())
        if partial is not None
    ]
    by = []
    for name, i in starts.items():
        found = arrows.paths(i, most)
        listed = tuple(Way(tuple(called[x] for x in p.nodes), p.partials, p.product) for p in found.listed)
        by.append(By(called[i], names.partials[name], found.many, listed, found.largest))
    return Explanation(called[evaluation.of], v[evaluation.of], tuple(steps), tuple(locals_), tuple(by), len(made))


def _number(graph: Graph, i: int) -> Type | None:
    """The type of a single number, a literal's as that of a float: whole numbers in data are such, and have
    derivatives."""
    t = graph.type_of(i)
    if not isinstance(t, Type) or t.shape:
        return None
    return Type("float") if t.weak else t


def _named(graph: Graph, nodes: Sequence[int]) -> dict[int, Name]:
    """What each node is called: its own name, with a number where several have it; `v1`, `v2` for those without one."""
    uses = Counter(graph.names[i] for i in nodes if i in graph.names)
    seen: Counter[str] = Counter()
    found: dict[int, Name] = {}
    fresh = 0
    for i in nodes:
        name = graph.names.get(i)
        if name is None:
            if graph.op[i] == CONST:
                continue
            fresh += 1
            while f"v{fresh}" in uses:
                fresh += 1
            found[i] = Name(f"v{fresh}")
        else:
            seen[name] += 1
            found[i] = Name(name, seen[name] if uses[name] > 1 else None)
    return found


class _Speller:
    """Operations and their local derivatives over names, as text and in LaTeX."""

    def __init__(self, graph: Graph, called: Mapping[int, Name]) -> None:
        self.graph, self.called = graph, called
        self._known: dict[tuple[Any, ...], tuple[Graph, dict[int, int]] | None] = {}

    def formula(self, i: int) -> tuple[str, str]:
        """How a node is made, over the names of its operands."""
        graph = self.graph
        op, attrs = opname(graph.op[i]), shown_attrs(graph, i)
        operands = graph.operands(i)
        if graph.op[i] == CONST:
            return write_constant(graph, i, "cg", 28).text, write_latex("const", [], graph.attrs[i]).text
        text = write_op(op, [self._text(x) for x in operands], attrs).text
        return text, write_latex(op, [self._latex(x) for x in operands], attrs).text

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
                fixed = graph.op[y] == CONST and y not in graph.names
                inputs[y] = b.const(graph.attrs[y]["value"], t) if fixed else b.input(t)
        made = b.place(graph.op[i], tuple(inputs[y] for y in operands), b.intern_type(result), graph.attrs.get(i, {}))
        whole = b.done(made)
        short = prune(simplify(gradient(whole, made, [inputs[x]]))[0])
        order = [y for y in inputs if whole.op[inputs[y]] == INPUT]
        names = dict(zip(short.inputs, order, strict=True))
        texts: dict[int, Written] = {}
        formulas: dict[int, Written] = {}
        for k in range(len(short)):
            if k in names:
                texts[k], formulas[k] = self._text(names[k]), self._latex(names[k])
                continue
            op, attrs = opname(short.op[k]), shown_attrs(short, k)
            below = short.operands(k)
            if any(y not in texts for y in below) or op in ("cond", "loop", "get"):
                return "", ""
            texts[k] = write_op(op, [texts[y] for y in below], attrs)
            formulas[k] = write_latex(op, [formulas[y] for y in below], attrs)
        return texts[short.outputs[0]].text, formulas[short.outputs[0]].text

    def _text(self, x: int) -> Written:
        if x in self.called:
            return Written(self.called[x].text)
        return write_constant(self.graph, x, "cg", 28)

    def _latex(self, x: int) -> Written:
        if x in self.called:
            return Written(self.called[x].latex)
        return write_latex("const", [], self.graph.attrs[x])
