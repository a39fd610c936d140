"""Tensors as text: their elements as a literal of the language, or a summary of many elements."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard

from cgcli.ops.numbers import unsigned_zero

from .numbers import plain, rounded, shortest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MOST_ELEMENTS = 24  # of a tensor that is written out
FEW_ELEMENTS = 6  # of one that is written out where there is little room
LONGEST_BRIEF = 48  # characters of it there
SUMMARY_DIGITS = 6  # significant, of a summary by default
RANGE_DIGITS = 4  # in a brief text
_DTYPES = {"float64": "float", "float32": "f32", "int64": "int", "int32": "i32", "bool": "bool", "object": "int"}


def is_tensor(value: object) -> TypeGuard[Array]:
    """Whether a value is an array; a Python number is none."""
    return hasattr(value, "dtype")


def is_structure(value: object) -> bool:
    """Whether a value is a record, a list, or None for a part without a number."""
    return value is None or isinstance(value, (Mapping, list))


def structure(value: Any, precision: int | None = None, *, full: bool = False, whole: bool = True) -> str:
    """Derivatives in the shape of structured data, `{"left": {"value": 0.5}, "items": [1, null]}`. No recursion."""
    texts: list[str] = []
    stack: list[Any] = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            texts.append(top)  # a bracket, a comma or a key
        elif isinstance(top, (Mapping, list)):
            named = isinstance(top, Mapping)
            keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in top] if named else [""] * len(top)
            parts = list(top.values()) if isinstance(top, Mapping) else top
            pieces: list[Any] = ["{" if named else "["]
            for k, (key, part) in enumerate(zip(keys, parts, strict=True)):
                pieces += [f", {key}" if k else key, part]
            stack.extend(reversed([*pieces, "}" if named else "]"]))
        else:
            texts.append("null" if top is None else write(top, precision, full=full, whole=whole))
    return "".join(texts)


def parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """The numbers and tensors of a structure by their paths: `y.left`, `y.items[0]`."""
    parts_by_path: list[tuple[str, Any]] = []
    stack: list[tuple[str, Any]] = [(name, value)]
    while stack:
        path, top = stack.pop()
        if isinstance(top, Mapping):
            stack.extend((f"{path}.{key}", part) for key, part in reversed(list(top.items())))
        elif isinstance(top, list):
            stack.extend((f"{path}[{k}]", part) for k, part in reversed(list(enumerate(top))))
        elif top is not None:
            parts_by_path.append((path, top))
    return parts_by_path


def write(value: Any, precision: int | None = None, *, full: bool = False, whole: bool = True) -> str:
    """A number, or a tensor: a literal when it is small or `full`, else a summary.

    whole: whether a float without a fraction loses its `.0`.
    """
    if is_structure(value):
        return structure(value, precision, full=full, whole=whole)
    if not is_tensor(value):
        return shortest(value, precision, whole=whole)
    if full or 0 < value.size <= MOST_ELEMENTS:
        return literal(value, precision, whole=whole)
    return summary(value, precision)


def literal(
    x: Array, precision: int | None = None, *, whole: bool = True, write: Callable[[Any], str] | None = None
) -> str:
    """All elements, `[[1, 2], [3, 4]]`: the shortest texts that read back to the same numbers in the tensor's dtype.

    write: writes an element in another way.
    """
    from cgcli.ops.spelling import write_nested  # a number does without

    write = write or (lambda element: shortest(element, precision, whole=whole))
    return write_nested(_lists(x, precision), write) if x.shape else write(_lists(x, precision))


def elements(x: Array) -> Any:
    """The elements as nested lists of numbers; single floats as the doubles that have their shortest texts."""
    return _lists(x)


def statement(x: Array, number: Callable[[Any], str], precision: int | None = None) -> str:
    """What a tensor is, in words that do not read like a value: `float[784, 128], -0.4 to 0.4`.

    number: writes the ends of the range, which are rounded to `precision` or `RANGE_DIGITS` where they are floats.
    """

    def end(value: Any) -> str:
        return number(rounded(value, precision or RANGE_DIGITS) if isinstance(value, float) else value)

    text = range_text(x, end, dots="to")
    return f"{_DTYPES.get(str(x.dtype), str(x.dtype))}{_shape(x)}, {text}"


def summary(x: Array, precision: int | None = None) -> str:
    """`float[100, 3]: min -2.1, mean 0.003, max 2.9, 2 nan`; the mean is that of the finite elements.

    Floats are rounded to `precision` or `SUMMARY_DIGITS` significant digits.
    """
    stats = _statistics(x)

    def number_text(value: float | int) -> str:
        rounding = precision is None and isinstance(value, float)
        return shortest(value, SUMMARY_DIGITS if rounding else precision)

    parts = []
    if stats.true is not None:
        parts.append(f"{stats.true} of {x.size} true")
    if stats.low is not None and stats.high is not None:
        mean = (
            []
            if stats.mean is None
            else [f"mean {number_text(stats.mean)}{f' of {stats.finite} finite' if stats.infinite else ''}"]
        )
        parts += [f"min {number_text(stats.low)}", *mean, f"max {number_text(stats.high)}"]
    parts += [f"{count} {word}" for count, word in ((stats.infinite, "infinite"), (stats.nan, "nan")) if count]
    return f"{_DTYPES.get(str(x.dtype), str(x.dtype))}{_shape(x)}: {', '.join(parts) or 'no elements'}"


def brief(
    x: Array,
    element: Callable[[Any], str],
    number: Callable[[Any], str] | None = None,
    *,
    dots: str = "…",
    nan: str = "nan",
) -> str:
    """A few elements as a literal; of more the shape and, behind two blanks, the range: `[784, 128]  -0.4 … 0.4`.

    element: writes an element; number: writes the ends of the range, which may be rounded.
    """
    from cgcli.ops.spelling import write_nested

    number = number or element
    if 0 < x.size <= FEW_ELEMENTS:
        text = write_nested(_lists(x), element) if x.shape else element(_lists(x))
        if len(text) <= LONGEST_BRIEF:
            return text
    return f"{_shape(x)}  {range_text(x, number, dots=dots, nan=nan)}"


def range_text(x: Array, number: Callable[[Any], str], *, dots: str = "…", nan: str = "nan") -> str:
    """`-0.4 … 0.4`: the ends of a tensor's range, and how many elements are NaN."""
    stats = _statistics(x)
    parts = []
    if stats.true is not None:
        parts.append(f"{stats.true} of {x.size} true")
    if stats.low is not None:
        low, high = number(stats.low), number(stats.high)
        parts.append(
            f"{low} {dots} {high}" if low != high else low if stats.nan or stats.low != stats.high else f"all {low}"
        )
    if stats.nan:
        parts.append(f"{stats.nan} {nan}")
    return ", ".join(parts) or "no elements"


