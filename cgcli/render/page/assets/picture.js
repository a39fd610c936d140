/** The picture: the display list as SVG, whose numbers, marks and curves follow the frame. */

import { pathThrough, svg } from "./dom.js";
import { derivativeText, fullText, shortText } from "./numbers.js";
import { derivativeOf, isStale, ofName, scrubbed, valueOf } from "./frame.js";
import { arrowsToOutput } from "./paths.js";

const RING = 5; // how far the ring of the chosen card stands off
const HEAD_AT = 42; // how far from a card the head of an arrow back stands, so that two of them do not meet

/** @param {string} role */
export const colour = (role) => (role ? `var(--${role.replaceAll(" ", "-")})` : "none");

/**
 * @typedef {{node: Text, what: string, id: number, at: number[], last: number | null | undefined}} ShownNumber
 * @typedef {{path: any, dot: any, id: number, box: number[], last: number[] | null, step: number}} Sparkline
 * @typedef {{element: any, mask: number, label: string}} Drawn
 */

/* Classes of cards and arrows, a bit each. */
const CHOSEN = 1;
const CURRENT = 2;
const NO_VALUE = 4;
const NO_DERIVATIVE = 8;
const MUTED = 16;
const STALE = 32;
const LIT = 64;
const BACK = 128;
const CLASSES = ["chosen", "current", "no-value", "no-derivative", "muted", "stale", "lit", "back"];

/**
 * @param {import("./data.js").Model} model
 * @param {(card: number) => void} choose
 */
