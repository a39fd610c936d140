"""The record of a pass, and the log of its changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cgcli.graph.graph import NONE, Graph, opname
from cgcli.ops.table import BY_CODE

SHOWN = 50  # sentences of a log; the rest are counted


class Rewrite(Protocol):
    """A pure function graph → graph with the same inputs and outputs; the same object when it changes nothing."""

    def __call__(self, graph: Graph, log: Log | None = None) -> Graph: ...


@dataclass(frozen=True)
class Pass:
    """A rewrite with a name and a one-line law.

    exact: whether every value keeps its bits (of a NaN: that it is one).
    """

    name: str
    law: str
    run: Rewrite
    exact: bool = True


def rewrite(name: str, law: str, exact: bool = True) -> Callable[[Rewrite], Pass]:
    """Makes a rewrite a pass."""
    return lambda run: Pass(name, law, run, exact)


@dataclass
class Log:
    """Sentences about what a pass changed, each once, in the order of the changes."""

    sentences: dict[str, int] = field(default_factory=dict)
    unsaid: int = 0

    def say(self, sentence: str) -> None:
        if sentence in self.sentences:
            self.sentences[sentence] += 1
        elif len(self.sentences) < SHOWN:
            self.sentences[sentence] = 1
        else:
            self.unsaid += 1

    def changes(self) -> tuple[str, ...]:
        sentences = [s if n == 1 else f"{s} ({n} times)" for s, n in self.sentences.items()]
        return (*sentences, f"and {self.unsaid} more changes of these kinds") if self.unsaid else tuple(sentences)


def describe(graph: Graph, i: int) -> str:
    """Node `i` in the user's words: his name for it, or what he wrote and where, or the operation."""
    name = graph.names.get(i)
    if name is not None:
        return f"`{name}`"
    op = BY_CODE[graph.op[i]]
    row = graph.span[i]
    if row == NONE:
        return f"`{op.spelling.text}`"
    span = graph.spans[row]
    text = " ".join(span.text.split())
    if len(text) > 40:
        text = text[:39] + "…"
    where = f"`{text}` on line {span.line}"
    written = op.spelling.text in text or op.spelling.form in ("none", "same")
    return where if written else f"`{opname(op.code)}` for {where}"  # a derivative has its function's span
