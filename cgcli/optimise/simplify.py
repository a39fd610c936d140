"""Algebraic identities that make a derivative short enough to read.

They hold for real numbers; a few change a NaN, an infinity or the last bit (`x * 0`, `a * (b / a)`), so this pass
serves text that is read, never values that are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cgcli.graph.graph import INPUT, Graph, opname
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import prune
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.builder import Builder
from cgcli.ops.evaluate import evaluate
from cgcli.ops.numbers import Overflow
from cgcli.ops.registry import BY_CODE, Structured
from cgcli.ops.typing import one


def simplify(graph: Graph, known: Mapping[int, float | int | bool] | None = None) -> tuple[Graph, list[int]]:
    """The graph after the identities below, and where each node went; nodes that have a name stay what they are.

    known: inputs whose value is a constant. Recursion only into structured nodes.
    """
    b = Builder()
    b.share()
    where: list[int] = []
    for i, code in enumerate(graph.op):
        operands = tuple(where[x] for x in graph.operands(i))
        if code == INPUT:
            where.append(b.input(one(graph.type_of(i)), graph.names.get(i)))
            if known and i in known:
                where[i] = b.const(known[i], one(graph.type_of(i)))
        elif i in graph.names:
            where.append(b.place(code, operands, b.intern_type(graph.type_of(i)), graph.attrs.get(i, {}), merge=False))
            b.names[where[-1]] = graph.names[i]
        else:
            where.append(_place(b, graph, i, operands))
    b.share(False)
    return b.done(*(where[i] for i in graph.outputs)), where


def _place(b: Builder, graph: Graph, i: int, operands: tuple[int, ...]) -> int:
    code, attrs = graph.op[i], graph.attrs.get(i, {})
    if opname(code) in _MOVES and (value := _constant(b, operands[0])) is not None:
        return b.const(value, one(graph.type_of(i)))  # however equal elements are moved
    if opname(code) in _STRETCHING:
        operands = _unstretched(b, operands, one(graph.type_of(i)).shape)
    values = [_constant(b, x) for x in operands]
    folds = BY_CODE[code].flow == "elementwise" and not isinstance(BY_CODE[code].vjp, Structured)
    if operands and folds and all(v is not None for v in values):
        try:
            types = [graph.type_of(x) for x in graph.operands(i)]
            return b.const(evaluate(code, values, types, graph.type_of(i), attrs), one(graph.type_of(i)))
        except (IntegerDivisionByZero, Overflow):
            pass
    rule = _RULES.get(opname(code))
    wanted = b.intern_type(graph.type_of(i))
    found = rule(b, *operands) if rule else None
    if found is not None and b.type[found] != wanted:
        constant = _constant(b, found)
        found = None if constant is None else b.const(constant, one(graph.type_of(i)))
    if isinstance(BY_CODE[code].vjp, Structured):
        attrs = {k: _side(v, values[1:]) if isinstance(v, Graph) else v for k, v in attrs.items()}
    return b.place(code, operands, wanted, attrs) if found is None else found


def _side(graph: Graph, values: Sequence[float | int | bool | None]) -> Graph:
    """A side of a `cond`, in the light of those of its operands that are constants."""
    known = {i: v for i, v in zip(graph.inputs, values, strict=True) if v is not None}
    return prune(simplify(graph, known)[0])


_MOVES = ("expand", "expand_dims", "squeeze", "reshape", "permute", "slice")
_STRETCHING = ("add", "sub", "mul", "div")


def _unstretched(b: Builder, operands: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Operands of an elementwise op without the stretching that it does itself, as long as one has its shape."""
    x, y = operands
    if b.type1(y).shape == shape:
        x = _before_stretching(b, x)
    if b.type1(x).shape == shape:
        y = _before_stretching(b, y)
    return x, y


def _before_stretching(b: Builder, x: int) -> int:
    if opname(b.op[x]) != "expand" or x in b.names:
        return x
    x = b.a[x]
    scalar = opname(b.op[x]) == "expand_dims" and x not in b.names and not b.type1(b.a[x]).shape
    return b.a[x] if scalar else x


def _constant(b: Builder, x: int) -> float | int | bool | None:
    """The number of a constant, also of one that fills a tensor."""
    value = b.constant(x)
    return None if isinstance(value, tuple) else value


def _is(b: Builder, x: int, value: float) -> bool:
    return _constant(b, x) == value and not isinstance(_constant(b, x), bool)


def _negated(b: Builder, x: int) -> int | None:
    """What `x` is the negative of, when it is written so."""
    constant = _constant(b, x)
    if constant is not None and not isinstance(constant, bool) and constant < 0:
        return b.const(-constant, b.type1(x))
    return b.a[x] if opname(b.op[x]) == "neg" and x not in b.names else None


