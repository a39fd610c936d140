"""Code generation for a planned graph: its calls as Python source, compiled once for each set of sizes and strides.

`call_recorder` records the calls while the graph runs for the first time: then strides are known, and every later run
writes values of the same strides, so that even sums, whose rounding depends on them, keep their bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgcli.graph.graph import GET
from cgcli.graph.plan import Plan
from cgcli.ops.array_kernels import ArrayKernels
from cgcli.plan.memory import last_uses

from .blocks import compile_block
from .scope import CodeScope, Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LINES = 500  # lines of a function: Python compiles long ones slowly
MIN_DROPPED_BYTES = 128  # bytes: such a value is not worth a line that drops it
_SOURCE = "<planned run>"


@dataclass(frozen=True)
class CompiledPlan:
    """`run(v)` computes the nodes of a plan into the list `v`, a copy of `template` with the inputs.

    Values in `v` of nodes that are no outputs are overwritten by the next run.
    """

    template: list[object]
    functions: list[Callable[[list[object]], None]]
    function_nodes: list[list[int]]  # of each, the node of each line

    def run(self, v: list[object]) -> None:
        for f in self.functions:
            f(v)

    def failed_at(self, stop: BaseException) -> int:
        """The node whose line of code raised `stop`."""
        tb = stop.__traceback__
        while tb is not None and tb.tb_frame.f_code.co_filename != _SOURCE:
            tb = tb.tb_next
        assert tb is not None
        number = int(tb.tb_frame.f_code.co_name.removeprefix("run"))
        return self.function_nodes[number][tb.tb_lineno - 2]


class PlanCompiler(CodeScope):
    """Compiles a plan's nodes to functions of a list of values.

    kernels: for nodes without recorded calls. memory: `persistent_bytes(plan)` bytes, or None.
    """

    def __init__(
        self, kernels: ArrayKernels, plan: Plan, recording: Recording, memory: NDArray[np.uint8] | None
    ) -> None:
        super().__init__(kernels.graph, plan, recording, memory)
        self.kernels = kernels
        self._compiled = CompiledPlan(self.template, [], [])
        self._lines: list[str] = []
        self._line_nodes: list[int] = []

    # ---- lines

    def compile_plan(self) -> CompiledPlan:
        blocks = {self.plan.groups[k][0]: k for k in self.plan.blocks}
        in_blocks = {i for k in self.plan.blocks for i in self.plan.groups[k]}
        for i in self.plan.order:
            record = self.records[i]
            if i in in_blocks or i in self.invariants:
                continue
            if record.calls is not None and record.strides is not None:
                array = self.array(i, record.shape, record.strides)
                if array is not None:
                    self.bind_array(i, array)
        computed: set[int] = set()
        dead_values = self._dead_values()
        for i in self.plan.order:
            if i in blocks:
                members = self.plan.groups[blocks[i]]
                run = compile_block(self, members, self.plan.blocks[blocks[i]])
                if run is not None:
                    computed.update(members)
                    self._line(i, f"{self.bind(run)}(v)")
            if i not in computed and i not in self.invariants:
                self._compile_node(i)
            for x in dead_values.get(i, ()):
                self._line(i, f"v[{x}] = None")
        self._end_function()
        return self._compiled

    def _dead_values(self) -> dict[int, list[int]]:
        """After each node, the values that have no reader any more and are large enough to be dropped."""
        live_out = (*self.graph.outputs, *self.graph.inputs, *self.invariants, *self.arrays)
        dying = last_uses(self.graph, self.plan.order, live_out)
        return {i: [x for x in values if self._is_worth_dropping(x)] for i, values in dying.items()}

    def _is_worth_dropping(self, x: int) -> bool:
        record = self.records[x]
        return record.strides is None or math.prod(record.shape) * 8 > MIN_DROPPED_BYTES

    def _line(self, i: int, text: str) -> None:
        if len(self._lines) >= MAX_LINES:
            self._end_function()
        self._lines.append(text)
        self._line_nodes.append(i)

    def _end_function(self) -> None:
        if not self._lines:
            return
        functions = self._compiled.functions
        functions.append(self.function("v", self._lines, f"run{len(functions)}", _SOURCE))
        self._compiled.function_nodes.append(self._line_nodes)
        self._lines, self._line_nodes = [], []

    def _compile_node(self, i: int) -> None:
        record = self.records[i]
        if self.graph.op[i] == GET:
            self._line(i, f"v[{i}] = v[{self.graph.a[i]}][{self.graph.attrs[i]['k']}]")
            if record.strides is not None:
                self._line(i, f"if type(v[{i}]) is not ndarray or v[{i}].strides != {record.strides}: raise Relayout")
            return
        if record.calls is None:
            self._line(i, f"v[{i}] = {self.bind(self.kernels.plain[i])}(v, {i})")
            return
        operands = [self.value(x) for x in self.graph.operands(i)]
        overwritten = self.overwritten_operand(i)
        if i in self.arrays:
            lines = self.write_lines(i, operands, self.arrays[i])
        elif overwritten is not None:
            lines = [*self.write_lines(i, operands, f"v[{overwritten}]"), f"v[{i}] = v[{overwritten}]"]
        else:
            lines = self.value_lines(i, operands, f"v[{i}]")
        for text in lines:
            self._line(i, text)
