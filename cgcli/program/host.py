"""Python functions as programs: the operations on its arguments are the graph, recorded anew at each run."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.diagnostics.suggest import nearest
from cgcli.dynamic.host import Host, Traced, cache_source, line_span, plain
from cgcli.files.source_files import resolved
from cgcli.graph.graph import INPUT
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Module

from .dynamic import Recorded, RunProgram
from .parameters import OPEN, WORDS, Parameter, Refused, outline_parameters, type_text, with_default
from .program import Program, Values
from .reading import absolute, read_python

LONGEST = 300  # characters of an exception's text


def trace(function: Callable[..., Any]) -> Program:
    """The program that a Python function is. It computes with numbers and arrays as NumPy does, and returns one of
    them, a tuple of several, or a dictionary.

    Its parameters are the inputs; an annotation says their type: `float`, `int`, `bool`, or a text as in the language,
    `"float[n, 3]"`. Without one it is a float, or an array of any shape. Raises CgError for a signature that is none.
    """
    return HostProgram(function)


class HostProgram(RunProgram):
    """A Python function whose runs are recorded. folder: what it may import from while it runs."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        source: Source | None = None,
        folder: str | None = None,
    ) -> None:
        self.function, self.folder = function, folder
        name_given = name or getattr(function, "__name__", None)
        self.name = name_given if isinstance(name_given, str) and name_given.isidentifier() else "out"
        self.span = _span_of(function)
        parameters = _parameters(function, self.name, self.span)
        text = source or Source(self.name, "")
        super().__init__(
            outline_parameters(parameters, self.name, text, {}),
            lambda shapes: outline_parameters(parameters, self.name, text, shapes),
        )
        self.outputs = ()  # which a run tells
        self.function_name = self.name

    def __reduce__(self) -> tuple[Any, ...]:
        if self.folder is not None:
            return import_path, (absolute(self.module.source.name), self.name), self.settings
        return trace, (self.function,), self.settings

    def __str__(self) -> str:
        from .description import whole_text

        text = ""
        with suppress(OSError, TypeError):  # of a function without a file
            text = inspect.getsource(self.function)
        return whole_text(self, text)

    def record(self, values: Values) -> Recorded:
        """A run. Raises CgError for operations that cannot be recorded and for errors of the run."""
        inputs, by_name, _ = self.bound_inputs(values)
        host = Host(self.max_memory, self.max_nodes)
        nodes = {n: host.tape.bind_input(i.type, n, by_name[n]) for n, i in inputs.items()}
        arguments = {n: Traced(host, node) for n, node in nodes.items()}
        try:
            results = _run_user_code(lambda: self._named(self.function(**arguments)), self.folder)
        except Failed as e:
            raise error("host-failed", e.span or self.span, status=1, problem=e.problem) from None
        host.fix_line(self.span)
        outputs = {n: self._output(host, n, x) for n, x in results.items()}
        for name, node in outputs.items():
            host.tape.names.setdefault(node, name)
        module = Module(
            source=self.module.source,
            graph=host.tape.freeze(list(outputs.values())),
            inputs=tuple(inputs.values()),
            outputs=tuple(outputs),
            values={**nodes, **outputs},
        )
        return self._record(module, host.tape.v, by_name)

    def _named(self, result: Any) -> dict[str, Any]:
        """The outputs by name."""
        if isinstance(result, Mapping):
            outputs: dict[str, Any] = {}
            for key, x in result.items():
                if not isinstance(key, str) or not key.isidentifier():
                    raise error("host-key", self.span, name=self.name, key=key or "''")
                if identifier(key) in outputs:
                    raise error("host-key-twice", self.span, name=self.name, key=identifier(key))
                outputs[identifier(key)] = x
        elif isinstance(result, tuple):
            outputs = {f"{self.name}_{k}": x for k, x in enumerate(result, 1)}
        else:
            outputs = {self.name: result}
        if not outputs:
            raise self._refused("nothing")
        return outputs

    def _output(self, host: Host, name: str, x: Any) -> int:
        value = host.try_lift(x)
        if value is None:
            if inspect.iscoroutine(x):
                x.close()  # it will not be awaited
            kind = "`None`" if x is None else f"a value of type `{type(x).__name__}`"
            raise self._refused(kind if name == self.name else f"{kind} for `{name}`")
        # an input that is returned, or a value under two names, is a value of its own
        tape, node = host.tape, int(value.node)
        return tape.copy(node) if node in tape.names or tape.op[node] == INPUT else node

    def _refused(self, description: str) -> CgError:
        return error("host-result", self.span, name=self.name, what=description)


