"""What a built-in function on tensors is, and what their definitions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cgcli.graph.sizes import Shape, Size, add
from cgcli.language.call_site import Site
from cgcli.language.origins import counted
from cgcli.language.regions import Value

Build = Callable[[Site], Any]


class Builtin(NamedTuple):
    """A built-in function. positional, keyword: its parameters; those that end in `?` may be left out.

    lists: parameters whose bracket is a list of values. whole: whether its nodes make a group.
    """

    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    build: Build
    lists: frozenset[str]
    whole: bool


LIBRARY: dict[str, Builtin] = {}


def define(name: str, positional: str, build: Build, keyword: str = "", lists: str = "", whole: bool = True) -> None:
    """Enters a function into the library; parameters are divided by spaces."""
    LIBRARY[name] = Builtin(tuple(positional.split()), tuple(keyword.split()), build, frozenset(lists.split()), whole)


def one_axis(s: Site, x: Value) -> int:
    """The argument `axis`, which only a vector can do without."""
    if "axis" not in s.arguments and x.type.rank > 1:
        s.fail("axis-needed", axes=counted(x.type.rank, "axis", "axes"))
    at_least(s, x, 1)
    return s.axis("axis", x.type.rank, -1)


AXES = {1: "a tensor, not a single number", 2: "a matrix"}  # what has so many axes, or more


def at_least(s: Site, x: Value, rank: int, name: str = "x") -> None:
    """Raises unless an argument has so many axes."""
    if x.type.rank < rank:
        wanted = AXES.get(rank, f"a tensor with at least {rank} axes")
        s.fail("needs-axes", name if s.given(name) else None, wanted=wanted, type=x.type)


def on_diagonal(s: Site, rows: Size, columns: Size, how: str = "eq") -> Value:
    """Where a matrix has its diagonal; `ge`: that and what is below it."""
    down = s.op("expand_dims", s.op("arange", size=rows), axes=(-1,))
    return s.op(how, down, s.op("arange", size=columns))


def padded(s: Site, x: Value, widths: list[Shape]) -> Value:
    """Zeros before and behind the last axes."""
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
