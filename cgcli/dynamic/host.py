"""Python as the host language: numbers and arrays that record what is done with them.

What is done is said in the language itself (`a @ b`, `sum(a, axis=0)`), over the values on a tape: so shapes, kinks and
mistakes are those of the language. Only the arithmetic of two floats has a short way.
"""

from __future__ import annotations

import linecache
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import NONE, opcode
from cgcli.graph.types import FLOAT, Type
from cgcli.language.frames import Environment, Frame
from cgcli.language.parser import parse_value
from cgcli.language.regions import Call, Region, Several, Value
from cgcli.language.resolver import Names
from cgcli.ops.builder import Builder
from cgcli.ops.table import OPS

from .eager import Interpreter
from .numpy_api import FUNCTIONS, METHODS, UFUNCS, Unsupported
from .tape_arrays import as_tensor

_OWN = str(Path(__file__).parents[1])
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class _Here(Region):
    """Nodes get the line of Python that makes them, whatever expression says what they are."""

    row = NONE

    def at(self, span: Span | None, call: Call | None) -> Builder:
        self.builder.at_span, self.builder.at_group = self.row, NONE
        return self.builder


class Host(Interpreter):
    """A recording. `lift` brings values onto it; `express` computes with them."""

    def __init__(self, max_memory: int | None = None, max_nodes: int | None = None) -> None:
        super().__init__({}, {}, max_nodes, max_memory)
        self.here = _Here()
        self.here.builder = self.tape
        tape = self.tape
        columns = (tape.op, tape.a, tape.b, tape.type, tape.span, tape.group, tape.risk, tape.varies, tape.v)
        # what the short way needs, at hand in one step
        appends = [c.append for c in columns]
        self.short: Any = (tape.intern_type(FLOAT), tape.type, tape.risk, tape.varies, tape.v, *appends)
        self.spans: dict[tuple[int, int], int] = {}  # by the id of a code object, which is dear to hash
        self._codes: list[CodeType] = []  # kept, so that their ids stay theirs
        self._fixed: int | None = None

    def _has_stable_trees(self, frame: Frame) -> bool:
        return False  # an expression stands for another line of Python each time

    def place(self) -> int:
        """The span of the line of Python that is running, as a row of the tape's table."""
        if self._fixed is not None:
            return self._fixed
        frame: FrameType | None = sys._getframe(2)
        assert frame is not None
        row = self.spans.get((id(frame.f_code), frame.f_lasti))
        if row is not None:
            return row
        while frame is not None and frame.f_code.co_filename.startswith(_OWN):
            frame = frame.f_back
        if frame is None:
            return NONE
        row = self.tape.intern_span(line_span(frame.f_code.co_filename, frame.f_lineno))
        if sys._getframe(2) is frame:
            self.spans[id(frame.f_code), frame.f_lasti] = row
            self._codes.append(frame.f_code)
        return row

    def fix_line(self, span: Span | None) -> None:
        """From here on nodes, and mistakes, are of this place: no line of the function runs any more."""
        self._fixed = NONE if span is None else self.tape.intern_span(span)
        self.here.row = self._fixed

    def lift(self, x: Any) -> Value:
        """A value as one of the tape. Raises CgError for what is no number and no array."""
        value = self.try_lift(x)
        if value is None:
            raise self.refused(f"a value of type `{type(x).__name__}`")
        return value

    def try_lift(self, x: Any) -> Value | None:
        """A value as one of the tape: a number is a literal, an array a constant; None for anything else."""
        if isinstance(x, Traced):
            if x.host is not self:
                raise self.refused("a value of another recording")
            return Value(self.here, x.node)
        b = self.here.at(None, None)
        if isinstance(x, np.generic):
            x = x.item()
        if isinstance(x, int) and not -(2**63) <= x < 2**63:
            x = float(x) if abs(x) < 2**1024 - 2**970 else None  # as of a literal
        if isinstance(x, (bool, int, float)):
            return Value(self.here, b.const(x))
        if isinstance(x, (list, tuple)) and any(isinstance(item, Traced) for item in x):
            joined: Value = self._express(f"[{', '.join(_LETTERS[: len(x)])}]", x)
            return joined
        try:
            found = as_tensor(x) if isinstance(x, (np.ndarray, list, tuple)) else None
        except (ValueError, TypeError, OverflowError):  # lists of unequal lengths, of things that are no numbers
            found = None
        if found is None:
            return None
        kind, value = found
        if not kind.shape:
            return Value(self.here, b.const(value))
        return Value(self.here, b.const(_nested(value.tolist()), kind))

    def express(self, text: str, operands: Sequence[Any]) -> Any:
        """The value of an expression over `a`, `b`, …; several values for one that gives several."""
        self.here.row = self.place()
        found = self._express(text, operands)
        return tuple(Traced(self, x.node) for x in found) if isinstance(found, Several) else Traced(self, found.node)

    def _express(self, text: str, operands: Sequence[Any]) -> Any:
        if len(operands) > len(_LETTERS):
            raise self.refused(f"more than {len(_LETTERS)} operands at once")
        names = {name: self.lift(x) for name, x in zip(_LETTERS, operands, strict=False)}
        source, tree = _parsed(text)
        frame = Frame(Environment(source, Names(), values=dict(names)), self.here)
        try:
            return self.lower_any(frame, tree, (Several,))
        except CgError as e:
            raise self._placed(e) from None

    def _placed(self, e: CgError) -> CgError:
        """The same mistake, at the line of Python."""
        span = self.span()
        found = e.diagnostics[0].labels
        labels = () if span is None else (Label(span, found[0].role if found else "here"),)
        return CgError(*(Diagnostic(d.code, labels, d.values, d.severity) for d in e.diagnostics), status=e.status)

    def span(self) -> Span | None:
        row = self.here.row
        return None if row == NONE else self.tape.spans[row]

    def refused(self, what: str) -> CgError:
        """The error of something that cannot be recorded, at the line of Python."""
        self.here.row = self.place()
        return error("host-unsupported", self.span(), what=what)


