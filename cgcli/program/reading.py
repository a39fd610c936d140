"""The signature of a function of a Python file, read from the text: the file does not run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.suggest import nearest
from cgcli.files.source_files import read_source, resolved

from .parameters import OPEN, UNREAD, WORDS, Parameter, Refused, type_text, with_default

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_WRITERS = ("globals", "locals", "vars", "exec", "setattr")  # by which a file may bind names that it does not write
_NO_NUMBERS = ("str", "bytes", "list", "tuple", "dict", "set", "frozenset", "complex", "object", "type", "range")


class Signature(NamedTuple):
    """The parameters of a function, where it begins, and the first paragraph of its docstring."""

    parameters: tuple[Parameter, ...]
    span: Span
    doc: str


class _Binding(NamedTuple):
    """A binding of a name in a module. node: its value, None for other than functions, classes and values;
    always: whether it is reached whatever the module's conditions say."""

    node: ast.AST | None
    why: str
    line: int
    always: bool


def absolute(file: str) -> str:
    """The path of a file from everywhere."""
    return str(resolved(Path(file)))


def read_python(file: str) -> Source:
    """The text of a Python file, with the line ends that Python counts. Raises CgError."""
    source = read_source(file)
    return Source(source.name, source.text.replace("\r\n", "\n").replace("\r", "\n"))


def function_names(source: Source) -> list[str]:
    """The functions that a file defines at its top level; none for a text that is not Python."""
    try:
        module = _parsed(source)
    except CgError:
        return []
    return list(dict.fromkeys(name for name, b in _bindings(module) if isinstance(b.node, _Function)))


def read_signature(source: Source, name: str) -> Signature:
    """The signature of a function.

    Raises CgError for what is wrong with it, and `host-unread`, a warning, where only a run can tell.
    """
    module = _parsed(source)
    bindings = list(_bindings(module))
    matching = [b for n, b in bindings if n == name]
    if not matching:
        unseen = _unseen(module)
        if unseen is not None:
            raise _unread(source, name, unseen, None)
        functions = list(dict.fromkeys(n for n, b in bindings if isinstance(b.node, _Function)))
        raise error("no-such-function", file=source.name, name=name, nearest=nearest(name, functions), names=functions)
    last = matching[-1]
    if len(matching) > 1 and not all(b.always for b in matching):
        raise _unread(source, name, "it is bound in several places", last.line)
    if isinstance(last.node, ast.ClassDef):
        raise error("host-kind", source.stripped_line(last.line), name=name, what="a class")
    if isinstance(last.node, ast.Constant):
        raise error("host-kind", source.stripped_line(last.line), name=name, what="a value")
    if not isinstance(last.node, _Function):
        raise _unread(source, name, last.why, last.line)
    return _signature(source, module, name, last.node)


def _parsed(source: Source) -> ast.Module:
    """The syntax tree. Raises CgError, at its line, for a text that is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are given when the file runs
            return ast.parse(source.text, source.name)
    except SyntaxError as problem:
        span = source.stripped_line(problem.lineno or 0)
        raise error("host-syntax", span, file=source.name, reason=problem.msg) from None
    except (ValueError, RecursionError, MemoryError) as problem:
        reason = "it nests too deeply" if not isinstance(problem, ValueError) else str(problem)
        raise error("host-syntax", file=source.name, reason=reason) from None


def _bindings(module: ast.Module) -> Iterator[tuple[str, _Binding]]:
    """The names that a module binds, in the order of the text."""
    stack: list[tuple[ast.AST, bool]] = [(statement, True) for statement in reversed(module.body)]
    while stack:
        node, always = stack.pop()
        line = getattr(node, "lineno", 0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            undecorated = None if node.decorator_list and not isinstance(node, ast.ClassDef) else node
            yield node.name, _Binding(undecorated, "it is decorated", line, always)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield name, _Binding(None, "it is imported", line, always)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value if isinstance(node.value, (ast.Lambda, ast.Constant)) else None
            yield node.targets[0].id, _Binding(value, "it is the result of an expression", line, always)
            stack.append((node.value, always))
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id, _Binding(None, "it is the result of an expression", line, always)
        elif not isinstance(node, ast.Lambda):
            inside = always and not isinstance(node, (ast.If, ast.Try, ast.TryStar, ast.For, ast.While, ast.Match))
            stack.extend((child, inside) for child in reversed(list(ast.iter_child_nodes(node))))


def _unseen(module: ast.Module) -> str | None:
    """How the module may bind names that its text does not show; None where it does not."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return "it may come from `import *`"
        if isinstance(node, ast.Name) and node.id in _WRITERS:
            return f"it may come from `{node.id}`"
        if isinstance(node, ast.Global):
            return "it may come from a `global` statement"
    return None


