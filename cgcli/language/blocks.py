"""Statements to nodes: assignments, asserts, `if` with its sides, and returns from anywhere in a function.

What the sides of an `if` bind meets in one `cond`. A `return` that may or may not have happened is a bool; what stands
below it becomes the side where it has not.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import Label, error
from cgcli.graph.types import BOOL, Type
from cgcli.ops.typing import join

from .expressions import ANYTHING, DATA
from .flow import returns, sides_of
from .frames import Frame, assigned, coerce, named_parts
from .origins import callers, counted
from .parser import unquote
from .regions import Region, Several, Value
from .tensors import Tensors
from .tree import kind


class Exit(NamedTuple):
    """A `return` on the way through statements: whether it has happened (None: for certain), and what it returned."""

    happened: Value | None
    values: tuple[Value, ...]
    tree: Any


Running = Generator[Any, Any, Exit | None]
Side = tuple[Frame, Exit | None]

DECLARATIONS = {
    "input_decl": "`input`",
    "param_decl": "`param`",
    "output_decl": "`output`",
    "import_decl": "`import`",
    "fn_decl": "`fn`",
}


class Blocks(Tensors):
    """Lowers statements; `Loops` adds the rules for loops."""

    def _block(self, frame: Frame, tree: Any) -> Generator[Any, Any, Several]:
        """A statement of the top level; what it binds is in the frame's names then."""
        yield from self.run(frame, tree.children)
        return Several(())

    def run(self, frame: Frame, statements: Sequence[Any]) -> Running:
        """Lowers statements one by one into the frame's names; the `return` that they come to, if any."""
        assert frame.local is not None
        for number, statement in enumerate(statements):
            below = number + 1 < len(statements)
            if kind(statement) == "if_stmt" and below and frame.returns and sum(map(returns, sides_of(statement))) == 1:
                # one side always returns, so what stands below belongs to the other one
                rest = statements[number + 1 :]
                then, other = ([*side, *(() if returns(side) else rest)] for side in sides_of(statement))
                return (yield from self._sides(frame, statement, then, other))
            found = yield from self.statement(frame, statement)
            if found is None:
                continue
            if found.happened is None or not below:
                if below:
                    next_ = frame.span(statements[number + 1])
                    self.warn("never-runs", next_, Label(frame.span(statement), "return"))
                return found
            return (yield from self._rest(frame, found, statements[number + 1 :]))
        return None

    def statement(self, frame: Frame, statement: Any) -> Running:
        """One statement of a block or a body."""
        rule = kind(statement)
        if rule in ("assign", "unpack"):
            yield from self._assignment(frame, statement)
        elif rule == "return_stmt":
            return (yield from self._return(frame, statement))
        elif rule == "assert_stmt":
            yield from self._assertion(frame, statement)
        elif rule in ("if_stmt", "for_stmt", "while_stmt"):
            found: Exit | None = yield from getattr(self, f"_{rule}")(frame, statement)
            return found
        elif rule in DECLARATIONS:
            raise error("declaration-in-block", frame.span(statement), what=DECLARATIONS[rule])
        else:
            raise error("computes-nothing", frame.span(statement))
        return None

    def _assignment(self, frame: Frame, statement: Any) -> Generator[Any, Any, None]:
        assert frame.local is not None
        found = yield frame, assigned(statement), ANYTHING
        for name, value in named_parts(frame, statement, found):
            frame.local[name] = self.bind(frame, statement, value, frame.prefix + name)

    def _return(self, frame: Frame, statement: Any) -> Running:
        if not frame.returns:
            raise error("return-outside", frame.span(statement))
        if len(statement.children) == 1:
            found = yield frame, statement.children[0], ANYTHING
            values = tuple(found) if isinstance(found, Several) else (found,)
            return Exit(None, values, statement)
        results: list[Value] = []
        for part in statement.children:
            results.append((yield frame, part, DATA))
        return Exit(None, tuple(results), statement)

    def _assertion(self, frame: Frame, statement: Any) -> Generator[Any, Any, None]:
        condition, message = (*statement.children, None)[:2]
        c = yield frame, condition
        self._check_bool(frame, condition, c, "assert")
        said = "" if message is None else unquote(frame.environment.source, message)
        self.emit(frame, statement, "assert", [c], [condition], message=said)

    # ---- sides

    def _if_stmt(self, frame: Frame, tree: Any) -> Running:
        return self._sides(frame, tree, *sides_of(tree))

    def _sides(self, frame: Frame, tree: Any, then: Sequence[Any], otherwise: Sequence[Any]) -> Running:
        """An `if` with these statements as its sides."""
        condition = tree.children[0]
        c = yield frame, condition
        self._check_bool(frame, condition, c)
        sides: list[Side] = []
        for part in (then, otherwise):
            inner = self.side(frame, tree)
            sides.append((inner, (yield from self.run(inner, part))))
        return self._meet(frame, tree, c, sides)

    def _rest(self, frame: Frame, found: Exit, rest: Sequence[Any]) -> Running:
        """The statements below a `return` that may have happened."""
        assert found.happened is not None
        left, right = self.side(frame, found.tree), self.side(frame, found.tree)
        other = yield from self.run(right, rest)
        sides = [(left, Exit(None, found.values, found.tree)), (right, other)]
        return self._meet(frame, rest[0], found.happened, sides)

    def side(self, frame: Frame, tree: Any) -> Frame:
        """The frame of a side, with names of its own."""
        inner = self._enter(frame, tree)
        return replace(inner, local=dict(frame.local or {}))

    def _meet(self, frame: Frame, tree: Any, c: Value, sides: Sequence[Side]) -> Exit | None:
        """One `cond` of what two sides bind and return; binds the names in the frame."""
        assert frame.local is not None
        (left, first), (right, second) = sides
        names = self._changed(frame, sides)
        pairs = [tuple(None if certain(found) else self.lookup(inner, n) for inner, found in sides) for n in names]
        meet = _Meeting(self, frame, tree, left, right)
        happened, count = False, 0
        if first is not None or second is not None:
            count = self._count_of(frame, first, second)
            happened = not (certain(first) and certain(second))
            if happened:
                meet.add(_flag(left, first), _flag(right, second), None)
            for k in range(count):
                meet.add(first and first.values[k], second and second.values[k], None)
        for name, (x, y) in zip(names, pairs, strict=True):
            meet.add(x, y, name)
        found = meet.node(c)
        for name, value in zip(names, found[happened + count :], strict=True):
            frame.local[name] = self.bind(frame, tree, value, frame.prefix + name)
        if first is None and second is None:
            return None
        returned = first or second
        assert returned is not None
        return Exit(found[0] if happened else None, tuple(found[happened : happened + count]), returned.tree)

    def lookup(self, frame: Frame, name: str) -> Value | None:
        """What a name is bound to, if to anything."""
        assert frame.local is not None
        return frame.local.get(name) or (None if frame.returns else frame.environment.values.get(name))

    def _changed(self, frame: Frame, sides: Sequence[Side]) -> list[str]:
        """The names that one of the sides binds anew and that both bind, or one does where the other has returned."""
        assert frame.local is not None
        if all(certain(found) for _, found in sides):
            return []
        names: dict[str, None] = {}
        for inner, _ in sides:
            assert inner.local is not None
            names |= dict.fromkeys(n for n, v in inner.local.items() if frame.local.get(n) is not v)
        return [n for n in names if all(certain(e) or self.lookup(inner, n) is not None for inner, e in sides)]

    def _count_of(self, frame: Frame, first: Exit | None, second: Exit | None) -> int:
        """How many values are returned. Raises where two returns differ in that."""
        if first is None or second is None:
            found = first or second
            assert found is not None
            return len(found.values)
        if len(first.values) != len(second.values):
            given = counted(len(second.values), "result")
            labels = Label(frame.span(second.tree)), Label(frame.span(first.tree), "other")
            raise error("returns-differ", *labels, given=given, wanted=counted(len(first.values), "result"))
        return len(first.values)


