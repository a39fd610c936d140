"""The record of an operation. Each op is declared once, completely, in a family's file; `table` looks them up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from cgcli.graph.graph import Graph, opcode
from cgcli.graph.types import AnyType

Attrs = Mapping[str, Any]
Value = Any  # a float, int or bool; a tuple of them for a node with several results

TypeRule = Callable[[Sequence[AnyType], Attrs], AnyType]
"""Operand types and attributes in, the result's type out; raises `TypeMismatch`."""

VjpRule = Callable[..., Any]
"""A derivative rule of one operand, `rule(b, g, y, *operands, at)`, in operations of the builder `b`.

`g` is the cotangent of the result `y`. It returns the contribution to the operand's cotangent, a pair (contribution,
support) when the op takes only some of its operands, or None when it contributes nothing.
"""


class TypeMismatch(Exception):
    """The operands of an op do not fit: the diagnostic's code, the operands it is about, the values of its message."""

    def __init__(self, code: str, operands: Sequence[int] = (), **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.operands = tuple(operands)
        self.values = values


class Runner(Protocol):
    """The callback that evaluates the graphs nested in a structured node."""

    def __call__(self, graph: Graph, values: Sequence[Any]) -> Sequence[Any]:
        """The results of a graph."""

    def stepped(self, body: Graph, step: int, results: Sequence[Any], carries: int) -> None:
        """A loop has run a step of its body. results: its carries, then what it leaves on stacks. May stop the run."""


@dataclass(frozen=True)
class Notation:
    """How an op is written in a file and in a picture.

    form: `infix` (`a + b`), `prefix` (`-a`), `call` (`f(a, b)`), `same` (as its operand) or `none` (never written).
    text: the operator or the function's name; picture: the same with typographic signs (None: as `text`).
    level: how tightly it binds, 0 (`if`) to 12 (a call or a name); `assoc` is the side that may bind equally.
    """

    form: Literal["infix", "prefix", "call", "same", "none"]
    text: str
    level: int = 12
    assoc: Literal["left", "right", "none"] = "left"
    picture: str | None = None


@dataclass(frozen=True)
class VariadicRule:
    """The derivative rule of an op with any number of operands: `rule(b, g, y, k, xs, at)` serves each operand k."""

    rule: VjpRule


@dataclass(frozen=True)
class Structured:
    """The derivative of a structured node: the gradient pass differentiates its nested graphs."""


Batch = Callable[..., int]
"""`batch(b, xs, flags, at, size)`: the node over operands of which the flagged ones have a batch axis of `size`."""

VjpRules = tuple[VjpRule | None, ...] | VariadicRule | Structured
ZERO: VjpRules = ()  # a step or a constant: the derivative is zero wherever it exists


@dataclass(frozen=True)
class Op:
    """One operation.

    name: as in a printed graph. doc: one line for people.
    evaluate: `evaluate(xp, at, *values)` over a namespace of elementwise functions.
    inline: the same as a Python expression over `{0}`, `{1}` for plain floats, when that says it faster.
    vjp: one rule an operand, `VariadicRule`, `Structured`, or `ZERO`.
    flow: how the support of a cotangent travels back through it: `elementwise` passes it on, `structural` moves it with
    the elements, `mix` declares it in `support`.
    hazard: whether its value or a partial can be infinite or NaN at finite operands; tame: `tame(at, constants)` says
    that it cannot where some operands are constants (None for those that are none).
    may_fail: whether evaluating it can stop the run (an integer divided by zero).
    latex: a template over `{0}`, `{1}`. domain: where it is defined, in words.
    examples: operand values for the checks of value and derivative; `example_attrs` go with each of them.
    selects: whether it leaves out elements of an operand (of a `structural` op), whose paths then do not exist.
    support: of a `mix` op, `support(b, s, k, xs, at)` says where operand k can matter, given where the result matters;
    it broadcasts to the operand's shape. Without one: anywhere in the same row of the leading axes.
    sized: attributes that hold sizes; the executor hands `evaluate` their numbers.
    batch: how the op carries a batch axis in front: `align` pads ranks behind it, `spread` gives every operand the
    axis, a function is a rule of its own (`Batch`).
    harmless: of an op that may fail, by operand a value that never fails, for masked elements (by default 0).
    grows: whether an int result can leave the range of its dtype.
    decide: attributes that depend on which operands vary, fixed when the node is made (ties at a kink).
    numbers: whether it runs on plain Python numbers, or lists of them, though it is not elementwise.
    spelled: `spelled(b, *operands, at)` builds the same of operations that the language has words for, to be read.
    evaluate of a `Structured` op gets the executor's `Runner` in place of the namespace.
    """

    name: str
    doc: str
    notation: Notation
    type_rule: TypeRule
    evaluate: Callable[..., Value]
    vjp: VjpRules
    flow: Literal["elementwise", "structural", "mix"]
    hazard: bool
    latex: str
    domain: str
    examples: tuple[tuple[Any, ...], ...]
    inline: str | None = None
    may_fail: bool = False
    example_attrs: Attrs = field(default_factory=dict)
    decide: Callable[[Sequence[bool]], Attrs] | None = None
    selects: bool = False
    support: Callable[..., int] | None = None
    sized: tuple[str, ...] = ()
    batch: Literal["align", "spread"] | Batch = "align"
    harmless: Mapping[int, int | Literal["identity"]] = field(default_factory=dict)
    grows: bool = False
    numbers: bool = False
    tame: Callable[[Attrs, Sequence[Any]], bool] | None = None
    spelled: Callable[..., int] | None = None

    @property
    def code(self) -> int:
        return opcode(self.name)

    @property
    def symbol(self) -> str:
        """What stands for the op in a picture."""
        return self.notation.picture or self.notation.text


REGISTERED: dict[str, Op] = {}
"""The ops of the families imported so far; `table` holds all of them."""


def register(op: Op) -> Op:
    """Declares the op; its name must be new."""
    name = sys.intern(op.name)
    assert name not in REGISTERED, name
    REGISTERED[name] = op
    return op


def rule_for(op: Op, k: int) -> VjpRule | None:
    """The derivative rule of operand `k` in the form `rule(b, g, y, xs, at)`, or None when there is no derivative."""
    if isinstance(op.vjp, VariadicRule):
        rule_of_each = op.vjp.rule
        return lambda b, g, y, xs, at: rule_of_each(b, g, y, k, xs, at)
    if isinstance(op.vjp, Structured) or k >= len(op.vjp):
        return None
    rule = op.vjp[k]
    return None if rule is None else lambda b, g, y, xs, at: rule(b, g, y, *xs, at)


def arity(op: Op) -> int | None:
    """How many operands the op takes, None when any number from one."""
    return None if isinstance(op.vjp, VariadicRule) else len(op.examples[0])
