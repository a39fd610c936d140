"""The commands of `cg step`: each is a method that gives the lines to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cgcli.analysis.backward_pass import BackwardPass, Step
from cgcli.cli.render import picture_kind
from cgcli.cli.targets import Files
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.suggest import nearest
from cgcli.files.writing import write_atomic
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.program.stepping import Breakpoint, Walk
from cgcli.render.draw import render as draw
from cgcli.render.escape import show
from cgcli.render.node_table import definition, reference
from cgcli.render.report import text as report
from cgcli.render.trace import text, value

AROUND = 3  # lines of the program in front of the place and behind it
MANY = 100_000  # steps at once

HELP = """step [N], s        the next line, into calls; N of them
next, n            the next line, over calls
out, o             to the end of this call
back [N], b        one line back; N of them
continue, c        to the next break, or to the end
rewind, r          back to the last break, or to the beginning
to LINE            to a line of the program
break LINE [if EXPRESSION]
break if EXPRESSION | break nan | break grad NAME > T
                   stop there from now on; without anything: lists what stops
clear N            stops there no more
watch EXPRESSION   shows it at each stop
print EXPRESSION, p
                   any expression over the variables of this place
grad Y X           the derivative of Y by X, as far as the run has come
vars, v            the variables of this call
where, w           the calls around this place
list, l            the program around this place
draw FILE          the graph so far, as a picture
backward NAME      into the backward pass from NAME: step, back and continue go through it; leave ends it
quit, q            ends"""


class Quit(Exception):
    """The user has had enough."""


class Stepper:
    """Takes a line of commands at a time. `run` gives what to print; raises Quit."""

    def __init__(self, walk: Walk, precision: int | None = None, read: Files | None = None) -> None:
        """read: the files that `draw` writes over none of."""
        self.walk = walk
        self.read = read
        self.precision = precision
        self.watched: list[str] = []
        self.pass_: BackwardPass | None = None
        self._numbers = 0

    def greeting(self) -> Iterator[str]:
        ran = len(self.walk.events) - self.walk.first
        yield f"{show(self.walk.source.name)}: {ran} lines ran; `help` lists the commands"
        for k in range(self.walk.first):
            yield text(self.walk.line(k), self.precision)
        yield from self._here()

    def run(self, line: str) -> Iterator[str]:
        """Raises CgError for what is wrong with a command."""
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return
        name = ALIASES.get(word, word)
        commands = BACKWARD if self.pass_ is not None else FORWARD
        if name not in commands:
            elsewhere = name if name in FORWARD else None
            near = None if elsewhere else nearest(word, list(commands))
            raise error("unknown-step", name=show(word), nearest=near, elsewhere=elsewhere)
        yield from getattr(self, f"_{name}")(rest.strip())

    def complain(self, problem: CgError) -> str:
        """What is wrong with a command, in words; it stops nothing."""
        return report(problem.diagnostics).rstrip("\n")

    # ---- where one is

    def _here(self) -> Iterator[str]:
        """The line that comes next, and what is watched."""
        if self.walk.ended:
            yield from self._end()
        else:
            line = self.walk.line(self.walk.at)
            yield f">{text(line, self.precision)[1:LONGEST]}".rstrip()
        for expression in self.watched:
            yield f"      {show(expression)} = {self._told(expression)}"

    def _end(self) -> Iterator[str]:
        if self.walk.failure is not None:
            yield report(self.walk.failure.diagnostics).rstrip("\n")
            yield "the run was stopped here; `back` goes back"
            return
        yield "the run has come to its end; `back` goes back, `backward NAME` into the backward pass"

    def _told(self, expression: str) -> str:
        try:
            return show(value(self.walk.evaluate(expression), self.precision))
        except CgError:
            return "not here"

    def _past(self, before: int) -> Iterator[str]:
        """The lines that ran between a place and this one, then this one."""
        for k in range(before, min(self.walk.at, before + 1)):
            yield text(self.walk.line(k), self.precision)
        yield from self._here()

    # ---- moving

    def _step(self, rest: str) -> Iterator[str]:
        if self.pass_ is not None:
            yield from self._pass_step(_count(rest))
            return
        for _ in range(_count(rest)):
            if self.walk.ended:
                break
            yield text(self.walk.line(self.walk.at), self.precision)
            self.walk.step()
        yield from self._here()

    def _next(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        if not self.walk.ended:
            self.walk.over()
            yield text(self.walk.line(self.walk.at - 1), self.precision)
        yield from self._here()

    def _out(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        if not self.walk.ended:
            self.walk.out()
            yield text(self.walk.line(self.walk.at - 1), self.precision)
        yield from self._here()

    def _back(self, rest: str) -> Iterator[str]:
        count = _count(rest)
        if self.pass_ is not None:
            for _ in range(count):
                if not self.pass_.back():
                    break
            yield from self._pass_here()
            return
        self.walk.step(-count)
        yield from self._here()

    def _continue(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        if self.pass_ is not None:
            yield from self._pass_step(None)
            return
        number = self.walk.forward()
        yield from self._stopped(number)

    def _rewind(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        yield from self._stopped(self.walk.backward())

    def _to(self, rest: str) -> Iterator[str]:
        line = _whole(rest)
        number = self.walk.forward(lambda k: self.walk.starts_line(k, line))
        yield from self._stopped(number)

    def _stopped(self, number: int | None) -> Iterator[str]:
        if number is not None:
            yield f"break {number}: {show(self.walk.breaks[number].about)}"
        yield from self._here()

    # ---- breaks

    def _break(self, rest: str) -> Iterator[str]:
        if not rest:
            for number, each in self.walk.breaks.items():
                yield f"{number:>4}  {show(each.about)}"
            if not self.walk.breaks:
                yield "nothing stops the run; `break LINE` does"
            return
        made = self._made_break(rest)
        self._numbers += 1
        self.walk.breaks[self._numbers] = made
        yield f"break {self._numbers}: {show(made.about)}"

    def _made_break(self, rest: str) -> Breakpoint:
        walk = self.walk
        if rest == "nan":
            return Breakpoint("a value that is no number", lambda k: any(walk.broken(i) for i in walk.nodes_before(k)))
        steep = re.fullmatch(r"grad\s+(\S+)\s*>\s*(\S+)", rest)
        if steep is not None:
            name, limit = steep[1], float(walk.evaluate(steep[2]))
            at, walk.at = walk.at, len(walk.events)
            try:
                slopes = walk.steepest(name)
            finally:
                walk.at = at
            about = f"|d{name}/d…| > {value(limit, self.precision)}"
            return Breakpoint(about, lambda k: any(slopes[i] > limit for i in walk.nodes_before(k)))
        place, _, condition = rest.partition("if ")
        condition = condition.strip()
        line = _whole(place.strip()) if place.strip() else None
        if line is None and not condition:
            raise error("bad-break", text=show(rest))

        def holds(k: int) -> bool:
            if line is not None and not walk.starts_line(k, line):
                return False
            try:
                return not condition or walk.evaluate(condition) is True
            except CgError:
                return False  # what it asks about is not there

        where = "" if line is None else f"line {line}"
        return Breakpoint(" ".join(x for x in (where, f"if {condition}" if condition else "") if x), holds)

    def _clear(self, rest: str) -> Iterator[str]:
        number = _whole(rest)
        if self.walk.breaks.pop(number, None) is None:
            raise error("no-such-break", number=number, known=[str(n) for n in self.walk.breaks] or None)
        yield f"cleared {number}"

    # ---- looking

    def _watch(self, rest: str) -> Iterator[str]:
        if not rest:
            raise error("step-needs", name="watch", what="an expression")
        self.watched.append(rest)
        yield f"      {show(rest)} = {self._told(rest)}"

    def _print(self, rest: str) -> Iterator[str]:
        if not rest:
            raise error("step-needs", name="print", what="an expression")
        yield show(value(self.walk.evaluate(rest), self.precision))

    def _grad(self, rest: str) -> Iterator[str]:
        words = rest.split()
        if len(words) != 2:
            raise error("step-needs", name="grad", what="two values, as in `grad y x`")
        yield f"d{show(words[0])}/d{show(words[1])} = {show(value(self.walk.slope(*words), self.precision))}"

    def _vars(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        found = self.walk.variables()
        for name, x in found.items():
            yield f"  {show(name)} = {show(value(self.walk.value(name, x), self.precision))}"
        if not found:
            yield "no variables yet"

    def _where(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        for name in self.walk.calls():
            yield f"  in {show(name)}"
        yield f"  in {show(self.walk.source.name)}"

    def _list(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        lines = self.walk.source.text.splitlines()
        here = 0 if self.walk.ended else self.walk.line(self.walk.at).line
        first = max(1, (here or len(lines)) - AROUND)
        for number in range(first, min(len(lines), (here or len(lines)) + AROUND) + 1):
            yield f"{'>' if number == here else ' '}{number:>4}  {show(lines[number - 1])}".rstrip()

    def _draw(self, rest: str) -> Iterator[str]:
        if not rest:
            raise error("step-needs", name="draw", what="a file, as in `draw so_far.svg`")
        kind = picture_kind(rest)
        if self.read is not None:
            self.read.check("draw", rest)
        graph, v = self.walk.graph()
        if not len(graph):
            raise error("nothing-to-compute", name=self.walk.source.name)
        write_atomic(rest, draw(graph, Evaluation(graph, v), kind).data)
        yield f"wrote {show(rest)}"

    def _help(self, rest: str) -> Iterator[str]:
        yield HELP

    def _quit(self, rest: str) -> Iterator[str]:
        raise Quit
        yield  # a generator like the others

    # ---- the backward pass

    def _backward(self, rest: str) -> Iterator[str]:
        if self.pass_ is not None:
            raise error("step-needs", name="backward", what="to be left first, by `leave`")
        name = rest or (self.walk.outputs[0] if len(self.walk.outputs) == 1 else "")
        if not name:
            raise error("step-needs", name="backward", what="a value, as in `backward y`")
        self.pass_ = self.walk.back_from(name)
        yield f"backward from {show(name)}: its derivative by itself is 1; `step` goes on, `leave` goes back to the run"

    def _leave(self, rest: str) -> Iterator[str]:
        _nothing(rest)
        self.pass_ = None
        yield from self._here()

    def _pass_step(self, count: int | None) -> Iterator[str]:
        """So many steps of the backward pass; all that are left for None, then the derivatives by the inputs."""
        assert self.pass_ is not None
        graph = self.pass_.graph
        left = MANY if count is None else count
        while left and (made := self.pass_.step()) is not None:
            left -= 1
            if count is not None:
                yield from self._step_lines(graph, made)
        if left:
            yield "the backward pass has come to its end"
            for i in graph.inputs:
                if i in self.pass_.derivatives:
                    yield f"  by {self._name(graph, i)}: {self._number(self.pass_.derivatives[i])}"

    def _pass_here(self) -> Iterator[str]:
        assert self.pass_ is not None
        if self.pass_.steps:
            yield from self._step_lines(self.pass_.graph, self.pass_.steps[-1])
        else:
            yield "at the beginning of the backward pass"

    def _step_lines(self, graph: Graph, made: Step) -> Iterator[str]:
        """A node, its derivative, and what it hands to each operand."""
        yield f"{show(definition(graph, made.node)):<40}  derivative {self._number(made.derivative)}"
        for each in made.gives:
            product = self._number(each.product)
            if each.partial is not None:
                product = f"{self._number(each.partial)} · {self._number(made.derivative)} = {product}"
            yield f"    by {self._name(graph, each.operand)}: {product}, sum {self._number(each.total)}"

    def _name(self, graph: Graph, i: int) -> str:
        return show(reference(graph, i))

    def _number(self, x: Any) -> str:
        return show(value(x, self.precision))


LONGEST = 50
FORWARD = frozenset(
    "step next out back continue rewind to break clear watch print grad vars where list draw backward help quit".split()
)
BACKWARD = frozenset("step back continue leave print grad vars where list help quit backward".split())
SHORT = "step next out back continue rewind print vars where list quit help"
ALIASES = {name[0]: name for name in SHORT.split()} | {"into": "step"}


def _count(rest: str) -> int:
    return _whole(rest) if rest else 1


def _whole(text_: str) -> int:
    if not (text_.isascii() and text_.isdigit() and int(text_[:9]) > 0 and len(text_) < 10):
        raise error("step-count", text=show(text_) or "nothing")
    return min(int(text_), MANY)


def _nothing(rest: str) -> None:
    if rest:
        raise error("step-extra", text=show(rest))
