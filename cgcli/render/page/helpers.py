"""Functions of JavaScript that the printed text calls: what the language lacks, exactly as the loop form means it.

`fma` rounds a·b + c once. Of ordinary numbers it adds the product's error (G. W. Veltkamp's splitting, T. J. Dekker,
1971) and that of the sum p + c. The sum of both errors is rounded too; what that loses counts only where the result
would be half way between two numbers. Near the ends of the range it computes in integers of any size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Helper(NamedTuple):
    """text: a declaration. needs: the helpers that it calls."""

    text: str
    needs: tuple[str, ...] = ()


HELPERS = {
    "view": Helper("const view = new DataView(new ArrayBuffer(8));"),
    "powers": Helper(
        """\
const powers = new Float64Array(2098); // 2^-1074 to 2^1023
for (let n = 0, x = 5e-324; n < 2098; n++, x *= 2) powers[n] = x;"""
    ),
    "ldexp": Helper(
        """\
function ldexp(x, k) { // what is left to scale by keeps a small number from being rounded twice
  for (; k > 1023; k -= 1023) x *= 8.98846567431158e+307;
  for (; k < -1074; k += 969) x *= 2.004168360008973e-292;
  return x * powers[k + 1074];
}""",
        ("powers",),
    ),
    "mantissa": Helper(
        """\
function mantissa(x) {
  view.setFloat64(0, x < 2.2250738585072014e-308 ? x * 18014398509481984 : x);
  view.setInt32(0, view.getInt32(0) & 1048575 | 1072693248);
  const m = view.getFloat64(0);
  return m < 1.4142135623730951 ? m : 0.5 * m;
}""",
        ("view",),
    ),
    "exponent": Helper(
        """\
function exponent(x) {
  const small = x < 2.2250738585072014e-308;
  view.setFloat64(0, small ? x * 18014398509481984 : x);
  const high = view.getInt32(0);
  view.setInt32(0, high & 1048575 | 1072693248);
  return (high >> 20) - (small ? 1077 : 1023) + (view.getFloat64(0) < 1.4142135623730951 ? 0 : 1);
}""",
        ("view",),
    ),
    "bitsOf": Helper(
        """\
function bitsOf(x) {
  view.setFloat64(0, x);
  return Number(view.getBigInt64(0));
}""",
        ("view",),
    ),
    "fromBits": Helper(
        """\
function fromBits(n) {
  view.setBigInt64(0, BigInt(n));
  return view.getFloat64(0);
}""",
        ("view",),
    ),
    "round": Helper(
        """\
function round(x) { // to the nearest integer, a half to the even one
  const size = Math.abs(x);
  if (!(size < 4503599627370496)) return x;
  const y = size + 4503599627370496 - 4503599627370496;
  return x < 0 ? -y : x > 0 ? y : x;
}"""
    ),
    "copysign": Helper(
        """\
function copysign(x, y) {
  return y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x);
}"""
    ),
    "floorDiv": Helper(
        """\
function floorDiv(a, b) {
  const rest = a % b, q = (a - rest) / b;
  return (b < 0 ? rest > 0 : rest < 0) ? q - 1 : q + 0;
}"""
    ),
    "mod": Helper(
        """\
function mod(a, b) {
  const rest = a % b;
  return (b < 0 ? rest > 0 : rest < 0) ? rest + b : rest + 0;
}"""
    ),
    "fma": Helper(
        """\
function fma(a, b, c) {
  const p = a * b, size = Math.abs(p);
  if (size > 1e-290 && size < 1e300) {
    const x = a * 134217729, y = b * 134217729;
    const ah = x - (x - a), al = a - ah, bh = y - (y - b), bl = b - bh;
    const error = al * bl - (p - ah * bh - al * bh - ah * bl);
    const s = p + c, d = s - p, t = p - (s - d) + (c - d);
    const w = t + error, u = w - t, lost = t - (w - u) + (error - u);
    const r = s + w, rest = w - (r - s), other = r + 2 * rest;
    // half way between r and another number but for what is lost: the other one may be nearer
    if (other - r === 2 * rest && rest !== 0 && lost !== 0 && lost > 0 === rest > 0) return other;
    if (r === r) return r;
  }
  return rareFma(a, b, c);
}""",
        ("rareFma",),
    ),
    "rareFma": Helper(
        """\
function rareFma(a, b, c) {
  if (a === 0 || b === 0 || !Number.isFinite(a) || !Number.isFinite(b)) return a * b + c;
  if (!Number.isFinite(c)) return c;
  if (Math.abs(a * b) < 1e-289 && Math.abs(c) > 1e-270) return c;
  const [l, i] = whole(a), [m, j] = whole(b), [n, k] = whole(c);
  const e = Math.min(i + j, k);
  return nearest((l * m << BigInt(i + j - e)) + (n << BigInt(k - e)), e);
}""",
        ("whole", "nearest"),
    ),
    "whole": Helper(
        """\
function whole(x) { // n and e with x = n 2^e
  view.setFloat64(0, x);
  const e = view.getInt32(0) >>> 20 & 2047, low = BigInt.asUintN(52, view.getBigInt64(0));
  const n = e === 0 ? low : low | 4503599627370496n;
  return [x < 0 ? -n : n, Math.max(e, 1) - 1075];
}""",
        ("view",),
    ),
    "nearest": Helper(
        """\
function nearest(n, e) { // n 2^e, rounded once
  let size = n < 0n ? -n : n;
  const drop = Math.max(size.toString(2).length - 53, -1074 - e);
  if (drop > 0) {
    const half = 1n << BigInt(drop - 1), rest = BigInt.asUintN(drop, size);
    size >>= BigInt(drop);
    if (rest > half || rest === half && (size & 1n) === 1n) size += 1n;
    e += drop;
  }
  const x = ldexp(Number(size), e);
  return n < 0n ? -x : x;
}""",
        ("ldexp",),
    ),
    "zeros": Helper(
        """\
function zeros(buffer, n) { // the memory of before where it fits
  return buffer.length === n ? buffer.fill(0) : new buffer.constructor(n);
}"""
    ),
    "grown": Helper(
        """\
function grown(buffer, n) { // with room for n elements
  if (n <= buffer.length) return buffer;
  const more = new buffer.constructor(Math.max(64, 2 * n));
  more.set(buffer);
  return more;
}"""
    ),
}
"""By name, in any order."""


def with_needs(names: Iterable[str]) -> list[str]:
    """These helpers and all that they call, in the order of the table."""
    waiting, all_names = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in all_names:
            all_names.add(name)
            waiting += HELPERS[name].needs
    return [name for name in HELPERS if name in all_names]
