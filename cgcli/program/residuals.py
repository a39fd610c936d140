"""A program's residuals over the rows of a table and their derivatives by its parameters, for least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph
from cgcli.run.backends import Compiled

from .examples import Examples
from .training import Task, TaskInputs, runs_of


class StaticResiduals:
    """Residuals by a graph, all rows at once. Raises CgError for a task whose target is no float."""

    def __init__(self, task: Task) -> None:
        self.task, self.task_inputs = task, TaskInputs(task)
        self._compiled: dict[bool, Compiled] = {}  # with and without derivatives

    def __call__(
        self, params: Mapping[str, Any], derivatives: bool, examples: Examples | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """All residuals as one vector and, if asked for, by parameter their derivatives: [n, *shape of the parameter].

        examples: other rows than those of the task. Raises CgError as running the program does.
        """
        import numpy as np

        if derivatives not in self._compiled:
            self._compiled[derivatives] = self.task_inputs.program.compile(self._graph(derivatives))
        outputs = self._compiled[derivatives](self.task_inputs.bind(params, examples or self.task.examples, True, 1))
        residuals, *jacobians = [np.asarray(x, dtype=float) for x in outputs]
        flat = residuals.reshape(-1)
        by_name = zip(self.task.trained, jacobians, strict=True) if derivatives else ()
        return flat, {n: g.reshape(flat.size, *np.shape(params[n])) for n, g in by_name}

    def _graph(self, derivatives: bool) -> Graph:
        from cgcli.transform.batch import batch, fresh_size
        from cgcli.transform.jacobian import jacobian

        program, task = self.task_inputs.program, self.task
        values = program.module.values
        target = values[task.loss]
        graph = replace(program.graph, outputs=(target,))
        if derivatives:
            graph = jacobian(graph, target, [values[n] for n in task.trained], value=True)
        if task.examples.rows and not task.examples.together:
            graph = batch(graph, [i.name in task.examples.columns for i in program.inputs], fresh_size(graph))
        return graph


class DynamicResiduals:
    """Residuals row by row, each by a run of its own."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __call__(
        self, params: Mapping[str, Any], derivatives: bool, examples: Examples | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As `StaticResiduals`. Raises CgError (status 2) for a target that is no single number."""
        import numpy as np

        program, task = self.task.program, self.task
        residuals: list[float] = []
        jacobians: dict[str, list[Any]] = {n: [] for n in task.trained}
        for row in runs_of(examples or task.examples):
            values = {**task.constants, **row, **params}
            record = program.recorded(values)
            target = record.of_choice(task.loss)
            if derivatives:
                gradient = record.grad(values, of=target, wrt=task.trained)
                residuals.append(float(gradient.value))
                for n, g in gradient.partials.items():
                    jacobians[n].append(np.asarray(g))
            else:
                residuals.append(float(record.eval(values, every=True)[target]))
        return np.array(residuals), {n: np.array(rows) for n, rows in jacobians.items()} if derivatives else {}


def residuals(task: Task) -> StaticResiduals | DynamicResiduals:
    """The task's target as residuals, in the program's mode. Raises CgError when there are no rows of it."""
    if task.program.mode == "dynamic":
        return DynamicResiduals(task)
    if not task.examples.rows and not task.program.type_of(task.loss).shape:
        raise error("one-residual", name=task.loss)
    return StaticResiduals(task)
