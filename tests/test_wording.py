"""Every diagnostic that the sources raise has words, and the values that its words need."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import cgcli
from cgcli.diagnostics.diagnostic import Diagnostic, Label, error
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.wording.messages import TABLES, TEMPLATES, message_of
from cgcli.diagnostics.wording.templates import Templates, fields, fill_template, format_value
from cgcli.graph.types import AnyType, Type, parse_type

SOURCES = [p for p in sorted(Path(cgcli.__file__).parent.rglob("*.py")) if p.parent.name != "wording"]
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")


@dataclass
class Raised:
    """A place where a diagnostic is made. values: the names it gives, None where they cannot be read off."""

    code: str
    where: str
    values: set[str] | None


@dataclass
class Sites:
    """Finds the places. makers: functions that make a diagnostic, with the place of the code among the arguments.

    unread: places whose code could not be read off; one that is handed on from another diagnostic is none.
    """

    makers: dict[str, int] = field(default_factory=lambda: {"error": 0, "Diagnostic": 0, "TypeMismatch": 0, "warn": 0})
    found: list[Raised] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    tables: dict[tuple[Path, str], list[ast.expr]] = field(default_factory=dict)
    calls: dict[ast.FunctionDef, list[ast.Call]] = field(default_factory=dict)

    def search(self, trees: Sequence[tuple[Path, ast.Module]]) -> Sites:
        self.tables = {(path, name): values for path, tree in trees for name, values in _tables(tree)}
        functions = [(path, function) for path, tree in trees for function in self._read(tree)]
        while any(self._passes_on(path, function) for path, function in functions):
            pass
        for path, function in functions:
            for call in self._makers(path, function):
                self._note(path, function, call)
        self.found.extend(each for path, tree in trees if path.name == "failures.py" for each in _stops(path, tree))
        return self

    def _read(self, tree: ast.Module) -> list[ast.FunctionDef]:
        """The functions of a module, whose calls are noted: each call with the innermost function around it."""
        functions: list[ast.FunctionDef] = []
        stack: list[tuple[ast.AST, list[ast.Call]]] = [(tree, [])]
        while stack:
            node, calls = stack.pop()
            if isinstance(node, ast.FunctionDef):
                functions.append(node)
                calls = self.calls[node] = []
            elif isinstance(node, ast.Call):
                calls.append(node)
            stack.extend((child, calls) for child in ast.iter_child_nodes(node))
        return functions

    def _makers(self, path: Path, function: ast.FunctionDef) -> list[ast.Call]:
        """The calls of makers in a function."""
        return [c for c in self.calls[function] if len(c.args) > self.makers.get(_key(path, _name(c)), len(c.args))]

    def _passes_on(self, path: Path, function: ast.FunctionDef) -> bool:
        """Whether the function is now known as a maker: it hands a parameter on as the code."""
        parameters = [a.arg for a in function.args.args if a.arg != "self"]
        own = _key(path, function.name)
        for call in self._makers(path, function):
            code = call.args[self.makers[_key(path, _name(call))]]
            if isinstance(code, ast.Name) and code.id in parameters and own not in self.makers:
                self.makers[own] = parameters.index(code.id)
                return True
        return False

    def _note(self, path: Path, function: ast.FunctionDef, call: ast.Call) -> None:
        code = call.args[self.makers[_key(path, _name(call))]]
        codes = self._texts(path, function, code)
        where = f"{path.name}:{call.lineno}"
        parameters = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        given = isinstance(code, ast.Name) and code.id in parameters  # what calls the function is looked at, too
        if not codes and not given and not (isinstance(code, ast.Attribute) and code.attr == "code"):
            self.unread.append(where)
        self.found.extend(Raised(each, where, _values(call)) for each in codes)

    def _texts(self, path: Path, function: ast.FunctionDef, code: ast.expr) -> list[str]:
        """What the code may be: a text, one of two, one of a table's, or what was assigned to a variable."""
        if isinstance(code, ast.Constant):
            return [code.value] if isinstance(code.value, str) else []
        if isinstance(code, ast.IfExp):
            return self._texts(path, function, code.body) + self._texts(path, function, code.orelse)
        if isinstance(code, ast.Subscript) and isinstance(code.value, ast.Name):
            entries = self.tables.get((path, code.value.id), [])
            return [text for entry in entries for text in self._texts(path, function, entry)]
        if isinstance(code, ast.Name):
            return [
                text
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
                if node.targets[0].id == code.id
                for text in self._texts(path, function, node.value)
            ]
        return []


