/** Numbers as text, and back. A minus is U+2212; a power of ten is written `1.2e−10`. */

/** @param {string} text */
const typographic = (text) => text.replace("e+", "e").replaceAll("-", "−");

/** @param {string} type */
export const isWhole = (type) => type === "int" || type === "i32";

/**
 * The number with the fewest digits that is the same f32.
 * @param {number} x
 */
function shortestSingle(x) {
  if (!Number.isFinite(x) || Math.fround(x) !== x) return x;
  for (let digits = 1; digits < 10; digits++) {
    const near = Number(x.toPrecision(digits));
    if (Math.fround(near) === x) return near;
  }
  return x;
}

/**
 * All digits of a number, the fewest that read back to the same value.
 * @param {number} x
 * @param {string} type
 */
export function fullText(x, type) {
  if (type === "bool") return x ? "true" : "false";
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞";
  if (Object.is(x, -0)) return "−0";
  const value = type === "f32" ? shortestSingle(x) : x;
  const size = Math.abs(value);
  const exponent = size !== 0 && (size < 1e-4 || size >= 1e16) && !isWhole(type);
  return typographic(exponent ? value.toExponential() : String(value));
}

/**
 * A number in a given room: at most so many significant digits and letters.
 * @param {number} x
 * @param {string} type
 * @param {number} [digits]
 * @param {number} [letters]
 */
export function shortText(x, type, digits = 5, letters = 9) {
  const full = fullText(x, type);
  if (!Number.isFinite(x) || type === "bool" || x === 0 || (isWhole(type) && full.length <= letters)) return full;
  let text = full;
  for (let kept = digits; kept > 0; kept--) {
    const near = Number(x.toPrecision(kept));
    const size = Math.abs(near);
    text = typographic(size >= 1e-3 && size < 10 ** digits ? String(near) : near.toExponential());
    if (text.length <= letters) return text;
  }
  return text;
}

/**
 * A derivative, whose zero has no sign.
 * @param {number} x
 */
export const derivativeText = (x) => shortText(x + 0, "float");

/**
 * A number inside an equation: negative ones stand in parentheses.
 * @param {string} text
 */
export const operand = (text) => (text.startsWith("−") ? `(${text})` : text);

/**
 * What somebody typed, as a value of the type; null where it is none.
 * @param {string} text
 * @param {string} type
 * @returns {number | null}
 */
export function parseNumber(text, type) {
  const plain = text.trim().replaceAll("−", "-").replace("∞", "Infinity").replace(/inf$/i, "Infinity");
  if (/^[+-]?nan$/i.test(plain)) return isWhole(type) ? null : NaN;
  if (!/^[+-]?((\d[\d_]*)?\.?\d*(e[+-]?\d+)?|Infinity)$/i.test(plain) || !/\d|Infinity/.test(plain)) return null;
  const x = Number(plain.replaceAll("_", ""));
  if (Number.isNaN(x)) return null;
  if (isWhole(type)) {
    const limit = type === "i32" ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
    return Number.isInteger(x) && Math.abs(x) <= limit ? x + 0 : null;
  }
  return type === "f32" ? Math.fround(x) : x;
}

/**
 * A step of 1, 2 or 5 times a power of ten, so that about so many of them fill the range.
 * @param {number} range
 * @param {number} count
 */
export function niceStep(range, count) {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  return (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10) * power;
}
