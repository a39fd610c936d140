"""Where the printer stands: what values are called, how many lanes the code has, where a failing check goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgcli.loop_nests.form import STOPPED, Extent, LoopNest, ScalarType, Statement, Value

from .arithmetic import Arithmetic
from .writer import LLVM, Writer, iota, type_of

Block = Callable[[Sequence[Statement]], None]
"""Writes statements where a scope stands."""


class Scope:
    """values: the text of each value. wide: those that are vectors. lanes: of the open vector loop, 0 outside.

    mask: the lanes that are steps of the loop, "" for all of them; active: their number. variable: of the vector loop;
    base: its value in lane 0. slow: the block that runs the lanes one by one where a check
    of one fails, "" outside; slow_used: whether a check leads there.
    pointers: of buffers of the caller, their address; local: of `local` ones, the variable that holds their state.
    """

    def __init__(self, nest: LoopNest, features: frozenset[str]) -> None:
        self.nest = nest
        self.w = Writer(features)
        self.values: dict[Value, str] = {}
        self.wide: set[Value] = set()
        self.lanes = 0
        self.mask = self.active = self.base = self.slow = ""
        self.slow_used = False
        self.variable: Value | None = None
        self.pointers: dict[str, str] = {}
        self.local: dict[str, str] = {}

    # ---- values

    def put(self, value: Value, text: str, wide: bool = False) -> None:
        self.values[value] = text
        (self.wide.add if wide else self.wide.discard)(value)

    def get(self, value: Value, wide: bool = False) -> str:
        """The text of a value, of a vector where `wide` is set."""
        if self.lanes and value is self.variable:
            return self.w.define(f"add <{self.lanes} x i64> {self.broadcast(self.base, 'i64')}, {iota(self.lanes)}")
        text = self.values[value]
        return self.broadcast(text, value.type) if wide and value not in self.wide else text

    def broadcast(self, text: str, type_: ScalarType) -> str:
        """A number in every lane."""
        if not text.startswith("%"):
            return f"splat ({LLVM[type_]} {text})"
        vector = type_of(type_, self.lanes)
        first = self.w.define(f"insertelement {vector} poison, {LLVM[type_]} {text}, i64 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self.w.define(f"shufflevector {vector} {first}, {vector} poison, {zeros}")

    def extent(self, x: Extent) -> str:
        """A number of elements or steps, which is the same in all lanes."""
        return str(x) if isinstance(x, int) else self.values[x]

    def arithmetic(self, wide: bool) -> Arithmetic:
        return Arithmetic(self.w, self.lanes, self.check_lanes) if wide else Arithmetic(self.w, 0, self.check)

    # ---- checks

    def check(self, condition: str, status: int) -> None:
        """Stops the run with the status; within a vector loop the lanes find out which of them has to."""
        if not self.slow:
            self.w.exit_unless(condition, status)
            return
        self.slow_used = True
        on = self.w.name("on")
        self.w.branch(condition, on, self.slow, likely=True)
        self.w.start(on)

    def check_lanes(self, conditions: str, status: int) -> None:
        """The same of a condition a lane."""
        bools = type_of("bool", self.lanes)
        if self.mask:
            others = self.w.define(f"xor {bools} {self.mask}, splat (i1 true)")
            conditions = self.w.define(f"or {bools} {conditions}, {others}")
        self.check(self.all_lanes(conditions), status)

    def all_lanes(self, conditions: str) -> str:
        """Whether a condition holds in every lane."""
        bits = self.w.define(f"bitcast {type_of('bool', self.lanes)} {conditions} to i{self.lanes}")
        return self.w.define(f"icmp eq i{self.lanes} {bits}, -1")

    def poll(self, counter: str, period: int, step: int = 1) -> None:
        """Reads the flag of the caller once in so many steps. counter: 0, step, 2·step …; period: a power of two."""
        w = self.w
        look, on = w.name("look"), w.name("on")
        low = w.define(f"and i64 {counter}, {period * step - 1}")
        w.branch(w.define(f"icmp ne i64 {low}, {(period - 1) * step}"), on, look, likely=True)
        w.start(look)
        self.stop()
        w.jump(on)
        w.start(on)

    def stop(self) -> None:
        """Ends the run where the caller has set the flag."""
        flag = self.w.define("load volatile i64, ptr %controls, align 8")
        self.w.exit_unless(self.w.define(f"icmp eq i64 {flag}, 0"), STOPPED)
