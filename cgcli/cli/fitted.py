"""What a training found, on standard output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.cli.output import emit, notice
from cgcli.cli.results import chosen_format, show_numbers, table_settings
from cgcli.program.training import Task
from cgcli.render.histogram import bars
from cgcli.render.numbers import shortest, single
from cgcli.render.table import table
from cgcli.run.binding import plain
from cgcli.train.fit import Fit, Squares
from cgcli.train.state import State

LISTED = 100  # numbers of a tensor that JSON lists; of a larger one it says shape and norm
DIGITS = 6  # of errors and what is computed of them, in the layouts for people
CORRELATED = 12  # parameters whose correlations are shown


class Shown(NamedTuple):
    """How results are shown, as `show_numbers` takes it."""

    output_format: str | None
    precision: int | None
    full: bool

    @property
    def settings(self) -> dict[str, Any]:
        """Of tables."""
        return table_settings(self.precision)


def show_state(
    state: State, judged: Mapping[str, float], wanted: Task, how: Shown, gradients: Mapping[str, Any] | None
) -> None:
    """Prints the loss over all rows, other outputs that are numbers, the parameters, and how it ended."""
    params = _params(state.result, wanted)
    loss = judged[wanted.loss]
    converged = state.stopped == "patience"
    others = {name: x for name, x in judged.items() if name != wanted.loss}
    validation = state.history[-1].get("validation") if state.history else None
    if state.best_params is not None:
        validation = next(r["validation"] for r in state.history if r["validation"][wanted.loss] == state.best)
    data: dict[str, Any] = {"loss": loss, "params": _listed(params), "epochs": state.epoch, "steps": state.step}
    data |= {"converged": converged, **({"outputs": others} if others else {})}
    rows: list[tuple[str, Any]] = [(wanted.loss, loss), *others.items()]
    if validation is not None:
        data["validation"] = validation
        rows += [(f"validation {name}", x) for name, x in validation.items()]
    rows += [*params.items(), ("epochs", state.epoch), ("steps", state.step)]
    if gradients is not None:
        data["gradients"] = {name: bars(g)[1] for name, g in gradients.items()}
    show_numbers(rows, data, *how)
    if gradients is not None and chosen_format(how.output_format) in ("table", "plain"):
        told = [(name, *_spread(g)) for name, g in gradients.items()]
        if chosen_format(how.output_format) == "table":
            header = ("gradient by", "norm", "least", "spread", "largest")
            emit(table(header, told, **how._replace(precision=how.precision or DIGITS).settings))
        else:
            emit("\n".join(_plain_spread(*each) for each in told))


def _spread(g: Any) -> tuple[float, float, str, float]:
    text, said = bars(g)
    return said["norm"], said["min"], text, said["max"]


def _plain_spread(name: str, norm: float, least: float, text: str, most: float) -> str:
    numbers = [shortest(x, DIGITS) for x in (norm, least, most)]
    return f"gradient by {name}: norm {numbers[0]}, {numbers[1]} {text} {numbers[2]}"


def show_fit(found: Fit, wanted: Task, how: Shown) -> None:
    """Prints a fit; of least squares with standard errors, covariance and what they rest on."""
    params = _params(found.params, wanted)
    data: dict[str, Any] = {"loss": found.loss, "params": _listed(params), "epochs": found.steps}
    data["converged"] = found.converged
    if not isinstance(found, Squares):
        rows: list[tuple[str, Any]] = [(wanted.loss, found.loss), *params.items(), ("evaluations", found.steps)]
        show_numbers(rows, data, *how)
        return
    errors = found.errors
    data["residuals"], data["freedom"], data["deviation"] = found.residuals, found.freedom, found.deviation
    data["errors"] = None if errors is None else dict(zip(found.labels, errors, strict=True))
    data["covariance"] = None if found.covariance is None else found.covariance.tolist()
    if chosen_format(how.output_format) in ("json", "csv"):
        rows = [("loss", found.loss), *params.items()]
        rows += [(f"error of {name}", x) for name, x in zip(found.labels, errors or [], strict=False)]
        show_numbers(rows, data, *how)
        return
    _report(found, params, how)


def _report(found: Squares, params: Mapping[str, Any], how: Shown) -> None:
    precision, digits = how.precision, how.precision or DIGITS
    flat = [float(x) for value in params.values() for x in _flat(value)]
    if found.errors is None:
        why = "the data cannot tell the parameters apart" if found.freedom > 0 else "there are no more residuals"
        notice(f"note: no standard errors: {why}{'' if found.freedom > 0 else ' than parameters'}")
    about = [
        ("sum of squares", found.loss),
        ("deviation", found.deviation),
        ("residuals", found.residuals),
        ("freedom", found.freedom),
    ]
    correlated = [] if found.covariance is None or len(flat) > CORRELATED else _correlations(found, digits)
    errors: Sequence[float | None] = found.errors or [None] * len(flat)
    told = [_with_error(x, error, digits) for x, error in zip(flat, errors, strict=True)]
    if chosen_format(how.output_format) == "table":
        rows = [(n, x, *each) for n, x, each in zip(found.labels, flat, told, strict=True)]
        emit(table(("parameter", "value", "± error", "relative"), rows, **how.settings))
        emit(table(("fit", "value"), about, **how.settings))
        if correlated:
            emit(table(("correlation of", "with", "is"), correlated, **how.settings))
        return
    lines = []
    for n, x, (error, _) in zip(found.labels, flat, told, strict=True):
        lines.append(f"{n} = {shortest(x, precision)}{f' ± {error}' if error else ''}")
    lines += [f"{name} = {shortest(x, precision)}" for name, x in about]
    lines += [f"correlation of {a} and {b} = {shortest(x, digits)}" for a, b, x in correlated]
    emit("\n".join(lines))


def _with_error(x: float, error: float | None, digits: int) -> tuple[str, str]:
    """A standard error as text, and as a share of the value; nothing where there is none."""
    if error is None:
        return "", ""
    return shortest(error, digits), f"{shortest(abs(error / x) * 100, 3)} %" if x else ""


def _correlations(found: Squares, digits: int) -> list[tuple[str, str, float]]:
    """Pairs of parameters that move together, the strongest first; weak ones (below 0.1) are left out."""
    errors = found.errors or []
    pairs = []
    for i, first in enumerate(found.labels):
        for j in range(i):
            below = errors[i] * errors[j]
            value = float(found.covariance[i, j]) / below if below else 0.0
            if abs(value) >= 0.1:
                pairs.append((found.labels[j], first, float(shortest(value, digits))))
    return sorted(pairs, key=lambda each: -abs(each[2]))


def _params(found: Mapping[str, Any], wanted: Task) -> dict[str, Any]:
    types = {i.name: i.type for i in wanted.program.inputs}
    return {name: single(plain(x), types[name]) for name, x in found.items()}


def _flat(value: Any) -> list[Any]:
    return value.reshape(-1).tolist() if hasattr(value, "reshape") else [value]


def _listed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for JSON: large ones by shape and norm."""
    found: dict[str, Any] = {}
    for name, x in params.items():
        if getattr(x, "size", 1) > LISTED:
            found[name] = {"shape": list(x.shape), "norm": math.sqrt(float((x.astype("float64") ** 2).sum()))}
        else:
            found[name] = x
    return found
