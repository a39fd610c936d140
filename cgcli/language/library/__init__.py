"""The built-in functions on tensors: their parameters, and the ops of their definitions.

A function of one op becomes that op; the nodes of several ops are a group of its name, like those of a call.
"""

from __future__ import annotations

from . import creation, linear, manipulation, neural, reductions
from .definitions import LIBRARY, Builtin

__all__ = ["LIBRARY", "Builtin", "creation", "linear", "manipulation", "neural", "reductions"]