def _add(b: Builder, x: int, y: int) -> int | None:
    if _is(b, x, 0):  # 0 + y = y
        return y
    if _is(b, y, 0):  # x + 0 = x
        return x
    if (n := _negated(b, y)) is not None:  # x + -n = x - n
        return _simple(b, "sub", x, n)
    if (n := _negated(b, x)) is not None:  # -n + y = y - n
        return _simple(b, "sub", y, n)
    if x == y:  # x + x = 2 x
        return _simple(b, "mul", b.const(2), x)
    return None


def _sub(b: Builder, x: int, y: int) -> int | None:
    if _is(b, y, 0):  # x - 0 = x
        return x
    if _is(b, x, 0):  # 0 - y = -y
        return _simple(b, "neg", y)
    if (n := _negated(b, y)) is not None:  # x - -n = x + n
        return _simple(b, "add", x, n)
    return None


def _mul(b: Builder, x: int, y: int) -> int | None:
    if _constant(b, y) is not None and _constant(b, x) is None:  # x * c = c * x
        x, y = y, x
        swapped = True
    else:
        swapped = False
    if _is(b, x, 0):  # 0 * y = 0
        return x
    if _is(b, x, 1):  # 1 * y = y
        return y
    if _is(b, x, -1):  # -1 * y = -y
        return _simple(b, "neg", y)
    if (n := _negated(b, x)) is not None:  # -n * y = -(n * y)
        return _simple(b, "neg", _simple(b, "mul", n, y))
    if (n := _negated(b, y)) is not None:  # x * -n = -(x * n)
        return _simple(b, "neg", _simple(b, "mul", x, n))
    inner = b.a[y] if opname(b.op[y]) == "mul" and y not in b.names else -1
    c, d = _constant(b, x), _constant(b, inner) if inner >= 0 else None
    if c is not None and d is not None:  # c * (d * z) = (c d) * z
        return _simple(b, "mul", b.const(c * d), b.b[y])
    if inner >= 0 and d is not None:  # x * (d * z) = d * (x * z)
        return _simple(b, "mul", inner, _simple(b, "mul", x, b.b[y]))
    outer = b.a[x] if opname(b.op[x]) == "mul" and x not in b.names else -1
    if outer >= 0 and _constant(b, outer) is not None:  # (d * z) * y = d * (z * y)
        return _simple(b, "mul", outer, _simple(b, "mul", b.b[x], y))
    if c is not None and opname(b.op[y]) == "div" and y not in b.names:  # c * (z / (d * w)) = (c / d) * (z / w)
        below = b.b[y]
        divisor = _constant(b, b.a[below]) if opname(b.op[below]) == "mul" and below not in b.names else None
        if divisor:
            return _simple(b, "mul", b.const(c / divisor), _simple(b, "div", b.a[y], b.b[below]))
    if opname(b.op[y]) == "div" and y not in b.names and _is(b, b.a[y], 1):  # x * (1 / z) = x / z
        return _simple(b, "div", x, b.b[y])
    if opname(b.op[x]) == "div" and x not in b.names and _is(b, b.a[x], 1):  # (1 / z) * y = y / z
        return _simple(b, "div", y, b.b[x])
    if x == y:  # x * x = x^2
        return b.fixed_power(x, exponent=2)
    return _simple(b, "mul", x, y) if swapped else None


def _div(b: Builder, x: int, y: int) -> int | None:
    if _is(b, y, 1):  # x / 1 = x
        return x
    if _is(b, x, 0):  # 0 / y = 0
        return x
    if x == y:  # x / x = 1
        return b.const(1.0)
    if (n := _negated(b, x)) is not None:  # -n / y = -(n / y)
        return _simple(b, "neg", _simple(b, "div", n, y))
    return None


def _neg(b: Builder, x: int) -> int | None:
    return _negated(b, x)  # -(-n) = n


def _power(b: Builder, x: int, n: int) -> int | None:
    if _is(b, n, 1):  # x^1 = x
        return x
    if _is(b, n, 0):  # x^0 = 1
        return b.const(1.0)
    exponent = _constant(b, n)
    return None if exponent is None else b.fixed_power(x, exponent=exponent)


def _where(b: Builder, c: int, x: int, y: int) -> int | None:
    known = _constant(b, c)
    if known is not None:  # where(true, x, y) = x
        return x if known else y
    return x if x == y else None  # where(c, x, x) = x


def _and(b: Builder, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        if _constant(b, p) is not None:  # true and y = y; false and y = false
            return q if _constant(b, p) else p
    return x if x == y else None


def _or(b: Builder, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        if _constant(b, p) is not None:  # true or y = true; false or y = y
            return p if _constant(b, p) else q
    return x if x == y else None


_RULES: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "power": _power,
    "where": _where,
    "and": _and,
    "or": _or,
    "copy": lambda b, x: x,  # an unnamed copy is its operand
}


def _simple(b: Builder, op: str, *operands: int) -> int:
    """`op(operands)` after the identities. Each use shortens its operands, so the recursion ends."""
    found = _RULES[op](b, *operands)
    if found is not None:
        return found
    node: int = b.apply(op, *operands)
    return node
