"""The functions of the platform's C library, which Python's `math` calls too, for machine code to call by address.

So graphs on numbers have the same digits by machine code as by the kernels on Python's numbers.
"""

from __future__ import annotations

import ctypes
import math
from functools import cache

from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.system import math_library

PREFIX = "platform_"
"""Stands before the name of a function in the text of a module: under its own name LLVM would know what it means."""
_OTHER_NAMES = {"power": "pow"}
_OF_PYTHON = {"hypot": math.hypot}
"""Those that Python computes itself. They raise for no number and run no bytecode, so no signal is lost in them."""
_TYPES = {1: ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double), 2: ctypes.CFUNCTYPE(*[ctypes.c_double] * 3)}


@cache
def _functions() -> dict[str, object]:
    """By primitive the function, as ctypes has it."""
    library = math_library()
    functions: dict[str, object] = {name: _TYPES[FUNCTIONS[name]](f) for name, f in _OF_PYTHON.items()}
    for name in FUNCTIONS.keys() - functions.keys():
        function = getattr(library, _OTHER_NAMES.get(name, name), None)
        if function is not None:
            functions[name] = function
    return functions


def addresses() -> dict[str, int]:
    """By primitive the address of the function; those that the library lacks are left out."""
    return {
        name: ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
        for name, function in _functions().items()
    }
