"""A planned graph as a list of ready calls: Python source, made once for each set of sizes and layouts.

What the calls are, `call_recorder` notes while the graph runs for the first time: then layouts in memory are known, and
every later run writes values of the same layout, so that even sums, whose rounding depends on it, keep their bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cgcli.graph.graph import Graph, opcode
from cgcli.graph.plan import Plan

from .blocks import blocked
from .calls import into, plain
from .reference import ArrayExecutor, Layout
from .scope import Note, Scope

PIECE = 500  # lines of a function: Python compiles long ones slowly
SMALL = 128  # bytes: such a value is not worth a line that drops it
_GET = opcode("get")
_SOURCE = "<planned run>"


class Kit(NamedTuple):
    """What a program calls besides the array library: the reference's steps, and what runs structured nodes."""

    reference: ArrayExecutor
    layout: Layout
    structured: Mapping[int, Callable[[list[Any]], Any]]


class Program:
    """`run(v)` computes the nodes of a plan into the list `v`, a copy of `template` with the inputs.

    What `v` holds of nodes that are no outputs is written over by the next run.
    """

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        notes: Mapping[int, Note],
        fixed: Mapping[int, Any],
        kit: Kit,
        memory: Any,
    ) -> None:
        """fixed: values that are the same at every run. memory: `memory_of(plan)` bytes, or None to take none."""
        w = Writer(graph, plan, notes, fixed, kit, memory)
        w.write()
        self.template = w.template
        self._functions = w.functions
        self._nodes = w.nodes

    def run(self, v: list[Any]) -> None:
        for f in self._functions:
            f(v)

    def failed_at(self, stop: BaseException) -> int:
        """The node whose line raised."""
        trace = stop.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != _SOURCE:
            trace = trace.tb_next
        assert trace is not None
        number = int(trace.tb_frame.f_code.co_name.removeprefix("run"))
        return self._nodes[number][trace.tb_lineno - 2]


class Writer(Scope):
    """Makes the lines of a program and the arrays that they name."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        notes: Mapping[int, Note],
        fixed: Mapping[int, Any],
        kit: Kit,
        memory: Any,
    ) -> None:
        super().__init__(graph, plan, notes, fixed, memory)
        self.kit = kit
        self.functions: list[Callable[[list[Any]], None]] = []
        self.nodes: list[list[int]] = []
        self._lines: list[str] = []
        self._line_nodes: list[int] = []

    # ---- lines

    def write(self) -> None:
        blocks = {self.plan.groups[k][0]: k for k in self.plan.blocks}
        in_blocks = {i for k in self.plan.blocks for i in self.plan.groups[k]}
        for i in self.plan.order:
            note = self.notes[i]
            if note.trace is not None and note.strides is not None and i not in in_blocks and i not in self.fixed:
                made = self.array(i, note.shape, note.strides)
                if made is not None:
                    self._keep(i, made)
        done: set[int] = set()
        dropped = self._dropped()
        for i in self.plan.order:
            if i in blocks:
                members = self.plan.groups[blocks[i]]
                run = blocked(self, members, self.plan.blocks[blocks[i]])
                if run is not None:
                    done.update(members)
                    self._line(i, f"{self.bind(run)}(v)")
            if i not in done and i not in self.fixed:
                self._node(i)
            for x in dropped.get(i, ()):
                self._line(i, f"v[{x}] = None")
        self._finish()

    def _dropped(self) -> dict[int, list[int]]:
        """After each node, the values that nobody reads any more and that are worth dropping."""
        last: dict[int, int] = {}
        for i in self.plan.order:
            for x in self.graph.operands(i):
                last[x] = i
            last.setdefault(i, i)
        found: dict[int, list[int]] = {}
        stay = {*self.graph.outputs, *self.graph.inputs, *self.fixed, *self.into}
        for x, i in last.items():
            note = self.notes.get(x)
            if x in stay or note is None:
                continue
            if note.strides is None or math.prod(note.shape) * 8 > SMALL:
                found.setdefault(i, []).append(x)
        return found

    def _line(self, i: int, text: str) -> None:
        if len(self._lines) >= PIECE:
            self._finish()
        self._lines.append(text)
        self._line_nodes.append(i)

    def _finish(self) -> None:
        if not self._lines:
            return
        name = f"run{len(self.functions)}"
        exec(compile("\n ".join([f"def {name}(v):", *self._lines]), _SOURCE, "exec"), self.objects)
        self.functions.append(self.objects.pop(name))
        self.nodes.append(self._line_nodes)
        self._lines, self._line_nodes = [], []

    def _node(self, i: int) -> None:
        note = self.notes[i]
        if self.graph.op[i] == _GET:
            self._line(i, f"v[{i}] = v[{self.graph.a[i]}][{self.graph.attrs[i]['k']}]")
            if note.strides is not None:
                self._line(i, f"if type(v[{i}]) is not ndarray or v[{i}].strides != {note.strides}: raise Relayout")
            return
        if i in self.kit.structured:
            self._line(i, f"v[{i}] = {self.bind(self.kit.structured[i])}(v)")
            return
        if note.trace is None:
            step, layout = self.kit.reference._steps[i], self.kit.layout
            self._line(i, f"v[{i}] = {self.bind(step)}(v, {self.bind(layout)}, {i})")
            return
        operands = [self.value(x) for x in self.graph.operands(i)]
        taken = self.plan.in_place.get(i)
        over = [k for k, x in enumerate(self.graph.operands(i)) if x == taken]
        lost = self.written_over(i)
        if i in self.into:
            lines = into(self.bind, note.trace, operands, self.into[i], note.fits, f"t{i}_", over)
        elif lost is not None:
            lines = into(self.bind, note.trace, operands, f"v[{lost}]", note.fits, f"t{i}_", over)
            lines.append(f"v[{i}] = v[{lost}]")
        else:
            *lines, text = plain(self.bind, note.trace, operands, f"t{i}_")
            if not note.fits:
                text = f"asarray({text}).astype({self.bind(self.dtype(i))}, copy=False)"
            elif not note.shape:
                text = f"asarray({text})"
            lines.append(f"v[{i}] = {text}")
        for text in lines:
            self._line(i, text)
