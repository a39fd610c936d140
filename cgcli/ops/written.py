"""Operations as they were written: the nodes that one of them was lowered to, seen as one."""

from __future__ import annotations

import re

from cgcli.diagnostics.source import RepeatedSpan
from cgcli.graph.graph import ASSERT, CAST, COND, CONST, COPY, GET, INPUT, LOOP, NONE, Graph, opcode
from cgcli.graph.span_table import SpanTable

from .spelling import write_number
from .table import BY_CODE

_CALL = re.compile(r"(?:\w+\.)*(\w+)\(")
_STATEMENT = re.compile(r"(?:for|while|if)\b")
_TARGET = re.compile(r"\w+(\[.*?\]) ?=(?!=)")
_PRIMARY = re.compile(r"(?:[\w.]|\(\)|\[\])*")
_WORD = re.compile(r"\w+")
_STRUCTURAL = frozenset((INPUT, COND, LOOP, ASSERT))
_OTHERS: dict[str, tuple[str, ...]] = {"^": ("**",), "and": ("&",), "or": ("|",), "not": ("~",)}
"""Other spellings of operators, here and in Python."""
_FORMS = frozenset((CAST, opcode("match"), opcode("index"), opcode("unstack")))
"""What only gives a value another form for what reads it: a type, a size that was checked, an index that was, items."""