def terminal_brief(value: Any, precision: int | None = None) -> str:
    """A number with all digits, a tensor of a few elements as a literal, of a larger one what it is."""

    def number(x: Any) -> str:
        return shortest(x, precision)

    if not is_tensor(value):
        return number(value)
    text = literal(value, write=number) if 0 < value.size <= FEW_ELEMENTS else ""
    return text if 0 < len(text) <= LONGEST_BRIEF else statement(value, number, precision)


def pieces(text: str) -> list[str]:
    """A tensor's text where a line may end: behind the commas of a literal or of a summary, nowhere in a brief text."""
    if "  " in text:
        return [text]
    head, colon, rest = text.partition(": ")
    *parts, last = (rest if colon else text).split(", ")
    parts = [*(f"{part}," for part in parts), last]
    return [f"{head}: {parts[0]}", *parts[1:]] if colon else parts


def as_lists(x: Any, precision: int | None = None) -> Any:
    """The elements of a tensor as nested lists of what JSON knows, a number where it has no axes; any other value."""
    if not is_tensor(x):
        return x
    elements = _lists(x, precision)
    if precision is None and not _has_special(x):
        return elements
    return _mapped(elements, lambda element: plain(rounded(element, precision)))


def columns(name: str, x: Array, precision: int | None = None) -> Iterator[tuple[str, Any]]:
    """Each element with a name of its own: `z[0]`, `z[0,1]`."""
    from itertools import product

    elements = _doubles(x, precision).reshape(-1).tolist()
    for index, element in zip(product(*map(range, x.shape)), elements, strict=True):
        yield f"{name}[{','.join(map(str, index))}]" if index else name, element


def zeros_like(x: Array) -> Array:
    """The derivative by a value that the result does not depend on."""
    import numpy as np

    return np.zeros_like(x)


class _Statistics(NamedTuple):
    """Of all elements. low, high: of those that are no NaN; mean: of the finite ones."""

    low: float | int | None = None
    high: float | int | None = None
    mean: float | None = None
    finite: int = 0
    infinite: int = 0
    nan: int = 0
    true: int | None = None


def _statistics(x: Array) -> _Statistics:
    import numpy as np

    if not x.size:
        return _Statistics()
    if x.dtype.kind == "b":
        return _Statistics(true=int(np.count_nonzero(x)))
    if x.dtype.kind != "f":
        return _Statistics(int(x.min()), int(x.max()), float(x.mean(dtype="float64")), x.size)
    doubles = x.reshape(-1).astype("float64", copy=False)
    nan = int(np.count_nonzero(np.isnan(doubles)))
    numbers = doubles if not nan else doubles[~np.isnan(doubles)]
    if not numbers.size:
        return _Statistics(nan=nan)
    low, high = float(numbers.min()), float(numbers.max())
    finite = numbers if math.isfinite(low) and math.isfinite(high) else numbers[np.isfinite(numbers)]
    ends = unsigned_zero(_shortest_double(x, low)), unsigned_zero(_shortest_double(x, high))
    return _Statistics(*ends, _mean(finite), finite.size, numbers.size - finite.size, nan)


