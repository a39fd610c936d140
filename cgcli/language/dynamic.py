"""Programs that only a run can make a graph of: what they declare, and one run of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Input, Module
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import select
from cgcli.graph.types import ANY

from .builtins import CONSTANTS, NAMES
from .calls import Calls
from .expressions import MAX_NODES
from .frames import Environment, Frame
from .lower import Unit
from .parser import collector_off, parse_value
from .regions import Several, Value
from .resolver import Names, bound_names, called_names, size_names, value_names
from .structures import STRUCTURES, Null, Structure
from .tree import kind, span_of
from .undeclared import guided


class Files(NamedTuple):
    """A program's text and where its imports may lie; see `lower`."""

    source: Source
    path: Path | None
    root: Path
    allowed: Sequence[Path]


def outline(files: Files, open_shapes: Mapping[str, Shape] | None = None) -> Module:
    """What a program declares, without what it computes: its values are the inputs, its graph holds them alone.

    Raises CgError for mistakes in names and declarations.
    """
    with collector_off():
        return _Outline(files, open_shapes or {}).module()


class _Outline(Unit):
    def __init__(self, files: Files, open_shapes: Mapping[str, Shape]) -> None:
        super().__init__(*files, MAX_NODES, open_shapes, 0)
        self.needed = _declaring(self.file.statements)

    def is_lowered(self, statement: Any) -> bool:
        """Declarations, and the assignments of names that they are made of."""
        if kind(statement) in ("input_decl", "param_decl", "import_decl"):
            return True
        return any(identifier(token) in self.needed for token in bound_names(statement))

    def add_input(self, declared: Input) -> Value | Structure:
        if declared.type != ANY:
            return super().add_input(declared)
        self.inputs[declared.name] = declared
        self.nodes[declared.name] = self.region.at(declared.span, None).input(ANY, declared.name)
        return Null(declared.name)

    def module(self) -> Module:
        environment = self.file.lower()
        outputs = self.file.outputs()
        return Module(
            source=self.source,
            graph=select(self.region.builder.freeze(()), list(self.nodes.values())),
            inputs=tuple(self.inputs.values()),
            outputs=outputs.names,
            values={name: k for k, name in enumerate(self.nodes)},
            carried=outputs.carried,
            docs=self.docs,
            warnings=(*environment.names.warnings, *self.calls.warnings),
            imports=tuple(self.files),
        )


class Execution(Unit):
    """A run of a program by `calls`, which computes each node that it makes.

    given: the inputs, with types whose sizes are numbers. Raises CgError for mistakes in names.
    """

    def __init__(self, files: Files, calls: Calls, given: Mapping[str, Input]) -> None:
        with collector_off():
            super().__init__(*files, calls.max_nodes, {}, 0, calls, given)

    def module(self) -> Module:
        """Runs. The graph is that of all that was computed. Raises CgError for mistakes and for what stops the run."""
        with collector_off():
            return self._module()

    def evaluate(self, text: Source, names: Mapping[str, Any]) -> Value | Structure:
        """The value of an expression that was written after a run, over values of that run by name. Raises CgError."""
        tree = parse_value(text)
        known = self.file.environment
        for token in value_names(tree):
            name = identifier(token)
            if name not in names and name not in CONSTANTS and name not in known.modules:
                near = nearest(name, [*names, *CONSTANTS])
                raise error("not-bound-here", span_of(text, token), name=name, nearest=near)
        for token in called_names(tree):
            name = identifier(token)
            if name not in known.names.functions and name not in NAMES:
                near = nearest(name, [*known.names.functions, *NAMES])
                raise error("unknown-function", span_of(text, token), name=name, nearest=near)
        here = Environment(text, Names(), values=dict(names), modules=known.modules, around=known)
        found = self.calls.lower_any(Frame(here, self.region), tree, STRUCTURES)
        assert not isinstance(found, Several)
        return found

    def _module(self) -> Module:
        try:
            environment = self.file.lower()
        except CgError as e:
            raise guided(e, self.source) from None
        outputs, carried = self.file.outputs()
        values = {name: v.node for name, v in environment.values.items() if isinstance(v, Value)}
        if not self.file.declares_output:
            outputs = tuple(name for name in outputs if name in values) or outputs
        for name in outputs:
            if name not in values:
                span = self.file.frame.span(environment.names.tokens[name])
                raise error("structure-as-output", span, status=1, name=name, found=str(environment.values[name]))
        b = self.region.builder
        return Module(
            source=self.source,
            graph=b.freeze([values[name] for name in outputs]),
            inputs=tuple(self.inputs.values()),
            outputs=outputs,
            values=values,
            carried=carried,
            docs=self.docs,
            warnings=(*environment.names.warnings, *self.calls.warnings),
        )


def _declaring(statements: Sequence[Any]) -> set[str]:
    """The names that declarations are made of: in sizes, defaults and ranges, and what those are made of."""
    made: dict[str, list[Any]] = {}
    waiting: list[str] = []
    for statement in statements:
        if kind(statement) in ("input_decl", "param_decl"):
            waiting += size_names(statement.children[1])
            waiting += [identifier(t) for part in statement.children[2:] if part is not None for t in value_names(part)]
        elif kind(statement) in ("assign", "unpack"):
            for token in bound_names(statement):
                made.setdefault(identifier(token), []).append(statement.children[-1])
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _names_in(made.get(name, ()))
    return needed


def _names_in(expressions: Sequence[Any]) -> Iterator[str]:
    return (identifier(token) for expression in expressions for token in value_names(expression))
