"""The values and derivatives of a program over a range of one or two of its inputs: what `cg plot` draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.graph.signature import Input
from cgcli.render.numbers import shortest, single
from cgcli.render.sampled import Axis, Sampled
from cgcli.run.binding import plain, require

from .computation import Computation, Values
from .names import canonical
from .plot_options import MOST, MOST_OF_TWO, POINTS, POINTS_OF_TWO, PlotOptions
from .sampler import Sampler, place_text
from .training_path import training_path

Range = tuple[float, float] | None
"""The ends of an input; None for those of its declaration."""


def ranges(program: Computation, texts: Sequence[str]) -> dict[str, Range]:
    """By input its range, from texts as `x=-3..3`, whose ends are constant expressions; of `x` alone None.

    Raises CgError for another text, for an unknown input and one given twice, and for ends that are no values of it.
    """
    by_name: dict[str, Range] = {}
    for text in texts:
        name, equals, ends = text.partition("=")
        name = canonical(name)
        low, dots, high = ends.partition("..")
        if not name or (equals and not (dots and low.strip() and high.strip())):
            raise error("bad-range", value=text or EMPTY)
        declared = _varying(program, name)
        if declared.name in by_name:
            raise error("input-twice-over", name=name)
        pair = (program.parse_value(name, low), program.parse_value(name, high)) if equals else None
        by_name[declared.name] = pair
    return by_name


def sampled(program: Computation, values: Values, over: Mapping[str, Range], options: PlotOptions) -> Sampled:
    """The values of a program, and their derivatives, at points of one or two inputs, evenly apart.

    values: the other inputs, and of those in `over` the point of the tangent (else the default, or the middle). An int
    takes no more values than there are.

    A point at which the run fails has no value, NaN. Raises CgError for names and ranges that do not fit, and where no
    point has a value.
    """
    names = [program.input(name).name for name in over]
    _check(program, names, options)
    values = {program.input(name).name: x for name, x in values.items()}
    ends = {name: _ends(program, name, pair) for name, pair in zip(names, over.values(), strict=True)}
    bound = _bound(program, values, ends)
    notes: list[str] = []
    axes = []
    for name, (low, high) in ends.items():
        at: float | None = plain(bound[name])
        if at is None or not low <= at <= high:
            if name in values:
                outside = f"{shortest(low)}..{shortest(high)}"
                notes.append(f"`{name}` = {shortest(at or 0)} is outside of {outside}: no tangent is drawn")
            at = None if name in values else _middle(program.input(name), low, high)
        count = options.points or (POINTS if len(names) == 1 else POINTS_OF_TWO)
        axes.append(Axis(name, _points(program, name, low, high, count), at, program.input(name).type.is_int))
    constants = {name: x for name, x in values.items() if name not in names}
    sampler = Sampler(program, constants, axes, options, is_given=any(name in values for name in names))
    curves = sampler.curves()
    path = [] if options.metrics is None else training_path(options.metrics, names)
    if path and not all(axis.low <= x <= axis.high for axis, x in zip(axes, path[-1], strict=True)):
        notes.append(f"the training ends outside of the plot, at {place_text(axes, path[-1])}")
    notes += sampler.notes(curves)
    source = PurePath(program.module.source.name)
    title = source.stem if source.suffix else ""  # else a text, which has no name
    others = {name: x for name, x in bound.items() if name not in names and type(x) in (int, float)}
    return Sampled(tuple(sampler.axes), curves, sampler.shown, title, others, path, tuple(notes))


def _check(program: Computation, names: Sequence[str], options: PlotOptions) -> None:
    """Raises CgError for a number of inputs, or of points, that cannot be drawn."""
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        numbers = _numbers_of(program)
        usual = numbers[0] if numbers else None
        raise error("one-or-two-inputs", count=len(names), name=usual, inputless=None if numbers else "program")
    if (options.points or 0) > (MOST if len(names) == 1 else MOST_OF_TWO):
        raise error("too-large-plot", count=options.points, limit=MOST, limit_of_two=MOST_OF_TWO)
    if options.metrics is not None and len(names) == 1:
        raise error("path-of-two")


def _bound(program: Computation, values: Values, ends: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """All inputs by name: those without a value that vary have their default, or are in the middle."""
    middle = {name: _middle(program.input(name), *pair) for name, pair in ends.items() if name not in values}
    require(program.inputs, {**middle, **values})
    needed = {name: x for name, x in middle.items() if not program.input(name).optional}
    return program.bound_by_name({**values, **needed})


def _varying(program: Computation, name: str) -> Input:
    """The declaration of an input that may vary. Raises CgError for an unknown one and for no number."""
    declared = program.input(name)
    if declared.type.shape or not (declared.type.is_float or declared.type.is_int):
        raise error("no-number-to-vary", name=name, type=declared.type, names=_numbers_of(program) or None)
    return declared


def _numbers_of(program: Computation) -> list[str]:
    """The inputs that may vary."""
    return [i.name for i in program.inputs if not i.type.shape and (i.type.is_float or i.type.is_int)]


def _ends(program: Computation, name: str, ends: Range) -> tuple[float, float]:
    """The ends of a range. Raises CgError where there are none, and for ends in the wrong order."""
    declared = _varying(program, name)
    low, high = ends or declared.range or (-math.inf, math.inf)
    if ends is None and math.isinf(high - low):
        raise error("needs-range", name=name)
    low, high = (program.fit_value(name, _whole(x) if declared.type.is_int else x) for x in (low, high))
    if not (math.isfinite(high - low) and low < high):
        swapped = f"{name}={shortest(high)}..{shortest(low)}" if math.inf > low - high > 0 else None
        raise error("empty-range", name=name, low=low, high=high, swapped=swapped)
    return low, high


def _whole(x: float) -> float:
    """The end of an int's declared range, which may be a float."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def _middle(declared: Input, low: float, high: float) -> float:
    return (low + high) // 2 if declared.type.is_int else low + (high - low) / 2


def _points(program: Computation, name: str, low: float, high: float, count: int) -> list[float]:
    """The values of an input, evenly apart, both ends among them."""
    declared = program.input(name)
    if declared.type.is_int:
        span, steps = int(high - low), min(int(high - low), count - 1)
        return [int(low) + (2 * k * span + steps) // (2 * steps) for k in range(steps + 1)]
    numbers = [low + (high - low) * k / (count - 1) for k in range(count - 1)] + [high]
    if declared.type.dtype == "f32":
        return [single(program.fit_value(name, x), declared.type) for x in numbers]
    return numbers
