"""Reads loop nests from the text that `printed` writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast, get_args

from .form import (
    INTS,
    TYPES,
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Case,
    Check,
    Const,
    Extent,
    For,
    Index,
    Kind,
    Load,
    LoopNest,
    Region,
    Role,
    ScalarType,
    Statement,
    Store,
    Switch,
    Value,
    While,
)
from .printed import CODES, NAME

_TOKEN = re.compile(r" *(%\d+|[^\W\d][\w.]*|\d[\w.]*|->|<=|[\[\](),:=*+<@-])")
_FLOAT = re.compile(r"nan|-?(inf|\d+(\.\d+)?(e[+-]?\d+)?)")
_Item = TypeVar("_Item")


def parsed(text: str) -> LoopNest:
    """The nest that `printed` wrote. Whether it is a valid one, `validity.check` says.

    Raises ValueError, which names the line, for text that is none.
    """
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            reader.line(line)
        except ValueError as problem:
            raise ValueError(f"line {number}: {problem}: {line.strip()}") from None
    try:
        return reader.nest()
    except ValueError as problem:
        raise ValueError(f"line {len(text.splitlines())}: {problem}") from None


class _Tokens:
    """The tokens of a line, taken one after the other."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.position = 0
        start, text = 0, text.rstrip()
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None:
                raise ValueError(f"unexpected {text[start:].strip()[:1]!r}")
            self.tokens.append(match[1])
            start = match.end()

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def next(self, what: str) -> str:
        if not self.peek():
            raise ValueError(f"{what} is missing")
        self.position += 1
        return self.tokens[self.position - 1]

    def accept(self, token: str) -> bool:
        """Whether this token follows; it is taken then."""
        if self.peek() != token:
            return False
        self.position += 1
        return True

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise ValueError(f"expected {token!r}, not {self.peek()!r}")

    def end(self) -> None:
        if self.peek():
            raise ValueError(f"unexpected {self.peek()!r}")

    def name(self, what: str) -> str:
        name = self.next(what)
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of {what}")
        return name

    def natural(self) -> int:
        digits = self.next("a number")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError(f"{digits!r} is no whole number")
        return int(digits)

    def integer(self) -> int:
        return -self.natural() if self.accept("-") else self.natural()

    def type(self) -> ScalarType:
        name = self.next("a type")
        if name not in TYPES:
            raise ValueError(f"{name!r} is no type")
        return name

    def node(self) -> int:
        return self.integer() if self.accept("@") else -1

    def list(self, item: Callable[[], _Item], closing: str = "") -> tuple[_Item, ...]:
        """Items with commas between them, up to the token that closes them, or one at least."""
        items: list[_Item] = []
        if closing and self.accept(closing):
            return ()
        while True:
            items.append(item())
            if not self.accept(","):
                break
        if closing:
            self.expect(closing)
        return tuple(items)


@dataclass
class _Block:
    statements: list[Statement] = field(default_factory=list)
    yields: tuple[Value, ...] = ()
    closed: bool = False


@dataclass
class _Open:
    """A statement whose blocks are being read."""

    keyword: str
    build: Callable[[list[_Block]], Statement]
    blocks: list[_Block]


