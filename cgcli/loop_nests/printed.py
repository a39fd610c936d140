"""Loop nests as text, for people and tests; `parsed` reads it back.

A statement is a line, its blocks are indented below it. Values are numbered in the order in which the text defines
them, so that nests that are equal but for the numbers of their values have one text; sizes and buffers have names.
`docs/loop-form.md` describes the syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .form import (
    ASSERTION,
    INDEX,
    INTS,
    MEMORY,
    OVERFLOW,
    ROUTINE,
    SIZE,
    STOPPED,
    ZERO_DIVISION,
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Check,
    Const,
    Extent,
    For,
    Function,
    Index,
    Load,
    LoopNest,
    Region,
    ScalarType,
    Statement,
    Store,
    Switch,
    Value,
    While,
    blocks,
    results,
)

CODES = {
    OVERFLOW: "overflow",
    ZERO_DIVISION: "zero_division",
    INDEX: "index",
    ASSERTION: "assertion",
    SIZE: "size",
    STOPPED: "stopped",
    MEMORY: "memory",
    ROUTINE: "routine",
}
"""The words for the codes of a check."""


NAME = re.compile(r"[^\W\d][\w.]*")
"""The names that sizes and buffers may have."""


def printed(nest: LoopNest) -> str:
    """The text of a nest; each line ends in a newline. `parsed` reads it back.

    A value that nothing defines is `%?` and its number, which `parsed` does not read.
    """
    text = _Printer(nest.sizes, nest.body)
    head = [f"nest {nest.name}"]
    if nest.sizes:
        head.append(f"  sizes {', '.join(nest.sizes)}")
    head += [f"  {buffer.role} {text.buffer(name, buffer)}" for name, buffer in nest.buffers.items()]
    return "\n".join([*head, *text.block(nest.body)]) + "\n"


def printed_function(function: Function) -> str:
    """The text of a primitive that is defined in the form: its parameters, its body and its result."""
    text = _Printer({}, function.body, function.parameters)
    head = f"function ({', '.join(map(text.typed, function.parameters))})"
    return "\n".join([head, *text.block(function.body), f"  yield {text.value(function.result)}"]) + "\n"


def value_names(nest: LoopNest) -> dict[Value, str]:
    """The names that values have in the text of a nest."""
    return _Printer(nest.sizes, nest.body).names


def heading(nest: LoopNest, statement: Statement) -> str:
    """The first line of a statement, as it stands in the text of a nest."""
    text = _Printer(nest.sizes, nest.body)
    if not isinstance(statement, For | While | Switch):
        return text.line(statement)
    return str(next(iter(text.nested(statement)))[1])


def _definitions(body: Sequence[Statement]) -> Iterator[Value]:
    """The values that statements define, in the order of the text: results, then what stands in blocks."""
    todo = list(reversed(body))
    while todo:
        s = todo.pop()
        yield from results(s)
        if isinstance(s, For):
            yield s.variable
        if isinstance(s, For | While):
            yield from s.carried
        for block in reversed(blocks(s)):
            todo.extend(reversed(block))


class _Printer:
    def __init__(self, sizes: Mapping[str, Value], body: Sequence[Statement], parameters: Sequence[Value] = ()) -> None:
        self.names = {value: name for name, value in sizes.items()}
        numbered = dict.fromkeys([*parameters, *_definitions(body)])
        self.names.update((value, f"%{number}") for number, value in enumerate(numbered))

    def value(self, x: Extent) -> str:
        return str(x) if isinstance(x, int) else self.names.get(x, f"%?{x.number}")

    def values(self, values: Iterable[Extent]) -> str:
        return ", ".join(map(self.value, values))

    def typed(self, value: Value) -> str:
        return f"{self.value(value)}: {value.type}"

    def index(self, index: Index) -> str:
        text = ""
        for value, factor in index.terms:
            minus = isinstance(factor, int) and factor < 0
            if isinstance(factor, int):
                times = "" if abs(factor) == 1 else f"{abs(factor)}*"
            else:
                times = f"{self.value(factor)}*"
            sign = (" - " if minus else " + ") if text else "-" * minus
            text += f"{sign}{times}{self.value(value)}"
        if not text:
            return str(index.const)
        return f"{text} {'-' if index.const < 0 else '+'} {abs(index.const)}" if index.const else text

    def element(self, buffer: str, access: Access) -> str:
        return f"{buffer}[{', '.join(map(self.index, access))}]"

    def regions(self, regions: Sequence[Region]) -> str:
        return ", ".join(self.element(*region) if region.access else region.buffer for region in regions)

    def buffer(self, name: str, buffer: Buffer) -> str:
        numbers = ", ".join(_literal(x, buffer.type) for x in buffer.numbers)
        table = f" = ({numbers})" if buffer.role == "const" else ""
        return f"{name}: {buffer.type}[{self.values(buffer.shape)}]{' chunked' * buffer.chunked}{table}"

    def block(self, statements: Sequence[Statement]) -> list[str]:
        """The lines of statements, one level deep."""
        lines: list[str] = []
        todo: list[tuple[int, str | Statement]] = [(1, s) for s in reversed(statements)]
        while todo:
            depth, item = todo.pop()
            if isinstance(item, str):
                lines.append("  " * depth + item)
            elif isinstance(item, For | While | Switch):
                todo.extend((depth + deeper, part) for deeper, part in reversed(list(self.nested(item))))
            else:
                lines.append("  " * depth + self.line(item))
        return lines

    def line(self, s: Const | Apply | Load | Store | Check | Allocate | Call) -> str:
        match s:
            case Const():
                return f"{self.typed(s.result)} = const {_literal(s.value, s.result.type)}"
            case Apply():
                return f"{self.typed(s.result)} = {s.primitive} {self.values(s.operands)}{_node(s.node)}"
            case Load():
                return f"{self.typed(s.result)} = load {self.element(s.buffer, s.access)}"
            case Store():
                return f"store {self.element(s.buffer, s.access)} = {self.value(s.value)}{_by(s.combine)}"
            case Check():
                return f"check {self.value(s.condition)} {CODES.get(s.code, s.code)}{_node(s.node)}"
            case Allocate():
                return f"allocate {s.buffer}"
            case Call():
                numbers = f" numbers {self.values(s.numbers)}" if s.numbers else ""
                regions = f"({self.regions(s.operands)}) -> ({self.regions(s.results)})"
                return f"call {s.routine}{regions}{numbers}{_node(s.node)}"

    def nested(self, s: For | While | Switch) -> Iterator[tuple[int, str | Statement]]:
        """The lines and the inner statements of one with blocks, and how much deeper they stand."""
        head = f"{', '.join(map(self.typed, s.results))} = " if s.results else ""
        if isinstance(s, Switch):
            yield 0, f"{head}switch {self.value(s.selector)}"
            for number, case in enumerate(s.cases):
                yield 0, f"case {number}"
                yield from ((1, inner) for inner in case.body)
                yield from self.yielded(case.yields)
            return
        if isinstance(s, For):
            begin = "" if s.begin == 0 and isinstance(s.begin, int) else f"{self.value(s.begin)} <= "
            kind = "" if s.kind == "serial" else f" {s.kind}"
            head += f"for {begin}{self.value(s.variable)} < {self.value(s.end)}{kind}"
        else:
            head += "while"
        joins = s.combine if isinstance(s, For) else ("",) * len(s.carried)
        carried = [
            f"{self.typed(x)} = {self.value(first)}{_by(join)}"
            for x, first, join in zip(s.carried, s.initial, joins, strict=False)
        ]
        yield 0, f"{head} ({', '.join(carried)})" if carried else head
        if isinstance(s, While):
            yield from ((1, inner) for inner in s.test)
            yield 1, f"test {self.value(s.condition)}"
            yield 0, "do"
        yield from ((1, inner) for inner in s.body)
        yield from self.yielded(s.yields)

    def yielded(self, values: Sequence[Value]) -> Iterator[tuple[int, str]]:
        if values:
            yield 1, f"yield {self.values(values)}"


def _literal(x: float, type_: ScalarType) -> str:
    """A number as Python writes it in full; `true` and `false`."""
    if type_ == "bool":
        return "true" if x else "false"
    return str(int(x)) if type_ in INTS else repr(float(x))


def _by(combine: str) -> str:
    return f" by {combine}" if combine else ""


def _node(node: int) -> str:
    return f" @{node}" if node != -1 else ""
