"""Writes graphs on numbers as instructions: the kernel of each operation, run on registers, says which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cgcli.graph.graph import ASSERT, COND, CONST, GET, INPUT, LOOP, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Type
from cgcli.ops import floats
from cgcli.ops.failures import Stop
from cgcli.ops.number_kernels import evaluate
from cgcli.ops.table import BY_CODE

from .instructions import OPERATIONS

MOST = 5_000  # lines: a larger graph is read as quickly from the program's own cache entry


class Unsupported(Exception):
    """A graph that instructions do not say: it has loops, single precision, or arithmetic on ints beyond a product."""


def _operator(name: str, *, reflected: bool = False) -> Callable[..., Register]:
    def method(self: Register, *others: object) -> Register:
        operands = (self, *others)
        return self.writer.line(name, *(reversed(operands) if reflected else operands))

    return method


class Register:
    """A value of a run, for a kernel: its operators and the functions of the namespace write lines."""

    def __init__(self, writer: InstructionWriter, number: int) -> None:
        self.writer, self.number = writer, number

    def __bool__(self) -> NoReturn:
        raise Unsupported

    __hash__ = None  # type: ignore[assignment]  # registers are compared in a run, not here
    __abs__ = _operator("abs")


for _name in OPERATIONS:
    setattr(Register, f"__{_name}__", _operator(_name))
for _name in ("add", "sub", "mul", "truediv"):
    setattr(Register, f"__r{_name}__", _operator(_name, reflected=True))


class InstructionWriter:
    """The lines so far. It is the namespace that kernels are run over."""

    def __init__(self, inputs: int) -> None:
        self.lines: list[str] = []
        self._inputs = inputs
        self._depth = 0  # conditionals around the next line
        self._constants: dict[tuple[str, str], Register] = {}

    def __getattr__(self, name: str) -> Callable[..., Register]:
        if name not in floats.__all__:
            raise AttributeError(name)
        return lambda *operands: self.line(name, *operands)

    def line(self, name: str, *operands: object) -> Register:
        """Writes a line; operands are registers and numbers."""
        numbers = [str(self.register(x).number) for x in operands]
        return self._write(" ".join([name, *numbers]))

    def register(self, x: object) -> Register:
        """A register, or that of a constant."""
        if isinstance(x, Register):
            return x
        kind = type(x).__name__
        if kind not in ("float", "int", "bool"):
            raise Unsupported
        text = repr(int(x)) if isinstance(x, int) else repr(x)
        if self._depth:  # a line that may be passed over serves no other
            return self._write(f"{kind} {text}")
        key = kind, text
        if key not in self._constants:
            self._constants[key] = self._write(f"{kind} {text}")
        return self._constants[key]

    def graph(self, graph: Graph, inputs: Sequence[Register]) -> list[Register]:
        """Lines that compute a graph; its outputs."""
        needed = live(graph, (*graph.outputs, *graph.asserts))
        values: dict[int, Any] = dict(zip(graph.inputs, inputs, strict=True))
        for i, code in enumerate(graph.op):
            if not needed[i] or code == INPUT:
                continue
            attrs = graph.attrs.get(i, {})
            operands = [values[x] for x in graph.operands(i)]
            if code == CONST:
                values[i] = attrs["value"]  # kernels ask whether a number is an int
            elif code == COND:
                values[i] = self._cond(attrs["then"], attrs["else"], *map(self.register, operands))
            elif code == GET:
                values[i] = operands[0][attrs["k"]]
            elif code == LOOP:
                raise Unsupported
            elif code == ASSERT:
                self.line("require", operands[0])
                values[i] = operands[0]
            else:
                values[i] = self._operation(graph, i, operands)
        return [self.register(values[i]) for i in graph.outputs]

    def _operation(self, graph: Graph, i: int, operands: Sequence[Register | float]) -> Register:
        """A node's value in its own type."""
        op, attrs = BY_CODE[graph.op[i]], graph.attrs.get(i, {})
        nodes, result = graph.operands(i), graph.type_of(i)
        types = [graph.type_of(x) for x in nodes]
        assert isinstance(result, Type)
        if all(graph.op[x] == CONST for x in nodes):
            constants = [graph.attrs[x]["value"] for x in nodes]
            try:
                return self.register(evaluate(graph.op[i], constants, types, result, attrs))
            except Stop:
                raise Unsupported from None
        registers = [t for x, t in zip(operands, types, strict=True) if isinstance(x, Register)]
        # no register tells whether it is an int; kernels with a text for Python do not ask
        if op.inline is None and not all(isinstance(t, Type) and t.dtype in ("float", "bool") for t in registers):
            raise Unsupported
        return self._fit(self.register(op.evaluate(self, attrs, *operands)), types, result)

    def _fit(self, value: Register, types: Sequence[AnyType], result: Type) -> Register:
        """The value in its node's type, as `fit_for` has it."""
        if result.dtype == "bool":
            return value
        if result.dtype == "float":
            exact = all(isinstance(t, Type) and t.dtype == "float" for t in types)
            return value if exact else self.line("as_float", value)
        if result.weak or result.dtype not in ("int", "i32"):
            raise Unsupported
        return self.line("int64" if result.dtype == "int" else "int32", value)

    def _cond(self, then: Graph, other: Graph, condition: Register, *captured: Register) -> list[Register]:
        """The results of a conditional: the lines of one side are passed over."""
        self._depth += 1
        at = len(self.lines)
        self._write("")
        first = self.graph(then, captured)
        between = len(self.lines)
        self._write("")
        second = self.graph(other, captured)
        self.lines[at] = f"unless {condition.number} {between - at}"
        self.lines[between] = f"skip {len(self.lines) - between - 1}"
        self._depth -= 1
        return [self.line("either", condition, x, y) for x, y in zip(first, second, strict=True)]

    def _write(self, line: str) -> Register:
        if len(self.lines) >= MOST:
            raise Unsupported
        self.lines.append(line)
        return Register(self, self._inputs + len(self.lines) - 1)


def write_instructions(graph: Graph) -> tuple[list[str], list[int]]:
    """The lines that compute a graph, and the registers of its outputs. Raises Unsupported."""
    writer = InstructionWriter(len(graph.inputs))
    inputs = [Register(writer, k) for k in range(len(graph.inputs))]
    outputs = writer.graph(graph, inputs)
    return writer.lines, [x.number for x in outputs]