class _Reader:
    """A nest, read line by line: `open` are the statements that the next line may stand in."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.values: dict[str, Value] = {}
        self.sizes: dict[str, Value] = {}
        self.buffers: dict[str, tuple[Buffer, tuple[str, ...]]] = {}  # each with the text of its shape
        self.body = _Block()
        self.open: list[_Open] = []

    def nest(self) -> LoopNest:
        if self.name is None:
            raise ValueError("expected 'nest'")
        while self.open:
            self.close()
        buffers = {
            name: buffer._replace(shape=tuple(int(x) if x.isdecimal() else self.lookup(x) for x in extents))
            for name, (buffer, extents) in self.buffers.items()
        }
        return LoopNest(self.name, self.sizes, buffers, self.body.statements)

    def line(self, text: str) -> None:
        stripped = text.strip()
        depth, odd = divmod(len(text) - len(text.lstrip(" ")), 2)
        if self.name is None:
            if depth or odd or stripped.partition(" ")[0] != "nest":
                raise ValueError("expected 'nest'")
            self.name = stripped.partition(" ")[2]
            return
        tokens = _Tokens(stripped)
        while depth <= len(self.open) and self.open:
            if depth == len(self.open) and tokens.peek() in ("do", "case"):
                self.next_block(tokens)
                return
            self.close()
        if odd or depth != len(self.open) + 1:
            raise ValueError("wrong indentation")
        if not self.open and not self.body.statements and self.header(tokens):
            return
        block = self.block()
        if block.closed:
            raise ValueError("a statement behind the end of its block")
        if tokens.peek() in ("yield", "test"):
            self.end_block(tokens, block)
            return
        statement = self.statement(tokens)
        tokens.end()
        if isinstance(statement, _Open):
            self.open.append(statement)
        else:
            block.statements.append(statement)

    def block(self) -> _Block:
        """The block that the next statement is in."""
        if not self.open:
            return self.body
        if not self.open[-1].blocks:
            raise ValueError("expected 'case'")
        return self.open[-1].blocks[-1]

    def next_block(self, tokens: _Tokens) -> None:
        top = self.open[-1]
        if tokens.accept("do"):
            if top.keyword != "while" or len(top.blocks) != 1 or not top.blocks[0].closed:
                raise ValueError("'do' stands behind the test of a while")
        else:
            tokens.expect("case")
            if top.keyword != "switch" or tokens.natural() != len(top.blocks):
                raise ValueError(f"expected case {len(top.blocks)} of a switch")
        tokens.end()
        top.blocks.append(_Block())

    def end_block(self, tokens: _Tokens, block: _Block) -> None:
        testing = bool(self.open) and self.open[-1].keyword == "while" and len(self.open[-1].blocks) == 1
        word = tokens.next("yield")
        if not self.open or testing != (word == "test"):
            raise ValueError(f"{word!r} does not end this block")
        block.yields = (self.value(tokens),) if testing else tokens.list(lambda: self.value(tokens))
        block.closed = True
        tokens.end()

    def close(self) -> None:
        top = self.open.pop()
        if top.keyword == "while" and len(top.blocks) != 2:
            raise ValueError("a while without 'do'")
        if not top.blocks:
            raise ValueError("a switch without cases")
        self.block().statements.append(top.build(top.blocks))

    def header(self, tokens: _Tokens) -> bool:
        """Reads a line of sizes or a buffer; False for a statement."""
        word = tokens.peek()
        if word == "sizes":
            tokens.next(word)
            for name in tokens.list(lambda: tokens.name("a size")):
                self.sizes[name] = self.define(name, "i64")
        elif word in get_args(Role):
            role = cast("Role", tokens.next(word))
            name = tokens.name("a buffer")
            if name in self.buffers:
                raise ValueError(f"buffer {name} again")
            tokens.expect(":")
            type_ = tokens.type()
            tokens.expect("[")
            extents = tokens.list(lambda: tokens.next("an extent"), "]")
            chunked = tokens.accept("chunked")
            numbers: tuple[float, ...] = ()
            if role == "const":
                tokens.expect("=")
                tokens.expect("(")
                numbers = tokens.list(lambda: _number(tokens, type_), ")")
            self.buffers[name] = Buffer(type_, (), role, chunked, numbers), extents
        else:
            return False
        tokens.end()
        return True

    # ---- parts of a line

    def define(self, name: str, type_: ScalarType) -> Value:
        if name in self.values:
            raise ValueError(f"{name} is defined again")
        value = self.values[name] = Value(len(self.values), type_)
        return value

    def lookup(self, name: str) -> Value:
        if name not in self.values:
            raise ValueError(f"no value is called {name!r}")
        return self.values[name]

    def typed(self, tokens: _Tokens) -> Value:
        name = tokens.next("a value")
        if not name.startswith("%"):
            raise ValueError(f"expected a value, not {name!r}")
        tokens.expect(":")
        return self.define(name, tokens.type())

    def value(self, tokens: _Tokens) -> Value:
        return self.lookup(tokens.next("a value"))

    def extent(self, tokens: _Tokens) -> Extent:
        return tokens.integer() if tokens.peek() == "-" or tokens.peek()[:1].isdecimal() else self.value(tokens)

    def index(self, tokens: _Tokens) -> Index:
        const, terms, sign = 0, [], -1 if tokens.accept("-") else 1
        while True:
            factor: Extent = tokens.natural() if tokens.peek()[:1].isdecimal() else self.value(tokens)
            if tokens.accept("*"):
                terms.append((self.value(tokens), sign * factor if isinstance(factor, int) else factor))
            elif isinstance(factor, int):
                const += sign * factor
            else:
                terms.append((factor, sign))
            if tokens.peek() not in ("+", "-"):
                return Index(const, tuple(terms))
            sign = -1 if tokens.next("a sign") == "-" else 1

    def element(self, tokens: _Tokens) -> tuple[str, Access]:
        name = tokens.name("a buffer")
        tokens.expect("[")
        return name, tokens.list(lambda: self.index(tokens), "]")

    def region(self, tokens: _Tokens) -> Region:
        name = tokens.name("a buffer")
        return Region(name, tokens.list(lambda: self.index(tokens), "]") if tokens.accept("[") else ())

    def statement(self, tokens: _Tokens) -> Statement | _Open:
        results: tuple[Value, ...] = ()
        if tokens.peek().startswith("%"):
            results = tokens.list(lambda: self.typed(tokens))
            tokens.expect("=")
        word = tokens.name("a statement")
        if word in ("for", "while", "switch"):
            return self.nested(word, tokens, results)
        if bool(results) != (word not in ("store", "check", "allocate", "call")) or len(results) > 1:
            raise ValueError(f"{word!r} with {len(results)} results")
        if not results:
            return self.effect(word, tokens)
        (result,) = results
        if word == "const":
            return Const(result, _number(tokens, result.type))
        if word == "load":
            return Load(result, *self.element(tokens))
        return Apply(result, word, tokens.list(lambda: self.value(tokens)), tokens.node())

    def effect(self, word: str, tokens: _Tokens) -> Statement:
        """A statement without results."""
        if word == "allocate":
            return Allocate(tokens.name("a buffer"))
        if word == "store":
            element = self.element(tokens)
            tokens.expect("=")
            return Store(*element, self.value(tokens), self.by(tokens))
        if word == "check":
            condition = self.value(tokens)
            codes = {text: code for code, text in CODES.items()}
            code = tokens.natural() if tokens.peek()[:1].isdecimal() else codes.get(tokens.next("a code"))
            if code is None:
                raise ValueError("unknown code of a check")
            return Check(condition, code, tokens.node())
        routine = tokens.name("a routine")
        if tokens.accept(":"):
            routine += ":" + tokens.name("a routine")
        tokens.expect("(")
        operands = tokens.list(lambda: self.region(tokens), ")")
        tokens.expect("->")
        tokens.expect("(")
        into = tokens.list(lambda: self.region(tokens), ")")
        numbers = tokens.list(lambda: self.extent(tokens)) if tokens.accept("numbers") else ()
        return Call(routine, operands, into, numbers, tokens.node())

    def by(self, tokens: _Tokens) -> str:
        return tokens.name("a primitive") if tokens.accept("by") else ""

    def nested(self, word: str, tokens: _Tokens, results: tuple[Value, ...]) -> _Open:
        if word == "switch":
            selector = self.value(tokens)
            return _Open(
                word, lambda blocks: Switch(selector, tuple(Case(b.statements, b.yields) for b in blocks), results), []
            )
        if word == "while":
            carried, initial, _ = self.carried(tokens)
            return _Open(
                word,
                lambda blocks: While(
                    carried,
                    initial,
                    blocks[0].statements,
                    blocks[0].yields[0],
                    blocks[1].statements,
                    blocks[1].yields,
                    results,
                ),
                [_Block()],
            )
        return self.for_(tokens, results)

    def for_(self, tokens: _Tokens, results: tuple[Value, ...]) -> _Open:
        begin: Extent = 0
        if not (tokens.peek().startswith("%") and tokens.peek() not in self.values):
            begin = self.extent(tokens)
            tokens.expect("<=")
        variable = self.define(tokens.next("a variable"), "i64")
        tokens.expect("<")
        end = self.extent(tokens)
        kind = cast("Kind", tokens.next("a kind")) if tokens.peek() in get_args(Kind) else "serial"
        carried, initial, joins = self.carried(tokens)
        return _Open(
            "for",
            lambda blocks: For(
                variable, begin, end, carried, initial, joins, blocks[0].statements, blocks[0].yields, results, kind
            ),
            [_Block()],
        )

    def carried(self, tokens: _Tokens) -> tuple[tuple[Value, ...], tuple[Value, ...], tuple[str, ...]]:
        """The carried values in parentheses, if any: themselves, their initial values, how they are combined."""

        def one() -> tuple[Value, Value, str]:
            carried = self.typed(tokens)
            tokens.expect("=")
            return carried, self.value(tokens), self.by(tokens)

        items = tokens.list(one, ")") if tokens.accept("(") else ()
        return tuple(x for x, _, _ in items), tuple(x for _, x, _ in items), tuple(x for _, _, x in items)


def _number(tokens: _Tokens, type_: ScalarType) -> float:
    if type_ == "bool":
        text = tokens.next("a number")
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is no bool")
        return text == "true"
    if type_ in INTS:
        return tokens.integer()
    text = ""
    while tokens.peek() not in ("", ",", ")"):
        text += tokens.next("a number")
    if not _FLOAT.fullmatch(text):
        raise ValueError(f"{text!r} is no float")
    return float(text)
