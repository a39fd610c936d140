"""The nodes of a graph as rows of a table, or as a tree of what each output is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.types import Type
from cgcli.ops.notation import write_constant, write_node
from cgcli.ops.spelling import LONGEST_TENSOR, Written
from cgcli.ops.table import OPS

from .formula import control_text, control_word, operands
from .picture.selection import magnitude
from .tensors import is_tensor, literal, terminal_brief, zeros_like

DEEPEST = 30  # levels of a tree
Sort = Literal["grad", "value", "name", "op"]
HEADER = ("node", "op", "inputs", "type", "value", "gradient")


class Branches(NamedTuple):
    """The signs that draw a tree."""

    child: str
    last: str
    through: str
    gap: str = "   "


UNICODE = Branches("├─ ", "└─ ", "│  ")
ASCII = Branches("|- ", "`- ", "|  ")


def rows(
    graph: Graph, evaluation: Evaluation | None = None, only: Sequence[str] = (), sort: Sort | None = None
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """A header, and a row a node; a literal stands with the node that reads it. Numbers are left as they are.

    only: names, functions and operations whose nodes are listed (empty: all). sort: by name or operation, or by the
    size of the value or the gradient, the largest first. Raises CgError for an `only` that fits no node, and for a
    gradient to sort by where there is none.
    """
    nodes = _selected(graph, [i for i in range(len(graph)) if has_row(graph, i)], only)
    if sort is not None:
        nodes = _sorted(graph, evaluation, nodes, sort)
    width = 4 if evaluation is None else 5 if evaluation.of is None else 6
    rows = []
    for i in nodes:
        inputs = ", ".join(reference(graph, x) for x in operands(graph, i))
        row: list[Any] = [reference(graph, i), _op_label(graph, i), inputs, str(graph.type_of(i)).removeprefix("~")]
        row.append(evaluation.values[i] if evaluation else None)
        row.append(gradient(graph, evaluation, i) if evaluation else None)
        rows.append(tuple(row[:width]))
    return HEADER[:width], rows


def _selected(graph: Graph, nodes: list[int], only: Sequence[str]) -> list[int]:
    if not only:
        return nodes
    groups = graph.groups
    labels: list[set[str]] = []
    for i in nodes:
        labels_of_node = {reference(graph, i), _op_label(graph, i), graph[i].op, OPS[graph[i].op].spelling.symbol}
        group = graph.group[i]
        while group != NONE:
            labels_of_node.add(groups[group].function)
            group = groups[group].parent
        labels.append(labels_of_node)
    candidates = list(dict.fromkeys(label for i in nodes for label in (reference(graph, i), graph[i].op)))
    for name in only:
        if not any(name in names for names in labels):
            raise error("no-such-row", name=name, nearest=nearest(name, candidates))
    return [i for i, names in zip(nodes, labels, strict=True) if not names.isdisjoint(only)]


def _sorted(graph: Graph, evaluation: Evaluation | None, nodes: list[int], sort: Sort) -> list[int]:
    if sort in ("name", "op"):
        return sorted(nodes, key=lambda i: reference(graph, i) if sort == "name" else _op_label(graph, i))
    if evaluation is None or (sort == "grad" and evaluation.of is None):
        raise error("nothing-to-sort-by", sort=sort)

    def key(i: int) -> float:
        x = evaluation.values[i] if sort == "value" else gradient(graph, evaluation, i)
        return -1.0 if x is None or isinstance(x, list) else magnitude(x)

    return sorted(nodes, key=key, reverse=True)


def tree(
    graph: Graph,
    evaluation: Evaluation | None = None,
    *,
    ascii_only: bool = False,
    precision: int | None = None,
    full: bool = False,
) -> Iterator[str]:
    """Lines: each output, below it what it is made of. A node that was shown before is only named again.

    What lies deeper than `DEEPEST` levels gets a tree of its own further below, so that lines stay short. Of tensors
    with more than a few elements the range is shown. full: all elements instead.
    """
    write = value_writer(precision, full=full, ascii_only=ascii_only)
    signs = ASCII if ascii_only else UNICODE
    seen: set[int] = set()
    deferred: set[int] = set()
    roots = deque(graph.outputs)
    while roots:
        root = roots.popleft()
        if root in deferred and root in seen:
            continue
        # a node that is still to be drawn, the signs in front of it, and those in front of its children
        stack = [(root, "", "")]
        while stack:
            i, lead, below = stack.pop()
            children = [x for x in operands(graph, i) if has_row(graph, x)]
            elsewhere = "above" if i in seen else "below" if len(below) >= DEEPEST * len(signs.gap) else ""
            if elsewhere and children:
                yield f"{lead}{show(reference(graph, i))} ({elsewhere})"
                if elsewhere == "below" and i not in deferred:
                    deferred.add(i)
                    roots.append(i)
                continue
            yield lead + _line(graph, evaluation, i, write)
            seen.add(i)
            for k, x in reversed(list(enumerate(children))):
                last = k == len(children) - 1
                stack.append(
                    (x, below + (signs.last if last else signs.child), below + (signs.gap if last else signs.through))
                )


def value_writer(precision: int | None = None, *, full: bool = False, ascii_only: bool = False) -> Callable[[Any], str]:
    """The function that writes a value beside a node: a tensor in brief, or all of it."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return f"{len(value)} items"
        if full and is_tensor(value):
            return literal(value, precision)
        return terminal_brief(value, precision, ascii_only=ascii_only)

    return text


