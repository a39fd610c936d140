"""The result of a training on standard output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.cli.class_report import class_data, show_classes
from cgcli.cli.output import emit, notice
from cgcli.cli.results import chosen_format, show_numbers, table_settings
from cgcli.program.classes import Confusion
from cgcli.program.fitting import Fitted
from cgcli.program.options import OutputOptions
from cgcli.render.histogram import bars
from cgcli.render.numbers import shortest, single
from cgcli.render.table import table
from cgcli.train.solvers import Squares

LISTED = 100  # numbers of a tensor that JSON lists; of a larger one it has shape and norm
DIGITS = 6  # of errors and what is computed of them, in tables and plain lines
CORRELATED = 12  # parameters at most whose correlations are printed


def show_state(
    fitted: Fitted, output: OutputOptions, gradients: Mapping[str, Any] | None, classes: Confusion | None
) -> None:
    """Prints the loss over all rows, the other scalar outputs, the parameters, and the classes."""
    params = _params(fitted)
    target, loss, validation = fitted.target, fitted.loss, fitted.validation
    others = {name: x for name, x in fitted.outputs.items() if name != target}
    data: dict[str, Any] = {"loss": loss, "params": _listed(params), "epochs": fitted.epochs, "steps": fitted.steps}
    data |= {"converged": fitted.converged, **({"outputs": others} if others else {})}
    rows: list[tuple[str, Any]] = [(target, loss), *others.items()]
    if validation is not None:
        data["validation"] = validation
        rows += [(f"validation {name}", x) for name, x in validation.items()]
    rows += [*params.items(), ("epochs", fitted.epochs), ("steps", fitted.steps)]
    if gradients is not None:
        data["gradients"] = {name: bars(g)[1] for name, g in gradients.items()}
    _show(rows, data, output, classes)
    if gradients is not None and chosen_format(output.format) in ("table", "plain"):
        spreads = [(name, *_spread(g)) for name, g in gradients.items()]
        if chosen_format(output.format) == "table":
            header = ("gradient by", "norm", "least", "spread", "largest")
            emit(table(header, spreads, **table_settings(output.precision or DIGITS)))
        else:
            emit("\n".join(_plain_spread(*spread) for spread in spreads))


def _show(
    rows: Sequence[tuple[str, Any]], data: Mapping[str, Any], output: OutputOptions, classes: Confusion | None
) -> None:
    """Prints the numbers of a result, then its classes; CSV, one row, has none of these."""
    show_numbers(rows, data if classes is None else {**data, "classes": class_data(classes)}, output)
    if classes is not None and chosen_format(output.format) in ("table", "plain"):
        show_classes(classes, output)


def _spread(g: Any) -> tuple[float, float, str, float]:
    text, statistics = bars(g)
    return statistics["norm"], statistics["min"], text, statistics["max"]


def _plain_spread(name: str, norm: float, least: float, text: str, most: float) -> str:
    numbers = [shortest(x, DIGITS) for x in (norm, least, most)]
    return f"gradient by {name}: norm {numbers[0]}, {numbers[1]} {text} {numbers[2]}"


def show_solution(fitted: Fitted, output: OutputOptions, classes: Confusion | None) -> None:
    """Prints a fit and the classes; of least squares with standard errors, covariance and degrees of freedom."""
    fit, params = fitted.result, _params(fitted)
    data: dict[str, Any] = {"loss": fitted.loss, "params": _listed(params), "epochs": fitted.steps}
    data["converged"] = fitted.converged
    if not isinstance(fit, Squares):
        target = fitted.target
        rows: list[tuple[str, Any]] = [(target, fitted.loss), *params.items(), ("evaluations", fitted.steps)]
        _show(rows, data, output, classes)
        return
    errors = fit.errors
    data["residuals"], data["freedom"], data["deviation"] = fit.residuals, fit.freedom, fit.deviation
    data["errors"] = None if errors is None else dict(zip(fit.labels, errors, strict=True))
    data["covariance"] = None if fit.covariance is None else fit.covariance.tolist()
    if chosen_format(output.format) in ("json", "csv"):
        rows = [("loss", fit.loss), *params.items()]
        rows += [(f"error of {name}", x) for name, x in zip(fit.labels, errors or [], strict=False)]
        show_numbers(rows, data, output)
        return
    _report(fit, params, output)


def _report(fit: Squares, params: Mapping[str, Any], output: OutputOptions) -> None:
    precision, digits = output.precision, output.precision or DIGITS
    flat = [float(x) for value in params.values() for x in _flat(value)]
    if fit.errors is None:
        why = "the data cannot tell the parameters apart" if fit.freedom > 0 else "there are no more residuals"
        notice(f"note: no standard errors: {why}{'' if fit.freedom > 0 else ' than parameters'}")
    about = [
        ("sum of squares", fit.loss),
        ("deviation", fit.deviation),
        ("residuals", fit.residuals),
        ("freedom", fit.freedom),
    ]
    correlated = [] if fit.covariance is None or len(flat) > CORRELATED else _correlations(fit, digits)
    errors: Sequence[float | None] = fit.errors or [None] * len(flat)
    errors_as_text = [_error_text(x, error, digits) for x, error in zip(flat, errors, strict=True)]
    if chosen_format(output.format) == "table":
        rows = [(n, x, *texts) for n, x, texts in zip(fit.labels, flat, errors_as_text, strict=True)]
        emit(table(("parameter", "value", "± error", "relative"), rows, **table_settings(output.precision)))
        emit(table(("fit", "value"), about, **table_settings(output.precision)))
        if correlated:
            emit(table(("correlation of", "with", "is"), correlated, **table_settings(output.precision)))
        return
    lines = []
    for n, x, (error, _) in zip(fit.labels, flat, errors_as_text, strict=True):
        lines.append(f"{n} = {shortest(x, precision)}{f' ± {error}' if error else ''}")
    lines += [f"{name} = {shortest(x, precision)}" for name, x in about]
    lines += [f"correlation of {a} and {b} = {shortest(x, digits)}" for a, b, x in correlated]
    emit("\n".join(lines))


def _error_text(x: float, error: float | None, digits: int) -> tuple[str, str]:
    """A standard error as text, and relative to the value; empty texts without one."""
    if error is None:
        return "", ""
    return shortest(error, digits), f"{shortest(abs(error / x) * 100, 3)} %" if x else ""


def _correlations(fit: Squares, digits: int) -> list[tuple[str, str, float]]:
    """Pairs of parameters that move together, the strongest first; weak ones (below 0.1) are left out."""
    errors = fit.errors or []
    pairs = []
    for i, first in enumerate(fit.labels):
        for j in range(i):
            product = errors[i] * errors[j]
            value = float(fit.covariance[i, j]) / product if product else 0.0
            if abs(value) >= 0.1:
                pairs.append((fit.labels[j], first, float(shortest(value, digits))))
    return sorted(pairs, key=lambda pair: -abs(pair[2]))


def _params(fitted: Fitted) -> dict[str, Any]:
    types = {i.name: i.type for i in fitted.program.inputs}
    return {name: single(x, types[name]) for name, x in fitted.params.items()}


def _flat(value: Any) -> list[Any]:
    return value.reshape(-1).tolist() if hasattr(value, "reshape") else [value]


def _listed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for JSON: large ones by shape and norm."""
    data: dict[str, Any] = {}
    for name, x in params.items():
        if getattr(x, "size", 1) > LISTED:
            data[name] = {"shape": list(x.shape), "norm": math.sqrt(float((x.astype("float64") ** 2).sum()))}
        else:
            data[name] = x
    return data