def certain(found: Exit | None) -> bool:
    return found is not None and found.happened is None


def _flag(frame: Frame, found: Exit | None) -> Value:
    """Whether a side has returned, as a value of it."""
    if found is not None and found.happened is not None:
        return found.happened
    return Value(frame.region, frame.region.builder.const(found is not None))


class _Meeting:
    """The results of a `cond` under construction."""

    def __init__(self, lowering: Blocks, frame: Frame, tree: Any, left: Frame, right: Frame) -> None:
        self.lowering, self.frame, self.tree, self.left, self.right = lowering, frame, tree, left, right
        self.outputs: tuple[list[int], list[int]] = ([], [])

    def add(self, x: Value | None, y: Value | None, name: str | None) -> None:
        """A result of both sides; a side that has none has a zero, which nothing reads."""
        present = x or y
        assert present is not None
        wanted = present.type
        if x is not None and y is not None:
            wanted = joined(self.frame, self.tree, x, y, name)
        for frame, value, outputs in zip((self.left, self.right), (x, y), self.outputs, strict=True):
            region = frame.region
            outputs.append(zero(region, wanted) if value is None else coerce(region, value, wanted))

    def node(self, c: Value) -> list[Value]:
        left, right, frame = self.left.region, self.right.region, self.frame
        outputs, others = self.outputs
        if not outputs and not left.builder.asserts and not right.builder.asserts:
            return []
        captured = list(dict.fromkeys([*left.captured, *right.captured]))
        then, otherwise = left.close(outputs, captured), right.close(others, captured)
        b = frame.region.at(frame.span(self.tree), frame.call)
        operands = [frame.region.index(c), *(frame.region.index(v) for v in captured)]
        node = b.apply("cond", *operands, **{"then": then, "else": otherwise})
        return [Value(frame.region, b.get(node, k=k)) for k in range(len(outputs))]


def joined(frame: Frame, tree: Any, x: Value, y: Value, name: str | None) -> Type:
    """The type in which two values meet that one name has, or one `return` gives. Raises for two shapes."""
    p, q = x.type, y.type
    if p.shape != q.shape:
        span = frame.span(tree)
        labels = Label(span), *callers(frame.call, span)
        shown = f"`{name}`" if name else "what is returned"
        raise error("sides-shapes-of", *labels, what=shown, first_is=p, second_is=q)
    return met(p, q)


def met(p: Type, q: Type) -> Type:
    """The type in which two values of one shape meet; two bools stay bools."""
    return BOOL._replace(shape=p.shape) if p.dtype == q.dtype == "bool" else join(p, q)


def zero(region: Region, t: Type) -> int:
    """A value that stands where nothing is read."""
    return region.builder.const(False if t.dtype == "bool" else 0.0 if t.is_float else 0, t)
