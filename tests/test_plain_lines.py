"""Programs with plain lines, which are not parsed one by one: the same module and the same messages as without that."""

from __future__ import annotations

import copy
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from random_texts import text_of

import cgcli
from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import Graph
from cgcli.graph.serialize import dump, restore
from cgcli.graph.signature import Module
from cgcli.language import lower as lowering
from cgcli.language import plain_lines, replay
from cgcli.language.lower import lower
from cgcli.language.parser import parse
from cgcli.program import lint

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / "samples").rglob("*.cg"), *(ROOT / "tests" / "golden").rglob("*.cg")])
NAMES = "a b c x y z w1 w2 h0 h1 out total é".split()
NUMBERS = "0 1 2 3 7 0.5 .25 2. 1e3 1e-3 2.5e+2 1_000 1e999 9223372036854775807 9223372036854775808 0.0".split()
CALLS = "sin exp sqrt abs max min atan2 log2 relu clip where hypot f sum sinus".split()
OTHER_LINES = [
    "", "  ", "# a comment", "#", "## a doc comment", "### three", "# é\t\xa0", "input a = 2",
    "param b = 0.5 in 0..2", "input v: float[3]", "param s: f32 = 1.5", "input n: int", "input q: bool",
    "fn f(t) = t * x + 1", "fn f(t) {\n  return t\n}", "fn sin(t) = t", "if a < b {\n  y = 1\n} else {\n  y = 2\n}",
    "if a < 2 { x = 3 }", "for i in 0..3 { total = total + i }", "output y", "output z, out", "a + b", "a == b + 1",
    "grad(y, x)", 'assert a < 3, "a # { ("', "import nn", "z = f(a)", "x, y = y, x", "x[0] = 2",
    "y = [a,\n  b]\nz = sum(y)", "y = (a +\n  b)", "y = if a < b then a else b", "x = 1; y = 2", "y = not q",
    "if a < 2 {}", "y = a + []", "fn g() = 2", "y = sin()", "while false { }",
    "y = q and q", "- a", "then", "{", "y = a +", "y = a b", "y = ", "= 2", "y = a ## doc", "2 = a", "y = 2x",
    "pi = 3", "y = a.T", "y = v @ v", "y = true", "y = 0..3", "y == a", "m = sum(v)", "y = a\u200b",
    "while a < 2 { a = a + 1 }", "return a", "y = ｘ + 1", "y\xa0= a", "\ty = a\r", "y = a; # b", 'y = "a"',
]  # fmt: skip


@pytest.fixture(autouse=True)
def every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short texts are divided too, whether it pays or not."""
    monkeypatch.setattr(plain_lines, "SHORTEST", 0)
    monkeypatch.setattr(plain_lines, "REPEATS", 0)
    monkeypatch.setattr(plain_lines, "LARGEST_REST", 1)


@contextmanager
def undivided() -> Iterator[None]:
    """Within, every text is parsed and lowered as a whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering, "parse_divided", lambda source: None)
        patch.setattr(lint, "parse_shortly", parse)
        yield


def span(value: Span | None) -> tuple[str, int, int] | None:
    return None if value is None else (value.source.text, value.start, value.end)


def graph(g: Graph) -> dict[str, Any]:
    """All that a graph holds."""
    return {
        "text": str(g),
        "columns": [list(column) for column in (g.op, g.a, g.b, g.type, g.span, g.group)],
        "more, attrs, names": [repr(list(column.items())) for column in (g.more, g.attrs, g.names)],
        "types": g.types,
        "spans": [span(each) for each in g.spans],
        "groups": [(each.parent, each.function, span(each.span)) for each in g.groups],
        "inputs, outputs": [g.inputs, g.outputs],
    }


def diagnostic(d: Diagnostic) -> tuple[object, ...]:
    return d.code, d.severity, str(dict(d.values)), [(label.role, span(label.span)) for label in d.labels]


def module(m: Module) -> dict[str, Any]:
    """All that a module holds."""
    inputs = [{**vars(i), "initial": i.initial and graph(i.initial), "span": span(i.span)} for i in m.inputs]
    return {
        "graph": graph(m.graph),
        "inputs": repr(inputs),
        "outputs": [m.outputs, m.carried, list(m.values.items()), list(m.docs.items())],
        "warnings": [diagnostic(each) for each in m.warnings],
        "imports": [(path, source.text) for path, source in m.imports.items()],
    }


def answer(text: str, path: Path | None = None, **limits: int) -> dict[str, Any]:
    try:
        return module(lower(Source("p.cg", text), path=path, **limits))
    except CgError as problem:
        return {"errors": [diagnostic(each) for each in problem.diagnostics], "status": problem.status}


def check(text: str, path: Path | None = None, **limits: int) -> dict[str, Any]:
    with undivided():
        expected = answer(text, path, **limits)
    assert answer(text, path, **limits) == expected, text
    return expected


