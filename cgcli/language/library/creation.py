"""Creation of tensors from sizes, and random tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

from cgcli.graph.sizes import Size, larger, sub
from cgcli.language.call_site import CallSite
from cgcli.language.regions import Value
from cgcli.language.shapes import constant_of, size_of, sizes_of
from cgcli.language.tree import kind

from .definitions import Build, at_least, define, on_diagonal


def _filled(s: CallSite, value: Value | float) -> Value:
    shape = s.shape("shape")
    s.check_sizes("shape", shape)
    return s.op("expand", value, shape=shape)


def _full(s: CallSite) -> Value:
    """The value in the shape. Raises for the two the other way round: what stands as the value alone can be a shape."""
    list_of_sizes = kind(s.arguments["value"].tree) == "tensor" or sizes_of(s.value("value")) is not None
    if list_of_sizes and sizes_of(s.value("shape")) is None and kind(s.arguments["shape"].tree) != "tensor":
        shape, value = (s.frame.span(s.arguments[name].tree).text for name in ("value", "shape"))
        s.clash("full-swapped", "shape", "value", shape=shape, value=value)
    return _filled(s, s.value("value"))


def _size(s: CallSite, name: str) -> Size:
    size = size_of(s.value(name))
    if size is None:
        s.fail("not-a-size", name, type=s.value(name).type)
    s.check_sizes(name, [size])
    return size


def _eye(s: CallSite) -> Value:
    rows = _size(s, "n")
    columns = _size(s, "m") if s.has("m") else rows
    return s.op("where", on_diagonal(s, rows, columns), 1.0, 0.0)


def _arange(s: CallSite) -> Value:
    """Ints from a start up to a stop; with a step or floats the ends must be constants."""
    if s.has("step"):
        return _stepped(s)
    first, last = ("start", "stop") if s.has("stop") else (None, "start")
    stop = size_of(s.value(last))
    start: Size | None = 0 if first is None else size_of(s.value(first))
    if stop is None or start is None:
        return _stepped(s)
    numbers = s.op("arange", size=larger(0, sub(stop, start)))
    return numbers if first is None or start == 0 else s.op("add", s.value(first), numbers)


def _stepped(s: CallSite) -> Value:
    names = ["start", "stop", "step"] if s.has("stop") else ["start"]
    names = [name for name in names if s.has(name)]
    constants = [constant_of(s.value(name)) for name in names]
    for name, x in zip(names, constants, strict=True):
        if isinstance(x, bool) or not isinstance(x, (int, float)):
            s.fail("not-a-size", name, type=s.value(name).type)
    start, stop, step = (
        (0, constants[0], 1) if len(constants) == 1 else (*constants, 1) if len(constants) == 2 else constants
    )
    if step == 0 or not all(map(math.isfinite, (start, stop, step))):
        s.fail("arange-step", "step" if s.has("step") else None)
    count = max(0, math.ceil((stop - start) / step))
    indices = s.op("arange", size=count)
    return s.op("add", start, s.op("mul", indices, step))


def _linspace(s: CallSite) -> Value:
    """Both ends are included; the last one is exact."""
    low, high, n = s.value("start"), s.value("stop"), s.integer("count")
    s.check_sizes("count", [n])
    indices = s.op("arange", size=n)
    if n == 1:
        return s.op("add", low, s.op("mul", indices, 0.0))
    step = s.op("div", s.op("sub", high, low), float(n - 1))
    inner = s.op("add", low, s.op("mul", indices, step))
    return s.op("where", s.op("eq", indices, n - 1), high, inner)


def _one_hot(s: CallSite) -> Value:
    labels, n = s.value("x"), _size(s, "n")
    if not labels.type.is_int:
        s.fail("index-type", "x", type=labels.type, chooser=None)
    expanded = s.op("expand_dims", labels, axes=(-1,))
    return s.op("where", s.op("eq", expanded, s.op("arange", size=n)), 1.0, 0.0)


def _triangle(comparison: str) -> Build:
    def build(s: CallSite) -> Value:
        x = s.value("x")
        at_least(s, x, 2)
        return s.op("where", on_diagonal(s, x.type.shape[-2], x.type.shape[-1], comparison), x, 0)

    return build


define("zeros", "shape", lambda s: _filled(s, 0.0), grouped=False)
define("ones", "shape", lambda s: _filled(s, 1.0), grouped=False)
define("full", "shape value", _full, grouped=False)
define("eye", "n m?", _eye)
define("arange", "start stop? step?", _arange)
define("linspace", "start stop count", _linspace)
define("one_hot", "x n", _one_hot)
define("tril", "x", _triangle("ge"))
define("triu", "x", _triangle("le"))


# ---- random


def _random(op: str, transform: Callable[[CallSite, Value], Value]) -> Build:
    def build(s: CallSite) -> Value:
        initialiser = s.lowering.initialiser
        for name in ("shape", "seed"):
            if not s.has(name) and initialiser is None:
                s.fail("draw-needs", name=name)
        shape, seed, name = initialiser or ((), s.number(0), "")
        if s.has("shape"):
            shape = s.shape("shape")
        if s.has("seed"):
            seed, name = s.value("seed"), s.name  # `normal` and `uniform` of one seed are not the same bits
        return transform(s, s.op(op, seed, shape=shape, name=name))

    return build


def _normal(s: CallSite, sample: Value) -> Value:
    return s.op("add", s.value("mean"), s.op("mul", s.value("std"), sample))


def _uniform(s: CallSite, sample: Value) -> Value:
    return s.op("add", s.value("low"), s.op("mul", s.op("sub", s.value("high"), s.value("low")), sample))


define("normal", "mean std", _random("standard_normal", _normal), "shape? seed?")
define("uniform", "low high", _random("uniform", _uniform), "shape? seed?")
