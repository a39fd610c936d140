"""Lowers programs to graphs: the statements of a file from top to bottom, its declarations, imports and outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import Files, read_source, resolved, root_folder
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Input, Module, Scalar
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.traversal import live, renumbered
from cgcli.graph.types import ANY, FLOAT, INT, Type
from cgcli.language.imports import STDLIB, at_import, library_file, resolve_import
from cgcli.ops.number_kernels import is_scalar

from .blocks import DECLARATIONS
from .calls import Calls
from .constants import can_cast, evaluate_constant, shape_matches, value_graph
from .expressions import MAX_NODES
from .flow import assigned_in
from .frames import (
    Dimension,
    Environment,
    Frame,
    assigned_tree,
    coerce,
    declared_type,
    named_values,
    target_name,
)
from .mixed_floats import mixed_floats
from .outputs import Outputs, declared_outputs, implicit_outputs
from .parser import Parsed, collector_off, parse, parse_divided, unquote
from .plain_lines import NotDivided, PlainLines
from .regions import Several, Value
from .replay import Replays
from .resolver import Resolver, StatementIndex, indexed_statements
from .shapes import size_of
from .structures import Structure
from .tree import SyntheticTree, kind, span_of


def lower(
    source: Source,
    *,
    path: Path | None = None,
    root: Path | None = None,
    allowed: Sequence[Path] = (),
    open_shapes: Mapping[str, Shape] | None = None,
    max_nodes: int = MAX_NODES,
    texts: Mapping[Path, Source] | None = None,
) -> Module:
    """The graph of a program, its inputs and outputs, and the files that it imports.

    open_shapes: of inputs with `...` in their shape, the axes that it stands for; the default is no axis or, where the
    program has an error then, one.

    path: the program's file, None for a text without one. root: the folder that its imports stay in (else one of
    `allowed`); None: the folder of `path`, or the working folder. texts: of imported files that are not to be read.
    Raises CgError for any error in the text.
    """
    files = Files(source, path, root_folder(root, path), allowed, texts or {})
    with collector_off():
        module = _lower_divided(files, max_nodes, open_shapes or {})
        if module is not None:
            return module
        try:
            return _lower_unit(Unit(files, max_nodes, open_shapes or {}, 0))
        except _OpenError as problem:
            try:
                return _lower_unit(Unit(files, max_nodes, open_shapes or {}, 1))
            except CgError:
                raise CgError(*problem.diagnostics, status=problem.status) from None


def _lower_divided(files: Files, max_nodes: int, open_shapes: Mapping[str, Shape]) -> Module | None:
    """A long program with many plain lines; None for any other, and for one with an error, whose words are those of
    the whole text."""
    try:
        parsed = parse_divided(files.source)
        return None if parsed is None else Unit(files, max_nodes, open_shapes, 0, parsed=parsed).module()
    except (CgError, NotDivided):
        return None


class _OpenError(CgError):
    """An error in a program that was lowered with an assumption about the axes of a `...`."""


def _lower_unit(program: Unit) -> Module:
    try:
        return program.module()
    except CgError as e:
        if program.shape_assumed and not isinstance(e, _OpenError):
            raise _OpenError(*e.diagnostics, status=e.status) from None
        raise


class Unit:
    """A program that is being lowered: its files, and the region that all of them share."""

    def __init__(
        self,
        files: Files,
        max_nodes: int,
        open_shapes: Mapping[str, Shape],
        assumed_axes: int,
        calls: Calls | None = None,
        declarations: Mapping[str, Input] | None = None,
        parsed: Parsed | None = None,
    ) -> None:
        """calls: lowers expressions and blocks. declarations: complete ones, which replace those of the text. parsed:
        the syntax of the main file, which is parsed otherwise."""
        source, path, self.root, self.allowed, self.texts = files
        self.declarations = declarations or {}
        self.open_shapes, self.assumed_axes = open_shapes, assumed_axes
        self.shape_assumed = False
        self.calls = calls or Calls(max_nodes)
        self.region = self.calls.region()
        self.calls.declared_input = lambda name: self.file.environment.values.get(name) if name in self.inputs else None
        self.inputs: dict[str, Input] = {}
        self.nodes: dict[str, int] = {}
        self.files: dict[Path, Environment] = {}
        # the chain of imports that are being lowered
        self.open_files: dict[Path, None] = {} if path is None else {resolved(path): None}
        self.docs: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self._seed: Value | None = None
        self.source = source
        self.file = File(self, source, path, main=True, parsed=parsed)

    def module(self) -> Module:
        environment = self.file.lower()
        outputs = self.file.outputs()
        values = {name: self.region.index(v) for name, v in environment.values.items()}
        b = self.region.builder
        mixed = mixed_floats(self.inputs, b)
        if mixed is not None:
            self.calls.warn("mixed-floats", mixed.span, param=mixed.param, name=mixed.input)
        needed = live(b, [*values.values(), *self.nodes.values(), *b.asserts])
        graph, rows = renumbered(b, needed, [values[name] for name in outputs.names])
        return self.module_of(graph, {name: rows[i] for name, i in values.items()}, outputs)

    def module_of(self, graph: Graph, values: Mapping[str, int], outputs: Outputs) -> Module:
        """The program as a module with this graph, the nodes of its names and its outputs."""
        return Module(
            source=self.source,
            graph=graph,
            inputs=tuple(self.inputs.values()),
            outputs=outputs.names,
            values=values,
            carried=outputs.carried,
            docs=self.docs,
            warnings=(*self.file.environment.names.warnings, *self.calls.warnings),
            imports={path: environment.source for path, environment in self.files.items()},
            links=self.links,
        )

    def add_input(self, declaration: Input) -> Value | Structure:
        self.inputs[declaration.name] = declaration
        value = self.calls.input_value(self.region, declaration)
        if isinstance(value, Value):
            self.nodes[declaration.name] = value.node
        return value

    def is_lowered(self, statement: Any) -> bool:
        """Whether a statement of the main file is to be lowered."""
        return True

    def seed(self) -> Value:
        """The seed of the random initialisers: an input of theirs, never of the program."""
        if self._seed is None:
            self._seed = Value(self.region, self.region.builder.input(INT, "seed", varies=False))
        return self._seed

    def display_path(self, path: Path) -> str:
        """An imported file's path for messages: relative to the program's folder."""
        try:
            inside = path.relative_to(os.path.realpath(self.root))
        except ValueError:
            return str(path)
        return str(Path(self.source.name).parent / inside) if self.open_files else str(inside)


class File:
    """One file of the program: the main one, or one that is imported."""

    def __init__(
        self,
        program: Unit,
        source: Source,
        path: Path | None,
        main: bool,
        prefix: str = "",
        parsed: Parsed | None = None,
    ) -> None:
        self.program, self.path, self.main = program, path, main
        self.parsed: Parsed = parsed or parse(source)
        self.statements: list[Any] = self.parsed.tree.children
        self.source = source
        modules = {n: self._module_name(s) for n, s in enumerate(self.statements) if kind(s) == "import_decl"}
        if not main:
            self._check_imported()
        layout = self.parsed.layout
        names = Resolver(source, self.statements, modules, "main" if main else "import", layout).resolve()
        self.environment = Environment(source, names, prefix=prefix)
        self.frame = Frame(self.environment, program.region, prefix=prefix)
        self.bare_outputs: dict[StatementIndex, list[str]] = {}  # the names of the outputs of bare expressions
        self.declares_output = any(kind(s) == "output_decl" for s in self.statements)
        self.replays: Replays | None = None
        if layout is not None:
            self.replays = Replays(layout, self.environment, program.region, program.calls, self._statement)

    def lower(self) -> Environment:
        """The file's environment, after those of all files that it imports: a chain of imports may be of any length."""
        lowering = [self.lower_statements()]
        while lowering:
            if (file := next(lowering[-1], None)) is None:
                lowering.pop()
            else:
                lowering.append(file.lower_statements())
        return self.environment

    def lower_statements(self) -> Iterator[File]:
        """Lowers the statements in order; yields each imported file, to be lowered before the next statement."""
        for name, token in self.environment.names.inputs.items():
            implicit = Input(name, span=span_of(self.source, token), implicit=True)
            self.environment.values[name] = self.program.add_input(self.program.declarations.get(name, implicit))
        self._name_bare_expressions()
        for index, statement in indexed_statements(self.statements):
            if kind(statement) == "import_decl":
                yield from self._import(statement)
            elif not self.main or self.program.is_lowered(statement):
                self._statement(index, statement)

    def outputs(self) -> Outputs:
        """The outputs: those declared, else the values that nothing reads."""
        if self.declares_output:
            return declared_outputs(self.statements)
        names, inputs = self.environment.names, self.program.inputs
        bare = [(index, name) for index, several in self.bare_outputs.items() for name in several]
        if self.replays is not None:
            return self.replays.outputs(self.statements, names, bare, inputs)
        return implicit_outputs(self.statements, names, bare, inputs)

    # ---- statements

    def _statement(self, index: StatementIndex, statement: Any) -> None:
        rule = kind(statement)
        if isinstance(statement, PlainLines):
            assert self.replays is not None
            self.replays.lower(index[0], statement)
        elif rule in ("assign", "unpack"):
            self._assign(statement)
        elif rule in ("input_decl", "param_decl"):
            self._declare(statement, "input" if rule == "input_decl" else "param")
        elif rule == "output_item":
            if statement.children[1] is not None:
                self._bind(statement, identifier(statement.children[0]), statement.children[1])
        elif rule == "bare":
            self._bare(index, statement)
        elif rule == "return_stmt":
            raise error("return-outside", self.frame.span(statement))
        elif rule != "fn_decl":
            self._block(statement)

    def _assign(self, statement: Any) -> None:
        for target in statement.children[:-1]:
            self._check_unbound(statement, target_name(self.frame, target))
        result = self.program.calls.lower_any(self.frame, assigned_tree(statement))
        for name, value in named_values(self.frame, statement, result):
            self._name(statement, name, value)

    def _block(self, statement: Any) -> None:
        """Lowers a statement with blocks, or an `assert`, in a frame of its own, and binds the names of that frame."""
        for name in assigned_in([statement]):
            self._check_unbound(statement, name)
        inner = replace(self.frame, local={})
        self.program.calls.lower_any(inner, SyntheticTree("block_", [statement], statement.meta))
        for name, value in inner.local.items():
            self.environment.values[name] = value
            self._note_doc(statement, name)

    def _bind(self, statement: Any, name: str, expression: Any) -> None:
        self._check_unbound(statement, name)
        self._name(statement, name, self.program.calls.lower(self.frame, expression))

    def _bare(self, index: StatementIndex, statement: Any) -> None:
        """Lowers an output without a name; a call with several results gives several outputs."""
        [name] = self.bare_outputs[index]
        result = self.program.calls.lower_any(self.frame, statement.children[0])
        if not isinstance(result, Several):
            self._name(statement, name, result)
            return
        names = [f"{name}{k}" if name == "out" else f"{name}_{k}" for k in range(1, len(result) + 1)]
        self.bare_outputs[index] = names
        for numbered, value in zip(names, result, strict=True):
            self._name(statement, numbered, value)

    def _check_unbound(self, statement: Any, name: str) -> None:
        if name in self.program.inputs and self.main:
            declaration = self.program.inputs[name]
            label = None if declaration.span is None else Label(declaration.span, "declared")
            raise error(
                "input-bound-again", self.frame.span(statement), label, name=name, kind=declaration.kind, new=f"{name}2"
            )
        if name in self.environment.sizes:
            label = Label(self.frame.span(self.environment.sizes[name]), "declared")
            raise error("size-bound-again", self.frame.span(statement), label, name=name)

    def _name(self, statement: Any, name: str, value: Any) -> None:
        bound = self.program.calls.bind(self.frame, statement, value, self.environment.prefix + name)
        self.environment.values[name] = bound
        self._note_doc(statement, name)

    def _note_doc(self, statement: Any, name: str) -> None:
        doc = self.parsed.docs.get(self.frame.span(statement).start)
        if doc and self.main:
            self.program.docs[name] = doc

    def _name_bare_expressions(self) -> None:
        numbers = [n for n, s in enumerate(self.statements) if kind(s) == "bare"]
        for k, n in enumerate(numbers, 1):
            name = "out" if len(numbers) == 1 else f"out{k}"
            span = self.frame.span(self.statements[n])
            if self.declares_output:
                raise error("computes-nothing", span)
            conflict = self.environment.names.tokens.get(name) or self.environment.names.inputs.get(name)
            if conflict is not None:
                raise error("out-is-taken", span, Label(self.frame.span(conflict), "bound"), name=name)
            self.bare_outputs[n, 0] = [name]

    # ---- declarations

    def _declare(self, statement: Any, kind_: Any) -> None:
        token, type_tree, default_tree, *rest = statement.children
        name = identifier(token)
        if self.environment.values.get(name) is not None:
            first = Label(self.frame.span(self.environment.names.tokens[name]), "first")
            raise error("bound-before-declared", self.frame.span(token), first, name=name, kind=kind_)
        declaration = self.program.declarations.get(name) if self.main else None
        if declaration is not None:
            self.environment.values[name] = self.program.add_input(declaration)
            return
        type_, ellipsis = (FLOAT, None) if type_tree is None else self._type(name, type_tree)
        default, initial, default_text = None, None, ""
        if type_ == ANY and (default_tree is not None or kind_ == "param"):
            raise error("any-needs-data", self.frame.span(statement), name=name, kind=kind_)
        if default_tree is not None:
            default_text = self.frame.span(default_tree).text
            default, initial = self._default(name, default_tree, type_)
        range_ = self._range(rest[0]) if rest and rest[0] is not None else None
        doc = self.parsed.docs.get(self.frame.span(statement).start, "")
        span = self.frame.span(token)
        declaration = Input(name, kind_, type_, default, initial, default_text, ellipsis, range_, doc, span)
        self.environment.values[name] = self.program.add_input(declaration)
        self._note_doc(statement, name)

    def _type(self, name: str, tree: Any) -> tuple[Type, tuple[int, int] | None]:
        """A declared type: each name in its shape is a constant above, an int input, or a size that values bind.

        Also the position of `...` in the shape and the number of its axes.
        """
        dtype, dims = declared_type(self.source, tree)
        shape: list[Size] = []
        ellipsis: tuple[int, int] | None = None
        for k, (size, token) in enumerate(dims):
            if size == "...":
                given_axes = self.program.open_shapes.get(name)
                self.program.shape_assumed = self.program.shape_assumed or given_axes is None
                axes = (f"_{name}",) * self.program.assumed_axes if given_axes is None else given_axes
                ellipsis = k, len(axes)
                shape += axes
            else:
                shape.append(self._declared_size(size, token))
        return Type(dtype, tuple(shape)), ellipsis

    def _declared_size(self, size: Dimension, token: Any) -> Size:
        if isinstance(size, int):
            return size
        span = self.frame.span(token)
        value = self.environment.values.get(size)
        if value is None:
            if size in self.environment.names.bindings:
                rebinding = self.frame.span(self.environment.names.tokens[size])
                raise error("size-bound-again", rebinding, Label(span, "declared"), name=size)
            self.environment.sizes.setdefault(size, token)
            return size
        bound_size = size_of(value)
        if bound_size is None or (isinstance(bound_size, int) and bound_size < 0):
            first = Label(self.frame.span(self.environment.names.tokens[size]), "bound")
            raise error("size-not-known", span, first, name=size, type=value.type)
        return bound_size

    def _default(self, name: str, tree: Any, type_: Type) -> tuple[Scalar | None, Graph | None]:
        """The default as a number, or as the graph that computes it, broadcast to the declared shape."""
        calls, b = self.program.calls, self.program.region.builder
        calls.initialiser = type_.shape, self.program.seed(), name
        value = calls.lower(self.frame, tree)
        calls.initialiser = None
        if b.varies[self.program.region.index(value)]:
            raise error("default-not-constant", self.frame.span(tree))
        graph = value_graph(self.frame, value)
        if not type_.shape and is_scalar(graph):
            return evaluate_constant(self.frame, tree, graph, type_), None
        default_type = value.type
        if not can_cast(default_type, type_):
            raise error("value-type", self.frame.span(tree), declared=type_, type=default_type)
        if not shape_matches(default_type.shape, type_.shape):
            value = calls.emit(self.frame, tree, "expand", [value], [tree], shape=type_.shape)
        result_type = type_._replace(shape=value.type.shape)
        result = Value(self.program.region, coerce(self.program.region, value, result_type))
        return None, value_graph(self.frame, result)

    def _range(self, tree: Any) -> tuple[float, float]:
        if kind(tree) != "range":
            raise error("range-expected", self.frame.span(tree))
        low, high = (float(self._constant(part, FLOAT, "range-not-constant")) for part in tree.children)
        if not low <= high:
            raise error("range-empty", self.frame.span(tree), low=low, high=high)
        return low, high

    def _constant(self, tree: Any, type_: Type, code: str) -> Scalar:
        value = self.program.calls.lower(self.frame, tree)
        graph = value_graph(self.frame, value)
        if self.program.region.builder.varies[self.program.region.index(value)] or not is_scalar(graph):
            raise error(code, self.frame.span(tree))
        return evaluate_constant(self.frame, tree, graph, type_)

    # ---- imports

    def _module_name(self, statement: Any) -> str:
        target, alias = statement.children
        if alias is not None:
            return identifier(alias)
        if target.type != "STRING":
            return identifier(target)
        stem = Path(unquote(target)).stem
        if not stem.isidentifier():
            raise error("import-needs-name", span_of(self.source, target), stem=stem)
        return stem

    def _import(self, statement: Any) -> Iterator[File]:
        target = statement.children[0]
        span = self.frame.span(target)
        name = self._module_name(statement)
        program = self.program
        library = target.type != "STRING"
        try:
            path = self._imported_path(target, library)
            if path in program.open_files:
                open_files = list(program.open_files)
                cycle = [p.name for p in [*open_files[open_files.index(path) :], path]]
                raise error("import-circle", span, circle=" → ".join(cycle))
            environment = program.files.get(path)
            display_path = f"{path.parent.name}/{path.name}" if library else program.display_path(path)
            source = program.texts.get(path) or read_source(path, display_path) if environment is None else None
        except CgError as e:
            raise at_import(e, span) from None
        if source is not None:
            program.open_files[path] = None
            file = File(program, source, path, main=False, prefix=f"{name}.")
            file.environment.library = library or path.parent == STDLIB
            yield file
            del program.open_files[path]
            environment = program.files[path] = file.environment
        assert environment is not None
        self.environment.modules[name] = environment

    def _imported_path(self, target: Any, library: bool) -> Path:
        if not library:
            program = self.program
            return resolve_import(self.path, unquote(target), program.root, program.allowed, program.links)
        return library_file(identifier(target), self.frame.span(target))

    def _check_imported(self) -> None:
        """Raises for statements that only the main file may have: declarations and bare expressions."""
        misplaced = [s for s in self.statements if kind(s) in ("input_decl", "param_decl", "output_decl", "bare")]
        if misplaced:
            labels = [(Label(span_of(self.source, s)),) for s in misplaced]
            raise CgError(
                *(
                    Diagnostic("computes-nothing", label)
                    if kind(s) == "bare"
                    else Diagnostic("not-in-import", label, {"what": DECLARATIONS[kind(s)]})
                    for s, label in zip(misplaced, labels, strict=True)
                )
            )
