"""Lowers expressions to nodes. Every rule is a generator that requests the values of its operands; `Expressions.lower`
runs them on a stack of its own, so that a chain of a hundred thousand operations needs no recursion."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from types import GeneratorType
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error, unknown_name
from cgcli.graph.graph import INPUT
from cgcli.graph.lexemes import identifier, number
from cgcli.graph.signature import Input
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.types import ANY, FLOAT, MAX_AXES, Type
from cgcli.ops.op import TypeMismatch
from cgcli.ops.stopping import may_stop
from cgcli.ops.table import OPS
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
"""A request of a rule: the value of a tree in a frame, and the types that it may have besides `Value`."""

DATA = STRUCTURES
ANYTHING = (Several, *STRUCTURES)

Lowering = Generator[Request, Any, Any]


class Expressions:
    """Lowers expressions; `Calls` adds the rule for calls."""

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        self.max_nodes = max_nodes
        self.warnings: list[Diagnostic] = []
        self.initialiser: tuple[Shape, Value, str] | None = None  # shape, seed and name of the parameter
        self.declared_input: Callable[[str], Value | None] = lambda name: None  # an input of the program
        self.finite = False  # whether a literal that overflows a float is an error, as in values of the command line
        self.draws = 0  # random tensors for dropout so far: each has a name of its own
        self.node_count = 0

    def region(self) -> Region:
        """The region of a program's nodes."""
        return Region()

    def input_value(self, region: Region, declaration: Input) -> Value | Structure:
        """The value of an input. Raises CgError for structured data, which only a dynamic run can read."""
        if declaration.type == ANY:
            raise error("any-input", declaration.span, name=declaration.name)
        b = region.at(declaration.span, None)
        return Value(region, b.input(declaration.type, declaration.name))

    def warn(self, code: str, *spans: Any, **values: object) -> None:
        """Records a warning, once for each place."""
        labels = tuple(x if isinstance(x, Label) else Label(x) for x in spans)
        warning = Diagnostic(code, labels, values, severity="warning")
        if warning not in self.warnings:
            self.warnings.append(warning)

    def checkpoint(self) -> tuple[int, ...]:
        """The warnings and counters so far, for `rollback`."""
        return len(self.warnings), self.draws, self.node_count

    def rollback(self, state: tuple[int, ...]) -> None:
        """Restores a checkpoint, before what was lowered since then is lowered again."""
        del self.warnings[state[0] :]
        self.draws, self.node_count = state[1:3]

    def lower(self, frame: Frame, tree: Any) -> Value:
        """The value of an expression. Raises CgError for a mistake in types, arguments or limits."""
        value = self.lower_any(frame, tree, ())
        assert isinstance(value, Value)
        return value

    def lower_any(self, frame: Frame, tree: Any, allowed: tuple[type, ...] = ANYTHING) -> Value | Several | Structure:
        """The value of an expression, the values of a call that has several results, or structured data."""
        stack: list[Lowering] = []
        requests: list[Request] = []  # by rule on the stack
        request: Request = (frame, tree, allowed)
        result = self._visit(frame, tree)
        while True:
            if isinstance(result, GeneratorType):
                stack.append(result)
                requests.append(request)
                result = None
            else:
                if not isinstance(result, Value):
                    _check_result(request, result)
                if not stack:
                    value: Value | Several | Structure = result
                    return value
            try:
                request = stack[-1].send(result)
            except StopIteration as stop:
                stack.pop()
                request = requests.pop()
                result = stop.value
                continue
            result = self._visit(request[0], request[1])

    def _visit(self, frame: Frame, tree: Any) -> Any:
        """The value of a leaf, or the generator that computes that of any other tree."""
        return getattr(self, f"_{kind(tree).rstrip('_')}")(frame, tree)

    # ---- leaves

    def _name(self, frame: Frame, tree: Any) -> Any:
        name = identifier(tree.children[0])
        environment = frame.environment
        if name in frame.local:
            return frame.local[name]
        value = environment.values.get(name)
        if value is not None:
            return value
        if name in environment.names.bindings:
            token = environment.names.tokens[name]
            raise error("not-bound-yet", frame.span(tree), Label(frame.span(token), "bound"), name=name)
        if name in CONSTANTS:
            return self.value(frame, tree, CONSTANTS[name])
        if name in frame.sizes:
            return self.number(frame, tree, frame.sizes[name])
        if name in environment.names.sizes:
            return self.number(frame, tree, name)
        raise error("module-as-value", frame.span(tree), name=name)

    def _int(self, frame: Frame, tree: Any) -> Value:
        value = number(tree.children[0])
        if math.isinf(value) and self.finite:
            raise error("value-overflow", frame.span(tree), type=FLOAT)
        return self.value(frame, tree, value)

    _float = _int

    def _true(self, frame: Frame, tree: Any) -> Value:
        return self.value(frame, tree, True)

    def _false(self, frame: Frame, tree: Any) -> Value:
        return self.value(frame, tree, False)

    def number(self, frame: Frame, tree: Any, size: Size) -> Value:
        """A size as an int value."""
        if isinstance(size, int):
            return self.value(frame, tree, size)
        return self.emit(frame, tree, "size", [], [], size=size)

    def value(self, frame: Frame, tree: Any, value: Any, type_: Type | None = None) -> Value:
        """A constant; without a type that of a literal."""
        b = frame.at(tree)
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
            return self.value(frame, tree, value)
        signs = signs_of(tree)
        x = yield frame, signs[-1].children[1]
        for sign in reversed(signs):
            x = self.emit(frame, sign, "neg", [x], [sign.children[1]])
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
        """Evaluates the right side only when it is needed: one that could stop the run becomes a side of a `cond`."""
        left, right = tree.children
        x = yield frame, left
        side = self._enter(frame, right)
        y = yield side, right
        if x.type.shape or y.type.shape or not _may_fail(side.region):
            y = _merge(frame.region, side.region, y)
            return self.emit(frame, tree, op, [x, y], [left, right])
        self._check_bool(frame, left, x)
        self._check_bool(frame, right, y)
        constant_side = self._enter(frame, tree)
        constant = Value(constant_side.region, constant_side.at(tree).const(op == "or"))
        sides = (side, y), (constant_side, constant)
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
        """The `cond` node of two sides, and its result in their common type."""
        types = [value.type for _, value in sides]
        if types[0].shape != types[1].shape:
            spans = frame.span(tree.children[-2]), frame.span(tree.children[-1])
            first, second = (described(side[1], span) for side, span in zip(sides, spans, strict=True))
            labels = Label(spans[0], "first"), Label(spans[1], "second"), *callers(frame.call, spans[0])
            raise error("sides-shapes", *labels, first_is=first, second_is=second)
        both_bool = all(t.dtype == "bool" for t in types)
        common_type = types[0] if both_bool else join(types[0], types[1])
        outputs = [coerce(side.region, value, common_type) for side, value in sides]
        [result] = frame.cond(tree, c, [(side.region, [out]) for (side, _), out in zip(sides, outputs, strict=True)])
        return result

    def _check_bool(self, frame: Frame, tree: Any, value: Value, construct: str = "if") -> None:
        """Raises where the condition of a construct is not one bool."""
        if value.type.dtype != "bool" or value.type.shape:
            code = "condition-not-bool" if value.type.dtype != "bool" else "condition-not-scalar"
            raise frame.error(code, tree, type=value.type, what=construct)

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
            is_function = name in module.names.functions
            code = "function-as-value" if is_function else "not-in-module"
            unknown = unknown_name(name, sorted(module.values))
            raise error(code, frame.span(token), **unknown, module=str(base.children[0]))
        return value

    def _module(self, frame: Frame, base: Any) -> Environment | None:
        """The imported file of a plain name, unless a value shadows it."""
        if kind(base) != "name":
            return None
        name = identifier(base.children[0])
        if name in frame.local or name in frame.environment.values:
            return None
        return frame.environment.modules.get(name)

    # ---- nodes

    def emit(
        self,
        frame: Frame,
        tree: Any,
        op: str,
        values: Sequence[Value],
        trees: Sequence[Any],
        source_operands: Sequence[Value] = (),
        **attrs: Any,
    ) -> Value:
        """The node `op(values)`. trees, source_operands: the operands as they are written, for messages.

        Sizes that cannot be compared before the run are compared there, by a node `match`.
        """
        b = frame.at(tree)
        operands = [frame.region.index(v) for v in values]
        for _ in range(1 + MAX_AXES * len(operands)):
            self._count_nodes(frame, tree)
            try:
                value = Value(frame.region, b.emit(OPS[op].code, tuple(operands), attrs))
                if len(value.type.shape) > MAX_AXES:
                    raise error("too-many-axes", frame.span(tree), limit=MAX_AXES)
                return value
            except TypeMismatch as e:
                if e.code != "sizes-undecided":
                    raise _mismatch(frame, tree, op, source_operands or values, trees, e) from None
                operands[e.operands[0]] = b.match(operands[e.operands[0]], shape=e.values["shape"])
        raise AssertionError(op)

    def bind(self, frame: Frame, tree: Any, value: Value, name: str) -> Value:
        """The value with a name of its own: one that has a name already, or is an input, is copied."""
        b = frame.region.builder
        if value.region is not frame.region or value.node in b.names or b.op[value.node] == INPUT:
            value = self.emit(frame, tree, "copy", [value], [])
        b.names[value.node] = name
        return value

    def _count_nodes(self, frame: Frame, tree: Any) -> None:
        """Stops a program that grows beyond the limit, naming the calls that led there."""
        self.node_count += 1
        if self.node_count > self.max_nodes or len(frame.region.builder) > self.max_nodes:
            chain: list[str] = []
            call = frame.call
            while call is not None and len(chain) < 5:
                chain.append(call.function)
                call = call.parent
            raise CgError(
                *error("too-many-nodes", frame.span(tree), limit=self.max_nodes, chain=chain).diagnostics, status=1
            )


