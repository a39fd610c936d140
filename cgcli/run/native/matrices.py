"""The functions behind `numpy.linalg` in machine code: inner loops of universal functions, by their addresses.

Such a loop reads and writes many matrices that lie anywhere in memory, and needs neither Python nor arrays. So a call
from machine code gives the digits of `numpy.linalg`, whatever LAPACK it was built with. As there, single precision is
computed in double precision.
"""

from __future__ import annotations

import ctypes
import importlib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from cgcli.loop_nests.form import FLOATS, Call, Extent, LoopNest, Region
from cgcli.ops.op import Routine
from cgcli.ops.table import OPS


class Layout(NamedTuple):
    """How a call's matrices lie, in the order of the function's operands and results.

    front: the sizes whose product is the number of matrices. sizes: of the axes of matrices, one a letter. steps: for
    each operand and result the distance from matrix to matrix, then for each of their axes that of neighbours, as
    factors, in elements. ignored: the number of results, of one number each, in front of the op's. may_fail: whether
    the op may stop the run.
    """

    front: Sequence[Extent]
    sizes: Sequence[Extent]
    steps: Sequence[Sequence[Extent]]
    ignored: int
    may_fail: bool


def shape_of(nest: LoopNest, region: Region) -> tuple[Extent, ...]:
    return tuple(nest.buffers[region.buffer].shape[len(region.access) :])


def layout(nest: LoopNest, call: Call) -> Layout | None:
    """None for a call that no function on matrices computes as it is: operands of another type, sizes that may differ,
    axes in front that stretch one by one.
    """
    op = OPS[call.routine.removeprefix("op:")]
    regions = (*call.operands, *call.results)
    types = {nest.buffers[region.buffer].type for region in regions}
    if not isinstance(op.loops, Routine) or not op.loops.matrices or len(types) > 1 or not types <= set(FLOATS):
        return None
    operands, results = (re.findall(r"\(([^)]*)\)", part) for part in op.loops.signature.split("->"))
    axes = [part.split(",") if part else [] for part in (*operands, results[-1])]
    shapes = [shape_of(nest, region) for region in regions]
    front = shapes[-1][: len(shapes[-1]) - len(axes[-1])]
    sizes: dict[str, Extent] = {}
    from_matrix: list[Sequence[Extent]] = []
    from_neighbour: list[Sequence[Extent]] = []
    for letters, shape in zip(axes, shapes, strict=True):
        own, matrix = shape[: len(shape) - len(letters)], shape[len(shape) - len(letters) :]
        own = (1,) * (len(front) - len(own)) + own
        if own != front and any(n != 1 for n in own):
            return None
        if any(sizes.setdefault(letter, n) != n for letter, n in zip(letters, matrix, strict=True)):
            return None
        from_matrix.append(matrix if own == front else (0,))
        from_neighbour += [matrix[k + 1 :] for k in range(len(matrix))]
    ignored = len(results) - 1
    from_matrix[-1:-1] = [(0,)] * ignored
    return Layout(front, tuple(sizes.values()), [*from_matrix, *from_neighbour], ignored, op.effects.may_fail)


def address(nest: LoopNest, call: Call) -> int:
    """The address of the function that computes a call, 0 where there is none."""
    form = OPS[call.routine.removeprefix("op:")].loops
    if layout(nest, call) is None or not isinstance(form, Routine):
        return 0
    return _address(form.matrices, form.signature)


@cache
def _address(name: str, signature: str) -> int:
    """The inner loop of a universal function in double precision, 0 where this NumPy has none like it."""
    function: Any = getattr(importlib.import_module("numpy.linalg._umath_linalg"), name, None)
    if str(getattr(function, "signature", "")).replace(" ", "") != signature:
        return 0
    # the members of `PyUFuncObject` behind those of every object: ints, of which nin and nout are first, then pointers
    # to the inner loops and to what each is handed besides
    members = id(function) + object.__basicsize__
    if list(_INTS.from_address(members)[:2]) != [function.nin, function.nout]:
        return 0
    loops, data = _TABLES.from_address(members + ctypes.sizeof(_INTS))
    types = "->".join("d" * n for n in (function.nin, function.nout))
    if types not in function.types or data[function.types.index(types)]:
        return 0
    return int(loops[function.types.index(types)] or 0)


_INTS = ctypes.c_int * 4
_TABLES = ctypes.POINTER(ctypes.c_void_p) * 2
