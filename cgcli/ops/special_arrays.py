"""Special functions on arrays, with the edges that the scalar ones in `special` and `floats` have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from . import special

_Function = Callable[[Any], Any]


def _real(x: Any) -> Any:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _rest(x: Any, easy: Any, found: Any, scalar: Callable[[float], float]) -> Any:
    """`found`, with the elements that are not `easy` computed one by one."""
    if easy.all():
        return found
    made = np.array(found, dtype=np.float64)
    made[~easy] = [scalar(float(v)) for v in np.asarray(x)[~easy].ravel()]
    return made.astype(found.dtype)


def erf(x: Any) -> Any:
    return scipy.special.erf(_real(x))


def erfc(x: Any) -> Any:
    return scipy.special.erfc(_real(x))


def lgamma(x: Any) -> Any:
    """log |Γ(x)|; negative numbers and the neighbourhood of its zeros 1 and 2 by the scalar function."""
    x = _real(x)
    return _rest(x, (x > 2.5) | np.isnan(x), scipy.special.gammaln(x), special.lgamma)


def digamma(x: Any) -> Any:
    """The derivative of lgamma; negative numbers and the neighbourhood of its zero 1.46 by the scalar function."""
    x = _real(x)
    return _rest(x, (x > 2.0) | np.isnan(x), scipy.special.psi(x), special.digamma)


def polygamma(n: Any, x: Any) -> Any:
    """The derivative of digamma of order `n` ≥ 0."""
    n, x = np.broadcast_arrays(np.asarray(n), _real(x))
    made = np.empty(x.shape, dtype=np.float64)
    made.ravel()[:] = [special.polygamma(int(k), float(v)) for k, v in zip(n.ravel(), x.ravel(), strict=True)]
    return made.astype(x.dtype)
