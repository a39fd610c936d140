"""Blocking: elementwise nodes over large arrays, computed some rows at a time, so that intermediates stay in cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .scope import CodeScope


def compile_block(scope: CodeScope, members: Sequence[int], rows: int) -> Callable[[list[object]], None] | None:
    """`run(v)` for all members; None where arrays are not row-major, so that blocks would not compute the same bits.

    Operands from outside that have as many rows are sliced as the members are, the others (of a lower rank, or with one
    row) are broadcast. A member that is read in the group only gets memory for one block.
    """
    graph, records = scope.graph, scope.records
    shape = records[members[0]].shape
    inside = set(members)
    if any(records[i].calls is None or not _is_row_major(scope, i, shape) for i in members):
        return None
    outside = [x for x in dict.fromkeys(x for i in members for x in graph.operands(i)) if x not in inside]
    if not all(_can_enter_block(scope, x, shape) for x in outside):
        return None
    prologue: list[str] = []
    slices: list[str] = []
    body: list[str] = []
    expressions: dict[int, str] = {}
    for x in outside:
        expressions[x] = f"x{x}"
        prologue.append(f"x{x} = {scope.value(x)}")
        if x in records and _has_rows(records[x].shape, shape):
            expressions[x] = f"y{x}"
            slices.append(f"y{x} = x{x}[lo:hi]")
    last_slices: list[str] = []
    epilogue: list[str] = []
    for i in members:
        operands = [expressions[x] for x in graph.operands(i)]
        expressions[i] = f"y{i}"
        if i in scope.plan.views:
            body += scope.value_lines(i, operands, f"y{i}")
            if i in scope.read_outside:
                epilogue.append(f"v[{i}] = v[{graph.a[i]}]")
            continue
        if i in scope.read_outside:
            array = scope.array(i, shape)
            overwritten = scope.overwritten_operand(i)
            if array is not None:
                target = scope.bind_array(i, array)
            elif overwritten is not None and overwritten not in inside:
                target = f"x{overwritten}"
            else:
                target = f"empty({shape}, {scope.bind(scope.dtype(i))})"
            prologue.append(f"x{i} = v[{i}] = {target}")
            slices.append(f"y{i} = x{i}[lo:hi]")
        else:
            array = scope.array(i, (rows, *shape[1:]))
            if array is None:
                body += scope.value_lines(i, operands, f"y{i}")
                continue
            block = scope.bind(array)
            prologue.append(f"y{i} = {block}")
            last_slices.append(f"y{i} = {block}[:hi - lo]")
        body += scope.write_lines(i, operands, f"y{i}")
    lines = [*prologue, f"for lo in range(0, {shape[0]}, {rows}):", f" hi = min(lo + {rows}, {shape[0]})"]
    if last_slices:
        lines.append(f" if hi - lo < {rows}: {'; '.join(last_slices)}")
    lines += [f" {line}" for line in (*slices, *body)]
    return scope.function("v", [*lines, *epilogue], file="<planned group>")


def _is_row_major(scope: CodeScope, i: int, shape: tuple[int, ...]) -> bool:
    record = scope.records.get(i)
    if record is None or record.shape != shape or record.strides is None:
        return False
    step = scope.dtype(i).itemsize
    for n, stride in zip(reversed(shape), reversed(record.strides), strict=True):
        if n != 1 and stride != step:
            return False
        step *= n
    return math.prod(shape) > 0


def _can_enter_block(scope: CodeScope, x: int, shape: tuple[int, ...]) -> bool:
    """Whether an operand from outside can be sliced by rows, or broadcast."""
    record = scope.records.get(x)
    if record is None or record.strides is None:
        return x in scope.invariants  # a number
    return len(record.shape) < len(shape) or record.shape[0] == 1 or _has_rows(record.shape, shape)


def _has_rows(shape: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Whether an operand has a row for each row of the members, so that it is sliced as they are."""
    return len(shape) == len(of) and shape[0] == of[0]
