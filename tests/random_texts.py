"""Random texts as programs, and what the commands say to them.

Every text is asked for by a seed: a failure names it, and `text_of(seed)` gives it again.
"""

from __future__ import annotations

import json
import random
import re
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import lark
from cli_harness import Result, cg

from cgcli.language.grammar import grammar_text
from cgcli.program.reference import function_names

ROOT = Path(__file__).parents[1]
SECONDS = 60  # that one command may take; all of them end by limits that are reached much sooner
LIMITS = ("--max-steps", "200", "--max-memory", "200M", "--timeout", "50")
TERMINALS = (
    *"input param output import as fn if else for in while assert return then or and not true false".split(),
    *"+ - * / // % @ ^ ** < <= > >= == != = .. ... . , ; : ( ) [ ] { } # ##".split(),
    "\n", "\n", "\r\n", "\r", " ", "\t", "\f", "\u00a0", "\ufeff", '"', '"a"', "\\", "'", "$", "`", "&", "|", "~",
    "?", "!",
)  # fmt: skip
NAMES = (*"a b c x y n f g t é λ float int bool f32 any pi e inf nan nn stats optim out grad".split(), "a'", "_", "__")
NUMBERS = (
    *"0 1 2 3 10 0.5 .5 2. 1e3 1e-3 1_000 1e400 1e-400 0x1F 1__0 9007199254740993 99999999999999999999".split(),
    "9" * 400, "1" + "0" * 5000, "1e999999999999", "0." + "0" * 400 + "1", "9223372036854775808",
    "1.7976931348623157e308",
)  # fmt: skip
STRINGS = ('"a"', '""', '"nn"', '"../x.cg"', '"\\n"', '"é\\""', '"p.cg"')
ODD = "\0\x07\x1b\x7f\x85\u200b\u200d\u2028\u202e\u0301\ufeff\ud7ff\U0001f600\U000e0100٣Ⅷªﬁ∂×−–“”·′²½"
NESTED = (
    ("(", "a", ")"), ("[", "a", "]"), ("-", "a", ""), ("not ", "a", ""), ("sin(", "a", ")"), ("2^", "a", ""),
    ("if a then 1 else ", "a", ""), ("if a { ", "x = 1", " }"), ("for i in 0..2 { ", "x = i", " }"), ("a[", "0", "]"),
    ("fn f(a) { ", "return a", " }"), ("a + ", "a", ""), ("{", "a", "}"), ("", "a", ".a"), ("", "a", "(a)"),
    ("grad(", "a^3", ", a)"), ("sum([", "a", "])"), ("while a < 1 { ", "a = a + 1", " }"),
)  # fmt: skip


def text_of(seed: int) -> bytes:
    """The bytes of a program's file; about a third of the texts are programs."""
    source = random.Random(seed)
    kind = source.choices(list(KINDS), list(KINDS.values()))[0]
    return kind(source)


def soup(source: random.Random) -> bytes:
    """Terminals of the grammar in any order, often with blanks between them."""
    between = source.choice(["", " ", " "])
    return between.join(_piece(source) for _ in range(source.randrange(1, 25))).encode()


def grown(source: random.Random) -> bytes:
    """A text of the grammar: rules that are expanded at random until they are to end."""
    return " ".join(_grow(source, "start", source.choice([8, 14, 20]))).replace(" \n ", "\n").encode()


def mutated(source: random.Random) -> bytes:
    """A program that works, with some of its tokens left out, doubled, exchanged or replaced."""
    words = _tokens(source.choice(_programs()))
    for _ in range(source.choice([0, 1, 1, 2, 3, 8])):
        at, other = source.randrange(len(words)), source.randrange(len(words))
        deed = source.randrange(5)
        if deed == 0:
            words[at] = ""
        elif deed == 1:
            words[at] *= 2
        elif deed == 2:
            words[at], words[other] = words[other], words[at]
        elif deed == 3:
            words[at] = words[other]
        else:
            words[at] = _piece(source)
    return "".join(words).encode()


def spliced(source: random.Random) -> bytes:
    """Lines of several programs among each other."""
    lines = [line for _ in range(2) for line in source.choice(_programs()).splitlines()]
    return "\n".join(source.choice(lines) for _ in range(source.randrange(1, 12))).encode()


def unicode(source: random.Random) -> bytes:
    """Characters of all planes, among some of the language's own."""

    def character() -> str:
        kind = source.randrange(4)
        if kind == 0:
            return source.choice(ODD)
        if kind == 1:
            return chr(source.choice([source.randrange(0xD800), source.randrange(0xE000, 0x110000)]))
        return source.choice("ab = +-*/()[]{}.,;:\n123\"#'")

    return "".join(character() for _ in range(source.randrange(1, 60))).encode()


