"""A structured node on plain numbers as one Python function: its graphs are lines, its loops are Python's.

A loop of a million steps has no other way: to look at every node again at each step takes five times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.graph import CONST, INPUT, Graph, opcode
from cgcli.graph.traversal import live
from cgcli.ops.loops import parts
from cgcli.run.limits import NUMBER_BYTES, StacksTooLarge, stack_value_bytes

from .codegen import Writer

_COND, _LOOP, _GET = opcode("cond"), opcode("loop"), opcode("get")
LONGEST = 3000  # nodes: longer functions take longer to compile than they save
DEEPEST = 15  # loops within loops: Python allows 20

Names = Sequence[str]


def compiled(code: int, attrs: Mapping[str, Any], operands: int) -> Callable[..., tuple[Any, ...]] | None:
    """`run(meter, *operands)`, the results of a structured node; None where it is too long or nested too deep.

    The function raises what ops raise that stop a run, TooManySteps and StacksTooLarge.
    """
    if not _fits(attrs):
        return None
    w = _Structured()
    names = [f"a{k}" for k in range(operands)]
    results = w.node(code, attrs, names)
    w.lines.append(f"return ({''.join(f'{r}, ' for r in results)})")
    return w.function(", ".join(["meter", *names]))


def _fits(attrs: Mapping[str, Any]) -> bool:
    count, level = 0, [g for g in attrs.values() if isinstance(g, Graph)]
    for _ in range(DEEPEST):
        if not level:
            return True
        count += sum(map(len, level))
        if count > LONGEST:
            return False
        level = [g for outer in level for a in outer.attrs.values() for g in a.values() if isinstance(g, Graph)]
    return False


class _Structured(Writer):
    def __init__(self) -> None:
        super().__init__()
        self.scope |= {"StacksTooLarge": StacksTooLarge, "stack_value_bytes": stack_value_bytes}
        self.count = 0
        self.indent = ""

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def names(self, prefix: str, count: int) -> list[str]:
        self.count += 1
        return [f"{prefix}{self.count}_{k}" for k in range(count)]

    def node(self, code: int, attrs: Mapping[str, Any], operands: Names) -> list[str]:
        """Lines that compute a structured node; the names of its results."""
        return self._loop(attrs, operands) if code == _LOOP else self._cond(attrs, operands)

    def graph(self, graph: Graph, given: Names) -> list[str]:
        """Lines that compute a graph; the names of its outputs."""
        needed = live(graph, (*graph.outputs, *graph.asserts))
        names: dict[int, Any] = dict(zip(graph.inputs, given, strict=True))
        prefix = self.names("x", 1)[0]
        for i, code in enumerate(graph.op):
            if not needed[i] or code == INPUT:
                continue
            attrs = graph.attrs.get(i, {})
            operands = [names[x] for x in graph.operands(i)]
            if code == _GET:
                names[i] = operands[0][attrs["k"]]
            elif code in (_COND, _LOOP):
                names[i] = self.node(code, attrs, operands)
            elif code == CONST:
                names[i] = self.bind(attrs["value"])
            else:
                names[i] = f"{prefix}_{i}"
                types = [graph.type_of(x) for x in graph.operands(i)]
                self.line(f"{names[i]} = {self.expression(code, operands, types, graph.type_of(i), attrs)}")
        return [names[i] for i in graph.outputs]

    def _cond(self, attrs: Mapping[str, Any], operands: Names) -> list[str]:
        condition, *captured = operands
        results = self.names("r", len(attrs["then"].outputs))
        outer = self.indent
        for head, side in ((f"if {condition}:", "then"), ("else:", "else")):
            self.indent = outer
            self.line(head)
            self.indent += " "
            self._assign(results, self.graph(attrs[side], captured))
            self.line("pass")
        self.indent = outer
        return results

    def _assign(self, targets: Names, values: Names) -> None:
        if targets:
            self.line(f"{', '.join(targets)} = {', '.join(values)}")

    def _loop(self, attrs: Mapping[str, Any], operands: Names) -> list[str]:
        count, start, invariants, stacks = parts(attrs, operands)
        body: Graph = attrs["body"]
        carries = self.names("c", len(start))
        written = self.names("w", len(body.outputs) - len(start))
        step, total, room, first = (self.names(p, 1)[0] for p in ("i", "n", "m", "k"))
        self._assign(carries, start)
        for name in written:
            self.line(f"{name} = []")
        outer = self.indent
        if count is None:
            self.line(f"{step} = 0")
            self.line("while True:")
            self.indent += " "
            self.line(f"if not ({self.graph(attrs['pred'], [*carries, *invariants])[0]}): break")
        else:
            self.line(f"{total} = max(0, {count})")
            order = f"range({total} - 1, -1, -1)" if attrs.get("reverse") else f"range({total})"
            self.line(f"for {step} in {order}:")
            self.indent += " "
        self.line("meter.steps -= 1")
        self.line(f"if meter.steps < meter.check_below: meter.check({self.bind(body)})")
        inner = any(code == _LOOP for code in body.op)
        if inner:
            self.line(f"{room} = meter.bytes_left")
        items = self.names("s", len(stacks))
        for item, stack in zip(items, stacks, strict=True):
            self.line(f"{item} = {stack}[{step}]")
        results = self.graph(body, [step, *carries, *invariants, *items])
        if inner:
            self.line(f"meter.bytes_left = {room}")
        kept = results[len(carries) :]
        for name, value in zip(written, kept, strict=True):
            self.line(f"{name}.append({value})")
        if written:
            sizes = [
                str(NUMBER_BYTES) if self._number(body, k) else f"stack_value_bytes({value})"
                for k, value in enumerate(kept, len(carries))
            ]
            self.line(f"meter.bytes_left -= {' + '.join(sizes)}")
            self.line("if meter.bytes_left < 0: raise StacksTooLarge")
        self._assign(carries, results[: len(carries)])
        if count is None:
            self.line(f"{step} += 1")
        self.indent = outer
        if attrs.get("reverse"):
            for name in written:
                self.line(f"{name}.reverse()")
        self.line(f"{first} = {step if count is None else total}")
        return [first, *carries, *written]

    @staticmethod
    def _number(body: Graph, output: int) -> bool:
        """Whether an output is a number, not a stack."""
        return hasattr(body.type_of(body.outputs[output]), "dtype")
