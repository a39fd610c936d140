"""Dynamic programs, whose graph is built by a run: their declarations, and the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error, unknown_name
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import Files
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
from .undeclared import with_declarations


def outline(files: Files, open_shapes: Mapping[str, Shape] | None = None) -> Module:
    """The declarations of a program without its computation: its values and the nodes of its graph are the inputs.

    Raises CgError for mistakes in names and declarations.
    """
    with collector_off():
        return _Outline(files, open_shapes or {}).module()


class _Outline(Unit):
    def __init__(self, files: Files, open_shapes: Mapping[str, Shape]) -> None:
        super().__init__(files, MAX_NODES, open_shapes, 0)
        self.needed = _names_of_declarations(self.file.statements)

    def is_lowered(self, statement: Any) -> bool:
        """Whether a statement is a declaration, or assigns a name that declarations use."""
        if kind(statement) in ("input_decl", "param_decl", "import_decl"):
            return True
        return any(identifier(token) in self.needed for token in bound_names(statement))

    def add_input(self, declaration: Input) -> Value | Structure:
        if declaration.type != ANY:
            return super().add_input(declaration)
        self.inputs[declaration.name] = declaration
        self.nodes[declaration.name] = self.region.at(declaration.span, None).input(ANY, declaration.name)
        return Null(declaration.name)

    def module(self) -> Module:
        self.file.lower()
        graph = select(self.region.builder.freeze(()), list(self.nodes.values()))
        return self.module_of(graph, {name: k for k, name in enumerate(self.nodes)}, self.file.outputs())


class Execution(Unit):
    """A run of a program by `calls`, which computes each node that it makes.

    declarations: of the inputs, with types whose sizes are numbers. Raises CgError for mistakes in names.
    """

    def __init__(self, files: Files, calls: Calls, declarations: Mapping[str, Input]) -> None:
        with collector_off():
            super().__init__(files, calls.max_nodes, {}, 0, calls, declarations)

    def module(self) -> Module:
        """Runs the program; its graph holds all computed nodes. Raises CgError for mistakes and failures."""
        with collector_off():
            try:
                environment = self.file.lower()
            except CgError as e:
                raise with_declarations(e, self.source) from None
            outputs = self.file.outputs()
            values = {name: v.node for name, v in environment.values.items() if isinstance(v, Value)}
            if not self.file.declares_output:
                names = tuple(name for name in outputs.names if name in values)
                outputs = outputs._replace(names=names or outputs.names)
            for name in outputs.names:
                if name not in values:
                    span = self.file.frame.span(environment.names.tokens[name])
                    raise error("structure-as-output", span, status=1, name=name, kind=str(environment.values[name]))
            graph = self.region.builder.freeze([values[name] for name in outputs.names])
            return self.module_of(graph, values, outputs)

    def evaluate(self, text: Source, names: Mapping[str, Any]) -> Value | Structure:
        """The value of an expression over the named values of a finished run. Raises CgError."""
        tree = parse_value(text)
        environment = self.file.environment
        for token in value_names(tree):
            name = identifier(token)
            if name not in names and name not in CONSTANTS and name not in environment.modules:
                raise error("not-bound-here", span_of(text, token), **unknown_name(name, [*names, *CONSTANTS]))
        for token in called_names(tree):
            name = identifier(token)
            if name not in environment.names.functions and name not in NAMES:
                functions = [*environment.names.functions, *NAMES]
                raise error("unknown-function", span_of(text, token), **unknown_name(name, functions))
        scope = Environment(text, Names(), values=dict(names), modules=environment.modules, enclosing=environment)
        value = self.calls.lower_any(Frame(scope, self.region), tree, STRUCTURES)
        assert not isinstance(value, Several)
        return value


def _names_of_declarations(statements: Sequence[Any]) -> set[str]:
    """The names that declarations use in sizes, defaults and ranges, and those that these names depend on."""
    expressions: dict[str, list[Any]] = {}
    worklist: list[str] = []
    for statement in statements:
        if kind(statement) in ("input_decl", "param_decl"):
            worklist += size_names(statement.children[1])
            worklist += [identifier(t) for c in statement.children[2:] if c is not None for t in value_names(c)]
        elif kind(statement) in ("assign", "unpack"):
            for token in bound_names(statement):
                expressions.setdefault(identifier(token), []).append(statement.children[-1])
    needed: set[str] = set()
    while worklist:
        name = worklist.pop()
        if name not in needed:
            needed.add(name)
            worklist += _names_in(expressions.get(name, ()))
    return needed


def _names_in(expressions: Sequence[Any]) -> Iterator[str]:
    return (identifier(token) for expression in expressions for token in value_names(expression))
