"""The meaning of the loop form: a plain interpreter over NumPy arrays, one number at a time, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import form
from .form import (
    FLOATS,
    OVERFLOW,
    PARTIALS,
    PRODUCTS,
    ZERO_DIVISION,
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Check,
    Const,
    Extent,
    For,
    Function,
    Load,
    LoopNest,
    Region,
    Statement,
    Store,
    Switch,
    Value,
    While,
)
from .functions import definition
from .primitives import CHECKED, NEUTRAL, PRIMITIVES, RANGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Memory = NDArray[Any]

DTYPES = {type_: np.dtype(name).type for type_, name in form.DTYPES.items()}
Routine = Callable[[Call, Sequence[Any], Sequence[Any], Sequence[int]], None]
"""`routine(call, operands, results, numbers)` writes the results of a library routine into arrays."""


class NestStopped(Exception):
    """A check failed: its code and its node."""


def interpret(
    nest: LoopNest,
    arrays: dict[str, Any],
    sizes: Mapping[str, int],
    routine: Routine | None = None,
    chunk: tuple[int, int] | None = None,
) -> int:
    """Runs a nest on the arrays of its buffers; 0, or the status of what stopped it.

    arrays: of the buffers that are not local; results are written into them. chunk: the part of each `chunk` loop.
    """
    run = _Run(nest, arrays, sizes, routine, chunk)
    try:
        with np.errstate(all="ignore"):
            run.block(nest.body)
    except NestStopped as stop:
        code, node = stop.args
        return int(node) * 16 + int(code)
    return 0


def evaluate(function: Function, *numbers: float) -> float:
    """The result of a primitive that is defined in the form."""
    run = _Run(LoopNest(""), {}, {}, None, None)
    run.values.update(zip(function.parameters, numbers, strict=True))
    with np.errstate(all="ignore"):
        run.block(function.body)
    return float(run.values[function.result])


class _Run:
    def __init__(
        self,
        nest: LoopNest,
        arrays: dict[str, Any],
        sizes: Mapping[str, int],
        routine: Routine | None,
        chunk: tuple[int, int] | None,
    ) -> None:
        self.nest, self.arrays, self.routine, self.chunk = nest, dict(arrays), routine, chunk
        for name, buffer in nest.buffers.items():
            if buffer.role == "const":
                self.arrays[name] = np.array(buffer.numbers, DTYPES[buffer.type]).reshape(buffer.shape)
        self.values: dict[Value, Any] = {value: sizes[name] for name, value in nest.sizes.items()}

    def number(self, x: Extent) -> int:
        return x if isinstance(x, int) else int(self.values[x])

    def element(self, buffer: str, access: Access) -> tuple[Memory, tuple[int, ...]]:
        """An array, and the index of an element in it, which has to exist."""
        array = self.arrays[buffer]
        index = tuple(i.const + sum(self.values[v] * self.number(c) for v, c in i.terms) for i in access)
        if len(index) == 1 and array.ndim != 1:
            array = array.reshape(-1)
        assert len(index) == array.ndim, (buffer, index)
        assert all(0 <= i < n for i, n in zip(index, array.shape, strict=True)), (buffer, index, array.shape)
        return array, index

    def region(self, region: Region) -> Memory:
        array: Memory = self.arrays[region.buffer]
        index = tuple(i.const + sum(self.values[v] * self.number(c) for v, c in i.terms) for i in region.access)
        part: Memory = array[index] if index else array
        return part

    def block(self, statements: Sequence[Statement]) -> None:
        v = self.values
        for s in statements:
            match s:
                case Const():
                    v[s.result] = s.value
                case Apply():
                    v[s.result] = self.apply(s)
                case Load():
                    array, index = self.element(s.buffer, s.access)
                    v[s.result] = array[index].item()
                case Store():
                    self.store(s)
                case For():
                    self.loop(s)
                case While():
                    self.while_(s)
                case Switch():
                    case = s.cases[min(int(v[s.selector]), len(s.cases) - 1) if v[s.selector] >= 0 else -1]
                    self.block(case.body)
                    v.update(zip(s.results, [v[y] for y in case.yields], strict=True))
                case Check():
                    if not v[s.condition]:
                        raise NestStopped(s.code, s.node)
                case Allocate():
                    buffer = self.nest.buffers[s.buffer]
                    shape = [max(0, self.number(n)) for n in buffer.shape]
                    self.arrays[s.buffer] = np.zeros(shape, DTYPES[buffer.type])
                case Call():
                    self.call(s)

    def call(self, s: Call) -> None:
        numbers = [self.number(n) for n in s.numbers]
        operands, results = list(map(self.region, s.operands)), list(map(self.region, s.results))
        if s.routine in PRODUCTS:
            m, n, inner, *lies = numbers
            shapes = (m, inner), (inner, n), (m, n)
            matrices = zip([*operands, *results], shapes, [lies[:3], lies[3:6], lies[6:]], strict=True)
            first, second, result = (_matrix(array, shape, *where) for array, shape, where in matrices)
            total = np.matmul(first, second)
            result[...] = result + total if s.routine == "product_add" else total
            return
        assert self.routine is not None, s.routine
        self.routine(s, operands, results, numbers)

    def store(self, s: Store) -> None:
        buffer: Buffer = self.nest.buffers[s.buffer]
        assert buffer.role != "in", s.buffer
        if buffer.chunked:
            self._grow(s)
        array, index = self.element(s.buffer, s.access)
        x = self.values[s.value]
        if s.combine:
            x = self.compute(s.combine, [array[index].item(), x], buffer.type, buffer.type, -1)
        array[index] = x

    def _grow(self, s: Store) -> None:
        """Makes room for an item behind the last one of a chunked buffer."""
        array = self.arrays[s.buffer]
        first = s.access[0].const + sum(self.values[v] * self.number(c) for v, c in s.access[0].terms)
        if first >= len(array):
            more = np.zeros((max(64, 2 * first), *array.shape[1:]), array.dtype)
            more[: len(array)] = array
            self.arrays[s.buffer] = more

    def loop(self, s: For) -> None:
        v = self.values
        begin, end = self.number(s.begin), self.number(s.end)
        if s.kind == "chunk" and self.chunk is not None:
            begin, end = max(begin, self.chunk[0]), min(end, self.chunk[1])
        state = [v[x] for x in s.initial]
        if s.kind == "serial" or not s.carried:
            for k in range(begin, end):
                v[s.variable] = k
                v.update(zip(s.carried, state, strict=True))
                self.block(s.body)
                state = [v[y] for y in s.yields]
        else:
            state = self.reduced(s, begin, end, state)
        v.update(zip(s.results, state, strict=True))

    def reduced(self, s: For, begin: int, end: int, initial: list[Any]) -> list[Any]:
        """The results of a vector loop, by partial values that are joined in halves."""
        v = self.values
        many = [PARTIALS.get(x.type, 1) for x in s.carried]
        partial = [[_neutral(join, x) for _ in range(n)] for join, x, n in zip(s.combine, s.carried, many, strict=True)]
        for k in range(begin, end):
            v[s.variable] = k
            for x, parts, n in zip(s.carried, partial, many, strict=True):
                v[x] = parts[(k - begin) % n]
            self.block(s.body)
            for y, parts, n in zip(s.yields, partial, many, strict=True):
                parts[(k - begin) % n] = v[y]
        results = []
        for join, x, parts, first in zip(s.combine, s.carried, partial, initial, strict=True):
            left = parts
            while len(left) > 1:
                half = len(left) // 2
                pairs = zip(left[:half], left[half:], strict=True)
                left = [self.compute(join, [a, b], x.type, x.type, -1) for a, b in pairs]
            results.append(self.compute(join, [first, left[0]], x.type, x.type, -1))
        return results

    def while_(self, s: While) -> None:
        v = self.values
        state = [v[x] for x in s.initial]
        while True:
            v.update(zip(s.carried, state, strict=True))
            self.block(s.test)
            if not v[s.condition]:
                break
            self.block(s.body)
            state = [v[y] for y in s.yields]
        v.update(zip(s.results, state, strict=True))

    def apply(self, s: Apply) -> Any:
        numbers = [self.values[x] for x in s.operands]
        return self.compute(s.primitive, numbers, s.operands[0].type, s.result.type, s.node)

    def compute(self, name: str, numbers: Sequence[Any], of: str, to: str, node: int) -> Any:
        """A primitive on numbers of type `of` (of its first operand), its result of type `to`."""
        primitive = PRIMITIVES[name]
        if primitive.compute is None:
            result = evaluate(definition(name), *numbers)
            return float(np.float32(result)) if to == "f32" else result
        if name in ("floor_div", "mod") and numbers[1] == 0:
            raise NestStopped(ZERO_DIVISION, node)
        if to in RANGES and of in FLOATS and name in CHECKED and not abs(numbers[0]) < 2.0**63:
            raise NestStopped(OVERFLOW, node)
        result = primitive.compute(*numbers)
        if to in RANGES and result not in RANGES[to]:
            raise NestStopped(OVERFLOW, node)
        return float(np.float32(result)) if to == "f32" else result


def _matrix(array: Memory, shape: tuple[int, int], offset: int, row: int, column: int) -> Memory:
    """A matrix whose first element has this number in a buffer, by the distances of neighbours."""
    (m, n), strides = shape, (row * array.itemsize, column * array.itemsize)
    if m and n:
        assert 0 <= offset + (m - 1) * row + (n - 1) * column < array.size
        return np.lib.stride_tricks.as_strided(array.reshape(-1)[offset:], shape, strides)
    return np.empty(shape, array.dtype)


def _neutral(join: str, x: Value) -> Any:
    """The neutral element of a reduction in its type."""
    if x.type in RANGES and join in ("max", "min"):
        return RANGES[x.type][0 if join == "max" else -1]
    neutral = NEUTRAL[join]
    return int(neutral) if x.type in RANGES else neutral
