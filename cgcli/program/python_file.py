"""Functions of Python files as programs. Opening one reads the file; only a run of the program runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.source import Source
from cgcli.graph.signature import Module

from .dynamic import Recorded, RunProgram
from .parameters import outline_parameters
from .program import Values
from .reading import Signature, absolute, read_python, read_signature

if TYPE_CHECKING:
    from .host import HostProgram


def read_function(file: str, name: str) -> FileProgram:
    """A function of a Python file, which does not run before the program does.

    Raises CgError for what is wrong with it, and `host-unread` where only a run can tell the parameters.
    """
    source = read_python(file)
    return FileProgram(source, name, read_signature(source, name))


def load_function(file: str, name: str) -> RunProgram:
    """A function of a Python file. The file runs with the program, or now where only that tells the parameters.

    Raises CgError for what is wrong with it.
    """
    try:
        return read_function(file, name)
    except CgError as e:
        if e.diagnostics[0].code != "host-unread":
            raise
    return _import_now(read_python(file), name)


class FileProgram(RunProgram):
    """A function of a Python file whose signature was read from the text. The first run of it runs the file."""

    def __init__(self, source: Source, name: str, signature: Signature) -> None:
        def read(shapes: Mapping[str, Any]) -> Module:
            return outline_parameters(signature.parameters, name, source, shapes)

        super().__init__(read({}), read)
        self.why = Diagnostic("host-read")
        self.name, self.doc = name, signature.doc
        self.outputs = ()  # which a run tells
        self.function_name = name
        self._function: HostProgram | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return read_function, (absolute(self.module.source.name), self.name), self.settings

    def record(self, values: Values) -> Recorded:
        """A run. Raises CgError for operations that cannot be recorded and for errors of the run."""
        if self._function is None:
            self._function = _import_now(self.module.source, self.name)
        self._function.take_limits(self)
        return self._function.record(values)


def _import_now(source: Source, name: str) -> HostProgram:
    from .host import import_function  # with the array library

    return import_function(source, name)