def nested(source: random.Random) -> bytes:
    """Brackets, calls, blocks and operators deep in each other, sometimes not closed, or of several kinds."""
    depth = source.choice([2, 30, 300, 300, 3000])
    kinds = [source.choice(NESTED) for _ in range(source.choice([1, 1, 2, 3]))]
    if any("grad" in kind[0] for kind in kinds):
        depth = min(depth, 8)  # each order is a graph of the one before: 30 of them take seconds
    layers = [source.choice(kinds) for _ in range(depth)]
    closed = depth if source.random() < 0.7 else source.randrange(depth + 1)
    begin = "".join(layer[0] for layer in layers)
    text = begin + layers[-1][1] + "".join(layer[2] for layer in reversed(layers[depth - closed :]))
    return (source.choice(["", "y = ", "x = 1; "]) + text).encode()


def numbers(source: random.Random) -> bytes:
    """Arithmetic and sizes of huge and of tiny numbers."""
    pick = source.choice
    parts = [f"{pick(NUMBERS)} {pick(['+', '-', '*', '/', '//', '%', '^', '^', '..', '<', '@'])}" for _ in range(3)]
    call = pick(["zeros", "ones", "eye", "range", "normal", "sum", "factorial", "binomial", "gamma", "sqrt", "int"])
    inner = f"[{pick(NUMBERS)}, {pick(NUMBERS)}]" if source.random() < 0.5 else pick(NUMBERS)
    return pick(
        [
            f"y = {' '.join(parts)} {pick(NUMBERS)}\n",
            f"y = {call}({inner})\nz = sum(y * a)\n",
            f"for i in {pick(NUMBERS)}..{pick(NUMBERS)} {{ x = a * i }}\ny = x\n",
            f"input x: float[{pick(NUMBERS)}]\ny = sum(x)[{pick(NUMBERS)}]\n",
            f"y = a[{pick(NUMBERS)}:{pick(NUMBERS)}] + x[-{pick(NUMBERS)}]\n",
            f"x = a\nwhile x < {pick(NUMBERS)} {{ x = x * {pick(NUMBERS)} }}\ny = x\n",
            f"fn f(k) = if k < 1 then 1 else k * f(k - 1)\ny = f({pick(NUMBERS)})\n",
        ]
    ).encode()


