"""The result of lowering: the graph of a program and the declarations of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cgcli.diagnostics.diagnostic import Diagnostic
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT, Type

Scalar = float | int | bool


@dataclass(frozen=True)
class Input:
    """A value that is bound at each run; both ends belong to `range`.

    default: a number, None when there is none. initial: a graph that gives the default in the input's type, where that
    is no number: it may read named sizes and, as its only input, the seed. written: the default as the file says it.
    open: the axis at which `...` begins, and the number of axes that it was taken for in `type`.
    """

    name: str
    kind: Literal["input", "param"] = "input"
    type: Type = FLOAT
    default: Scalar | None = None
    initial: Graph | None = None
    written: str = ""
    open: tuple[int, int] | None = None
    range: tuple[float, float] | None = None
    doc: str = ""
    span: Span | None = None
    implicit: bool = False

    @property
    def optional(self) -> bool:
        """Whether a run can do without a value for it."""
        return self.default is not None or self.initial is not None


class Signature(dict[str, Type]):
    """The type of each input; as text the lines to paste."""

    def __str__(self) -> str:
        return "; ".join(f"input {name}" + (f": {t}" if t != FLOAT else "") for name, t in self.items())


def signature(inputs: Iterable[Input], types: Mapping[str, Type]) -> Signature:
    """The signature of all inputs, for where a file declares one it declares all."""
    return Signature({i.name: types.get(i.name, i.type) for i in inputs if i.kind == "input"})


@dataclass(frozen=True)
class Module:
    """A program that was lowered.

    inputs: in the order of `graph.inputs`. outputs: names, parallel to `graph.outputs`. values: every name of the top
    level with the node of its last binding, inputs included. carried: names that nothing below a loop reads and that
    are no outputs, for they only carry the loop from step to step. docs: the doc comments of names. imports: the files
    that it imports, with their texts. links: the path of each import as it is written, and the file that it led to.
    """

    source: Source
    graph: Graph
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, int]
    carried: tuple[str, ...] = ()
    docs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    imports: Mapping[Path, Source] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