def import_function(source: Source, name: str) -> HostProgram:
    """The function, after a run of its file. Raises CgError when there is none, or when the file does not run."""
    file = source.name
    cache_source(source)
    # of a name that no import statement finds, so that it hides no other module
    module_name = "cg_host_" + re.sub(r"\W", "_", Path(file).stem)
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up annotations
    folder = str(resolved(Path(file)).parent)

    def run() -> None:
        exec(compile(source.text, file, "exec", dont_inherit=True), vars(module))

    try:
        _run_user_code(run, folder)
    except BaseException as e:
        sys.modules.pop(module_name, None)
        if not isinstance(e, Failed):
            raise
        raise error("host-import", e.span, status=1, problem=e.problem) from None
    if name not in vars(module):
        functions = [n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == spec.name]
        raise error("no-such-function", file=file, name=name, nearest=nearest(name, functions), names=functions)
    return HostProgram(vars(module)[name], name, source, folder)


def import_path(file: str, name: str) -> HostProgram:
    """The function of a Python file."""
    return import_function(read_python(file), name)


class Failed(Exception):
    """Code of the user raised an exception. problem: its text; span: the last line of the user's files that ran."""

    def __init__(self, exception: BaseException) -> None:
        self.problem, self.span = _exception_text(exception), _last_line(exception)


def _run_user_code(run: Callable[[], Any], folder: str | None) -> Any:
    """The result of code of the user. Raises `Failed` for whatever it raises, in a thread of its own as well.

    An interrupt stays one, and so does an error of ours. folder: where it may import from.
    """
    raised: list[BaseException] = []
    hook, threading.excepthook = threading.excepthook, lambda args: raised.append(args.exc_value or RuntimeError())
    if folder is not None:
        sys.path.insert(0, folder)
    try:
        result = run()
    except (CgError, KeyboardInterrupt):
        raise
    except BaseException as exception:
        raise Failed(exception) from None
    finally:
        threading.excepthook = hook
        if folder is not None:
            with suppress(ValueError):  # it may have been taken away
                sys.path.remove(folder)
    if raised:
        raise raised[0] if isinstance(raised[0], CgError) else Failed(raised[0])
    return result


def _exception_text(exception: BaseException) -> str:
    """The kind and the text of an exception, in one line."""
    kind = "an exception"
    try:
        kind = type(exception).__name__
        text = exception.msg if isinstance(exception, SyntaxError) else str(exception)
        text = " ".join(str(text).split())
    except BaseException:  # the text of an exception is code of the user, too
        text = ""
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if isinstance(exception, SystemExit):
        return f"it called `sys.exit({'' if text == 'None' else text})`"
    return f"{kind}: {text}" if text else kind


def _last_line(exception: BaseException) -> Span | None:
    """The last line that ran of the user's own files, or that could not be read; else of any file but ours."""
    if isinstance(exception, SyntaxError) and isinstance(exception.filename, str):
        span = line_span(exception.filename, exception.lineno) if isinstance(exception.lineno, int) else None
        if span is not None:
            return span
    trace, lines = exception.__traceback__, list[tuple[str, int]]()
    while trace is not None:
        lines.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    others = [line for line in lines if not line[0].startswith((_OWN, "<"))]
    users = [line for line in others if not line[0].startswith(_LIBRARIES)] or others
    return line_span(*users[-1]) if users else None


_OWN = str(Path(__file__).parents[1])
_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _span_of(function: Any) -> Span | None:
    """The line where a function begins; None for one that no file defines."""
    try:
        code = getattr(inspect.unwrap(function), "__code__", None)
    except ValueError:  # it wraps itself
        return None
    return line_span(code.co_filename, code.co_firstlineno) if inspect.iscode(code) else None


def _parameters(function: Any, name: str, span: Span | None) -> list[Parameter]:
    """The parameters of a function. Raises CgError for other objects, and for parameters that cannot be inputs."""
    kinds: dict[str, Callable[[Any], bool]] = {
        "a class": inspect.isclass,
        "a coroutine function": inspect.iscoroutinefunction,
        "a generator function": lambda f: inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f),
        "a value": lambda f: not callable(f),
    }
    for kind, holds in kinds.items():
        if holds(function):
            raise error("host-kind", span, name=name, what=kind)
    try:
        signature = inspect.signature(function)
    except Exception:  # of what C defines, or of annotations that cannot be evaluated
        raise error("host-signature", span, name=name) from None
    parameters = []
    for p in signature.parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY):
            raise error("host-parameter", span, name=str(p))
        try:
            parameter = Parameter(p.name, _annotated(p.annotation), span=span)
        except Refused as refusal:
            raise error("host-annotation", span, name=p.name, annotation=str(refusal)) from None
        try:
            parameters.append(parameter if p.default is p.empty else with_default(parameter, plain(p.default)))
        except Refused as refusal:
            raise error("host-default", span, name=p.name, kind=str(refusal)) from None
    return parameters


def _annotated(annotation: Any) -> str:
    """An annotation as a type of the language. Raises `Refused` for one that says nothing of numbers."""
    if annotation is inspect.Parameter.empty:
        return OPEN
    if isinstance(annotation, str):
        return type_text(annotation)
    name = getattr(annotation, "__name__", None)
    if not isinstance(name, str) or name not in WORDS:
        raise Refused(f"`{name or annotation}`")
    return WORDS[name]