def damaged(source: random.Random) -> bytes:
    """A program's file with bytes changed, cut off, put in, or repeated."""
    data = bytearray(source.choice(_programs()).encode())
    for _ in range(source.randrange(1, 5)):
        at = source.randrange(len(data) + 1)
        deed = source.randrange(5)
        if deed == 0:
            data[at : at + 1] = bytes([source.randrange(256)])
        elif deed == 1:
            del data[at : at + source.choice([1, 1, 2, 50])]
        elif deed == 2:
            data[at:at] = source.choice([b"\0", b"\r", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80", b"(", b'"'])
        elif deed == 3:
            data[at:at] = data[at : at + source.randrange(1, 40)]
        else:
            del data[at:]
    return bytes(data)


KINDS: dict[Callable[[random.Random], bytes], int] = {
    soup: 3, grown: 3, mutated: 6, spliced: 2, unicode: 2, nested: 1, numbers: 2, damaged: 3,
}  # fmt: skip
"""The kinds of texts, each with how often it comes."""


def _piece(source: random.Random) -> str:
    return source.choice(source.choice([*[TERMINALS] * 3, NAMES, NAMES, NUMBERS, STRINGS, _functions()]))


@cache
def _functions() -> list[str]:
    return function_names()


@cache
def _programs() -> list[str]:
    """The samples and golden programs that are short enough to be run often."""
    paths = [*(ROOT / "samples").rglob("*.cg"), *(ROOT / "tests" / "golden").rglob("*.cg")]
    return [text for path in sorted(paths) if 0 < len(text := path.read_text(encoding="utf-8")) < 1500]


def _tokens(text: str) -> list[str]:
    """The text in words, signs and gaps."""
    return re.findall(r"\w+|\s+|\"[^\"\n]*\"|#[^\n]*|.", text, re.DOTALL)


@cache
def _rules() -> dict[str, list[list[Any]]]:
    """The alternatives of each rule of the grammar, as Lark has them."""
    grammar = lark.Lark(grammar_text(), parser="lalr", lexer="basic", start=["start", "value"])
    rules: dict[str, list[list[Any]]] = {}
    for rule in grammar.rules:
        rules.setdefault(rule.origin.name, []).append(list(rule.expansion))
    return rules


@cache
def _spellings() -> dict[str, str]:
    """How the terminals that are words and signs are written."""
    grammar = lark.Lark(grammar_text(), parser="lalr", lexer="basic", start=["start", "value"])
    return {t.name: t.pattern.value for t in grammar.terminals if t.pattern.type == "str"}


@cache
def _least() -> dict[str, int]:
    """How many levels a rule needs at least."""
    rules = _rules()
    least: dict[str, int] = {}
    while len(least) < len(rules):
        for name, alternatives in rules.items():
            depths = [_depth(each, least) for each in alternatives]
            reachable = [depth for depth in depths if depth is not None]
            if name not in least and reachable:
                least[name] = 1 + min(reachable)
    return least


def _depth(symbols: Iterable[Any], least: dict[str, int]) -> int | None:
    depths = [0 if s.is_term else least.get(s.name) for s in symbols]
    return None if None in depths else max((d for d in depths if d is not None), default=0)


def _grow(source: random.Random, rule: str, depth: int) -> Iterator[str]:
    alternatives = _rules()[rule]
    short = [each for each in alternatives if (_depth(each, _least()) or 0) < depth]
    if not short:
        short = [min(alternatives, key=lambda each: _depth(each, _least()) or 0)]
    for symbol in source.choice(short):
        if not symbol.is_term:
            yield from _grow(source, symbol.name, depth - 1)
        elif symbol.name in _spellings():
            yield _spellings()[symbol.name]
        elif symbol.name in ("INT", "FLOAT"):
            yield source.choice(NUMBERS[:8])
        elif symbol.name == "STRING":
            yield source.choice(STRINGS)
        elif symbol.name == "COMPARE":
            yield source.choice(["<", "<=", ">", ">=", "==", "!="])
        else:
            yield "\n" if symbol.name == "_NL" else source.choice([*NAMES, "sin", "sum", "max"])


# ---- what the commands say


def wrongs(data: bytes, folder: Path) -> list[str]:
    """What `check`, `fmt`, `eval` and `grad` do with a text that they must not do."""
    file = folder / "p.cg"
    file.write_bytes(data)
    try:
        return list(_wrongs(file, random.Random(len(data))))
    except _Hangs as problem:
        return [f"{problem} runs for more than {SECONDS} s"]


def _wrongs(file: Path, source: random.Random) -> Iterator[str]:
    checked = yield from _answered("check", str(file), "--format", "json")
    told = {"diagnostics": [], "inputs": []} | (json.loads(checked.out) if checked.status in (0, 2) else {})
    if (checked.status == 0) != all(each["severity"] == "warning" for each in told["diagnostics"]):
        yield f"check: status {checked.status}, diagnostics {told['diagnostics']}"
    laid_out = yield from _answered("fmt", str(file))
    if laid_out.status == 0:
        once = file.read_bytes()
        again = yield from _answered("fmt", "--check", str(file))
        if again.status != 0:
            yield f"fmt: not idempotent: {again.out[:300]}"
        rechecked = yield from _answered("check", str(file), "--format", "json")
        if meaning(rechecked) != meaning(checked):
            yield f"fmt: another meaning: {meaning(checked)!r:.300} {meaning(rechecked)!r:.300} of {once[:300]!r}"
    elif checked.status == 0:
        yield f"fmt: status {laid_out.status} of a program without an error: {laid_out.err[:300]}"
    if checked.status == 0:
        values = _values(told["inputs"], source)
        yield from _ran("eval", str(file), *values)
        yield from _ran("grad", str(file), *values)


def _ran(*line: str) -> Iterator[str]:
    result = yield from _answered(*line, *LIMITS, "-q")
    if "is not done after" in result.err:
        yield f"{line[0]}: {result.err[:200]}"


def _answered(*line: str) -> Generator[str, None, Result]:
    """Runs `cg`; yields what is wrong with the way in which it answers, and returns the answer."""
    with _clock(line[0]):
        result = cg(*line)
    said = result.out + result.err
    if result.status not in (0, 1, 2):
        yield f"{line[0]}: status {result.status}"
    if "Traceback" in said or "bug in cg" in said:
        yield f"{line[0]}: {result.err[:400]}"
    if result.status != 0 and not result.err and line[0] not in ("check", "fmt"):
        yield f"{line[0]}: nothing is told of status {result.status}"
    return result


def meaning(checked: Result) -> Any:
    """What `check` says of a program, but for where it says it."""
    if checked.status not in (0, 2):
        return checked.err
    data = json.loads(checked.out)
    for each in data.get("inputs", ()):
        each["default"] = "".join(str(each["default"]).split())  # that of an expression is its text, laid out
    return [sorted(each["code"] for each in data["diagnostics"]), *(data.get(k) for k in ("inputs", "outputs", "mode"))]


def _values(inputs: list[dict[str, Any]], source: random.Random) -> list[str]:
    """Small values for all inputs that need one; a named size is the same everywhere."""
    sizes: dict[str, int] = {}
    line = []
    for each in inputs:
        if each["default"] is not None and source.random() < 0.8:
            continue
        kind, _, shape = each["type"].rstrip("]").partition("[")
        value: Any = {"int": 2, "i32": 2, "bool": True, "any": {"a": 1.5}}.get(kind.lstrip("~"), 0.75)
        for dim in reversed([d.strip() for d in shape.split(",") if d.strip()]):
            size = int(dim[:3]) if dim.isdigit() else sizes.setdefault(dim, source.choice([1, 2, 3]))
            value = [value] * min(size, 50)
        line += ["--set", f"{each['name']}={json.dumps(value)}"]
    return line


class _Hangs(Exception):
    pass


@contextmanager
def _clock(command: str) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise _Hangs(command)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def explore(folder: Path, seeds: Iterable[int]) -> list[str]:
    """What is wrong with the answers to the texts of these seeds, each behind its seed."""
    return [
        f"{seed}: {wrong}\n    {text_of(seed)[:300]!r}" for seed in seeds for wrong in wrongs(text_of(seed), folder)
    ]