class Traced:
    """A number or an array of a recording; it computes as NumPy does, and is recorded."""

    __slots__ = ("host", "node")
    __array_priority__ = 1000

    def __init__(self, host: Host, node: int) -> None:
        self.host, self.node = host, node

    # ---- what it is

    @property
    def value(self) -> Any:
        """The number, or the array, that it stands for."""
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
        count = 1
        for n in self.shape:
            count *= n
        return count

    @property
    def dtype(self) -> Any:
        return np.asarray(self.value).dtype

    @property
    def T(self) -> Traced:  # noqa: N802 - NumPy's name
        found: Traced = self.host.express("transpose(a)" if self.ndim != 2 else "a.T", [self])
        return found

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, form: str) -> str:
        return format(self.value, form)

    # ---- what the host's control flow asks

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __float__(self) -> float:
        self.host.here.row = self.host.place()
        raise error("host-float", self.host.span())

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self.host.refused("making a plain array of a recorded value")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a number has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return (self[k] for k in range(len(self)))

    def __hash__(self) -> int:
        return id(self)

    # ---- operators

    def __neg__(self) -> Any:
        return self.host.express("-a", [self])

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Any:
        return self.host.express("abs(a)", [self])

    def __invert__(self) -> Any:
        return self.host.express("not a", [self])

    def __getitem__(self, index: Any) -> Any:
        """NumPy's indexing by ints, slices, `...` and arrays of ints."""
        operands: list[Any] = [self]

        def named(x: Any) -> str:
            if x is None:
                return ""
            operands.append(x if isinstance(x, Traced) else np.asarray(x) if isinstance(x, list) else x)
            return _LETTERS[len(operands) - 1]

        parts: list[str] = []
        for item in index if isinstance(index, tuple) else (index,):
            if item is None:
                raise self.host.refused("`None` in an index; `np.expand_dims` makes an axis")
            if isinstance(item, bool) or getattr(item, "dtype", None) == np.bool_:
                raise self.host.refused("an index of bools; `np.where` chooses elements")
            if isinstance(item, slice):
                parts.append(":".join(named(x) for x in (item.start, item.stop, item.step)))
            else:
                parts.append("..." if item is Ellipsis else named(item))
        return self.host.express(f"a[{', '.join(parts)}]", operands)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise self.host.refused("writing into a recorded array; make a new one, as by `np.where` or `np.stack`")

    # ---- NumPy

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        text = UFUNCS.get(ufunc.__name__)
        if text is None or method != "__call__" or options:
            more = f".{method}" if method != "__call__" else "".join(f" with `{name}=`" for name in options)
            raise self.host.refused(f"`np.{ufunc.__name__}{more}`")
        return self.host.express(text, inputs)

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> Any:
        build = FUNCTIONS.get(function.__name__)
        if build is None:
            raise self.host.refused(f"`np.{function.__name__}`")
        return self._built(build, f"np.{function.__name__}", args, options)

    def __getattr__(self, name: str) -> Any:
        build = METHODS.get(name)
        if build is None:
            raise AttributeError(name)
        return lambda *args, **options: self._built(build, name, (self, *args), options)

    def _built(self, build: Callable[..., Any], name: str, args: Any, options: Any) -> Any:
        try:
            text, operands = build(*args, **options)
        except (Unsupported, TypeError) as e:
            raise self.host.refused(
                f"`{name}` with {e}" if isinstance(e, Unsupported) else f"`{name}` so: {e}"
            ) from None
        return self.host.express(text, operands)


