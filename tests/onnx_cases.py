"""ONNX's own node tests as cg programs: for each operator a function that writes the program of a case.

What cannot be said in the language is out of scope, with the reason; no case is dropped.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

DTYPES = {"float32": "f32", "float64": "float", "int64": "int", "int32": "i32", "bool": "bool"}


class OutOfScope(Exception):
    """Why a case has no program."""


@dataclass(frozen=True)
class Case:
    """A node with its inputs (None where one is left out), attributes, and the results that are asked for.

    `asked` has their places among the operator's results: an operator may have more than a case looks at.
    """

    name: str
    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    outputs: tuple[Any, ...]
    asked: tuple[int, ...]
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
"""From a case its expression, or statements that end with an `output`."""

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


def results(c: Case, *texts: str) -> str:
    """The outputs of a case, of all those that its operator has."""
    return f"output {', '.join(f'y{k} = {texts[place]}' for k, place in enumerate(c.asked))}"


def along(n: int, axis: int, rank: int) -> str:
    """The ints from 0 to n, not including it, along one of so many axes."""
    return f"reshape(0..{n}, {[n if a == axis else 1 for a in range(rank)]})"


def part(axis: int, text: str) -> str:
    """An index along one axis."""
    return f"[{':, ' * axis}{text}]"


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
    "ArrayFeatureExtractor": "x0[..., x1]",
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
    return "sign(x0) * sign(x1) * (abs(x0) // abs(x1))"  # `//` rounds towards minus infinity, ONNX towards zero


@writes("Mod")
def _mod(c: Case) -> str:
    return "sign(x0) * (abs(x0) % abs(x1))" if c.attr("fmod") else "x0 % x1"


@writes("Pow")
def _pow(c: Case) -> str:
    if c.inputs[0].dtype.kind == "i":
        raise OutOfScope("an int to the power of a tensor is a float; the language cannot make it an int again")
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
    "SwiGLU": _leaky("x0 * sigmoid({alpha} * x0) * x1", alpha=1.0),
    "Binarizer": _leaky("where(x0 > {threshold}, 1, 0) + 0 * x0", threshold=0.0),
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
            return _of_nothing(c, axes)
    return _over(c, axes, _REDUCE[c.op])


def _over(c: Case, axes: Sequence[int], text: str) -> str:
    over = f", axis={lit(list(axes))}" if axes else ""
    keep = ", keepdims=true" if c.attr("keepdims", 1) else ""
    return text.format(x="x0", over=over + keep)


def _of_nothing(c: Case, axes: list[int]) -> str:
    """The largest of no elements stops the run; in ONNX it is the smallest number, which is put in front."""
    (axis,) = axes
    end = "-inf" if c.op == "ReduceMax" else "inf"
    shape = [1 if a == axis else n for a, n in enumerate(c.shape())]
    return _over(c, axes, _REDUCE[c.op]).replace("x0", f"concat([full({shape}, {end}), x0], axis={axis})")


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


@writes("CumProd")
def _cumprod(c: Case) -> str:
    """The product over a second axis, of what lies before each place of the first."""
    axis, rank = c.ints(1)[0] % c.rank(), c.rank() + 1
    n = c.shape()[axis]
    sign = (">" if c.attr("reverse") else "<") + ("" if c.attr("exclusive") else "=")
    taken = f"{along(n, axis + 1, rank)} {sign} {along(n, axis, rank)}"
    return f"prod(where({taken}, expand_dims(x0, {axis}), 1), axis={axis + 1})"


@writes("TopK")
def _topk(c: Case) -> str:
    k, rank = c.ints(1)[0], c.rank()
    axis = c.attr("axis", -1) % rank
    sign = "" if c.attr("largest", 1) else "-"
    if c.inputs[0].dtype.kind != "f" and sign:
        raise OutOfScope("the smallest of unsigned ints")
    order = [*(a for a in range(rank) if a != axis), axis]
    back = [order.index(a) for a in range(rank)]
    line = f"values, places = top_k(transpose({sign}x0, {order}), {k})"
    return f"{line}; {results(c, f'{sign}transpose(values, {back})', f'transpose(places, {back})')}"


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
    if c.given(1):
        sizes = c.ints(1)
    else:
        whole, count = c.shape()[axis], c.attr("num_outputs", len(c.asked))
        most = -(-whole // count)
        sizes = [min(most, whole - k * most) for k in range(count)]
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return results(c, *(f"x0{part(axis, f'{a}:{a + n}')}" for a, n in zip(starts, sizes, strict=True)))


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
    widths, rank, mode = c.ints(1), c.rank(), c.attr("mode", b"constant").decode()
    axes = [a % rank for a in (c.ints(3) if c.given(3) else range(rank))]
    pairs = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        pairs[axis] = (widths[k], widths[k + len(axes)])
    if mode != "constant":
        return _repeated(c, pairs, mode)
    if min(widths) < 0:
        raise OutOfScope("`pad` does not cut off")
    if not c.given(2) or not c.inputs[2].any():
        return padded("x0", pairs)
    return f"where({padded(f'ones({list(c.shape())})', pairs)} == 1, {padded('x0', pairs)}, x2)"


def padded(x: str, pairs: Sequence[tuple[int, int]]) -> str:
    return f"pad({x}, {[list(p) for p in pairs]})" if np.any(pairs) else x


def _repeated(c: Case, pairs: Sequence[tuple[int, int]], mode: str) -> str:
    """What lies outside is gathered from inside."""
    places = [np.pad(np.arange(n), p, mode=mode) for n, p in zip(c.shape(), pairs, strict=True)]
    return "x0" + "".join(part(axis, lit(i)) for axis, i in enumerate(places) if len(i) != c.shape()[axis])


@writes("CenterCropPad")
def _center(c: Case) -> str:
    pairs, cuts = [(0, 0)] * c.rank(), [":"] * c.rank()
    for axis, wanted in zip(c.axes(None, range(c.rank())), c.ints(1), strict=True):
        n = c.shape()[axis]
        start = abs(wanted - n) // 2
        if wanted > n:
            pairs[axis] = (start, wanted - n - start)
        else:
            cuts[axis] = f"{start}:{start + wanted}"
    return padded(f"x0[{', '.join(cuts)}]", pairs)


@writes("DepthToSpace", "SpaceToDepth")
def _blocks(c: Case) -> str:
    b, (n, channels, height, width) = c.attr("blocksize"), c.shape()
    depth_first = c.attr("mode", b"DCR") == b"DCR"
    if c.op == "SpaceToDepth":
        split, order = [n, channels, height // b, b, width // b, b], [0, 3, 5, 1, 2, 4]
        order = order if depth_first else [0, 1, 3, 5, 2, 4]
    else:
        inner = channels // b**2
        split = [n, b, b, inner, height, width] if depth_first else [n, inner, b, b, height, width]
        order = [0, 3, 4, 1, 5, 2] if depth_first else [0, 1, 4, 2, 5, 3]
    return f"reshape(transpose(reshape(x0, {split}), {order}), {list(c.outputs[0].shape)})"


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
    return f"x0{part(c.attr('axis', 0) % c.rank(), 'x1')}"


@writes("GatherElements")
def _gather_elements(c: Case) -> str:
    return f"x0[{_element_places(c)}]"


def _element_places(c: Case) -> str:
    """For each element of x1 its place: along one axis the element, along the others where it stands itself."""
    axis, shape = c.attr("axis", 0) % c.rank(), c.shape(1)
    return ", ".join("x1" if a == axis else along(n, a, len(shape)) for a, n in enumerate(shape))


@writes("GatherND")
def _gather_nd(c: Case) -> str:
    batch, rank = c.attr("batch_dims", 0), c.rank(1) - 1
    rows = [along(n, a, rank) for a, n in enumerate(c.shape(1)[:batch])]
    return f"x0[{', '.join([*rows, *(f'x1[..., {k}]' for k in range(c.shape(1)[-1]))])}]"


@writes("ReverseSequence")
def _reverse_sequence(c: Case) -> str:
    time, batch = c.attr("time_axis", 0), c.attr("batch_axis", 1)
    i, lengths = along(c.shape()[time], time, 2), f"expand_dims(x1, {time})"
    places = {time: f"where({i} < {lengths}, {lengths} - 1 - {i}, {i})", batch: along(c.shape()[batch], batch, 2)}
    return f"x0[{places[0]}, {places[1]}]"


@writes("Trilu")
def _trilu(c: Case) -> str:
    k = c.ints(1)[0] if c.given(1) else 0
    rows, columns = c.shape()[-2:]
    sign = ">=" if c.attr("upper", 1) else "<="
    return f"where({along(columns, 1, 2)} - {along(rows, 0, 2)} {sign} {k}, x0, 0)"


@writes("EyeLike")
def _eye_like(c: Case) -> str:
    rows, columns = c.shape()
    made = f"where({along(columns, 1, 2)} - {along(rows, 0, 2)} == {c.attr('k', 0)}, 1, 0)"
    return _of_dtype(c, made)


@writes("ConstantOfShape")
def _constant_of_shape(c: Case) -> str:
    value = lit(np.asarray(c.outputs[0]).ravel()[0]) if c.outputs[0].size else "0"
    return _of_dtype(c, f"full({c.ints(0)}, {value})")


@writes("Cast", "CastLike")
def _cast(c: Case) -> str:
    if (str(c.inputs[0].dtype), str(c.outputs[0].dtype)) != ("float32", "float64"):
        raise OutOfScope("a conversion to a dtype with fewer numbers; the language has none")
    return "x0 + argmax(reshape(x0, [-1])) * 0.0"  # an int with a float is an f64, which takes f32 along


def _of_dtype(c: Case, made: str) -> str:
    """Ints without a dtype of their own, in that of the result: an input's, or one that literals get."""
    wanted = c.outputs[0].dtype
    if wanted == c.inputs[0].dtype:
        return f"{made} + 0 * x0" if wanted != np.int64 else made
    if wanted != np.float64:
        raise OutOfScope("a dtype that no input has and that literals do not get; the language has no conversion")
    return f"{made} * 1.0"


