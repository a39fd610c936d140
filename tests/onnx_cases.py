"""ONNX's own node tests as cg programs: for each operator a function that writes the program of a case.

What cannot be said in the language is out of scope, with the reason; no case is dropped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

DTYPES = {"float32": "f32", "float64": "float", "int64": "int", "int32": "i32", "bool": "bool"}


class OutOfScope(Exception):
    """Why a case has no program."""


@dataclass(frozen=True)
class Case:
    """A node with its inputs (None where one is left out), attributes and wanted outputs."""

    name: str
    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    outputs: tuple[Any, ...]
    outputs_used: int
    rtol: float
    atol: float

    def attr(self, name: str, default: Any = None) -> Any:
        return self.attrs.get(name, default)

    def given(self, k: int) -> bool:
        return k < len(self.inputs) and self.inputs[k] is not None

    def shape(self, k: int = 0) -> tuple[int, ...]:
        return tuple(self.inputs[k].shape)

    def rank(self, k: int = 0) -> int:
        return len(self.shape(k))

    def ints(self, k: int) -> list[int]:
        return [int(x) for x in np.asarray(self.inputs[k]).ravel()]

    def axes(self, k: int | None, default: Sequence[int] = ()) -> list[int]:
        """Axes from an attribute or, since later versions, from an input."""
        if "axes" in self.attrs:
            return [int(x) for x in self.attrs["axes"]]
        return self.ints(k) if k is not None and self.given(k) else list(default)


Writer = Callable[[Case], str]
WRITERS: dict[str, Writer] = {}
REASONS: dict[str, str] = {}


def lit(value: Any) -> str:
    """A number, or nested lists of them, as the language writes it."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"[{', '.join(lit(v) for v in value)}]"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    number = float(value) if isinstance(value, (float, np.floating)) else int(value)
    if isinstance(number, float) and not math.isfinite(number):
        return "nan" if number != number else "inf" if number > 0 else "(-inf)"
    return f"({number!r})" if number < 0 else repr(number)


def out_of_scope(reason: str, *ops: str) -> None:
    for op in ops:
        REASONS[op] = reason


def writes(*ops: str) -> Callable[[Writer], Writer]:
    def enter(writer: Writer) -> Writer:
        for op in ops:
            WRITERS[op] = writer
        return writer

    return enter


def _plain(op: str, text: str) -> None:
    """An operator that is an expression of its inputs `x0`, `x1`, …"""
    WRITERS[op] = lambda c: text.format(**{k: lit(v) for k, v in c.attrs.items() if not isinstance(v, (bytes, str))})


for _op, _text in {
    "Add": "x0 + x1",
    "Sub": "x0 - x1",
    "Mul": "x0 * x1",
    "Neg": "-x0",
    "Abs": "abs(x0)",
    "Exp": "exp(x0)",
    "Log": "log(x0)",
    "Sqrt": "sqrt(x0)",
    "Sin": "sin(x0)",
    "Cos": "cos(x0)",
    "Tan": "tan(x0)",
    "Asin": "asin(x0)",
    "Acos": "acos(x0)",
    "Atan": "atan(x0)",
    "Sinh": "sinh(x0)",
    "Cosh": "cosh(x0)",
    "Tanh": "tanh(x0)",
    "Asinh": "asinh(x0)",
    "Acosh": "acosh(x0)",
    "Atanh": "atanh(x0)",
    "Erf": "erf(x0)",
    "Sigmoid": "sigmoid(x0)",
    "Softplus": "softplus(x0)",
    "Softsign": "x0 / (1 + abs(x0))",
    "Relu": "relu(x0)",
    "Sign": "sign(x0)",
    "Floor": "floor(x0)",
    "Ceil": "ceil(x0)",
    "Round": "round(x0)",
    "Reciprocal": "1 / x0",
    "IsNaN": "x0 != x0",
    "Mish": "x0 * tanh(softplus(x0))",
    "HardSwish": "x0 * clip(x0 / 6 + 0.5, 0, 1)",
    "And": "x0 and x1",
    "Or": "x0 or x1",
    "Xor": "x0 != x1",
    "Not": "not x0",
    "Equal": "x0 == x1",
    "Greater": "x0 > x1",
    "GreaterOrEqual": "x0 >= x1",
    "Less": "x0 < x1",
    "LessOrEqual": "x0 <= x1",
    "Where": "where(x0, x1, x2)",
    "Identity": "x0",
    "MatMul": "x0 @ x1",
    "Det": "det(x0)",
    "Size": "len(reshape(x0, [-1]))",
    "PRelu": "where(x0 < 0, x1 * x0, x0)",
    "MeanVarianceNormalization": (
        "(x0 - mean(x0, axis=[0, 2, 3], keepdims=true)) / std(x0, axis=[0, 2, 3], keepdims=true)"
    ),
}.items():
    _plain(_op, _text)


