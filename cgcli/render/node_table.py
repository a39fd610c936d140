"""The operations of a graph, as they were written, as rows of a table or as a tree of what each output is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.suggest import nearest
from cgcli.diagnostics.wrapped import cell_width
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, GET, INPUT, NONE, Graph, opname
from cgcli.ops.notation import write_constant
from cgcli.ops.spelling import LONGEST_TENSOR, Written
from cgcli.ops.table import BY_CODE
from cgcli.ops.value_names import ValueNames
from cgcli.ops.written import WrittenOperations

from .formula import operands
from .node_text import gradient, has_row, value_writer
from .schema import operation_data, version_data
from .style import ACCENT, BOLD, DIM, styled
from .tensors import magnitude
from .written_text import file_text, operation_text

DEEPEST = 30  # levels of a tree
LEAST_LINE = 28  # characters of a line behind the signs of a tree
Sort = Literal["grad", "value", "name", "op"]
HEADER = ("node", "op", "inputs", "type")
FORMULAS = ("node", "formula", "type")
NUMBERS = ("value", "gradient")


class Branches(NamedTuple):
    """The signs that draw a tree."""

    child: str
    last: str
    through: str
    gap: str = "   "


UNICODE = Branches("├─ ", "└─ ", "│  ")
ASCII = Branches("|- ", "`- ", "|  ")


class OperationTable:
    """The operations of a graph that have rows, with the texts of each: `nodes` are their results, in order."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.written = WrittenOperations(graph)
        self.names = ValueNames(self.written)
        self.nodes = [i for i, result in enumerate(self.written.result_of) if i == result and self.has_row(i)]
        self._rebound = {version.name for version in self.names.versions.values() if not version.is_only}

    def has_row(self, i: int) -> bool:
        """Whether a node is the result of an operation, and neither a literal nor a size, which counts as one."""
        return self.written.result_of[i] == i and has_row(self.graph, i) and not self.names.is_size(i)

    def reference(self, i: int) -> str:
        """The name of a value; see `ValueNames`."""
        return self.names[i]

    def inputs(self, i: int) -> tuple[int, ...]:
        """The operands, which are results and literals."""
        return self.written.inputs(i)

    def references(self, i: int) -> list[str]:
        """The operands as they are shown; of a value that has only a name, its literal."""
        if self.graph.op[i] == CONST:
            return [write_constant(self.graph, i, longest=LONGEST_TENSOR).text]
        names = self.names
        return [names[x] for x in self.inputs(i)]

    def definition(self, i: int) -> str:
        """An operation in a line: the name of its result, and its text over the names of its operands."""
        name = self.reference(i)
        text = operation_text(self.written, i, lambda x: Written(self.reference(x))).text
        return name if text == name else f"{name} = {text}"

    def formula(self, i: int) -> str:
        """An operation as the file has it, else over the names of its operands; see `file_text`."""
        if self.graph.op[i] == INPUT:
            return "input"
        text = file_text(self.written, i, self._rebound)
        if text is None:
            text = operation_text(self.written, i, lambda x: Written(self.reference(x))).text
        return text

    def labels(self, i: int) -> set[str]:
        """What an operation is selected by: names and functions, its symbol, the ops that it was lowered to."""
        graph = self.graph
        labels = {self.reference(i), self.written.operator(i)}
        if i in graph.names:
            labels.add(graph.names[i])
        for x in self.written.members.get(i, (i,)):
            code = graph.op[graph.a[x]] if graph.op[x] == GET else graph.op[x]
            labels |= {opname(graph.op[x]), opname(code), BY_CODE[code].spelling.symbol, BY_CODE[code].spelling.text}
        group = graph.group[i]
        while group != NONE:
            labels.add(graph.groups[group].function)
            group = graph.groups[group].parent
        return labels


