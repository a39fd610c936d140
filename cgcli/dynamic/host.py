"""Python as the host language: traced numbers and arrays that record the operations on them.

An operation is an expression of the language (`a @ b`, `sum(a, axis=0)`) over values on a tape: so shapes, kinks and
errors are those of the language. Only the arithmetic of two floats has a fast path.
"""

from __future__ import annotations

import linecache
import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

import numpy as np

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import RepeatedSpan, Source, Span
from cgcli.graph.graph import CONST, NONE
from cgcli.graph.types import FLOAT, Type
from cgcli.language.frames import Environment, Frame
from cgcli.language.parser import parse_value
from cgcli.language.regions import Call, Region, Several, Value
from cgcli.language.resolver import Names
from cgcli.language.structures import Structure
from cgcli.ops.builder import Builder
from cgcli.ops.table import OPS

from .eager import Interpreter
from .numpy_api import FUNCTIONS, METHODS, UFUNCS, ExpressionRule, Unsupported
from .tape_arrays import as_tensor

if TYPE_CHECKING:
    from lark import Token, Tree

    from cgcli.ops.array_kernels import Element

Result: TypeAlias = "Traced | tuple[Traced, ...]"


class Method(Protocol):
    def __call__(self, *args: object, **options: object) -> Result: ...


_PACKAGE = str(Path(__file__).parents[1])
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class _LineRegion(Region):
    """Nodes get the span of the line of Python that runs, not that of the expression."""

    row = NONE

    def at(self, span: Span | None, call: Call | None) -> Builder:
        self.builder.at_span, self.builder.at_group = self.row, NONE
        return self.builder


