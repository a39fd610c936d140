"""The values of a program's inputs, gathered from the line and from a file of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cgcli.cli.arguments import EMPTY, Known
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import is_stream
from cgcli.graph.graph import Graph
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Input, Signature, signature
from cgcli.graph.types import ANY, FLOAT, INT
from cgcli.program import Program
from cgcli.run.backends import tensor_of
from cgcli.run.binding import extent
from cgcli.run.limits import memory_limit


def gather(program: Program, settings: Sequence[str], inputs_file: str | None, known: Known) -> dict[str, Any]:
    """The value of each input that is given: `--name` and `--set` before `--inputs`.

    Raises `CgError` for a name that is no input, an input given twice and a value that cannot be read.
    """
    given = settings_of(settings)
    check_names(program, given, known)
    values: dict[str, Any] = {}
    if inputs_file is not None:
        from cgcli.cli.value_files import read_values  # with the libraries that read such files

        many: dict[str, Any] = {}
        structured = {each.name for each in program.inputs if each.type == ANY}
        for written, value in read_values(inputs_file, structured, program.max_memory).items():
            name = canonical(written)
            if name in many:
                raise error("inputs-file-repeats", file=inputs_file, name=name)
            many[name] = value
        check_names(program, many, known, file=inputs_file)
        values = {name: _value(program, name, value) for name, value in many.items() if name not in given}
    return values | {name: _of_line(program, name, value) for name, value in given.items()}


def declared(problem: CgError, inputs: Sequence[Input], settings: Sequence[str], inputs_file: str | None) -> CgError:
    """The error with the declarations that it asks for completed: those of all `inputs`, in the sizes of the values."""
    if not any(d.values.get("declare") for d in problem.diagnostics):
        return problem
    shapes = _shapes(settings, inputs_file)

    def sized(each: Diagnostic) -> Diagnostic:
        types = each.values.get("declare")
        if not isinstance(types, Signature):
            return each
        types = signature(inputs, types) if inputs else types
        kept = {n: t._replace(shape=shapes[n]) if n in shapes and t != INT else t for n, t in types.items()}
        return replace(each, values={**each.values, "declare": Signature(kept)})

    return CgError(*map(sized, problem.diagnostics), status=problem.status)


def _shapes(settings: Sequence[str], inputs_file: str | None) -> dict[str, tuple[int, ...]]:
    """The shapes of the values on the line and in the file, as far as they can be read."""
    from cgcli.data.arrays import read_array  # with the array library
    from cgcli.language.value_text import constant  # with the parser

    shapes: dict[str, tuple[int, ...]] = {}
    if inputs_file is not None and not is_stream(inputs_file):
        from cgcli.cli.value_files import read_values

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


def check_names(program: Program, names: Iterable[str], known: Known, file: str | None = None) -> None:
    """Raises `CgError` for the first name that is no input, with the nearest input or option."""
    inputs = [each.name for each in program.inputs]
    known_inputs = frozenset(inputs)
    for name in names:
        if name in known_inputs:
            continue
        if file is None:
            raise known.neither(name, inputs)
        inputless = None if inputs else "program"
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        like = nearest(name, inputs)
        raise error("unknown-input", name=name or EMPTY, nearest=like, known=inputs, inputless=inputless, file=file)


def require(program: Program, values: Mapping[str, Any], known: Known) -> None:
    """Raises `CgError` that names every input still without a value, and how to give them."""
    missing = missing_inputs(program, values)
    if not missing:
        return
    usage = [f"--set {name}=VALUE" if f"--{name}" in known else f"--{name} VALUE" for name in missing]
    shadowed = [name for name in missing if f"--{name}" in known]
    euler = "e" in missing and program.input("e").implicit
    raise error(
        "missing-inputs",
        missing=missing,
        usage=" ".join(usage),
        shadowed=[f"--{name}" for name in shadowed] or None,
        euler="exp(1)" if euler else None,
    )


def missing_inputs(program: Program, values: Mapping[str, Any]) -> list[str]:
    """The inputs that have neither a value nor a default."""
    return [each.name for each in program.inputs if not each.optional and each.name not in values]


def canonical(name: str) -> str:
    """The name as programs compare it (NFKC)."""
    return identifier(name.strip())


def wrt_names(wrt: str | None) -> list[str] | None:
    """The names of `--wrt`; None where it is not given. Raises `CgError` for an empty one."""
    if wrt is None:
        return None
    names = [canonical(name) for name in wrt.split(",")]
    if "" in names:
        raise error("empty-name", option="--wrt", value=wrt or EMPTY)
    return names


def settings_of(settings: Sequence[str]) -> dict[str, str]:
    """Each `name=value` of the line by its name."""
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise error("bad-setting", setting=setting or EMPTY)
        name = canonical(name)
        if name in given:
            raise error("repeated-input", name=name)
        given[name] = value
    return given


def _of_line(program: Program, name: str, text: str) -> Any:
    """A value as the line gives it: an expression of the language, or `@` and a file."""
    file = text.strip()[1:] if text.lstrip().startswith("@") else None
    if program.input(name).type == ANY:
        from cgcli.data.structured import parse_structured, read_structured

        return read_structured(file) if file is not None else parse_structured(Source(f"--{name}", text))
    if file is None:
        return program.parse_value(name, text)
    from cgcli.data.arrays import read_array  # with the array library

    return program.fit_value(name, read_array(file, program.max_memory or memory_limit()))


def _value(program: Program, name: str, value: Any) -> Any:
    """A value of a file of many: an expression of the language, or a tensor."""
    if program.input(name).type == ANY:
        return value
    return program.parse_value(name, value) if isinstance(value, str) else program.fit_value(name, value)
