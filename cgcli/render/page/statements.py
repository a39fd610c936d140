"""Statements of the loop form in JavaScript: values, elements of buffers, control.

JavaScript's numbers are doubles, which hold an i64 up to 2^53 alone: a larger one stops the run (`UNSAFE`), for the
number would be another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgcli.loop_nests.form import (
    FLOATS,
    INTS,
    MEMORY,
    OVERFLOW,
    PARTIALS,
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
    Index,
    Load,
    ScalarType,
    Statement,
    Store,
    Switch,
    Unsupported,
    Value,
    While,
)
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.primitives import CHECKED, FUNCTIONS, NEUTRAL

from .helpers import HELPERS
from .primitives import LARGEST, literal, template

UNSAFE = 8
"""The code of a run that stops at an i64 beyond ±(2^53 - 1), beside the codes of the form. Its node is -1 where the
form names none."""
MOST_ELEMENTS = 2**27
"""How many elements a local buffer may have; one with more stops the run with the code `memory`."""
_KEEP_INFINITIES = ("add", "sub", "mul", "min", "max", "select")
"""Primitives whose result is no int where it depends on an operand that is an infinity in place of one."""


class Definitions:
    """What a script defines beside the nest: names of helpers, and the functions of the form with their texts."""

    def __init__(self) -> None:
        self.helpers: set[str] = set()
        self.functions: dict[str, str] = {}

    def function(self, name: str) -> str:
        """The name of a function that is defined in the form."""
        if name not in self.functions:
            function, body = definition(name), Body(self, {})
            parameters = [body.define(x) for x in function.parameters]
            body.block(function.body)
            lines = body.text(body.get(function.result))
            self.functions[name] = "\n".join([f"function {name}({', '.join(parameters)}) {{", *lines, "}"])
        return name


class Body:
    """Statements of one function.

    head: declarations in front of them. arrays: the names of buffers. names: the text of each value. unsafe: ints that
    may be infinities in place of larger ones: constants, and what a loop carries that begins with one or with the
    neutral element of a reduction. Each use of those is checked, or its result is.
    """

    def __init__(self, definitions: Definitions, buffers: Mapping[str, Buffer]) -> None:
        self.definitions = definitions
        self.buffers = buffers
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.names: dict[Value, str] = {}
        self.unsafe: set[Value] = set()
        self.arrays: dict[str, str] = {}
        self.head: list[str] = []

    # ---- text

    def text(self, result: str) -> list[str]:
        """The lines of the function, which returns this."""
        return [*(f"  {line}" for line in self.head), *self.lines, f"  return {result};"]

    def line(self, text: str) -> None:
        self.lines.append("  " * self.indent + text)

    def open(self, text: str) -> None:
        self.line(text)
        self.indent += 1

    def close(self, text: str = "}") -> None:
        self.indent -= 1
        self.line(text)

    def new(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def define(self, value: Value) -> str:
        """The name of a new value."""
        name = self.names[value] = self.new("v")
        return name

    def stop_unless(self, condition: str, code: int, node: int = -1) -> None:
        self.line(f"if (!{condition}) return {node * 16 + code};")

    def stop_if(self, condition: str, code: int, node: int = -1) -> None:
        self.line(f"if ({condition}) return {node * 16 + code};")

    # ---- values

    def get(self, value: Value) -> str:
        """The text of a value, which is the number that it means."""
        if value in self.unsafe:
            self.check_safe(self.names[value])
        return self.names[value]

    def check_safe(self, text: str, node: int = -1) -> None:
        self.stop_unless(f"Number.isSafeInteger({text})", UNSAFE, node)

    def extent(self, x: Extent) -> str:
        return str(x) if isinstance(x, int) else self.get(x)

    def constant(self, s: Const) -> None:
        self.names[s.result] = literal(s.value, s.result.type)
        if s.result.type == "i64" and abs(s.value) > LARGEST:
            self.unsafe.add(s.result)

    def apply(self, s: Apply) -> None:
        unsafe = [x for x in s.operands if x in self.unsafe]
        tolerant = s.primitive in _KEEP_INFINITIES or (s.result.type == "bool" and len(unsafe) == 1)
        operands = [self.names[x] if tolerant else self.get(x) for x in s.operands]
        types = [x.type for x in s.operands]
        if s.primitive in FUNCTIONS:
            text = f"{self.definitions.function(s.primitive)}({', '.join(operands)})"
            self.line(f"const {self.define(s.result)} = {f'Math.fround({text})' if types[0] == 'f32' else text};")
            return
        self.computed(self.define(s.result), s.primitive, operands, types, s.result.type, s.node, bool(unsafe))

    def computed(
        self,
        name: str,
        primitive: str,
        operands: Sequence[str],
        types: Sequence[ScalarType],
        to: ScalarType,
        node: int = -1,
        unsafe: bool = False,
    ) -> None:
        """Defines a name as the result of a primitive, and checks what can fail."""
        if primitive in ("floor_div", "mod") and (operands[1] == "0" or not operands[1].strip("(-)").isdigit()):
            self.stop_if(f"{operands[1]} === 0", ZERO_DIVISION, node)
        if to == "i64" and types[0] in FLOATS and primitive == "i64":
            self.stop_unless(f"(Math.abs({operands[0]}) < 9223372036854775808)", OVERFLOW, node)
        self.line(f"const {name} = {self.expression(primitive, operands, types, to)};")
        if to == "i64" and (unsafe or primitive in ("add", "sub", "mul", "bits") or types[0] in FLOATS):
            self.check_safe(name, node)
        if to == "i32" and primitive in CHECKED and types[0] != "bool":
            self.stop_unless(f"(-2147483648 <= {name} && {name} <= 2147483647)", OVERFLOW, node)

    def expression(self, primitive: str, operands: Sequence[str], types: Sequence[ScalarType], to: ScalarType) -> str:
        text = template(primitive, types, to)
        helper = text.partition("(")[0]
        if helper in HELPERS:
            self.definitions.helpers.add(helper)
        return text.format(*operands)

    # ---- statements

    def block(self, statements: Sequence[Statement]) -> None:
        for s in statements:
            match s:
                case Const():
                    self.constant(s)
                case Apply():
                    self.apply(s)
                case Load():
                    self.load(s)
                case Store():
                    self.store(s)
                case For():
                    self.loop(s)
                case While():
                    self.while_(s)
                case Switch():
                    self.switch(s)
                case Check():
                    self.stop_unless(self.get(s.condition), s.code, s.node)
                case Allocate():
                    self.allocate(s.buffer)
                case Call():
                    raise Unsupported(f"`{s.routine.removeprefix('op:')}`")

    # ---- elements

    def element(self, name: str, access: Access) -> str:
        """An element of a buffer."""
        total = self.index(access[0]) if access else "0"
        for index, n in zip(access[1:], self.buffers[name].shape[1:], strict=True) if len(access) > 1 else ():
            inner, size = self.index(index), self.extent(n)
            outer = "" if total == "0" else f"{total if total.isalnum() else f'({total})'} * {size}"
            total = f"{outer} + {inner}" if outer and inner != "0" else outer or inner
        return f"{self.arrays[name]}[{total}]"

    def index(self, index: Index) -> str:
        """A sum of values times coefficients."""
        if abs(index.const) > LARGEST:
            raise Unsupported("an index beyond 2^53")
        parts = []
        for value, factor in index.terms:
            text = self.get(value)
            if factor != 1:
                text = f"{literal(factor, 'i64') if isinstance(factor, int) else self.get(factor)} * {text}"
            parts.append(text)
        if index.const or not parts:
            parts.append(str(index.const))
        return " + ".join(parts)

    def load(self, s: Load) -> None:
        text, outside = self.element(s.buffer, s.access), self.buffers[s.buffer].role in ("in", "const")
        type_ = s.result.type
        if type_ == "bool":
            text = f"!!{text}"
        elif type_ == "f32" and outside:
            text = f"Math.fround({text})"
        name = self.define(s.result)
        self.line(f"const {name} = {text};")
        if type_ == "i64" and outside:
            self.check_safe(name)

    def store(self, s: Store) -> None:
        buffer, value = self.buffers[s.buffer], self.get(s.value)
        if buffer.chunked:
            self.grow(s.buffer, s.access[0])
        element = self.element(s.buffer, s.access)
        if s.combine:
            before = f"!!{element}" if buffer.type == "bool" else element
            name = self.new("t")
            self.computed(name, s.combine, [before, value], [buffer.type] * 2, buffer.type, unsafe=True)
            value = name
        self.line(f"{element} = {f'{value} ? 1 : 0' if buffer.type == 'bool' else value};")

    def allocate(self, name: str) -> None:
        array, shape = self.arrays[name], self.buffers[name].shape
        self.definitions.helpers.add("zeros")
        sizes = [str(max(0, n)) if isinstance(n, int) else f"Math.max(0, {self.get(n)})" for n in shape]
        self.line(f"{array} = zeros({array}, {self.room(sizes)});")

    def room(self, factors: Sequence[str]) -> str:
        """How many elements there are of these sizes, which has to be possible."""
        if all(text.isdigit() for text in factors):
            count = 1
            for text in factors:
                count *= int(text)
            if count <= MOST_ELEMENTS:
                return str(count)
        name = self.new("n")
        self.line(f"const {name} = {' * '.join(factors)};")
        self.stop_unless(f"({name} <= {MOST_ELEMENTS})", MEMORY, 0)
        return name

    def grow(self, name: str, first: Index) -> None:
        """Makes room for an item behind the last one of a chunked buffer."""
        self.definitions.helpers.add("grown")
        shape, array = self.buffers[name].shape, self.arrays[name]
        items = self.index(first.plus(Index(1)))
        factors = [items if items.isalnum() else f"({items})", *map(self.extent, shape[1:])]
        self.line(f"{array} = grown({array}, {self.room(factors)});")

    # ---- control

    def carried(self, s: For | While) -> list[str]:
        """The variables of what a loop carries, which hold its results in the end."""
        names = []
        for x, first in zip(s.carried, s.initial, strict=True):
            name = self.define(x)
            self.line(f"let {name} = {self.names[first]};")
            if first in self.unsafe:
                self.unsafe.add(x)
            names.append(name)
        return names

    def next(self, s: For | While, names: Sequence[str]) -> None:
        """Hands what a step yields to the next one."""
        changes = [(name, x, y) for name, x, y in zip(names, s.carried, s.yields, strict=True) if x is not y]
        texts = [self.get(y) for _, _, y in changes]
        if not {x for _, x, _ in changes}.isdisjoint(y for _, _, y in changes):
            for n, text in enumerate(texts):
                texts[n] = self.new("t")
                self.line(f"const {texts[n]} = {text};")
        for (name, _, _), text in zip(changes, texts, strict=True):
            self.line(f"{name} = {text};")

    def finish(self, s: For | While, names: Sequence[str]) -> None:
        for result, x, name in zip(s.results, s.carried, names, strict=True):
            self.names[result] = name
            if x in self.unsafe:
                self.check_safe(name)

    def loop(self, s: For) -> None:
        begin, end = self.extent(s.begin), self.extent(s.end)
        if s.kind != "serial" and s.carried:
            self.reduction(s, begin, end)
            return
        names = self.carried(s)
        self.open_loop(s, begin, end)
        self.block(s.body)
        self.next(s, names)
        self.close()
        self.finish(s, names)

    def open_loop(self, s: For, begin: str, end: str) -> None:
        count = str(max(0, s.end - s.begin)) if isinstance(s.begin, int) and isinstance(s.end, int) else ""
        count = count or f"Math.max(0, {end if begin == '0' else f'{end} - {begin}'})"
        self.stop_if(f"(steps -= {count}) < 0", STOPPED, 0)
        variable = self.define(s.variable)
        self.open(f"for (let {variable} = {begin}; {variable} < {end}; {variable}++) {{")

    def reduction(self, s: For, begin: str, end: str) -> None:
        """A vector loop with its partial values."""
        counts = [PARTIALS.get(x.type, 1) for x in s.carried]
        partial = [self.new("p") for _ in s.carried]
        for name, x, join, n in zip(partial, s.carried, s.combine, counts, strict=True):
            neutral = _neutral(join, x.type)
            if n == 1:
                self.line(f"let {name} = {neutral};")
            else:
                self.head.append(f"const {name} = new Float64Array({n});")
                self.line(f"{name}.fill({neutral});")
        self.open_loop(s, begin, end)
        step = self.names[s.variable] if begin == "0" else f"{self.names[s.variable]} - {begin}"
        parts = [name if n == 1 else f"{name}[{step} & {n - 1}]" for name, n in zip(partial, counts, strict=True)]
        for x, part in zip(s.carried, parts, strict=True):
            self.line(f"const {self.define(x)} = {part};")
            if x.type == "i64":
                self.unsafe.add(x)
        self.block(s.body)
        for y, part in zip(s.yields, parts, strict=True):
            self.line(f"{part} = {self.names[y]};")
        self.close()
        for name, x, join, n, first, result in zip(
            partial, s.carried, s.combine, counts, s.initial, s.results, strict=True
        ):
            types = [x.type, x.type]
            if n > 1:
                both = self.expression(join, [f"{name}[j]", f"{name}[j + h]"], types, x.type)
                self.open(f"for (let h = {n // 2}; h > 0; h >>= 1) {{")
                self.line(f"for (let j = 0; j < h; j++) {name}[j] = {both};")
                self.close()
            last = name if n == 1 else f"{name}[0]"
            self.computed(self.define(result), join, [self.names[first], last], types, x.type, unsafe=True)

    def while_(self, s: While) -> None:
        names = self.carried(s)
        self.open("for (;;) {")
        self.block(s.test)
        self.line(f"if (!{self.get(s.condition)}) break;")
        self.stop_if("--steps < 0", STOPPED, 0)
        self.block(s.body)
        self.next(s, names)
        self.close()
        self.finish(s, names)

    def switch(self, s: Switch) -> None:
        selector = self.get(s.selector)
        names = [self.define(x) for x in s.results]
        if names:
            self.line(f"let {', '.join(names)};")
        if s.selector.type == "bool" and len(s.cases) == 2:
            self.open(f"if ({selector}) {{")
            self.case(s, 1, names)
            self.indent -= 1
            self.open("} else {")
            self.case(s, 0, names)
            self.close()
            return
        self.open(f"switch ({selector if s.selector.type != 'bool' else f'{selector} ? 1 : 0'}) {{")
        for n in range(len(s.cases)):
            self.open(f"case {n}: {{" if n < len(s.cases) - 1 else "default: {")
            self.case(s, n, names)
            self.line("break;")
            self.close()
        self.close()

    def case(self, s: Switch, n: int, names: Sequence[str]) -> None:
        self.block(s.cases[n].body)
        for name, y in zip(names, s.cases[n].yields, strict=True):
            self.line(f"{name} = {self.get(y)};")


def _neutral(join: str, type_: ScalarType) -> str:
    """The neutral element of a reduction; of ints an infinity, which no joined number is."""
    number = NEUTRAL[join]
    return literal(number, "f64" if type_ in INTS and abs(number) == float("inf") else type_)