export function makePicture(model, choose) {
  /** @type {ShownNumber[]} */
  const numbers = [];
  /** @type {Sparkline[]} */
  const sparklines = [];
  /** @type {Drawn[]} */
  const cards = [];
  /** @type {Drawn[][]} */
  const arrows = model.arrows.map(() => []);
  /** @type {number[][]} */
  const boxes = [];
  const world = svg("g", { class: "world" });
  const root = svg("svg", { class: "picture", role: "group", "aria-label": model.description }, world);
  /** What is in sight, in the scene's coordinates; only numbers that can be read there are written. */
  let sight = { left: 0, top: 0, right: 0, bottom: 0, legible: true };
  let hovered = -1;
  let lit = /** @type {Set<number>} */ (new Set());

  for (const part of model.scene.parts) {
    const group = svg("g", { class: part.kind });
    if (part.kind === "node") {
      boxes[part.id] = boundsOf(part.shapes);
      group.append(ring(boxes[part.id]));
      cards[part.id] = { element: group, mask: 0, label: "" };
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
      group.dataset.card = part.id;
    } else if (part.kind === "arrow" || part.kind === "label") {
      arrows[part.id].push({ element: group, mask: 0, label: "" });
      group.append(svg("title", {}, arrowTitle(part.id)));
    } else if (part.title) {
      group.append(svg("title", {}, part.title));
    }
    const rows = new Map(part.shapes.filter((s) => s[0] === "n").map((s) => [Math.round(s[3]), s[1]]));
    for (const shape of part.shapes) group.append(...drawn(shape, part, rows));
    world.append(group);
  }
  const enter = (/** @type {Event} */ event) => hover(cardOf(event.target));
  const leave = () => hover(-1);
  const handlers = { pointerover: enter, focusin: enter, pointerleave: leave, focusout: leave };
  for (const [name, handler] of Object.entries(handlers)) root.addEventListener(name, handler);

  /** @param {any} target */
  function cardOf(target) {
    const group = target.closest?.("g.node");
    return group ? Number(group.dataset.card) : -1;
  }

  /** @param {number} k */
  function arrowTitle(k) {
    const { source, target, rule } = model.arrows[k];
    const words = `${model.cards[source].label} → ${model.cards[target].label}`;
    return rule ? `${words}: ${rule}` : words;
  }

  /**
   * @param {any[]} shape
   * @param {import("./data.js").Part} part
   * @param {Map<number, string>} rows of the part: at which height which number stands
   * @returns {any[]}
   */
  function drawn(shape, part, rows) {
    const [kind, ...rest] = shape;
    if (kind === "r") {
      const [x, y, width, height, rx, fill, stroke, strokeWidth, dash, opacity] = rest;
      return [svg("rect", { x, y, width, height, rx, ...paint(fill, stroke, strokeWidth, dash), "fill-opacity": opacity })];
    }
    if (kind === "p") {
      const [d, fill, stroke, strokeWidth, dash, crisp] = rest;
      const edges = crisp ? { "shape-rendering": "crispEdges" } : {};
      return [svg("path", { d, ...paint(fill, stroke, strokeWidth, dash), ...edges })];
    }
    if (kind === "t") {
      const [x, y, text, face, size, role, width] = rest;
      const length = width > 0 ? { textLength: width, lengthAdjust: "spacingAndGlyphs" } : {};
      const what = rows.get(Math.round(y)) ?? (role === "accent" ? "derivative" : "");
      return [svg("text", { x, y, class: what && `${what} word`, ...font(face, size, role), ...length }, text)];
    }
    if (kind === "n") {
      const [what, x, y, , anchor, face, size, role] = rest;
      const node = document.createTextNode("");
      numbers.push({ node, what, id: part.id, at: [x, y], last: undefined });
      return [svg("text", { x, y, class: what, "text-anchor": anchor, ...font(face, size, role) }, node)];
    }
    if (kind === "s") {
      const [x, y, width, height, role] = rest;
      const path = svg("path", { class: "value", fill: "none", stroke: colour(role), "stroke-width": 1.4 });
      const dot = svg("circle", { class: "value", r: 2.6, fill: colour(role) });
      sparklines.push({ path, dot, id: part.id, box: [x, y, width, height], last: null, step: -2 });
      return [path, dot];
    }
    return [];
  }

  /** @param {number} id */
  function hover(id) {
    if (id === hovered) return;
    hovered = id;
    const next = id < 0 || !model.of.length ? new Set() : arrowsToOutput(model, frame?.state.of ?? 0, id).arrows;
    const before = lit;
    lit = next;
    for (const k of new Set([...before, ...next])) markArrow(k);
    root.classList.toggle("hovering", next.size > 0);
  }

  /** @type {import("./frame.js").Frame | null} */
  let frame = null;

  /** @param {number} k */
  function markArrow(k) {
    if (!frame) return;
    const { source, target } = model.arrows[k];
    const { step, steps, backAt, muted } = frame;
    const playing = step >= 0;
    const flows = !playing || (backAt[source] >= 0 && backAt[source] <= step && backAt[target] >= 0);
    const current = playing ? steps[step] : undefined;
    let mask = lit.has(k) ? LIT : 0;
    if (!flows) mask |= NO_DERIVATIVE;
    if (muted.has(source) || muted.has(target)) mask |= MUTED;
    if (current && !current.back && current.card === target) mask |= CURRENT;
    if (current && current.back && current.card === source && backAt[target] >= 0) mask |= BACK;
    for (const each of arrows[k]) {
      if (each.mask === mask) continue;
      if (mask & BACK && !(each.mask & BACK)) addBackHead(each.element);
      each.mask = mask;
      mark(each.element, mask);
    }
  }

  /** @param {import("./data.js").Card} card */
  function markCard(card) {
    const each = cards[card.id];
    if (!each || !frame) return;
    const { step, steps, forwardAt, backAt, state, muted } = frame;
    let mask = state.card === card.id ? CHOSEN : 0;
    if (step >= 0) {
      if (steps[step].card === card.id) mask |= CURRENT | (steps[step].back ? BACK : 0);
      if (forwardAt[card.id] > step) mask |= NO_VALUE;
      if (backAt[card.id] < 0 || backAt[card.id] > step) mask |= NO_DERIVATIVE;
    }
    if (muted.has(card.id)) mask |= MUTED;
    if (isStale(frame, card)) mask |= STALE;
    if (each.mask !== mask) {
      if ((each.mask ^ mask) & CHOSEN) each.element.setAttribute("tabindex", mask & CHOSEN ? "0" : "-1");
      each.mask = mask;
      mark(each.element, mask);
    }
  }

  function writeNumbers() {
    if (!frame || !sight.legible) return;
    const { left, top, right, bottom } = sight;
    for (const shown of numbers) {
      const [x, y] = shown.at;
      if (x >= left && x <= right && y >= top && y <= bottom) write(shown);
    }
  }

  /** @param {ShownNumber} shown */
  function write(shown) {
    const now = /** @type {import("./frame.js").Frame} */ (frame);
    if (shown.what === "partial") {
      const { slot, prefix, source, target } = model.arrows[shown.id];
      const flows = slot >= 0 && !now.muted.has(source) && !now.muted.has(target) && model.reaching(now.state.of)[target];
      const x = flows ? now.slots[slot] + 0 : null;
      if (Object.is(x, shown.last)) return;
      shown.last = x;
      shown.node.data = x === null ? "" : prefix + derivativeText(x);
      return;
    }
    const card = model.cards[shown.id];
    const x = shown.what === "value" ? valueOf(now, card) : derivativeOf(now, card);
    if (Object.is(x, shown.last)) return;
    shown.last = x;
    shown.node.data = x === null ? "" : shown.what === "value" ? shortText(x, card.type) : derivativeText(x);
  }

  return {
    root,
    world,
    boxes,
    /** @param {number} id */
    focus: (id) => cards[id]?.element.focus({ preventScroll: true }),
    /** @param {number} id */
    element: (id) => cards[id]?.element,
    cardOf,
    choose,
    /** @param {import("./frame.js").Frame} next */
    draw(next) {
      const before = frame;
      frame = next;
      root.dataset.shows = next.state.view;
      root.classList.toggle("playing", next.step >= 0);
      writeNumbers();
      for (const line of sparklines) drawSparkline(line, next, model);
      model.cards.forEach(markCard);
      if (!before || marksDiffer(before, next)) for (let k = 0; k < arrows.length; k++) markArrow(k);
      if (next.state.card < 0) cards[0]?.element.setAttribute("tabindex", "0");
    },
    /** @param {typeof sight} next */
    look(next) {
      sight = next;
      root.classList.toggle("far", !next.legible);
      writeNumbers();
    },
    /** Says each card in words, for those who hear the page. */
    describe() {
      if (!frame) return;
      for (const card of model.cards) {
        const each = cards[card.id];
        const label = each && cardWords(model, frame, card);
        if (each && label !== each.label) {
          each.label = label;
          each.element.ariaLabel = label;
        }
      }
    },
  };
}

