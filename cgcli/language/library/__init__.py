"""The built-in functions on tensors: their parameters, and the ops that they are made of.

A function that is one op is that op; of several, the nodes are a group of its name, as those of a call are.
"""

from __future__ import annotations

from . import arrangement, linear, made, neural, reductions
from .definitions import LIBRARY, Builtin

__all__ = ["LIBRARY", "Builtin", "arrangement", "linear", "made", "neural", "reductions"]