class Host(Interpreter):
    """A recording. `lift` brings values onto it; `express` computes with them."""

    def __init__(self, max_memory: int | None = None, max_nodes: int | None = None) -> None:
        super().__init__({}, {}, max_nodes, max_memory)
        self.line_region = _LineRegion()
        self.line_region.builder = self.tape
        tape = self.tape
        # all that the fast path needs, in one attribute
        self.append_state = (
            *(tape.intern_type(FLOAT), tape.type, tape.risk, tape.varies, tape.v),
            *(tape.op.append, tape.a.append, tape.b.append, tape.type.append, tape.span.append, tape.group.append),
            *(tape.risk.append, tape.varies.append, tape.v.append),
        )
        self.spans: dict[tuple[int, int], int] = {}  # by the id of a code object, which is expensive to hash
        self._expressions: dict[tuple[int, int], Span | None] = {}  # of instructions, likewise
        self._code_objects: list[CodeType] = []  # referenced, so that their ids stay unique
        self._fixed_row: int | None = None

    def _has_stable_trees(self, frame: Frame) -> bool:
        return False  # the same expression stands for many lines of Python

    def line_span_row(self) -> int:
        """The span of the line of Python that is running, as a row of the tape's table."""
        if self._fixed_row is not None:
            return self._fixed_row
        frame: FrameType | None = sys._getframe(2)
        assert frame is not None
        row = self.spans.get((id(frame.f_code), frame.f_lasti))
        if row is not None:
            return row
        while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        if frame is None:
            return NONE
        row = self.tape.intern_span(line_span(frame.f_code.co_filename, frame.f_lineno))
        if sys._getframe(2) is frame:
            self.spans[id(frame.f_code), frame.f_lasti] = row
            self._code_objects.append(frame.f_code)
        return row

    def _mark_operation(self, start: int) -> None:
        """Gives the nodes from `start` on, which one expression of Python made, the span of that expression.

        Where they are several they get a row of their own, which tells them from what the same code makes next time.
        """
        if self._fixed_row is not None:
            return
        tape = self.tape
        nodes = [i for i in range(start, len(tape)) if tape.op[i] != CONST]
        span = self._expression() if nodes else None
        if span is None:
            return
        row = tape.intern_span(RepeatedSpan(*span))
        if len(nodes) > 1:
            nodes = list(range(start, len(tape)))
            row = len(tape.spans)
            tape.spans.append(span)
        for i in nodes:
            tape.span[i] = row

    def _expression(self) -> Span | None:
        """The expression of Python that is running; None where only its line is known."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        if frame is None:
            return None
        key = id(frame.f_code), frame.f_lasti
        if key not in self._expressions:
            self._expressions[key] = _expression_span(frame)
            self._code_objects.append(frame.f_code)
        return self._expressions[key]

    def fix_line(self, span: Span | None) -> None:
        """Gives this span to nodes and errors from here on: no line of the function runs any more."""
        self._fixed_row = NONE if span is None else self.tape.intern_span(span)
        self.line_region.row = self._fixed_row

    def lift(self, x: object) -> Value:
        """A value on the tape. Raises CgError for what is no number and no array."""
        value = self.try_lift(x)
        if value is None:
            raise self.unsupported(f"a value of type `{type(x).__name__}`")
        return value

    def try_lift(self, x: object) -> Value | None:
        """A value on the tape: of a number a literal, of an array a constant; None for anything else."""
        if isinstance(x, Traced):
            if x.host is not self:
                raise self.unsupported("a value of another recording")
            return Value(self.line_region, x.node)
        b = self.line_region.at(None, None)
        if isinstance(x, np.generic):
            x = x.item()
        if isinstance(x, int) and not -(2**63) <= x < 2**63:
            x = float(x) if abs(x) < 2**1024 - 2**970 else None  # as of a literal
        if isinstance(x, (bool, int, float)):
            return Value(self.line_region, b.const(x))
        if isinstance(x, (list, tuple)) and any(isinstance(item, Traced) for item in x):
            joined = self._express(f"[{', '.join(_LETTERS[: len(x)])}]", x)
            assert isinstance(joined, Value)
            return joined
        try:
            tensor = as_tensor(x) if isinstance(x, (np.ndarray, list, tuple)) else None
        except (ValueError, TypeError, OverflowError):  # lists of unequal lengths, or of other things than numbers
            tensor = None
        if tensor is None:
            return None
        type_, value = tensor
        if isinstance(value, np.ndarray):
            return Value(self.line_region, b.const(_nested_tuples(value.tolist()), type_))
        return Value(self.line_region, b.const(value))

    def express(self, text: str, operands: Sequence[object]) -> Result:
        """The value of an expression over `a`, `b`, …; a tuple for an expression with several values."""
        self.line_region.row = self.line_span_row()
        value = self._express(text, operands)
        if isinstance(value, Several):
            return tuple(Traced(self, x.node) for x in value)
        assert isinstance(value, Value)
        return Traced(self, value.node)

    def _express(self, text: str, operands: Sequence[object]) -> Value | Several | Structure:
        if len(operands) > len(_LETTERS):
            raise self.unsupported(f"more than {len(_LETTERS)} operands at once")
        names = {name: self.lift(x) for name, x in zip(_LETTERS, operands, strict=False)}
        source, tree = _parse_cached(text)
        frame = Frame(Environment(source, Names(), values=dict(names)), self.line_region)
        start = len(self.tape)
        try:
            value = self.lower_any(frame, tree, (Several,))
        except CgError as e:
            raise self._at_line(e) from None
        self._mark_operation(start)
        return value

    def _at_line(self, e: CgError) -> CgError:
        """The same error, at the line of Python."""
        span = self.span()
        old_labels = e.diagnostics[0].labels
        labels = () if span is None else (Label(span, old_labels[0].role if old_labels else "here"),)
        return CgError(*(Diagnostic(d.code, labels, d.values, d.severity) for d in e.diagnostics), status=e.status)

    def span(self) -> Span | None:
        row = self.line_region.row
        return None if row == NONE else self.tape.spans[row]

    def unsupported(self, operation: str) -> CgError:
        """The error of an operation that cannot be recorded, at the line of Python."""
        self.line_region.row = self.line_span_row()
        return error("host-unsupported", self.span(), what=operation)


class Traced:
    """A number or an array of a recording; it computes as NumPy does, and is recorded."""

    __slots__ = ("host", "node")
    __array_priority__ = 1000

    def __init__(self, host: Host, node: int) -> None:
        self.host, self.node = host, node

    # ---- value and type
    @property
    def value(self) -> Any:
        """The number, or the array, of the node."""
        return self.host.tape.v[self.node]

    @property
    def type(self) -> Type:
        return self.host.tape.type1(self.node)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.type.shape)

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Element]:
        return np.asarray(self.value).dtype

    @property
    def T(self) -> Traced:  # noqa: N802 - NumPy's name
        transposed = self.host.express("transpose(a)" if self.ndim != 2 else "a.T", [self])
        assert isinstance(transposed, Traced)
        return transposed

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, form: str) -> str:
        return format(self.value, form)

    # ---- Python's control flow and conversions

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __float__(self) -> float:
        self.host.line_region.row = self.host.line_span_row()
        raise error("host-float", self.host.span())

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise self.host.unsupported("making a plain array of a recorded value")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a number has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Result]:
        return (self[k] for k in range(len(self)))

    def __hash__(self) -> int:
        return id(self)

    # ---- operators

    def __pos__(self) -> Traced:
        return self

    def __getitem__(self, index: object) -> Result:
        """NumPy's indexing by ints, slices, `...` and arrays of ints."""
        operands: list[object] = [self]

        def letter(x: object) -> str:
            if x is None:
                return ""
            operands.append(x if isinstance(x, Traced) else np.asarray(x) if isinstance(x, list) else x)
            return _LETTERS[len(operands) - 1]

        parts: list[str] = []
        for item in index if isinstance(index, tuple) else (index,):
            if item is None:
                raise self.host.unsupported("`None` in an index; `np.expand_dims` makes an axis")
            if isinstance(item, bool) or getattr(item, "dtype", None) == np.bool_:
                raise self.host.unsupported("an index of bools; `np.where` chooses elements")
            if isinstance(item, slice):
                parts.append(":".join(letter(x) for x in (item.start, item.stop, item.step)))
            else:
                parts.append("..." if item is Ellipsis else letter(item))
        return self.host.express(f"a[{', '.join(parts)}]", operands)

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise self.host.unsupported("writing into a recorded array; make a new one, as by `np.where` or `np.stack`")

    # ---- NumPy

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Result:
        text = UFUNCS.get(ufunc.__name__)
        if text is None or method != "__call__" or options:
            more = f".{method}" if method != "__call__" else "".join(f" with `{name}=`" for name in options)
            raise self.host.unsupported(f"`np.{ufunc.__name__}{more}`")
        return self.host.express(text, inputs)

    def __array_function__(
        self, function: FunctionType, _: object, args: Sequence[object], options: Mapping[str, object]
    ) -> Result:
        build = FUNCTIONS.get(function.__name__)
        if build is None:
            raise self.host.unsupported(f"`np.{function.__name__}`")
        return self._express_call(build, f"np.{function.__name__}", args, options)

    def __getattr__(self, name: str) -> Method:
        build = METHODS.get(name)
        if build is None:
            raise AttributeError(name)
        return lambda *args, **options: self._express_call(build, name, (self, *args), options)

    def _express_call(
        self, build: ExpressionRule, name: str, args: Sequence[object], options: Mapping[str, object]
    ) -> Result:
        try:
            text, operands = build(*args, **options)
        except (Unsupported, TypeError) as e:
            raise self.host.unsupported(
                f"`{name}` with {e}" if isinstance(e, Unsupported) else f"`{name}` so: {e}"
            ) from None
        return self.host.express(text, operands)


