"""Convolution, pooling and dropout."""

from __future__ import annotations

import math
from typing import Any

from cgcli.graph.sizes import floor_div, mul, same
from cgcli.graph.types import BOOL
from cgcli.language.call_site import CallSite
from cgcli.language.regions import Value

from .definitions import Build, at_least, define, padded

LAYOUTS = {
    ("x", 1): "examples, channels, length",
    ("w", 1): "filters, channels, length",
    ("x", 2): "examples, channels, height, width",
    ("w", 2): "filters, channels, height, width",
}  # of the operands of a convolution, by the number of spatial axes


def _per_axis(s: CallSite, name: str, count: int, default: int) -> tuple[int, ...]:
    """A number for each spatial axis, or one for all."""
    numbers = s.integers(name)
    if numbers is None:
        return (default,) * count
    if len(numbers) == 1:
        numbers *= count
    least = 0 if name == "padding" else 1
    if len(numbers) != count or min(numbers) < least:
        s.fail("per-axis", name, name=name, count=count, least=least)
    return numbers


def _convolution(count: int) -> Build:
    def build(s: CallSite) -> Value:
        x, w = s.value("x"), s.value("w")
        for name, value in (("x", x), ("w", w)):
            if value.type.rank != count + 2:
                s.fail("conv-rank", name, axes=count + 2, type=value.type, layout=LAYOUTS[name, count])
        stride, dilation = _per_axis(s, "stride", count, 1), _per_axis(s, "dilation", count, 1)
        padding, groups = _per_axis(s, "padding", count, 0), s.integer("groups", 1)
        channels, filters = x.type.shape[1], w.type.shape[0]
        sizes = w.type.shape[2:]
        if not all(isinstance(n, int) for n in sizes):
            s.fail("conv-kernel", "w", type=w.type)
        if groups < 1 or any(isinstance(n, int) and n % groups for n in (channels, filters)):
            s.fail("conv-groups", "groups" if s.has("groups") else None, groups=groups, x=x.type, w=w.type)
        expected = mul(w.type.shape[1], groups)
        if same(expected, channels) is False:
            s.clash(
                "conv-channels", "x", "w", channels=channels, expected=expected, groups=groups if groups > 1 else None
            )
        windows = s.op(
            "windows", padded(s, x, [(p, p) for p in padding]), sizes=sizes, strides=stride, dilations=dilation
        )
        spatial, kernel = "ij"[:count], "kl"[:count]
        if groups == 1:
            return s.op("einsum", windows, w, pattern=f"nc{spatial}{kernel},oc{kernel}->no{spatial}")
        shape = windows.type.shape
        split = s.op("reshape", windows, shape=(shape[0], groups, floor_div(channels, groups), *shape[2:]))
        kernels = s.op("reshape", w, shape=(groups, floor_div(filters, groups), *w.type.shape[1:]))
        result = s.op("einsum", split, kernels, pattern=f"ngc{spatial}{kernel},goc{kernel}->ngo{spatial}")
        return s.op("reshape", result, shape=(shape[0], filters, *shape[2 : 2 + count]))

    return build


def _pooling(op: str) -> Build:
    def build(s: CallSite) -> Value:
        x = s.value("x")
        size = s.integers("size")
        assert size is not None
        count = x.type.rank - 2 if len(size) == 1 else len(size)
        if count < 1 or x.type.rank < count + 1:
            at_least(s, x, max(3, count + 1))
        sizes = _per_axis(s, "size", count, 1)
        strides = sizes if not s.has("stride") else _per_axis(s, "stride", count, 1)
        padding = _per_axis(s, "padding", count, 0)
        if any(p >= n for p, n in zip(padding, sizes, strict=True)):
            s.fail("pool-padding", "padding")
        padded_x = padded(s, x, [(p, p) for p in padding])
        if any(padding) and op == "amax":
            # the padding is never the largest
            inside = s.op("expand", s.number(True), shape=x.type.shape[-count:])
            padded_x = s.op("where", padded(s, inside, [(p, p) for p in padding]), padded_x, -math.inf)
        attrs: dict[str, Any] = {"sizes": sizes, "strides": strides, "dilations": (1,) * count}
        reduction: dict[str, Any] = {"axes": tuple(range(-count, 0)), "keepdims": False}
        windows = s.op("windows", padded_x, **attrs)
        if op == "amax" or not any(padding):
            return s.op(op, windows, **reduction)
        # the mean without the padding
        ones = s.op("expand", 1.0, shape=x.type.shape[-count:])
        counts = s.op("sum", s.op("windows", padded(s, ones, [(p, p) for p in padding]), **attrs), **reduction)
        return s.op("div", s.op("sum", windows, **reduction), counts)

    return build


define("conv1d", "x w", _convolution(1), "stride? padding? dilation? groups?")
define("conv2d", "x w", _convolution(2), "stride? padding? dilation? groups?")
define("max_pool", "x size", _pooling("amax"), "stride? padding?")
define("avg_pool", "x size", _pooling("mean"), "stride? padding?")


def _dropout(s: CallSite) -> Value:
    """Sets some elements to zero and scales the others, where the program declares an input `training`."""
    x, rate = s.value("x"), s.value("rate")
    training, step = (s.lowering.declared_input(name) for name in ("training", "step"))
    if training is None or training.type != BOOL:
        return x
    number = s.number(0) if step is None or not step.type.is_int else step
    sample = s.op("uniform", number, shape=x.type.shape, name=f"dropout {s.lowering.draws}")
    s.lowering.draws += 1
    scaled = s.op("where", s.op("ge", sample, rate), s.op("div", x, s.op("sub", 1.0, rate)), 0.0)
    return s.op("where", training, scaled, x)


define("dropout", "x rate", _dropout)