@writes("Div")
def _div(c: Case) -> str:
    if c.inputs[0].dtype.kind == "f":
        return "x0 / x1"
    if (c.inputs[0] < 0).any() or (c.inputs[1] < 0).any():
        raise OutOfScope("int division rounds towards zero, `//` towards minus infinity")
    return "x0 // x1"


@writes("Mod")
def _mod(c: Case) -> str:
    if c.attr("fmod"):
        raise OutOfScope("a remainder with the sign of the dividend; `%` has the divisor's")
    return "x0 % x1"


@writes("Pow")
def _pow(c: Case) -> str:
    if c.inputs[0].dtype != c.inputs[1].dtype or c.inputs[0].dtype.kind == "i":
        raise OutOfScope("the result has the dtype of the base whatever the exponent's; `^` joins the two")
    return "x0 ^ x1"


def _leaky(text: str, **defaults: float) -> Writer:
    return lambda c: text.format(**{k: lit(float(c.attr(k, v))) for k, v in defaults.items()})


WRITERS |= {
    "Elu": _leaky("where(x0 < 0, {alpha} * expm1(x0), x0)", alpha=1.0),
    "Celu": _leaky("max(x0, 0) + min(0, {alpha} * expm1(x0 / {alpha}))", alpha=1.0),
    "Selu": _leaky(
        "{gamma} * where(x0 > 0, x0, {alpha} * expm1(x0))",
        alpha=1.67326319217681884765625,
        gamma=1.05070102214813232421875,
    ),
    "LeakyRelu": _leaky("where(x0 < 0, {alpha} * x0, x0)", alpha=0.01),
    "ThresholdedRelu": _leaky("where(x0 > {alpha}, x0, 0)", alpha=1.0),
    "HardSigmoid": _leaky("clip({alpha} * x0 + {beta}, 0, 1)", alpha=0.2, beta=0.5),
    "Swish": _leaky("x0 * sigmoid({alpha} * x0)", alpha=1.0),
    "Shrink": _leaky("where(x0 < -{lambd}, x0 + {bias}, where(x0 > {lambd}, x0 - {bias}, 0))", lambd=0.5, bias=0.0),
}


@writes("Gelu")
def _gelu(c: Case) -> str:
    return "nn.gelu_tanh(x0)" if c.attr("approximate") == b"tanh" else "nn.gelu(x0)"


@writes("Max", "Min", "Sum", "Mean")
def _variadic(c: Case) -> str:
    names = [f"x{k}" for k in range(len(c.inputs))]
    if c.op in ("Max", "Min"):
        return "x0" if len(names) == 1 else f"{c.op.lower()}({', '.join(names)})"
    total = " + ".join(names)
    return total if c.op == "Sum" else f"({total}) / {len(names)}"


@writes("Clip")
def _clip(c: Case) -> str:
    text = "x0"
    if c.given(1):
        text = f"max({text}, x1)"
    return f"min({text}, x2)" if c.given(2) else text


@writes("IsInf")
def _isinf(c: Case) -> str:
    signs = [s for s, a in (("inf", "detect_positive"), ("-inf", "detect_negative")) if c.attr(a, 1)]
    return " or ".join(f"x0 == {s}" for s in signs) or "x0 != x0 and x0 == x0"


# ---- reductions and order

