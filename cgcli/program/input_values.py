"""The values of a program's inputs, from texts of the command line and from a file of many values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import EMPTY, CgError, Diagnostic, error
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import is_stream
from cgcli.graph.signature import Input, Signature, signature
from cgcli.graph.types import ANY, FLOAT, INT
from cgcli.system import is_url

from .names import canonical

if TYPE_CHECKING:
    from .options import RunOptions
    from .program import Program


def require_values(program: Program, values: Mapping[str, Any]) -> None:
    """Raises `CgError` that names every input without a value or default."""
    from cgcli.run.binding import require  # what parses names does without

    require(program.inputs, values)


def settings_by_name(settings: Sequence[str]) -> dict[str, str]:
    """The text of the value by name, from settings `name=value`. Raises `CgError` for an input given twice."""
    texts: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise error("bad-setting", setting=setting or EMPTY)
        name = canonical(name)
        if name in texts:
            raise error("repeated-input", name=name)
        texts[name] = value
    return texts


def input_values(program: Program, texts: Mapping[str, str], inputs_file: str | None) -> dict[str, Any]:
    """The value of each input that has a text or stands in the file; texts override the file.

    Raises `CgError` for a name in the file that is no input, and for a value that cannot be read.
    """
    values: dict[str, Any] = {}
    if inputs_file is not None:
        from cgcli.data.value_files import read_values  # imports the libraries that read such files

        file_values: dict[str, Any] = {}
        structured = {i.name for i in program.inputs if i.type == ANY}
        for key, value in read_values(inputs_file, structured, program.max_memory).items():
            name = canonical(key)
            if name in file_values:
                raise error("inputs-file-repeats", file=inputs_file, name=name)
            file_values[name] = value
        _check_file_names(program, file_values, inputs_file)
        values = {name: _file_value(program, name, value) for name, value in file_values.items() if name not in texts}
    return values | {name: _text_value(program, name, text) for name, text in texts.items()}


def _check_file_names(program: Program, names: Mapping[str, Any], file: str) -> None:
    """Raises `CgError` for the first name that is no input, with the nearest input."""
    inputs = [i.name for i in program.inputs]
    input_set = frozenset(inputs)
    for name in names:
        if name not in input_set:
            from cgcli.diagnostics.suggest import nearest  # for an error alone

            inputless = None if inputs else "program"
            suggestion = nearest(name, inputs)
            raise error(
                "unknown-input", name=name or EMPTY, nearest=suggestion, names=inputs, inputless=inputless, file=file
            )


def with_declarations(problem: CgError, inputs: Sequence[Input], run: RunOptions) -> CgError:
    """The error with its suggested declarations completed: those of all `inputs`, in the shapes of the values."""
    if not any(d.values.get("declare") for d in problem.diagnostics):
        return problem
    shapes = _shapes(run.settings, run.inputs_file)

    def with_shapes(diagnostic: Diagnostic) -> Diagnostic:
        types = diagnostic.values.get("declare")
        if not isinstance(types, Signature):
            return diagnostic
        types = signature(inputs, types) if inputs else types
        shaped = {n: t._replace(shape=shapes[n]) if n in shapes and t != INT else t for n, t in types.items()}
        return replace(diagnostic, values={**diagnostic.values, "declare": Signature(shaped)})

    return CgError(*map(with_shapes, problem.diagnostics), status=problem.status)


def _shapes(settings: Sequence[str], inputs_file: str | None) -> dict[str, tuple[int, ...]]:
    """The shapes of the values on the command line and in the file, as far as they can be read."""
    from cgcli.data.arrays import read_array  # imports the array library
    from cgcli.graph.graph import Graph
    from cgcli.language.value_text import constant  # imports the parser
    from cgcli.run.backends import tensor_of
    from cgcli.run.binding import extent

    shapes: dict[str, tuple[int, ...]] = {}
    if inputs_file is not None and not is_stream(inputs_file):
        from cgcli.data.value_files import read_values

        with suppress(CgError):
            shapes = {canonical(n): extent(x) for n, x in read_values(inputs_file).items() if not isinstance(x, str)}
    for setting in settings:
        name, _, text = setting.partition("=")
        file = text.strip()[1:]
        with suppress(CgError):
            if not text.lstrip().startswith("@"):
                value = constant(Source(name, text), FLOAT)
                shapes[canonical(name)] = extent(tensor_of(value) if isinstance(value, Graph) else value)
            elif not is_stream(file):
                shapes[canonical(name)] = extent(read_array(file))
    return shapes


def _text_value(program: Program, name: str, text: str) -> Any:
    """A value as a text: an expression of the language, or `@` and a file."""
    file = text.strip()[1:] if text.lstrip().startswith("@") else None
    if program.input(name).type == ANY:
        from cgcli.data.structured import parse_structured, read_structured

        return read_structured(file) if file is not None else parse_structured(Source(f"--{name}", text))
    if file is None:
        if is_url(text.strip()):
            raise error("value-is-url", name=name, url=text.strip())
        return program.parse_value(name, text)
    from cgcli.data.arrays import read_array  # imports the array library
    from cgcli.ops.limits import memory_limit

    return program.fit_value(name, read_array(file, program.max_memory or memory_limit()))


def _file_value(program: Program, name: str, value: Any) -> Any:
    """A value of a file of many values: an expression of the language, or a tensor."""
    if program.input(name).type == ANY:
        return value
    return program.parse_value(name, value) if isinstance(value, str) else program.fit_value(name, value)
