"""The public API: programs from files and texts, their values and derivatives.

program = cgcli.load("samples/article.cg")
program.eval({"a": 2, "b": 3, "c": 1})      # {"y": 10.0}
program.grad({"a": 2, "b": 3, "c": 1})      # of y: 2, 7 and -5
"""

from cgcli.graph.signature import Input

from .load import NEEDS_RUN, load, parse
from .program import Gradient, Mode, Program, Values

__all__ = ["NEEDS_RUN", "Gradient", "Input", "Mode", "Program", "Values", "load", "parse"]
