"""What happens inside of branches and loops at one point, for pictures: values of the side taken, values by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, GET, LOOP, Graph
from cgcli.ops.interpreter import Interpreter, Runner, Sizes, walk
from cgcli.ops.limits import Meter
from cgcli.ops.loops import LoopView
from cgcli.ops.number_kernels import NumberKernels, is_scalar
from cgcli.run.scalar.sweep import Sweep

MOST_STEPS = 10_000  # of the loops of a picture whose steps are computed once more


def with_nested(evaluation: Evaluation) -> Evaluation:
    """The evaluation with that of the side that each `cond` takes and with the values that loops carry, also in the
    sides that are taken.

    Loops that run for more than `MOST_STEPS` steps have none, nor has what stands beside one in a side.
    """
    result, sizes = _with_nested(evaluation, None)
    pending = [result]
    while pending:
        branches = pending.pop().branches
        for i, (side, taken) in branches.items():
            branches[i] = side, _with_nested(taken, sizes)[0]
            pending.append(branches[i][1])
    return result


def _with_nested(evaluation: Evaluation, sizes: Sizes | None) -> tuple[Evaluation, Sizes | None]:
    """The evaluation with what its own nodes hold. sizes: those that the inputs of the program bind, where they are
    known; returns them, too."""
    graph, values = evaluation.graph, evaluation.values
    if COND not in graph.op and LOOP not in graph.op:
        return evaluation, sizes
    branches: dict[int, tuple[str, Evaluation]] = {}
    series: dict[int, Sequence[Sequence[Any]]] = {}
    steps: list[Sequence[Any]] = []
    body: Graph | None = None

    def observe(graph: Graph, step: int, carries: Sequence[object]) -> None:
        if graph is body:
            steps.append(carries)

    kernels_of: Any = NumberKernels
    if not is_scalar(graph):
        from cgcli.ops.array_kernels import ArrayKernels

        kernels_of = ArrayKernels
    interpreter = Interpreter(graph, kernels_of, observer=observe)
    v = interpreter.kernels.begin([values[i] for i in graph.inputs], sizes)
    v[:] = [x if x is not None else y for x, y in zip(values, v, strict=True)]
    for i, op in enumerate(graph.op):
        operands = graph.operands(i)
        if op not in (COND, LOOP) or any(v[x] is None for x in operands):
            continue
        if op == COND:
            side = "then" if v[operands[0]] else "else"
            branches[i] = side, Evaluation(graph.attrs[i][side], [None] * len(graph.attrs[i][side]))
        interpreter.runner.meter = Meter(MOST_STEPS, None)
        try:
            with interpreter.kernels.context():
                if op == COND:
                    branches[i] = side, _branch(evaluation, i, side, interpreter.runner, v)
                    continue
                loop = LoopView(graph.attrs[i], [v[x] for x in operands])
                steps, body = [tuple(loop.carries)], loop.body
                walk(graph, interpreter.kernels, v, [i])
                series[i] = steps
        except CgError:
            continue
    return replace(evaluation, branches=branches, series=series), interpreter.kernels.sizes


def _branch(evaluation: Evaluation, i: int, side: str, runner: Runner, v: Sequence[Any]) -> Evaluation:
    """The values of the side that a `cond` takes and, where it has one result and they are numbers, derivatives."""
    graph = evaluation.graph
    _, *operands = (v[x] for x in graph.operands(i))
    branch: Graph = graph.attrs[i][side]
    values = runner.values(replace(branch, outputs=tuple(range(len(branch)))), operands)  # none is dropped
    adjoint = _adjoint(evaluation, i)
    if adjoint is None or len(branch.outputs) != 1 or not is_scalar(branch) or LOOP in branch.op:
        return Evaluation(branch, values)
    sweep = Sweep(NumberKernels(branch, runner))
    (of,) = branch.outputs
    adjoints: list[Any] = [None if x is None else x * adjoint for x in sweep.adjoints(values, of)]
    partials: Mapping[int, tuple[float | None, ...]] = {
        k: sweep.partials(values, k) for k in range(len(branch)) if branch.a[k] >= 0
    }
    return Evaluation(branch, values, of, adjoints, partials)


def _adjoint(evaluation: Evaluation, cond: int) -> float | None:
    """The derivative by the first result of a `cond`; None without one."""
    graph = evaluation.graph
    if evaluation.of is None:
        return None
    results = (i for i in range(cond + 1, len(graph)) if graph.op[i] == GET and graph.a[i] == cond)
    return next((evaluation.adjoints[i] for i in results if graph.attrs[i]["k"] == 0), None)
