"""The record of an operation. Each op is declared once, completely, in a family's file; `table` looks them up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, cast

from cgcli.graph.graph import opcode
from cgcli.graph.types import AnyType, Type

if TYPE_CHECKING:
    from cgcli.graph.sizes import Size

    from .protocols import Attrs, Constant, Elements, ElementWriter, LoopIndex, OpBuilder

TypeRule = Callable[[Sequence[AnyType], "Attrs"], AnyType]
"""Operand types and attributes in, the result's type out; raises `TypeMismatch`."""

Contribution = int | tuple[int, int] | None
"""What a derivative rule returns: the contribution to the operand's cotangent, a pair (contribution, support) when the
op takes only some of its operands, or None when it contributes nothing."""

UnaryRule = Callable[["OpBuilder", int, int, int, "Attrs"], Contribution]
BinaryRule = Callable[["OpBuilder", int, int, int, int, "Attrs"], Contribution]
TernaryRule = Callable[["OpBuilder", int, int, int, int, int, "Attrs"], Contribution]
"""A derivative rule of one operand of so many, `rule(b, g, y, *operands, at)`, in operations of the builder `b`. `g` is
the cotangent of the result `y`."""

OperandsRule = Callable[["OpBuilder", int, int, Sequence[int], "Attrs"], Contribution]
"""`rule(b, g, y, xs, at)`: the same, whatever their number."""


