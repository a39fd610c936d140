"""Definitions of the loop form evaluated over NumPy arrays, a primitive at a time: as the interpreter, but quick."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cgcli.loop_nests.form import Apply, Case, Const, Function, Statement, Switch, Value
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.primitives import PRIMITIVES, fma


def _ldexp(x: Any, k: Any) -> Any:
    return np.ldexp(x, np.nan_to_num(k).astype(np.int64))


def _mantissa(x: Any) -> Any:
    m, _ = np.frexp(x)
    return np.where(m < np.sqrt(0.5), 2 * m, m)


def _exponent(x: Any) -> Any:
    m, e = np.frexp(x)
    return np.where(m < np.sqrt(0.5), e - 1, e).astype(float)


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _two_product(a: Any, b: Any) -> tuple[Any, Any]:
    def split(x: Any) -> tuple[Any, Any]:
        wide = x * 134217729.0
        high = wide - (wide - x)
        return high, x - high

    p, (ah, al), (bh, bl) = a * b, split(a), split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def _to_odd(a: Any, b: Any) -> Any:
    """a + b rounded to odd: where it is not exact, the neighbour whose last bit is 1."""
    s, rest = _two_sum(a, b)
    bits = np.asarray(s, float).view(np.int64).copy()
    inexact = (rest != 0) & (bits & 1 == 0)
    towards_zero = (rest < 0) == (s > 0)
    return np.where(inexact, np.where(towards_zero, bits - 1, bits + 1), bits).view(np.float64)


def _fma(a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once (Boldo and Melquiond, 2008), by integers where it might leave the normal range."""
    a, b, c = (np.array(x, float) for x in np.broadcast_arrays(a, b, c))
    u, rest = _two_product(a, b)
    t, t_rest = _two_sum(c, rest)
    v, v_rest = _two_sum(u, t)
    y = v + _to_odd(t_rest, v_rest)
    wide = [np.abs(x) for x in (a, b, a * b, c, y)]
    usual = np.all([(x == 0) | ((x > 1e-140) & (x < 1e140)) for x in wide], axis=0) & (y != 0)
    for i in np.argwhere(~usual):
        k = tuple(i)
        y[k] = fma(float(a[k]), float(b[k]), float(c[k]))
    return y


ARRAYS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "rem": np.fmod,
    "floor_div": np.floor_divide,
    "mod": np.remainder,
    "neg": np.negative,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "copysign": np.copysign,
    "fma": _fma,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "select": np.where,
    "f64": lambda x: np.asarray(x, float),
    "i64": lambda x: np.trunc(x).astype(np.int64),
    "ldexp": _ldexp,
    "mantissa": _mantissa,
    "exponent": _exponent,
    "bits": lambda x: np.asarray(x, np.float64).view(np.int64),
    "from_bits": lambda x: np.asarray(x, np.int64).view(np.float64),
}


def evaluate(function: Function, *xs: Any) -> Any:
    """The results of a definition on arrays of numbers; all cases of a switch are computed."""
    values: dict[Value, Any] = dict(zip(function.parameters, map(np.asarray, xs), strict=True))
    with np.errstate(all="ignore"):
        _block(function.body, values)
    return np.asarray(values[function.result])


def _block(body: Any, values: dict[Value, Any]) -> None:
    for s in body:
        statement: Statement = s
        if isinstance(statement, Const):
            values[statement.result] = np.asarray(statement.value)
        elif isinstance(statement, Apply):
            operands = [values[x] for x in statement.operands]
            if PRIMITIVES[statement.primitive].compute is None:
                values[statement.result] = evaluate(definition(statement.primitive), *operands)
            else:
                values[statement.result] = ARRAYS[statement.primitive](*operands)
        else:
            assert isinstance(statement, Switch), statement
            cases: tuple[Case, ...] = statement.cases
            for case in cases:
                _block(case.body, values)
            for k, result in enumerate(statement.results):
                choices = [values[case.yields[k]] for case in cases]
                number = np.clip(values[statement.selector].astype(int), 0, len(cases) - 1)
                values[result] = np.choose(number, choices) if len(choices) < 32 else np.array(choices)[number]
