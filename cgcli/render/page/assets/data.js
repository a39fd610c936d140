/** The data of the page: what Python wrote as JSON, with the indices that the panels look things up by. */

/**
 * @typedef {{shape: number[], summary: string, nan: number, norm: number, rows: number, columns: number,
 *   cells: (number | null)[], full: [number, number], more: number,
 *   histogram: {low: number, high: number, counts: number[]} | null}} Tensor
 * @typedef {{id: number, kind: string, title: string, formula: string, label: string, type: string, line: number,
 *   value: number, derivative: number[], how: (string | number)[],
 *   tensor?: {value: Tensor | null, derivative: (Tensor | null)[]} | null,
 *   series: number, loop: number}} Card
 * @typedef {{source: number, target: number, slot: number, prefix: string, rule: string, style: string}} Arrow
 * @typedef {{name: string, kind: string, type: string, value: any, low: any, high: any, card: number, doc: string}} Input
 * @typedef {{kind: string, id: number, title: string, shapes: any[][]}} Part
 * @typedef {{name: string, formula: string, description: string, theme: string, notes: string[],
 *   stops: Record<string, number>[], source: {name: string, lines: string[]},
 *   of: {name: string, card: number}[], inputs: Input[], why: string, slots: ArrayLike<number>, series: number[][],
 *   cards: Card[], arrows: Arrow[], loops: {title: string, group: number, cards: number[]}[],
 *   branches: {slot: number, then: number[], else: number[]}[],
 *   expected: {inputs: number[], pass: number, slots: number[]}[],
 *   scene: {width: number, height: number, parts: Part[]},
 *   themes: Record<string, Record<string, string>>}} PageData
 * @typedef {PageData & {consumers: number[][], operands: number[][], order: number[], start: number[],
 *   reaching: (of: number) => Uint8Array}} Model
 *   consumers, operands: of each card its arrows out and in; order: cards, operands first; start: the inputs' values;
 *   reaching: of an output, which cards have a way to it
 */

/**
 * JSON has no NaN and no infinities: they are strings there.
 * @param {any} x
 */
const toNumber = (x) => (x === null || x === undefined ? NaN : Number(x));

/**
 * @param {string} text
 * @returns {Model}
 */
export function readData(text) {
  const data = /** @type {PageData} */ (JSON.parse(text));
  const consumers = data.cards.map(() => /** @type {number[]} */ ([]));
  const operands = data.cards.map(() => /** @type {number[]} */ ([]));
  data.arrows.forEach((arrow, k) => {
    if (arrow.style === "next") return;
    consumers[arrow.source].push(k);
    operands[arrow.target].push(k);
  });
  data.slots = Float64Array.from(data.slots, toNumber);
  data.series = data.series.map((values) => values.map(toNumber));
  for (const point of data.expected) {
    point.inputs = point.inputs.map(toNumber);
    point.slots = point.slots.map(toNumber);
  }
  for (const input of data.inputs) {
    [input.low, input.high] = [toNumber(input.low), toNumber(input.high)];
  }
  if (!(data.theme in data.themes)) data.theme = data.theme === "print" ? "light" : "";
  const start = data.inputs.map((input) => toNumber(input.value));
  const order = operandsFirst(data, consumers, operands);
  /** @type {Map<number, Uint8Array>} */
  const reached = new Map();
  const reaching = (/** @type {number} */ of) => {
    let marks = reached.get(of);
    if (!marks) {
      marks = new Uint8Array(data.cards.length);
      if (data.of.length) marks[data.of[of].card] = 1;
      for (const id of [...order].reverse()) {
        for (const k of consumers[id]) {
          if (data.arrows[k].style !== "condition" && marks[data.arrows[k].target]) marks[id] = 1;
        }
      }
      reached.set(of, marks);
    }
    return marks;
  };
  return { ...data, consumers, operands, order, start, reaching };
}

/**
 * @param {PageData} data
 * @param {number[][]} consumers
 * @param {number[][]} operands
 */
function operandsFirst(data, consumers, operands) {
  const missing = operands.map((arrows) => arrows.length);
  const order = data.cards.filter((card) => !missing[card.id]).map((card) => card.id);
  for (let n = 0; n < order.length; n++) {
    for (const k of consumers[order[n]]) {
      if (--missing[data.arrows[k].target] === 0) order.push(data.arrows[k].target);
    }
  }
  const seen = new Set(order);
  return [...order, ...data.cards.map((card) => card.id).filter((id) => !seen.has(id))];
}

/** @param {Card} card */
export const isTensor = (card) => card.type.includes("[");

/**
 * A card's name in equations; what is no name stands in parentheses.
 * @param {Card} card
 */
export const nameInEquation = ({ title, label }) => (/^[\p{L}_][^\s(]*$/u.test(title) ? title : `(${title || label})`);
