/** What is to be seen at one moment: the state, the numbers computed for it, and how far the player has come. */

import { isTensor } from "./data.js";

/**
 * @typedef {{card: number, back: boolean}} Step a card's value, or (back) its derivative
 * @typedef {Readonly<{state: import("./state.js").State, inputs: readonly number[], slots: ArrayLike<number>,
 *   series: number[][], problem: string, muted: ReadonlySet<number>, steps: readonly Step[],
 *   forwardAt: Int32Array, backAt: Int32Array, step: number, atStart: boolean, locked: boolean, settled: boolean}>} Frame
 *   inputs: those that the numbers are of; muted: cards on the other side of a branch; forwardAt, backAt: of each
 *   card the step that shows it, or -1; step: the player's, no larger than there are; atStart: whether the inputs
 *   are the recorded ones; locked: whether nothing recomputes; settled: whether no slider is moving
 */

/**
 * @param {import("./data.js").Model} model
 * @param {ArrayLike<number>} slots
 * @returns {Set<number>}
 */
export function mutedCards(model, slots) {
  const muted = new Set();
  for (const branch of model.branches) {
    const condition = slots[branch.slot];
    for (const id of condition === 1 ? branch.else : condition === 0 ? branch.then : []) muted.add(id);
  }
  return muted;
}

/**
 * The player's steps: every value, operands first; then every derivative, from the output back.
 * @param {import("./data.js").Model} model
 * @param {number} of
 * @param {ReadonlySet<number>} muted
 */
export function playerSteps(model, of, muted) {
  const reaching = model.reaching(of);
  /** @type {Step[]} */
  const steps = [];
  const forwardAt = new Int32Array(model.cards.length).fill(-1);
  const backAt = new Int32Array(model.cards.length).fill(-1);
  for (const card of model.order) {
    if (muted.has(card)) continue;
    forwardAt[card] = steps.length;
    steps.push({ card, back: false });
  }
  for (const card of [...model.order].reverse()) {
    if (muted.has(card) || !reaching[card] || !hasDerivative(model.cards[card], of)) continue;
    backAt[card] = steps.length;
    steps.push({ card, back: true });
  }
  return { steps, forwardAt, backAt };
}

/**
 * @param {import("./data.js").Card} card
 * @param {number} of
 */
const hasDerivative = (card, of) => (card.derivative[of] ?? -1) >= 0 || Boolean(card.tensor?.derivative[of]);

/**
 * The step that the scrubber of a card's loop shows; -1 where it shows the last.
 * @param {Frame} frame
 * @param {import("./data.js").Card} card
 */
export function scrubbed(frame, card) {
  if (card.loop < 0 || card.series < 0) return -1;
  const step = frame.state.loops[card.loop];
  return step >= 0 && step < (frame.series[card.series] ?? []).length - 1 ? step : -1;
}

/**
 * A card's value; null where it has no single number or is not computed.
 * @param {Frame} frame
 * @param {import("./data.js").Card} card
 * @returns {number | null}
 */
export function valueOf(frame, card) {
  if (frame.muted.has(card.id)) return null;
  const step = scrubbed(frame, card);
  if (step >= 0) return frame.series[card.series][step];
  if (card.value >= 0) return frame.slots[card.value];
  const series = card.series >= 0 ? frame.series[card.series] : undefined;
  return series?.length ? series[series.length - 1] : null;
}

/**
 * The derivative of the chosen output by a card; null where it has no single number, or none at this loop's step.
 * @param {Frame} frame
 * @param {import("./data.js").Card} card
 * @returns {number | null}
 */
export function derivativeOf(frame, card) {
  const slot = card.derivative[frame.state.of] ?? -1;
  return slot < 0 || frame.muted.has(card.id) || scrubbed(frame, card) >= 0 ? null : frame.slots[slot] + 0;
}

/**
 * The name of the output that is differentiated.
 * @param {import("./data.js").Model} model
 * @param {Frame} frame
 */
export const ofName = (model, frame) => model.of[frame.state.of]?.name ?? "";

/**
 * Whether a card shows recorded numbers although the inputs have changed: tensors are not computed anew.
 * @param {Frame} frame
 * @param {import("./data.js").Card} card
 */
export const isStale = (frame, card) => !frame.atStart && isTensor(card);