class WrittenOperations:
    """A partition of a graph's nodes: `P[0, 0]` is a slice and a squeeze, `x @ y` of two vectors four nodes.

    A node without a name belongs to the operation of its users when all of them are part of one that has the same
    span, the source text that it was lowered from, and the same call. Another form of a value (a cast) is part of the
    operation within whose text it stands; else it counts as that value, as does a copy under the same name, with
    which a loop begins.
    result_of: by node the node that stands for its operation, its last one. Every edge that leaves an operation
    starts at its result, so that no path leads out of it and back. is_form: by node whether it is another form of the
    result of its operation, in none of `members`.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.result_of, self.is_form = _results(graph)
        self.has_control = COND in graph.op or LOOP in graph.op
        """Whether an operation is an `if` or a loop."""
        self.members: dict[int, list[int]] = {}
        """By result, the nodes of the operations that have more than one, in the graph's order."""
        for i, result in enumerate(self.result_of):
            if i != result and not self.is_form[i]:
                self.members.setdefault(result, []).append(i)
        for result, nodes in self.members.items():
            nodes.append(result)

    def operands(self, i: int) -> tuple[int, ...]:
        """What the operation with the result `i` reads: results of others, each once when it has several nodes.

        Those of several nodes are in the order in which they are written, where all of them stand in the operation's
        text, else in that of the operands of its nodes. Literals that do not stand there are left out.
        """
        nodes = self.members.get(i)
        if nodes is None:
            return tuple(self.result_of[x] for x in self.graph.operands(i))
        places = {x: self.places(i, x) for x in self._results_read(i)}
        operands = [x for x in places if places[x] or self.graph.op[x] != CONST or x in self.graph.names]
        return tuple(sorted(operands, key=lambda x: places[x]) if all(places[x] for x in operands) else operands)

    def _results_read(self, i: int) -> list[int]:
        """The results that the nodes of an operation read, from its result down, the first operand first."""
        results: dict[int, None] = {}
        seen, stack = {i}, [i]
        while stack:
            x = stack.pop()
            if self.result_of[x] != i:
                results[self.result_of[x]] = None
                continue
            new = [y for y in self.graph.operands(x) if y not in seen]
            seen.update(new)
            stack.extend(reversed(new))
        return list(results)

    def control(self, i: int) -> int | None:
        """The result of an `if` or a loop that an operation is or begins with; None for all others."""
        return next((x for x in (i, *self.members.get(i, ())) if self.graph.op[x] == GET), None)

    def inputs(self, i: int) -> tuple[int, ...]:
        """As `operands`, but those of an `if` or a loop for what is a result of one."""
        inputs: dict[int, None] = {}
        operands = self.operands(i)
        if not self.has_control or not any(self.graph.op[x] in (COND, LOOP) for x in operands):
            return operands
        for x in operands:
            inputs |= dict.fromkeys(self.operands(x) if self.graph.op[x] in (COND, LOOP) else (x,))
        return tuple(inputs)

    def places(self, i: int, x: int) -> list[tuple[int, int]]:
        """Where an operand stands in the text of an operation, by its span or its name: offsets in the source."""
        graph = self.graph
        if NONE in (graph.span[i], graph.span[x]):
            return []
        whole, part = graph.spans[graph.span[i]], graph.spans[graph.span[x]]
        name = graph.names.get(x)
        if name is None:
            is_within = part.source is whole.source and whole.start <= part.start and part.end <= whole.end
            return [(part.start, part.end)] if is_within and part != whole else []
        prefix, _, last = name.rpartition(".")
        scope = self._scope(i)
        if scope == NONE:
            candidates = [name, last] if part.source is whole.source else [name]
        else:  # within a function another value may have the name of a parameter
            candidates = [last] if prefix == graph.groups[scope].function and self._lies_in(x, scope) else []
        for text in candidates:
            pattern = rf"(?<![\w.]){re.escape(text)}(?!\w)"
            places = [(whole.start + m.start(), whole.start + m.end()) for m in re.finditer(pattern, whole.text)]
            if places:
                return places
        return []

    def _scope(self, i: int) -> int:
        """The call in whose body the text of node `i` stands: not that of the built-in function that it is."""
        graph, group = self.graph, self.graph.group[i]
        if group != NONE and graph.groups[group].span == graph.spans[graph.span[i]]:
            return graph.groups[group].parent
        return group

    def _lies_in(self, x: int, scope: int) -> bool:
        group = self.graph.group[x]
        while group not in (NONE, scope):
            group = self.graph.groups[group].parent
        return group == scope

    def text(self, i: int) -> str | None:
        """The source text of an operation, on one line; None where the op of its one node says it all."""
        span = self.graph.span[i]
        if span == NONE or (i not in self.members and self._says_it_all(i)):
            return None
        return " ".join(self.graph.spans[span].text.split())

    def symbol(self, i: int) -> str | None:
        """The function, the index, the operator or the keyword that an operation was written with.

        None where the op of its one node says it.
        """
        text = self.text(i)
        if text is None:
            return None
        statement = _STATEMENT.match(text)
        if statement:
            return statement[0]
        if self.graph.op[i] == GET:
            return self._control_word(i)
        call = _CALL.match(text)
        if call and _closes(text, call.end() - 1) == len(text) - 1:
            return call[1]
        target = _TARGET.match(text)
        if target:
            return f"{target[1]} ="
        outside = _outside_brackets(text)
        if outside == "[]":
            return "[…]"
        if text.endswith("]") and _PRIMARY.fullmatch(outside):
            return text[_opening(text) :]
        signs = (self._sign(x, outside) for x in reversed(self.members.get(i) or [i]))
        symbol = next((s for s in (*signs, *(s for s in (".T", "..") if s in outside)) if s), None)
        is_line = isinstance(self.graph.spans[self.graph.span[i]], RepeatedSpan)  # perhaps a whole line of Python
        return symbol or (None if is_line else text)

    def operator(self, i: int) -> str:
        """The symbol of any operation, also where the op of its one node says it: `*`, `^2`, `exp`, `=` of a name."""
        span, exponent = self.graph.span[i], self.graph.attrs.get(i, {}).get("exponent")
        if span != NONE and exponent is None and i not in self.members:
            sign = self._sign(i, self.graph.spans[span].text)
            if sign is not None:  # as of most operations
                return sign
        symbol = self.symbol(i)
        if symbol is not None:
            return symbol
        if self.graph.op[i] in (COPY, CONST):
            return "="
        text = (span != NONE and self._sign(i, self.graph.spans[span].text)) or BY_CODE[self.graph.op[i]].spelling.text
        return text if exponent is None else f"{text}{write_number(exponent).text}"

    def _control_word(self, i: int) -> str:
        """The keyword of a result of an `if` or a loop. An `and` whose right side may stop the run is an `if`, too."""
        graph, source = self.graph, self.graph.a[i]
        if graph.op[source] == LOOP:
            return "while" if "pred" in graph.attrs[source] else "for"
        text = graph.spans[graph.span[i]].text
        then, otherwise = (graph.attrs[source][side] for side in ("then", "else"))
        for word, side in (("and", otherwise), ("or", then)):
            if len(side) == 1 + len(side.inputs) and side.op[-1] == CONST and word in _WORD.findall(text):
                return word
        return "if"

    def _says_it_all(self, i: int) -> bool:
        """Whether the op of node `i` is the one that its source text has."""
        graph = self.graph
        code, text = graph.op[i], graph.spans[graph.span[i]].text
        if code == CONST:
            return not text.endswith(")")
        if code in (INPUT, COPY, ASSERT, COND, LOOP):
            return True
        return self._sign(i, text) is not None or BY_CODE[code].spelling.text in _WORD.findall(text)

    def _sign(self, i: int, text: str) -> str | None:
        """The sign between or before operands that node `i` is written with, where the text has it."""
        spelling = BY_CODE[self.graph.op[i]].spelling
        if spelling.form not in ("infix", "prefix"):
            return None
        if spelling.text in text:
            return spelling.text
        return next((sign for sign in _OTHERS.get(spelling.text, ()) if sign in text), None)


