"""Expressions to nodes. Every rule is a generator that asks for the values of its parts; `Expressions.lower` runs them
over a stack of its own, so that a chain of a hundred thousand operations needs no recursion."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from types import GeneratorType
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.graph import opname
from cgcli.graph.lexemes import identifier, number
from cgcli.graph.signature import Input
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.types import ANY, FLOAT, MAX_AXES, Type
from cgcli.ops.op import TypeMismatch
from cgcli.ops.table import BY_CODE, OPS
from cgcli.ops.typing import join

from .builtins import CONSTANTS, FUNCTIONS
from .frames import Environment, Frame, coerce
from .origins import callers, clash_of, described
from .regions import NESTING, Region, Several, Value
from .structures import STRUCTURES, Structure
from .tree import kind, literal, signs_of

MAX_NODES = 5_000_000
_BINARY = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floor_div", "%": "mod"}
_COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}

Request = tuple[Frame, Any] | tuple[Frame, Any, tuple[type, ...]]
"""What a rule asks for: the value of a tree in a frame, and what is welcome besides a value of the graph."""

DATA = STRUCTURES
ANYTHING = (Several, *STRUCTURES)

Lowering = Generator[Request, Any, Any]


class Expressions:
    """Lowers expressions; `Calls` adds the rule for calls."""

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        self.max_nodes = max_nodes
        self.warnings: list[Diagnostic] = []
        self.initialised: tuple[Shape, Value, str] | None = None  # shape, seed and name of what is initialised
        self.declared: Callable[[str], Value | None] = lambda name: None  # an input of the program
        self.finite = False  # whether a literal that no float holds is a mistake, as in values that are given
        self.draws = 0  # random numbers for dropout so far: each has a name of its own
        self._made = 0

    def region(self) -> Region:
        """Where a program's nodes go."""
        return Region()

    def given(self, region: Region, declared: Input) -> Value | Structure:
        """The value of an input. Raises CgError for structured data, of which no graph can be made beforehand."""
        if declared.type == ANY:
            raise error("any-input", declared.span, name=declared.name)
        b = region.at(declared.span, None)
        return Value(region, b.input(declared.type, declared.name))

    def warn(self, code: str, *labels: Any, **values: object) -> None:
        """Notes a warning; the same one about the same place is told once."""
        shown = tuple(x if isinstance(x, Label) else Label(x) for x in labels)
        made = Diagnostic(code, shown, values, severity="warning")
        if made not in self.warnings:
            self.warnings.append(made)

    def mark(self) -> tuple[int, ...]:
        """What has been counted and noted so far."""
        return len(self.warnings), self.draws, self._made

    def forget(self, mark: tuple[int, ...]) -> None:
        """Goes back to a mark: what was lowered since then is lowered anew."""
        del self.warnings[mark[0] :]
        self.draws, self._made = mark[1:3]

    def lower(self, frame: Frame, tree: Any) -> Value:
        """The value of an expression. Raises CgError for a mistake in types, arguments or limits."""
        found = self.lower_any(frame, tree, ())
        assert isinstance(found, Value)
        return found

    def lower_any(self, frame: Frame, tree: Any, welcome: tuple[type, ...] = ANYTHING) -> Value | Several | Structure:
        """The value of an expression, the values of a call that has several results, or structured data."""
        stack: list[Lowering] = []
        wanted: list[Request] = []  # what each rule on the stack was asked for
        request: Request = (frame, tree, welcome)
        result = self._visit(frame, tree)
        while True:
            if isinstance(result, GeneratorType):
                stack.append(result)
                wanted.append(request)
                result = None
            else:
                if not isinstance(result, Value):
                    _check_welcome(request, result)
                if not stack:
                    found: Value | Several | Structure = result
                    return found
            try:
                request = stack[-1].send(result)
            except StopIteration as stop:
                stack.pop()
                request = wanted.pop()
                result = stop.value
                continue
            result = self._visit(request[0], request[1])

    def _visit(self, frame: Frame, tree: Any) -> Any:
        """A leaf's value at once; for everything else the generator that makes it."""
        return getattr(self, f"_{kind(tree).rstrip('_')}")(frame, tree)

    # ---- leaves

    def _name(self, frame: Frame, tree: Any) -> Any:
        name = identifier(tree.children[0])
        environment = frame.environment
        if frame.local is not None and name in frame.local:
            return frame.local[name]
        known = environment.values.get(name)
        if known is not None:
            return known
        if name in environment.names.bindings:
            token = environment.names.tokens[name]
            raise error("not-bound-yet", frame.span(tree), Label(frame.span(token), "bound"), name=name)
        if name in CONSTANTS:
            return self._constant(frame, tree, CONSTANTS[name])
        if frame.sizes is not None and name in frame.sizes:
            return self.number(frame, tree, frame.sizes[name])
        if name in environment.names.sizes:
            return self.number(frame, tree, name)
        raise error("module-as-value", frame.span(tree), name=name)

    def _int(self, frame: Frame, tree: Any) -> Value:
        value = number(tree.children[0])
        if math.isinf(value) and self.finite:
            raise error("value-overflow", frame.span(tree), wanted=FLOAT)
        return self._constant(frame, tree, value)

    _float = _int

    def _true(self, frame: Frame, tree: Any) -> Value:
        return self._constant(frame, tree, True)

    def _false(self, frame: Frame, tree: Any) -> Value:
        return self._constant(frame, tree, False)

    def _constant(self, frame: Frame, tree: Any, value: float | int | bool) -> Value:
        return self.value(frame, tree, value)

    def number(self, frame: Frame, tree: Any, size: Size) -> Value:
        """A size as an int value."""
        if isinstance(size, int):
            return self.value(frame, tree, size)
        return self.emit(frame, tree, "size", [], [], size=size)

    def value(self, frame: Frame, tree: Any, value: Any, type_: Type | None = None) -> Value:
        """A constant; without a type it is a literal's."""
        b = frame.region.at(frame.span(tree), frame.call)
        return Value(frame.region, b.const(value, type_))

    # ---- operators

    def _binary(self, frame: Frame, tree: Any) -> Lowering:
        left, sign, right = tree.children
        x = yield frame, left
        if sign in ("^", "**"):
            exponent = literal(right)
            if exponent is not None:
                return self.emit(frame, tree, "fixed_power", [x], [left], exponent=exponent)
            n = yield frame, right
            return self.emit(frame, tree, "power", [x, n], [left, right])
        y = yield frame, right
        return self.emit(frame, tree, _BINARY[str(sign)], [x, y], [left, right])

    def _negative(self, frame: Frame, tree: Any) -> Lowering:
        value = literal(tree)
        if value is not None:
            return self._constant(frame, tree, value)
        signs = signs_of(tree)
        x = yield frame, signs[-1].children[1]
        for each in reversed(signs):
            x = self.emit(frame, each, "neg", [x], [each.children[1]])
        return x

    def _comparison(self, frame: Frame, tree: Any) -> Lowering:
        """`a < b < c` is `a < b and b < c`, with b computed once."""
        parts, signs = tree.children[::2], tree.children[1::2]
        values: list[Value] = []
        for part in parts:
            values.append((yield frame, part))
        result: Value | None = None
        for k, sign in enumerate(signs):
            pair = self.emit(frame, tree, _COMPARE[str(sign)], values[k : k + 2], parts[k : k + 2])
            result = pair if result is None else self.emit(frame, tree, "and", [result, pair], [])
        assert result is not None
        return result

    def _not(self, frame: Frame, tree: Any) -> Lowering:
        x = yield frame, tree.children[0]
        return self.emit(frame, tree, "not", [x], [tree.children[0]])

    def _and(self, frame: Frame, tree: Any) -> Lowering:
        return (yield from self._lazily(frame, tree, "and"))

    def _or(self, frame: Frame, tree: Any) -> Lowering:
        return (yield from self._lazily(frame, tree, "or"))

    def _lazily(self, frame: Frame, tree: Any, op: str) -> Lowering:
        """The right side counts only when it is needed: where it could stop the run it becomes a side of a `cond`."""
        left, right = tree.children
        x = yield frame, left
        side = self._enter(frame, right)
        y = yield side, right
        if x.type.shape or y.type.shape or not _may_fail(side.region):
            y = _merge(frame.region, side.region, y)
            return self.emit(frame, tree, op, [x, y], [left, right])
        self._check_bool(frame, left, x)
        self._check_bool(frame, right, y)
        other = self._enter(frame, tree)
        known = Value(other.region, other.region.at(frame.span(tree), frame.call).const(op == "or"))
        sides = (side, y), (other, known)
        return self._cond(frame, tree, x, sides if op == "and" else (sides[1], sides[0]))

    def _if_expr(self, frame: Frame, tree: Any) -> Lowering:
        condition, then, otherwise = tree.children
        c = yield frame, condition
        self._check_bool(frame, condition, c)
        first = self._enter(frame, then)
        x = yield first, then
        second = self._enter(frame, otherwise)
        y = yield second, otherwise
        return self._cond(frame, tree, c, ((first, x), (second, y)))

    def _enter(self, frame: Frame, tree: Any) -> Frame:
        """The frame of a side of an `if`."""
        if frame.region.depth >= NESTING:
            raise error("nested-too-deep", frame.span(tree), limit=NESTING)
        return replace(frame, region=Region(frame.region))

    def _cond(self, frame: Frame, tree: Any, c: Value, sides: Sequence[tuple[Frame, Value]]) -> Value:
        """The node that takes one of two sides, and its result in the type in which the two meet."""
        types = [value.type for _, value in sides]
        if types[0].shape != types[1].shape:
            places = frame.span(tree.children[-2]), frame.span(tree.children[-1])
            first, second = (described(side[1], place) for side, place in zip(sides, places, strict=True))
            labels = Label(places[0], "first"), Label(places[1], "second"), *callers(frame.call, places[0])
            raise error("sides-shapes", *labels, first_is=first, second_is=second)
        both_bool = all(t.dtype == "bool" for t in types)
        met = types[0] if both_bool else join(types[0], types[1])
        outputs = [coerce(side.region, value, met) for side, value in sides]
        captured = list(dict.fromkeys(v for side, _ in sides for v in side.region.captured))
        then, otherwise = (side.region.close([out], captured) for (side, _), out in zip(sides, outputs, strict=True))
        b = frame.region.at(frame.span(tree), frame.call)
        operands = [frame.region.index(c), *(frame.region.index(v) for v in captured)]
        node = b.apply("cond", *operands, **{"then": then, "else": otherwise})
        return Value(frame.region, b.get(node, k=0))

    def _check_bool(self, frame: Frame, tree: Any, value: Value, what: str = "if") -> None:
        """Raises where the condition of `what` is not one bool."""
        if value.type.dtype != "bool" or value.type.shape:
            code = "condition-not-bool" if value.type.dtype != "bool" else "condition-not-scalar"
            span = frame.span(tree)
            raise error(code, span, *callers(frame.call, span), found=value.type, what=what)

    # ---- fields and calls

    def _field(self, frame: Frame, tree: Any) -> Any:
        base, token = tree.children
        module = self._module(frame, base)
        if module is None:
            if identifier(token) in FUNCTIONS:
                raise error("function-as-field", frame.span(token), name=identifier(token), base=frame.span(base).text)
            raise error("field-of-value", frame.span(tree), name=identifier(token), base=frame.span(base).text)
        name = identifier(token)
        value = module.values.get(name)
        if value is None:
            functions = name in module.names.functions
            code = "function-as-value" if functions else "not-in-module"
            known = sorted(module.values)
            raise error(
                code,
                frame.span(token),
                name=name,
                module=str(base.children[0]),
                nearest=nearest(name, known),
                known=known,
            )
        return value

    def _module(self, frame: Frame, base: Any) -> Environment | None:
        """The imported file that a plain name stands for, unless a value of that name is nearer."""
        if kind(base) != "name":
            return None
        name = identifier(base.children[0])
        if (frame.local and name in frame.local) or name in frame.environment.values:
            return None
        return frame.environment.modules.get(name)

    # ---- nodes

    def emit(
        self,
        frame: Frame,
        tree: Any,
        op: str,
        values: Sequence[Value],
        parts: Sequence[Any],
        shown: Sequence[Value] = (),
        **attrs: Any,
    ) -> Value:
        """The node `op(values)`; `parts` are the trees of the operands, for messages, and `shown` their values.

        Sizes that only a run can compare are compared there, by a node of their own.
        """
        b = frame.region.at(frame.span(tree), frame.call)
        operands = [frame.region.index(v) for v in values]
        for _ in range(1 + len(operands)):
            self._count_nodes(frame, tree)
            try:
                made = Value(frame.region, b.emit(OPS[op].code, tuple(operands), attrs))
                if len(made.type.shape) > MAX_AXES:
                    raise error("too-many-axes", frame.span(tree), limit=MAX_AXES)
                return made
            except TypeMismatch as e:
                if e.code != "sizes-undecided":
                    raise _mismatch(frame, tree, op, shown or values, parts, e) from None
                operands[e.operands[0]] = b.match(operands[e.operands[0]], shape=e.values["shape"])
        raise AssertionError(op)

    def bind(self, frame: Frame, tree: Any, value: Value, name: str) -> Value:
        """The value under a name of its own: one that already has a name, or is an input's, is copied."""
        b = frame.region.builder
        if value.region is not frame.region or value.node in b.names or opname(b.op[value.node]) == "input":
            value = self.emit(frame, tree, "copy", [value], [])
        b.names[value.node] = name
        return value

    def _count_nodes(self, frame: Frame, tree: Any) -> None:
        """Stops a program that grows beyond the limit, naming the calls that led there."""
        self._made += 1
        if self._made > self.max_nodes or len(frame.region.builder) > self.max_nodes:
            chain: list[str] = []
            call = frame.call
            while call is not None and len(chain) < 5:
                chain.append(call.function)
                call = call.parent
            raise CgError(
                *error("too-many-nodes", frame.span(tree), limit=self.max_nodes, chain=chain).diagnostics, status=1
            )


