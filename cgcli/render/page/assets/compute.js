/** Runs the reader's program: forward and backward at once. The script before this one defines `passes`. */

/**
 * @typedef {{status: number, slots: ArrayLike<number>, series: number[][]}} Result
 */

const MOST_LOOP_STEPS = 200_000;
const MOST_LIVE_SLOTS = 200_000;
const TOLERANCE = 1e-9;
const ROUNDING = 1e-4;
const STATUSES = [
  "",
  "an integer leaves its range",
  "a division by zero",
  "an index is out of range",
  "an assertion does not hold",
  "sizes do not fit",
  `a loop takes more than ${MOST_LOOP_STEPS} steps`,
  "out of memory",
  "an integer is beyond 2⁵³",
];

/** @type {((inputs: readonly number[], limit: number) => Result)[]} */
const compiled = typeof passes === "undefined" ? [] : passes;

/**
 * What the program computes at these inputs, with the derivatives of one output.
 * @param {readonly number[]} inputs
 * @param {number} of
 * @param {number} [steps] that loops may take
 * @returns {Result}
 */
export function compute(inputs, of, steps = MOST_LOOP_STEPS) {
  const pass = compiled[compiled.length > of ? of : 0];
  try {
    return pass([...inputs], steps);
  } catch {
    return { status: 7, slots: [], series: [] };
  }
}

/**
 * What stopped a run, in words.
 * @param {number} status
 * @param {number} of
 * @param {import("./data.js").Model} model
 */
export function stopped(status, of, model) {
  const node = Math.floor(status / 16);
  const line = model.stops[model.stops.length > of ? of : 0]?.[node];
  const words = STATUSES[status - 16 * node] ?? "the run stopped";
  return line ? `${words}, in line ${line}` : words;
}

/**
 * Whether the picture follows while a slider moves; else it does when the slider is let go.
 * @param {import("./data.js").Model} model
 */
export const isLive = (model) => model.slots.length <= MOST_LIVE_SLOTS;

/**
 * Whether two computations of a number agree; NaN equals NaN, and an infinity itself. What is tiny beside the largest
 * number may be what rounding leaves of a zero.
 * @param {number} x
 * @param {number} y
 * @param {number} largest
 */
const isNear = (x, y, largest) =>
  Object.is(x, y) ||
  x === y ||
  (Number.isFinite(x - y) && Math.abs(x - y) <= TOLERANCE * Math.max(Math.abs(x), Math.abs(y), largest * ROUNDING));

/**
 * Whether terms add up to a total, but for what rounding leaves of a zero.
 * @param {number[]} terms
 * @param {number} total
 */
export const addUp = (terms, total) => isNear(terms.reduce((sum, x) => sum + x, 0), total, Math.max(...terms.map(Math.abs)));

/**
 * Why the page must not compute: the first number of the expected ones that this browser computes otherwise.
 * @param {import("./data.js").Model} model
 */
export function checkExpected(model) {
  if (model.why) return model.why;
  for (const point of model.expected) {
    const result = compute(point.inputs, point.pass);
    if (result.status) return `A check stopped: ${stopped(result.status, point.pass, model)}.`;
    const largest = point.slots.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
    const slot = point.slots.findIndex((x, k) => !isNear(x, result.slots[k], largest));
    if (slot >= 0) {
      return `This browser computes ${slotName(slot, point.pass, model)} otherwise than cg; the sliders are locked.`;
    }
  }
  return "";
}

/**
 * @param {number} slot
 * @param {number} of
 * @param {import("./data.js").Model} model
 */
function slotName(slot, of, model) {
  const card = model.cards.find((each) => each.value === slot);
  if (card) return `the value of ${card.label}`;
  const derived = model.cards.find((each) => each.derivative[of] === slot);
  if (derived) return `the derivative by ${derived.label}`;
  const arrow = model.arrows.find((each) => each.slot === slot);
  return arrow ? `the derivative of ${model.cards[arrow.target].label} by ${model.cards[arrow.source].label}` : "a number";
}
