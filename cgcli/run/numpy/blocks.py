"""A group of elementwise nodes over large arrays, some rows at a time: what lies between them stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .calls import into, plain
from .scope import Scope


def blocked(w: Scope, members: Sequence[int], rows: int) -> Callable[[list[Any]], None] | None:
    """`run(v)` for all members; None where arrays do not lie row after row, so that blocks would not compute the same.

    Operands from outside that have as many rows are cut as the members are, the others (of a lower rank, or with one
    row) are passed whole. A member that is read in the group only gets memory for one block.
    """
    graph, notes = w.graph, w.notes
    shape = notes[members[0]].shape
    inside = set(members)
    if any(notes[i].trace is None or not _in_rows(w, i, shape) for i in members):
        return None
    outside = [x for x in dict.fromkeys(x for i in members for x in graph.operands(i)) if x not in inside]
    if not all(_usable(w, x, shape) for x in outside):
        return None
    head: list[str] = []
    cut: list[str] = []
    body: list[str] = []
    names: dict[int, str] = {}
    for x in outside:
        names[x] = f"x{x}"
        head.append(f"x{x} = {w.value(x)}")
        if x in notes and _has_rows(notes[x].shape, shape):
            names[x] = f"y{x}"
            cut.append(f"y{x} = x{x}[lo:hi]")
    short: list[str] = []
    tail: list[str] = []
    for i in members:
        note = notes[i]
        assert note.trace is not None
        operands = [names[x] for x in graph.operands(i)]
        names[i] = f"y{i}"
        if i in w.plan.views:
            body += _assigned(w, i, operands)
            if i in w.read_outside:
                tail.append(f"v[{i}] = v[{graph.a[i]}]")
            continue
        over: list[int] = []
        if i in w.read_outside:
            made = w.array(i, shape)
            lost = w.written_over(i)
            if made is not None:
                kept = w.keep(i, made)
            elif lost is not None and lost not in inside:
                kept = f"x{lost}"
            else:
                kept = f"empty({shape}, {w.bind(w.dtype(i))})"
            head.append(f"x{i} = v[{i}] = {kept}")
            cut.append(f"y{i} = x{i}[lo:hi]")
        else:
            made = w.array(i, (rows, *shape[1:]))
            if made is None:
                body += _assigned(w, i, operands)
                continue
            block = w.bind(made)
            head.append(f"y{i} = {block}")
            short.append(f"y{i} = {block}[:hi - lo]")
        taken = w.plan.in_place.get(i)
        over = [k for k, x in enumerate(graph.operands(i)) if x == taken]
        body += into(w.bind, note.trace, operands, f"y{i}", note.fits, f"t{i}_", over)
    lines = [f" {line}" for line in head]
    lines += [f" for lo in range(0, {shape[0]}, {rows}):", f"  hi = min(lo + {rows}, {shape[0]})"]
    if short:
        lines += [f"  if hi - lo < {rows}: {'; '.join(short)}"]
    lines += [f"  {line}" for line in (*cut, *body)]
    lines += [f" {line}" for line in tail]
    exec(compile("\n".join(["def run(v):", *lines]), "<planned group>", "exec"), w.objects)
    run: Callable[[list[Any]], None] = w.objects.pop("run")
    return run


def _assigned(w: Scope, i: int, operands: Sequence[str]) -> list[str]:
    trace = w.notes[i].trace
    assert trace is not None
    *lines, text = plain(w.bind, trace, operands, f"t{i}_")
    fitted = text if w.notes[i].fits else f"{text}.astype({w.bind(w.dtype(i))}, copy=False)"
    return [*lines, f"y{i} = {fitted}"]


def _in_rows(w: Scope, i: int, shape: tuple[int, ...]) -> bool:
    note = w.notes.get(i)
    if note is None or note.shape != shape or note.strides is None:
        return False
    step = w.dtype(i).itemsize
    for n, stride in zip(reversed(shape), reversed(note.strides), strict=True):
        if n != 1 and stride != step:
            return False
        step *= n
    return math.prod(shape) > 0


def _usable(w: Scope, x: int, shape: tuple[int, ...]) -> bool:
    """Whether an operand from outside can be cut into rows, or passed whole."""
    note = w.notes.get(x)
    if note is None or note.strides is None:
        return x in w.fixed  # a number
    return len(note.shape) < len(shape) or note.shape[0] == 1 or _has_rows(note.shape, shape)


def _has_rows(shape: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Whether an operand has a row for each row of the members, so that it is cut as they are."""
    return len(shape) == len(of) and shape[0] == of[0]
