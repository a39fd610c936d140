"""Curve fitting: SciPy's solvers, driven by exact gradients and Jacobians."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cgcli.diagnostics.diagnostic import error

Arrays = Mapping[str, Any]

TINY, TINY_F32 = 1e-15, 1e-7  # relative steps and decreases that count as none: a few units in the last place


@dataclass(frozen=True)
class Solution:
    """The result of a solver. params: arrays by name; loss: the minimised value; steps: how often it was computed.

    converged: whether no step improves it any more.
    """

    params: dict[str, Any]
    loss: float
    steps: int
    converged: bool


@dataclass(frozen=True)
class Squares(Solution):
    """A least-squares fit; the loss is the sum of the squared residuals.

    residuals: how many there are. labels: a name for each number in the parameters. covariance: of these numbers, None
    where it does not exist: too few residuals, or parameters that the data cannot tell apart.
    """

    residuals: int
    labels: tuple[str, ...]
    covariance: Any

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return self.residuals - len(self.labels)

    @property
    def deviation(self) -> float:
        """The standard deviation of the residuals; NaN without degrees of freedom."""
        return math.sqrt(self.loss / self.freedom) if self.freedom > 0 else math.nan

    @property
    def errors(self) -> list[float] | None:
        """The standard error of each number in the parameters."""
        if self.covariance is None:
            return None
        return [math.sqrt(max(0.0, float(self.covariance[k, k]))) for k in range(len(self.labels))]


def minimise(
    gradients: Callable[[Arrays], tuple[float, Arrays]], start: Arrays, steps: int, stop: Callable[[], bool]
) -> Solution:
    """L-BFGS (Byrd, Lu, Nocedal and Zhu 1995), over all rows at once.

    gradients: the loss and its gradient. Raises CgError (status 1) when the first loss is not finite.
    """
    import numpy as np
    from scipy.optimize import minimize

    packing = _Packing(start)
    count = 0

    def f(x: Any) -> tuple[float, Any]:
        nonlocal count
        loss, gradient = gradients(packing.arrays(x))
        count += 1
        if count == 1 and not math.isfinite(loss):
            raise error("loss-not-finite", status=1, step=1, value=loss)
        flat = packing.flat(gradient)
        # a line search that went too far comes back from a large value, not from none
        return (loss, flat) if math.isfinite(loss) and np.isfinite(flat).all() else (math.inf, np.zeros_like(flat))

    def callback(_: Any) -> None:
        if stop():
            raise StopIteration

    options = {
        "maxiter": steps,
        "maxfun": 10 * steps,
        "ftol": packing.tiny,
        "gtol": 1e-10 if packing.tiny == TINY else 1e-5,
        "maxcor": 20,
    }
    x = packing.flat(start)
    result = minimize(f, x, jac=True, method="L-BFGS-B", callback=callback, options=options)
    return Solution(packing.arrays(result.x), float(result.fun), count, bool(result.success))


def least_squares(
    residuals: Callable[[Arrays, bool], tuple[Any, Arrays]], start: Arrays, steps: int, stop: Callable[[], bool]
) -> Squares:
    """Levenberg-Marquardt (Moré 1978); where it ends short of a minimum, also a trust region, whichever ends lower.

    residuals: a vector of n residuals and, when asked, by parameter their derivatives, of shape [n, *parameter].
    Raises CgError (status 1) when the residuals at the start are not finite, or fewer than the parameters.
    """
    import numpy as np
    from scipy.optimize import least_squares as solve

    packing = _Packing(start)
    count = 0

    def f(x: Any) -> Any:
        nonlocal count
        if stop():
            raise _Stopped
        count += 1
        return np.asarray(residuals(packing.arrays(x), False)[0], dtype=float)

    def jacobian(x: Any) -> Any:
        return packing.table(residuals(packing.arrays(x), True)[1])

    x = packing.flat(start)
    residuals_at_start = f(x)
    if not np.isfinite(residuals_at_start).all():
        raise error("residual-not-finite", status=1, row=int(np.flatnonzero(~np.isfinite(residuals_at_start))[0]) + 1)
    if len(residuals_at_start) < len(x):
        raise error("too-few-residuals", status=1, residuals=len(residuals_at_start), params=len(x))
    best, converged = x, False
    least = float(residuals_at_start @ residuals_at_start)
    for method in ("lm", "trf", "lm"):
        if method == "trf" and converged:
            break
        limit = steps - count
        if limit < 1:
            break
        try:
            with np.errstate(all="ignore"):
                result = solve(
                    f,
                    best if method == "lm" else x,
                    jacobian,
                    method=method,
                    x_scale="jac",
                    ftol=packing.tiny,
                    xtol=packing.tiny,
                    gtol=packing.tiny,
                    max_nfev=limit,
                )
        except (ValueError, np.linalg.LinAlgError):  # it went where the model has no value
            continue
        except _Stopped:
            break
        if np.isfinite(result.cost) and 2 * result.cost <= least:
            best, least = result.x, 2 * float(result.cost)
            converged = _is_minimum(result.x, result.fun, result.jac, packing.tiny)
    covariance = _covariance(packing, residuals, best, least)
    return Squares(packing.arrays(best), least, count, converged, len(residuals_at_start), packing.labels, covariance)


class _Stopped(Exception):
    """A solver was asked to stop."""


def _is_minimum(x: Any, residuals: Any, jacobian: Any, tiny: float) -> bool:
    """Whether the residuals are orthogonal to the columns of the Jacobian (Bates and Watts 1981).

    Where the residuals are rounding alone, whether the next step would be none.
    """
    import numpy as np

    scale = np.linalg.norm(jacobian, axis=0)
    if not np.isfinite(scale).all() or not np.isfinite(residuals).all():
        return False
    scale = np.where(scale > 0, scale, 1.0)
    step, *_ = np.linalg.lstsq(jacobian / scale, residuals, rcond=None)
    within = float(np.linalg.norm(jacobian / scale @ step))
    still = np.abs(step / scale) <= math.sqrt(tiny) * np.abs(x)
    return within <= tiny**0.4 * float(np.linalg.norm(residuals)) or bool(still.all())


def _covariance(packing: _Packing, residuals: Callable[[Arrays, bool], tuple[Any, Arrays]], x: Any, loss: float) -> Any:
    """The inverse of JᵀJ times the variance of the residuals; columns are brought to one size first."""
    import numpy as np

    jacobian = packing.table(residuals(packing.arrays(x), True)[1])
    rows, columns = jacobian.shape
    scale = np.linalg.norm(jacobian, axis=0)
    if rows <= columns or not np.isfinite(scale).all() or not (scale > 0).all():
        return None
    _, s, vt = np.linalg.svd(jacobian / scale, full_matrices=False)
    if s[-1] <= s[0] * np.finfo(float).eps * rows:
        return None
    inverse = (vt.T / s**2) @ vt
    return inverse / np.outer(scale, scale) * (loss / (rows - columns))


class _Packing:
    """Parameters as one vector, in their order."""

    def __init__(self, start: Arrays) -> None:
        from itertools import product

        self.shapes = {name: x.shape for name, x in start.items()}
        self.dtypes = {name: x.dtype for name, x in start.items()}
        self.tiny = TINY if all(dtype == "float64" for dtype in self.dtypes.values()) else TINY_F32
        labels = []
        for name, shape in self.shapes.items():
            indices = product(*map(range, shape))
            labels += [f"{name}[{','.join(map(str, index))}]" if shape else name for index in indices]
        self.labels = tuple(labels)

    def flat(self, arrays: Arrays) -> Any:
        import numpy as np

        return np.concatenate([np.asarray(arrays[name], dtype=float).reshape(-1) for name in self.shapes])

    def table(self, derivatives: Arrays) -> Any:
        """A Jacobian: a row a residual, a column a number in the parameters."""
        import numpy as np

        parts = [np.asarray(derivatives[name], dtype=float) for name in self.shapes]
        return np.concatenate([g.reshape(len(g), -1) for g in parts], axis=1)

    def arrays(self, x: Any) -> dict[str, Any]:
        arrays, at = {}, 0
        for name, shape in self.shapes.items():
            size = math.prod(shape)
            arrays[name] = x[at : at + size].reshape(shape).astype(self.dtypes[name])
            at += size
        return arrays
