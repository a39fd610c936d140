"""What pages compute, in an engine of a browser: the values, derivatives, parts and series of the program itself."""

import math
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from page_harness import engine

from cgcli import Program, load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.types import Type
from cgcli.program.nested_values import with_nested
from cgcli.program.page_passes import Passes, evaluation_at, passes_of
from cgcli.program.picture_options import PictureOptions, view_of
from cgcli.render.page.passes import passes_text
from cgcli.render.picture.arrow_labels import local_derivatives
from cgcli.render.picture.compose import picture
from cgcli.render.picture.units import Units

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.cg"))
STEPS = 10**6
NEAR = 1e-12  # functions differ by some ulp, and what is made of them by more
SINGLE = 1e-6  # pictures have derivatives within branches in double precision


class Page:
    """The passes of a program's page, loaded into the engine."""

    def __init__(self, program: Program, values: dict[str, Any]) -> None:
        self.program, self.names = program, program.float_outputs()
        evaluation = self.evaluation(values, self.names[0])
        drawn = picture(program.graph, evaluation, (), view_of(program.graph, PictureOptions()))
        nodes = [program.module.values[name] for name in self.names]
        self.passes: Passes = passes_of(program.graph, nodes, drawn, "")
        assert not self.passes.why
        single = any(getattr(t, "dtype", "") == "f32" for t in program.graph.types)
        self.near = partial(near, tolerance=SINGLE if single else NEAR)
        engine().eval(f"globalThis.pageOfTest = (() => {{ {passes_text(self.passes.passes)}; return passes; }})(); 0")

    def evaluation(self, values: dict[str, Any], of: str) -> Evaluation:
        return with_nested(self.program.run(values, of=of))

    def run(self, values: dict[str, Any], number: int) -> tuple[int, list[float], list[list[float]]]:
        """The status, the slots and the series of a pass."""
        bound = ", ".join(_script(float(x)) for x in self.program.bind_inputs(values))
        code = (
            f"(() => {{ const r = pageOfTest[{number}]([{bound}], {STEPS});"
            " const rows = [[r.status], r.slots, ...r.series];"
            " return rows.map((row) => [...row].map(text).join()).join('|'); })()"
        )
        status, slots, *series = engine().eval(code).split("|")
        return int(status), _numbers(slots), list(map(_numbers, series))

    def compare(self, values: dict[str, Any]) -> int:
        """Compares all passes with the program at one point. Returns how many numbers were compared."""
        count = 0
        for number, name in enumerate(self.names):
            evaluation = self.evaluation(values, name)
            status, slots, series = self.run(values, number)
            assert status == 0
            slot_of = self.passes.slots
            for kind, table in (("values", slot_of.values), ("adjoints", slot_of.derivatives)):
                for origin, slot in table.items():
                    inner = evaluation_at(evaluation, origin)
                    if inner is None or not getattr(inner, kind) or (inner.of is None and kind == "adjoints"):
                        continue
                    expected = getattr(inner, kind)[origin.node]
                    if expected is not None:
                        assert self.near(slots[slot], float(expected)), (kind, origin, slots[slot], expected)
                        count += 1
            count += self._compare_parts(evaluation, slots)
            for origin, k in slot_of.series.items():
                steps = evaluation.series[origin.node]
                assert len(series[k]) == len(steps)
                assert all(
                    self.near(a, float(step[origin.carry or 0])) for a, step in zip(series[k], steps, strict=True)
                )
                count += len(steps)
        return count

    def _compare_parts(self, evaluation: Evaluation, slots: list[float]) -> int:
        count = 0
        units = Units(self.program.graph, view_of(self.program.graph, PictureOptions()).detail.level)
        for part, slot in self.passes.slots.parts.items():
            if part.path:
                continue
            partials = local_derivatives(units, evaluation, part.node)
            expected = [y for x in part.by if (y := partials.get(x)) is not None]
            if expected:
                assert self.near(slots[slot], sum(expected)), part
                count += 1
        return count


def near(a: float, b: float, tolerance: float) -> bool:
    """Whether two numbers are the same, but for a few ulp of numbers that are not tiny."""
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)


def _script(x: float) -> str:
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(x, "NaN" if x != x else repr(x))


def _numbers(text: str) -> list[float]:
    words = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
    return [words[word] if word in words else float(word) for word in text.split(",") if word]


def points(program: Program, source: Random, count: int) -> list[dict[str, Any]]:
    """Random values of the inputs, in their ranges."""
    return [{i.name: _value(i, source) for i in program.inputs} for _ in range(count)]


def _value(declared: Any, source: Random) -> Any:
    low, high = declared.range or (-3.0, 3.0)
    low, high = max(low, -3.0 if low < 0 else low), min(high, low + 6.0 if high > low + 6 else high)
    if declared.type.is_int:
        return int(declared.default if declared.default is not None else 2)
    return source.uniform(low, high)


# ---- samples


def of_numbers(path: Path) -> bool:
    return not any(isinstance(t, Type) and t.shape for t in load(path).graph.types)