_REDUCE = {
    "ReduceSum": "sum({x}{over})",
    "ReduceMean": "mean({x}{over})",
    "ReduceProd": "prod({x}{over})",
    "ReduceMax": "max({x}{over})",
    "ReduceMin": "min({x}{over})",
    "ReduceL1": "sum(abs({x}){over})",
    "ReduceL2": "norm({x}{over})",
    "ReduceLogSum": "log(sum({x}{over}))",
    "ReduceLogSumExp": "logsumexp({x}{over})",
    "ReduceSumSquare": "sum({x}^2{over})",
}


@writes(*_REDUCE)
def _reduce(c: Case) -> str:
    axes = c.axes(1)
    if not axes and c.attr("noop_with_empty_axes"):
        return "x0"
    if c.op in ("ReduceMax", "ReduceMin"):
        if c.inputs[0].dtype == bool:
            return _over(c, axes, "any({x}{over})" if c.op == "ReduceMax" else "all({x}{over})")
        if 0 in c.shape():
            raise OutOfScope("the largest of no elements stops the run, here it is the smallest number")
    return _over(c, axes, _REDUCE[c.op])


def _over(c: Case, axes: Sequence[int], text: str) -> str:
    over = f", axis={lit(list(axes))}" if axes else ""
    keep = ", keepdims=true" if c.attr("keepdims", 1) else ""
    return text.format(x="x0", over=over + keep)


@writes("ArgMax", "ArgMin")
def _arg(c: Case) -> str:
    keep = ", keepdims=true" if c.attr("keepdims", 1) else ""
    axis, rank = c.attr("axis", 0), c.rank()
    call = f"{c.op.lower()}(%s, axis={axis}{keep})"
    if not c.attr("select_last_index", 0):
        return call % "x0"
    return f"{c.shape()[axis]} - 1 - {call % f'flip(x0, axis={axis % rank})'}"


@writes("CumSum")
def _cumsum(c: Case) -> str:
    axis = c.ints(1)[0]
    x = f"flip(x0, axis={axis})" if c.attr("reverse") else "x0"
    made = f"cumsum({x}, axis={axis})"
    if c.attr("exclusive"):
        made = f"{made} - {x}"
    return f"flip({made}, axis={axis})" if c.attr("reverse") else made


@writes("TopK")
def _topk(c: Case) -> str:
    k, rank = c.ints(1)[0], c.rank()
    axis = c.attr("axis", -1) % rank
    sign = "" if c.attr("largest", 1) else "-"
    if c.inputs[0].dtype.kind != "f" and sign:
        raise OutOfScope("the smallest of unsigned ints")
    order = [*(a for a in range(rank) if a != axis), axis]
    back = [order.index(a) for a in range(rank)]
    lines = [f"values, places = top_k(transpose({sign}x0, {order}), {k})"]
    return "; ".join([*lines, f"output y0 = {sign}transpose(values, {back}), y1 = transpose(places, {back})"])


@writes("Hardmax")
def _hardmax(c: Case) -> str:
    axis, rank = c.attr("axis", -1) % c.rank(), c.rank()
    order = [*(a for a in range(rank) if a != axis), axis]
    back = [order.index(a) for a in range(rank)]
    return f"transpose(one_hot(argmax(transpose(x0, {order}), axis=-1), {c.shape()[axis]}), {back}) + 0 * x0"


# ---- shapes


@writes("Transpose")
def _transpose(c: Case) -> str:
    return f"transpose(x0, {list(c.attr('perm'))})" if c.attr("perm") else "transpose(x0)"


@writes("Reshape")
def _reshape(c: Case) -> str:
    wanted = c.ints(1)
    if not c.attr("allowzero"):
        wanted = [c.shape()[k] if n == 0 else n for k, n in enumerate(wanted)]
    return f"reshape(x0, {wanted})"


@writes("Flatten")
def _flatten(c: Case) -> str:
    axis = c.attr("axis", 1)
    axis = axis + c.rank() if axis < 0 else axis
    return f"reshape(x0, [{math.prod(c.shape()[:axis])}, {math.prod(c.shape()[axis:])}])"


@writes("Squeeze")
def _squeeze(c: Case) -> str:
    axes = c.axes(1)
    return f"squeeze(x0, axis={axes})" if axes else "squeeze(x0)"