class Listing:
    """The operations of a graph that are listed, with values and gradients where there are any.

    See `selected` for `only` and `sort`.
    """

    def __init__(
        self, graph: Graph, evaluation: Evaluation | None = None, only: Sequence[str] = (), sort: Sort | None = None
    ) -> None:
        self.table = OperationTable(graph)
        self.evaluation = evaluation
        self.nodes = selected(self.table, evaluation, only, sort)
        self._types = [str(t).removeprefix("~") for t in graph.types]
        self._outputs = {self.table.written.result_of[i] for i in graph.outputs}

    def header(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The titles of these columns, and of those of the numbers."""
        evaluation = self.evaluation
        return (*columns, *NUMBERS[: 0 if evaluation is None else 1 if evaluation.of is None else 2])

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """For other programs, by the columns `HEADER`: a literal stands with what reads it; numbers are left as they
        are."""
        table, types = self.table, self.table.graph.type
        for i in self.nodes:
            inputs = ", ".join(table.references(i))
            yield (table.reference(i), table.written.operator(i), inputs, self._types[types[i]], *self._numbers(i))

    def formulas(self) -> Iterator[tuple[Any, ...]]:
        """For readers, by the columns `FORMULAS`: operations as the file has them."""
        table, types = self.table, self.table.graph.type
        for i in self.nodes:
            yield (table.reference(i), table.formula(i), self._types[types[i]], *self._numbers(i))

    def styles(self, k: int) -> tuple[str, ...]:
        """The styles of the cells of a row of `formulas`: the answer in bold, derivatives in their colour, and what is
        there beside: types, and names that nobody gave."""
        i = self.nodes[k]
        if i in self._outputs:
            return (BOLD, "", DIM, BOLD, ACCENT)
        name = "" if i in self.table.graph.names else DIM
        return (name, DIM if self.table.graph.op[i] == INPUT else "", DIM, "", ACCENT)

    def _numbers(self, i: int) -> tuple[Any, ...]:
        if self.evaluation is None:
            return ()
        value = self.evaluation.values[i]
        if self.evaluation.of is None:
            return (value,)
        return value, gradient(self.table.graph, self.evaluation, i)


def rows(
    graph: Graph, evaluation: Evaluation | None = None, only: Sequence[str] = (), sort: Sort | None = None
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """A header, and a row an operation; see `Listing`."""
    listing = Listing(graph, evaluation, only, sort)
    return listing.header(HEADER), list(listing.rows())


def node_data(
    graph: Graph, evaluation: Evaluation | None = None, only: Sequence[str] = (), sort: Sort | None = None
) -> list[dict[str, Any]]:
    """As `rows`, but as JSON data of all nodes that the operations were lowered to; see docs/graph-schema.md."""
    table = OperationTable(graph)
    order = {result: k for k, result in enumerate(selected(table, evaluation, only, sort))}
    nodes = [i for i in range(len(graph)) if has_row(graph, i) and (not only or table.written.result_of[i] in order)]
    if sort is not None:
        nodes.sort(key=lambda i: order.get(table.written.result_of[i], len(order)))
    return [_node_data(table, evaluation, i) for i in nodes]


def _node_data(table: OperationTable, evaluation: Evaluation | None, i: int) -> dict[str, Any]:
    graph = table.graph
    data: dict[str, Any] = {"node": table.reference(i), "id": i, "op": opname(graph.op[i])}
    data["inputs"] = [table.reference(x) for x in operands(graph, i)]
    data["type"] = _type_text(graph, i)
    if evaluation is not None:
        data["value"] = evaluation.values[i]
        if evaluation.of is not None:
            data["gradient"] = gradient(graph, evaluation, i)
    return data | operation_data(table.written, i) | version_data(table.names.versions.get(i))


def selected(table: OperationTable, evaluation: Evaluation | None, only: Sequence[str], sort: Sort | None) -> list[int]:
    """The operations to be listed.

    only: names, functions and operations (empty: all). sort: by name or operation, or by the size of the value or the
    gradient, the largest first. Raises CgError for an `only` that fits nothing, and for a gradient to sort by where
    there is none.
    """
    nodes = _chosen(table, only)
    return nodes if sort is None else _sorted(table, evaluation, nodes, sort)


def _chosen(table: OperationTable, only: Sequence[str]) -> list[int]:
    if not only:
        return table.nodes
    labels = [table.labels(i) for i in table.nodes]
    for name in only:
        if not any(name in names for names in labels):
            candidates = [label for i in table.nodes for label in (table.reference(i), table.written.operator(i))]
            raise error("no-such-row", name=name, nearest=nearest(name, list(dict.fromkeys(candidates))))
    return [i for i, names in zip(table.nodes, labels, strict=True) if not names.isdisjoint(only)]


def _sorted(table: OperationTable, evaluation: Evaluation | None, nodes: list[int], sort: Sort) -> list[int]:
    if sort in ("name", "op"):
        return sorted(nodes, key=table.reference if sort == "name" else table.written.operator)
    if evaluation is None or (sort == "grad" and evaluation.of is None):
        raise error("nothing-to-sort-by", sort=sort)

    def key(i: int) -> float:
        x = evaluation.values[i] if sort == "value" else gradient(table.graph, evaluation, i)
        return -1.0 if x is None or isinstance(x, list) else magnitude(x)

    return sorted(nodes, key=key, reverse=True)


def tree(
    graph: Graph,
    evaluation: Evaluation | None = None,
    write: Callable[[Any], str] | None = None,
    *,
    ascii_only: bool = False,
    width: int | None = None,
    colour: bool = False,
) -> Iterator[str]:
    """Lines: each output, below it what it is made of. A node that was shown before is only named again.

    What lies deeper than `DEEPEST` levels, or than a width has room for, gets a tree of its own further below, so that
    lines stay short. write: writes a value; by default with all digits, of a tensor with more than a few elements the
    range. width: of lines, None for any.
    """
    table = OperationTable(graph)
    write = write or value_writer()
    signs = ASCII if ascii_only else UNICODE
    deepest = DEEPEST if width is None else max(2, min(DEEPEST, (width - LEAST_LINE) // len(signs.gap)))
    seen: set[int] = set()
    deferred: set[int] = set()
    roots = deque(dict.fromkeys(table.written.result_of[i] for i in graph.outputs))
    while roots:
        root = roots.popleft()
        if root in deferred and root in seen:
            continue
        # a node that is still to be drawn, the signs in front of it, and those in front of its children
        stack = [(root, "", "")]
        while stack:
            i, lead, below = stack.pop()
            children = [x for x in table.inputs(i) if table.has_row(x)]
            elsewhere = "above" if i in seen else "below" if len(below) >= deepest * len(signs.gap) else ""
            if elsewhere and children:
                again = Part(f"{show(table.reference(i))} ({elsewhere})")
                yield from fitted_parts([again], lead, below + signs.gap, width)
                if elsewhere == "below" and i not in deferred:
                    deferred.add(i)
                    roots.append(i)
                continue
            rest = below + (signs.through if children else signs.gap)
            yield from fitted_parts(_parts(table, evaluation, i, write, colour), lead, rest, width)
            seen.add(i)
            for k, x in reversed(list(enumerate(children))):
                last = k == len(children) - 1
                stack.append(
                    (x, below + (signs.last if last else signs.child), below + (signs.gap if last else signs.through))
                )


def _parts(
    table: OperationTable, evaluation: Evaluation | None, i: int, write: Callable[[Any], str], colour: bool
) -> list[Part]:
    """An operation, its value and its gradient."""
    parts = [Part(show(table.definition(i)))]
    if evaluation and evaluation.values[i] is not None:
        parts.append(Part(f"value {write(evaluation.values[i])}"))
        derivative = gradient(table.graph, evaluation, i)
        if derivative is not None:
            parts.append(Part(f"gradient {write(derivative)}", ACCENT if colour else ""))
    return parts


class Part(NamedTuple):
    """A text of a line, and its style."""

    text: str
    style: str = ""


def fitted_parts(parts: Sequence[Part], lead: str, rest: str, width: int | None) -> Iterator[str]:
    """Parts of a line side by side, else below each other. rest: what stands in front of all lines but the first."""
    if width is None:
        yield lead + "   ".join(styled(*part) for part in parts)
        return
    from .table_columns import folded  # for terminals alone

    line, end = "", 0
    for text, style in parts:
        size = cell_width(text)
        if line and end + 3 + size <= width - len(lead):
            line, end = f"{line}   {styled(text, style)}", end + 3 + size
            continue
        if line:
            yield lead + line
            lead = rest
        *before, last = folded(text, width - len(lead)) if size > width - len(lead) else [text]
        for piece in before:
            yield lead + styled(piece, style)
            lead = rest
        line, end = styled(last, style), cell_width(last)
    yield lead + line


def _type_text(graph: Graph, i: int) -> str:
    return str(graph.type_of(i)).removeprefix("~")