/**
 * @param {import("./frame.js").Frame} before
 * @param {import("./frame.js").Frame} next
 */
const marksDiffer = (before, next) =>
  before.step !== next.step || before.steps !== next.steps || before.state.of !== next.state.of;

/**
 * "b, input, value 3, derivative of y 7".
 * @param {import("./data.js").Model} model
 * @param {import("./frame.js").Frame} frame
 * @param {import("./data.js").Card} card
 */
export function cardWords(model, frame, card) {
  const words = [card.label];
  if (card.formula && card.formula !== card.label) words.push(card.formula);
  else if (card.kind !== "value" && card.kind !== "small") words.push(card.kind);
  const { step, forwardAt, backAt } = frame;
  const value = step >= 0 && forwardAt[card.id] > step ? null : valueOf(frame, card);
  const derivative = step >= 0 && (backAt[card.id] < 0 || backAt[card.id] > step) ? null : derivativeOf(frame, card);
  if (value !== null) words.push(`value ${fullText(value, card.type)}`);
  if (derivative !== null) words.push(`derivative of ${ofName(model, frame)} ${derivativeText(derivative)}`);
  if (frame.muted.has(card.id)) words.push("not taken");
  return words.join(", ");
}

/**
 * @param {any} element
 * @param {number} mask
 */
function mark(element, mask) {
  CLASSES.forEach((name, k) => element.classList.toggle(name, Boolean(mask & (1 << k))));
}

/**
 * @param {string} fill
 * @param {string} stroke
 * @param {number} width
 * @param {string} dash
 */
