"""The nodes of a graph as rows of a table, or as a tree of what each output is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, opcode
from cgcli.graph.types import Type
from cgcli.ops.notation import LONGEST_TENSOR, Written, shown_attrs, write_constant, write_op
from cgcli.ops.table import OPS

from .escape import show
from .formula import told, word
from .numbers import shortest
from .selection import size
from .tensors import is_tensor, literal, terminal_brief, zeros_like

_COND, _LOOP, _GET = opcode("cond"), opcode("loop"), opcode("get")
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

    only: names, functions and operations whose nodes are wanted (empty: all). sort: by name or operation, or by the
    size of the value or the gradient, the largest first. Raises CgError for an `only` that fits no node, and for a
    gradient to sort by where there is none.
    """
    shown = _wanted(graph, [i for i in range(len(graph)) if is_shown(graph, i)], only)
    if sort is not None:
        shown = _sorted(graph, evaluation, shown, sort)
    differentiated = evaluation is not None and evaluation.of is not None
    width = 6 if differentiated else 5 if evaluation else 4
    found = []
    for i in shown:
        inputs = ", ".join(reference(graph, x) for x in operands(graph, i))
        row: list[Any] = [reference(graph, i), _op(graph, i), inputs, str(graph.type_of(i)).removeprefix("~")]
        row.append(evaluation.values[i] if evaluation else None)
        row.append(gradient(graph, evaluation, i) if evaluation and differentiated else None)
        found.append(tuple(row[:width]))
    return HEADER[:width], found


def _wanted(graph: Graph, shown: list[int], only: Sequence[str]) -> list[int]:
    if not only:
        return shown
    groups = graph.groups
    labels: list[set[str]] = []
    for i in shown:
        found = {reference(graph, i), _op(graph, i), graph[i].op, OPS[graph[i].op].symbol}
        group = graph.group[i]
        while group != NONE:
            found.add(groups[group].function)
            group = groups[group].parent
        labels.append(found)
    known = list(dict.fromkeys(label for i in shown for label in (reference(graph, i), graph[i].op)))
    for name in only:
        if not any(name in each for each in labels):
            raise error("no-such-row", name=name, nearest=nearest(name, known))
    wanted = set(only)
    return [i for i, each in zip(shown, labels, strict=True) if wanted & each]


def _sorted(graph: Graph, evaluation: Evaluation | None, shown: list[int], sort: Sort) -> list[int]:
    if sort in ("name", "op"):
        return sorted(shown, key=lambda i: reference(graph, i) if sort == "name" else _op(graph, i))
    if evaluation is None or (sort == "grad" and evaluation.of is None):
        raise error("nothing-to-sort-by", sort=sort)

    def key(i: int) -> float:
        x = evaluation.values[i] if sort == "value" else gradient(graph, evaluation, i)
        return -1.0 if x is None or isinstance(x, list) else size(x)

    return sorted(shown, key=key, reverse=True)


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
    written = writer(precision, full=full, ascii_only=ascii_only)
    signs = ASCII if ascii_only else UNICODE
    seen: set[int] = set()
    deferred: set[int] = set()
    roots = deque(graph.outputs)
    while roots:
        root = roots.popleft()
        if root in deferred and root in seen:
            continue
        # what is still to be shown: a node, the signs in front of it, those in front of what is below it
        stack = [(root, "", "")]
        while stack:
            i, lead, below = stack.pop()
            below_it = [x for x in operands(graph, i) if is_shown(graph, x)]
            where = "above" if i in seen else "below" if len(below) >= DEEPEST * len(signs.gap) else ""
            if where and below_it:
                yield f"{lead}{show(reference(graph, i))} ({where})"
                if where == "below" and i not in deferred:
                    deferred.add(i)
                    roots.append(i)
                continue
            yield lead + _line(graph, evaluation, i, written)
            seen.add(i)
            for k, x in reversed(list(enumerate(below_it))):
                last = k == len(below_it) - 1
                stack.append(
                    (x, below + (signs.last if last else signs.child), below + (signs.gap if last else signs.through))
                )


def writer(precision: int | None = None, *, full: bool = False, ascii_only: bool = False) -> Callable[[Any], str]:
    """How a value is written beside a node: a tensor in brief, or all of it."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return f"{len(value)} items"
        if not is_tensor(value):
            return shortest(value, precision)
        return literal(value, precision) if full else terminal_brief(value, precision, ascii_only=ascii_only)

    return text


def _line(graph: Graph, evaluation: Evaluation | None, i: int, written: Callable[[Any], str]) -> str:
    text = show(spelled(graph, i))
    if evaluation and evaluation.values[i] is not None:
        text += f"   value {written(evaluation.values[i])}"
        slope = gradient(graph, evaluation, i) if evaluation.of is not None else None
        if slope is not None:
            text += f"   gradient {written(slope)}"
    return text


def spelled(graph: Graph, i: int) -> str:
    """A node in a line: its name or place, and the operation that makes it."""
    name, text = reference(graph, i), _spelled(graph, i)
    return name if text == name else f"{name} = {text}"


def is_shown(graph: Graph, i: int) -> bool:
    """Whether a node has a row of its own."""
    if graph.op[i] in (_COND, _LOOP):
        return False
    return graph.op[i] != CONST or i in graph.names


def operands(graph: Graph, i: int) -> Sequence[int]:
    """Those of a `cond` or a loop for its result."""
    return graph.operands(graph.a[i] if graph.op[i] == _GET else i)


def reference(graph: Graph, i: int) -> str:
    """A node's name; a number for a literal; else its place."""
    if i in graph.names:
        return graph.names[i]
    if graph.op[i] == CONST:
        return write_constant(graph, i, longest=LONGEST_TENSOR).text
    return f"%{i}"


def _op(graph: Graph, i: int) -> str:
    if graph.op[i] == _GET:
        return word(graph, i)
    attrs = graph.attrs.get(i, {})
    return f"power {attrs['exponent']}" if "exponent" in attrs else graph[i].op


def _spelled(graph: Graph, i: int) -> str:
    """The operation over the names of its operands."""
    texts = [Written(reference(graph, x)) for x in operands(graph, i)]
    if graph.op[i] == _GET:
        return told(graph, i, [text.text for text in texts])
    if graph.op[i] in (CONST, INPUT):
        return graph.names.get(i) or reference(graph, i)
    return write_op(graph[i].op, texts, shown_attrs(graph, i)).text


def gradient(graph: Graph, evaluation: Evaluation, i: int) -> Any:
    """The derivative by a node, zero where no path leads; None where there can be none."""
    t = graph.type_of(i)
    if not isinstance(t, Type) or not t.has_derivative:
        return None
    adjoint = evaluation.adjoints[i]
    if adjoint is not None:
        return adjoint if is_tensor(adjoint) else adjoint or 0.0
    return zeros_like(evaluation.values[i]) if is_tensor(evaluation.values[i]) else 0.0
