"""The record of a built-in function on tensors, and helpers of their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cgcli.graph.sizes import Shape, Size, add
from cgcli.language.call_site import CallSite
from cgcli.language.origins import counted
from cgcli.language.regions import Value

Build = Callable[[CallSite], Any]


class Builtin(NamedTuple):
    """A built-in function. positional, keyword: its parameters; those that end in `?` may be left out.

    lists: parameters whose bracket is a list of values. grouped: whether its nodes form a group.
    """

    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    build: Build
    lists: frozenset[str]
    grouped: bool


LIBRARY: dict[str, Builtin] = {}


def define(name: str, positional: str, build: Build, keyword: str = "", lists: str = "", grouped: bool = True) -> None:
    """Enters a function into the library; parameters are divided by spaces."""
    LIBRARY[name] = Builtin(tuple(positional.split()), tuple(keyword.split()), build, frozenset(lists.split()), grouped)


def one_axis(s: CallSite, x: Value) -> int:
    """The argument `axis`, which is optional for a vector only."""
    if "axis" not in s.arguments and x.type.rank > 1:
        s.fail("axis-needed", axes=counted(x.type.rank, "axis", "axes"))
    at_least(s, x, 1)
    return s.axis("axis", x.type.rank, -1)


AXES = {1: "a tensor, not a single number", 2: "a matrix"}  # descriptions of tensors with at least so many axes


def at_least(s: CallSite, x: Value, rank: int, name: str = "x") -> None:
    """Raises unless an argument has at least `rank` axes."""
    if x.type.rank < rank:
        description = AXES.get(rank, f"a tensor with at least {rank} axes")
        s.fail("needs-axes", name if s.has(name) else None, expected=description, type=x.type)


def on_diagonal(s: CallSite, rows: Size, columns: Size, comparison: str = "eq") -> Value:
    """The mask of a matrix's diagonal; `ge`: of that and the elements below."""
    row_numbers = s.op("expand_dims", s.op("arange", size=rows), axes=(-1,))
    return s.op(comparison, row_numbers, s.op("arange", size=columns))


def padded(s: CallSite, x: Value, widths: list[Shape]) -> Value:
    """Pads the last axes with zeros before and behind."""
    if all(pair == (0, 0) for pair in widths):
        return x
    sizes = x.type.shape[x.type.rank - len(widths) :]
    return s.op(
        "pad",
        x,
        starts=tuple(before for before, _ in widths),
        steps=(1,) * len(widths),
        sizes=tuple(add(add(before, n), behind) for (before, behind), n in zip(widths, sizes, strict=True)),
    )