def _stops(path: Path, tree: ast.Module) -> list[Raised]:
    """The codes of what stops a run, which are attributes of classes."""
    return [
        Raised(node.value.value, f"{path.name}:{node.lineno}", None)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code"
        if isinstance(node.value, ast.Constant)
    ]


def _tables(tree: ast.Module) -> list[tuple[str, list[ast.expr]]]:
    """The dictionaries of a module with their values."""
    found = []
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Dict):
            found.append((target.id, value.values))
    return found


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _key(path: Path, name: str) -> str:
    """What a function is known by; a private one only in its own file."""
    return f"{path}:{name}" if name.startswith("_") else name


def _values(call: ast.Call) -> set[str] | None:
    if _name(call) == "Diagnostic":
        given = call.args[2] if len(call.args) > 2 else {k.arg: k.value for k in call.keywords}.get("values")
        if given is None:
            return set()
        if not isinstance(given, ast.Dict):
            return None
        return {key.value for key in given.keys if isinstance(key, ast.Constant)}
    names = {k.arg for k in call.keywords}
    return None if None in names else {name for name in names if name is not None}


@pytest.fixture(scope="module")
def trees() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES]


@pytest.fixture(scope="module")
def sites(trees: list[tuple[Path, ast.Module]]) -> Sites:
    return Sites().search(trees)


@pytest.fixture(scope="module")
def codes(sites: Sites) -> dict[str, list[Raised]]:
    """The places by their code."""
    by_code: dict[str, list[Raised]] = {}
    for site in sites.found:
        by_code.setdefault(site.code, []).append(site)
    return by_code


# added where a mismatch of types is caught
MISMATCH = {"op", "a", "b", "same", "name", "number", "here_is", "first_is", "second_is"}
# "function" by a built-in function that finds fault with its arguments, the others by the command line
ADDED = MISMATCH | {"function", "usage", "shadowed"}


def test_the_search_finds_codes_of_every_kind(codes: dict[str, list[Raised]]) -> None:
    plain, one_of_two, assigned, handed_on, warned = (
        "unknown-type",
        "unknown-name-imported",
        "unknown-function",
        "default-not-constant",
        "zero-derivative",
    )
    of_a_type_rule, handed_on_to_one, of_an_argument, of_two_arguments, of_a_run = (
        "seed-not-an-int",
        "solve-sizes",
        "draw-needs",
        "conv-channels",
        "index-out-of-range",
    )
    assert {plain, one_of_two, assigned, handed_on, warned} <= codes.keys()
    assert {of_a_type_rule, handed_on_to_one, of_an_argument, of_two_arguments, of_a_run} <= codes.keys()


def test_the_search_can_read_every_code(sites: Sites) -> None:
    assert [
        where for where in sites.unread if not where.startswith("serialize.py:")
    ] == []  # warnings of a file that is kept


def test_every_code_that_is_raised_has_words(codes: dict[str, list[Raised]]) -> None:
    assert [code for code in codes if not CODE.fullmatch(code)] == []
    assert {code: [site.where for site in codes[code]] for code in codes.keys() - TEMPLATES.keys()} == {}


def test_a_title_has_its_values_wherever_the_code_is_raised(codes: dict[str, list[Raised]]) -> None:
    lacking = {
        site.where: fields(TEMPLATES[code].title) - (site.values | ADDED)
        for code in codes.keys() & TEMPLATES.keys()
        for site in codes[code]
        if site.values is not None
    }
    assert {where: names for where, names in lacking.items() if names} == {}


