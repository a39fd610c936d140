"""The commands of `cg step`: a method for each, which yields the lines to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cgcli.cli.output import write_picture
from cgcli.cli.targets import ReadFiles
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.escape import show
from cgcli.diagnostics.report import text as report
from cgcli.diagnostics.suggest import nearest
from cgcli.program.breakpoints import CONDITIONS, parse_breakpoint
from cgcli.program.stepping import RunCursor
from cgcli.render.node_table import OperationTable
from cgcli.render.trace import text, value

if TYPE_CHECKING:
    from cgcli.program.run_pictures import RunPictures

CONTEXT_LINES = 3  # of the program before the current line and after it
MOST_STEPS = 100_000  # of one command

HELP = """step [N], s        the next line, into calls; N of them
next, n            the next line, over calls
out, o             to the end of this call
back [N], b        one line back; N of them
continue, c        to the next break, or to the end
rewind, r          back to the last break, or to the beginning
to LINE            to a line of the program
break LINE [if EXPRESSION] | break if EXPRESSION | break FUNCTION
                   stop there from now on; break alone lists what stops
break nan | break inf | break grad NAME > T
                   stop where a value is so, or where the derivative of NAME by it is larger;
                   in the backward pass where a derivative is
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
quit, q            ends

At a terminal Tab completes, and Enter alone repeats the last command, unless it was one of
break, clear, watch, draw, backward, leave."""


class Quit(Exception):
    """Raised by the command `quit`."""


class Stepper:
    """The interpreter of commands. `run` yields the lines to print; raises Quit."""

    def __init__(self, walk: RunCursor, precision: int | None = None, read_files: ReadFiles | None = None) -> None:
        """read_files: the files that `draw` must not overwrite."""
        self.walk = walk
        self.read_files = read_files
        self.precision = precision
        self.watched: list[str] = []
        self.repeated = ""  # the last command, if it may be repeated
        self._numbers = 0
        self._pictures: RunPictures | None = None
        self._operations: OperationTable | None = None  # of the backward pass that is under way

    def greeting(self) -> Iterator[str]:
        ran = len(self.walk.events) - self.walk.first
        yield f"{show(self.walk.source.name)}: {ran} lines ran; `help` lists the commands"
        for k in range(self.walk.first):
            yield text(self.walk.line(k), self.precision)
        yield from self._position()

    def run(self, line: str) -> Iterator[str]:
        """Runs a command. Raises CgError for an invalid one."""
        word, _, argument = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return
        name = ALIASES.get(word, word)
        self.repeated = ""
        if name not in self.commands:
            forward = name if name in FORWARD else None
            suggestion = None if forward else nearest(word, list(self.commands))
            raise error("unknown-step", name=show(word), nearest=suggestion, elsewhere=forward)
        yield from getattr(self, f"_{name}")(argument.strip())
        self.repeated = "" if name in ONCE else line

    @property
    def commands(self) -> frozenset[str]:
        """Those of this place."""
        return FORWARD if self.walk.backward_pass is None else BACKWARD

    def completions(self, before: str, word: str) -> list[str]:
        """What may stand for the word that begins so, behind that part of a command."""
        command, *others = before.split() or [""]
        if not command:
            offers = sorted(self.commands)
        elif ALIASES.get(command, command) not in self.commands:
            offers = []
        else:
            offers = self._arguments(ALIASES.get(command, command), others)
        return [offer for offer in offers if offer.startswith(word)]

    def _arguments(self, name: str, before: list[str]) -> list[str]:
        """What may follow these words of a command."""
        walk = self.walk
        if name == "to":
            return [] if before else list(map(str, walk.lines))
        if name == "clear":
            return [] if before else list(map(str, walk.breaks))
        if name == "break" and not before:
            return [*CONDITIONS, *walk.functions, *map(str, walk.lines)]
        if name in ("backward", "grad") or before[:1] == ["grad"]:
            return walk.names
        return [*walk.names, *walk.functions] if name in ("print", "watch", "break") else []

    def complain(self, problem: CgError) -> str:
        """The report of an error in a command."""
        return report(problem.diagnostics).rstrip("\n")

    # ---- the current line

    def _position(self) -> Iterator[str]:
        """The line that runs next, and the watched expressions."""
        if self.walk.ended:
            yield from self._end()
        else:
            line = self.walk.line(self.walk.at)
            yield f">{text(line, self.precision)[1:LINE_WIDTH]}".rstrip()
        for expression in self.watched:
            yield f"      {show(expression)} = {self._evaluated(expression)}"

    def _end(self) -> Iterator[str]:
        if self.walk.failure is not None:
            yield report(self.walk.failure.diagnostics).rstrip("\n")
            yield "the run was stopped here; `back` goes back"
            return
        yield "the run has come to its end; `back` goes back, `backward NAME` into the backward pass"

    def _evaluated(self, expression: str) -> str:
        try:
            return show(value(self.walk.evaluate(expression), self.precision))
        except CgError:
            return "not here"

    # ---- moving

    def _step(self, argument: str) -> Iterator[str]:
        if self.walk.backward_pass is not None:
            yield from self._pass_step(_count(argument))
            return
        for _ in range(_count(argument)):
            if self.walk.ended:
                break
            yield text(self.walk.line(self.walk.at), self.precision)
            self.walk.step()
        yield from self._position()

    def _next(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        if not self.walk.ended:
            self.walk.over()
            yield text(self.walk.line(self.walk.at - 1), self.precision)
        yield from self._position()

    def _out(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        if not self.walk.ended:
            self.walk.out()
            yield text(self.walk.line(self.walk.at - 1), self.precision)
        yield from self._position()

    def _back(self, argument: str) -> Iterator[str]:
        count = _count(argument)
        if self.walk.backward_pass is not None:
            for _ in range(count):
                if not self.walk.backward_pass.back():
                    break
            yield from self._pass_here()
            return
        self.walk.step(-count)
        yield from self._position()

    def _continue(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        if self.walk.backward_pass is not None:
            yield from self._pass_step(None)
            return
        number = self.walk.forward()
        yield from self._stopped(number)

    def _rewind(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        yield from self._stopped(self.walk.backward())

    def _to(self, argument: str) -> Iterator[str]:
        line = _whole(argument)
        number = self.walk.forward(lambda k: self.walk.starts_line(k, line))
        yield from self._stopped(number)

    def _stopped(self, number: int | None) -> Iterator[str]:
        if number is not None:
            yield f"break {number}: {show(self.walk.breaks[number].about)}"
        yield from self._position()

    # ---- breaks

    def _break(self, argument: str) -> Iterator[str]:
        if not argument:
            for number, break_ in self.walk.breaks.items():
                yield f"{number:>4}  {show(break_.about)}"
            if not self.walk.breaks:
                yield "nothing stops the run; `break LINE` does"
            return
        break_ = parse_breakpoint(self.walk, argument)
        self._numbers += 1
        self.walk.breaks[self._numbers] = break_
        yield f"break {self._numbers}: {show(break_.about)}"

    def _clear(self, argument: str) -> Iterator[str]:
        number = _whole(argument)
        if self.walk.breaks.pop(number, None) is None:
            raise error("no-such-break", number=number, numbers=[str(n) for n in self.walk.breaks] or None)
        yield f"cleared {number}"

    # ---- looking

    def _watch(self, argument: str) -> Iterator[str]:
        if not argument:
            raise error("step-needs", name="watch", what="an expression")
        self.watched.append(argument)
        yield f"      {show(argument)} = {self._evaluated(argument)}"

    def _print(self, argument: str) -> Iterator[str]:
        if not argument:
            raise error("step-needs", name="print", what="an expression")
        yield show(value(self.walk.evaluate(argument), self.precision))

    def _grad(self, argument: str) -> Iterator[str]:
        words = argument.split()
        if len(words) != 2:
            raise error("step-needs", name="grad", what="two values, as in `grad y x`")
        yield f"d{show(words[0])}/d{show(words[1])} = {show(value(self.walk.slope(*words), self.precision))}"

    def _vars(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        variables = self.walk.variables()
        for name, x in variables.items():
            yield f"  {show(name)} = {show(value(self.walk.value(name, x), self.precision))}"
        if not variables:
            yield "no variables yet"

    def _where(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        for name in self.walk.calls():
            yield f"  in {show(name)}"
        yield f"  in {show(self.walk.source.name)}"

    def _list(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        lines = self.walk.source.text.splitlines()
        current = 0 if self.walk.ended else self.walk.line(self.walk.at).line
        first = max(1, (current or len(lines)) - CONTEXT_LINES)
        for number in range(first, min(len(lines), (current or len(lines)) + CONTEXT_LINES) + 1):
            yield f"{'>' if number == current else ' '}{number:>4}  {show(lines[number - 1])}".rstrip()

    def _draw(self, argument: str) -> Iterator[str]:
        if not argument:
            raise error("step-needs", name="draw", what="a file, as in `draw so_far.svg`")
        from cgcli.program.run_pictures import RunPictures  # for this command alone
        from cgcli.render.picture.drawing import picture_kind

        kind = picture_kind(argument)
        if self.read_files is not None:
            self.read_files.check("draw", argument)
        self._pictures = self._pictures or RunPictures(self.walk)
        write_picture(argument, self._pictures.draw(kind).data)
        yield f"wrote {show(argument)}"

    def _help(self, argument: str) -> Iterator[str]:
        yield HELP

    def _quit(self, argument: str) -> Iterator[str]:
        raise Quit
        yield  # a generator like the others

    # ---- the backward pass

    def _backward(self, argument: str) -> Iterator[str]:
        if self.walk.backward_pass is not None:
            raise error("step-needs", name="backward", what="to be left first, by `leave`")
        name = argument or (self.walk.outputs[0] if len(self.walk.outputs) == 1 else "")
        if not name:
            raise error("step-needs", name="backward", what="a value, as in `backward y`")
        backward_pass = self.walk.begin_backward(name)
        self._operations = OperationTable(backward_pass.graph)
        yield f"backward from {show(name)}: its derivative by itself is 1; `step` goes on, `leave` goes back to the run"

    def _leave(self, argument: str) -> Iterator[str]:
        _no_argument(argument)
        self.walk.backward_pass = None
        yield from self._position()

    def _pass_step(self, count: int | None) -> Iterator[str]:
        """`count` steps of the backward pass; for None all that are left, then the derivatives by the inputs."""
        backward_pass, operations = self.walk.backward_pass, self._operations
        assert backward_pass is not None
        assert operations is not None
        left = MOST_STEPS if count is None else count
        while left and (step := backward_pass.step()) is not None:
            left -= 1
            number = self.walk.pass_break(step) if count is None else None
            if number is not None:
                yield f"break {number}: {show(self.walk.breaks[number].about)}, {self.walk.position(step.node)}"
                yield from self._pass_here()
                return
            if count is not None:
                yield from self._pass_here()
        if left:
            yield "the backward pass has come to its end"
            for i in backward_pass.graph.inputs:
                if i in backward_pass.derivatives:
                    name = show(operations.reference(i))
                    yield f"  by {name}: {self._number(backward_pass.derivatives[i])}"

    def _pass_here(self) -> Iterator[str]:
        """The operation that had its turn last, its derivative, and its contributions to its operands."""
        backward_pass, operations = self.walk.backward_pass, self._operations
        assert backward_pass is not None
        assert operations is not None
        if not backward_pass.steps:
            yield "at the beginning of the backward pass"
            return
        step = backward_pass.steps[-1]
        yield f"{show(operations.definition(step.node)):<40}  derivative {self._number(step.derivative)}"
        for edge in step.edges:
            product = self._number(edge.product)
            if edge.partial is not None:
                product = f"{self._number(edge.partial)} · {self._number(step.derivative)} = {product}"
            yield f"    by {show(operations.reference(edge.operand))}: {product}, sum {self._number(edge.total)}"

    def _number(self, x: Any) -> str:
        return show(value(x, self.precision))


LINE_WIDTH = 50
FORWARD = frozenset(
    "step next out back continue rewind to break clear watch print grad vars where list draw backward help quit".split()
)
BACKWARD = frozenset("step back continue leave break clear print grad vars where list draw help quit backward".split())
ONCE = frozenset("break clear watch draw backward leave".split())
"""The commands that Enter alone does not repeat."""
SHORT = "step next out back continue rewind print vars where list quit help"
ALIASES = {name[0]: name for name in SHORT.split()} | {"into": "step"}


def _count(argument: str) -> int:
    return _whole(argument) if argument else 1


def _whole(text_: str) -> int:
    if not (text_.isascii() and text_.isdigit() and int(text_[:9]) > 0 and len(text_) < 10):
        raise error("step-count", text=show(text_) or "nothing")
    return min(int(text_), MOST_STEPS)


def _no_argument(argument: str) -> None:
    if argument:
        raise error("step-extra", text=show(argument))
