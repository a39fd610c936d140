"""The writer of Python source: functions from lines, and the objects that these name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast


class Source:
    """Functions with one scope. scope: the names that their lines may use from the start."""

    def __init__(self, scope: Mapping[str, object]) -> None:
        self.scope = dict(scope)
        self._names: dict[int, str] = {}

    def bind(self, value: object) -> str:
        """The name under which lines find an object: one for each, for it stays in the scope."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"_{len(self._names)}"
            self.scope[name] = value
        return name

    def function(
        self, parameters: str, lines: Sequence[str], name: str = "kernel", file: str = "<kernel>"
    ) -> Callable[..., Any]:
        """Compiles lines to a function of these parameters. In a traceback line `k` has the number `k + 2`, under the
        file's name."""
        exec(compile("\n ".join([f"def {name}({parameters}):", *lines]), file, "exec"), self.scope)
        return cast("Callable[..., Any]", self.scope.pop(name))
