"""A debugger for a run that is on record: it steps forward and back.

So a step back costs what a step costs; at each place any expression can be evaluated over the variables of that place,
and the backward pass can be walked through like the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cgcli.analysis.backward_pass import BackwardPass, Step, partials_on_numbers
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source
from cgcli.dynamic.run_log import Event, RunLog
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import NONE, Graph
from cgcli.graph.traversal import select
from cgcli.graph.types import Type
from cgcli.language.derivatives import derivative
from cgcli.language.dynamic import Execution
from cgcli.language.regions import Value
from cgcli.language.structures import Structure
from cgcli.render.trace import Line

from .dynamic import DynamicProgram, Recorded
from .format_event import event_value, format_event
from .program import Values


@dataclass(frozen=True)
class Breakpoint:
    """A condition at which `forward` stops: in front of the events that `holds` is true of. holds_in_pass: the same of
    the steps of a backward pass."""

    about: str
    holds: Callable[[int], bool]
    holds_in_pass: Callable[[Step], bool] = lambda step: False


class RunCursor:
    """A run and a place in it: `at` is the number of the event that comes next.

    failure: what stopped the run, None when it came to its end. recorded: the record of the run, None when it was
    stopped. backward_pass: the one that is under way. Raises
    CgError for mistakes in names and in values.
    """

    def __init__(self, program: DynamicProgram, values: Values) -> None:
        self.source = program.module.source
        self.outputs = program.outputs
        self.params = [i.name for i in program.inputs if i.kind == "param"]
        self._log = RunLog()
        self._run = program.prepare(values, self._log)
        self._execution = Execution(program.files, self._run.interpreter, self._run.inputs)
        self.failure: CgError | None = None
        self.recorded: Recorded | None = None
        self.backward_pass: BackwardPass | None = None
        try:
            self.recorded = program.recorded_run(self._run, self._execution.module())
        except CgError as e:
            self.failure = e
        except KeyboardInterrupt:
            self.failure = error("interrupted-run", status=130)
        self.tape = self._run.interpreter.tape
        self.size = len(self.tape)
        self.events: Sequence[Event] = self._log.events
        self._run.interpreter.stop_logging()
        self.breaks: dict[int, Breakpoint] = {}
        self.first = next((k for k, e in enumerate(self.events) if e.kind != "input"), len(self.events))
        self.at = self.first

    # ---- moving

    @property
    def ended(self) -> bool:
        return self.at >= len(self.events)

    def line(self, k: int) -> Line:
        return format_event(self.events[k], self._log, self.tape.v)

    def depth(self) -> int:
        """How many calls lie around the place."""
        return self._log.scopes[self.scope()].depth

    def step(self, by: int = 1) -> None:
        """So many events on, or back where `by` is negative; it ends at the ends of the run."""
        self.at = max(self.first, min(len(self.events), self.at + by))

    def over(self) -> None:
        """To the next line of this call, over calls that it makes, or behind its end."""
        depth = self.depth()
        self.step()
        while not self.ended and self.depth() > depth:
            self.step()

    def out(self) -> None:
        """Behind the end of this call."""
        depth = self.depth()
        while not self.ended and self.depth() >= depth:
            self.step()

    def forward(self, until: Callable[[int], bool] | None = None) -> int | None:
        """To the next place where a break holds, or `until`; the number of the break, if it is one."""
        return self._go(1, until)

    def backward(self) -> int | None:
        """To the place before this one where a break holds, else to the beginning."""
        return self._go(-1, None)

    def _go(self, by: int, until: Callable[[int], bool] | None) -> int | None:
        while True:
            start = self.at
            self.step(by)
            if self.ended or self.at == start:
                return None
            if until is not None and until(self.at):
                return None
            for number, breakpoint_ in self.breaks.items():
                if breakpoint_.holds(self.at):
                    return number
            if self.at == self.first and by < 0:
                return None

    def pass_break(self, step: Step) -> int | None:
        """The number of the break that holds at a step of the backward pass; none holds at literals."""
        if not self.tape.varies[step.node]:
            return None
        return next((number for number, each in self.breaks.items() if each.holds_in_pass(step)), None)

    def starts_line(self, k: int, number: int) -> bool:
        """Whether event `k` is the first of a run of them on a line of the program's own file."""
        line = self._line_of(k)
        return line == number and (k == 0 or self._line_of(k - 1) != number)

    def _line_of(self, k: int) -> int | None:
        span = self.events[k].span
        return span.line if span.source is self.source and self.events[k].kind not in ("input", "return") else None

    def called(self, k: int) -> str | None:
        """The function that event `k` calls; None where it is no call."""
        event = self.events[k]
        return self._log.scopes[event.scope].function if event.kind == "call" else None

    @property
    def functions(self) -> list[str]:
        """The functions that the run has called, in the order of their first calls."""
        return list(dict.fromkeys(scope.function for scope in self._log.scopes[1:]))

    @property
    def lines(self) -> list[int]:
        """The lines of the program's own file that ran, in order."""
        return sorted({line for k in range(self.first, len(self.events)) if (line := self._line_of(k)) is not None})

    def nodes_before(self, k: int) -> range:
        """The nodes that the event in front of `k` made."""
        return range(self.events[k - 2].nodes if k > 1 else 0, self.events[k - 1].nodes) if k else range(0)

    # ---- looking

    def scope(self) -> int:
        """The call that the place lies in."""
        if self.ended:
            return 0
        event = self.events[self.at]
        return self._log.scopes[event.scope].parent if event.kind == "call" else event.scope

    def calls(self) -> list[str]:
        """The functions around the place, the innermost first."""
        functions: list[str] = []
        scope = self.scope()
        while scope > 0:
            functions.append(self._log.scopes[scope].function)
            scope = self._log.scopes[scope].parent
        return functions

    def variables(self, scope: int | None = None) -> dict[str, Value | Structure]:
        """The values of the names that are bound at this place, in its call."""
        scope_number = self.scope() if scope is None else scope
        names: dict[str, Value | Structure] = {}
        for event in self.events[: self.at]:
            if event.scope == scope_number and event.kind != "return":
                names.update(event.names)
        return names

    @property
    def names(self) -> list[str]:
        """The names that expressions at this place may use."""
        return sorted({**self.variables(0), **self.variables()})

    def position(self, i: int) -> str:
        """The line that a node was made by: `line 3`, or `lib.cg:3` of another file."""
        row = self.tape.span[i]
        if row == NONE:
            return "no line"
        span = self.tape.spans[row]
        return f"line {span.line}" if span.source is self.source else f"{span.source.name}:{span.line}"

    def value(self, name: str, x: Any) -> Any:
        return event_value(x, self.tape.v)

    def evaluate(self, text: str) -> Any:
        """The value of an expression over the variables of the place: a number, an array, or a text for other data.

        Raises CgError for a mistake in it and for errors of its evaluation.
        """
        try:
            return event_value(self._evaluated(text, "print"), self.tape.v)
        finally:
            self.tape.truncate(self.size)

    def slope(self, of: str, by: str) -> Any:
        """The derivative of one value by another, as far as the run has come. Raises CgError."""
        try:
            y, x = self._evaluated(of, "grad"), self._evaluated(by, "grad")
            for text, value in ((of, y), (by, x)):
                if not isinstance(value, Value) or not value.type.has_derivative:
                    raise error("no-slope", status=1, text=text)
            assert isinstance(x, Value)
            assert isinstance(y, Value)
            result = derivative(y.region, y, x)
            return 0.0 if result is None else event_value(result, self.tape.v)
        finally:
            self.tape.truncate(self.size)

    def _evaluated(self, text: str, source_name: str) -> Value | Structure:
        names = {**self.variables(0), **self.variables()}
        return self._execution.evaluate(Source(source_name, text), names)

    @property
    def computed(self) -> int:
        """How many nodes the run has computed so far."""
        return self.events[self.at - 1].nodes if self.at else 0

    @property
    def graph(self) -> Graph:
        """The graph of the whole run; one that was stopped has no outputs."""
        return self.tape.freeze(()) if self.recorded is None else self.recorded.graph

    def evaluation(self, *, whole: bool = False) -> Evaluation:
        """The graph of the run so far, with its values, and in the backward pass the derivatives that are complete.
        whole: the graph of the whole run."""
        size = self.size if whole else self.computed
        graph = self.graph if whole else select(self.tape.freeze(()), list(range(size)))
        v, backward_pass = self.tape.v[:size], self.backward_pass
        if backward_pass is None:
            return Evaluation(graph, v)
        adjoints: list[Any] = [None] * size
        partials: dict[int, tuple[float | None, ...]] = {}
        for step in backward_pass.steps:
            adjoints[step.node] = step.derivative
        for i in range(backward_pass.of + 1):  # also those within what a picture shows as one
            each = partials_on_numbers(graph, v, i)
            if each is not None:
                partials[i] = each
        return Evaluation(graph, v, backward_pass.of, adjoints, partials)

    def begin_backward(self, name: str) -> BackwardPass:
        """Sets `backward_pass` at its beginning, from a number. Raises CgError for what is no float."""
        self.backward_pass = self._back_from(name)
        return self.backward_pass

    def _back_from(self, name: str, *, tensors: bool = False) -> BackwardPass:
        value = self._evaluated(name, "backward")
        if not isinstance(value, Value) or not value.type.has_derivative or (value.type.shape and not tensors):
            raise error("no-slope", status=1, text=name)
        if value.node >= self.size:
            self.tape.truncate(self.size)
            raise error("not-on-record", status=1, text=name)
        return BackwardPass(self.tape.freeze(()), self.tape.v, value.node)

    def steepest(self, name: str) -> tuple[int, list[float]]:
        """The node of a value at the end of the run, and by node the largest magnitude of its derivative by that; 0 for
        literals and the value itself. A tensor has no derivatives. Raises CgError for what is no float.
        """
        at, self.at = self.at, len(self.events)
        try:
            backward_pass = self._back_from(name, tensors=True)
        finally:
            self.at = at
        if isinstance(t := self.tape.type_of(backward_pass.of), Type) and t.shape:
            return backward_pass.of, [0.0] * self.size
        while backward_pass.step() is not None:
            pass
        magnitudes = [magnitude(backward_pass.derivatives.get(i)) for i in range(self.size)]
        return backward_pass.of, [
            0.0 if i == backward_pass.of or not self.tape.varies[i] else g for i, g in enumerate(magnitudes)
        ]

    def holds_any(self, i: int, condition: Callable[[Any], Any]) -> bool:
        """Whether the condition holds for the value of a node that is a float, or for an element of it."""
        t, x = self.tape.type_of(i), self.tape.v[i]
        if not isinstance(t, Type) or not t.is_float or x is None:
            return False
        return bool(condition(x).any()) if t.shape else bool(condition(x))


def magnitude(g: Any) -> float:
    """The largest magnitude among the elements of a derivative; 0 for None."""
    if g is None:
        return 0.0
    return float(abs(g).max()) if getattr(g, "size", 0) else abs(g) if isinstance(g, (int, float)) else 0.0
