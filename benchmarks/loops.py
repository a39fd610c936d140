"""Rows of the table about loops: an ODE with gradients, soft-DTW and the edit distance, beside JAX, CasADi and C.

Each side's numbers are compared with cg's before its time counts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from measuring import (
    SAMPLES,
    STRICT_C,
    Figure,
    Run,
    agree,
    c_array,
    c_functions,
    is_installed,
    largest,
    medians,
    missing,
    on_one_thread,
    ratios,
)

import cgcli

# ---- Lotka and Volterra by Runge-Kutta: the foxes of the last day and their derivatives by four rates

RATES = {"born": 1.1, "eaten": 0.4, "fed": 0.1, "starved": 0.4}
START = (10.0, 5.0)
DAYS = 15.0
WITH_NUMBERS = """
input born; input eaten; input fed; input starved
input dt
input steps: int
r = 10
f = 5
for t in 0..steps {
    r1 = born * r - eaten * r * f
    f1 = fed * r * f - starved * f
    ra = r + dt / 2 * r1
    fa = f + dt / 2 * f1
    r2 = born * ra - eaten * ra * fa
    f2 = fed * ra * fa - starved * fa
    rb = r + dt / 2 * r2
    fb = f + dt / 2 * f2
    r3 = born * rb - eaten * rb * fb
    f3 = fed * rb * fb - starved * fb
    rc = r + dt * r3
    fc = f + dt * f3
    r4 = born * rc - eaten * rc * fc
    f4 = fed * rc * fc - starved * fc
    r = r + dt / 6 * (r1 + 2 * r2 + 2 * r3 + r4)
    f = f + dt / 6 * (f1 + 2 * f2 + 2 * f3 + f4)
}
output foxes = f
"""
ODE_IN_C = r"""
#include <stdlib.h>
typedef struct { double r, f; } pair;
static pair rate(const double *p, pair y) {
  double m = y.r * y.f;
  return (pair){p[0] * y.r - p[1] * m, p[2] * m - p[3] * y.f};
}
/* adds to the adjoints of y and p what comes back through rate(p, y) from g */
static pair back(const double *p, pair y, pair g, double *q) {
  double m = y.r * y.f, by_m = p[2] * g.f - p[1] * g.r;
  q[0] += g.r * y.r; q[1] -= g.r * m; q[2] += g.f * m; q[3] -= g.f * y.f;
  return (pair){p[0] * g.r + by_m * y.f, by_m * y.r - p[3] * g.f};
}
static pair along(pair y, double h, pair k) { return (pair){y.r + h * k.r, y.f + h * k.f}; }
/* out: the value and its derivatives by the four rates; states: room for those of all steps */
void ode(const double *p, double dt, long steps, double *out, pair *states) {
  pair y = {10, 5};
  for (long t = 0; t < steps; t++) {
    states[t] = y;
    pair k1 = rate(p, y), k2 = rate(p, along(y, dt / 2, k1)), k3 = rate(p, along(y, dt / 2, k2));
    pair k4 = rate(p, along(y, dt, k3));
    y.r += dt / 6 * (k1.r + 2 * k2.r + 2 * k3.r + k4.r);
    y.f += dt / 6 * (k1.f + 2 * k2.f + 2 * k3.f + k4.f);
  }
  double q[4] = {0, 0, 0, 0};
  pair g = {0, 1};
  out[0] = y.f;
  for (long t = steps - 1; t >= 0; t--) {
    y = states[t];
    pair k1 = rate(p, y), a = along(y, dt / 2, k1), k2 = rate(p, a), b = along(y, dt / 2, k2), k3 = rate(p, b);
    pair c = along(y, dt, k3);
    pair g1 = {dt / 6 * g.r, dt / 6 * g.f}, g2 = {2 * g1.r, 2 * g1.f}, g3 = g2, x = g;
    pair s = back(p, c, g1, q);
    x = along(x, 1, s); g3 = along(g3, dt, s);
    s = back(p, b, g3, q);
    x = along(x, 1, s); g2 = along(g2, dt / 2, s);
    s = back(p, a, g2, q);
    x = along(x, 1, s); g1 = along(g1, dt / 2, s);
    g = along(x, 1, back(p, y, g1, q));
  }
  for (int k = 0; k < 4; k++) out[k + 1] = q[k];
}
"""


def ode_in_c(steps: int, flags: tuple[str, ...]) -> Run:
    function = c_functions(ODE_IN_C, flags).ode
    rates, out, states = np.array(list(RATES.values())), np.zeros(5), np.zeros((steps, 2))
    arguments = c_array(rates), ctypes.c_double(DAYS / steps), ctypes.c_long(steps), c_array(out), c_array(states)
    return lambda: (function(*arguments), out)[1]


def ode_in_jax(steps: int) -> Run:
    import jax
    from jax import lax

    dt = DAYS / steps

    def foxes(born: Any, eaten: Any, fed: Any, starved: Any) -> Any:
        def rate(r: Any, f: Any) -> Any:
            return born * r - eaten * r * f, fed * r * f - starved * f

        def step(y: Any, _: Any) -> Any:
            r, f = y
            r1, f1 = rate(r, f)
            r2, f2 = rate(r + dt / 2 * r1, f + dt / 2 * f1)
            r3, f3 = rate(r + dt / 2 * r2, f + dt / 2 * f2)
            r4, f4 = rate(r + dt * r3, f + dt * f3)
            return (r + dt / 6 * (r1 + 2 * r2 + 2 * r3 + r4), f + dt / 6 * (f1 + 2 * f2 + 2 * f3 + f4)), None

        return lax.scan(step, START, None, length=steps)[0][1]

    both = jax.jit(jax.value_and_grad(foxes, argnums=(0, 1, 2, 3)))

    def run() -> Any:
        value, gradient = jax.block_until_ready(both(*RATES.values()))
        return np.array([value, *gradient])

    return run


def ode_in_casadi(steps: int) -> Run:
    import casadi

    dt = DAYS / steps
    state = casadi.SX.sym("state", 6)
    p = state[2:]

    def rate(y: Any) -> Any:
        return casadi.vertcat(p[0] * y[0] - p[1] * y[0] * y[1], p[2] * y[0] * y[1] - p[3] * y[1])

    y = state[:2]
    k1 = rate(y)
    k2 = rate(y + dt / 2 * k1)
    k3 = rate(y + dt / 2 * k2)
    k4 = rate(y + dt * k3)
    new = casadi.vertcat(y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), p)
    whole = casadi.Function("step", [state], [new]).fold(steps)
    rates = casadi.MX.sym("rates", 4)
    value = whole(casadi.vertcat(*START, rates))[1]
    both = casadi.Function("both", [rates], [value, casadi.gradient(value, rates)])
    arguments = list(RATES.values())

    def run() -> Any:
        value, gradient = both(arguments)
        return np.array([float(value), *np.array(gradient).ravel()])

    return run


def ode_in_cg(text: str, extra: dict[str, Any], steps: int) -> Run:
    program, values = cgcli.parse(text), {**RATES, **extra, "steps": steps, "dt": DAYS / steps}

    def run() -> Any:
        gradient = program.grad(values, of="foxes", wrt=list(RATES))
        return np.array([gradient.value, *gradient.partials.values()])

    return run


def ode() -> Iterator[Figure]:
    vectors = (SAMPLES / "ode.cg").read_text(encoding="utf-8"), {"start": list(START)}
    a_step = {}
    for name, (text, extra) in {"numbers": (WITH_NUMBERS, {}), "vectors": vectors}.items():
        steps = largest(partial(ode_in_cg, text, extra), (1_000, 10_000, 100_000), 4.0)
        sides = {"cg": ode_in_cg(text, extra, steps)}
        if is_installed("jax"):
            sides["JAX"] = ode_in_jax(steps)
        if is_installed("casadi"):
            sides["CasADi"] = ode_in_casadi(steps)
        if not missing("gcc"):
            sides["gcc -O3, not contracted"] = ode_in_c(steps, STRICT_C)
            sides["gcc -O3"] = ode_in_c(steps, ("-O3", "-march=native"))
        agree(sides, 1e-8)
        times = medians(sides)
        peers, a_step[name] = ratios(times), times["cg"] / steps * 1e9
        work = f"ODE loop, {name}, {steps:,} steps, 4 derivatives"
        if name == "numbers":
            reached = [peers[p] for p in ("JAX", "CasADi") if p in peers]
            met = all(r >= 40 for r in reached) and peers.get("gcc -O3", 1) >= 1
            aim = "≥ 40 × JAX and CasADi, ≥ 1.0 × gcc -O3"
            shown = f"{a_step[name]:.1f} ns a step"
        else:
            ratio = a_step["vectors"] / a_step["numbers"]
            met, aim, shown = ratio <= 2, "≤ 2 × the same with numbers", f"{ratio:.2f} × ({a_step[name]:.1f} ns a step)"
        yield Figure(work, aim, shown, met, peers, missing("jax", "casadi", "gcc"))


# ---- loops that write elements

DISTANCE_IN_C = r"""
#include <math.h>
/* D and E: (n + 1) by (m + 1) and (n + 2) by (m + 2). by_x, by_y: room for the derivatives, or 0 for the value alone */
double soft_dtw(long n, long m, const double *x, const double *y, double gamma, double *D, double *E, double *by_x,
                double *by_y) {
  long w = m + 1, v = m + 2;
  for (long k = 0; k < (n + 1) * w; k++) D[k] = 1e10;
  D[0] = 0;
  for (long i = 1; i <= n; i++)
    for (long j = 1; j <= m; j++) {
      double a = D[(i - 1) * w + j - 1], b = D[(i - 1) * w + j], c = D[i * w + j - 1], d = x[i - 1] - y[j - 1];
      double least = a < b ? a : b;
      if (c < least) least = c;
      double ways = exp((least - a) / gamma) + exp((least - b) / gamma) + exp((least - c) / gamma);
      D[i * w + j] = d * d + least - gamma * log(ways);
    }
  if (by_x) {
    for (long k = 0; k < (n + 2) * v; k++) E[k] = 0;
    for (long i = 0; i < n; i++) by_x[i] = 0;
    for (long j = 0; j < m; j++) by_y[j] = 0;
    E[n * v + m] = 1;
    for (long i = n; i >= 1; i--)
      for (long j = m; j >= 1; j--) {
        double e = E[i * v + j], d = x[i - 1] - y[j - 1], soft = D[i * w + j] - d * d;
        /* what each way has of the soft minimum, by the cell that it led to */
        if (i > 1 && j > 1) E[(i - 1) * v + j - 1] += e * exp((soft - D[(i - 1) * w + j - 1]) / gamma);
        if (i > 1) E[(i - 1) * v + j] += e * exp((soft - D[(i - 1) * w + j]) / gamma);
        if (j > 1) E[i * v + j - 1] += e * exp((soft - D[i * w + j - 1]) / gamma);
        by_x[i - 1] += 2 * e * d;
        by_y[j - 1] -= 2 * e * d;
      }
  }
  return D[n * w + m];
}
long edit_distance(long n, long m, const long *x, const long *y, long *D) {
  long w = m + 1;
  for (long i = 0; i <= n; i++) D[i * w] = i;
  for (long j = 0; j <= m; j++) D[j] = j;
  for (long i = 1; i <= n; i++)
    for (long j = 1; j <= m; j++) {
      long change = D[(i - 1) * w + j - 1] + (x[i - 1] != y[j - 1]);
      long drop = D[(i - 1) * w + j] + 1, add = D[i * w + j - 1] + 1;
      long least = change < drop ? change : drop;
      D[i * w + j] = add < least ? add : least;
    }
  return D[n * w + m];
}
"""
EDIT_DISTANCE = """
input x: int[n]
input y: int[m]
D = zeros([n + 1, m + 1])
for i in 0..n + 1 { D[i, 0] = i }
for j in 0..m + 1 { D[0, j] = j }
for i in 0..n {
    for j in 0..m {
        change = D[i, j] + (if x[i] == y[j] then 0 else 1)
        D[i + 1, j + 1] = min(change, D[i, j + 1] + 1, D[i + 1, j] + 1)
    }
}
output distance = D[n, m]
"""


def soft_dtw_side(n: int, *, gradient: bool) -> Run:
    from programs import load, values_of

    program, values = load("soft_dtw"), values_of("soft_dtw", n / 100)
    if not gradient:
        return lambda: np.array([program(values)])

    def run() -> Any:
        value, by = program.value_and_grad(values, wrt=["x", "y"])
        return np.array([value, *by["x"], *by["y"]])

    return run


def soft_dtw_in_c(n: int, *, gradient: bool) -> Run:
    from programs import values_of

    values, function = values_of("soft_dtw", n / 100), c_functions(DISTANCE_IN_C).soft_dtw
    function.restype = ctypes.c_double
    x, y = np.ascontiguousarray(values["x"]), np.ascontiguousarray(values["y"])
    tables, out = (np.zeros((n + 1, n + 1)), np.zeros((n + 2, n + 2))), np.zeros(2 * n)
    pointers = [c_array(out), c_array(out[n:])] if gradient else [None, None]
    gamma = ctypes.c_double(values["gamma"])
    arguments = (ctypes.c_long(n), ctypes.c_long(n), c_array(x), c_array(y), gamma, *map(c_array, tables), *pointers)

    def run() -> Any:
        value = function(*arguments)
        return np.array([value, *out]) if gradient else np.array([value])

    return run


def soft_dtw_in_jax(n: int, *, gradient: bool) -> Run:
    import jax
    from jax_programs import soft_dtw
    from programs import values_of

    values = values_of("soft_dtw", n / 100)
    work = jax.jit(jax.value_and_grad(soft_dtw, argnums=(0, 1)) if gradient else soft_dtw)

    def run() -> Any:
        result = jax.block_until_ready(work(*values.values()))
        return np.array([result[0], *result[1][0], *result[1][1]]) if gradient else np.array([result])

    return run


def words(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"x": rng.integers(0, 4, n), "y": rng.integers(0, 4, n)}


def edit_distance_side(n: int) -> Run:
    program, values = cgcli.parse(EDIT_DISTANCE), words(n)
    return lambda: np.array([program(values)])


def edit_distance_in_c(n: int) -> Run:
    values, function, table = words(n), c_functions(DISTANCE_IN_C).edit_distance, np.zeros((n + 1, n + 1), np.int64)
    function.restype = ctypes.c_long
    arguments = (ctypes.c_long(n), ctypes.c_long(n), c_array(values["x"]), c_array(values["y"]), c_array(table))
    return lambda: np.array([function(*arguments)])


SIDES_OF_TABLES = (20, 50, 100, 300, 1_000)


def elements() -> Iterator[Figure]:
    for gradient in (False, True):
        n = largest(partial(soft_dtw_side, gradient=gradient), SIDES_OF_TABLES, 4.0)
        sides = {"cg": soft_dtw_side(n, gradient=gradient)}
        if not missing("gcc"):
            sides["C"] = soft_dtw_in_c(n, gradient=gradient)
        if is_installed("jax"):
            sides["JAX"] = soft_dtw_in_jax(n, gradient=gradient)
        what = "value and gradient" if gradient else "value"
        yield element_figure(f"soft-DTW, {what}, {n} × {n}", sides, n, ("gcc", "jax"))
    n = largest(edit_distance_side, SIDES_OF_TABLES, 4.0)
    sides = {"cg": edit_distance_side(n)}
    if not missing("gcc"):
        sides["C"] = edit_distance_in_c(n)
    yield element_figure(f"edit distance, {n} × {n}", sides, n, ("gcc",))


def element_figure(work: str, sides: dict[str, Run], n: int, peers: tuple[str, ...]) -> Figure:
    agree(sides, 1e-8)
    times = medians(sides)
    reached, met = f"{times['cg'] / n**2 * 1e9:,.0f} ns a cell", False
    if "C" in times:
        reached = f"{times['cg'] / times['C']:.1f} × ({reached})"
        met = times["cg"] <= 5 * times["C"]
    return Figure(work, "≤ 5 × C", reached, met, ratios(times), missing(*peers))


if __name__ == "__main__":
    on_one_thread()
    for row in (*ode(), *elements()):
        print(row.show(), flush=True)
