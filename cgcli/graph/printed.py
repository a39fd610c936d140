"""The printed form of a graph, read back: `parse_graph(str(graph)) == graph`.

    %0: float = input "a"
    %1: ~int = const value=2
    %2: float = mul %0 %1 "y"
    -> %2

Attributes are `key=` and a JSON value, or a nested graph in braces; the user's name of a node stands last.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .columns import Columns
from .graph import Graph, opcode
from .types import parse_type

_HEAD = re.compile(r"%(\d+): ([^=]+) = (\w+)((?: %\d+)*)")
_KEY = re.compile(r" (\w+)=")
_DECODER = json.JSONDecoder()


def parse_graph(text: str) -> Graph:
    """The graph that prints as `text`. Raises ValueError, which names the line, when there is none."""
    open_graphs: list[_Open] = [_Open()]
    for number, line in enumerate(text.split("\n"), 1):
        if not open_graphs:
            raise ValueError(f"line {number}: text after the graph's end")
        try:
            done = _read(line.strip(), open_graphs)
        except (ValueError, IndexError) as e:
            raise ValueError(f"line {number}: {e}") from None
    if open_graphs or done is None:
        raise ValueError("the graph does not end with its outputs")
    return done


class _Open:
    """A graph whose last line has not come yet, and the node in it whose attribute is a nested graph."""

    def __init__(self) -> None:
        self.columns = Columns()
        self.attrs: dict[str, Any] = {}
        self.key = ""


def _read(line: str, stack: list[_Open]) -> Graph | None:
    top = stack[-1]
    if line.startswith("->"):
        graph = top.columns.freeze(_refs(line[2:], len(top.columns)))
        stack.pop()
        if stack:
            stack[-1].attrs[stack[-1].key] = graph
            return None
        return graph
    if line.startswith("}"):
        if not top.key:
            raise ValueError("a } without its {")
        top.key = ""
        rest = line[1:]
    else:
        head = _HEAD.match(line)
        if head is None:
            raise ValueError("not a node")
        index, type_, op, refs = head.groups()
        if int(index) != len(top.columns) or top.key:
            raise ValueError("nodes are numbered one by one")
        top.attrs = {}
        top.columns.append(opcode(op), _refs(refs, int(index)), top.columns.intern_type(parse_type(type_)))
        rest = line[head.end() :]
    _read_attrs(rest, top, stack)
    return None


def _read_attrs(rest: str, top: _Open, stack: list[_Open]) -> None:
    i = len(top.columns) - 1
    while match := _KEY.match(rest):
        rest = rest[match.end() :]
        if rest == "{":
            top.key = match[1]
            stack.append(_Open())
            return
        value, end = _DECODER.raw_decode(rest)
        top.attrs[match[1]] = _tuples(value)
        rest = rest[end:]
    if top.attrs:
        top.columns.attrs[i] = top.attrs
    if rest:
        name = json.loads(rest)
        if not isinstance(name, str):
            raise ValueError("a name is a string")
        top.columns.names[i] = name


def _refs(text: str, below: int) -> list[int]:
    refs = []
    for word in text.split():
        if not word.startswith("%") or not word[1:].isdigit() or int(word[1:]) >= below:
            raise ValueError(f"{word} is no earlier node")
        refs.append(int(word[1:]))
    return refs


def _tuples(value: Any) -> Any:
    """JSON knows only lists; attributes are immutable."""
    return tuple(_tuples(x) for x in value) if isinstance(value, list) else value
