"""A plan as text: inputs, what passes changed, steps, memory, totals; and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from textwrap import wrap
from typing import Any, NamedTuple

from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import cell_width, padded
from cgcli.graph.graph import COND, GET, LOOP, Graph
from cgcli.graph.plan import Compilation, Plan
from cgcli.graph.sizes import Size
from cgcli.graph.types import AnyType
from cgcli.ops.loops import LoopView

from .compiled_names import CompiledNames
from .formula import loop_text
from .node_text import definition

MOST = 60  # steps, buffers or changes that are listed; `full` lists all
SHORT, SHORTEST = 24, 16  # columns of formulas that are cut: with costs beside them, and without


class Signs(NamedTuple):
    """The characters that a chart is drawn with."""

    occupied: str
    free: str
    rule: str
    times: str
    arrow: str
    group: tuple[str, str, str]  # the first, a middle and the last step of a group


UNICODE = Signs("█", "·", "─", "·", "→", ("┌", "│", "└"))
ASCII = Signs("#", ".", "-", "*", "->", ("/", "|", "\\"))


class Row(NamedTuple):
    """A step of a plan as a row. depth: how deep in bodies and sides; note: a line in place of a step."""

    depth: int
    note: str
    number: str = ""
    text: str = ""
    type: str = ""
    buffer: str = ""
    mark: str = " "
    operations: Size = 0
    bytes: Size = 0


def text(
    compilation: Compilation,
    inputs: Sequence[tuple[str, str, str]],
    title: str,
    width: int,
    *,
    ascii_only: bool,
    full: bool,
) -> Iterator[str]:
    """The lines of a plan. inputs: name, kind and type of each.

    width: of a line; operations are shortened to fit, numbers never.
    """
    signs = ASCII if ascii_only else UNICODE
    plan = compilation.plan
    of, wrt = compilation.of, compilation.wrt
    subject = "its outputs" if of is None else f"{of} and its derivatives by {_and(wrt)}"
    yield show(f"The plan of {title}: {subject}")
    yield ""
    about = "A value for each of these at every run; the graph stays the same."
    yield from _heading("1 What goes in", about, signs, width)
    yield from _columns(("name", "kind", "type"), [tuple(map(show, row)) for row in inputs], "lll", width)
    yield from _passes(compilation, signs, full, width)
    yield from _heading(
        "3 The steps",
        "In this order, each when its operands are there. A letter is the memory that a step writes; (over) writes "
        "over an operand that nobody needs any more; a bracket joins steps that go through large arrays together.",
        signs,
        width,
    )
    step_rows = list(rows(plan, plan_names(compilation), signs))
    yield from _step_lines(step_rows, width, signs, full)
    yield ""
    yield from _heading(
        "4 The memory",
        "Each letter is a piece of memory, held from the step that first writes it to the last one that reads it. "
        "Values that are never needed at the same time share a letter.",
        signs,
        width,
    )
    yield from _chart(plan, width, signs, full)
    yield ""
    yield from _heading("5 In all", "", signs)
    yield from _totals(compilation, signs)
    yield ""
    yield from _heading("6 What runs it", "`--backend` forces one of them.", signs, width)
    yield from _columns(("work", "backend", "because"), compilation.executors, "lll", width)


def plan_names(compilation: Compilation) -> CompiledNames:
    """The names of what the steps of a plan compute."""
    return CompiledNames(compilation.source, compilation.plan.graph)


def rows(plan: Plan, names: CompiledNames, signs: Signs = UNICODE, depth: int = 0) -> Iterator[Row]:
    """The steps as rows, those of bodies and sides behind the node that holds them; recursion as deep as these nest."""
    group_and_index = {i: (g, k) for g in plan.groups for k, i in enumerate(g)}
    for number, i in enumerate(plan.order, 1):
        group, k = group_and_index.get(i, ((), 0))
        mark = " "
        if len(group) > 1:
            mark = signs.group[0 if k == 0 else 2 if k == len(group) - 1 else 1]
        buffer_number = plan.buffer_of.get(i)
        buffer = "" if buffer_number is None else letters(buffer_number)
        if i in plan.in_place:
            buffer += " (over)"
        cost = plan.costs[i]
        type_ = type_text(plan.graph.type_of(i))
        yield Row(
            depth, "", str(number), step_text(plan.graph, i, names), type_, buffer, mark, cost.operations, cost.bytes
        )
        nested_plans = {key: nested for (node, key), nested in plan.nested.items() if node == i}
        notes = {"body": "each step:", "pred": "as long as:", "then": "if so:", "else": "else:"}
        for key in ("pred", "body", "then", "else"):
            if key in nested_plans:
                yield Row(depth + 1, notes[key])
                yield from rows(nested_plans[key], names, signs, depth + 2)
                yield Row(depth + 2, f"gives {_and(_output_names(nested_plans[key], names))}")


def step_text(graph: Graph, i: int, names: CompiledNames) -> str:
    """A node in a line; of a loop what it starts from and reads, of one of its results which one that is."""

    def name(x: int) -> str:
        return names.of(graph, x)

    code, operands = graph.op[i], graph.operands(i)
    if code == GET:
        return f"{name(i)} = {name(operands[0])}[{graph.attrs[i]['k']}]"
    if code not in (COND, LOOP):
        return definition(graph, i, name)
    texts = [name(x) for x in operands]
    head = f"if {texts[0]}" if code == COND else loop_text(graph, i, texts)
    first = 1 if code == COND or LoopView(graph.attrs[i], texts).count is not None else 0
    return f"{name(i)} = {head} with {_and(texts[first:])}"


def _output_names(plan: Plan, names: CompiledNames) -> list[str]:
    return [names.of(plan.graph, i) for i in plan.graph.outputs]


def letters(number: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    text = ""
    number += 1
    while number:
        number, k = divmod(number - 1, 26)
        text = ascii_uppercase[k] + text
    return text


def type_text(t: AnyType) -> str:
    return str(t).replace("~", "")


def size_text(size: Size, signs: Signs = UNICODE) -> str:
    """A size in names, `8·n·k + 16`, or a number."""
    return f"{size:,}".replace(",", "_") if isinstance(size, int) else size.replace("*", signs.times)


def bytes_text(size: Size, signs: Signs = UNICODE) -> str:
    """Bytes in the unit that suits them; an expression over names as it is."""
    if not isinstance(size, int):
        return f"{size_text(size, signs)} bytes"
    return byte_text(size, largest="PiB")


# ---- sections


def _heading(title: str, about: str, signs: Signs, width: int = 100) -> Iterator[str]:
    yield title
    yield signs.rule * len(title)
    if about:
        yield from wrap(about, min(width, 100), break_long_words=False, break_on_hyphens=False)
        yield ""


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], align: str, width: int) -> Iterator[str]:
    """Cells below each other; `l` and `r` say to which side."""
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    for row in [header, *rows]:
        cells = [c.rjust(w) if a == "r" else c.ljust(w) for c, w, a in zip(row, widths, align, strict=True)]
        yield ("  " + "   ".join(cells)).rstrip()
    yield ""


def _passes(compilation: Compilation, signs: Signs, full: bool, width: int) -> Iterator[str]:
    about = "Each pass keeps every value to the last bit"
    if not all(change.exact for change in compilation.changes):
        about += ", but those marked ~ keep what holds for real numbers"
    yield from _heading("2 What is made simpler", f"{about}; what no output needs is gone.", signs, width)
    if not compilation.changes:
        yield "  nothing: the graph is as simple as it gets"
    for change in compilation.changes:
        mark = "" if change.exact else "~ "
        yield f"  {mark}{change.name}: {change.before} {signs.arrow} {change.after} nodes. {show(change.law)}"
        sentences = change.changes if full else change.changes[:6]
        for sentence in sentences:
            yield f"    - {show(sentence)}"
        if len(sentences) < len(change.changes):
            yield f"    - and {len(change.changes) - len(sentences)} more (--full)"
    yield ""


def _step_lines(rows: Sequence[Row], width: int, signs: Signs, full: bool) -> Iterator[str]:
    listed = _listed(len(rows), full)
    listed_rows = [row for k, row in enumerate(rows) if k in listed]
    number_width = max([4, *(len(r.number) + 2 * r.depth for r in listed_rows)])
    buffer_width = max([6, *(len(r.buffer) for r in listed_rows)])
    type_width = max([4, *(len(r.type) for r in listed_rows)])
    room = width - number_width - buffer_width - type_width - 14
    heads = ["operations", "bytes"]
    numbers = [[size_text(r.operations, signs), size_text(r.bytes, signs)] for r in listed_rows if not r.note]
    widths = [max([len(head), *(len(each[k]) for each in numbers)]) for k, head in enumerate(heads)]
    longest = max([8, *(cell_width(show(r.text)) for r in listed_rows)])
    while heads and room - sum(widths) - 2 * len(heads) < min(longest, SHORT):  # 5 has the totals
        heads.pop()
        widths.pop()
    text_width = min(longest, max(room - sum(widths) - 2 * len(heads), SHORTEST))

    def costs(texts: Sequence[str]) -> str:
        return "".join(f"  {text:>{w}}" for text, w in zip(texts, widths, strict=False))

    yield (
        f"  {'step':<{number_width}}   {'computes':<{text_width}}  {'type':<{type_width}}  {'writes':<{buffer_width}}"
        f"{costs(heads)}"
    ).rstrip()
    last = -1
    for k, row in enumerate(rows):
        if k not in listed:
            continue
        if k != last + 1:
            yield (
                f"  … {k - last - 1} more steps (--full) …"
                if signs is UNICODE
                else f"  ... {k - last - 1} more (--full)"
            )
        last = k
        pad = "  " * row.depth
        if row.note:
            yield f"  {pad}{show(row.note)}"
            continue
        formula = padded(_shortened(show(row.text), text_width, signs), text_width)
        yield (
            f"  {pad + row.number:<{number_width}} {row.mark} {formula}  {row.type:<{type_width}}  "
            f"{row.buffer:<{buffer_width}}{costs([size_text(x, signs) for x in (row.operations, row.bytes)])}"
        ).rstrip()


def _listed(count: int, full: bool) -> set[int]:
    """The numbers of the rows that are listed."""
    if full or count <= MOST:
        return set(range(count))
    return {*range(MOST - 15), *range(count - 15, count)}


def _shortened(text: str, room: int, signs: Signs) -> str:
    dots = "…" if signs is UNICODE else "..."
    if cell_width(text) <= room:
        return text
    text = text[: room - len(dots)]
    while cell_width(text) > room - len(dots):
        text = text[:-1]
    return text + dots


def _chart(plan: Plan, width: int, signs: Signs, full: bool) -> Iterator[str]:
    """A row a buffer, a column a step (or several steps, where there are more than fit)."""
    count = len(plan.order)
    if not plan.buffers:
        yield "  none: all values are numbers that are there before"
        return
    sizes = [bytes_text(b.size, signs) for b in plan.buffers]
    size_width = max(len(s) for s in sizes)
    letter_width = max(len(letters(k)) for k in range(len(sizes)))
    width_left = max(20, width - size_width - letter_width - 9)
    steps_per_column = -(-count // width_left)
    columns = -(-count // steps_per_column)
    scale = f"a column is {'one step' if steps_per_column == 1 else f'{steps_per_column} steps'}, from 1 to {count}"
    yield f"  {'':<{letter_width}}  {'':<{size_width}}  {scale}"
    listed = _listed(len(plan.buffers), full)
    for k, b in enumerate(plan.buffers):
        if k not in listed:
            continue
        cells = "".join(
            signs.occupied if b.first < (c + 1) * steps_per_column and b.last >= c * steps_per_column else signs.free
            for c in range(columns)
        )
        yield f"  {letters(k):<{letter_width}}  {sizes[k]:>{size_width}}  {cells}"
    if len(listed) < len(plan.buffers):
        yield f"  and {len(plan.buffers) - len(listed)} more (--full)"


def _totals(compilation: Compilation, signs: Signs) -> Iterator[str]:
    plan, named = compilation.plan, compilation.named
    in_numbers = plan is not named

    def row(about: str, number: str, formula: Size, unit: str) -> str:
        if not in_numbers or isinstance(formula, int):
            return f"  {about:<34} {number}"
        return f"  {about:<34} {number}   = {size_text(formula, signs)}{unit}"

    step_counts = sorted({name for name in _names(named.operations) if name not in plan.graph.names.values()})
    step_counts = [name for name in step_counts if name.startswith("steps")]
    yield row("operations", size_text(plan.operations, signs), named.operations, "")
    yield row("memory read and written", bytes_text(plan.bytes, signs), named.bytes, " bytes")
    yield row("memory at one time", bytes_text(plan.peak, signs), named.peak, " bytes")
    yield row("  the same without sharing", bytes_text(plan.unshared, signs), named.unshared, " bytes")
    yield row("memory of inputs and constants", bytes_text(plan.inputs, signs), named.inputs, " bytes")
    if step_counts:
        yield f"  {_and(step_counts)}: how many steps loops run, which is known when they have run"
    if in_numbers and plan.sizes:
        sizes = ", ".join(f"{name} = {n}" for name, n in sorted(plan.sizes.items()))
        yield f"  {'sizes':<34} {show(sizes)}"


def _names(size: Size) -> set[str]:
    return set(re.findall(r"[^\W\d]\w*", size)) if isinstance(size, str) else set()


def _and(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "nothing"
    return f"{', '.join(words[:-1])} and {words[-1]}"


# ---- JSON


def data(compilation: Compilation, inputs: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """A plan as JSON data; sizes are numbers, or texts in terms of named sizes."""
    plan = compilation.plan
    return {
        "of": compilation.of,
        "wrt": list(compilation.wrt),
        "inputs": [{"name": n, "kind": k, "type": t} for n, k, t in inputs],
        "passes": [_fields(c, "name", "law", "before", "after", "exact", "changes") for c in compilation.changes],
        **_plan_data(plan, plan_names(compilation)),
        "sizes": dict(plan.sizes) if plan.sizes is not None else None,
        "executors": [_fields(e, "work", "backend", "reason") for e in compilation.executors],
    }


def _plan_data(plan: Plan, names: CompiledNames) -> dict[str, Any]:
    group = {i: k for k, nodes in enumerate(plan.groups) for i in nodes}
    rows = []
    for number, i in enumerate(plan.order, 1):
        nested = {key: _plan_data(p, names) for (node, key), p in plan.nested.items() if node == i}
        buffer_number = plan.buffer_of.get(i)
        rows.append(
            {
                "step": number,
                "node": i,
                "op": plan.graph[i].op,
                "computes": step_text(plan.graph, i, names),
                "type": type_text(plan.graph.type_of(i)),
                "buffer": None if buffer_number is None else letters(buffer_number),
                "over": plan.in_place.get(i),
                "group": group.get(i),
                "operations": plan.costs[i].operations,
                "bytes": plan.costs[i].bytes,
                **({"holds": nested} if nested else {}),
            }
        )
    buffers = [
        {
            "buffer": letters(k),
            "bytes": b.size,
            "first": b.first + 1,
            "last": min(b.last + 1, len(plan.order)),
            "nodes": list(b.nodes),
        }
        for k, b in enumerate(plan.buffers)
    ]
    totals = _fields(plan, "operations", "bytes", "peak", "unshared", "inputs")
    return {"steps": rows, "buffers": buffers, "totals": totals}


def _fields(record: object, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