class TypeMismatch(Exception):
    """The operands of an op do not fit: the diagnostic's code, the operands it is about, the values of its message."""

    def __init__(self, code: str, operands: Sequence[int] = (), **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.operands = tuple(operands)
        self.values = values


ATOM = 12  # how tightly a call or a name binds
Form = Literal["infix", "prefix", "call", "same", "none"]
WriteRule = Callable[..., Any]
"""`rule(spelling, operands, attrs, style)`: the text of one op, None where the common one of its form serves."""

Decomposition = Callable[..., int]
"""`decomposition(b, *operands, at)` builds an op that the language has no words for of operations that it has."""


@dataclass(frozen=True)
class Spelling:
    """How an op is written; `spelling` writes it.

    form: `infix` (`a + b`), `prefix` (`-a`), `call` (`f(a, b)`), `same` (as its operand) or `none` (never written).
    text: the operator or the function's name, by default the op's; picture: the same with typographic signs.
    level: how tightly it binds, 0 (`if`) to 12 (a call or a name); `assoc` is the side that may bind equally.
    latex: a template over `{0}`, `{1}`, `{text}` (by default a call), or a function from the attributes to a text, of
    an op with operands such a template, and how tightly it binds.
    rule: how it is written where its form does not say it. written_if: whether the language can say it with these
    attributes; by default where it has a form or a rule.
    shown: `shown(attrs, t)`: the attributes to write for a first operand of type t, if not all.
    decomposition: how it is built of operations that the language has, to be read.
    drops_broadcast: whether formulas leave out a `broadcast` of its operands.
    storage: whether it changes no number, only how numbers are stored; pictures draw it small.
    chains: whether it is associative, so that pictures draw a chain of it, `a + b + c`, as one node.
    """

    form: Form
    text: str = ""
    level: int = ATOM
    assoc: Literal["left", "right", "none"] = "left"
    picture: str | None = None
    latex: str | Callable[[Attrs], tuple[str, int]] = ""
    rule: WriteRule | None = None
    written_if: Callable[[Attrs], bool] | None = None
    shown: Callable[[Mapping[str, Any], Type], Mapping[str, Any]] | None = None
    decomposition: Decomposition | None = None
    drops_broadcast: bool = False
    storage: bool = False
    chains: bool = False

    @property
    def symbol(self) -> str:
        """What stands for the op in a picture."""
        return self.picture or self.text

    @property
    def bounds(self) -> tuple[int, int]:
        """How tightly the two operands of an infix operator have to bind to stand without brackets."""
        return self.level + (self.assoc != "left"), self.level + (self.assoc != "right")

    def has_text(self, attrs: Attrs) -> bool:
        """Whether the language can say the op; some occur only in the lowered form of its functions."""
        if self.written_if is not None:
            return self.written_if(attrs)
        return self.form != "none" or self.rule is not None


CALL = Spelling("call")


@dataclass(frozen=True)
class VariadicRule:
    """The derivative rule of an op with any number of operands: `rule(b, g, y, k, xs, at)` serves each operand k."""

    rule: Callable[[OpBuilder, int, int, int, Sequence[int], Attrs], Contribution]


@dataclass(frozen=True)
class Structured:
    """The derivative of a structured node: the gradient pass differentiates its nested graphs."""


Batch = Callable[["OpBuilder", Sequence[int], Sequence[bool], "Attrs", "Size"], int]
"""`batch(b, xs, flags, at, size)`: the node over operands of which the flagged ones have a batch axis of `size`."""

VjpRules = (
    tuple[()]
    | tuple[UnaryRule | None]
    | tuple[BinaryRule | None, BinaryRule | None]
    | tuple[TernaryRule | None, TernaryRule | None, TernaryRule | None]
    | VariadicRule
    | Structured
)
ZERO: VjpRules = ()  # a step or a constant: the derivative is zero wherever it exists

SupportRule = Callable[["OpBuilder", int, int, Sequence[int], "Attrs"], int]
"""`support(b, s, k, xs, at)`: where operand `k` can matter, given where the result matters; it broadcasts to the
operand's shape."""


@dataclass(frozen=True)
class Derivative:
    """How an op is differentiated.

    rules: one rule an operand, `VariadicRule`, `Structured`, or `ZERO`.
    flow: how the support of a cotangent travels back through it: `elementwise` passes it on, `structural` moves it with
    the elements, `mix` declares it in `support`.
    selects: whether it leaves out elements of an operand (of a `structural` op), whose paths then do not exist.
    support: of a `mix` op, where its operands can matter. Without one: anywhere in the same row of the leading axes.
    Of a `structural` op how a support moves, where its rules would not move the numbers 0 and 1 as well.
    ties: attributes that depend on which operands vary, fixed when the node is made (the shares at a kink).
    formula: of one operand, the rule as it is read: 1 - y² of tanh, where the rule that computes keeps more digits.
    """

    rules: VjpRules = ZERO
    flow: Literal["elementwise", "structural", "mix"] = "elementwise"
    selects: bool = False
    support: SupportRule | None = None
    ties: Callable[[Sequence[bool]], Mapping[str, object]] | None = None
    formula: UnaryRule | None = None


Condition = Callable[[Sequence[AnyType], AnyType, "Attrs"], bool]
"""A condition on the types of the operands, that of the result, and the attributes."""

Operations = Callable[[Sequence[AnyType], AnyType, "Attrs"], "Size"]
"""Arithmetic operations, from the types of the operands, that of the result, and the attributes."""


@dataclass(frozen=True)
class Effects:
    """What computing an op can do besides its value, and what passes and executors may do with it.

    hazard: whether its value or a partial can be infinite or NaN at finite operands; tame: `tame(at, constants)` says
    that it cannot where some operands are constants (None for those that are none).
    may_fail: whether evaluating it can stop the run (an integer divided by zero); safe: for which types it cannot.
    may_overflow: whether an int result can leave the range of its dtype. `may_stop` is the answer for one node.
    harmless: of an op that may fail, by operand a value that never fails, for masked elements (by default 0).
    view: whether the result may lie in the memory of the first operand, always or for some types.
    out: whether its array kernel writes the result into an array that it is handed; by default an elementwise one does.
    commutes: whether its two operands may change places, bit for bit.
    operations: arithmetic operations an element of the result, or a function of the types (see `plan.cost`).
    rearranges: whether its result holds elements of its operand and no others.
    prescribed: whether IEEE 754 prescribes the bits of the result, so that all array libraries agree; `ints` of ints.
    zero_of_either_sign: whether libraries differ in which of two zeros they return.
    dear: whether its array kernel needs a library that takes longer to import than a graph takes to compile.
    """

    hazard: bool = False
    tame: Callable[[Attrs, Sequence[float | None]], bool] | None = None
    may_fail: bool = False
    safe: Condition | None = None
    may_overflow: bool = False
    harmless: Mapping[int, int | Literal["identity"]] = field(default_factory=dict)
    view: bool | Condition = False
    out: bool | None = None
    commutes: bool = False
    operations: int | Operations = 1
    rearranges: bool = False
    prescribed: bool | Literal["ints"] = False
    zero_of_either_sign: bool = False
    dear: bool = False


PLAIN = Effects()
"""Those of an op that always gives a finite value and nothing else."""


@dataclass(frozen=True)
class Examples:
    """Operand values for the checks of value and derivative, and the attributes that go with each of them.

    domain: where the op is defined, in words.
    """

    operands: tuple[tuple[Any, ...], ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    domain: str = "all numbers"


Evaluate = Callable[..., Any]
"""`evaluate(xp, at, *values)`: the kernel of an op."""

Expansion = Callable[..., Any]
"""`expansion(b, *operands, at)`: the op as operations of the builder `b`, None where these attributes have none."""


Reads = Literal["broadcast", "same", "aligned", "renumbered", "repeated", "reduced", "other"]
"""At which index of its operands a loop form reads an element: as an elementwise op does; at the same one but for axes
of size 1; with the axes in the same order; by the number of the element in memory; at one that other elements read too;
along an axis; or at another."""


@dataclass(frozen=True)
class Statements:
    """A loop form: `rule(e)` writes the result, element by element, into the memory of `e`.

    element: one element of a result of few fixed elements, as of an `Element`. in_place: whether the memory holds the
    first operand when the rule begins, so that it writes only what it changes. rows: of the type of the first operand
    and the attributes, how many axes in front of it and of the result are rows: the rule writes that of the index
    `e.row`, for which it reads only that of the operand.
    """

    rule: Callable[[ElementWriter], None]
    element: Callable[[Elements, Sequence[LoopIndex]], Any] | None = None
    in_place: bool = False
    rows: Callable[[Type, Attrs], int] = lambda t, at: 0


@dataclass(frozen=True)
class Element:
    """A loop form: `rule(e, index)`, one element of the result, computed by what `e` offers.

    require: `require(e)` stops the run where the sizes of the operands do not fit, whether elements are read or not.
    stored: how many elements are written into memory, where that is not one after the other.
    """

    rule: Callable[[Elements, Sequence[LoopIndex]], Any]
    require: Callable[[Elements], None] | None = None
    reads: Reads = "other"
    stored: Statements | None = None


@dataclass(frozen=True)
class Routine:
    """The loop form of what is computed by arrays: a call of the op's kernel.

    matrices: the universal function behind `numpy.linalg` that computes the op on many matrices of floats, "" for none;
    the op is its last result. signature: of that function, as NumPy writes it without blanks.
    """

    matrices: str = ""
    signature: str = ""


@dataclass(frozen=True)
class Contraction:
    """The loop form of a sum of products of elements, one of each operand.

    letters: of the types of the operands and the attributes, the letter of each axis of each operand, and those of the
    result. The sum goes over the letters that the result does not have; an axis of size 1 stretches.
    """

    letters: Callable[[Sequence[AnyType], Attrs], tuple[Sequence[str], str]]


@dataclass(frozen=True)
class OnStacks:
    """The loop form of what makes or reads stacks: the function of its name in `loop_nests.structured`."""


LoopForm = Element | Statements | Contraction | Routine | OnStacks | None
"""How an op is computed in loops, one number at a time. None: by its own kernel, run on the numbers of one index, for
an elementwise op; a structured one has its form in `loop_nests.structured`."""


@dataclass(frozen=True)
class Op:
    """One operation.

    name: as in a printed graph. doc: one line for people.
    evaluate: `evaluate(xp, at, *values)` over a namespace of elementwise functions; of a `Structured` op over the
    executor's `Runner`.
    inline: the same as a Python expression over `{0}`, `{1}` for plain floats, when that says it faster.
    expansion: the operations that every executor computes instead, so that all have the same bits; `evaluate` is then
    for attributes without one.
    sized: attributes that hold sizes; the executor hands `evaluate` their numbers.
    batch: how the op carries a batch axis in front: `align` pads ranks behind it, `spread` gives every operand the
    axis, a function is a rule of its own (`Batch`).
    numbers: whether it runs on plain Python numbers, or lists of them, though it is not elementwise.
    loops: its loop form.
    """

    name: str
    doc: str
    spelling: Spelling
    type_rule: TypeRule
    evaluate: Evaluate
    inline: str | None = None
    expansion: Expansion | None = None
    derivative: Derivative = Derivative()
    effects: Effects = PLAIN
    examples: Examples = Examples()
    sized: tuple[str, ...] = ()
    batch: Literal["align", "spread"] | Batch = "align"
    numbers: bool = False
    loops: LoopForm = None

    @cached_property
    def code(self) -> int:
        return opcode(self.name)

    @cached_property
    def is_elementwise(self) -> bool:
        """Whether each element of the result is made of the elements at its index."""
        return self.derivative.flow == "elementwise"

    @cached_property
    def is_structured(self) -> bool:
        """Whether its nodes hold graphs, or are results of one that does."""
        return isinstance(self.derivative.rules, Structured)


REGISTERED: dict[str, Op] = {}
"""The ops of the families imported so far; `table` holds all of them."""


def declare(
    name: str,
    doc: str,
    rules: UnaryRule | VjpRules = ZERO,
    *,
    type_rule: TypeRule,
    evaluate: Evaluate | None = None,
    inline: str | None = None,
    expansion: Expansion | None = None,
    spelling: Spelling = CALL,
    flow: Literal["elementwise", "structural", "mix"] = "elementwise",
    selects: bool = False,
    support: SupportRule | None = None,
    ties: Callable[[Sequence[bool]], Mapping[str, object]] | None = None,
    formula: UnaryRule | None = None,
    effects: Effects = PLAIN,
    examples: tuple[tuple[Constant, ...], ...] = (),
    attrs: Mapping[str, Any] | None = None,
    domain: str = "all numbers",
    sized: tuple[str, ...] = (),
    batch: Literal["align", "spread"] | Batch = "align",
    numbers: bool = False,
    loops: LoopForm = None,
) -> None:
    """Declares an op; its name must be new. The parameters are the fields of `Op` and of the records in it.

    rules: the rule itself where there is one operand. evaluate: by default the namespace's function of the op's name.
    """
    name = sys.intern(name)
    assert name not in REGISTERED, name
    kernel = evaluate or _by_name(name, len(examples[0]))
    REGISTERED[name] = Op(
        name,
        doc,
        spelling if spelling.text else replace(spelling, text=name),
        type_rule,
        _expanded(expansion, kernel) if expansion else kernel,
        inline,
        expansion,
        Derivative((rules,) if callable(rules) else rules, flow, selects, support, ties, formula),
        effects,
        Examples(examples, attrs or {}, domain),
        sized,
        batch,
        numbers,
        loops or (None if flow == "elementwise" or isinstance(rules, Structured) else Routine()),
    )


def _by_name(name: str, arity: int) -> Evaluate:
    """The kernel that is the namespace's function of this name."""
    if arity == 1:  # a call of one argument is the quickest
        return lambda xp, at, x: getattr(xp, name)(x)
    return lambda xp, at, *xs: getattr(xp, name)(*xs)


class _Kernels:
    """The methods of the builder over values: `mul(x, y)` is computed at once, by the op's kernel over a namespace."""

    def __init__(self, xp: object) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Callable[..., Any]:
        evaluate = REGISTERED[name.rstrip("_")].evaluate
        return lambda *xs, **at: evaluate(self.xp, at, *xs)


def _expanded(expansion: Expansion, evaluate: Evaluate) -> Evaluate:
    """The kernel that computes an expansion, and `evaluate` where the attributes have none."""

    def kernel(xp: object, at: object, *xs: object) -> Any:
        y = expansion(_Kernels(xp), *xs, at)
        return evaluate(xp, at, *xs) if y is None else y

    return kernel


declare_structural = partial(declare, flow="structural", domain="any value")
"""Declares an op that moves elements."""


def may_view(op: Op, types: Sequence[AnyType], result: AnyType, attrs: Attrs) -> bool:
    """Whether the result may lie in the memory of the first operand."""
    view = op.effects.view
    return view if isinstance(view, bool) else view(types, result, attrs)


def of_one_operand(types: Sequence[AnyType], result: AnyType, attrs: Attrs) -> bool:
    """The condition of an op with any number of operands that computes nothing of a single one."""
    return len(types) == 1


def rule_for(op: Op, k: int) -> OperandsRule | None:
    """The derivative rule of operand `k`, or None when there is no derivative."""
    rules = op.derivative.rules
    if isinstance(rules, VariadicRule):
        rule_of_each = rules.rule
        return lambda b, g, y, xs, at: rule_of_each(b, g, y, k, xs, at)
    if isinstance(rules, Structured) or k >= len(rules):
        return None
    rule = cast("Callable[..., Contribution] | None", rules[k])
    return None if rule is None else lambda b, g, y, xs, at: rule(b, g, y, *xs, at)


def arity(op: Op) -> int | None:
    """How many operands the op takes, None when any number from one."""
    return None if isinstance(op.derivative.rules, VariadicRule) else len(op.examples.operands[0])