def _unread(source: Source, name: str, why: str, line: int | None) -> CgError:
    span = None if line is None else source.stripped_line(line)
    labels = () if span is None else (Label(span),)
    return CgError(Diagnostic("host-unread", labels, {"name": name, "why": why}, "warning"), status=0)


def _signature(source: Source, module: ast.Module, name: str, function: _Function) -> Signature:
    span = source.stripped_line(function.lineno)
    assert span is not None
    if isinstance(function, ast.AsyncFunctionDef):
        raise error("host-kind", span, name=name, what="a coroutine function")
    if _yields(function):
        raise error("host-kind", span, name=name, what="a generator function")
    futures = [node for node in module.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    texts = any(alias.name == "annotations" for node in futures for alias in node.names)
    arguments = function.args
    problems: list[Diagnostic] = []
    for unsupported in (*arguments.posonlyargs, arguments.vararg, arguments.kwarg):
        if unsupported is not None:
            problems.append(_problem("host-parameter", _span(source, unsupported), name=unsupported.arg))
    tail = [None] * (len(arguments.args) - len(arguments.defaults))
    positional = [*zip(arguments.args, [*tail, *arguments.defaults], strict=False)] if not arguments.posonlyargs else []
    parameters = []
    for argument, default in (*positional, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)):
        parameter = Parameter(argument.arg, span=_span(source, argument))
        try:
            parameter = parameter._replace(type=_annotated(source, argument.annotation, texts))
        except Refused as refusal:
            problems.append(_problem("host-annotation", parameter.span, name=argument.arg, annotation=str(refusal)))
        if default is not None:
            try:
                parameter = _defaulted(parameter, default)
            except Refused as refusal:
                problems.append(_problem("host-default", _span(source, default), name=argument.arg, kind=str(refusal)))
        parameters.append(parameter)
    if problems:
        raise CgError(*problems)
    doc = "" if isinstance(function, ast.Lambda) else ast.get_docstring(function) or ""
    return Signature(tuple(parameters), span, doc.partition("\n\n")[0])


def _yields(function: _Function) -> bool:
    """Whether a call of the function makes a generator. No recursion: a text nests as deep as it likes."""
    stack: list[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, _SCOPES):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _annotated(source: Source, node: ast.expr | None, texts: bool) -> str:
    """The type of an annotation; of an alias only a run knows more than that it is a number or an array.

    texts: whether annotations are never evaluated (`from __future__ import annotations`). Raises `Refused`.
    """
    if node is None:
        return OPEN
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return type_text(node.value)
    text = _span(source, node).text
    if texts:
        return type_text(text)
    base = node.value if isinstance(node, ast.Subscript) else node
    word = base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else None
    if word in ("float", "int", "bool") and base is not node:
        raise Refused(f"`{text}` without quotes")
    if word in WORDS:
        return WORDS[word]
    if word is None or (word in _NO_NUMBERS and isinstance(base, ast.Name)):
        raise Refused(f"`{text}`")
    return OPEN


def _defaulted(parameter: Parameter, node: ast.expr) -> Parameter:
    """The parameter with a default, as far as a literal tells. Raises `Refused`."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return parameter._replace(default=UNREAD)
    return with_default(parameter, value)


def _problem(code: str, span: Span | None, **values: object) -> Diagnostic:
    return Diagnostic(code, () if span is None else (Label(span),), values)


def _span(source: Source, node: ast.expr | ast.arg) -> Span:
    """The characters of a node; the tree counts columns in bytes of UTF-8."""
    lines = source.text.split("\n")

    def offset(line: int, column: int) -> int:
        return sum(len(text_line) + 1 for text_line in lines[: line - 1]) + len(
            lines[line - 1].encode()[:column].decode()
        )

    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Span(source, offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset))
