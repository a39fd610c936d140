"""cg: evaluate, differentiate and see a computation.

import cgcli

program = cgcli.load("samples/article.cg")
program.eval({"a": 2, "b": 3, "c": 1})          # {"y": 10.0}
program.grad({"a": 2, "b": 3, "c": 1}).partials  # {"a": 2.0, "b": 7.0, "c": -5.0}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cgcli.version import VERSION

if TYPE_CHECKING:
    from cgcli.diagnostics.diagnostic import CgError
    from cgcli.program import Gradient, Program, load, parse
    from cgcli.program.host import trace

__version__ = VERSION
__all__ = ["CgError", "Gradient", "Program", "__version__", "load", "parse", "trace"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: the command line starts without them."""
    if name == "CgError":
        from cgcli.diagnostics.diagnostic import CgError

        return CgError
    if name == "trace":
        from cgcli.program.host import trace

        return trace
    if name in __all__:
        from cgcli import program

        return getattr(program, name)
    raise AttributeError(f"module 'cgcli' has no attribute {name!r}")
