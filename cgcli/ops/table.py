"""All operations by name and by number. Those on tensors are imported at the first lookup of one of them, so that a
program on numbers starts quickly."""

from __future__ import annotations

from typing import TypeVar

from cgcli.graph.graph import opcode

from . import arithmetic, compare, elementwise, kinks, loops, slopes, structure
from .op import REGISTERED, Op

__all__ = ["BY_CODE", "OPS", "declare_all"]
NUMBERS = (arithmetic, compare, elementwise, kinks, loops, slopes, structure)
Key = TypeVar("Key", str, int)


class _Table(dict[Key, Op]):
    def __missing__(self, key: Key) -> Op:
        declare_all()
        if key not in self:
            raise KeyError(key)
        return self[key]


OPS: dict[str, Op] = _Table[str]()
BY_CODE: dict[int, Op] = _Table[int]()


def declare_all() -> None:
    """Fills both tables with the operations on tensors, too."""
    from . import draws, gather, linalg, reduce, shape, stacks, update, windows  # noqa: F401 - importing a family declares it

    _enter()


def _enter() -> None:
    OPS.update(REGISTERED)
    BY_CODE.update((opcode(name), op) for name, op in REGISTERED.items())


_enter()