def _infix(sign: str, swapped: bool = False) -> Callable[[Traced, Any], Any]:
    text = f"b {sign} a" if swapped else f"a {sign} b"

    def method(self: Traced, other: Any) -> Any:
        return self.host.express(text, [self, other])

    return method


def _short(op: str, sign: str, function: Callable[[float, float], float]) -> Callable[[Traced, Any], Any]:
    """An operator whose way for two floats is short: the node is written as the tape would."""
    code, hazard, text, getframe = opcode(op), OPS[op].hazard, f"a {sign} b", sys._getframe

    def method(self: Traced, other: Any) -> Any:
        host = self.host
        if type(other) is not Traced or other.host is not host:
            return host.express(text, [self, other])
        row, kinds, risk, varies, v, to_op, to_a, to_b, to_type, to_span, to_group, to_risk, to_varies, to_v = (
            host.short
        )
        x, y = self.node, other.node
        if kinds[x] != row or kinds[y] != row:
            return host.express(text, [self, other])
        frame = getframe(1)
        span = host.spans.get((id(frame.f_code), frame.f_lasti))
        i = len(v)
        to_op(code)
        to_a(x)
        to_b(y)
        to_type(row)
        to_span(host.place() if span is None else span)
        to_group(NONE)
        to_risk(hazard or risk[x] or risk[y])
        to_varies(varies[x] or varies[y])
        to_v(function(v[x], v[y]))
        return Traced(host, i)

    return method


_SHORT: dict[str, tuple[str, str, Callable[[float, float], float]]] = {
    "add": ("add", "+", operator.add),
    "sub": ("sub", "-", operator.sub),
    "mul": ("mul", "*", operator.mul),
}
_INFIX = {"truediv": "/", "floordiv": "//", "mod": "%", "pow": "^", "matmul": "@", "and": "and", "or": "or"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, (_op, _sign, _function) in _SHORT.items():
    setattr(Traced, f"__{_name}__", _short(_op, _sign, _function))
    setattr(Traced, f"__r{_name}__", _infix(_sign, swapped=True))
for _name, _sign in _INFIX.items():
    setattr(Traced, f"__{_name}__", _infix(_sign))
    setattr(Traced, f"__r{_name}__", _infix(_sign, swapped=True))
for _name, _sign in _COMPARE.items():
    setattr(Traced, f"__{_name}__", _infix(_sign))


@cache
def _parsed(text: str) -> tuple[Source, Any]:
    source = Source("<python>", text)
    return source, parse_value(source)


_sources: dict[str, Source] = {}


def cache_source(source: Source) -> None:
    """Takes the lines of a Python file from here on from this text, which is what runs."""
    _sources[source.name] = source
    linecache.cache[source.name] = (len(source.text), None, source.text.splitlines(keepends=True), source.name)


def line_span(file: str, number: int) -> Span | None:
    """A line of a Python file, without the blanks around it; None where there is no such file."""
    source = _sources.get(file)
    if source is None:
        source = _sources[file] = Source(file, "".join(linecache.getlines(file)))
    return source.stripped_line(number) if source.text else None


def plain(x: Any) -> Any:
    """An array of NumPy as lists, its numbers as Python's; anything else as it is."""
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def _nested(x: Any) -> Any:
    """Lists as tuples; as deep as an array's rank."""
    return tuple(map(_nested, x)) if isinstance(x, list) else x
