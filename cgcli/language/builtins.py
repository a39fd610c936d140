"""The names of the built-in functions and constants."""

from __future__ import annotations

from cgcli.ops.op import Op
from cgcli.ops.table import OPS

ELEMENTWISE: dict[str, Op] = {op.name: op for op in OPS.values() if op.spelling.form == "call" and op.is_elementwise}

DERIVATIVES = ("grad", "jacobian", "hessian")

CONSTANTS = {"pi": 3.141592653589793, "inf": float("inf"), "nan": float("nan")}

# fmt: off
TENSORS = frozenset((
    "sum", "mean", "prod", "var", "std", "norm", "logsumexp", "argmax", "argmin", "any", "all", "cumsum", "dot",
    "outer", "trace", "diag", "det", "logdet", "inv", "solve", "cholesky", "einsum", "shape", "len", "reshape",
    "transpose", "concat", "stack", "broadcast", "expand_dims", "squeeze", "pad", "flip", "roll", "tile",
    "zeros", "ones", "full", "eye", "arange", "linspace", "one_hot", "sort", "argsort", "top_k", "tril", "triu",
    "scatter_add", "conv1d", "conv2d", "max_pool", "avg_pool", "normal", "uniform", "dropout",
))
# fmt: on
"""Functions on tensors; `library` defines them, and a test checks that it has them all."""

OF_DATA = frozenset({"has"})
"""Functions of structured data, which only a dynamic run has."""

FUNCTIONS = frozenset(ELEMENTWISE) | {"clip", *DERIVATIVES} | TENSORS

NAMES = FUNCTIONS | OF_DATA