def _check_result(request: Request, result: Any) -> None:
    """Raises for a result of a type that its request does not allow."""
    frame, tree, *allowed = request
    if allowed and isinstance(result, allowed[0]):
        return
    if isinstance(result, Several):
        raise error("several-results", frame.span(tree), count=len(result))
    raise frame.error("structure-as-value", tree, status=1, kind=str(result), path=result.path)


def _mismatch(
    frame: Frame, tree: Any, op: str, values: Sequence[Value], trees: Sequence[Any], e: TypeMismatch
) -> CgError:
    """The error for the operands of an op, each with its type and the origin of its shape."""
    indices = [k for k in e.operands if k < len(trees)]
    fields: dict[str, Any] = {"op": OPS[op].spelling.text, **e.values}
    sizes = e.values.get("sizes")
    if sizes:
        fields |= clash_of(*sizes)
    if not indices:
        return frame.error(e.code, tree, **fields)
    roles = ("first", "second") if len(indices) > 1 else ("here",)
    labels = [Label(frame.span(trees[k]), role) for k, role in zip(indices, roles, strict=False)]
    for k, role in zip(indices, roles, strict=False):
        fields[f"{role}_is"] = described(values[k], frame.span(trees[k]))
    return error(e.code, *labels, *callers(frame.call, labels[0].span), **fields)


def _may_fail(region: Region) -> bool:
    """Whether an operation in the region can stop the run: one that may fail, or one on ints, which may overflow."""
    b = region.builder
    if b.asserts:
        return True
    return any(may_stop(b, i) for i in range(len(b)))


def _merge(outer: Region, inner: Region, value: Value) -> Value:
    """Inlines a region's nodes into the region around it; returns `value` there."""
    if value.region is not inner:
        return value
    captured = list(inner.captured)
    graph = inner.close([value.node], captured)
    new_nodes = outer.builder.inline(graph, [outer.index(v) for v in captured])
    return Value(outer, new_nodes[graph.outputs[0]])