@writes("Unsqueeze")
def _unsqueeze(c: Case) -> str:
    rank = c.rank() + len(c.axes(1))
    return f"expand_dims(x0, {sorted(a % rank for a in c.axes(1))})"


@writes("Concat")
def _concat(c: Case) -> str:
    return f"concat([{', '.join(f'x{k}' for k in range(len(c.inputs)))}], axis={c.attr('axis')})"


@writes("Split")
def _split(c: Case) -> str:
    axis = c.attr("axis", 0) % c.rank()
    size = c.shape()[axis]
    if c.given(1):
        parts = c.ints(1)
    else:
        count = c.attr("num_outputs", c.outputs_used)
        part = -(-size // count)
        parts = [min(part, size - k * part) for k in range(count)]
    starts = [sum(parts[:k]) for k in range(len(parts))]
    sliced = [f"y{k} = x0[{':, ' * axis}{a}:{a + n}]" for k, (a, n) in enumerate(zip(starts, parts, strict=True))]
    return f"output {', '.join(sliced)}"


@writes("Slice")
def _slice(c: Case) -> str:
    starts, ends = c.ints(1), c.ints(2)
    axes = c.ints(3) if c.given(3) else list(range(len(starts)))
    steps = c.ints(4) if c.given(4) else [1] * len(starts)
    parts = [":"] * c.rank()
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = c.shape()[axis]
        stop = "" if (step < 0 and end < -size) or (step > 0 and end >= size) else str(end)
        parts[axis] = f"{start}:{stop}:{step}"
    return f"x0[{', '.join(parts)}]"


@writes("Pad")
def _pad(c: Case) -> str:
    if c.attr("mode", b"constant") != b"constant":
        raise OutOfScope("`pad` pads with zeros; reflecting and wrapping are not in the language")
    if c.given(2) and np.any(c.inputs[2] != 0):
        raise OutOfScope("`pad` pads with zeros only")
    widths = c.ints(1)
    axes = c.ints(3) if c.given(3) else list(range(c.rank()))
    if min(widths, default=0) < 0:
        raise OutOfScope("`pad` does not cut off")
    pairs = [[0, 0] for _ in range(c.rank())]
    for k, axis in enumerate(axes):
        pairs[axis] = [widths[k], widths[k + len(axes)]]
    return f"pad(x0, {pairs})"


@writes("Expand")
def _expand(c: Case) -> str:
    return f"broadcast(x0, {list(np.broadcast_shapes(c.shape(), tuple(c.ints(1))))})"


@writes("Tile")
def _tile(c: Case) -> str:
    return f"tile(x0, {c.ints(1)})"


@writes("Shape")
def _shape(c: Case) -> str:
    start, end = c.attr("start", 0), c.attr("end")
    return f"shape(x0)[{start}:{'' if end is None else end}]"


@writes("Gather")
def _gather(c: Case) -> str:
    axis = c.attr("axis", 0) % c.rank()
    return f"x0[{':, ' * axis}x1]"


@writes("GatherElements")
def _gather_elements(c: Case) -> str:
    axis, shape = c.attr("axis", 0) % c.rank(), c.shape(1)
    places = [
        "x1" if a == axis else f"reshape(0..{n}, {[n if b == a else 1 for b in range(len(shape))]})"
        for a, n in enumerate(shape)
    ]
    return f"x0[{', '.join(places)}]"


@writes("GatherND")
def _gather_nd(c: Case) -> str:
    if c.attr("batch_dims", 0):
        raise OutOfScope("indices of their own for each row of a batch")
    return f"x0[{', '.join(f'x1[..., {k}]' for k in range(c.shape(1)[-1]))}]"


@writes("Trilu")
def _trilu(c: Case) -> str:
    k = c.ints(1)[0] if c.given(1) else 0
    rows, columns = c.shape()[-2:]
    sign = ">=" if c.attr("upper", 1) else "<="
    mask = f"reshape(0..{columns}, [1, {columns}]) - reshape(0..{rows}, [{rows}, 1]) {sign} {k}"
    return f"where({mask}, x0, 0)"


@writes("EyeLike")
def _eye_like(c: Case) -> str:
    if c.outputs[0].dtype != c.inputs[0].dtype:
        raise OutOfScope("a conversion to another dtype; the language has none")
    rows, columns = c.shape()
    k = c.attr("k", 0)
    mask = f"reshape(0..{columns}, [1, {columns}]) - reshape(0..{rows}, [{rows}, 1]) == {k}"
    return f"where({mask}, 1, 0) + 0 * x0"


@writes("OneHot")
def _one_hot(c: Case) -> str:
    depth = c.ints(1)[0]
    axis = c.attr("axis", -1)
    rank = c.rank() + 1
    axis = axis % rank
    shape = [depth if a == axis else 1 for a in range(rank)]
    if c.inputs[2].dtype.kind == "i":
        raise OutOfScope("a conversion to another dtype; the language has none")
    label, place = f"expand_dims(x0, {axis})", f"reshape(0..{depth}, {shape})"
    return f"where({label} == {place} or {label} + {depth} == {place}, x2[1], x2[0])"


@writes("Range")
def _range(c: Case) -> str:
    start, stop, step = (np.asarray(x).item() for x in c.inputs)
    return f"x0 + x2 * (0..{max(0, math.ceil((stop - start) / step))})"


@writes("Einsum")
def _einsum(c: Case) -> str:
    names = ", ".join(f"x{k}" for k in range(len(c.inputs)))
    return f'einsum("{c.attr("equation").decode()}", {names})'


@writes("Gemm")
def _gemm(c: Case) -> str:
    a = "x0.T" if c.attr("transA") else "x0"
    b = "x1.T" if c.attr("transB") else "x1"
    text = f"{lit(float(c.attr('alpha', 1.0)))} * ({a} @ {b})"
    return f"{text} + {lit(float(c.attr('beta', 1.0)))} * x2" if c.given(2) else text


# ---- neural networks


@writes("Softmax", "LogSoftmax")
def _softmax(c: Case) -> str:
    return f"nn.{'softmax' if c.op == 'Softmax' else 'log_softmax'}(x0, axis={c.attr('axis', -1)})"


def _pads(c: Case, count: int) -> int | list[int]:
    """Padding that is the same on both sides of an axis."""
    if c.attr("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise OutOfScope("padding that follows from the sizes (`auto_pad`)")
    pads = list(c.attr("pads", [0] * 2 * count))
    if pads[:count] != pads[count:]:
        raise OutOfScope("padding that differs on the two sides of an axis; `pad` would say it in a step of its own")
    return pads[:count]


@writes("Conv")
def _conv(c: Case) -> str:
    count = c.rank() - 2
    if count not in (1, 2):
        raise OutOfScope("convolution over more than two axes")
    options = {
        "stride": list(c.attr("strides", [1] * count)),
        "padding": _pads(c, count),
        "dilation": list(c.attr("dilations", [1] * count)),
        "groups": c.attr("group", 1),
    }
    text = f"conv{count}d(x0, x1, {', '.join(f'{k}={v}' for k, v in options.items())})"
    return f"{text} + reshape(x2, [-1, {', '.join(['1'] * count)}])" if c.given(2) else text


@writes("MaxPool", "AveragePool")
def _pool(c: Case) -> str:
    size = list(c.attr("kernel_shape"))
    if c.outputs_used > 1:
        raise OutOfScope("the places of the largest elements as a second result")
    if c.attr("ceil_mode"):
        raise OutOfScope("windows that reach over the end (`ceil_mode`)")
    if any(d != 1 for d in c.attr("dilations", [1])):
        raise OutOfScope("windows with gaps (`dilations`)")
    if c.attr("count_include_pad") and any(c.attr("pads", [])):
        raise OutOfScope("a mean that counts padding; `avg_pool` leaves it out")
    name = "max_pool" if c.op == "MaxPool" else "avg_pool"
    stride = list(c.attr("strides", [1] * len(size)))
    return f"{name}(x0, {size}, stride={stride}, padding={_pads(c, len(size))})"


@writes("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(c: Case) -> str:
    name = "mean" if c.op == "GlobalAveragePool" else "max"
    return f"{name}(x0, axis={list(range(2, c.rank()))}, keepdims=true)"


def _channels(c: Case, k: int) -> str:
    """A vector a channel, in a shape that broadcasts over [n, c, …]."""
    return f"reshape(x{k}, [-1{', 1' * (c.rank() - 2)}])"


@writes("BatchNormalization")
def _batch_norm(c: Case) -> str:
    if c.attr("training_mode"):
        raise OutOfScope("running statistics as further results")
    eps = lit(float(c.attr("epsilon", 1e-5)))
    scale, bias, mean, var = (_channels(c, k) for k in (1, 2, 3, 4))
    return f"{scale} * (x0 - {mean}) / sqrt({var} + {eps}) + {bias}"


def _normalised(axes: list[int], eps: str, x: str = "x0") -> str:
    mean = f"mean({x}, axis={axes}, keepdims=true)"
    return f"({x} - {mean}) / sqrt(var({x}, axis={axes}, keepdims=true) + {eps})"


@writes("InstanceNormalization")
def _instance_norm(c: Case) -> str:
    made = _normalised(list(range(2, c.rank())), lit(float(c.attr("epsilon", 1e-5))))
    return f"{_channels(c, 1)} * {made} + {_channels(c, 2)}"


@writes("GroupNormalization")
def _group_norm(c: Case) -> str:
    groups, (n, channels, *rest) = c.attr("num_groups"), c.shape()
    x = f"reshape(x0, {[n, groups, channels // groups, *rest]})"
    made = _normalised(list(range(2, c.rank() + 1)), lit(float(c.attr("epsilon", 1e-5))), x)
    return f"{_channels(c, 1)} * reshape({made}, {list(c.shape())}) + {_channels(c, 2)}"


@writes("LayerNormalization")
def _layer_norm(c: Case) -> str:
    axes = list(range(c.attr("axis", -1) % c.rank(), c.rank()))
    eps = lit(float(c.attr("epsilon", 1e-5)))
    y = f"{_normalised(axes, eps)} * x1" + (" + x2" if c.given(2) else "")
    results = [y, f"mean(x0, axis={axes}, keepdims=true)", f"1 / sqrt(var(x0, axis={axes}, keepdims=true) + {eps})"]
    return f"output {', '.join(f'y{k} = {text}' for k, text in enumerate(results[: c.outputs_used]))}"


@writes("RMSNormalization")
def _rms_norm(c: Case) -> str:
    axes = list(range(c.attr("axis", -1) % c.rank(), c.rank()))
    return f"x0 / sqrt(mean(x0^2, axis={axes}, keepdims=true) + {lit(float(c.attr('epsilon', 1e-5)))}) * x1"


@writes("LpNormalization")
def _lp_norm(c: Case) -> str:
    axis = c.attr("axis", -1)
    length = f"norm(x0, axis={axis}, keepdims=true)"
    if c.attr("p", 2) == 1:
        length = f"sum(abs(x0), axis={axis}, keepdims=true)"
    return f"where({length} == 0, 0, x0 / {length})"


@writes("ScatterElements", "ScatterND", "Scatter")
def _scatter(c: Case) -> str:
    if c.attr("reduction", b"none") not in (b"none", b"add"):
        raise OutOfScope("writing the product or the extremum of what is there")
    if c.op == "ScatterND":
        places = ", ".join(f"x1[..., {k}]" for k in range(c.shape(1)[-1]))
    else:
        axis, shape = c.attr("axis", 0) % c.rank(), c.shape(1)
        places = ", ".join(
            f"x1 + 0 * reshape(0..{n}, {[n if b == a else 1 for b in range(len(shape))]})"
            if a == axis
            else f"reshape(0..{n}, {[n if b == a else 1 for b in range(len(shape))]})"
            for a, n in enumerate(shape)
        )
    if c.attr("reduction", b"none") == b"none":
        return f"y = x0; y[{places}] = x2; output y0 = y"
    if c.rank() != 1:
        raise OutOfScope("adding at places of several axes; `scatter_add` knows the first")
    return f"scatter_add(x0, {places}, x2)"


@writes("Cast", "CastLike")
def _cast(c: Case) -> str:
    raise OutOfScope("a conversion to another dtype; the language has none")


out_of_scope("no conversion of dtypes in the language", "BitCast", "Binarizer")
out_of_scope("operations on bits", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot")
out_of_scope("sequences, optionals and texts are no values of the language", "SequenceMap", "SequenceInsert")
out_of_scope("control flow comes in a later version", "If", "Loop", "Scan")
out_of_scope("random numbers of another generator", "Bernoulli", "Dropout")
OTHER = "the operation is not in the language"
SPELLED_OUT = "the same case spelled out in simpler operators"


@cache
def cases() -> tuple[tuple[Case | None, str, str, str], ...]:
    """Every case: (case, name, operator, reason); one of case and reason is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx import helper, numpy_helper
        from onnx.backend.test.case.node import collect_testcases

        found: list[tuple[Case | None, str, str, str]] = []
        for test in collect_testcases(None):
            nodes = test.model.graph.node
            if len(nodes) != 1:
                found.append((None, test.name, "(several nodes)", SPELLED_OUT))
                continue
            node = nodes[0]
            try:
                found.append((_case(test, node, helper, numpy_helper), test.name, node.op_type, ""))
            except OutOfScope as e:
                found.append((None, test.name, node.op_type, str(e)))
    return tuple(found)


def _case(test: Any, node: Any, helper: Any, numpy_helper: Any) -> Case:
    if node.op_type not in WRITERS:
        raise OutOfScope(REASONS.get(node.op_type, OTHER))
    inputs, outputs = test.data_sets[0]
    arrays = {i.name: _array(v, numpy_helper) for i, v in zip(test.model.graph.input, inputs, strict=True)}
    found = Case(
        test.name,
        node.op_type,
        tuple(arrays.get(name) if name else None for name in node.input),
        {a.name: helper.get_attribute_value(a) for a in node.attribute},
        tuple(_array(v, numpy_helper) for v in outputs),
        len([name for name in node.output if name]),
        test.rtol,
        test.atol,
    )
    for x in (*found.inputs, *found.outputs):
        if x is not None and str(x.dtype) not in DTYPES:
            raise OutOfScope(f"values of type {x.dtype}")
    WRITERS[found.op](found)
    return found


def _array(value: Any, numpy_helper: Any) -> Any:
    if isinstance(value, (list, dict)) or value is None:
        raise OutOfScope("sequences, optionals and texts are no values of the language")
    return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else numpy_helper.to_array(value)


def program_of(case: Case) -> str:
    """The cg program of a case; its outputs are `y0`, `y1`, …"""
    declared = []
    for k, x in enumerate(case.inputs):
        if x is not None:
            shape = f"[{', '.join(map(str, x.shape))}]" if x.shape else ""
            declared.append(f"input x{k}: {DTYPES[str(x.dtype)]}{shape}")
    text = WRITERS[case.op](case)
    body = text if "output " in text else f"output y0 = {text}"
    return "\n".join(["import nn", *declared, body.replace("; ", "\n")])


def table() -> str:
    """The page of `docs/`: by operator how many cases pass, and why the others are out of scope."""
    passed: dict[str, int] = {}
    reasons: dict[tuple[str, str], int] = {}
    for case, _, op, reason in cases():
        if case is not None:
            passed[op] = passed.get(op, 0) + 1
        else:
            reasons[op, reason] = reasons.get((op, reason), 0) + 1
    lines = [
        "# ONNX's node tests",
        "",
        "The node tests that come with the `onnx` package, written as cg programs and run (`tests/test_onnx.py`).",
        "Every case stands in one of the two tables: those that pass, and those that the language cannot say.",
        "",
        f"{sum(passed.values())} cases pass, {sum(reasons.values())} are out of scope.",
        "",
        "| operator | cases that pass |",
        "|---|---|",
        *(f"| {op} | {n} |" for op, n in sorted(passed.items())),
        "",
        "| operator | cases | out of scope, because |",
        "|---|---|---|",
        *(f"| {op} | {n} | {reason} |" for (op, reason), n in sorted(reasons.items())),
    ]
    return "\n".join(lines) + "\n"