@pytest.mark.parametrize("path", [path for path in SAMPLES if of_numbers(path)], ids=lambda path: path.stem)
def test_a_sample_of_numbers_computes_the_same_in_a_page(path: Path) -> None:
    program, source = load(path), Random(path.stem)
    compared, page = 0, None
    for values in points(program, source, 30):
        try:
            program.eval(values)
        except CgError:
            continue  # an assertion of the sample
        page = page or Page(program, values)
        compared += page.compare(values)
    assert compared > 100


# ---- control flow


BRANCHES = {
    "one": """\
input a; input b
if a < b {
  s = a * b
  t = s + sin(s)
} else {
  t = a / b
}
y = t^2
""",
    "nested": """\
input a; input b
if a < b {
  u = a * 2
  if u < 0 {
    v = u * u
    t = exp(v) + u
  } else {
    t = u + b
  }
} else {
  w = a - b
  t = w * w * a
}
y = t * a
""",
    "expression": """\
input a; input b
y = max(a, b) * min(a, 0.5) + (if a > b then a^3 else b^2)
""",
    "single precision": """\
input a: f32; input b: f32
if a < b { t = exp(a) * b } else { t = a / 3 }
y = t * t + a
""",
    "for": """\
input a; input b
x = a
for i in 0..5 { x = x * b + i }
y = x + a
""",
    "while, two outputs": """\
input a; input b
x = abs(a) + 1
n = 0
while x < 40 {
  x = x * 1.5 + b^2
  n = n + 1
}
y = x / (n + 1)
z = y * b
""",
    "a loop in a branch": """\
input a; input b
if a > 0 {
  x = a
  for i in 0..3 { x = x * b - a }
  t = x
} else {
  t = b
}
y = t * t
""",
}


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_and_loops_compute_the_same_in_a_page(name: str) -> None:
    program, source = parse(BRANCHES[name]), Random(5)
    every = points(program, source, 40)
    page = Page(program, every[0])
    assert sum(page.compare(values) for values in every) > 300


class Writer:
    """Writes random programs of numbers with branches and loops in each other."""

    def __init__(self, source: Random) -> None:
        self.source, self.count = source, 0

    def value(self, names: list[str]) -> str:
        x, y = self.source.choice(names), self.source.choice([*names, "0.7", "-1.25"])
        pattern = self.source.choice(
            (
                "{} + {}",
                "{} * {}",
                "tanh({} - {})",
                "min({}, {})",
                "sin({}) * {}",
                "{} / (2.5 + cos({}))",
                "abs({}) + {}",
            )
        )
        return pattern.format(x, y)

    def lines(self, names: list[str], depth: int, indent: str = "") -> list[str]:
        """Statements, after which `names` has the names that can be read."""
        lines = []
        for _ in range(self.source.randint(1, 3)):
            self.count += 1
            name, kind = f"v{self.count}", self.source.random()
            if depth and kind < 0.35:
                sides = []
                for _ in range(2):
                    inner = list(names)
                    sides.append(
                        [*self.lines(inner, depth - 1, indent + "  "), f"{indent}  {name} = {self.value(inner)}"]
                    )
                test = f"{self.source.choice(names)} < {self.source.choice(names)}"
                lines += [f"{indent}if {test} {{", *sides[0], f"{indent}}} else {{", *sides[1], f"{indent}}}"]
            elif depth and kind < 0.6:
                inner = [*names, name]
                loop = f"for i{self.count} in 0..{self.source.randint(0, 4)}"
                start = f"{indent}{name} = {self.value(names)}"
                if self.source.random() < 0.4:
                    lines.append(f"{indent}k{self.count} = 0")
                    loop = f"while abs({name}) > 0.2 and k{self.count} < 6"
                    step = [f"{indent}  k{self.count} = k{self.count} + 1"]
                else:
                    step = []
                body = self.lines(inner, depth - 1, indent + "  ")
                update = f"{indent}  {name} = 0.6 * tanh({self.value(inner)})"
                lines += [start, f"{indent}{loop} {{", *body, update, *step, f"{indent}}}"]
            else:
                lines.append(f"{indent}{name} = {self.value(names)}")
            names.append(name)
        return lines

    def program(self) -> str:
        names = ["a", "b"]
        lines = [line for _ in range(3) for line in self.lines(names, 3)]
        used = " + ".join(name for name in names if name[1:].isdigit())
        return "\n".join(["input a", "input b", *lines, f"y = {used}", "z = y * a", "output y, z"])


@pytest.mark.parametrize(
    "seed", [*range(11), 54, *(pytest.param(s, marks=pytest.mark.thorough) for s in range(100, 300))]
)
def test_random_control_flow_computes_the_same_in_a_page(seed: int) -> None:
    source = Random(seed)
    program = parse(Writer(source).program())
    page = None
    for values in points(program, source, 6):
        page = page or Page(program, values)
        assert page.compare(values) > 0