function paint(fill, stroke, width, dash) {
  const lines = stroke ? { stroke: colour(stroke), "stroke-width": width, "stroke-dasharray": dash || "none" } : {};
  return { fill: colour(fill), ...lines };
}

/**
 * @param {string} face
 * @param {number} size
 * @param {string} role
 */
function font(face, size, role) {
  const family = face === "sans" ? {} : { "font-family": `var(--${face})` };
  const slant = face === "italic" ? { "font-style": "italic" } : {};
  return { "font-size": size, fill: colour(role), ...family, ...slant };
}

/**
 * The box of a part: of its first rectangle or path.
 * @param {any[][]} shapes
 * @returns {number[]} x, y, width, height
 */
function boundsOf(shapes) {
  const shape = shapes.find((each) => each[0] === "r" || each[0] === "p");
  if (!shape) return [0, 0, 0, 0];
  if (shape[0] === "r") return shape.slice(1, 5);
  const numbers = /** @type {number[]} */ ((shape[1].match(/-?[\d.]+/g) ?? []).map(Number));
  const xs = numbers.filter((_, k) => k % 2 === 0);
  const ys = numbers.filter((_, k) => k % 2 === 1);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

/** @param {number[]} box */
function ring([x, y, width, height]) {
  const size = { x: x - RING, y: y - RING, width: width + 2 * RING, height: height + 2 * RING };
  return svg("rect", { class: "ring", rx: 14, fill: "none", ...size });
}

/**
 * A head on the way back to an arrow's source; it stands where arrows to one card have parted.
 * @param {any} group
 */
function addBackHead(group) {
  const line = group.querySelector("path");
  if (!line || group.querySelector(".back-head")) return;
  const length = line.getTotalLength();
  const at = Math.min(HEAD_AT, 0.3 * length);
  const [tip, behind] = [line.getPointAtLength(at - 7), line.getPointAtLength(at + 7)];
  const angle = (Math.atan2(tip.y - behind.y, tip.x - behind.x) * 180) / Math.PI;
  const transform = `translate(${tip.x} ${tip.y}) rotate(${angle})`;
  group.append(svg("path", { class: "back-head", d: "M0 0L-13 6L-10 0L-13 -6Z", transform }));
}

/**
 * @param {Sparkline} line
 * @param {import("./frame.js").Frame} frame
 * @param {import("./data.js").Model} model
 */
function drawSparkline(line, frame, model) {
  const card = model.cards[line.id];
  const values = frame.series[card.series] ?? [];
  const step = scrubbed(frame, card);
  if (values === line.last && step === line.step) return;
  line.last = values;
  line.step = step;
  const { path, at } = curveThrough(values, line.box);
  line.path.setAttribute("d", path);
  const end = at(step >= 0 ? step : values.length - 1);
  line.dot.setAttribute("visibility", end ? "visible" : "hidden");
  if (end) {
    line.dot.setAttribute("cx", end[0]);
    line.dot.setAttribute("cy", end[1]);
  }
}

/**
 * A path through values at equal distances, broken where they are not finite.
 * @param {ArrayLike<number>} values
 * @param {number[]} box x, y, width, height
 * @returns {{path: string, at: (k: number) => number[] | null}}
 */
function curveThrough(values, [x, y, width, height]) {
  let low = Infinity;
  let high = -Infinity;
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) continue;
    low = Math.min(low, values[k]);
    high = Math.max(high, values[k]);
  }
  const at = (/** @type {number} */ k) => {
    const value = values[k];
    if (!Number.isFinite(value)) return null;
    const share = high - low > 0 && high - low < Infinity ? (value - low) / (high - low) : 0.5;
    return [x + (width * k) / Math.max(1, values.length - 1), y + height - share * height];
  };
  const stride = Math.max(1, Math.ceil(values.length / 2000));
  const points = [];
  for (let k = 0; k < values.length - 1; k += stride) points.push(at(k));
  if (values.length) points.push(at(values.length - 1));
  return { path: pathThrough(points), at };
}