def _mean(finite: Array) -> float | None:
    """The mean, also where the sum of the elements would be too large for a float."""
    import numpy as np

    if not finite.size:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(finite.mean())
    return unsigned_zero(mean) if math.isfinite(mean) else float((finite / finite.size).sum())


def _shortest_double(x: Array, value: float) -> float:
    return value if x.dtype.itemsize == 8 else float(str(x.dtype.type(value)))


def _doubles(x: Array, precision: int | None) -> Array:
    """Single floats as the doubles that have their shortest texts; to be rounded, as their exact values."""
    if x.dtype.kind != "f" or x.dtype.itemsize == 8:
        return x
    return x.astype("float64") if precision is not None else x.astype(str).astype("float64")


def _lists(x: Array, precision: int | None = None) -> Any:
    return _doubles(x, precision).tolist()


def _has_special(x: Array) -> bool:
    import numpy as np

    return x.dtype.kind == "f" and not bool(np.isfinite(x).all())


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Recursion as deep as a tensor's rank."""
    return [_mapped(x, change) for x in value] if isinstance(value, list) else change(value)


def _shape(x: Array) -> str:
    return f"[{', '.join(map(str, x.shape))}]"


def norm(x: Array, *, largest: bool = False) -> float:
    """The square root of the sum of the squares of all elements, or the largest absolute value; 0 without elements."""
    import numpy as np

    if not x.size:
        return 0.0
    absolute = np.abs(x.astype("float64"))
    top = float(absolute.max())
    if largest or not top or not math.isfinite(top):
        return top
    return top * float(np.sqrt(np.square(absolute / top).sum()))  # of large elements the squares would overflow


def magnitude(g: Any) -> float:
    """How large a derivative is: its absolute value, of a tensor the largest of these; infinite where it is NaN."""
    largest = norm(g, largest=True) if is_tensor(g) else abs(float(g))
    return largest if largest == largest else float("inf")


Cell = float | Literal["nan", "inf", "-inf"]
"""An element of a heat map from -1 to 1, or what it is where it is no number that has a colour."""
Cells = tuple[tuple[Cell, ...], ...]


class HeatMap(NamedTuple):
    """A tensor as colours. slices: a grid for each of the first leading indices, one grid for up to two axes; all have
    the same size. more: how many slices are left out. largest: the absolute value that has the strongest colour.
    """

    slices: tuple[Cells, ...]
    more: int = 0
    largest: float = 0.0


def heat_map(x: Array, rows: int, columns: int, most: int = 1) -> HeatMap:
    """The slices of the last two axes as small grids.

    A cell is an element over that value, from -1 to 1; where there are too many elements, the largest in absolute value
    of several, and NaN or an infinity where one of them is. most: slices that are returned, which share one scale.
    """
    import numpy as np

    x = x.astype("float64")
    grids = x.reshape(-1, *x.shape[-2:]) if x.ndim > 1 else x.reshape(1, 1, -1)
    finite = np.isfinite(x)
    largest = float(np.abs(x[finite]).max()) if finite.any() else 0.0
    limits = (rows, columns)
    cuts = [
        np.unique(np.linspace(0, n, min(n, limit) + 1).astype(int))[:-1]
        for n, limit in zip(grids.shape[1:], limits, strict=True)
    ]

    def pooled(operation: np.ufunc, grid: Array) -> Array:
        return operation.reduceat(operation.reduceat(grid, cuts[0], axis=0), cuts[1], axis=1)

    def cells(grid: Array) -> Cells:
        high, low = pooled(np.maximum, grid), pooled(np.minimum, grid)  # NaN where there is one
        extreme = np.where(high >= -low, high, low) / (largest or 1.0)
        return tuple(tuple(_cell(c) for c in row) for row in np.where(np.isnan(high), high, extreme).tolist())

    return HeatMap(tuple(cells(grid) for grid in grids[:most]), max(0, len(grids) - most), largest)


def _cell(c: float) -> Cell:
    if math.isfinite(c):
        return c
    return "nan" if c != c else "inf" if c > 0 else "-inf"


def has_nan(value: Any) -> bool:
    """Whether a number is NaN, or an element of a tensor is."""
    if isinstance(value, float):
        return value != value
    if not is_tensor(value):
        return False
    import numpy as np

    return value.dtype.kind == "f" and bool(np.isnan(value).any())


def shape_text(x: Array) -> str:
    """`[20, 8]`."""
    return _shape(x)
