"""Name resolution before lowering: the names that a file binds and uses, and all mistakes in them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import Source
from cgcli.diagnostics.suggest import MAX_CANDIDATES, Suggestions
from cgcli.graph.lexemes import identifier
from cgcli.language.imports import library_of

from .builtins import CONSTANTS, DERIVATIVES, NAMES
from .flow import BLOCKS, Scope, assigned_in, deepest, expressions, follow, targets
from .foreign import MODULES, STATEMENTS, VALUES, rewritten
from .functions import Function, Parameter
from .plain_lines import Layout, NotDivided, PlainLines
from .recursion import endless
from .regions import NESTING
from .tree import arguments, kind, span_of, walk

StatementIndex = tuple[int, int]
"""The number of a statement in the file, and of an item in an `output` that binds several names."""


@dataclass
class Names:
    """The names of a file.

    sizes: names that the shapes of declarations give to sizes.

    bindings: of each top-level name, the indices of the statements that bind it, in order. inputs: tokens of implicit
    inputs, in order of first use. uses: indices of the statements that use a name (a function's body counts as its
    `fn`).
    """

    functions: dict[str, Function] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    bindings: dict[str, list[StatementIndex]] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, list[StatementIndex]] = field(default_factory=dict)
    sizes: frozenset[str] = frozenset()
    warnings: list[Diagnostic] = field(default_factory=list)


def indexed_statements(statements: Sequence[Any]) -> Iterator[tuple[StatementIndex, Any]]:
    """The statements with their indices; the items of an `output` one by one."""
    for number, statement in enumerate(statements):
        if kind(statement) == "output_decl":
            yield from (((number, k), item) for k, item in enumerate(statement.children))
        else:
            yield (number, 0), statement


def bound_names(statement: Any) -> list[Any]:
    """The tokens of the names that a statement or an item of an `output` binds."""
    rule = kind(statement)
    if rule in ("assign", "unpack"):
        return targets(statement)
    if rule in ("input_decl", "param_decl"):
        return [statement.children[0]]
    if rule == "output_item" and statement.children[1] is not None:
        return [statement.children[0]]
    return []


def used_expressions(statement: Any) -> list[Any]:
    """The expressions that a statement evaluates at the top level."""
    rule = kind(statement)
    if rule in ("input_decl", "param_decl"):
        return [c for c in statement.children[2:] if c is not None]
    if rule == "output_item":
        return [c for c in statement.children[1:] if c is not None]
    if rule == "import_decl":
        return []
    return expressions(statement)


def value_names(expression: Any) -> Iterator[Any]:
    """The tokens by which an expression reads values: not those of functions, keywords or fields."""
    stack = [expression]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        rule = kind(node)
        if rule == "name":
            yield node.children[0]
        elif rule == "call":
            positional, keywords = arguments(node)
            callee = node.children[0]
            stack.extend(tree for _, tree in reversed(keywords))
            stack.extend(reversed(positional))
            if kind(callee) != "name":
                stack.append(callee)
        elif hasattr(node, "children"):
            stack.extend(reversed([c for c in node.children if c is not None and hasattr(c, "children")]))


def called_names(expression: Any) -> Iterator[Any]:
    """The tokens of the functions that an expression calls by a plain name."""
    for node in walk(expression):
        if kind(node) == "call" and kind(node.children[0]) == "name":
            yield node.children[0].children[0]


def size_names(type_tree: Any) -> list[str]:
    """The names in the shape of a `type` tree."""
    if type_tree is None:
        return []
    dims = [c.children[0] for c in type_tree.children[1:] if c is not None]
    return [identifier(token) for token in dims if token.type == "NAME"]


def function_of(tree: Any) -> Function:
    token, *trees, body = (c for c in tree.children if c is not None)
    derived: set[str] = set()
    for node in walk(body):
        if kind(node) == "call" and kind(node.children[0]) == "name" and node.children[0].children[0] in DERIVATIVES:
            derived.update(identifier(a.children[0]) for a in arguments(node)[0][1:2] if kind(a) == "name")
    parameters = [Parameter(identifier(p.children[0]), p.children[0], p.children[1], p.children[2]) for p in trees]
    return Function(identifier(token), tree, parameters, body, frozenset(derived))


def _without_module(name: str, texts: Sequence[str]) -> str | None:
    """`np.exp(x)` as a call in cg, or None for an unknown function."""
    return rewritten(name, texts) or (f"{name}({', '.join(texts)})" if name in NAMES else None)


class Resolver:
    """Resolves the names of a file's statements.

    role: `main` files may have implicit inputs, an `import`ed one may not, nor a single `value`.
    """

    def __init__(
        self,
        source: Source,
        statements: list[Any],
        modules: dict[int, str],
        role: Literal["main", "import", "value"],
        layout: Layout | None = None,
    ) -> None:
        """layout: where some of the statements are plain lines."""
        self.source = source
        self.layout = layout
        self.statements = statements
        self.names = Names(modules=set(modules.values()))
        self.role = role
        self.implicit = role == "main" and not any(kind(s) == "input_decl" for s in statements)
        self.errors: list[Diagnostic] = []
        self._suggestions = Suggestions()
        self._reported: set[str] = set()
        self._bound: list[PlainLines | list[str]] = []  # by statement

    def resolve(self) -> Names:
        """Raises CgError with every mistake in names that the file has."""
        names = self.names
        declarations = [s for s in self.statements if kind(s) in ("input_decl", "param_decl")]
        names.sizes = frozenset(size for s in declarations for size in size_names(s.children[1]))
        scope = Scope()
        for index, statement in indexed_statements(self.statements):
            if kind(statement) == "fn_decl":
                self._declare_function(statement)
            self._check_depth([statement])
            tokens = self._bound_after(statement, scope)
            self._bound.append(statement if isinstance(statement, PlainLines) else [identifier(t) for _, t in tokens])
            for line, token in tokens:
                names.bindings.setdefault(identifier(token), []).append((index[0], line or index[1]))
                names.tokens.setdefault(identifier(token), token)
        if self.layout is not None:
            self._check_built_in(self.layout)
        scope = Scope()
        for index, statement in indexed_statements(self.statements):
            if isinstance(statement, PlainLines):
                if self.layout is not None:
                    self._lines(index[0], statement, self.layout, scope)
                continue
            if kind(statement) == "fn_decl":
                self._function(index, names.functions[identifier(statement.children[0])])
                continue
            self._statement(index, statement, scope)
            if kind(statement) == "output_item" and statement.children[1] is None:
                self._output(index, statement.children[0])
        self._check_recursion()
        if self.errors:
            raise CgError(*self.errors)
        self._warn_of_near_names()
        self._warn_of_comparisons()
        return names

    def _check_depth(self, statements: list[Any]) -> None:
        deep = deepest(statements, NESTING)
        if deep is not None:
            raise error("nested-too-deep", span_of(self.source, deep), limit=NESTING)

    def _bound_after(self, statement: Any, scope: Scope) -> list[tuple[int, Any]]:
        """The tokens of the names that a statement binds for the statements below, each name once; of plain lines those
        that the rest of the text has too, with the numbers of the lines."""
        if kind(statement) not in BLOCKS:
            tokens = [(0, token) for token in bound_names(statement)]
            if isinstance(statement, PlainLines) and self.layout is not None:
                tokens = self.layout.shared_targets(statement)
            for _, token in tokens:
                scope.bind(token)
            return tokens
        follow([statement], scope, lambda *_: None, lambda _: None)
        return [(0, token) for name, token in assigned_in([statement]).items() if name in scope.bound]

    def _check_built_in(self, layout: Layout) -> None:
        """Raises where a function or a constant of plain lines has another meaning in this file."""
        names = self.names
        others = names.bindings.keys() | names.functions.keys() | names.modules | names.sizes
        if layout.functions & names.functions.keys() or CONSTANTS.keys() & others:
            raise NotDivided

    def _lines(self, number: int, lines: PlainLines, layout: Layout, scope: Scope) -> None:
        """Resolves the names that plain lines read from elsewhere, each where it is read first."""
        for line, token in layout.outer_reads(lines):
            if scope.conditional_binding(identifier(token)) is not None:
                raise NotDivided
            self._use((number, line), token)
        for _, token in layout.shared_targets(lines):
            scope.bind(token)

    def _statement(self, index: StatementIndex, statement: Any, scope: Scope) -> None:
        """Checks the names that a statement of the top level reads; its blocks have names of their own."""
        if kind(statement) in BLOCKS:
            later = assigned_in([statement])

            def read(expression: Any, inner: Scope, nested: Any) -> None:
                def use(token: Any) -> None:
                    if not inner.binds(identifier(token)) or scope.binds(identifier(token)):
                        self._use(index, token, kind(nested) != "assert_stmt")

                self._read(expression, inner, later, use)

            follow([statement], scope, read, lambda _: None)
            return
        consumes = kind(statement) != "assert_stmt"
        for expression in used_expressions(statement):
            self._read(expression, scope, {}, lambda token: self._use(index, token, consumes))
        for token in bound_names(statement):
            scope.bind(token)

    def _read(self, expression: Any, scope: Scope, later: dict[str, Any], use: Callable[[Any], None]) -> None:
        """Checks the names that an expression reads; `later` are those that statements around it bind anywhere."""
        self._calls(expression, scope)
        for token in value_names(expression):
            name = identifier(token)
            conditional = scope.conditional_binding(name)
            if conditional is not None:
                if f"used-before-binding {name}" not in self._reported:
                    condition = [] if conditional.condition is None else [("condition", conditional.condition)]
                    self._error(
                        conditional.code,
                        token,
                        ("bound", conditional.binding),
                        *condition,
                        name=name,
                        holds=conditional.holds or None,
                    )
            elif name in later and not scope.binds(name):
                line = span_of(self.source, later[name]).line
                self._error("used-before-binding", token, ("bound", later[name]), name=name, line=line)
            else:
                use(token)

    def _declare_function(self, tree: Any) -> None:
        function = function_of(tree)
        if function.name in self.names.functions:
            first = self.names.functions[function.name].tree.children[0]
            self._error("function-twice", tree.children[0], ("first", first), name=function.name)
        seen: dict[str, Any] = {}
        for p in function.parameters:
            if p.name in seen:
                self._error("parameter-twice", p.token, ("first", seen[p.name]), name=p.name)
            seen[p.name] = p.token
        self.names.functions[function.name] = function

    def _function(self, index: StatementIndex, function: Function) -> None:
        """Checks a function's body: local names from top to bottom, all others as names of the top level."""
        for p in function.parameters:
            if p.default is not None:
                self._calls(p.default, Scope())
                for token in value_names(p.default):
                    self._use_in_function(index, token)
        scope = Scope({name: p.token for p in function.parameters for name in (p.name, *size_names(p.type))})
        later = {} if function.statements is None else assigned_in(function.statements)

        def read(expression: Any, inner: Scope, _: Any) -> None:
            def use(token: Any) -> None:
                if not inner.binds(identifier(token)):
                    self._use_in_function(index, token)

            self._read(expression, inner, later, use)

        if function.statements is None:
            read(function.body, scope, None)
        else:
            self._check_depth(function.statements)
            follow(function.statements, scope, read, lambda _: None)

    def _check_recursion(self) -> None:
        # in the standard library a call of the function's own name means the built-in function
        own = {n: f for n, f in self.names.functions.items() if self.role == "main" or n not in NAMES}
        for calls in endless(own):
            name, *others = calls
            cycle = " → ".join([name, *others, name]) if others else None
            first, *more = (span_of(self.source, call) for call in calls.values())
            labels = Label(first), *(Label(span, "next") for span in more)
            self.errors.append(Diagnostic("endless-recursion", labels, {"name": name, "circle": cycle}))

    def _use_in_function(self, index: StatementIndex, token: Any) -> None:
        name = identifier(token)
        bindings = self.names.bindings.get(name, [])
        if len(bindings) > 1:
            self._error("global-bound-again", token, ("bound", self.names.tokens[name]), name=name)
        elif bindings:
            self.names.uses.setdefault(name, []).append(index)
        else:
            self._unbound(index, token)

    def _use(self, index: StatementIndex, token: Any, consumes: bool = True) -> None:
        """consumes: whether a name that is used here is no output any more."""
        name = identifier(token)
        bindings = self.names.bindings.get(name)
        if bindings and bindings[0] < index:
            if consumes:
                self.names.uses.setdefault(name, []).append(index)
        elif bindings:
            new = f"{name}2" if bindings[0] == index else None  # `x = x + 1`
            bound = ("bound", self.names.tokens[name])
            self._error("used-before-binding", token, bound, name=name, line=self._line(name), new=new)
        else:
            self._unbound(index, token)

    def _line(self, name: str) -> int:
        return span_of(self.source, self.names.tokens[name]).line

    def _unbound(self, index: StatementIndex, token: Any) -> None:
        """Resolves a name that the file never binds: a constant, an implicit input, or a mistake."""
        name = identifier(token)
        if name in CONSTANTS or name in self.names.modules or name in self.names.sizes:
            return
        if name in NAMES or name in self.names.functions:
            self._error("function-as-value", token, name=name)
        elif name in VALUES:
            self._error("foreign-word", token, word=name, write=VALUES[name])
        elif name in STATEMENTS:
            self._error("foreign-statement", token, name=name, instead=STATEMENTS[name])
        elif self.implicit:
            self.names.inputs.setdefault(name, token)
            self.names.uses.setdefault(name, []).append(index)
        else:
            imported = "unknown-name-imported" if self.role == "import" else "unknown-name"
            code = "name-in-value" if self.role == "value" else imported
            suggestion = self._nearest(code, name, self.names.bindings, CONSTANTS, self.names.modules)
            self._error(code, token, name=name, nearest=suggestion)

    def _output(self, index: StatementIndex, token: Any) -> None:
        """Checks an output without an expression; its definition may stand below."""
        name = identifier(token)
        if name in self.names.bindings or name in self.names.inputs:
            return
        if name in self.names.modules:
            self._error("output-of-module", token, name=name)
        elif name in CONSTANTS or name in self.names.sizes:
            description = "a constant" if name in CONSTANTS else "a size"
            self._error("output-unnamed", token, name=name, what=description)
        else:
            self._unbound(index, token)

    def _calls(self, expression: Any, scope: Scope) -> None:
        """Checks the functions that an expression calls, and names that are modules elsewhere."""
        for node in walk(expression):
            if kind(node) == "field":
                self._foreign_module(node, None, scope)
            elif kind(node) == "call" and kind(node.children[0]) == "field":
                self._foreign_module(node.children[0], node, scope)
            elif kind(node) == "call" and kind(node.children[0]) == "name":
                self._call(node)

    def _texts(self, call: Any) -> list[str]:
        """The texts of the positional arguments of a call."""
        return [span_of(self.source, argument).text for argument in arguments(call)[0]]

    def _call(self, call: Any) -> None:
        """Checks that the called name is that of a function."""
        token = call.children[0].children[0]
        name = identifier(token)
        if name in self.names.functions or name in NAMES:
            return
        if name in self.names.bindings or name in self.names.inputs:
            suggestion = self._nearest("call-of-value", name, self.names.functions, NAMES)
            self._error("call-of-value", token, name=name, nearest=suggestion)
        elif name in STATEMENTS:
            self._error("foreign-statement", token, name=name, instead=STATEMENTS[name])
        else:
            write = rewritten(name, self._texts(call))
            suggestion = None if write else self._nearest("unknown-function", name, self.names.functions, NAMES)
            module = None if write or suggestion else library_of(name)
            self._error("unknown-function", token, name=name, write=write, nearest=suggestion, module=module)

    def _foreign_module(self, field: Any, call: Any | None, scope: Scope) -> None:
        """Reports modules of other languages: `np.exp(x)`, `math.pi`. call: of the field, if it is called."""
        base, member = field.children
        if kind(base) != "name" or base.children[0] not in MODULES:
            return
        name = identifier(base.children[0])
        if (
            name in self.names.modules
            or name in self.names.bindings
            or scope.binds(name)
            or scope.conditional_binding(name)
        ):
            return
        write = None if call is None else _without_module(str(member), self._texts(call))
        if write is None and (member in CONSTANTS or member in NAMES):
            write = str(member)
        self._error("foreign-module", field, name=name, write=write)

    def _nearest(self, code: str, name: str, *candidates: Iterable[str]) -> str | None:
        """The candidate most like a name, or None where this mistake was already reported."""
        return None if f"{code} {name}" in self._reported else self._suggestions.nearest(name, *candidates)

    def _error(self, code: str, token: Any, *related: tuple[str, Any], **values: object) -> None:
        """Records a mistake, once for each code and name."""
        key = f"{code} {values.get('name')}"
        if key in self._reported:
            return
        self._reported.add(key)
        labels = (Label(span_of(self.source, token)), *(Label(span_of(self.source, t), role) for role, t in related))
        self.errors.append(Diagnostic(code, labels, values))

    def _warn_of_near_names(self) -> None:
        """An implicit input that nearly equals another name may be a typing error."""
        suggestions = Suggestions()
        # short names are similar to every other; capitals distinguish them on purpose
        names = chain(self.names.inputs, self._bound_names())
        long = list(islice((n for n in names if len(n) > 2), MAX_CANDIDATES)) if self.names.inputs else []
        for name, token in self.names.inputs.items():
            similar = suggestions.nearest(name, long) if len(name) > 2 else None
            if similar is not None:
                label = Label(span_of(self.source, token))
                self.names.warnings.append(
                    Diagnostic("near-names", (label,), {"name": name, "nearest": similar}, severity="warning")
                )

    def _bound_names(self) -> Iterable[str]:
        """The names that statements bind, each once, in order."""
        if self.layout is None:
            return self.names.bindings
        texts = self.layout.texts
        pieces = ([texts[word] for word in x.targets] if isinstance(x, PlainLines) else x for x in self._bound)
        return dict.fromkeys(chain.from_iterable(pieces))

    def _warn_of_comparisons(self) -> None:
        """`y == a + b`, where y is used nowhere else, was probably meant as an assignment."""
        for number, statement in enumerate(self.statements):
            expression = statement.children[0] if kind(statement) == "bare" else None
            if expression is None or kind(expression) != "comparison" or len(expression.children) != 3:
                continue
            left, operator, right = expression.children
            name = identifier(left.children[0]) if kind(left) == "name" else ""
            computed = kind(right) not in ("name", "int_", "float_", "negative", "true_", "false_")
            if operator == "==" and computed and name in self.names.inputs and self.names.uses[name] == [(number, 0)]:
                label = Label(span_of(self.source, operator))
                text = span_of(self.source, right).text
                self.names.warnings.append(
                    Diagnostic("comparison-as-statement", (label,), {"name": name, "value": text}, severity="warning")
                )