def _check_welcome(request: Request, found: Any) -> None:
    """Raises where a rule that asked for a value is given something else."""
    frame, tree, *welcome = request
    if welcome and isinstance(found, welcome[0]):
        return
    span = frame.span(tree)
    if isinstance(found, Several):
        raise error("several-results", span, count=len(found))
    raise error("structure-as-value", span, *callers(frame.call, span), status=1, found=str(found), path=found.path)


def _mismatch(
    frame: Frame, tree: Any, op: str, values: Sequence[Value], parts: Sequence[Any], e: TypeMismatch
) -> CgError:
    """What is wrong with the operands of an op, each with its type and where it got its shape."""
    given = [k for k in e.operands if k < len(parts)]
    words: dict[str, Any] = {"op": OPS[op].notation.text, **e.values}
    sizes = e.values.get("sizes")
    if sizes:
        words |= clash_of(*sizes)
    if not given:
        return error(e.code, frame.span(tree), *callers(frame.call, frame.span(tree)), **words)
    roles = ("first", "second") if len(given) > 1 else ("here",)
    labels = [Label(frame.span(parts[k]), role) for k, role in zip(given, roles, strict=False)]
    for k, role in zip(given, roles, strict=False):
        words[f"{role}_is"] = described(values[k], frame.span(parts[k]))
    return error(e.code, *labels, *callers(frame.call, labels[0].span), **words)


def _may_fail(region: Region) -> bool:
    """Whether an operation in the region can stop the run: one that says so, or one on ints, which may overflow."""
    b = region.builder
    if b.asserts:
        return True
    for i, op in enumerate(b.op):
        t = b.type_of(i)
        if not isinstance(t, Type) or BY_CODE[op].may_fail or (t.is_int and b.operands(i) and not t.weak):
            return True
    return False


def _merge(outer: Region, inner: Region, value: Value) -> Value:
    """Moves a region's nodes into the region around it; says where `value` went."""
    if value.region is not inner:
        return value
    captured = list(inner.captured)
    graph = inner.close([value.node], captured)
    where = outer.builder.inline(graph, [outer.index(v) for v in captured])
    return Value(outer, where[graph.outputs[0]])
