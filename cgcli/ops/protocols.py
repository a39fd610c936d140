"""Types of what kernels and rules are handed, for type checkers alone: arrays, attributes, the builder."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence
from typing import Any, Literal, Protocol, Self, TypeVar, overload

from cgcli.graph.graph import Graph
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.types import Type

Constant = float | tuple["Constant", ...]
"""The value of a constant: a number, or nested tuples of numbers for a tensor."""


# ---- attributes

S = TypeVar("S", covariant=True)
SIZES = Literal["shape", "sizes", "starts"]
INTS = Literal["axes", "strides", "dilations", "steps", "vary", "saved"]
INT = Literal["axis", "k", "m", "by_base", "by_exponent", "carries", "invariants"]


class Attributes(Protocol[S]):
    """The attributes of a node, as any mapping by their names. `S` is the type of a size."""

    @overload
    def __getitem__(self, key: SIZES, /) -> tuple[S, ...]: ...
    @overload
    def __getitem__(self, key: Literal["size"], /) -> S: ...
    @overload
    def __getitem__(self, key: INTS, /) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, key: INT, /) -> int: ...
    @overload
    def __getitem__(self, key: Literal["exponent", "zero"], /) -> float: ...
    @overload
    def __getitem__(self, key: Literal["keepdims", "reverse"], /) -> bool: ...
    @overload
    def __getitem__(self, key: Literal["pattern", "dtype", "part", "name", "message"], /) -> str: ...
    @overload
    def __getitem__(self, key: Literal["then", "else", "body", "pred"], /) -> Graph: ...
    @overload
    def __getitem__(self, key: Literal["value"], /) -> Constant: ...
    @overload
    def __getitem__(self, key: Literal["of"], /) -> Shape: ...
    @overload
    def __getitem__(self, key: str, /) -> object: ...
    def get(self, key: str, /) -> Any: ...
    def keys(self) -> KeysView[str]: ...
    def items(self) -> ItemsView[str, object]: ...
    def __contains__(self, key: object, /) -> bool: ...


Attrs = Attributes[Size]
BoundAttrs = Attributes[int]
"""Attributes whose sizes are bound to numbers, as kernels have them."""


# ---- values


class DType(Protocol):
    """The dtype of an array; its kind is `f` for floats, `i` for ints, `b` for bools."""

    kind: str
    itemsize: int


class Array(Protocol):  # noqa: PLW1641 - its equality is elementwise
    """An array, or a number where an op is elementwise: a number has the operators alone."""

    shape: tuple[int, ...]
    ndim: int
    size: int
    dtype: DType
    flat: Sequence[Array]

    def astype(self, dtype: object, /, order: str = "K") -> Array: ...
    def reshape(self, *shape: int) -> Array: ...
    def any(self) -> bool: ...
    def all(self) -> bool: ...
    def nonzero(self) -> Sequence[Array]: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Array]: ...
    def __getitem__(self, index: object, /) -> Array: ...
    def __setitem__(self, index: object, value: Operand, /) -> None: ...
    def __int__(self) -> int: ...
    def __abs__(self) -> Array: ...
    def __neg__(self) -> Array: ...
    def __invert__(self) -> Array: ...
    def __add__(self, other: Operand, /) -> Array: ...
    def __radd__(self, other: float, /) -> Array: ...
    def __sub__(self, other: Operand, /) -> Array: ...
    def __rsub__(self, other: float, /) -> Array: ...
    def __mul__(self, other: Operand, /) -> Array: ...
    def __rmul__(self, other: float, /) -> Array: ...
    def __truediv__(self, other: Operand, /) -> Array: ...
    def __rtruediv__(self, other: float, /) -> Array: ...
    def __pow__(self, other: Operand, /) -> Array: ...
    def __and__(self, other: Array, /) -> Array: ...
    def __or__(self, other: Array, /) -> Array: ...
    def __eq__(self, other: object, /) -> Array: ...  # type: ignore[override]
    def __lt__(self, other: Operand, /) -> Array: ...
    def __le__(self, other: Operand, /) -> Array: ...
    def __gt__(self, other: Operand, /) -> Array: ...
    def __ge__(self, other: Operand, /) -> Array: ...


Operand = Array | float
Item = Operand | list["Item"]
"""A value on a stack."""


class Elementwise(Protocol):
    def __call__(self, *xs: Operand) -> Array: ...


class Reduction(Protocol):
    def __call__(self, x: Array, /, *, axis: Sequence[int] | int, keepdims: bool = False) -> Array: ...


class ArrayNamespace(Protocol):
    """The functions that kernels are made of, over plain numbers (`floats`) and over arrays (`arrays.Namespace`).

    The elementwise ones have the names of the language; the others are for kernels of arrays alone.
    """

    nan: float
    sum: Reduction
    max: Reduction
    all: Reduction
    cumulative_prod: Reduction
    flip: Reduction

    def __getattr__(self, name: str, /) -> Elementwise: ...
    def zeros(self, shape: Sequence[int], dtype: object = None) -> Array: ...
    def ones(self, shape: Sequence[int], dtype: object = None) -> Array: ...
    def full(self, shape: Sequence[int], value: float, dtype: object = None) -> Array: ...
    def eye(self, n: int, dtype: object = None) -> Array: ...
    def arange(self, n: int, /) -> Array: ...
    def reshape(self, x: Array, shape: Sequence[int], /) -> Array: ...
    def broadcast_to(self, x: Array, shape: Sequence[int], /) -> Array: ...
    def permute_dims(self, x: Array, axes: Sequence[int], /) -> Array: ...
    def squeeze(self, x: Array, axis: Sequence[int]) -> Array: ...
    def concat(self, xs: Sequence[Array], axis: int) -> Array: ...
    def stack(self, xs: Sequence[Array]) -> Array: ...
    def add_at(self, out: Array, indices: object, values: Array) -> None: ...
    def svd(self, a: Array) -> tuple[Array, Array, Array]: ...


class ArrayModule(ArrayNamespace, Protocol):
    """An array library as a module, with what only NumPy has."""

    linalg: Any
    add: Any
    einsum: Callable[..., Array]
    lib: Any


# ---- the builder


class Operation(Protocol):
    """A method of the builder: the node of an op over these operands."""

    def __call__(self, *operands: float, **attrs: object) -> int: ...


class OpBuilder(Protocol):
    """The builder as rules see it: a method for each op (`builder.Builder`)."""

    def __getattr__(self, op: str, /) -> Operation: ...
    def apply(self, op: str, *operands: float, **attrs: object) -> int: ...
    def const(self, value: float, type_: Type | None = None) -> int: ...
    def type1(self, i: int) -> Type: ...


# ---- loop forms


class LoopIndex(Protocol):
    """The index of an axis in loops: a sum of loop variables, computed ints and a number."""

    def plus(self, other: Self, /) -> Self: ...
    def times(self, factor: int, /) -> Self: ...


class Elements(Protocol):
    """One node in loops, as its element form sees it. Numbers have the operators of Python and the functions of `xp`.

    attrs: those of the node, types: those of its operands, type: that of its result.
    """

    attrs: Attrs
    types: Sequence[Type]
    type: Type
    xp: ArrayNamespace

    def operand(self, k: int, index: Sequence[LoopIndex], /) -> Array:
        """The element of operand `k` at an index of its rank."""

    def broadcast(self, k: int, index: Sequence[LoopIndex], /) -> Array:
        """The element of operand `k` that an index of the result's rank reads after broadcasting."""

    def index(self, size: Size, /) -> LoopIndex:
        """A size as an index."""

    def index_of(self, number: Array, /) -> LoopIndex:
        """A computed int as an index; it is in range."""

    def number(self, index: LoopIndex, /) -> Array:
        """An index as an int."""

    def const(self, value: float, /) -> Array:
        """A constant of the result's type."""

    def reshaped(self, index: Sequence[LoopIndex], shape: Shape, to: Shape, /) -> Sequence[LoopIndex]:
        """The index into `to` of the element that an index into `shape` names, when both hold the same elements."""

    def inside(self, index: LoopIndex, size: Size, step: int, /) -> tuple[Array | bool, LoopIndex]:
        """Whether `index` is `step` times an index of an axis of `size`, and that one, or any where it is not."""

    def checked_index(self, number: Array, size: Size, /) -> Array:
        """An index counted from the front, of one that may be negative. Out of range it stops the run."""

    def switch(self, selector: Array, cases: Sequence[Callable[[], Array]], /) -> Array:
        """The value of the case of this number, a bool being 0 or 1; the others are not computed."""

    def require_same(self, sizes: Sequence[Size], others: Sequence[Size], /) -> None:
        """Stops the run where two lists of as many sizes differ."""

    def require_elements(self, axes: Sequence[int], /) -> None:
        """Stops the run where one of these axes of the first operand has no elements."""

    def reduce(
        self, index: Sequence[LoopIndex], combine: str, start: float, element: ElementOf | None = None, /
    ) -> Array:
        """The elements of the first operand along the reduced axes, or what `element` makes of each, joined by a
        primitive from `start` on; once for each primitive."""

    def steps(self, size: Size, initial: Sequence[Array], step: Step, /) -> Sequence[Array]:
        """The values that go from step to step of a loop over an axis of `size`, in order."""


ElementOf = Callable[[Array], Array]
Step = Callable[[LoopIndex, Sequence[Array]], Sequence[Array]]
Visit = Callable[[Sequence[LoopIndex]], None]
LoopKind = Literal["opened", "serial", "vector"]


class ElementWriter(Elements, Protocol):
    """One node in loops, as its statement form sees it."""

    row: Sequence[LoopIndex]
    """The index of the row to write (`ops.op.Statements`)."""

    def each(self, shape: Shape, visit: Visit, kind: LoopKind = "opened", independent: int = 0) -> None:
        """Calls `visit` with the indices of a shape, in order.

        kind: `opened`, loops over few elements written out; `serial`, none; `vector`, none, where no two indices touch
        the same element of the result. independent: along how many of the last axes no two steps do.
        """

    def write(self, index: Sequence[LoopIndex], value: Array, /) -> None:
        """Writes an element of the result."""

    def add(self, index: Sequence[LoopIndex], value: Array, /) -> None:
        """Adds to an element of the result that is written before."""
