"""A loop on plain numbers compiled to one Python function: its graphs are lines, its loops Python loops.

For loops of a million steps: to interpret every node at each step takes five times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, Graph, nested
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops import floats
from cgcli.ops.emit import Source
from cgcli.ops.limits import NUMBER_BYTES, stack_value_bytes
from cgcli.ops.loops import LoopView
from cgcli.ops.number_kernels import CompiledLoop, expression

if TYPE_CHECKING:
    from cgcli.ops.protocols import Attrs

MAX_NODES = 3000  # nodes: longer functions take longer to compile than they save
MAX_DEPTH = 15  # loops within loops: Python allows 20

Names = Sequence[str]


def compile_loop(attrs: Mapping[str, Any], operands: int) -> CompiledLoop | None:
    """The function of a loop with these attributes; None where it is too long or nested too deep. It raises `Stop`."""
    if not _is_compilable(attrs):
        return None
    writer = _StructuredWriter()
    names = [f"a{k}" for k in range(operands)]
    results = writer.loop(attrs, names)
    writer.lines.append(f"return ({''.join(f'{r}, ' for r in results)})")
    return writer.function(", ".join(["meter", *names]), writer.lines)


def _is_compilable(attrs: Mapping[str, object]) -> bool:
    """Whether the nested graphs are small and shallow enough."""
    count, level = 0, list(nested(attrs).values())
    for _ in range(MAX_DEPTH):
        if not level:
            return True
        count += sum(map(len, level))
        if count > MAX_NODES:
            return False
        level = [g for outer in level for a in outer.attrs.values() for g in nested(a).values()]
    return False


class _StructuredWriter(Source):
    def __init__(self) -> None:
        super().__init__({**vars(floats), "stack_value_bytes": stack_value_bytes})
        self.lines: list[str] = []
        self.serial = 0
        self.indent = ""

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def fresh_names(self, prefix: str, count: int) -> list[str]:
        self.serial += 1
        return [f"{prefix}{self.serial}_{k}" for k in range(count)]

    def graph(self, graph: Graph, input_names: Names) -> list[str]:
        """Lines that compute a graph; the names of its outputs."""
        needed = live(graph, (*graph.outputs, *graph.asserts))
        names = dict(zip(graph.inputs, input_names, strict=True))
        results: dict[int, list[str]] = {}  # of structured nodes
        prefix = self.fresh_names("x", 1)[0]
        for i, code in enumerate(graph.op):
            if not needed[i] or code == INPUT:
                continue
            attrs = graph.attrs.get(i, {})
            if code == GET:
                names[i] = results[graph.a[i]][attrs["k"]]
                continue
            operands = [names[x] for x in graph.operands(i)]
            if code in (COND, LOOP):
                results[i] = self.loop(attrs, operands) if code == LOOP else self._cond(attrs, operands)
            elif code == CONST:
                names[i] = self.bind(attrs["value"])
            else:
                names[i] = f"{prefix}_{i}"
                types = [graph.type_of(x) for x in graph.operands(i)]
                self.line(f"{names[i]} = {expression(self, code, operands, types, graph.type_of(i), attrs)}")
        return [names[i] for i in graph.outputs]

    def _cond(self, attrs: Attrs, operands: Names) -> list[str]:
        condition, *captured = operands
        results = self.fresh_names("r", len(attrs["then"].outputs))
        outer = self.indent
        for head, side in ((f"if {condition}:", attrs["then"]), ("else:", attrs["else"])):
            self.indent = outer
            self.line(head)
            self.indent += " "
            self._assign(results, self.graph(side, captured))
            self.line("pass")
        self.indent = outer
        return results

    def _assign(self, targets: Names, values: Names) -> None:
        if targets:
            self.line(f"{', '.join(targets)} = {', '.join(values)}")

    def loop(self, attrs: Attrs, operands: Names) -> list[str]:
        """Lines that compute a loop; the names of its results."""
        loop = LoopView(attrs, operands)
        body, test, count, invariants = loop.body, loop.pred, loop.count, loop.invariants
        carries = self.fresh_names("c", loop.carry_count)
        written = self.fresh_names("w", len(loop.written))
        step, total, room, first = (self.fresh_names(p, 1)[0] for p in ("i", "n", "m", "k"))
        self._assign(carries, loop.carries)
        for name in written:
            self.line(f"{name} = []")
        outer = self.indent
        if test is not None:
            self.line(f"{step} = 0")
            self.line("while True:")
            self.indent += " "
            self.line(f"if not ({self.graph(test, [*carries, *invariants])[0]}): break")
        else:
            self.line(f"{total} = max(0, {count})")
            order = f"range({total} - 1, -1, -1)" if loop.reverse else f"range({total})"
            self.line(f"for {step} in {order}:")
            self.indent += " "
        self.line("meter.steps -= 1")
        self.line(f"if meter.steps < meter.check_below: meter.check({self.bind(body)})")
        inner = any(code == LOOP for code in body.op)
        if inner:
            self.line(f"{room} = meter.bytes_left")
        items = self.fresh_names("s", len(loop.stacks))
        for item, stack in zip(items, loop.stacks, strict=True):
            self.line(f"{item} = {stack}[{step}]")
        results = self.graph(body, [step, *carries, *invariants, *items])
        if inner:
            self.line(f"meter.bytes_left = {room}")
        stack_values = results[len(carries) :]
        for name, value in zip(written, stack_values, strict=True):
            self.line(f"{name}.append({value})")
        if written:
            sizes = [
                str(NUMBER_BYTES) if isinstance(body.type_of(body.outputs[k]), Type) else f"stack_value_bytes({value})"
                for k, value in enumerate(stack_values, len(carries))
            ]
            self.line(f"meter.bytes_left -= {' + '.join(sizes)}")
            self.line("if meter.bytes_left < 0: meter.reserve(0)")
        self._assign(carries, results[: len(carries)])
        if count is None:
            self.line(f"{step} += 1")
        self.indent = outer
        if loop.reverse:
            for name in written:
                self.line(f"{name}.reverse()")
        self.line(f"{first} = {step if count is None else total}")
        return [first, *carries, *written]
