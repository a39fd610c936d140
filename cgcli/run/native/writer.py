"""The text of a module in LLVM's intermediate representation: names, blocks, phis, declarations."""

from __future__ import annotations

import struct
from typing import NamedTuple

from cgcli.loop_nests.form import INTS, ScalarType

LLVM = {"f64": "double", "f32": "float", "i64": "i64", "i32": "i32", "bool": "i1"}
STORED = {**LLVM, "bool": "i8"}
"""The types of elements in memory."""
BYTES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4, "bool": 1}
_LIKELY = "!prof !0"


def type_of(type_: ScalarType, lanes: int) -> str:
    """The type of a number, or of a vector of so many lanes; 0 lanes are a number."""
    return f"<{lanes} x {LLVM[type_]}>" if lanes else LLVM[type_]


def stored_type(type_: ScalarType, lanes: int) -> str:
    """The same in memory."""
    return f"<{lanes} x {STORED[type_]}>" if lanes else STORED[type_]


def suffix(type_: ScalarType, lanes: int) -> str:
    """The end of an intrinsic's name: `f64`, `v8f64`; of a bool as it lies in memory, `i8`."""
    name = "i8" if type_ == "bool" else type_
    return f"v{lanes}{name}" if lanes else name


def literal(value: float, type_: ScalarType) -> str:
    """A number of the program; a float by its bits."""
    if type_ == "bool":
        return "true" if value else "false"
    if type_ in INTS:
        return str(int(value))
    if type_ == "f32":
        value = struct.unpack("<f", struct.pack("<f", value))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"


def splat(text: str, type_: ScalarType, lanes: int) -> str:
    """A constant in every lane."""
    return f"splat ({LLVM[type_]} {text})" if lanes else text


def iota(lanes: int) -> str:
    """The numbers of the lanes."""
    return "<" + ", ".join(f"i64 {j}" for j in range(lanes)) + ">"


class Phi(NamedTuple):
    """A value at the head of a loop whose second origin is not written yet."""

    name: str
    type: str
    line: int
    initial: str
    entry: str


class Writer:
    """lines: of the function. declarations: of functions that it calls. label: the block that is being written.

    features: of the processor, as LLVM names them.
    """

    def __init__(self, features: frozenset[str]) -> None:
        self.features = features
        self.lines: list[str] = []
        self.slots: list[str] = []
        self.declarations: dict[str, None] = {}
        self.helpers: dict[str, str] = {}
        self._exits: list[tuple[str, int]] = []
        self.label = "entry"
        self._count = 0

    def name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def define(self, text: str) -> str:
        """A new value."""
        name = self.name("%t")
        self.lines.append(f"  {name} = {text}")
        return name

    def start(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.label = label

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: str, then: str, otherwise: str, likely: bool = False) -> None:
        """likely: whether the condition nearly always holds."""
        self.line(f"br i1 {condition}, label %{then}, label %{otherwise}" + (f", {_LIKELY}" if likely else ""))

    def slot(self, type_: str, initial: str) -> str:
        """A variable on the stack, which is set when the function is entered."""
        name = self.name("%s")
        self.slots += [f"  {name} = alloca {type_}", f"  store {type_} {initial}, ptr {name}"]
        return name

    def array(self, type_: str, length: int) -> str:
        """An array on the stack, not initialised."""
        name = self.name("%s")
        self.slots.append(f"  {name} = alloca [{length} x {type_}], align 64")
        return name

    def call(self, name: str, result: str, operands: list[tuple[str, str]]) -> str:
        """A call of an intrinsic or a function; operands: types and values."""
        self.declarations[f"declare {result} @{name}({', '.join(t for t, _ in operands)})"] = None
        text = f"call {result} @{name}({', '.join(f'{t} {x}' for t, x in operands)})"
        if result == "void":
            self.line(text)
            return ""
        return self.define(text)

    def phi(self, type_: str, initial: str, entry: str) -> Phi:
        """A value that is `initial` when control comes from the block `entry`; `close` adds the other origin."""
        name = self.name("%t")
        self.lines.append("")
        return Phi(name, type_, len(self.lines) - 1, initial, entry)

    def close(self, phi: Phi, value: str, label: str) -> None:
        origins = f"[ {phi.initial}, %{phi.entry} ], [ {value}, %{label} ]"
        self.lines[phi.line] = f"  {phi.name} = phi {phi.type} {origins}"

    def join(self, type_: str, origins: list[tuple[str, str]]) -> str:
        """The value that comes with each origin: pairs of a value and its block."""
        return self.define(f"phi {type_} " + ", ".join(f"[ {x}, %{label} ]" for x, label in origins))

    def exit_unless(self, condition: str, status: int) -> None:
        """Leaves the function with a status where the condition does not hold."""
        on = self.name("on")
        self.branch(condition, on, self.exit(status), likely=True)
        self.start(on)

    def exit(self, status: int) -> str:
        """A block to jump to, by which the function is left with a status."""
        self._exits.append((self.name("stop"), status))
        return self._exits[-1][0]

    def finish(self) -> str:
        """Ends the function's last block and writes those of `exit`; the status of the run.

        It lies in memory: the time in which LLVM finds a register for the value of many blocks grows with the square
        of their number.
        """
        status = self.slot("i64", "0")
        self.jump("exit")
        for label, number in self._exits:
            self.start(label)
            self.line(f"store i64 {number}, ptr {status}, align 8")
            self.jump("exit")
        self.start("exit")
        return self.define(f"load i64, ptr {status}, align 8")
