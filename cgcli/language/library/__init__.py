"""The built-in functions on tensors: their parameters, and the ops that they are made of.

A function that is one op is that op; of several, the nodes are a group of its name, as those of a call are.
"""

from __future__ import annotations

from . import creation as made
from . import linear, neural, reductions
from . import manipulation as arrangement
from .definitions import LIBRARY, Builtin

__all__ = ["LIBRARY", "Builtin", "arrangement", "linear", "made", "neural", "reductions"]
