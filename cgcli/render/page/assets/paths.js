/** The paths from a card to the output: the largest products, the others counted and summed, never listed. */

const MOST_LISTED = 10;

/**
 * @typedef {{product: number, arrow: number, rest: Path | null}} Path from a card on: its first arrow, then the rest
 * @typedef {{largest: Path[], others: number, othersSum: number}} Paths
 */

/** @param {number} x */
const size = (x) => (Number.isNaN(x) ? Infinity : Math.abs(x));

/**
 * The arrows on paths from a card to the output, with their sources, from the output back.
 * @param {import("./data.js").Model} model
 * @param {number} of
 * @param {number} from
 * @returns {{arrows: Set<number>, cards: number[]}}
 */
export function arrowsToOutput(model, of, from) {
  const reaching = model.reaching(of);
  const arrows = new Set();
  const seen = new Set([from]);
  const queue = [from];
  for (let n = 0; n < queue.length; n++) {
    for (const k of model.consumers[queue[n]]) {
      const { target, style } = model.arrows[k];
      if (style === "condition" || !reaching[target]) continue;
      arrows.add(k);
      if (!seen.has(target)) {
        seen.add(target);
        queue.push(target);
      }
    }
  }
  return { arrows, cards: model.order.filter((id) => seen.has(id)).reverse() };
}

/**
 * The paths with their products; null where an arrow on them carries no single number.
 * @param {import("./data.js").Model} model
 * @param {import("./frame.js").Frame} frame
 * @param {number} from
 * @returns {Paths | null}
 */
export function pathsToOutput(model, frame, from) {
  const of = frame.state.of;
  if (!model.of.length || !model.reaching(of)[from]) return null;
  const { arrows, cards } = arrowsToOutput(model, of, from);
  const followed = new Set([...arrows].filter((k) => !isUntaken(model, frame, k)));
  for (const k of followed) if (model.arrows[k].slot < 0) return null;
  /** @type {Map<number, Paths>} */
  const paths = new Map();
  for (const id of cards) {
    const largest = id === model.of[of].card ? [{ product: 1, arrow: -1, rest: null }] : [];
    let others = 0;
    let othersSum = 0;
    /** @type {Path[]} */
    const candidates = [...largest];
    for (const k of model.consumers[id]) {
      const below = followed.has(k) ? paths.get(model.arrows[k].target) : undefined;
      if (!below) continue;
      const partial = frame.slots[model.arrows[k].slot];
      for (const rest of below.largest) candidates.push({ product: partial * rest.product, arrow: k, rest });
      others += below.others;
      if (below.others) othersSum += partial * below.othersSum;
    }
    candidates.sort((p, q) => size(q.product) - size(p.product) || p.arrow - q.arrow);
    for (const path of candidates.slice(MOST_LISTED)) {
      others += 1;
      othersSum += path.product;
    }
    paths.set(id, { largest: candidates.slice(0, MOST_LISTED), others, othersSum });
  }
  return paths.get(from) ?? null;
}

/**
 * @param {import("./data.js").Model} model
 * @param {import("./frame.js").Frame} frame
 * @param {number} k
 */
const isUntaken = (model, frame, k) =>
  frame.muted.has(model.arrows[k].source) || frame.muted.has(model.arrows[k].target);

/**
 * The cards along a path.
 * @param {import("./data.js").Model} model
 * @param {number} from
 * @param {Path} path
 */
export function pathCards(model, from, path) {
  const cards = [from];
  for (let rest = /** @type {Path | null} */ (path); rest && rest.arrow >= 0; rest = rest.rest) {
    cards.push(model.arrows[rest.arrow].target);
  }
  return cards;
}
