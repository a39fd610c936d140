"""Python functions as programs: what one does with its arguments is the graph, made anew at each run."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cgcli
from cgcli.graph.diagnostic import CgError, error
from cgcli.graph.graph import INPUT
from cgcli.graph.source import Source
from cgcli.language.dynamic import Files, outline
from cgcli.language.files import read_source
from cgcli.language.records import Module
from cgcli.language.suggest import nearest
from cgcli.run.binding import extent
from cgcli.run.host import Host, Traced, line_span

from .dynamic import Recorded, RunProgram
from .program import Values

OPEN = "float[...]"  # a float, or an array of any shape
_WORDS = {"float": "float", "int": "int", "bool": "bool", "Any": OPEN, "ndarray": OPEN, "NDArray": OPEN, "_empty": OPEN}


def trace(function: Callable[..., Any]) -> HostProgram:
    """The program that a Python function is. It computes with numbers and arrays as NumPy does, and returns one of
    them, a tuple of several, or a dictionary.

    Its parameters are the inputs; an annotation says their type: `float`, `int`, `bool`, or a text as in the language,
    `"float[n, 3]"`. Without one it is a float, or an array of any shape. Raises CgError for a signature that is none.
    """
    return HostProgram(function)


def load_function(file: str, name: str) -> HostProgram:
    """A function of a Python file. Raises CgError when there is none, or when the file does not run."""
    source = read_source(file)
    module = ModuleType(Path(file).stem)
    spec = importlib.util.spec_from_file_location(f"cg_host_{Path(file).stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(Path(file).resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        raise _failed(problem, file, source) from None
    finally:
        sys.path.remove(folder)
    functions = {n: f for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == spec.name}
    if name not in functions:
        known = list(functions)
        raise error("no-such-function", file=file, name=name, nearest=nearest(name, known), known=known)
    return HostProgram(functions[name], source)


class HostProgram(RunProgram):
    """A Python function whose runs are recorded."""

    def __init__(self, function: Callable[..., Any], source: Source | None = None) -> None:
        self.function = function
        name = getattr(function, "__name__", "out")
        self.name = name if name.isidentifier() else "out"
        text = _declarations(function)
        self._files = Files(Source(f"{self.name}'s parameters", text), None, Path.cwd(), ())

        parameters = inspect.signature(function).parameters.values()
        open_ = {p.name: extent(p.default) for p in parameters if extent(p.default)}

        def outlined(shapes: Mapping[str, Any]) -> Module:
            made = outline(self._files, {**open_, **shapes})
            inputs = tuple(replace(i, span=None) for i in made.inputs)
            return replace(made, inputs=inputs, source=source or Source(self.name, ""), outputs=(self.name,))

        super().__init__(outlined({}), outlined)
        self.mode = "dynamic"

    def record(self, values: Values) -> Recorded:
        """A run. Raises CgError for what cannot be recorded and for what stops it."""
        inputs, by_name, _ = self._given(values)
        host = Host(self.max_memory, self.max_nodes)
        nodes = {n: host.tape.given(i.type, n, by_name[n]) for n, i in inputs.items()}
        result = self._called(host, {n: Traced(host, node) for n, node in nodes.items()})
        outputs = {n: self._output(host, n, x) for n, x in self._named(result).items()}
        for name, node in outputs.items():
            host.tape.names.setdefault(node, name)
        module = Module(
            source=self.module.source,
            graph=host.tape.freeze(list(outputs.values())),
            inputs=tuple(inputs.values()),
            outputs=tuple(outputs),
            values={**nodes, **outputs},
        )
        return self._kept(module, host.tape.v, by_name)

    def _called(self, host: Host, arguments: Mapping[str, Traced]) -> Any:
        try:
            return self.function(**arguments)
        except CgError:
            raise
        except Exception as problem:
            raise _failed(problem, inspect.getsourcefile(self.function) or "", None) from None

    def _named(self, result: Any) -> dict[str, Any]:
        """The outputs by name."""
        if isinstance(result, Mapping):
            return {str(name): x for name, x in result.items()}
        if isinstance(result, tuple):
            return {f"{self.name}_{k}": x for k, x in enumerate(result, 1)}
        return {self.name: result}

    def _output(self, host: Host, name: str, x: Any) -> int:
        if x is None:
            raise error("host-nothing", name=self.name, output=name)
        node = host.lift(x).node
        # an input that is returned, or a value under two names, is a value of its own
        return host.tape.copy(node) if node in host.tape.names or host.tape.op[node] == INPUT else node


def _declarations(function: Callable[..., Any]) -> str:
    """The parameters as declarations of the language."""
    lines: list[str] = []
    for p in inspect.signature(function).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY):
            raise error("host-parameter", name=str(p))
        kind = p.annotation
        text = _type_text(kind)
        if text is None:
            raise error("host-annotation", name=p.name, found=getattr(kind, "__name__", str(kind)))
        lines.append(f"input {p.name}: {text}")
        if p.default is not p.empty:
            lines[-1] += f" = {_literal(p.name, p.default)}"
    return "\n".join(lines) + "\n"


def _type_text(annotation: Any) -> str | None:
    """An annotation as a type of the language; None for one that says nothing of numbers."""
    if isinstance(annotation, str):
        text = annotation.strip().strip("\"'")
        return _WORDS.get(text.rpartition(".")[2], text)
    return _WORDS.get(getattr(annotation, "__name__", ""), None if annotation is not inspect.Parameter.empty else OPEN)


def _literal(name: str, x: Any) -> str:
    """A default as the language writes it: a number, or lists of numbers as deep as an array's rank."""
    x = x.tolist() if hasattr(x, "tolist") else x
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, (int, float)):
        return repr(x)
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(_literal(name, item) for item in x)}]"
    raise error("host-annotation", name=name, found=f"a default that is a {type(x).__name__}")


def _failed(problem: Exception, file: str, source: Source | None) -> CgError:
    """An exception of the user's own code, at the last line of it that ran."""
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename not in _OWN_FILES]
    mine = [f for f in frames if not f.filename.startswith(_OWN)] or frames
    line = mine[-1] if mine else None
    span = None if line is None or line.lineno is None else line_span(line.filename, line.lineno)
    if isinstance(problem, SyntaxError) and problem.filename and problem.lineno:
        span = line_span(problem.filename, problem.lineno)
    message = " ".join(str(problem).split()) or None
    return error("host-failed", span, status=1, kind=type(problem).__name__, message=message)


_OWN = str(Path(cgcli.__file__).parent)
_OWN_FILES = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
