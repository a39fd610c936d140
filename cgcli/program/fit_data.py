"""A least-squares fit beside its data: which input it predicts, and the fitted curve with its standard error.

A program says only how far each row is off, so what it predicts follows from how the residual r depends on its inputs.
An input y is predicted where r is a y + h, with a slope a that does not depend on the parameters, as in `y - model` or
`(y - model) / sigma`: the prediction is the y for which r is 0. That is tried with other values of y and of the
parameters, in either mode alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.render.fit_plot import Curve, FitPlot
from cgcli.train.solvers import Squares

from .examples import Examples
from .residuals import residuals
from .training import Task

SAME = 1e-5  # relative: what differs by less is rounding, in single precision too
GRID = 300  # points of a curve


def fit_plot(task: Task, solution: Squares) -> FitPlot:
    """What `render.fit_plot` draws of a fit.

    The standard error of a prediction p is √(J C Jᵀ), with J its derivatives by the parameters and C their covariance:
    the delta method (Seber and Wild, Nonlinear Regression, 1989, section 5.1).
    """
    import numpy as np

    model = _Model(task, solution)
    values, _ = model.residuals(task.examples, derivatives=False)
    columns = task.examples.columns
    observed = model.observed()
    if observed is None:
        return FitPlot(task.loss, values)
    data = np.asarray(columns[observed], dtype=float)
    predicted, errors = model.predict(observed, task.examples)
    plot = FitPlot(task.loss, values, observed, data, predicted, errors)
    features = [name for name in columns if name != observed and model.depends(observed, name, predicted)]
    if len(features) != 1 or not _is_numbers(columns[features[0]], task.examples.rows):
        return plot
    x = np.asarray(columns[features[0]], dtype=float)
    return plot._replace(x=features[0], positions=x, curve=model.curve(observed, features[0], predicted, errors))


class _Model:
    """The prediction of a fit, for any rows."""

    def __init__(self, task: Task, solution: Squares) -> None:
        self.task, self.params, self.covariance = task, solution.params, solution.covariance
        self._residuals = residuals(task)

    def residuals(
        self, examples: Examples, params: Mapping[str, Any] | None = None, *, derivatives: bool
    ) -> tuple[Any, Any]:
        """The residuals of rows and, if asked for, their derivatives by all numbers in the parameters: [rows, numbers].

        Raises CgError as running the program does.
        """
        import numpy as np

        params = self.params if params is None else params
        with np.errstate(all="ignore"):
            values, by_param = self._residuals(params, derivatives, examples)
        parts = [np.asarray(by_param[name]).reshape(len(values), -1) for name in self.task.trained if derivatives]
        return values, np.concatenate(parts, axis=1) if derivatives else None

    def observed(self) -> str | None:
        """The input that is predicted: of several that would do, as in `y - (x + a)`, the last one of the program."""
        examples = self.task.examples
        names = [i.name for i in self.task.program.inputs if i.type.is_float and i.name in examples.columns]
        return next((name for name in reversed(names) if self._is_predicted(name)), None)

    def _is_predicted(self, name: str) -> bool:
        """Whether the residual is a y + h in this input, a the same for other parameters."""
        import numpy as np

        examples = self.task.examples
        if not _is_numbers(examples.columns[name], examples.rows):
            return False
        other = {n: x * np.asarray(1.01, dtype=np.asarray(x).dtype) for n, x in self.params.items()}
        first, second = np.random.default_rng(0).uniform(0.5, 1.5, (2, examples.rows)) * _size(examples.columns[name])
        moved = _with(examples, name, examples.columns[name] + first)
        try:
            slope = self._slope(examples, name, first)
            slopes = [self._slope(moved, name, second), self._slope(examples, name, first, other)]
        except (CgError, ValueError):  # the model has no value there, or not one residual a row
            return False
        if not np.isfinite(slope).all() or not slope.all():
            return False
        return all(bool((np.abs(each - slope) <= SAME * np.abs(slope)).all()) for each in slopes)

    def _slope(self, examples: Examples, name: str, step: Any, params: Mapping[str, Any] | None = None) -> Any:
        """How much the residual of each row changes with the input, by a step of it in all rows."""
        moved = _with(examples, name, examples.columns[name] + step)
        before, after = (self.residuals(rows, params, derivatives=False)[0] for rows in (examples, moved))
        return (after - before) / step

    def predict(self, observed: str, examples: Examples) -> tuple[Any, Any]:
        """The predictions for rows and their standard errors, None without a covariance."""
        import numpy as np

        column = examples.columns[observed]
        values, jacobian = self.residuals(examples, derivatives=self.covariance is not None)
        slope = self._slope(examples, observed, _size(column))
        if jacobian is None:
            return column - values / slope, None
        by_param = jacobian / slope[:, None]
        variance = np.einsum("ni,ij,nj->n", by_param, self.covariance, by_param)
        return column - values / slope, np.sqrt(np.maximum(variance, 0.0))

    def depends(self, observed: str, name: str, predicted: Any) -> bool:
        """Whether the predictions change where each row takes another row's value of this input."""
        import numpy as np

        column = self.task.examples.columns[name]
        rolled = [*column[-1:], *column[:-1]] if isinstance(column, list) else np.roll(column, 1, axis=0)
        try:
            other, _ = self.predict(observed, _with(self.task.examples, name, rolled))
        except CgError:
            return True
        return not bool((np.abs(other - predicted) <= SAME * _size(predicted)).all())

    def curve(self, observed: str, x: str, predicted: Any, errors: Any) -> Curve:
        """The predictions over the only input that matters: on a grid where rows are independent, else at the rows."""
        import numpy as np

        examples = self.task.examples
        column = np.asarray(examples.columns[x])
        if not examples.together and column.dtype.kind == "f":
            grid = np.linspace(column.min(), column.max(), GRID)
            first = examples.take([0] * GRID)
            rows = _with(_with(first, x, grid.astype(column.dtype)), observed, np.full(GRID, _size(predicted)))
            try:
                return Curve(grid, *self.predict(observed, rows))
            except CgError:  # there is a value of the model at the rows alone
                pass
        order = np.argsort(column, kind="stable")
        return Curve(column[order], predicted[order], None if errors is None else errors[order])


def _with(examples: Examples, name: str, column: Any) -> Examples:
    """The rows with another column."""
    old = examples.columns[name]
    typed = column.astype(old.dtype) if hasattr(old, "dtype") else column
    return replace(examples, columns={**examples.columns, name: typed})


def _is_numbers(column: Any, rows: int) -> bool:
    """Whether a column has a number a row."""
    return hasattr(column, "dtype") and column.shape == (rows,) and column.dtype.kind in "iuf"


def _size(column: Any) -> float:
    """The largest absolute value, 1 where that is 0."""
    import numpy as np

    return float(np.abs(column).max()) or 1.0