def _operator(text: str) -> Callable[[Traced, object], Result]:
    def method(self: Traced, *others: object) -> Result:
        return self.host.express(text, [self, *others])

    return method


def _fast_operator(op: str, sign: str, function: Callable[[float, float], float]) -> Callable[[Traced, object], Result]:
    """An operator with a fast path for two floats, which appends the same node as the tape would."""
    code, hazard, text, getframe = OPS[op].code, OPS[op].effects.hazard, f"a {sign} b", sys._getframe

    def method(self: Traced, other: object) -> Result:
        host = self.host
        if type(other) is not Traced or other.host is not host:
            return host.express(text, [self, other])
        float_row, rows, risk, varies, v, to_op, to_a, to_b, to_type, to_span, to_group, to_risk, to_varies, to_v = (
            host.append_state
        )
        x, y = self.node, other.node
        if rows[x] != float_row or rows[y] != float_row:
            return host.express(text, [self, other])
        frame = getframe(1)
        span = host.spans.get((id(frame.f_code), frame.f_lasti))
        i = len(v)
        to_op(code)
        to_a(x)
        to_b(y)
        to_type(float_row)
        to_span(host.line_span_row() if span is None else span)
        to_group(NONE)
        to_risk(hazard or risk[x] or risk[y])
        to_varies(varies[x] or varies[y])
        to_v(function(v[x], v[y]))
        return Traced(host, i)

    return method


