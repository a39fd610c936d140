/** Curves beside the chosen value: the output over an input with its tangent, or a loop's variable over the steps. */

import { html, pathThrough, setText, svg } from "./dom.js";
import { compute } from "./compute.js";
import { derivativeOf, scrubbed, valueOf } from "./frame.js";
import { isWhole, niceStep, shortText } from "./numbers.js";
import { isTensor } from "./data.js";

const POINTS = 120;
const WIDTH = 288;
const HEIGHT = 190;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 12, 24];
const MOST_PLOTTED_STEPS = 10_000; // of loops, at each point
const MOST_PLOTTED_SLOTS = 20_000; // as many points are computed while a slider moves

/** @param {import("./data.js").Model} model */
export function makePlot(model) {
  const heading = html("h2");
  const picture = svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const element = html("section", { hidden: true }, heading, picture);
  let key = "";
  /** @type {{xs: number[], ys: number[]}} */
  let points = { xs: [], ys: [] };

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function draw(card, frame) {
    const k = model.inputs.findIndex((input) => input.card === card.id);
    if (card.series >= 0 && (frame.series[card.series] ?? []).length > 1) return drawSeries(card, frame);
    if (k < 0 || !model.of.length || frame.locked || isTensor(card) || card.type === "bool") {
      element.hidden = true;
      return undefined;
    }
    return drawInput(k, card, frame);
  }

  /**
   * @param {number} k
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawInput(k, card, frame) {
    const output = model.of[frame.state.of];
    const target = model.cards[output.card];
    const at = frame.inputs[k];
    const [low, high] = rangeOf(model.inputs[k], at);
    element.hidden = target.value < 0 || !(high > low);
    if (element.hidden) return;
    const others = frame.inputs.filter((_, j) => j !== k);
    const nextKey = [k, frame.state.of, low, high, ...others].join();
    const live = model.slots.length <= MOST_PLOTTED_SLOTS;
    if (nextKey !== key && (live || frame.settled)) {
      points = sample(k, frame, low, high, target.value);
      key = nextKey;
    }
    picture.classList.toggle("stale", nextKey !== key);
    const slope = derivativeOf(frame, card);
    const y = valueOf(frame, target);
    const name = card.title || card.label;
    setText(heading, `${output.name} over ${name}, with the tangent at ${name} = ${shortText(at, card.type)}`);
    const discrete = isWhole(card.type);
    paintPlot({ ...points, x: at, y: y ?? NaN, slope: slope ?? NaN, low, high, discrete });
    picture.setAttribute("aria-label", `${output.name} over ${name} from ${shortText(low, "float")} to ${shortText(high, "float")}`);
  }

  /**
   * @param {number} k
   * @param {import("./frame.js").Frame} frame
   * @param {number} low
   * @param {number} high
   * @param {number} slot
   */
  function sample(k, frame, low, high, slot) {
    const xs = [];
    const whole = isWhole(model.inputs[k].type);
    const stride = whole ? Math.max(1, Math.ceil((high - low) / POINTS)) : (high - low) / (POINTS - 1);
    for (let n = 0; n < POINTS + 1 && low + n * stride <= high + stride * 1e-6; n++) xs.push(low + n * stride);
    const inputs = [...frame.inputs];
    const ys = xs.map((x) => {
      inputs[k] = model.inputs[k].type === "f32" ? Math.fround(x) : x;
      const result = compute(inputs, frame.state.of, MOST_PLOTTED_STEPS);
      return result.status ? NaN : result.slots[slot];
    });
    return { xs, ys };
  }

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawSeries(card, frame) {
    const ys = frame.series[card.series];
    element.hidden = false;
    key = "";
    const step = scrubbed(frame, card);
    const x = step >= 0 ? step : ys.length - 1;
    const name = card.title || card.label;
    setText(heading, `${name} over the steps of the loop`);
    picture.setAttribute("aria-label", `${name} from ${shortText(ys[0], card.type)} to ${shortText(ys[ys.length - 1], card.type)}`);
    const stride = Math.ceil(ys.length / 600);
    const xs = ys.map((_, n) => n).filter((n) => n % stride === 0 || n === ys.length - 1);
    const kept = xs.map((n) => ys[n]);
    paintPlot({ xs, ys: kept, x, y: ys[x], slope: NaN, low: 0, high: ys.length - 1, discrete: ys.length < 40 });
  }

  /**
   * @param {{xs: number[], ys: number[], x: number, y: number, slope: number, low: number, high: number,
   *   discrete: boolean}} plot
   */
  function paintPlot({ xs, ys, x, y, slope, low, high, discrete }) {
    const finite = [...ys, y].filter(Number.isFinite);
    if (!finite.length) return picture.replaceChildren(svg("text", { x: LEFT, y: 40, class: "axis" }, "no finite value"));
    const [bottom, top] = heights(finite);
    const across = (/** @type {number} */ v) => LEFT + ((v - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
    const up = (/** @type {number} */ v) => HEIGHT - BOTTOM - ((v - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
    /** @type {any[]} */
    const shapes = [];
    for (const tick of ticks(low, high, 4)) {
      const place = across(tick);
      shapes.push(svg("path", { class: tick === 0 ? "zero" : "grid", d: `M${place} ${TOP}V${HEIGHT - BOTTOM}` }));
      shapes.push(svg("text", { class: "axis", x: place, y: HEIGHT - 8, "text-anchor": "middle" }, shortText(tick, "float")));
    }
    for (const tick of ticks(bottom, top, 3)) {
      const place = up(tick);
      shapes.push(svg("path", { class: tick === 0 ? "zero" : "grid", d: `M${LEFT} ${place}H${WIDTH - RIGHT}` }));
      shapes.push(svg("text", { class: "axis", x: LEFT - 6, y: place + 4, "text-anchor": "end" }, shortText(tick, "float")));
    }
    const points = xs.map((v, n) => (ys[n] >= bottom && ys[n] <= top ? [across(v), up(ys[n])] : null));
    shapes.push(svg("path", { class: "curve", d: pathThrough(points) }));
    if (discrete) {
      xs.forEach((v, n) => {
        if (Number.isFinite(ys[n])) shapes.push(svg("circle", { class: "dot", cx: across(v), cy: up(ys[n]), r: 2.2 }));
      });
    }
    if (Number.isFinite(slope) && Number.isFinite(y)) shapes.push(tangent(x, y, slope, { low, high, bottom, top, across, up }));
    if (Number.isFinite(y)) shapes.push(svg("circle", { class: "point", cx: across(x), cy: up(y), r: 4.5 }));
    return picture.replaceChildren(...shapes);
  }

  return { element, draw };
}

/**
 * The range of an input's slider: what the program says, widened to the value.
 * @param {import("./data.js").Input} input
 * @param {number} x
 * @returns {[number, number]}
 */
export function rangeOf(input, x) {
  if (!Number.isFinite(x)) return [input.low, input.high];
  return [Math.min(input.low, x), Math.max(input.high, x)];
}

/**
 * From the lowest to the highest, with air; a few far-out values do not flatten the rest.
 * @param {number[]} values finite
 * @returns {[number, number]}
 */
function heights(values) {
  const sorted = [...values].sort((p, q) => p - q);
  const y = values[values.length - 1];
  let [low, high] = [sorted[0], sorted[sorted.length - 1]];
  const [inner, outer] = [sorted[Math.floor(sorted.length * 0.06)], sorted[Math.floor(sorted.length * 0.94)]];
  if (high - low > 20 * (outer - inner) && outer > inner) {
    [low, high] = [Math.min(y, inner - (outer - inner)), Math.max(y, outer + (outer - inner))];
  }
  const air = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function ticks(low, high, count) {
  const step = niceStep(high - low, count);
  const places = [];
  for (let n = Math.ceil(low / step); n * step <= high && places.length < 12; n++) places.push(Number((n * step).toPrecision(12)));
  return places;
}

/**
 * The tangent, as far as it stays in the picture.
 * @param {number} x
 * @param {number} y
 * @param {number} slope
 * @param {{low: number, high: number, bottom: number, top: number, across: (x: number) => number,
 *   up: (y: number) => number}} frame
 */
function tangent(x, y, slope, { low, high, bottom, top, across, up }) {
  let [from, to] = [low, high];
  if (slope !== 0) {
    const [p, q] = [x + (bottom - y) / slope, x + (top - y) / slope];
    from = Math.max(from, Math.min(p, q));
    to = Math.min(to, Math.max(p, q));
  }
  const d = `M${across(from)} ${up(y + slope * (from - x))}L${across(to)} ${up(y + slope * (to - x))}`;
  return svg("path", { class: "tangent", d });
}
