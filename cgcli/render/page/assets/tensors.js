/** A tensor at large: its map with the index under the pointer, and a histogram of its elements. */

import { html, setText, svg } from "./dom.js";
import { fullText, shortText } from "./numbers.js";

const LEVELS = 16; // colours of each sign

export function makeTensorView() {
  const value = makeMap("The value");
  const derivative = makeMap("The derivative");
  const element = html("div", { hidden: true }, value.element, derivative.element);
  return {
    element,
    /**
     * @param {import("./data.js").Card} card
     * @param {import("./frame.js").Frame} frame
     */
    draw(card, frame) {
      element.hidden = !card.tensor;
      if (!card.tensor) return;
      value.draw(card.tensor.value);
      derivative.draw(card.tensor.derivative[frame.state.of] ?? null);
    },
  };
}

/** @param {string} title */
function makeMap(title) {
  const canvas = html("canvas", { class: "map", role: "img", pointermove: point, pointerleave: leave });
  const words = html("p", { class: "quiet number" });
  const bars = svg("svg", { class: "histogram", viewBox: "0 0 288 74", role: "img" });
  const element = html("section", {}, html("h2", {}, title), canvas, words, bars);
  /** @type {import("./data.js").Tensor | null} */
  let tensor = null;
  let theme = "";

  /** @param {import("./data.js").Tensor | null} next */
  function draw(next) {
    element.hidden = !next;
    const nextTheme = document.documentElement.dataset.theme ?? "";
    if (!next || (next === tensor && theme === nextTheme)) return;
    [tensor, theme] = [next, nextTheme];
    paint(next);
    leave();
    bars.replaceChildren(...histogram(next));
  }

  /** @param {import("./data.js").Tensor} t */
  function paint({ rows, columns, cells, shape }) {
    canvas.width = columns;
    canvas.height = rows;
    canvas.style.aspectRatio = `${columns} / ${Math.max(rows, columns / 12)}`;
    canvas.setAttribute("aria-label", `map of a tensor of shape ${shape.join(" × ")}`);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const largest = cells.reduce((/** @type {number} */ most, x) => (isNumber(x) ? Math.max(most, Math.abs(Number(x))) : most), 0);
    cells.forEach((cell, k) => {
      const x = cell === null ? NaN : Number(cell);
      const share = largest > 0 ? Math.min(1, Math.abs(x) / largest) : 0;
      const level = Math.round(Math.sqrt(share) * LEVELS) * (x < 0 ? -1 : 1);
      const role = Number.isNaN(x) ? "--nothing" : `--cell-${level + 0}`;
      context.fillStyle = style.getPropertyValue(role);
      context.fillRect(k % columns, Math.floor(k / columns), 1, 1);
    });
  }

  /** @param {PointerEvent} event */
  function point(event) {
    if (!tensor) return;
    const box = canvas.getBoundingClientRect();
    const r = Math.min(tensor.rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * tensor.rows)));
    const c = Math.min(tensor.columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * tensor.columns)));
    const cell = tensor.cells[r * tensor.columns + c];
    const [height, width] = tensor.full;
    const whole = height === tensor.rows && width === tensor.columns;
    const number = cell === null ? "none" : fullText(Number(cell), "float");
    const place = whole
      ? `[${[...tensor.shape.slice(2).fill(0), r, c].slice(-tensor.shape.length).join(", ")}]`
      : `rows ${spread(r, tensor.rows, height)}, columns ${spread(c, tensor.columns, width)}: largest`;
    setText(words, `${place} ${whole ? "=" : ""} ${number}`);
  }

  function leave() {
    if (!tensor) return;
    const { shape, summary, norm, nan, more } = tensor;
    const facts = [shape.join(" × "), summary, `norm ${shortText(Number(norm), "float")}`];
    if (nan) facts.push(`${nan} NaN`);
    if (more) facts.push(`${more} more slices`);
    setText(words, facts.join(", "));
  }

  return { element, draw };
}

/** @param {any} x */
const isNumber = (x) => x !== null && Number.isFinite(Number(x));

/**
 * The rows that a cell of a pooled map stands for.
 * @param {number} cell
 * @param {number} cells
 * @param {number} full
 */
function spread(cell, cells, full) {
  const first = Math.floor((cell * full) / cells);
  const last = Math.max(first, Math.floor(((cell + 1) * full) / cells) - 1);
  return first === last ? String(first) : `${first}–${last}`;
}

/** @param {import("./data.js").Tensor} tensor */
function histogram({ histogram: h }) {
  if (!h || !h.counts.length) return [];
  const most = Math.max(...h.counts, 1);
  const width = 288 / h.counts.length;
  const bars = h.counts.map((count, k) => {
    const height = (count / most) * 52;
    const title = svg("title", {}, String(count));
    return svg("rect", { class: "bar", x: k * width + 0.5, y: 54 - height, width: width - 1, height }, title);
  });
  const text = (/** @type {number} */ x, /** @type {string} */ anchor, /** @type {number} */ value) =>
    svg("text", { class: "axis", x, y: 70, "text-anchor": anchor }, shortText(Number(value), "float"));
  return [...bars, text(0, "start", h.low), text(288, "end", h.high)];
}
