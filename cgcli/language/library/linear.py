"""Linear algebra."""

from __future__ import annotations

from cgcli.graph.sizes import add, mul, same
from cgcli.language.call_site import CallSite
from cgcli.language.origins import clash_of, counted
from cgcli.language.regions import Value

from .definitions import Build, at_least, define, on_diagonal


def _vector(s: CallSite, name: str) -> Value:
    x = s.value(name)
    if x.type.rank != 1:
        s.fail("vector-expected", name, type=x.type)
    return x


def _dot(s: CallSite) -> Value:
    x, y = _vector(s, "x"), _vector(s, "y")
    sizes = x.type.shape[0], y.type.shape[0]
    if same(*sizes) is False:
        s.clash("shapes-differ", "x", "y", op=s.name, **clash_of(*sizes))
    return s.op("einsum", x, y, pattern="i,i->")


def _outer(s: CallSite) -> Value:
    x, y = _vector(s, "x"), _vector(s, "y")
    return s.op("mul", s.op("expand_dims", x, axes=(-1,)), y)


def _diagonal(s: CallSite, x: Value) -> Value:
    """The diagonal of the last two axes: every (columns + 1)-th element in row-major order."""
    *lead, rows, columns = x.type.shape
    if not isinstance(columns, int) and same(rows, columns) is not True:
        s.fail("diagonal-sizes", "x", type=x.type)
    flat = s.op("reshape", x, shape=(*lead, mul(rows, columns)))
    count = min(rows, columns) if isinstance(rows, int) and isinstance(columns, int) else rows
    if isinstance(columns, int):
        return s.op("slice", flat, starts=(0,), steps=(columns + 1,), sizes=(count,))
    indices = s.op("mul", s.op("arange", size=count), s.size(add(columns, 1)))
    return s.op("take", flat, indices, axis=-1)


def _diag(s: CallSite) -> Value:
    """The diagonal of a matrix, or the matrix that has a vector as its diagonal."""
    x = s.value("x")
    if x.type.rank >= 2:
        return _diagonal(s, x)
    at_least(s, x, 1)
    n = x.type.shape[0]
    return s.op("where", on_diagonal(s, n, n), s.op("expand_dims", x, axes=(-1,)), 0.0)


def _trace(s: CallSite) -> Value:
    x = s.value("x")
    at_least(s, x, 2)
    return s.op("sum", _diagonal(s, x), axes=(-1,), keepdims=False)


def _matrix_op(op: str) -> Build:
    def build(s: CallSite) -> Value:
        at_least(s, s.value("x"), 2)
        return s.op(op, s.value("x"))

    return build


def _solve(s: CallSite) -> Value:
    a, b = s.value("a"), s.value("b")
    at_least(s, a, 2, "a")
    at_least(s, b, 1, "b")
    if b.type.rank > 1:
        return s.op("solve", a, b)
    return s.op("squeeze", s.op("solve", a, s.op("expand_dims", b, axes=(-1,)), source_operands=(a, b)), axes=(-1,))


define("dot", "x y", _dot, grouped=False)
define("outer", "x y", _outer)
define("diag", "x", _diag)
define("trace", "x", _trace)
for _name in ("det", "logdet", "inv", "cholesky"):
    define(_name, "x", _matrix_op(_name), grouped=False)
define("solve", "a b", _solve)


def _einsum(s: CallSite) -> Value:
    pattern = s.text("pattern").replace(" ", "")
    names = [name for name in ("x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8") if s.has(name)]
    left, arrow, result = pattern.partition("->")
    operands = left.split(",")
    letters = "".join(operands).replace("...", "")
    all_letters = letters + result.replace("...", "")
    if not all_letters.isascii() or (all_letters and not all_letters.isalpha()):
        s.fail("einsum-pattern", "pattern")
    if not arrow:
        once = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        result = ("..." if "..." in left else "") + once
    if len(operands) != len(names):
        count = f"{len(names)} {'is' if len(names) == 1 else 'are'} given"
        s.fail("einsum-count", "pattern", operands=counted(len(operands), "operand"), count=count)
    result_letters = result.replace("...", "")
    invalid = [c for k, c in enumerate(result_letters) if c in result_letters[:k] or c not in letters]
    if invalid:
        s.fail("einsum-result", "pattern", index=invalid[0])
    values: list[Value] = []
    indices: list[str] = []
    operands, result = _without_dots(s, operands, result, [s.value(name).type.rank for name in names])
    for name, operand in zip(names, operands, strict=True):
        x, subscripts = s.value(name), operand
        if x.type.rank != len(subscripts):
            s.fail("einsum-rank", name, indices=subscripts, axes=counted(len(subscripts), "axis", "axes"), type=x.type)
        while len(set(subscripts)) < len(subscripts):
            x, subscripts = _contract_repeated(s, x, subscripts)
        values.append(x)
        indices.append(subscripts)
    return s.op("einsum", *values, pattern=f"{','.join(indices)}->{result}")


def _without_dots(s: CallSite, operands: list[str], result: str, ranks: list[int]) -> tuple[list[str], str]:
    """The pattern with letters for the axes of `...`; the last of them are the same in all operands."""
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join((*operands, result))]
    counts = [rank - len(operand) + 3 for operand, rank in zip(operands, ranks, strict=True) if "..." in operand]
    longest = max((0, *counts))
    if longest > len(free) or min((0, *counts)) < 0:
        s.fail("einsum-pattern", "pattern")
    letters = "".join(free[:longest])
    expanded = [
        operand.replace("...", letters[longest - (rank - len(operand) + 3) :]) if "..." in operand else operand
        for operand, rank in zip(operands, ranks, strict=True)
    ]
    return expanded, result.replace("...", letters)


def _contract_repeated(s: CallSite, x: Value, indices: str) -> tuple[Value, str]:
    """The diagonal of an operand by its first repeated index."""
    letter = next(c for c in indices if indices.count(c) > 1)
    first = indices.index(letter)
    second = indices.index(letter, first + 1)
    rank = len(indices)
    order = (*(k for k in range(rank) if k not in (first, second)), first, second)
    permuted = s.op("permute", x, axes=tuple(k - rank for k in order))
    rest = "".join(c for k, c in enumerate(indices) if k not in (first, second))
    return _diagonal(s, permuted), rest + letter


define("einsum", "pattern x1 x2? x3? x4? x5? x6? x7? x8?", _einsum, grouped=False)
