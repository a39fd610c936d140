"""Graphs on plain Python numbers: interpreted, with their loops compiled."""

from __future__ import annotations

from collections.abc import Mapping

from cgcli.graph.graph import Graph
from cgcli.ops.interpreter import DEFAULT_LIMITS, Interpreter, Limits
from cgcli.ops.number_kernels import CompiledLoop, NumberKernels


def number_interpreter(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> Interpreter[NumberKernels]:
    """What runs a graph on numbers. limits: its memory bounds the stacks of loops."""
    return Interpreter(graph, lambda graph, runner: NumberKernels(graph, runner, _compile_loop), limits)


def _compile_loop(attrs: Mapping[str, object], operands: int) -> CompiledLoop | None:
    from .loops import compile_loop  # only graphs with loops need it

    return compile_loop(attrs, operands)
