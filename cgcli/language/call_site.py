"""The call site of a built-in function, by which its definition makes nodes and reads its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from cgcli.diagnostics.diagnostic import Label, error
from cgcli.graph.sizes import Shape, Size

from .frames import Frame
from .origins import callers, counted, described
from .regions import Value
from .shapes import constant_of, sizes_of
from .tensors import Tensors
from .tree import kind


@dataclass(frozen=True)
class Argument:
    """An argument; `value` is None for a text, and a list for a parameter that takes one."""

    tree: Any
    value: Any


@dataclass(frozen=True)
class CallSite:
    """One call of a built-in function; each op that its definition names becomes a node."""

    lowering: Tensors
    frame: Frame
    tree: Any
    name: str
    arguments: dict[str, Argument]

    def op(self, op: str, *operands: Value | float, source_operands: Sequence[Value] = (), **attrs: Any) -> Value:
        """A node; a number stands for a literal. source_operands: those that messages name, if not the operands."""
        values = [x if isinstance(x, Value) else self.number(x) for x in operands]
        trees = self._trees(source_operands or values)
        return self.lowering.emit(self.frame, self.tree, op, values, trees, source_operands, **attrs)

    def number(self, value: float | int | bool) -> Value:
        return self.lowering.value(self.frame, self.tree, value)

    def size(self, size: Size) -> Value:
        """A size as a value."""
        return self.lowering.number(self.frame, self.tree, size)

    def matmul(self, x: Value, y: Value) -> Value:
        return self.lowering.matmul(self.frame, self.tree, x, y, self._trees([x, y]) or (self.tree, self.tree))

    def fail(self, code: str, argument: str | None = None, **values: Any) -> NoReturn:
        tree = self.tree if argument is None else self.arguments[argument].tree
        raise self.frame.error(code, tree, function=self.name, **values)

    def clash(self, code: str, first: str, second: str, **values: Any) -> NoReturn:
        """As `fail`, for two arguments that do not fit each other."""
        spans = [self.frame.span(self.arguments[name].tree) for name in (first, second)]
        descriptions = [described(self.value(name), span) for name, span in zip((first, second), spans, strict=True)]
        labels = (Label(spans[0], "first"), Label(spans[1], "second"), *callers(self.frame.call, spans[0]))
        raise error(code, *labels, function=self.name, first_is=descriptions[0], second_is=descriptions[1], **values)

    # ---- reading arguments

    def has(self, name: str) -> bool:
        return name in self.arguments

    def value(self, name: str) -> Value:
        value = self.arguments[name].value
        if not isinstance(value, Value):
            self.fail("value-expected", name, name=name)
        return value

    def values(self, name: str) -> list[Value]:
        """The items of a bracket."""
        items = self.arguments[name].value
        if not isinstance(items, list):
            self.fail("list-expected", name, name=name)
        return items

    def check_sizes(self, name: str, sizes: Iterable[Size], least: int = 0) -> None:
        """Raises for a size of an argument that is less than `least`."""
        for size in sizes:
            if isinstance(size, int) and size < least:
                self.fail("negative-size", name, size=size)

    def integer(self, name: str, default: int | None = None) -> int:
        if name not in self.arguments and default is not None:
            return default
        constant = constant_of(self.value(name))
        if type(constant) is not int:
            self.fail("constant-expected", name, name=name, what="a whole number")
        return int(constant)

    def flag(self, name: str, default: bool) -> bool:
        if name not in self.arguments:
            return default
        constant = constant_of(self.value(name))
        if not isinstance(constant, bool):
            self.fail("constant-expected", name, name=name, what="`true` or `false`")
        return constant

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Whole numbers in a bracket, or one; None where the argument is left out."""
        if name not in self.arguments:
            return None
        constant = constant_of(self.value(name))
        if type(constant) is int:
            return (constant,)
        if not isinstance(constant, tuple) or not all(type(x) is int for x in constant):
            self.fail("constant-expected", name, name=name, what="whole numbers, as in `[0, 1]`")
        return constant

    def pairs(self, name: str) -> list[Shape]:
        """Sizes in brackets within a bracket."""
        value = self.value(name)
        constant = constant_of(value)
        if not isinstance(constant, tuple) or not all(isinstance(x, tuple) and len(x) == 2 for x in constant):
            self.fail("constant-expected", name, name=name, what="pairs of whole numbers, as in `[[1, 1], [0, 0]]`")
        return list(constant)

    def shape(self, name: str) -> Shape:
        """The sizes of a shape; raises for one that is known only at run time."""
        value = self.value(name)
        sizes = sizes_of(value)
        if sizes is None:
            self.fail("not-a-shape", name, name=name, type=value.type)
        return sizes

    def text(self, name: str) -> str:
        tree = self.arguments[name].tree
        if kind(tree) != "string":
            self.fail("constant-expected", name, name=name, what='a text in double quotes, as in `"ij,jk->ik"`')
        return str(tree.children[0])[1:-1]

    def axis(self, name: str, rank: int, default: int | None = None) -> int:
        """An axis counted from the end."""
        return self._from_end(name, self.integer(name, default), rank)

    def axes(self, name: str, rank: int) -> tuple[int, ...]:
        """Axes counted from the end, in order; all of them where the argument is left out."""
        numbers = self.integers(name)
        if numbers is None:
            return tuple(range(-rank, 0))
        axes = sorted(self._from_end(name, k, rank) for k in numbers)
        if len(set(axes)) < len(axes):
            self.fail("axis-twice", name)
        return tuple(axes)

    def _from_end(self, name: str, axis: int, rank: int) -> int:
        if not -rank <= axis < rank:
            self.fail("axis-outside", name if self.has(name) else None, axis=axis, axes=counted(rank, "axis", "axes"))
        return axis - rank if axis >= 0 else axis

    def _trees(self, values: Sequence[Value]) -> list[Any]:
        """The trees of operands, where all of them are arguments; else none."""
        trees = {a.value: a.tree for a in self.arguments.values() if isinstance(a.value, Value)}
        for a in self.arguments.values():
            if isinstance(a.value, list):
                trees |= zip(a.value, [c for c in a.tree.children if c is not None], strict=True)
        result = [trees.get(v) for v in values]
        return [] if None in result else result
