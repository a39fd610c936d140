"""Words of other languages and their equivalents in cg: functions, values, modules, statements.

In a template {x}, {y} stand for the arguments as they are written, {a}, {b} for the same as operands, in brackets where
an operator binds tighter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

FUNCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ln", "loge"), ("log({x})",)),
    "lg": ("log10({x})",),
    "ld": ("log2({x})",),
    **dict.fromkeys(("sen", "seno", "sinus"), ("sin({x})",)),
    **dict.fromkeys(("coseno", "cosinus"), ("cos({x})",)),
    **dict.fromkeys(("tg", "tangent"), ("tan({x})",)),
    **dict.fromkeys(("cot", "ctg", "cotan"), ("1 / tan({x})",)),
    "sec": ("1 / cos({x})",),
    **dict.fromkeys(("csc", "cosec"), ("1 / sin({x})",)),
    **dict.fromkeys(("arcsin", "asen"), ("asin({x})",)),
    "arccos": ("acos({x})",),
    **dict.fromkeys(("arctan", "arctg", "atg"), ("atan({x})", "atan2({x}, {y})")),
    "arctan2": ("atan2({x}, {y})",),
    **dict.fromkeys(("arcsinh", "arsinh"), ("asinh({x})",)),
    **dict.fromkeys(("arccosh", "arcosh"), ("acosh({x})",)),
    **dict.fromkeys(("arctanh", "artanh"), ("atanh({x})",)),
    "sh": ("sinh({x})",),
    "ch": ("cosh({x})",),
    "th": ("tanh({x})",),
    **dict.fromkeys(("sigma", "logistic", "expit"), ("sigmoid({x})",)),
    "logit": ("log({a} / (1 - {a}))",),
    **dict.fromkeys(("pow", "power"), ("{a}^{b}",)),
    **dict.fromkeys(("square", "sqr"), ("{a}^2",)),
    "root": ("sqrt({x})",),
    "rsqrt": ("1 / sqrt({x})",),
    "reciprocal": ("1 / {a}",),
    **dict.fromkeys(("fabs", "absolute"), ("abs({x})",)),
    **dict.fromkeys(("sgn", "signum"), ("sign({x})",)),
    **dict.fromkeys(("mod", "fmod", "remainder"), ("{a} % {b}",)),
    "div": ("{a} // {b}",),
    "multiply": ("{a} * {b}",),
    "add": ("{a} + {b}",),
    "subtract": ("{a} - {b}",),
    "divide": ("{a} / {b}",),
    "negative": ("-{a}",),
    **dict.fromkeys(("matmul", "mm"), ("{a} @ {b}",)),
    **dict.fromkeys(("average", "avg"), ("mean({x})",)),
    "factorial": ("exp(lgamma({x} + 1))",),
    **dict.fromkeys(("gamma", "tgamma"), ("exp(lgamma({x}))",)),
    **dict.fromkeys(("gammaln", "loggamma"), ("lgamma({x})",)),
    "psi": ("digamma({x})",),
    "trigamma": ("polygamma(1, {x})",),
    "heaviside": ("where({a} > 0, 1, 0)",),
    "range": ("0..{a}", "{a}..{b}"),
    "int": ("floor({x})",),
    "trunc": ("sign({x}) * floor(abs({x}))",),
    **dict.fromkeys(("float", "double", "array", "asarray", "tensor"), ("{x}",)),
    "bool": ("{a} != 0",),
    "ceiling": ("ceil({x})",),
    **dict.fromkeys(("maximum", "fmax"), ("max({x}, {y})",)),
    **dict.fromkeys(("minimum", "fmin"), ("min({x}, {y})",)),
    "concatenate": ("concat({x})",),
}
"""The equivalent of a function in cg, by the number of arguments."""

OTHER_COUNTS: dict[str, tuple[str, ...]] = {"log": ("log({x}) / log({y})",), "round": ("round({a} * 10^{b}) / 10^{b}",)}
"""Functions that cg has, with the arguments that they take in other languages."""

BASES = {"2": "log2", "10": "log10"}

VALUES = {
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
}
STATEMENTS = {
    "break": "a loop ends by its condition, as in `while … and not done { … }`",
    "continue": "put the rest of the block into an `if`",
    "pass": "leave out the block that does nothing",
    "None": "a name always has a value: a number, a tensor, `true` or `false`",
    "print": "outputs are printed without being asked for; `output y` names one",
}
"""Words without an equivalent, with the advice to give."""

MODULES = frozenset(("np", "numpy", "jnp", "jax", "math", "cmath", "torch", "tensorflow", "scipy", "autograd"))
_ATOM = re.compile(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])?|\([^()]*\)", re.ASCII)


def rewritten(name: str, arguments: Sequence[str]) -> str | None:
    """A call of a foreign function in cg, or None for an unknown name.

    arguments: their texts, which may be more or fewer than the function takes.
    """
    if name == "log" and len(arguments) == 2 and arguments[1] in BASES:
        return f"{BASES[arguments[1]]}({arguments[0]})"
    templates = FUNCTIONS.get(name) or OTHER_COUNTS.get(name)
    if templates is None:
        return None
    template = next((t for t in templates if _arity(t) == len(arguments)), None)
    if template is None:
        template, arguments = templates[0], ("x", "y")
    raw = dict(zip("xy", arguments, strict=False))
    operands = {key: text if _ATOM.fullmatch(text) else f"({text})" for key, text in zip("ab", arguments, strict=False)}
    return template.format(**raw, **operands)


def _arity(template: str) -> int:
    keys = {key for _, key, _, _ in Formatter().parse(template) if key}
    return 2 if keys & {"y", "b"} else 1
