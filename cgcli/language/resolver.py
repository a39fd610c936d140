"""Which names a file binds and uses, found before anything is lowered, so that all mistakes in names come together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import Source
from cgcli.diagnostics.suggest import Suggestions
from cgcli.graph.lexemes import identifier
from cgcli.language.imports import library_of

from .builtins import CONSTANTS, DERIVATIVES, NAMES
from .flow import BLOCKS, Scope, assigned_in, deepest, expressions, follow, targets
from .foreign import MODULES, STATEMENTS, VALUES, rewritten
from .functions import Function, Parameter
from .recursion import endless
from .regions import NESTING
from .tree import arguments, kind, span_of, walk

Place = tuple[int, int]
"""A statement's number in the file, and an item's in an `output` that binds several names."""


@dataclass
class Names:
    """What a file says about names.

    sizes: names that the shapes of declarations give to sizes.

    bindings: of each top-level name, the places of the statements that bind it, in order. inputs: tokens of implicit
    inputs, in order of first use. uses: places of the statements that use a name (a function's body counts as its
    `fn`).
    """

    functions: dict[str, Function] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    bindings: dict[str, list[Place]] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, list[Place]] = field(default_factory=dict)
    sizes: frozenset[str] = frozenset()
    warnings: list[Diagnostic] = field(default_factory=list)


def steps(statements: Sequence[Any]) -> Iterator[tuple[Place, Any]]:
    """The statements with their places; the items of an `output` one by one."""
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
    token, *parameters, body = (c for c in tree.children if c is not None)
    derived: set[str] = set()
    for node in walk(body):
        if kind(node) == "call" and kind(node.children[0]) == "name" and node.children[0].children[0] in DERIVATIVES:
            derived.update(identifier(a.children[0]) for a in arguments(node)[0][1:2] if kind(a) == "name")
    made = [Parameter(identifier(p.children[0]), p.children[0], p.children[1], p.children[2]) for p in parameters]
    return Function(identifier(token), tree, made, body, frozenset(derived))


def _without_module(name: str, texts: Sequence[str]) -> str | None:
    """`np.exp(x)` as the language writes it, or None for a function that it does not have."""
    return rewritten(name, texts) or (f"{name}({', '.join(texts)})" if name in NAMES else None)


class Resolver:
    """One walk over a file's statements.

    part: `main` files may have implicit inputs, an `import`ed one may not, nor a single `value`.
    """

    def __init__(
        self, source: Source, statements: list[Any], modules: dict[int, str], part: Literal["main", "import", "value"]
    ) -> None:
        self.source = source
        self.statements = statements
        self.names = Names(modules=set(modules.values()))
        self.part = part
        self.implicit = part == "main" and not any(kind(s) == "input_decl" for s in statements)
        self.errors: list[Diagnostic] = []
        self._suggestions = Suggestions()
        self._reported: set[str] = set()

    def resolve(self) -> Names:
        """Raises CgError with every mistake in names that the file has."""
        names = self.names
        declarations = [s for s in self.statements if kind(s) in ("input_decl", "param_decl")]
        names.sizes = frozenset(size for s in declarations for size in size_names(s.children[1]))
        scope = Scope()
        for place, statement in steps(self.statements):
            if kind(statement) == "fn_decl":
                self._declare_function(statement)
            self._check_depth([statement])
            for token in self._handed_on(statement, scope):
                names.bindings.setdefault(identifier(token), []).append(place)
                names.tokens.setdefault(identifier(token), token)
        scope = Scope()
        for place, statement in steps(self.statements):
            if kind(statement) == "fn_decl":
                self._function(place, names.functions[identifier(statement.children[0])])
                continue
            self._statement(place, statement, scope)
            if kind(statement) == "output_item" and statement.children[1] is None:
                self._output(place, statement.children[0])
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

    @staticmethod
    def _handed_on(statement: Any, scope: Scope) -> list[Any]:
        """The tokens by which a statement binds names for those below, each name once."""
        if kind(statement) not in BLOCKS:
            tokens = bound_names(statement)
            for token in tokens:
                scope.bind(token)
            return tokens
        follow([statement], scope, lambda *_: None, lambda _: None)
        return [token for name, token in assigned_in([statement]).items() if name in scope.known]

    def _statement(self, place: Place, statement: Any, scope: Scope) -> None:
        """Checks a statement of the top level: what it reads, and in its blocks what they bind themselves."""
        if kind(statement) in BLOCKS:
            later = assigned_in([statement])

            def read(expression: Any, inner: Scope, part: Any) -> None:
                def use(token: Any) -> None:
                    if not inner.knows(identifier(token)) or scope.knows(identifier(token)):
                        self._use(place, token, kind(part) != "assert_stmt")

                self._read(expression, inner, later, use)

            follow([statement], scope, read, lambda _: None)
            return
        counts = kind(statement) != "assert_stmt"
        for expression in used_expressions(statement):
            self._read(expression, scope, {}, lambda token: self._use(place, token, counts))
        for token in bound_names(statement):
            scope.bind(token)

    def _read(self, expression: Any, scope: Scope, later: dict[str, Any], use: Callable[[Any], None]) -> None:
        """Checks the names that an expression reads; `later` are those that statements around it bind somewhere."""
        self._calls(expression, scope)
        for token in value_names(expression):
            name = identifier(token)
            partly = scope.partly_bound(name)
            if partly is not None:
                if f"used-before-binding {name}" not in self._reported:
                    lacking = [] if partly.condition is None else [("condition", partly.condition)]
                    self._error(
                        partly.code, token, ("bound", partly.binding), *lacking, name=name, holds=partly.holds or None
                    )
            elif name in later and not scope.knows(name):
                line = span_of(self.source, later[name]).line
                self._error("used-before-binding", token, ("bound", later[name]), name=name, line=line)
            else:
                use(token)

    def _declare_function(self, tree: Any) -> None:
        function = function_of(tree)
        if function.name in self.names.functions:
            before = self.names.functions[function.name].tree.children[0]
            self._error("function-twice", tree.children[0], ("first", before), name=function.name)
        seen: dict[str, Any] = {}
        for p in function.parameters:
            if p.name in seen:
                self._error("parameter-twice", p.token, ("first", seen[p.name]), name=p.name)
            seen[p.name] = p.token
        self.names.functions[function.name] = function

    def _function(self, place: Place, function: Function) -> None:
        """Checks a body: its own names from top to bottom, all others as those of the top level."""
        known = {p.name for p in function.parameters} | {n for p in function.parameters for n in size_names(p.type)}
        for p in function.parameters:
            if p.default is not None:
                self._calls(p.default, Scope())
                for token in value_names(p.default):
                    self._use_in_function(place, token)
        scope = Scope(dict.fromkeys(known))
        later = {} if function.statements is None else assigned_in(function.statements)

        def read(expression: Any, inner: Scope, _: Any) -> None:
            def use(token: Any) -> None:
                if not inner.knows(identifier(token)):
                    self._use_in_function(place, token)

            self._read(expression, inner, later, use)

        if function.statements is None:
            read(function.body, scope, None)
        else:
            self._check_depth(function.statements)
            follow(function.statements, scope, read, lambda _: None)

    def _check_recursion(self) -> None:
        # within the standard library a function that calls its own name means the built-in one
        own = {n: f for n, f in self.names.functions.items() if self.part == "main" or n not in NAMES}
        for calls in endless(own):
            name, *others = calls
            circle = " → ".join([name, *others, name]) if others else None
            first, *more = (span_of(self.source, call) for call in calls.values())
            labels = Label(first), *(Label(span, "next") for span in more)
            self.errors.append(Diagnostic("endless-recursion", labels, {"name": name, "circle": circle}))

    def _use_in_function(self, place: Place, token: Any) -> None:
        name = identifier(token)
        bindings = self.names.bindings.get(name, [])
        if len(bindings) > 1:
            self._error("global-bound-again", token, ("bound", self.names.tokens[name]), name=name)
        elif bindings:
            self.names.uses.setdefault(name, []).append(place)
        else:
            self._unbound(place, token)

    def _use(self, place: Place, token: Any, counts: bool = True) -> None:
        """counts: whether an output is no output any more when it is used here."""
        name = identifier(token)
        bindings = self.names.bindings.get(name)
        if bindings and bindings[0] < place:
            if counts:
                self.names.uses.setdefault(name, []).append(place)
        elif bindings:
            new = f"{name}2" if bindings[0] == place else None  # `x = x + 1`
            bound = ("bound", self.names.tokens[name])
            self._error("used-before-binding", token, bound, name=name, line=self._line(name), new=new)
        else:
            self._unbound(place, token)

    def _line(self, name: str) -> int:
        return span_of(self.source, self.names.tokens[name]).line

    def _unbound(self, place: Place, token: Any) -> None:
        """A name that the file never binds: a constant, a mistake, or an implicit input."""
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
            self.names.uses.setdefault(name, []).append(place)
        else:
            imported = "unknown-name-imported" if self.part == "import" else "unknown-name"
            code = "name-in-value" if self.part == "value" else imported
            near = self._nearest(code, name, self.names.bindings, CONSTANTS, self.names.modules)
            self._error(code, token, name=name, nearest=near)

    def _output(self, place: Place, token: Any) -> None:
        """An output that is only named; its definition may stand below."""
        name = identifier(token)
        if name in self.names.bindings or name in self.names.inputs:
            return
        if name in self.names.modules:
            self._error("output-of-module", token, name=name)
        elif name in CONSTANTS or name in self.names.sizes:
            what = "a constant" if name in CONSTANTS else "a size"
            self._error("output-unnamed", token, name=name, what=what)
        else:
            self._unbound(place, token)

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
        """The arguments of a call that have no names, as they are written."""
        return [span_of(self.source, part).text for part in arguments(call)[0]]

    def _call(self, call: Any) -> None:
        """Checks that there is a function of the name that is called."""
        token = call.children[0].children[0]
        name = identifier(token)
        if name in self.names.functions or name in NAMES:
            return
        if name in self.names.bindings or name in self.names.inputs:
            near = self._nearest("call-of-value", name, self.names.functions, NAMES)
            self._error("call-of-value", token, name=name, nearest=near)
        elif name in STATEMENTS:
            self._error("foreign-statement", token, name=name, instead=STATEMENTS[name])
        else:
            write = rewritten(name, self._texts(call))
            near = None if write else self._nearest("unknown-function", name, self.names.functions, NAMES)
            module = None if write or near else library_of(name)
            self._error("unknown-function", token, name=name, write=write, nearest=near, module=module)

    def _foreign_module(self, field: Any, call: Any | None, scope: Scope) -> None:
        """`np.exp(x)`, `math.pi`: what is a module elsewhere has no name here. call: of the field, if it is called."""
        base, part = field.children
        if kind(base) != "name" or base.children[0] not in MODULES:
            return
        name = identifier(base.children[0])
        if name in self.names.modules or name in self.names.bindings or scope.knows(name) or scope.partly_bound(name):
            return
        write = None if call is None else _without_module(str(part), self._texts(call))
        if write is None and (part in CONSTANTS or part in NAMES):
            write = str(part)
        self._error("foreign-module", field, name=name, write=write)

    def _nearest(self, code: str, name: str, *candidates: Iterable[str]) -> str | None:
        """The candidate that was probably meant, for a mistake that is still to be told."""
        return None if f"{code} {name}" in self._reported else self._suggestions.nearest(name, *candidates)

    def _error(self, code: str, token: Any, *more: tuple[str, Any], **values: object) -> None:
        """Notes a mistake; the same one about the same name is told once."""
        key = f"{code} {values.get('name')}"
        if key in self._reported:
            return
        self._reported.add(key)
        labels = (Label(span_of(self.source, token)), *(Label(span_of(self.source, t), role) for role, t in more))
        self.errors.append(Diagnostic(code, labels, values))

    def _warn_of_near_names(self) -> None:
        """An implicit input that nearly equals another name may be a slip of the pen."""
        suggestions = Suggestions()
        # one-letter names are near to every other; capitals tell them apart on purpose
        long = [n for n in (*self.names.inputs, *self.names.bindings) if len(n) > 2]
        for name, token in self.names.inputs.items():
            near = suggestions.nearest(name, long) if len(name) > 2 else None
            if near is not None:
                label = Label(span_of(self.source, token))
                self.names.warnings.append(
                    Diagnostic("near-names", (label,), {"name": name, "nearest": near}, severity="warning")
                )

    def _warn_of_comparisons(self) -> None:
        """`y == a + b`, where nothing else is said of y, was meant to give it a value."""
        for number, statement in enumerate(self.statements):
            expression = statement.children[0] if kind(statement) == "bare" else None
            if expression is None or kind(expression) != "comparison" or len(expression.children) != 3:
                continue
            left, sign, right = expression.children
            name = identifier(left.children[0]) if kind(left) == "name" else ""
            computed = kind(right) not in ("name", "int_", "float_", "negative", "true_", "false_")
            if sign == "==" and computed and name in self.names.inputs and self.names.uses[name] == [(number, 0)]:
                label = Label(span_of(self.source, sign))
                text = span_of(self.source, right).text
                self.names.warnings.append(
                    Diagnostic("comparison-as-statement", (label,), {"name": name, "value": text}, severity="warning")
                )