def _line(graph: Graph, evaluation: Evaluation | None, i: int, write: Callable[[Any], str]) -> str:
    text = show(definition(graph, i))
    if evaluation and evaluation.values[i] is not None:
        text += f"   value {write(evaluation.values[i])}"
        derivative = gradient(graph, evaluation, i)
        if derivative is not None:
            text += f"   gradient {write(derivative)}"
    return text


def definition(graph: Graph, i: int) -> str:
    """A node in a line: its name or number, and its operation over the names of its operands."""
    name, text = reference(graph, i), _operation(graph, i)
    return name if text == name else f"{name} = {text}"


def has_row(graph: Graph, i: int) -> bool:
    """Whether a node has a row of its own."""
    if graph.op[i] in (COND, LOOP):
        return False
    return graph.op[i] != CONST or i in graph.names


def reference(graph: Graph, i: int) -> str:
    """A node's name; the text of a literal; else its number, as `%3`."""
    if i in graph.names:
        return graph.names[i]
    if graph.op[i] == CONST:
        return write_constant(graph, i, longest=LONGEST_TENSOR).text
    return f"%{i}"


def _op_label(graph: Graph, i: int) -> str:
    if graph.op[i] == GET:
        return control_word(graph, i)
    attrs = graph.attrs.get(i, {})
    return f"power {attrs['exponent']}" if "exponent" in attrs else graph[i].op


def _operation(graph: Graph, i: int) -> str:
    """The operation over the names of its operands."""
    texts = [Written(reference(graph, x)) for x in operands(graph, i)]
    if graph.op[i] == GET:
        return control_text(graph, i, [text.text for text in texts])
    if graph.op[i] in (CONST, INPUT):
        return graph.names.get(i) or reference(graph, i)
    return write_node(graph, i, texts).text


def gradient(graph: Graph, evaluation: Evaluation, i: int) -> Any:
    """The derivative by a node, zero where no path leads; None where there can be none."""
    t = graph.type_of(i)
    if evaluation.of is None or not isinstance(t, Type) or not t.has_derivative:
        return None
    adjoint = evaluation.adjoints[i]
    if adjoint is not None:
        return adjoint if is_tensor(adjoint) else adjoint or 0.0
    return zeros_like(evaluation.values[i]) if is_tensor(evaluation.values[i]) else 0.0