def _results(graph: Graph) -> tuple[list[int], bytearray]:
    """By node, the result of its operation, and whether it is another form of that: one pass from the last node on."""
    result = list(range(len(graph)))
    is_form = bytearray(len(graph))
    users: list[int] = [NONE] * len(graph)  # the one operation that reads a node so far
    shared = bytearray(len(graph))  # read by several operations
    live: dict[tuple[int, int], int] = {}  # by span and call, the operation that is read
    repeated = {i for i, name in graph.names.items() if graph.op[i] == COPY and graph.names.get(graph.a[i]) == name}
    fixed = {*graph.outputs, *graph.asserts, *(graph.names.keys() - repeated)}
    is_plain = isinstance(graph.spans, SpanTable) and not graph.spans.has_type(RepeatedSpan)
    for i in range(len(graph) - 1, -1, -1):
        reader = users[i]
        if i not in fixed and reader != NONE and not shared[i] and _belongs(graph, i, reader):
            result[i] = reader
        elif i not in fixed and (graph.op[i] in _FORMS or i in repeated):
            is_form[i] = 1
        elif i not in fixed and reader == NONE and graph.op[i] not in _STRUCTURAL:
            result[i] = live.get((graph.span[i], graph.group[i]), i)  # what nothing reads is of the rest of its text
        elif graph.span[i] != NONE and (is_plain or not isinstance(graph.spans[graph.span[i]], RepeatedSpan)):
            live[graph.span[i], graph.group[i]] = i
        owner = reader if is_form[i] else result[i]
        for x in graph.operands(i):
            if (is_form[i] and shared[i]) or users[x] not in (NONE, owner):
                shared[x] = 1
            users[x] = users[x] if owner == NONE else owner
    for i in range(len(graph)):
        if is_form[i]:
            result[i] = result[graph.a[i]]
    return result, is_form


def _belongs(graph: Graph, i: int, result: int) -> bool:
    """Whether an unnamed node is part of the operation with this result, which alone reads it."""
    if graph.op[i] in _STRUCTURAL or graph.op[result] in _STRUCTURAL or NONE in (graph.span[i], graph.span[result]):
        return False
    if graph.span[i] != graph.span[result] and graph.op[i] not in _FORMS:
        return False  # most nodes: spans of long programs are computed when they are read
    part, whole = graph.spans[graph.span[i]], graph.spans[graph.span[result]]
    if part.source is not whole.source or graph.group[i] != graph.group[result] or isinstance(whole, RepeatedSpan):
        return False
    if graph.span[i] == graph.span[result]:
        return True
    return whole.start <= part.start and part.end <= whole.end


def _closes(text: str, opening: int) -> int:
    """Where the bracket closes that is opened there."""
    depth = 0
    for k in range(opening, len(text)):
        depth += (text[k] in "([{") - (text[k] in ")]}")
        if not depth:
            return k
    return len(text)


def _opening(text: str) -> int:
    """Where the bracket opens that the text ends with."""
    depth = 0
    for k in range(len(text) - 1, -1, -1):
        depth += (text[k] in ")]}") - (text[k] in "([{")
        if not depth:
            return k
    return 0


def _outside_brackets(text: str) -> str:
    """A text without what its brackets hold."""
    kept, depth = [], 0
    for c in text:
        depth -= c in ")]}"
        if not depth:
            kept.append(c)
        depth += c in "([{"
    return "".join(kept)
