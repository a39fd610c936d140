"""What stops a run at a node, and the diagnostic that it becomes there: the one place for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, Graph, Node
from cgcli.graph.types import Type

from .op import REGISTERED

if TYPE_CHECKING:
    from cgcli.graph.columns import Columns


class Stop(Exception):
    """Raised by an operation that cannot go on, or where a limit of the run is reached.

    code: of the diagnostic. names: those of its arguments in the diagnostic.
    """

    code: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        """The values of the diagnostic at a node; `v` holds the values computed so far."""
        return dict(zip(self.names, self.args, strict=True))


class IntegerDivisionByZero(Stop):
    """An integer is divided by zero."""

    code = "integer-division-by-zero"


class Overflow(Stop):
    """An integer leaves the range of its dtype."""

    code = "integer-overflow"

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        t = node.type
        # without the shape: a batch has an axis of rows, which the program has not
        return {"type": t._replace(shape=()) if isinstance(t, Type) else t}


class IndexOutOfRange(Stop):
    """An index, and the size of the axis that it is for."""

    code = "index-out-of-range"
    names: ClassVar[tuple[str, ...]] = ("index", "size")


class SizesDiffer(Stop):
    """Sizes that only the run can compare are not equal: the shape of the operand and the required one."""

    code = "sizes-differ"

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        return {"shape": _bracket(self.args[0]), "expected": _bracket(self.args[1])}


class EmptyReduction(Stop):
    """A reduction without a neutral element over an axis of size 0."""

    code = "empty-reduction"


class NotInvertible(Stop):
    """A matrix has no inverse, or is not positive definite where it has to be."""

    code = "not-invertible"


class NegativeSize(Stop):
    """A size that is made of names evaluates to less than 0: its text and its number."""

    code = "negative-size-run"
    names: ClassVar[tuple[str, ...]] = ("text", "size")


class UnboundSize(Stop):
    """A named size has no number."""

    code = "unknown-size"
    names: ClassVar[tuple[str, ...]] = ("name",)


class ValueTooLarge(Stop):
    """A value does not fit into the memory of the run: its type and its bytes, the bytes with all others, the limit."""

    code = "too-large"

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        from cgcli.diagnostics.byte_text import byte_text  # for an error alone

        type_, size, used, limit = self.args
        return {
            "type": type_,
            "name": node.name,
            "size": byte_text(size),
            "used": byte_text(used) if used > 1.1 * size else None,
            "limit": byte_text(limit),
        }


class TooManySteps(Stop):
    """Loops have run as many steps as are allowed."""

    code = "too-many-steps"
    names: ClassVar[tuple[str, ...]] = ("limit",)


class StacksTooLarge(Stop):
    """The stacks that loops write take more bytes than are allowed."""

    code = "stacks-too-large"

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        from cgcli.diagnostics.byte_text import byte_text

        return {"limit": byte_text(self.args[0])}


class AssertionFailed(Stop):
    """A condition that the program states does not hold; of a batch, the row in which."""

    code = "assertion-failed"

    def words(self, node: Node, v: Sequence[object]) -> dict[str, object]:
        message = node.attrs["message"] or None
        return {"message": message, "row": self.args, "numbers": _named_numbers(node.graph, node.index, v)}


def failure(graph: Graph | Columns, i: int, stop: Stop, v: Sequence[object] = ()) -> CgError:
    """The error (status 1) of a run that stops at node `i`; `v` holds the values computed so far."""
    node = Node(cast(Graph, graph), i)  # columns under construction have the rows that a node shows
    code, words = stop.code, stop.words(node, v)
    if isinstance(stop, NotInvertible) and "derivative_of" in node.attrs:
        return error("derivative-not-invertible", node.span, status=1, op=node.attrs["derivative_of"])
    if isinstance(stop, AssertionFailed) and words["message"] is None:
        code = "assertion-failed-plain"
    return error(code, node.span, status=1, **{"op": REGISTERED[node.op].spelling.text, **words})


def _bracket(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _named_numbers(graph: Graph, i: int, v: Sequence[object]) -> list[str]:
    """`x is -2` for each named number that an assertion's condition depends on and whose value is still in `v`."""
    from cgcli.diagnostics.wording.templates import format_value  # words are loaded when an error is shown

    texts: dict[str, str] = {}
    seen = {i}
    stack = [i]
    while stack and len(seen) < 50:
        top = stack.pop()
        name, value = graph.names.get(top), v[top]
        if name is not None and top != i:
            if value is not None and getattr(value, "shape", ()) == ():
                texts.setdefault(name, f"{name} is {format_value(value.item() if hasattr(value, 'item') else value)}")
            continue
        unseen = [x for x in graph.operands(top) if x not in seen and graph.op[x] != CONST]
        seen.update(unseen)
        stack.extend(reversed(unseen))
    return list(texts.values())
