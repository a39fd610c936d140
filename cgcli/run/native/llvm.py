"""Loop nests in LLVM's intermediate representation: statements and control.

A module has one function `i64 nest(ptr buffers, ptr sizes, i64 begin, i64 end, ptr controls, ptr routines)` and helpers
of its own; it calls nothing outside but what `controls` and `routines` hand it. buffers: the addresses of the caller's
arrays in the order of the nest; sizes: its sizes; `[begin, end)`: the part of each `chunk` loop. controls: the stop
flag, the functions that allocate and free memory, the bytes that local buffers may have (`local_memory`). routines: the
functions of `calls.ROUTINES`. It returns 0 or a status of the form.

LLVM may spill vectors to a stack that is aligned to 16 bytes only, where they cross cache lines in some processes and
not in others; `alignstack(64)` prevents that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgcli.loop_nests.form import (
    PARTIALS,
    Allocate,
    Apply,
    Buffer,
    Call,
    Check,
    Const,
    For,
    Function,
    Load,
    LoopNest,
    ScalarType,
    Statement,
    Store,
    Switch,
    While,
    statements,
)
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.primitives import FUNCTIONS

from . import calls, memory, vectors
from .fits import expanded, lanes_of
from .platform_functions import PREFIX
from .scope import Scope
from .work import MOST_STEPS, period, weight
from .writer import BYTES, LLVM, STORED, Phi, literal, type_of

_PARAMETERS = "ptr %buffers, ptr %sizes, i64 %begin, i64 %end, ptr %controls, ptr %routines"
LONG = 500
"""The number of statements, those of functions included, of a nest that calls its functions. In a shorter one they are
written in place, which runs faster; the time in which LLVM compiles a body grows faster than its length. One that calls
routines, which take most of its time, calls them, too."""
_ATTRIBUTES = 'alignstack(64) nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512"'


def llvm_module(nest: LoopNest, features: str = "", platform: bool = False) -> str:
    """The text of a module with the nest as its function. Raises Unsupported.

    features: those of the processor (`+avx512f,…`). Its instructions change the time, no bit of a result. platform:
    whether functions are those of the platform (`platform_functions`), not those of the form; without vector loops.
    """
    return _Printer(nest, frozenset(features.split(",")), platform=platform).module()


def argument_buffers(nest: LoopNest) -> list[str]:
    """The buffers whose arrays the caller hands over, in the order of their addresses."""
    return [name for name, buffer in nest.buffers.items() if buffer.role not in ("local", "const")]


def calls_of(nest: LoopNest) -> list[Call]:
    """The calls of a nest; their numbers are those by which machine code names them."""
    return [s for s in statements(nest.body) if isinstance(s, Call)]


class _Printer:
    """called: whether functions are called; platform: whether they are those of the platform."""

    def __init__(
        self, nest: LoopNest, features: frozenset[str], called: bool | None = None, platform: bool = False
    ) -> None:
        self.nest, self.platform = nest, platform
        self.c = Scope(nest, features)
        self.w = self.c.w
        self.numbers = {id(s): n for n, s in enumerate(calls_of(nest))}
        self.called = bool(self.numbers) or expanded(nest.body) > LONG if called is None else called

    def module(self) -> str:
        c, w, nest = self.c, self.w, self.nest
        constants = []
        for n, (name, buffer) in enumerate(nest.buffers.items()):
            if buffer.role == "const":
                constants.append(f"@c{n} = internal constant {_table(buffer)}, align 64")
                c.pointers[name] = f"@c{n}"
            elif buffer.role == "local":
                c.local[name] = w.slot("{ptr, i64, i64}", "zeroinitializer")
        for n, name in enumerate(argument_buffers(nest)):
            c.pointers[name] = w.define(
                f"load ptr, ptr {w.define(f'getelementptr ptr, ptr %buffers, i64 {n}')}, align 8"
            )
        for n, value in enumerate(nest.sizes.values()):
            at = w.define(f"getelementptr i64, ptr %sizes, i64 {n}")
            c.put(value, w.define(f"load i64, ptr {at}, align 8"))
        self.block(nest.body)
        status = w.finish()
        memory.release(c)
        w.line(f"ret i64 {status}")
        used = ["  %used = alloca i64", "  store i64 0, ptr %used"] if c.local else []
        return "\n".join(
            [
                *constants,
                *w.declarations,
                *w.helpers.values(),
                f"define i64 @nest({_PARAMETERS}) {_ATTRIBUTES} {{",
                "entry:",
                *used,
                *w.slots,
                *w.lines,
                "}",
                '!0 = !{!"branch_weights", i32 4000, i32 1}',
                "",
            ]
        )

    def block(self, body: Sequence[Statement]) -> None:
        c = self.c
        for s in body:
            match s:
                case Const():
                    c.put(s.result, literal(s.value, s.result.type))
                case Apply():
                    self.apply(s)
                case Load():
                    memory.load(c, s)
                case Store():
                    memory.store(c, s)
                case For():
                    self.loop(s)
                case While():
                    self.while_(s)
                case Switch():
                    self.switch(s)
                case Check():
                    wide = s.condition in c.wide
                    (c.check_lanes if wide else c.check)(c.get(s.condition), s.node * 16 + s.code)
                case Allocate():
                    memory.allocate(c, s.buffer)
                case Call():
                    calls.call(c, s, self.numbers[id(s)])

    def apply(self, s: Apply) -> None:
        c = self.c
        wide = any(x in c.wide for x in s.operands)
        numbers = c.arithmetic(wide)
        texts = [c.get(x, wide) for x in s.operands]
        types = [x.type for x in s.operands]
        if s.primitive in FUNCTIONS:
            texts = [numbers.convert(x, t, "f64", -1) for x, t in zip(texts, types, strict=True)]
            result, wide = self.function(s.primitive, texts, wide)
            text = c.arithmetic(wide).convert(result, "f64", s.result.type, -1)
        else:
            text = numbers.apply(s.primitive, texts, types, s.result.type, s.node)
        c.put(s.result, text, wide)

    def function(self, name: str, operands: Sequence[str], wide: bool) -> tuple[str, bool]:
        """A function that is defined in the form, called or in place; whether its result is a vector.

        One with loops, which look at the stop flag of the caller, stands in place.
        """
        if self.platform:
            return self.w.call(PREFIX + name, "double", [("double", x) for x in operands]), wide
        c, function, lanes = self.c, definition(name), self.c.lanes if wide else 0
        label, type_ = f"{name}.{lanes}", type_of("f64", lanes)
        if self.called and (label in self.w.helpers or not _has_loops(function)):
            if label not in self.w.helpers:
                self.w.helpers[label] = self.defined(label, function, lanes)
            return self.w.define(f"call {type_} @{label}({', '.join(f'{type_} {x}' for x in operands)})"), wide
        for x, text in zip(function.parameters, operands, strict=True):
            c.put(x, text, wide)
        self.block(function.body)
        return c.get(function.result), function.result in c.wide

    def defined(self, label: str, function: Function, lanes: int) -> str:
        """A function of the form as one of LLVM's, in so many lanes."""
        inner = _Printer(self.nest, self.w.features, called=True)
        c, w, wide = inner.c, inner.w, bool(lanes)
        w.declarations, w.helpers = self.w.declarations, self.w.helpers
        c.lanes, c.active = lanes, str(lanes)
        for n, x in enumerate(function.parameters):
            c.put(x, f"%x{n}", wide)
        inner.block(function.body)
        type_ = type_of("f64", lanes)
        w.line(f"ret {type_} {c.get(function.result, wide)}")
        parameters = ", ".join(f"{type_} %x{n}" for n in range(len(function.parameters)))
        first = f"define internal {type_} @{label}({parameters}) noinline {_ATTRIBUTES} {{"
        return "\n".join([first, "entry:", *w.slots, *w.lines, "}"])

    # ---- control

    def bounds(self, s: For) -> tuple[str, str]:
        """The first step and the end of a loop."""
        c = self.c
        begin, end = c.extent(s.begin), c.extent(s.end)
        if s.kind != "chunk":
            return begin, end
        numbers = c.arithmetic(wide=False)
        return (
            numbers.integer("max", [begin, "%begin"], "i64", -1),
            numbers.integer("min", [end, "%end"], "i64", -1),
        )

    def loop(self, s: For) -> None:
        c = self.c
        if c.lanes:
            if not c.wide.isdisjoint((s.begin, s.end)):
                vectors.lane_by_lane(c, s, self.block)
            else:
                self.steps(s, self.bounds(s), wide=True)
            return
        bounds = self.bounds(s)
        lanes = lanes_of(s, self.nest.buffers)
        if lanes:
            vectors.vector_loop(c, s, bounds, self.block, lanes, self.polled(s, lanes))
        elif s.kind == "serial" or not s.carried:
            self.steps(s, bounds, wide=False)
        else:
            self.reduction(s, bounds)

    def polled(self, s: For, lanes: int = 1) -> int:
        """How many steps run between two looks at the stop flag, a power of two; 0 for a loop of few steps."""
        work = weight(s.body)
        if isinstance(s.begin, int) and isinstance(s.end, int) and (s.end - s.begin) * work <= MOST_STEPS * lanes:
            return 0
        return period(work)

    def counted(
        self,
        s: For,
        bounds: tuple[str, str],
        first: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
    ) -> list[str]:
        """One step after the other; what is carried at the end.

        first: the types and first values of what is carried; body: writes a step, called with the loop's variable and
        what is carried, and returns what the next step is given.
        """
        c, w = self.c, self.w
        head, on, done, entry = w.name("head"), w.name("body"), w.name("done"), w.label
        w.jump(head)
        w.start(head)
        variable = w.phi("i64", bounds[0], entry)
        carried = [w.phi(type_, text, entry) for type_, text in first]
        w.branch(w.define(f"icmp slt i64 {variable.name}, {bounds[1]}"), on, done)
        w.start(on)
        steps = self.polled(s)
        if steps:
            c.poll(variable.name, steps)
        c.put(s.variable, variable.name)
        yields = body(variable.name, [phi.name for phi in carried])
        self.repeat([variable, *carried], [w.define(f"add i64 {variable.name}, 1"), *yields], head)
        w.start(done)
        return [phi.name for phi in carried]

    def repeat(self, phis: Sequence[Phi], texts: Sequence[str], head: str) -> None:
        """Ends the body of a loop."""
        for phi, text in zip(phis, texts, strict=True):
            self.w.close(phi, text, self.w.label)
        self.w.jump(head)

    def steps(self, s: For, bounds: tuple[str, str], wide: bool) -> None:
        """A loop whose order of steps counts. wide: whether it carries vectors."""
        c = self.c

        def body(_: str, carried: list[str]) -> list[str]:
            for x, text in zip(s.carried, carried, strict=True):
                c.put(x, text, wide)
            self.block(s.body)
            return [c.get(y, wide) for y in s.yields]

        first = [(type_of(x.type, c.lanes if wide else 0), c.get(x, wide)) for x in s.initial]
        for x, text in zip(s.results, self.counted(s, bounds, first, body), strict=True):
            c.put(x, text, wide)

    def reduction(self, s: For, bounds: tuple[str, str]) -> None:
        """A vector loop as scalar code: its partial values lie on the stack."""
        c, w = self.c, self.w
        counts = [PARTIALS.get(x.type, 1) for x in s.carried]
        initial = [c.get(x) for x in s.initial]
        arrays = [w.array(STORED[x.type], n) for x, n in zip(s.carried, counts, strict=True)]
        for x, join, array, n in zip(s.carried, s.combine, arrays, counts, strict=True):
            for j in range(n):
                self.set_partial(array, str(j), x.type, vectors.neutral(join, x.type))

        def body(variable: str, _: list[str]) -> list[str]:
            step = w.define(f"sub i64 {variable}, {bounds[0]}")
            places = [w.define(f"and i64 {step}, {n - 1}") for n in counts]
            for x, array, place in zip(s.carried, arrays, places, strict=True):
                c.put(x, self.partial(array, place, x.type))
            self.block(s.body)
            for y, array, place in zip(s.yields, arrays, places, strict=True):
                self.set_partial(array, place, y.type, c.get(y))
            return []

        self.counted(s, bounds, [], body)
        numbers = c.arithmetic(wide=False)
        for n, (x, join) in enumerate(zip(s.carried, s.combine, strict=True)):
            parts = [self.partial(arrays[n], str(j), x.type) for j in range(counts[n])]
            while len(parts) > 1:
                half = len(parts) // 2
                pairs = zip(parts[:half], parts[half:], strict=True)
                parts = [numbers.apply(join, pair, [x.type, x.type], x.type) for pair in pairs]
            c.put(s.results[n], memory.combined(c, join, initial[n], parts[0], x.type, wide=False))

    def partial(self, array: str, place: str, type_: ScalarType) -> str:
        w, stored = self.w, STORED[type_]
        at = w.define(f"getelementptr {stored}, ptr {array}, i64 {place}")
        text = w.define(f"load {stored}, ptr {at}, align {BYTES[type_]}")
        return w.define(f"icmp ne i8 {text}, 0") if type_ == "bool" else text

    def set_partial(self, array: str, place: str, type_: ScalarType, text: str) -> None:
        w, stored = self.w, STORED[type_]
        at = w.define(f"getelementptr {stored}, ptr {array}, i64 {place}")
        if type_ == "bool":
            text = w.define(f"zext i1 {text} to i8")
        w.line(f"store {stored} {text}, ptr {at}, align {BYTES[type_]}")

    def while_(self, s: While) -> None:
        c, w = self.c, self.w
        if c.lanes and vectors.differs(c, s):
            vectors.lane_by_lane(c, s, self.block)
            return
        first = [c.get(x) for x in s.initial]
        head, body, done, entry = w.name("head"), w.name("body"), w.name("done"), w.label
        w.jump(head)
        w.start(head)
        count = w.phi("i64", "0", entry)
        carried = [w.phi(LLVM[x.type], text, entry) for x, text in zip(s.carried, first, strict=True)]
        for x, phi in zip(s.carried, carried, strict=True):
            c.put(x, phi.name)
        self.block(s.test)
        w.branch(c.get(s.condition), body, done)
        w.start(body)
        c.poll(count.name, period(weight(s.test) + weight(s.body)))
        self.block(s.body)
        self.repeat([count, *carried], [w.define(f"add i64 {count.name}, 1"), *map(c.get, s.yields)], head)
        w.start(done)
        for x, phi in zip(s.results, carried, strict=True):
            c.put(x, phi.name)

    def switch(self, s: Switch) -> None:
        c, w = self.c, self.w
        if s.selector in c.wide and c.lanes:
            vectors.switch(c, s, self.block)
            return
        wide, type_ = bool(c.lanes), LLVM[s.selector.type]
        done, labels = w.name("done"), [w.name("case") for _ in s.cases]
        numbers = " ".join(f"{type_} {n}, label %{label}" for n, label in enumerate(labels[:-1]))
        if s.selector.type == "bool":
            w.branch(c.get(s.selector), labels[min(1, len(labels) - 1)], labels[0])
        else:
            w.line(f"switch {type_} {c.get(s.selector)}, label %{labels[-1]} [ {numbers} ]")
        origins: list[tuple[list[str], str]] = []
        for case, label in zip(s.cases, labels, strict=True):
            w.start(label)
            self.block(case.body)
            origins.append(([c.get(y, wide) for y in case.yields], w.label))
            w.jump(done)
        w.start(done)
        for n, x in enumerate(s.results):
            text = w.join(type_of(x.type, c.lanes), [(texts[n], label) for texts, label in origins])
            c.put(x, text, wide)


def _has_loops(function: Function) -> bool:
    return any(isinstance(s, For | While) for s in statements(function.body))


def _table(buffer: Buffer) -> str:
    """The constants of a buffer."""
    stored = STORED[buffer.type]
    texts = [str(int(x)) if buffer.type == "bool" else literal(x, buffer.type) for x in buffer.numbers]
    return f"[{len(texts)} x {stored}] [{', '.join(f'{stored} {x}' for x in texts)}]"