_FAST_OPERATORS: dict[str, tuple[str, str, Callable[[float, float], float]]] = {
    "add": ("add", "+", operator.add),
    "sub": ("sub", "-", operator.sub),
    "mul": ("mul", "*", operator.mul),
}
_OPERATORS = {"truediv": "/", "floordiv": "//", "mod": "%", "pow": "^", "matmul": "@", "and": "and", "or": "or"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, (_op, _sign, _function) in _FAST_OPERATORS.items():
    setattr(Traced, f"__{_name}__", _fast_operator(_op, _sign, _function))
    setattr(Traced, f"__r{_name}__", _operator(f"b {_sign} a"))
for _name, _sign in _OPERATORS.items():
    setattr(Traced, f"__{_name}__", _operator(f"a {_sign} b"))
    setattr(Traced, f"__r{_name}__", _operator(f"b {_sign} a"))
for _name, _sign in _COMPARE.items():
    setattr(Traced, f"__{_name}__", _operator(f"a {_sign} b"))
for _name, _text in {"neg": "-a", "abs": "abs(a)", "invert": "not a"}.items():
    setattr(Traced, f"__{_name}__", _operator(_text))


@cache
def _parse_cached(text: str) -> tuple[Source, Tree[Token]]:
    source = Source("<python>", text)
    return source, parse_value(source)


_sources: dict[str, Source] = {}


def cache_source(source: Source) -> None:
    """Makes this text, which is what runs, the source of a Python file's lines from here on."""
    _sources[source.name] = source
    linecache.cache[source.name] = (len(source.text), None, source.text.splitlines(keepends=True), source.name)


def line_span(file: str, number: int) -> Span | None:
    """A line of a Python file, without the blanks around it; None where there is no such file."""
    source = _sources.get(file)
    if source is None:
        source = _sources[file] = Source(file, "".join(linecache.getlines(file)))
    span = source.stripped_line(number) if source.text else None
    return span and RepeatedSpan(*span)


def _expression_span(frame: FrameType) -> Span | None:
    """The expression that a frame of Python is evaluating, where its code knows that."""
    line, end_line, start, end = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    source = _sources.get(frame.f_code.co_filename)
    if source is None or line is None or end_line is None or start is None or end is None:
        return None
    return Span(source, source.offset(line, start), source.offset(end_line, end))


def plain(x: object) -> object:
    """A NumPy array as nested lists of Python numbers; anything else unchanged."""
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def _nested_tuples(x: Any) -> Any:
    """Nested lists as nested tuples; the recursion is as deep as an array's rank."""
    return tuple(map(_nested_tuples, x)) if isinstance(x, list) else x
