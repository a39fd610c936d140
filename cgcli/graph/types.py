"""Types of values: a dtype and a shape; a run-time list of values; several results of one node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .sizes import Shape, Size

FLOATS = ("float", "f32")
INTS = ("int", "i32")
DTYPE_BYTES = {"float": 8, "f32": 4, "int": 8, "i32": 4, "bool": 1}
MAX_AXES = 32  # of a tensor: the limit of NumPy 1


class Type(NamedTuple):
    """`dtype[shape]`; a dimension is a number or a polynomial in named sizes (`sizes`).

    A weak type is that of a literal: it adopts the type of the other operands (`2 * x` keeps x's type).
    """

    dtype: str
    shape: Shape = ()
    weak: bool = False

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    @property
    def is_int(self) -> bool:
        return self.dtype in INTS

    @property
    def has_derivative(self) -> bool:
        """Floats have, and literals, which count as floats where a derivative is asked."""
        return self.is_float or (self.weak and self.is_int)

    @property
    def in_words(self) -> str:
        """The type as messages name it; that of a literal has no name that the user wrote."""
        if not self.weak or self.shape:
            return str(self).removeprefix("~")
        return "a whole number" if self.is_int else "a decimal number"

    def __str__(self) -> str:
        shape = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        return f"{'~' if self.weak else ''}{self.dtype}{shape}"


@dataclass(frozen=True)
class Stack:
    """`stack[item]`: as many values of one type as a loop runs steps. No axis: a batch axis lies within its items."""

    item: Type | Stack

    @property
    def has_derivative(self) -> bool:
        return self.item.has_derivative

    @property
    def in_words(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"stack[{self.item}]"


class Results(NamedTuple):
    """The types of a node with several results, of which `get` projects one."""

    items: tuple[Type | Stack, ...]

    @property
    def in_words(self) -> list[str]:
        return [item.in_words for item in self.items]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


AnyType = Type | Results | Stack

FLOAT = Type("float")
INT = Type("int")
BOOL = Type("bool")
WEAK_FLOAT = Type("float", weak=True)
WEAK_INT = Type("int", weak=True)
ANY = Type("any")  # of an input bound to structured data; no node computes with it


def parse_type(text: str) -> AnyType:
    """The type that prints as `text`; ValueError when there is none."""
    if text.startswith("("):
        if not text.endswith(")"):
            raise ValueError(f"not a type: {text}")
        return Results(tuple(_parse_one(part) for part in _split(text[1:-1])))
    return _parse_one(text)


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()] if text.strip() else []


def _parse_one(text: str) -> Type | Stack:
    if text.startswith("stack["):
        if not text.endswith("]"):
            raise ValueError(f"not a type: {text}")
        return Stack(_parse_one(text[6:-1]))
    weak = text.startswith("~")
    dtype, bracket, rest = text.removeprefix("~").partition("[")
    if dtype not in (*FLOATS, *INTS, "bool") or (bracket and not rest.endswith("]")):
        raise ValueError(f"not a type: {text}")
    return Type(dtype, tuple(_size(d) for d in _split(rest[:-1])) if bracket else (), weak)


def _size(text: str) -> Size:
    return int(text) if text.isdigit() else text
