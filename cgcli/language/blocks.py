"""Lowers statements to nodes: assignments, asserts, `if` with its sides, and returns from anywhere in a function.

The names that the sides of an `if` bind become results of one `cond`. A conditional `return` is a bool; the statements
below it become the side where it is false.
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
from .frames import Frame, assigned_tree, coerce, named_values
from .origins import counted
from .parser import unquote
from .regions import Region, Several, Value
from .tensors import Tensors
from .tree import kind


class Exit(NamedTuple):
    """A `return` in statements: the condition under which it is reached (None: always), and what it returns."""

    condition: Value | None
    values: tuple[Value, ...]
    tree: Any


BlockLowering = Generator[Any, Any, Exit | None]
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
        """A statement of the top level; binds its names in the frame."""
        yield from self.run(frame, tree.children)
        return Several(())

    def run(self, frame: Frame, statements: Sequence[Any]) -> BlockLowering:
        """Lowers statements one by one and binds their names in the frame. Returns the `return` that they reach."""
        for number, statement in enumerate(statements):
            below = number + 1 < len(statements)
            if kind(statement) == "if_stmt" and below and frame.returns and sum(map(returns, sides_of(statement))) == 1:
                # one side always returns, so the statements below belong to the other one
                rest = statements[number + 1 :]
                then, other = ([*side, *(() if returns(side) else rest)] for side in sides_of(statement))
                return (yield from self._sides(frame, statement, then, other))
            exit_ = yield from self.statement(frame, statement)
            if exit_ is None:
                continue
            if exit_.condition is None or not below:
                if below:
                    next_ = frame.span(statements[number + 1])
                    self.warn("never-runs", next_, Label(frame.span(statement), "exit"))
                return exit_
            return (yield from self._rest(frame, exit_, statements[number + 1 :]))
        return None

    def statement(self, frame: Frame, statement: Any) -> BlockLowering:
        """One statement of a block or a body."""
        rule = kind(statement)
        if rule in ("assign", "unpack"):
            yield from self._assignment(frame, statement)
        elif rule == "return_stmt":
            return (yield from self._return(frame, statement))
        elif rule == "assert_stmt":
            yield from self._assertion(frame, statement)
        elif rule in ("if_stmt", "for_stmt", "while_stmt"):
            exit_: Exit | None = yield from getattr(self, f"_{rule}")(frame, statement)
            return exit_
        elif rule in DECLARATIONS:
            raise error("declaration-in-block", frame.span(statement), what=DECLARATIONS[rule])
        else:
            raise error("computes-nothing", frame.span(statement))
        return None

    def _assignment(self, frame: Frame, statement: Any) -> Generator[Any, Any, None]:
        result = yield frame, assigned_tree(statement), ANYTHING
        for name, value in named_values(frame, statement, result):
            frame.local[name] = self.bind(frame, statement, value, frame.prefix + name)

    def _return(self, frame: Frame, statement: Any) -> BlockLowering:
        if not frame.returns:
            raise error("return-outside", frame.span(statement))
        if len(statement.children) == 1:
            result = yield frame, statement.children[0], ANYTHING
            values = tuple(result) if isinstance(result, Several) else (result,)
            return Exit(None, values, statement)
        results: list[Value] = []
        for part in statement.children:
            results.append((yield frame, part, DATA))
        return Exit(None, tuple(results), statement)

    def _assertion(self, frame: Frame, statement: Any) -> Generator[Any, Any, None]:
        condition, message = (*statement.children, None)[:2]
        c = yield frame, condition
        self._check_bool(frame, condition, c, "assert")
        text = "" if message is None else unquote(message)
        self.emit(frame, statement, "assert", [c], [condition], message=text)

    # ---- sides

    def _if_stmt(self, frame: Frame, tree: Any) -> BlockLowering:
        return self._sides(frame, tree, *sides_of(tree))

    def _sides(self, frame: Frame, tree: Any, then: Sequence[Any], otherwise: Sequence[Any]) -> BlockLowering:
        """An `if` with these statements as its sides."""
        condition = tree.children[0]
        c = yield frame, condition
        self._check_bool(frame, condition, c)
        sides: list[Side] = []
        for part in (then, otherwise):
            inner = self.side(frame, tree)
            sides.append((inner, (yield from self.run(inner, part))))
        return self._merge_sides(frame, tree, c, sides)

    def _rest(self, frame: Frame, exit_: Exit, rest: Sequence[Any]) -> BlockLowering:
        """The statements below a conditional `return`."""
        assert exit_.condition is not None
        left, right = self.side(frame, exit_.tree), self.side(frame, exit_.tree)
        other = yield from self.run(right, rest)
        sides = [(left, Exit(None, exit_.values, exit_.tree)), (right, other)]
        return self._merge_sides(frame, rest[0], exit_.condition, sides)

    def side(self, frame: Frame, tree: Any) -> Frame:
        """The frame of a side, with names of its own."""
        inner = self._enter(frame, tree)
        return replace(inner, local=dict(frame.local))

    def _merge_sides(self, frame: Frame, tree: Any, c: Value, sides: Sequence[Side]) -> Exit | None:
        """One `cond` of the names that two sides bind and of what they return; binds the names in the frame."""
        (left, first), (right, second) = sides
        names = self._rebound_names(frame, sides)
        pairs = [tuple(None if unconditional(side) else self.lookup(inner, n) for inner, side in sides) for n in names]
        builder = _CondBuilder(frame, tree, left, right)
        conditional, count = False, 0
        if first is not None or second is not None:
            count = self._result_count(frame, first, second)
            conditional = not (unconditional(first) and unconditional(second))
            if conditional:
                builder.add(_flag(left, first), _flag(right, second), None)
            for k in range(count):
                builder.add(first and first.values[k], second and second.values[k], None)
        for name, (x, y) in zip(names, pairs, strict=True):
            builder.add(x, y, name)
        results = builder.node(c)
        for name, value in zip(names, results[conditional + count :], strict=True):
            frame.local[name] = self.bind(frame, tree, value, frame.prefix + name)
        if first is None and second is None:
            return None
        exit_ = first or second
        assert exit_ is not None
        return Exit(results[0] if conditional else None, tuple(results[conditional : conditional + count]), exit_.tree)

    def lookup(self, frame: Frame, name: str) -> Value | None:
        """The value of a name, or None where it is not bound."""
        return frame.local.get(name) or (None if frame.returns else frame.environment.values.get(name))

    def _rebound_names(self, frame: Frame, sides: Sequence[Side]) -> list[str]:
        """The names that a side rebinds and that are bound on both sides, or on one where the other returns."""
        if all(unconditional(exit_) for _, exit_ in sides):
            return []
        names: dict[str, None] = {}
        for inner, _ in sides:
            names |= dict.fromkeys(n for n, v in inner.local.items() if frame.local.get(n) is not v)
        return [
            n for n in names if all(unconditional(exit_) or self.lookup(inner, n) is not None for inner, exit_ in sides)
        ]

    def _result_count(self, frame: Frame, first: Exit | None, second: Exit | None) -> int:
        """The number of returned values. Raises where two returns differ in it."""
        if first is None or second is None:
            exit_ = first or second
            assert exit_ is not None
            return len(exit_.values)
        if len(first.values) != len(second.values):
            count = counted(len(second.values), "result")
            labels = Label(frame.span(second.tree)), Label(frame.span(first.tree), "other")
            raise error("returns-differ", *labels, results=count, others=counted(len(first.values), "result"))
        return len(first.values)


def unconditional(exit_: Exit | None) -> bool:
    return exit_ is not None and exit_.condition is None


def _flag(frame: Frame, exit_: Exit | None) -> Value:
    """Whether a side returns, as a value of its region."""
    if exit_ is not None and exit_.condition is not None:
        return exit_.condition
    return Value(frame.region, frame.region.builder.const(exit_ is not None))


class _CondBuilder:
    """The results of a `cond` under construction."""

    def __init__(self, frame: Frame, tree: Any, left: Frame, right: Frame) -> None:
        self.frame, self.tree, self.left, self.right = frame, tree, left, right
        self.outputs: tuple[list[int], list[int]] = ([], [])

    def add(self, x: Value | None, y: Value | None, name: str | None) -> None:
        """Adds a result of both sides; where a side has none it is a zero, which nothing reads."""
        value_ = x or y
        assert value_ is not None
        type_ = value_.type
        if x is not None and y is not None:
            type_ = result_type(self.frame, self.tree, x, y, name)
        for frame, value, outputs in zip((self.left, self.right), (x, y), self.outputs, strict=True):
            region = frame.region
            outputs.append(zero(region, type_) if value is None else coerce(region, value, type_))

    def node(self, c: Value) -> list[Value]:
        left, right = self.left.region, self.right.region
        outputs, others = self.outputs
        if not outputs and not left.builder.asserts and not right.builder.asserts:
            return []
        return self.frame.cond(self.tree, c, ((left, outputs), (right, others)))


def result_type(frame: Frame, tree: Any, x: Value, y: Value, name: str | None) -> Type:
    """The common type of the values of a name, or of a `return`, on two sides. Raises for different shapes."""
    p, q = x.type, y.type
    if p.shape != q.shape:
        subject = f"`{name}`" if name else "what is returned"
        raise frame.error("sides-shapes-of", tree, what=subject, first_is=p, second_is=q)
    return common_type(p, q)


def common_type(p: Type, q: Type) -> Type:
    """The common type of two values of one shape; that of two bools is bool."""
    return BOOL._replace(shape=p.shape) if p.dtype == q.dtype == "bool" else join(p, q)


def zero(region: Region, t: Type) -> int:
    """A zero of a type, for a result that nothing reads."""
    return region.builder.const(False if t.dtype == "bool" else 0.0 if t.is_float else 0, t)