@writes("OneHot")
def _one_hot(c: Case) -> str:
    depth, rank = c.ints(1)[0], c.rank() + 1
    axis = c.attr("axis", -1) % rank
    label, place = f"expand_dims(x0, {axis})", along(depth, axis, rank)
    return f"where({label} == {place} or {label} + {depth} == {place}, x2[1], x2[0])"


@writes("Range")
def _range(c: Case) -> str:
    start, stop, step = (np.asarray(x).item() for x in c.inputs)
    if c.outputs[0].dtype == np.int32:
        raise OutOfScope("a range of i32; that of the language is of int")
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


@dataclass(frozen=True)
class Windows:
    """Windows that slide, an entry an axis; `over` is how far the last one reaches past the padding."""

    size: list[int]
    stride: list[int]
    dilation: list[int]
    pads: list[tuple[int, int]]
    over: list[int]

    @property
    def count(self) -> int:
        return len(self.size)

    @property
    def even(self) -> bool:
        """Padding that a cg function takes itself."""
        return not any(self.over) and all(low == high for low, high in self.pads)

    def around(self, x: str) -> str:
        """What the windows slide over."""
        ends = [(low, high + over) for (low, high), over in zip(self.pads, self.over, strict=True)]
        return padded(x, [(0, 0), (0, 0), *ends])


