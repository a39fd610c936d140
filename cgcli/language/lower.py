"""Programs to graphs: the statements of a file from top to bottom, its declarations, imports and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgcli.graph.diagnostic import CgError, Diagnostic, Label, error
from cgcli.graph.source import Source
from cgcli.graph.traversal import live, select
from cgcli.graph.types import FLOAT, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.numbers import FITS, Overflow
from cgcli.optimise.fold import constant_value

from .calls import STATEMENTS, Calls
from .expressions import MAX_NODES
from .files import read_source, resolve_import
from .frames import Environment, Frame, scalar_type, target_name
from .names import Place, Resolver, steps
from .parser import Parsed, collector_off, parse, parse_value, unquote
from .records import Input, Module, Scalar
from .regions import Region, Value
from .tree import Statement, identifier, kind, span_of


class Lowered(NamedTuple):
    """A program, and each imported file with its text."""

    module: Module
    imports: tuple[tuple[Path, Source], ...]


def lower(
    source: Source,
    *,
    path: Path | None = None,
    root: Path | None = None,
    allowed: Sequence[Path] = (),
    max_nodes: int = MAX_NODES,
) -> Lowered:
    """The graph of a program and what its text says about inputs and outputs, with the files that it imports.

    path: the program's file, None for a text without one. root: the folder that its imports stay in (else one of
    `allowed`); None: the folder of `path`, or the working folder. Raises CgError for whatever is wrong with the text.
    """
    folder = root or (path.parent if path else Path.cwd())
    with collector_off():
        program = _Program(source, path, folder, allowed, max_nodes)
        return Lowered(program.module(), tuple((p, e.source) for p, e in program.files.items()))


def constant(source: Source, wanted: Type) -> Scalar:
    """The value of a constant expression of the language, such as `pi/2`, as a `wanted`.

    Raises CgError for a mistake in it, for a name that is no constant, and (status 1) for a value that is no `wanted`.
    """
    tree = parse_value(source)
    names = Resolver(source, [Statement("bare", [tree])], {}, "value").resolve()
    frame = Frame(Environment(source, names), Region())
    value = Calls().lower(frame, tree)
    return _evaluated(frame, tree, value, wanted, status=1)


class _Program:
    def __init__(self, source: Source, path: Path | None, root: Path, allowed: Sequence[Path], max_nodes: int) -> None:
        self.root, self.allowed = root, allowed
        self.region = Region()
        self.calls = Calls(max_nodes)
        self.calls.warn = self._warn
        self.warnings: list[Diagnostic] = []
        self.inputs: dict[str, Input] = {}
        self.nodes: dict[str, int] = {}
        self.files: dict[Path, Environment] = {}
        self.open_files: list[Path] = [] if path is None else [path.resolve()]
        self.docs: dict[str, str] = {}
        self.source = source
        self.file = _File(self, source, path, main=True)

    def module(self) -> Module:
        environment = self.file.lower()
        outputs = self.file.outputs()
        values = {name: self.region.index(v) for name, v in environment.values.items()}
        b = self.region.builder
        needed = live(b, [*values.values(), *self.nodes.values()])
        graph = b.freeze([values[name] for name in outputs])
        order = [i for i in range(len(graph)) if needed[i]]
        where = {old: new for new, old in enumerate(order)}
        return Module(
            source=self.source,
            graph=select(graph, order),
            inputs=tuple(self.inputs.values()),
            outputs=tuple(outputs),
            values={name: where[i] for name, i in values.items()},
            docs=self.docs,
            warnings=(*environment.names.warnings, *self.warnings),
        )

    def add_input(self, declared: Input) -> Value:
        b = self.region.at(declared.span, None)
        node = b.input(declared.type, declared.name)
        self.inputs[declared.name] = declared
        self.nodes[declared.name] = node
        return Value(self.region, node)

    def shown(self, path: Path) -> str:
        """An imported file's path as the user would write it: beside the program's own."""
        try:
            inside = path.relative_to(self.root.resolve())
        except ValueError:
            return str(path)
        return str(Path(self.source.name).parent / inside) if self.open_files else str(inside)

    def _warn(self, code: str, *labels: Any, **values: object) -> None:
        shown = tuple(x if isinstance(x, Label) else Label(x) for x in labels)
        self.warnings.append(Diagnostic(code, shown, values, severity="warning"))


class _File:
    """One file of the program: the main one, or one that is imported."""

    def __init__(self, program: _Program, source: Source, path: Path | None, main: bool, prefix: str = "") -> None:
        self.program, self.path, self.main = program, path, main
        self.parsed: Parsed = parse(source)
        self.statements: list[Any] = self.parsed.tree.children
        self.source = source
        modules = {n: self._module_name(s) for n, s in enumerate(self.statements) if kind(s) == "import_decl"}
        if not main:
            self._check_imported()
        names = Resolver(source, self.statements, modules, "main" if main else "import").resolve()
        self.environment = Environment(source, names, prefix=prefix)
        self.frame = Frame(self.environment, program.region)
        self.bare: list[tuple[Place, str]] = []
        self.declares_output = any(kind(s) == "output_decl" for s in self.statements)

    def lower(self) -> Environment:
        for name, token in self.environment.names.inputs.items():
            implicit = Input(name, span=span_of(self.source, token), implicit=True)
            self.environment.values[name] = self.program.add_input(implicit)
        self._name_bare_expressions()
        for place, statement in steps(self.statements):
            self._statement(place, statement)
        return self.environment

    def outputs(self) -> list[str]:
        """The names of the outputs: declared, else every last binding that no other statement uses."""
        if self.declares_output:
            items = [item for s in self.statements if kind(s) == "output_decl" for item in s.children]
            return list(dict.fromkeys(identifier(item.children[0]) for item in items))
        names = self.environment.names
        found = list(self.bare)
        for name, places in names.bindings.items():
            last = places[-1]
            if name not in self.program.inputs and not any(p > last for p in names.uses.get(name, [])):
                found.append((last, name))
        return [name for _, name in sorted(found)]

    # ---- statements

    def _statement(self, place: Place, statement: Any) -> None:
        rule = kind(statement)
        if rule == "assign":
            name = target_name(self.frame, statement.children[0])
            self._bind(statement, name, statement.children[1])
        elif rule in ("input_decl", "param_decl"):
            self._declare(statement, "input" if rule == "input_decl" else "param")
        elif rule == "output_item":
            if statement.children[1] is not None:
                self._bind(statement, identifier(statement.children[0]), statement.children[1])
        elif rule == "import_decl":
            self._import(statement)
        elif rule == "bare":
            name = next(name for bare, name in self.bare if bare == place)
            self._bind(statement, name, statement.children[0])
        elif rule == "return_stmt":
            raise error("return-outside", self.frame.span(statement))
        elif rule != "fn_decl":
            raise error("not-yet-statement", self.frame.span(statement), what=STATEMENTS.get(rule, rule))

    def _bind(self, statement: Any, name: str, expression: Any) -> None:
        if name in self.program.inputs and self.main:
            declared = self.program.inputs[name]
            first = None if declared.span is None else Label(declared.span, "declared")
            raise error("input-bound-again", self.frame.span(statement), first, name=name, kind=declared.kind)
        value = self.program.calls.lower(self.frame, expression)
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
            taken = self.environment.names.tokens.get(name) or self.environment.names.inputs.get(name)
            if taken is not None:
                raise error("out-is-taken", span, Label(self.frame.span(taken), "bound"), name=name)
            self.bare.append(((n, 0), name))

    # ---- declarations

    def _declare(self, statement: Any, kind_: Any) -> None:
        token, type_tree, default_tree, *rest = statement.children
        name = identifier(token)
        if self.environment.values.get(name) is not None:
            first = Label(self.frame.span(self.environment.names.tokens[name]), "first")
            raise error("bound-before-declared", self.frame.span(token), first, name=name, kind=kind_)
        type_ = FLOAT if type_tree is None else scalar_type(self.source, type_tree)
        default = None if default_tree is None else self._constant(default_tree, type_, "default-not-constant")
        range_ = self._range(rest[0]) if rest and rest[0] is not None else None
        doc = self.parsed.docs.get(self.frame.span(statement).start, "")
        declared = Input(name, kind_, type_, default, range_, doc, self.frame.span(token))
        self.environment.values[name] = self.program.add_input(declared)
        self._note_doc(statement, name)

    def _range(self, tree: Any) -> tuple[float, float]:
        if kind(tree) != "range":
            raise error("range-expected", self.frame.span(tree))
        low, high = (float(self._constant(part, FLOAT, "range-not-constant")) for part in tree.children)
        if not low <= high:
            raise error("range-empty", self.frame.span(tree), low=low, high=high)
        return low, high

    def _constant(self, tree: Any, type_: Type, code: str) -> Scalar:
        value = self.program.calls.lower(self.frame, tree)
        if self.program.region.builder.varies[self.program.region.index(value)]:
            raise error(code, self.frame.span(tree))
        return _evaluated(self.frame, tree, value, type_)

    # ---- imports

    def _module_name(self, statement: Any) -> str:
        target, alias = statement.children
        if alias is not None:
            return identifier(alias)
        if target.type != "STRING":
            raise error("not-yet", span_of(self.source, target), what=f"the library `{target}`")
        stem = Path(unquote(self.source, target)).stem
        if not stem.isidentifier():
            raise error("import-needs-name", span_of(self.source, target), stem=stem)
        return stem

    def _import(self, statement: Any) -> None:
        target = statement.children[0]
        span = self.frame.span(target)
        name = self._module_name(statement)
        if target.type != "STRING":
            raise error("not-yet", span, what=f"the library `{target}`")
        program = self.program
        try:
            path = resolve_import(self.path, unquote(self.source, target), program.root, program.allowed)
            if path in program.open_files:
                circle = [p.name for p in [*program.open_files[program.open_files.index(path) :], path]]
                raise error("import-circle", span, circle=" → ".join(circle))
            environment = program.files.get(path)
            source = read_source(path, program.shown(path)) if environment is None else None
        except CgError as e:
            raise _placed(e, span) from None
        if source is not None:
            program.open_files.append(path)
            environment = _File(program, source, path, main=False, prefix=f"{name}.").lower()
            program.open_files.pop()
            program.files[path] = environment
        assert environment is not None
        self.environment.modules[name] = environment

    def _check_imported(self) -> None:
        """An imported file defines functions and values, nothing that only a run could use."""
        wrong = [s for s in self.statements if kind(s) in ("input_decl", "param_decl", "output_decl", "bare")]
        if wrong:
            what = {"input_decl": "`input`", "param_decl": "`param`", "output_decl": "`output`"}
            raise CgError(
                *(
                    Diagnostic("not-in-import", (Label(span_of(self.source, s)),), {"what": what[kind(s)]})
                    if kind(s) in what
                    else Diagnostic("computes-nothing", (Label(span_of(self.source, s)),))
                    for s in wrong
                )
            )


def _placed(e: CgError, span: Any) -> CgError:
    """The same error, pointing at the import that led to it."""
    return CgError(
        *(Diagnostic(d.code, d.labels or (Label(span),), d.values, d.severity) for d in e.diagnostics), status=e.status
    )


def _evaluated(frame: Frame, tree: Any, value: Value, wanted: Type, status: int = 2) -> Scalar:
    """The number behind a constant value, in the wanted type."""
    b = frame.region.builder
    node = frame.region.index(value)
    found = b.type1(node)
    needed = live(b, [node])
    graph = b.freeze([node])
    try:
        result: Scalar = constant_value(select(graph, [i for i in range(len(graph)) if needed[i]]))
        fits = found.dtype == wanted.dtype == "bool" or (
            found.dtype != "bool" and (wanted.is_float or (wanted.is_int and found.is_int))
        )
        if not fits:
            raise error("value-type", frame.span(tree), status=status, wanted=wanted, found=found)
        return result if wanted.dtype == "bool" else FITS[wanted.dtype](result)
    except Overflow:
        raise error("value-overflow", frame.span(tree), status=status, wanted=wanted) from None
    except IntegerDivisionByZero:
        raise error("integer-division-by-zero", frame.span(tree), status=status) from None
