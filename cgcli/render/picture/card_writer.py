"""The cards of a picture: title, formula, value and derivative of a unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.loops import LoopView
from cgcli.ops.op import Spelling
from cgcli.ops.table import BY_CODE
from cgcli.ops.value_names import ValueNames
from cgcli.ops.written import WrittenOperations
from cgcli.render.formula import FormulaWriter, clip, number, typographic, value_text, wrapped
from cgcli.render.tensors import (
    FEW_ELEMENTS,
    HeatMap,
    has_nan,
    heat_map,
    is_tensor,
    magnitude,
    norm,
    range_text,
    shape_text,
    write,
)

from .collapse import Block, counts
from .content import LONGEST_TITLE, NAN, NAN_DERIVATIVE, Kind, PictureNode, Sides
from .units import Units

ROWS, COLUMNS = 8, 16  # cells of a heat map at most
SLICES = 4  # of a tensor of more than two axes
RANGE_DIGITS = 3  # of the ends of a tensor's range
LONGEST_LITERAL = 28  # characters of a small tensor's elements
_UNCOUNTED = (INPUT, CONST, COND, GET)
MOST_POINTS = 60  # of a sparkline


class CardWriter:
    """Writes the cards of one graph. heats: receives by id how large the derivatives are. of_name: of what they are, by
    default the name of the node that was differentiated.
    """

    def __init__(
        self,
        graph: Graph,
        evaluation: Evaluation | None,
        units: Units,
        formulas: FormulaWriter,
        sides: Sides,
        heats: dict[int, float],
        *,
        outermost: bool,
        of_name: str | None = None,
    ) -> None:
        self.graph, self.units, self.formulas, self.outermost = graph, units, formulas, outermost
        self.values: Sequence[Any] = evaluation.values if evaluation and sides != "backward" else ()
        self.of = evaluation.of if evaluation and sides != "forward" else None
        self.of_name = clip((of_name or formulas.name(self.of) or "") if self.of is not None else "")
        self.adjoints: Sequence[Any] = evaluation.adjoints if evaluation else ()
        self._flows = flows(graph, (self.of,)) if self.of is not None else bytearray()
        results = [i for i, result in enumerate(units.result_of) if i == result and not formulas.is_constant[i]]
        self._marks = dict(_first_nan(evaluation, results)) if evaluation else {}
        self.heats = heats
        self.names = ValueNames(units.written) if outermost else None  # of the body of a loop tables have no rows

    def unit(self, i: int, identity: int, group: int) -> PictureNode:
        """The card, or the small node, of the unit with the result `i`."""
        formulas = self.formulas
        name = formulas.name(i)
        is_output = self.outermost and i in formulas.outputs
        spelled = name is None and not is_output
        if spelled and self.units.level == "ops":
            title, formula = self.symbol(i), ""
        else:
            title, formula = clip(name or "", LONGEST_TITLE), wrapped(formulas.formula(i))
        kind: Kind = self._kind(i, name)
        if self.graph.op[i] == INPUT and self.values and self.values[i] is not None:
            formula = formula.partition("[")[0].removesuffix(": float")  # the card shows the shape
        node = PictureNode(identity, kind, title, formula, tooltip=self._tooltip(i), group=group)
        node = self.with_numbers(node, i, name)
        return replace(node, mark=self._marks.get(i, ""))

    def symbol(self, i: int) -> str:
        """The sign of a unit without a name; of a chain with its constants: `+ 2`; none of several operations."""
        members = [x for x in self.units.members(i) if self.units.written.result_of[x] == x]
        if len(members) == 1:
            return self.formulas.symbol(i)
        if any(self.graph.op[x] != self.graph.op[i] for x in members):
            return ""
        spelling: Spelling = BY_CODE[self.graph.op[i]].spelling
        constants = [
            self.formulas.constant(x)
            for member in members
            for x in self.graph.operands(member)
            if self.formulas.is_constant[x]
        ]
        if spelling.form != "infix":
            return f"{spelling.symbol}({', '.join(['·', *constants])})" if constants else spelling.symbol
        return f" {spelling.symbol} ".join(["", *constants]).strip() if constants else spelling.symbol

    def block(self, block: Block, identity: int, group: int, results: set[int]) -> PictureNode:
        """Several units as one. results: those of them that are read outside."""
        graph = self.graph
        nodes = [x for i in block.nodes for x in self.units.members(i)]
        repeated = nodes[: len(nodes) // block.times] if block.kind == "repeat" else nodes
        operations = self._operations(repeated)
        single = self.symbol(block.nodes[0]) if len(block.nodes) == block.times else ""
        names = self._range(block.nodes)
        if len(block.nodes) == block.times and names and not single:
            operations = f"{names}: {operations}"
        mark = next((self._marks[i] for i in block.nodes if i in self._marks), "")
        if block.kind == "stack":
            return replace(self._stack(block, identity, group, names), mark=mark)
        title, formula = {
            "call": (clip(block.label, LONGEST_TITLE), operations),
            "repeat": (_repeated(clip(block.label) or single, block.times), names if single else operations),
            "line": (block.label, operations),
            "slice": (names or f"{len(nodes)} nodes", operations),
        }[block.kind]
        if block.label in ("inputs", "constants") and block.kind == "slice":
            title, formula = f"{len(block.nodes)} {block.label}", names
        tooltip = f"{block.label or names or 'a part'}: {len(nodes)} nodes"
        span = graph.span[block.nodes[0]]
        if block.kind == "line" and span != NONE:
            source = graph.spans[span]
            tooltip = clip(source.source.line(source.line).strip(), 80)
        node = PictureNode(identity, "block", title, wrapped(formula), tooltip=tooltip, group=group, mark=mark)
        results |= {i for i in block.nodes if i in self.formulas.outputs}
        is_single = len(results) == 1 and isinstance(graph.type_of(min(results)), Type)
        return self.with_numbers(node, min(results), None) if is_single else node

    def _stack(self, block: Block, identity: int, group: int, names: str) -> PictureNode:
        """Units that are alike: their names, and the range of their values."""
        first, many = block.nodes[0], len(block.nodes)
        is_input = self.graph.op[first] == INPUT
        kind: Kind = "block"
        if is_input:
            kind = "param" if self.graph.names.get(first) in self.formulas.params else "input"
        title = names or _repeated(self.symbol(first), many)
        formula = f"{many} {kind}s" if is_input else _repeated(self.symbol(first), many) if names else ""
        node = PictureNode(identity, kind, title, formula, group=group, stacked=True, tooltip=f"{title}: {formula}")
        value = gradient = ""
        if self.values:
            value = _range_of([self.values[i] for i in block.nodes])
        if self.of is not None and any(self.has_derivative(i) for i in block.nodes):
            gradient = _range_of([0.0 if self.adjoints[i] is None else self.adjoints[i] for i in block.nodes])
        gradient_of = f"∂{self.of_name}/∂·" if gradient else ""
        return replace(node, value=value, gradient=gradient, gradient_of=gradient_of)

    def loop_formula(self, body: Graph) -> str:
        """What a closed loop holds: the operations of a step."""
        return counts(_symbols(WrittenOperations(body), range(len(body))))

    def _operations(self, nodes: Sequence[int]) -> str:
        varying = (i for i in nodes if not self.formulas.is_constant[i])
        return counts(_symbols(self.units.written, varying))

    def with_numbers(self, node: PictureNode, i: int, name: str | None) -> PictureNode:
        """The node with the value and the derivative of `i`."""
        if self.values and self.values[i] is not None:
            node = _with_value(node, self.values[i])
        if self.of is not None and self.has_derivative(i):
            adjoint = self.adjoints[i]
            text, shape, cells = _written(adjoint)
            gradient_of = f"∂{self.of_name}/∂{clip(name)}" if name else ""
            node = replace(node, gradient=text, gradient_of=gradient_of, shape=node.shape or shape, gradient_map=cells)
            if not isinstance(adjoint, list):
                self.heats[node.id] = magnitude(adjoint)
        return node

    def series(self, node: PictureNode, steps: Sequence[Any]) -> PictureNode:
        """The node with the first and the last value of a loop's variable, and what lies between."""
        first, last = steps[0], steps[-1]
        if is_tensor(first) or isinstance(first, list):
            return _with_value(node, last)
        points = steps[:: max(1, -(-len(steps) // MOST_POINTS))]
        points = [*points[:-1], last] if len(points) > 1 else points
        numbers = tuple(map(float, points))
        has_curve = sum(map(math.isfinite, numbers)) > 1
        return replace(node, value=f"{number(first)} → {number(last)}", series=numbers if has_curve else ())

    def _kind(self, i: int, name: str | None) -> Kind:
        op = self.graph.op[i]
        if self.outermost and i in self.formulas.outputs:
            return "output"
        if name is None:
            if op == GET:
                return "choice"
            return "value" if self.units.level == "named" else "small"
        if op == INPUT:
            return "param" if self.graph.names.get(i) in self.formulas.params else "input"
        return "constant" if op == CONST else "value"

    def has_derivative(self, i: int) -> bool:
        """Whether a derivative flows to a node: it is a float, and a path leads from it to the result."""
        return bool(self._flows) and bool(self._flows[i]) and bool(self.adjoints) and self.adjoints[i] is not None

    def _range(self, nodes: Sequence[int]) -> str:
        """The first and the last name among these nodes, of names that differ in a number by that: `v12 … v127`."""
        names = [name for i in nodes if (name := self.formulas.name(i)) is not None]
        stems = [name.rstrip("0123456789") for name in names]
        if len(set(stems)) == 1 and all(len(name) > len(stems[0]) for name in names):
            names.sort(key=lambda name: int(name[len(stems[0]) :]))
        return f"{clip(names[0])} … {clip(names[-1])}" if len(names) > 1 else clip(names[0]) if names else ""

    def _unnamed(self, i: int) -> str:
        """A value without a name: that by which tables call it, and its operation."""
        formula = self.formulas.formula(i)
        return f"{self.names[i]} = {formula.removeprefix('= ')}" if self.names else formula

    def _tooltip(self, i: int) -> str:
        """The whole name, the type, and the numbers with all their digits; of a large tensor what sums it up."""
        t = self.graph.type_of(i)
        name = self.formulas.name(i) or self._unnamed(i)
        parts = [f"{name}: {str(t).removeprefix('~')}"]
        if self.values and self.values[i] is not None:
            parts.append(f"value {_all_digits(self.values[i])}")
        if self.of is not None and self.has_derivative(i):
            parts.append(f"derivative {_all_digits(self.adjoints[i])}")
        return ", ".join(parts)


def flows(graph: Graph, of: Sequence[int]) -> bytearray:
    """A flag a node: whether a derivative of one of `of` flows to it, so that it is more than a zero that stands for
    none."""
    flags = bytearray(len(graph))
    for i in of:
        flags[i] = 1
    for i in range(max(of), -1, -1):
        if not flags[i]:
            continue
        for x in passing(graph, i):
            t = graph.type_of(x)
            if not isinstance(t, Type) or (t.has_derivative and graph.op[x] != CONST):
                flags[x] = 1
    return flags


def passing(graph: Graph, i: int) -> Iterable[int]:
    """The operands that a derivative of a node can flow to: of a loop not those that its condition alone reads."""
    operands = graph.operands(i)
    if graph.op[i] == LOOP:
        loop = LoopView(graph.attrs[i], operands)
        needed = live(loop.body, loop.body.outputs)
        _, inputs, _ = loop.inputs("body")
        invariants = (x for x, inner in zip(loop.invariants, inputs, strict=True) if needed[inner])
        return (*loop.carries, *invariants, *loop.stacks)
    rules = BY_CODE[graph.op[i]].derivative.rules
    if not isinstance(rules, tuple):
        return operands
    return [x for x, rule in zip(operands, rules, strict=False) if rule is not None]


def _symbols(written: WrittenOperations, nodes: Iterable[int]) -> Iterator[str]:
    """The signs of the operations among these nodes, as they were written; what only hands on numbers has none."""
    graph = written.graph
    for i in nodes:
        spelling = BY_CODE[graph.op[i]].spelling
        if written.result_of[i] != i or graph.op[i] in _UNCOUNTED:
            continue
        symbol = written.symbol(i)
        if symbol is not None:
            yield clip(typographic(symbol))
        elif not spelling.storage:
            yield spelling.symbol


def _first_nan(evaluation: Evaluation, results: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The first of these nodes whose value is NaN; where no value is, the last one whose derivative is; and what marks
    it."""
    values = evaluation.values
    bad = next((i for i in results if values[i] is not None and has_nan(values[i])), None)
    if bad is not None:
        yield bad, NAN
        return
    adjoints = evaluation.adjoints
    last = (i for i in reversed(results if adjoints else ()) if adjoints[i] is not None)
    hit = next((i for i in last if has_nan(adjoints[i])), None)
    if hit is not None:
        yield hit, NAN_DERIVATIVE


def _with_value(node: PictureNode, value: Any) -> PictureNode:
    text, shape, cells = _written(value)
    return replace(node, value=text, shape=shape, value_map=cells)


def _written(value: Any) -> tuple[str, str, HeatMap | None]:
    """A value on a card: a text, the shape and the heat map of a tensor that is too large to be written out."""
    text = "" if is_tensor(value) and value.size > FEW_ELEMENTS else value_text(value)
    if not is_tensor(value) or ("  " not in text and 0 < len(text) <= LONGEST_LITERAL):
        return text, "", None
    cells = heat_map(value, ROWS, COLUMNS, SLICES) if value.dtype.kind == "f" and value.size else None
    return range_text(value, lambda x: number(x, RANGE_DIGITS), nan="NaN"), shape_text(value), cells


def _range_of(values: Sequence[Any]) -> str:
    """`−1.2 … 3.4, 2 NaN` over numbers, `all 1` where they are equal; nothing for tensors."""
    if not all(isinstance(x, int | float) for x in values):
        return ""
    numbers = [x for x in values if x == x]
    parts = []
    if numbers:
        low, high = number(min(numbers), RANGE_DIGITS), number(max(numbers), RANGE_DIGITS)
        is_one = min(numbers) == max(numbers) and len(numbers) == len(values)
        parts.append(f"all {low}" if is_one else low if low == high else f"{low} … {high}")
    if len(numbers) < len(values):
        parts.append(f"{len(values) - len(numbers)} NaN")
    return ", ".join(parts)


def _repeated(name: str, times: int) -> str:
    """`layer × 12`; of an operation that is a sign `12 times +`."""
    return f"{name} × {times}" if name[:1].isalpha() else f"{times} times {name}".rstrip()


def _all_digits(value: Any) -> str:
    """A number with all digits, a small tensor with all elements; of a large one what sums it up, and its norm."""
    if not is_tensor(value):
        return repr(value)
    is_long = value.dtype.kind == "f" and value.size > FEW_ELEMENTS
    return f"{write(value)}, norm {number(norm(value))}" if is_long else write(value)