def replayed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on the numbers of lines that are lowered by a plan, a batch each."""
    batches: list[int] = []
    append = replay.Replays._append

    def counted(self: Any, batch: Any, targets: Any) -> None:
        batches.append(len(batch.plans))
        append(self, batch, targets)

    monkeypatch.setattr(replay.Replays, "_append", counted)
    return batches


def test_lint_has_the_same_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [program_of(seed) for seed in range(1000, 1080)]
    texts += ["input a\ninput b\nx = 1\nx = a * 2\ny = x\nx = 3\nx = y\nz = x\nz = 2\nz = z + 1\n"]
    warnings: list[list[tuple[object, ...]]] = []
    for text in texts:
        try:
            program = cgcli.parse(text, mode="static")
        except CgError:
            continue
        with undivided():
            warnings.append([diagnostic(each) for each in lint.lint(program)])
        assert [diagnostic(each) for each in lint.lint(program)] == warnings[-1], text
    assert sum(map(bool, warnings)) > 15
    assert [each[0] for each in warnings[-1]] == ["unused-input", "unused-value", "unused-value", "unused-value"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files(path: Path) -> None:
    check(path.read_bytes().decode(errors="replace"), path)


def test_wrong_samples_have_their_messages() -> None:
    paths = [path for path in FILES if "errors" in path.parts]
    answers = [check(path.read_bytes().decode(errors="replace"), path) for path in paths]
    assert sum("errors" in each for each in answers) > 50


def expression_of(source: random.Random, names: list[str], depth: int) -> str:
    kind = source.randrange(10)
    if depth == 0 or kind < 3:
        return source.choice(names if source.random() < 0.7 else NUMBERS)
    left, right, third = (expression_of(source, names, deep) for deep in (depth - 1, depth - 1, 0))
    blank = source.choice(["", " ", " ", "  ", "\t"])
    if kind < 6:
        sign = source.choice("+ - * / // % ^ ** < <= == !=".split())
        return f"{left}{blank}{sign}{blank}{right}"
    if kind == 6:
        return f"-{blank}{left}"
    if kind == 7:
        return f"({left})"
    call = source.choice(CALLS[:-3] if source.random() < 0.97 else CALLS)
    count = {"where": 3, "clip": 3, "max": 2, "min": 3, "atan2": 2, "hypot": 2}.get(call, 1)
    parts = [f"{left} < {right}" if call == "where" else left, right, third][:count]
    return f"{call}{source.choice(['', '', ' '])}({', '.join(parts)})"


def lines_of(source: random.Random) -> Iterator[str]:
    """Assignments to names, most of them of expressions of names above; shapes come again with other words."""
    names, earlier = source.sample(NAMES, 6), ["u", "u1"]
    shapes = [(name, expression_of(source, list("ABC"), source.randrange(4))) for name in names]
    while source.random() < 0.93:
        target, shape = source.choice(shapes)
        target = source.choice([target, source.choice(names)])
        read = NAMES if source.random() < 0.02 else earlier
        words = {"A": source.choice(read), "B": source.choice(read), "C": source.choice(NUMBERS[:12])}
        value = "".join(words.get(character, character) for character in shape)
        indent = source.choice(["", "", "", "  ", "\t"])
        yield f"{indent}{target} = {value}{source.choice(['', '', '', ' ', ' # why', chr(13)])}"
        earlier.append(target)


def program_of(seed: int) -> str:
    """Plain lines, with others among them; about half of the programs are wrong."""
    source = random.Random(seed)
    lines = list(lines_of(source))
    for _ in range(source.choice([0, 0, 0, 1, 1, 3])):
        other = source.choice(OTHER_LINES[: source.choice([7, 30, len(OTHER_LINES)])])
        lines.insert(source.randrange(len(lines) + 1), other)
    return "\n".join(lines) + source.choice(["\n", "\n", "", "\n\n", "\r\n"])


def check_seeds(seeds: range, text: Callable[[int], str]) -> int:
    """Returns how many of the programs are right."""
    return sum("errors" not in check(text(seed)) for seed in seeds)


def test_random_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = replayed(monkeypatch)
    assert check_seeds(range(250), program_of) > 120
    assert sum(batches) > 1200


@pytest.mark.thorough
def test_many_random_programs() -> None:
    check_seeds(range(250, 20_000), program_of)


def test_random_texts() -> None:
    check_seeds(range(150), lambda seed: text_of(seed).decode(errors="replace"))


def test_every_other_line_among_plain_ones() -> None:
    for other in OTHER_LINES:
        for before in ("", "a = 1\nx = a * 2\n", "y = a * 2\n\n# c\n"):
            for after in ("", "y = x + a\n", "\n  # c\ny = x + a\n\nz = y * 2.5\n"):
                check(f"{before}{other}\n{after}")


def test_pairs_of_kinds_of_values() -> None:
    """A plan holds good for the types, the ties and the risk that it was recorded with, and for no others."""
    header = "input f\ninput i: int\ninput g: f32\ninput v: float[3]\ninput q: bool\nk = 2.5\nzero = 0\nr = 1 / f\n"
    values = "f i g v k zero r 2 0 0.0 2.5 pi".split()
    for text in ("{} / {}", "max({}, {})", "{} ^ {}", "{} + -{}", "{} // {}", "min({}, {}, f)", "{} < {} < f"):
        lines = [f"y{n} = {text.format(a, b)}" for n, (a, b) in enumerate((a, b) for a in values for b in values)]
        check(header + "\n".join(lines))
        for line in lines[::7]:
            check(header + line)


def test_the_risk_of_a_division_is_that_of_its_divisor() -> None:
    lines = "z = 0\nk = 3.0\na = x / 2\nb = x / 0\nc = x / k\nd = x / z\ne = x / 2\ng = a / b\nh = a / 2\n"
    for name in "abcdegh":
        check(f"{lines}t = grad(where(x > 0, {name}, 0.0), x)\n")


def test_a_limit_of_nodes_is_that_of_the_whole() -> None:
    text = "a = x + 1\n" + "".join(f"b{k} = a * 2 + {k}\n" for k in range(40))
    for limit in (1, 2, 80, 121, 122, 123, 200):
        check(text, max_nodes=limit)


def test_long_programs_are_divided_and_others_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    batches = replayed(monkeypatch)
    same_shape = "".join(f"y{k} = x * {k}.5 + y{k - 1}\n" for k in range(1, 700))
    check("y0 = x\n" + same_shape)
    assert sum(batches) == 700
    batches.clear()
    check("y0 = x\n" + same_shape[: len(same_shape) // 2])
    check("".join(f"y{k} ={' ' * k}x\n" for k in range(1, 600)))
    assert sum(batches) == 0


def test_a_text_whose_lines_have_no_plans_is_parsed_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[int] = []
    lower_alone = replay.Replays._alone

    def counted(self: Any, index: int, piece: Any, line: int) -> None:
        alone.append(line)
        lower_alone(self, index, piece, line)

    monkeypatch.setattr(replay.Replays, "_alone", counted)
    check("input g: f32\nh0 = g\n" + "".join(f"h{k} = h{k - 1} * 0.5\n" for k in range(1, 300)))
    assert len(alone) == replay.MOST_ALONE + 1
    alone.clear()
    check("input g: f32\n" + "".join(f"h{k} = g * 0.5\n" + f"x{k} = g + g\n" * 11 for k in range(1, 120)))
    assert len(alone) == 119


def test_long_words_take_no_longer_than_others() -> None:
    """A long name is read once, not from each of its letters on."""
    name = "a" * 100_000
    check(f"y = {name}(x)\n{name} = 2\nz = {name} + {'1' * 100_000}\nu = x{' ' * 100_000}* 2\n")


def test_memory_of_a_line() -> None:
    count = 6000
    source = Source("p.cg", "h0 = x\n" + "".join(f"h{k} = sin(h{k - 1} * w + x) + 0.5\n" for k in range(1, count)))
    lower(Source("p.cg", "h0 = x\nh1 = sin(h0 * w + x) + 0.5\n"))
    tracemalloc.start()
    program = lower(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(program.values) == count + 2
    assert peak < 1024 * count


def test_spans_of_lines_survive_a_copy() -> None:
    program = lower(Source("p.cg", "a = x * 2 # by\nb = a * 2.5 + sin(x)\n"))
    copied = copy.deepcopy(program.graph)
    assert [each.text for each in copied.spans] == [each.text for each in program.graph.spans]
    assert "2.5" in [each.text for each in copied.spans]


def test_a_kept_program_is_the_same() -> None:
    text = (
        "input x\nparam w = 0.5\na = x * 2 # by\nb = a * 2.5 + sin(w) - nan\nif b < 1 { a = max(a, b, 3) }\noutput a\n"
    )
    program = lower(Source("p.cg", text))
    kept = restore(json.loads(json.dumps(dump(program, [program.source]))), [program.source])
    assert list(kept.graph.spans) == list(program.graph.spans)
    assert {**module(kept), "graph": str(kept.graph)} == {**module(program), "graph": str(program.graph)}


@pytest.mark.parametrize("column", ["op", "span", "spans", "names", "constants"])
def test_a_kept_program_with_a_column_too_short_is_none(column: str) -> None:
    program = lower(Source("p.cg", "a = x * 2\nb = a * 2.5 + sin(x)\n"))
    data = json.loads(json.dumps(dump(program, [program.source])))
    columns = data["graph"]
    if isinstance(columns[column], str):
        columns[column] = columns[column][:-8]
    else:
        columns[column][0] = columns[column][0][:-8]
    with pytest.raises(ValueError, match=r"columns|shorter|longer|multiple"):
        restore(data, [program.source])