def _windows(c: Case, size: Sequence[int]) -> Windows:
    count, auto = len(size), c.attr("auto_pad", b"NOTSET").decode()
    stride, dilation = list(c.attr("strides", [1] * count)), list(c.attr("dilations", [1] * count))
    given = list(c.attr("pads", [0] * 2 * count))
    reach = [d * (n - 1) + 1 for n, d in zip(size, dilation, strict=True)]
    pads, over = [], []
    for k, n in enumerate(c.shape()[2:]):
        if auto.startswith("SAME"):
            total = max(0, (-(-n // stride[k]) - 1) * stride[k] + reach[k] - n)
            pads.append(both_sides(total, late=auto == "SAME_UPPER"))
        else:
            pads.append((given[k], given[k + count]))
        over.append(_past_the_end(n, pads[-1], reach[k], stride[k]) if c.attr("ceil_mode") else 0)
    return Windows(list(size), stride, dilation, pads, over)


def both_sides(total: int, late: bool) -> tuple[int, int]:
    """An amount in two halves; where it is odd, the second or the first is larger."""
    half = total // 2
    return (half, total - half) if late else (total - half, half)


def _past_the_end(n: int, pads: tuple[int, int], reach: int, stride: int) -> int:
    """How far the last window reaches over the end where the number of windows is rounded up (`ceil_mode`).

    One that would start behind the elements and the padding in front of them is left out.
    """
    wide = n + sum(pads)
    last = -(-(wide - reach) // stride) * stride
    if last >= n + pads[0]:
        last -= stride
    return max(0, last + reach - wide)


@writes("Conv")
def _conv(c: Case) -> str:
    w = _windows(c, c.shape(1)[2:])
    if w.count not in (1, 2):
        raise OutOfScope("convolution over more than two axes")
    x, padding = ("x0", [low for low, _ in w.pads]) if w.even else (w.around("x0"), [0] * w.count)
    text = f"conv{w.count}d({x}, x1, padding={padding}, {_convolved(c, w)})"
    return f"{text} + {_channels(c, 2)}" if c.given(2) else text


def _convolved(c: Case, w: Windows) -> str:
    return f"stride={w.stride}, dilation={w.dilation}, groups={c.attr('group', 1)}"


@writes("ConvTranspose")
def _conv_transpose(c: Case) -> str:
    """The derivative of a convolution by what it slides over: that is what its transpose means."""
    size = c.shape(1)[2:]
    if len(size) not in (1, 2):
        raise OutOfScope("convolution over more than two axes")
    shape = list(c.outputs[0].shape)
    w = _windows(c, size)
    pads = [
        _cut(c, n, out, k, w) if "output_shape" in c.attrs or "auto_pad" in c.attrs else w.pads[k]
        for k, (n, out) in enumerate(zip(c.shape()[2:], shape[2:], strict=True))
    ]
    around = padded("z", [(0, 0), (0, 0), *pads])
    line = f"z = zeros({shape}) + 0 * sum(x0); seen = conv{len(size)}d({around}, x1, {_convolved(c, w)})"
    return f"{line}; output y0 = grad(sum(seen * x0), z)"


def _cut(c: Case, n: int, out: int, k: int, w: Windows) -> tuple[int, int]:
    """What is cut off an axis so that it gets its size."""
    more = c.attr("output_padding", [0] * w.count)[k]
    total = w.stride[k] * (n - 1) + more + w.dilation[k] * (w.size[k] - 1) + 1 - out
    return both_sides(max(0, total), late=c.attr("auto_pad") == b"SAME_UPPER")


@writes("MaxPool")
def _max_pool(c: Case) -> str:
    w = _windows(c, c.attr("kernel_shape"))
    if len(c.asked) > 1:
        raise OutOfScope("the places of the largest elements as a second result")
    if w.even and w.dilation == [1] * w.count:
        return f"max_pool(x0, {w.size}, stride={w.stride}, padding={[low for low, _ in w.pads]})"
    inside = w.around(f"ones({list(c.shape())})")
    x = f"where({inside} == 1, {w.around('x0')}, -inf)" if inside.startswith("pad") else "x0"
    return _pooled("max", x, w, c)


@writes("AveragePool")
def _average_pool(c: Case) -> str:
    w = _windows(c, c.attr("kernel_shape"))
    if w.even and not c.attr("count_include_pad") and w.dilation == [1] * w.count:
        return f"avg_pool(x0, {w.size}, stride={w.stride}, padding={[low for low, _ in w.pads]})"
    return _mean_of_windows("x0", w, c)


@writes("LpPool")
def _lp_pool(c: Case) -> str:
    """Through the mean of the powers, padding among them."""
    w, p = _windows(c, c.attr("kernel_shape")), c.attr("p", 2)
    powers = f"abs(x0)^{p}"
    mean = _pooled("avg", w.around(powers), w, c) if np.any(w.pads) else _mean_of_windows(powers, w, c)
    return f"({math.prod(w.size)} * ({mean}))^(1 / {p})"


def _mean_of_windows(x: str, w: Windows, c: Case) -> str:
    """The mean over windows; what lies past the padding never counts."""
    counted = f"ones({list(c.shape())})"
    if c.attr("count_include_pad"):
        counted = f"ones({[*c.shape()[:2], *(n + sum(p) for n, p in zip(c.shape()[2:], w.pads, strict=True))]})"
        inside = padded(counted, [(0, 0), (0, 0), *((0, over) for over in w.over)])
    else:
        inside = w.around(counted)
    total = _pooled("avg", w.around(x), w, c)
    return f"{total} / {_pooled('avg', inside, w, c)}"


def _pooled(kind: str, x: str, w: Windows, c: Case) -> str:
    """The largest or the mean (with gaps: the sum) over windows without padding."""
    if w.dilation == [1] * w.count:
        return f"{kind}_pool({x}, {w.size}, stride={w.stride})"
    wide = [n + sum(p) + over for n, p, over in zip(c.shape()[2:], w.pads, w.over, strict=True)]
    views = []
    for place in product(*map(range, w.size)):
        cuts = [
            f"{i * d}:{n - d * (size - 1 - i)}:{stride}"
            for i, n, d, size, stride in zip(place, wide, w.dilation, w.size, w.stride, strict=True)
        ]
        views.append(f"({x})[..., {', '.join(cuts)}]")
    return f"max({', '.join(views)})" if kind == "max" else f"({' + '.join(views)})"


@writes("LRN")
def _lrn(c: Case) -> str:
    size, (_, channels, *rest) = c.attr("size"), c.shape()
    pairs = [(0, 0), ((size - 1) // 2, size // 2), *[(0, 0)] * len(rest)]
    wide = padded("x0^2", pairs)
    total = " + ".join(f"{wide}[:, {k}:{k + channels}]" for k in range(size))
    alpha, beta, bias = (lit(float(c.attr(k, v))) for k, v in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return f"x0 / ({bias} + {alpha} / {size} * ({total}))^{beta}"


@writes("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(c: Case) -> str:
    name = "mean" if c.op == "GlobalAveragePool" else "max"
    return f"{name}(x0, axis={list(range(2, c.rank()))}, keepdims=true)"


def _channels(c: Case, k: int) -> str:
    """A vector a channel, in a shape that broadcasts over [n, c, …]."""
    return f"reshape(x{k}, [-1{', 1' * (c.rank() - 2)}])"


@writes("BatchNormalization")
def _batch_norm(c: Case) -> str:
    eps, axes = lit(float(c.attr("epsilon", 1e-5))), [a for a in range(c.rank()) if a != 1]
    scale, bias, mean, var = (_channels(c, k) for k in (1, 2, 3, 4))
    if not c.attr("training_mode"):
        return f"{scale} * (x0 - {mean}) / sqrt({var} + {eps}) + {bias}"
    kept = lit(float(c.attr("momentum", 0.9)))
    running = (f"{kept} * x{k} + (1 - {kept}) * {of}(x0, axis={axes})" for k, of in ((3, "mean"), (4, "var")))
    return results(c, f"{scale} * {_normalised(axes, eps)} + {bias}", *running)


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
    over = f"axis={axes}, keepdims=true"
    return results(c, y, f"mean(x0, {over})", f"1 / sqrt(var(x0, {over}) + {eps})")


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
    how = c.attr("reduction", b"none").decode()
    count = c.shape(1)[-1]
    if how == "none":
        places = ", ".join(f"x1[..., {k}]" for k in range(count)) if c.op == "ScatterND" else _element_places(c)
        return f"y = x0; y[{places}] = x2; output y0 = y"
    lines = ["y = x0"]
    for at in np.ndindex(c.shape(1)[:-1] if c.op == "ScatterND" else c.shape(1)):
        place, value = _scattered(c, at), f"x2[{', '.join(map(str, at))}]"
        lines.append(f"y[{place}] = " + _COMBINED[how].format(f"y[{place}]", value))
    return "; ".join([*lines, "output y0 = y"])


_COMBINED = {"add": "{} + {}", "mul": "{} * {}", "max": "max({}, {})", "min": "min({}, {})"}
"""Elements may meet the same place several times, so they are combined one after the other."""


def _scattered(c: Case, at: tuple[int, ...]) -> str:
    """The place that one element, or row, is written to."""
    if c.op == "ScatterND":
        return ", ".join(f"x1[{', '.join(map(str, (*at, k)))}]" for k in range(c.shape(1)[-1]))
    axis = c.attr("axis", 0) % c.rank()
    return ", ".join(f"x1[{', '.join(map(str, at))}]" if a == axis else str(i) for a, i in enumerate(at))


@writes("TensorScatter")
def _tensor_scatter(c: Case) -> str:
    axis = c.attr("axis", -2) % c.rank()
    batch, steps, size = c.shape()[0], c.shape(1)[axis], c.shape()[axis]
    lines, between = ["y = x0"], ":, " * (axis - 1)
    for b, k in product(range(batch), range(steps)):
        start = f"x2[{b}]" if c.given(2) else "0"
        lines.append(f"y[{b}, {between}({start} + {k}) % {size}] = x1[{b}, {between}{k}]")
    return "; ".join([*lines, "output y0 = y"])


@writes("AffineGrid")
def _affine_grid(c: Case) -> str:
    n, _, *sizes = c.ints(1)
    rank = len(sizes)
    terms = [f"reshape(x0[..., {rank}], {[n, *[1] * rank, rank]})"]
    for k, size in enumerate(reversed(sizes)):  # x, y, …: the last axis comes first
        end = 1 if c.attr("align_corners") else 1 - 1 / size
        places = f"reshape({lit(np.linspace(-end, end, size))}, {[size, *[1] * (k + 1)]})"
        terms.append(f"reshape(x0[..., {k}], {[n, *[1] * rank, rank]}) * {places}")
    return " + ".join(terms)


@writes("Dropout")
def _dropout(c: Case) -> str:
    if c.given(2) and c.inputs[2] and not (c.given(1) and c.inputs[1] == 0):
        raise OutOfScope("random numbers of another generator")
    return results(c, "x0", "x0 == x0")


# ---- losses and what learns from them


@writes("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def _class_loss(c: Case) -> str:
    """The loss of each label's class; one that is ignored may lie outside of the classes, so nothing is gathered."""
    log_prob = "x0" if c.op == "NegativeLogLikelihoodLoss" else "nn.log_softmax(x0, axis=1)"
    hit = f"expand_dims(x1, 1) == {along(c.shape()[1], 1, c.rank())}"
    weight = f"sum(where(hit, {_channels(c, 2)}, 0), axis=1)" if c.given(2) else "1"
    if "ignore_index" in c.attrs:
        weight = f"where(x1 == {c.attr('ignore_index')}, 0, {weight})"
    lines = [f"log_prob = {log_prob}", f"hit = {hit}", f"weight = ones({list(c.shape(1))}) * {weight}"]
    lines.append("loss = -weight * sum(where(hit, log_prob, 0), axis=1)")
    how = {b"none": "loss", b"sum": "sum(loss)", b"mean": "sum(loss) / sum(weight)"}[c.attr("reduction", b"mean")]
    return "; ".join([*lines, results(c, how, "log_prob")])


def _learned(state: int, lines: Sequence[str], *texts: str) -> Writer:
    """An optimiser's step, over tensors x with gradients g and so many kinds of state, `s0` and `s1`."""

    def write(c: Case) -> str:
        count = (len(c.inputs) - 2) // (2 + state)
        numbers = {name: lit(float(c.attr(name, 0.0))) for name in ("alpha", "beta", "epsilon", "decay_factor")}
        shrink, late = lit(float(c.attr("norm_coefficient", 0.0))), c.attr("mode") == b"nesterov"
        made: list[str] = ["rate = x0", "t = x1 + 0 * x0"]
        found: list[list[str]] = [[] for _ in texts]
        for k in range(count):
            names = {name: f"{name}_{k}" for name in ("g", "v", "h")}
            names |= {name: f"x{2 + i * count + k}" for i, name in enumerate(("x", "given", "s0", "s1")[: 2 + state])}
            names["seen"] = f"(g_{k} + {numbers['alpha']} * v_{k})" if late else f"v_{k}"
            made.append(f"g_{k} = {shrink} * {names['x']} + {names['given']}")
            made += [line.format(**names, **numbers) for line in lines]
            for texts_of, text in zip(found, texts, strict=True):
                texts_of.append(text.format(**names, **numbers))
        return "; ".join([*made, results(c, *(text for texts_of in found for text in texts_of))])

    return write


WRITERS |= {
    "Adagrad": _learned(
        1, ["{h} = {s0} + {g}^2"], "{x} - rate / (1 + t * {decay_factor}) * {g} / (sqrt({h}) + {epsilon})", "{h}"
    ),
    "Momentum": _learned(1, ["{v} = {alpha} * {s0} + where(t > 0, {beta}, 1) * {g}"], "{x} - rate * {seen}", "{v}"),
    "Adam": _learned(
        2,
        ["{v} = {alpha} * {s0} + (1 - {alpha}) * {g}", "{h} = {beta} * {s1} + (1 - {beta}) * {g}^2"],
        "{x} - rate * where(t > 0, sqrt(1 - {beta}^t) / (1 - {alpha}^t), 1) * {v} / (sqrt({h}) + {epsilon})",
        "{v}",
        "{h}",
    ),
}

# ---- recurrent networks, a step after the other

_CELLS = {
    "RNN": "fn cell(x, h, c, w, r, b, p) {{ return tanh(x @ w.T + h @ r.T + b), c }}",
    "GRU": """fn cell(x, h, c, w, r, b, p) {{
        gates = sigmoid(x @ w[:{two}].T + h @ r[:{two}].T + b[:{two}])
        new = tanh(x @ w[{two}:].T + (gates[:, {n}:] * h) @ r[{two}:].T + b[{two}:])
        return (1 - gates[:, :{n}]) * new + gates[:, :{n}] * h, c
    }}""",
    "LSTM": """fn cell(x, h, c, w, r, b, p) {{
        a = x @ w.T + h @ r.T + b
        memory = sigmoid(a[:, {two}:{three}] + p[{two}:] * c) * c
        memory = memory + sigmoid(a[:, :{n}] + p[:{n}] * c) * tanh(a[:, {three}:])
        return sigmoid(a[:, {n}:{two}] + p[{n}:{two}] * memory) * tanh(memory), memory
    }}""",
}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@writes(*_CELLS)
def _recurrent(c: Case) -> str:
    for name in ("activations", "clip", "linear_before_reset"):
        if c.attr(name):
            raise OutOfScope(f"`{name}` of a recurrent network")
    n, ways, batch_first = c.attr("hidden_size"), c.shape(1)[0], c.attr("layout", 0)
    steps, batch = (c.shape()[1], c.shape()[0]) if batch_first else c.shape()[:2]
    if c.given(4) and set(c.ints(4)) != {steps}:
        raise OutOfScope("sequences of different lengths")
    lines = [_CELLS[c.op].format(n=n, two=2 * n, three=3 * n)]
    order = range(steps - 1, -1, -1) if c.attr("direction") == b"reverse" else range(steps)
    for way in range(ways):
        lines.append(f"h{way} = {f'x5[{way}]' if c.given(5) else f'zeros([{batch}, {n}])'}")
        lines.append(f"c{way} = {f'x6[{way}]' if c.given(6) else f'zeros([{batch}, {n}])'}")
        for t in reversed(order) if way else order:
            x = f"x0[:, {t}]" if batch_first else f"x0[{t}]"
            lines.append(f"h{way}, c{way} = cell({x}, h{way}, c{way}, x1[{way}], x2[{way}], {_of_cell(c, way, n)})")
            lines.append(f"h{way}_{t} = h{way}")
    hidden, memory = (f"stack([{', '.join(f'{name}{way}' for way in range(ways))}])" for name in "hc")
    every = [f"stack([{', '.join(f'h{way}_{t}' for way in range(ways))}])" for t in range(steps)]
    texts = [f"stack([{', '.join(every)}])", hidden, memory]
    if batch_first:
        orders = ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2])
        texts = [f"transpose({text}, {axes})" for text, axes in zip(texts, orders, strict=True)]
    return "; ".join([*lines, results(c, *texts)])


def _of_cell(c: Case, way: int, n: int) -> str:
    """The two biases as one, and what the gates see of the memory."""
    half = _GATES[c.op] * n
    bias = f"x3[{way}, :{half}] + x3[{way}, {half}:]" if c.given(3) else f"zeros([{half}])"
    return f"{bias}, {f'x7[{way}]' if c.given(7) else f'zeros([{3 * n}])'}"


# ---- attention


@writes("Attention")
def _attention(c: Case) -> str:
    q_heads, kv_heads = (c.attr(name, c.shape(k)[1]) for name, k in (("q_num_heads", 0), ("kv_num_heads", 1)))
    lines = [f"q = {_heads(c, 0, q_heads)}", f"k = {_heads(c, 1, kv_heads)}", f"v = {_heads(c, 2, kv_heads)}"]
    past = c.shape(4)[2] if c.given(4) else 0
    if past:
        lines += ["k = concat([x4, k], axis=2)", "v = concat([x5, v], axis=2)"]
    lines += ["all_k = k", "all_v = v"]
    if q_heads != kv_heads:
        shared = [head for head in range(kv_heads) for _ in range(q_heads // kv_heads)]
        lines += [f"{name} = {name}[:, {shared}]" for name in "kv"]
    rows, columns = c.shape()[-2] if c.rank() == 4 else c.shape()[1], past + c.shape(1)[-2]
    width = c.shape()[-1] if c.rank() == 4 else c.shape()[-1] // q_heads
    scale = lit(float(c.attr("scale", 1 / math.sqrt(width))))
    lines.append(f"scores0 = {scale} * q @ transpose(k, [0, 1, 3, 2])")
    cap = c.attr("softcap", 0.0)
    lines.append(f"scores1 = {lit(cap)} * tanh(scores0 / {lit(cap)})" if cap else "scores1 = scores0")
    masks = _masks(c, rows, columns, past)
    lines.append(f"bias = {' + '.join(masks)}" if masks else f"bias = zeros([{rows}, {columns}])")
    lines += ["scores2 = scores1 + bias", "unseen = max(bias, axis=-1, keepdims=true) == -inf"]
    lines.append("scores3 = where(unseen, 0, nn.softmax(scores2))")  # a row that sees nothing is zero
    y = "scores3 @ v"
    if c.rank() == 3:
        y = f"reshape(transpose({y}, [0, 2, 1, 3]), {list(c.outputs[0].shape)})"
    return "; ".join([*lines, results(c, y, "all_k", "all_v", f"scores{c.attr('qk_matmul_output_mode', 0)}")])


def _heads(c: Case, k: int, count: int) -> str:
    """[batch, heads, places, width]."""
    if c.rank(k) == 4:
        return f"x{k}"
    batch, places, width = c.shape(k)
    return f"transpose(reshape(x{k}, {[batch, places, count, width // count]}), [0, 2, 1, 3])"


def _masks(c: Case, rows: int, columns: int, past: int) -> list[str]:
    """What is added to the scores: minus infinity where a place is not seen."""
    masks = []
    if c.given(3):
        mask = "where(x3, 0, -inf)" if c.inputs[3].dtype == bool else "x3"
        *lead, seen = c.shape(3)
        missing = f"full({[*lead, columns - seen]}, -inf)"
        masks.append(mask if seen == columns else f"concat([{mask}, {missing}], axis=-1)")
    i, j, length = along(rows, 0, 2), along(columns, 1, 2), "reshape(x6, [-1, 1, 1, 1])"
    ahead = f"{j} - {i} - " + (f"({length} - {rows})" if c.given(6) and not past else str(past))
    left, right = c.attr("left_window_size", -1), c.attr("right_window_size", -1)
    for asked, seen in (
        (c.attr("is_causal"), f"{ahead} <= 0"),
        (left >= 0, f"-({ahead}) <= {left}"),
        (right >= 0, f"{ahead} <= {right}"),
        (c.given(6), f"{j} < {length}"),
    ):
        if asked:
            masks.append(f"where({seen}, 0, -inf)")
    return masks


@writes("RotaryEmbedding")
def _rotary(c: Case) -> str:
    size = list(c.shape()) if c.rank() == 4 else [*c.shape()[:2], c.attr("num_heads"), -1]
    lines = ["x = transpose(x0, [0, 2, 1, 3])" if c.rank() == 4 else f"x = reshape(x0, {size})"]
    turned = c.attr("rotary_embedding_dim", 0) or 2 * c.shape(1)[-1]
    place = "[x3]" if c.given(3) else ""
    lines += [f"cosine = expand_dims(x1{place}, 2)", f"sine = expand_dims(x2{place}, 2)"]
    half, end = turned // 2, f":{turned}"
    first, second = (f"0{end}:2", f"1{end}:2") if c.attr("interleaved") else (f":{half}", f"{half}{end}")
    lines += [f"a = x[..., {first}]", f"b = x[..., {second}]"]
    lines += ["real = cosine * a - sine * b", "imag = sine * a + cosine * b"]
    if c.attr("interleaved"):
        lines.append(f"made = reshape(stack([real, imag], axis=-1), [{', '.join(map(str, _rotated(c)))}, {turned}])")
    else:
        lines.append("made = concat([real, imag], axis=-1)")
    lines.append(f"whole = concat([made, x[..., {turned}:]], axis=-1)")
    back = "transpose(whole, [0, 2, 1, 3])" if c.rank() == 4 else f"reshape(whole, {list(c.shape())})"
    return "; ".join([*lines, f"output y0 = {back}"])


def _rotated(c: Case) -> list[int]:
    """Examples, places and heads."""
    if c.rank() == 3:
        return [*c.shape()[:2], c.attr("num_heads")]
    batch, heads, places, _ = c.shape()
    return [batch, places, heads]


# ---- why the others have none

OTHER = "the operation is not in the language"
SEQUENCES = "sequences, optionals and maps are no values of the language"
TEXTS = "texts and pictures are no values of the language"
for _reason, _ops in {
    "operations on bits": "BitCast BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot",
    SEQUENCES: "SequenceMap SequenceInsert SplitToSequence OptionalGetElement OptionalHasElement LabelEncoder",
    TEXTS: "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer ImageDecoder",
    "its body is a graph in an attribute; loops come to the language in a later version": "Loop Scan FlexAttention",
    "its branches are graphs in attributes": "If",
    "numbers of eight bits": "ConvInteger MatMulInteger QLinearConv QLinearMatMul QuantizeLinear DequantizeLinear "
    "DynamicQuantizeLinear",
    "the size of the result follows from the values": "Compress NonZero NonMaxSuppression Unique",
    "random numbers of another generator": "Bernoulli",
    "values between those of a grid are not in the language": "GridSample Resize RoiAlign Upsample DeformConv",
    "Fourier transforms are not in the language": "DFT STFT MelWeightMatrix",
    "an f32 made of an int; the language has no conversion": "BlackmanWindow HammingWindow HannWindow",
    "a constant has the dtype of its literal, never f32": "Constant",
}.items():
    REASONS |= dict.fromkeys(_ops.split(), _reason)


@dataclass(frozen=True)
class Entry:
    """A case of ONNX's, with its program or the reason why it has none."""

    name: str
    op: str
    case: Case | None
    reason: str


@cache
def entries() -> tuple[Entry, ...]:
    """Every case that comes with the package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own computations
        from onnx.backend.test.case.node import collect_testcases

        tests = list(collect_testcases(None))
        by_name = {test.name: test for test in tests}
        return tuple(_entry(test, by_name) for test in tests)


def _entry(test: Any, tests: dict[str, Any]) -> Entry:
    plain = tests.get(test.name.partition("_expanded")[0], test)
    op = plain.model.graph.node[0].op_type
    try:
        if plain is not test:
            raise OutOfScope(AGAIN if _same_values(plain, test) else "simpler operators with values of their own")
        return Entry(test.name, op, _case(test), "")
    except OutOfScope as e:
        return Entry(test.name, op, None, str(e))


AGAIN = "the operator spelled out in simpler ones, with the inputs and results of another case"


def _same_values(plain: Any, test: Any) -> bool:
    """Whether the results are the same, and every input is one of the plain case's: attributes may have become some."""
    (inputs, outputs), (given, wanted) = plain.data_sets[0], test.data_sets[0]
    same = len(outputs) == len(wanted) and all(_equal(a, b) for a, b in zip(outputs, wanted, strict=True))
    return same and all(any(_equal(a, b) for a in inputs) for b in given)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, list) or isinstance(b, list):
        return False
    x, y = np.asarray(a), np.asarray(b)
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def _case(test: Any) -> Case:
    from onnx import helper

    (node,) = test.model.graph.node
    if node.op_type not in WRITERS:
        raise OutOfScope(REASONS.get(node.op_type, OTHER))
    inputs, outputs = test.data_sets[0]
    arrays = {i.name: _array(v) for i, v in zip(test.model.graph.input, inputs, strict=True)}
    found = Case(
        test.name,
        node.op_type,
        tuple(arrays.get(name) if name else None for name in node.input),
        {a.name: helper.get_attribute_value(a) for a in node.attribute},
        tuple(_array(v) for v in outputs),
        tuple(k for k, name in enumerate(node.output) if name),
        test.rtol,
        test.atol,
    )
    for x in (*found.inputs, *found.outputs):
        if x is not None and str(x.dtype) not in DTYPES:
            raise OutOfScope(TEXTS if x.dtype.kind in "OSU" else f"values of type {x.dtype}")
    WRITERS[found.op](found)
    return found


def _array(value: Any) -> Any:
    from onnx import numpy_helper

    if isinstance(value, (list, dict)) or value is None:
        raise OutOfScope(SEQUENCES)
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
    from onnx import __version__

    passed = Counter(entry.op for entry in entries() if entry.case is not None)
    reasons = Counter((entry.op, entry.reason) for entry in entries() if entry.case is None)
    lines = [
        "# ONNX's node tests",
        "",
        f"The node tests that come with the package onnx {__version__}, written as cg programs and run by",
        "`python -m pytest tests/test_onnx.py` (`--rewrite` writes this page). Every case is counted once, in one of",
        "the two tables: those that pass, and those that the language cannot say.",
        "",
        f"{passed.total()} cases pass, {reasons.total()} are out of scope.",
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