def test_the_values_of_labels_and_helps_are_given_somewhere(codes: dict[str, list[Raised]]) -> None:
    lacking = {}
    for code in codes.keys() & TEMPLATES.keys():
        values = [site.values for site in codes[code]]
        if None not in values:
            needed = frozenset().union(*map(fields, TEMPLATES[code].templates))
            lacking[code] = needed - ADDED.union(*(each for each in values if each is not None))
    assert {code: names for code, names in lacking.items() if names} == {}


def test_every_row_is_for_a_code_that_is_raised(trees: list[tuple[Path, ast.Module]]) -> None:
    texts = {
        node.value
        for _, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(TEMPLATES.keys() - texts) == []


def test_a_code_stands_in_one_table_only() -> None:
    counts = Counter(code for table in TABLES for code in table)
    assert [code for code, n in counts.items() if n > 1] == []


def test_titles_are_one_line_that_does_not_end_in_a_full_stop() -> None:
    for words in TEMPLATES.values():
        for template in words.templates:
            assert template == template.strip()
            assert "\n" not in template
            assert not template.endswith(".")


# ---- templates


def test_a_template_is_filled_with_values() -> None:
    assert fill_template("`{name}` is {type}", {"name": "x", "type": "float[2, n]"}) == "`x` is float[2, n]"


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Type("float"), "float"),
        (Type("float", (2, "n")), "float[2, n]"),
        (Type("int", weak=True), "a whole number"),
        (Type("float", weak=True), "a decimal number"),
        (Type("float", (3,), weak=True), "float[3]"),
        (parse_type("(float, int)"), "float and int"),
    ],
)
def test_a_type_arrives_in_a_diagnostic_as_text(type_: AnyType, text: str) -> None:
    assert format_value(error("wrong", found=type_).diagnostics[0].values["found"]) == text


@pytest.mark.parametrize("value", [None, [], "", ()])
def test_a_template_without_its_value_is_not_filled(value: object) -> None:
    assert fill_template("did you mean `{nearest}`?", {"nearest": value}) is None
    assert fill_template("did you mean `{nearest}`?", {}) is None


def test_braces_in_a_value_are_only_text() -> None:
    assert fill_template("`{name}`", {"name": "{0.__class__}"}) == "`{0.__class__}`"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (("a", "b", "c"), "a, b and c"),
        ([f"x{i}" for i in range(40)], "x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10 and 29 more"),
        (True, "true"),
        (0, "0"),
        (0.0, "0"),
        (1 << 500, "a huge number"),
        ("x" * 1000, "x" * 499 + "…"),
    ],
)
def test_values_are_worded(value: object, shown: str) -> None:
    assert format_value(value) == shown


# ---- diagnostics


def test_a_label_has_the_text_of_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Templates("title", labels={"here": "this is {found}", "first": "not {filled}"})
    monkeypatch.setitem(TEMPLATES, "some-code", words)
    here, first, other = (Span(Source("f.cg", "a = b"), k, k + 1) for k in (0, 2, 4))
    message = message_of(
        Diagnostic("some-code", (Label(here), Label(first, "first"), Label(other, "other")), {"found": "int"})
    )
    assert message.labels == ((here, "this is int"), (first, ""), (other, ""))


def test_helps_that_lack_a_value_are_left_out() -> None:
    assert message_of(Diagnostic("unknown-function", values={"name": "snh", "nearest": "sinh"})).helps == (
        "did you mean `sinh`?",
    )
    assert message_of(Diagnostic("unknown-function", values={"name": "snh", "nearest": None})).helps == ()


def test_an_unknown_code_is_told_with_its_values() -> None:
    span = Span(Source("f.cg", "a"), 0, 1)
    message = message_of(Diagnostic("no-such-code", (Label(span, "x"),), {"n": 2, "names": ["a", "b"], "none": None}))
    assert message.title == "no-such-code (n: 2, names: a and b)"
    assert message.labels == ((span, ""),)
    assert message_of(Diagnostic("no-such-code")).title == "no-such-code"


def test_a_title_that_lacks_a_value_falls_back_on_the_code() -> None:
    assert message_of(Diagnostic("unknown-name", values={"nearest": "a"})).title == "unknown-name (nearest: a)"
