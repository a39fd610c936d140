/** The chosen value: what it is, how it arises, how its derivative comes back, its paths to the output. */

import { addUp } from "./compute.js";
import { html, setSlider, setText } from "./dom.js";
import { nameInEquation } from "./data.js";
import { derivativeOf, isStale, ofName, scrubbed, valueOf } from "./frame.js";
import { fullText, operand, shortText } from "./numbers.js";
import { pathCards, pathsToOutput } from "./paths.js";
import { makePlot } from "./plot.js";
import { makeTensorView } from "./tensors.js";

const MOST_TERMS = 8;
const KINDS = /** @type {Record<string, string>} */ ({
  param: "parameter",
  state: "variable of a loop",
  small: "intermediate result",
});

/** @param {number} x */
const text = (x) => shortText(x, "float", 6, 12);

/**
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 * @param {any} panel
 */
export function makeInspector(model, store, panel) {
  const heading = html("h3");
  const kind = html("p", { class: "quiet" });
  const facts = html("dl", { class: "facts" });
  const value = html("dd", { class: "number" });
  const derivativeName = html("dt", { class: "accent" });
  const derivative = html("dd", { class: "number accent" });
  facts.append(html("dt", {}, "value"), value, derivativeName, derivative);
  const note = html("p", { class: "note", hidden: true });
  const scrubber = makeScrubber(model, store);
  const how = section("How its value arises");
  const back = section("How its derivative comes back", "accent");
  const paths = section("Paths");
  const plot = makePlot(model);
  const tensor = makeTensorView();
  panel.append(heading, kind, facts, note, scrubber.element, how.element, back.element, paths.element);
  panel.append(plot.element, tensor.element);
  const names = model.cards.map(nameInEquation);
  let shown = -1;

  /** @param {import("./frame.js").Frame} frame */
  function draw(frame) {
    const card = model.cards[frame.state.card];
    panel.classList.toggle("empty", !card);
    if (!card) {
      setText(heading, "Nothing is chosen");
      setText(kind, "Choose a card.");
      return;
    }
    if (card.id !== shown) panel.scrollTop = 0;
    shown = card.id;
    setText(heading, card.title || card.label);
    heading.classList.toggle("formula", !card.title);
    const type = card.type && card.type !== "float" ? ` of type ${card.type}` : "";
    const line = card.line ? `, line ${card.line}` : "";
    setText(kind, `${KINDS[card.kind] ?? card.kind}${type}${line}`);
    drawFacts(card, frame);
    scrubber.draw(card, frame);
    drawHow(card, frame);
    drawBack(card, frame);
    drawPaths(card, frame);
    plot.draw(card, frame);
    tensor.draw(card, frame);
  }

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawFacts(card, frame) {
    const x = valueOf(frame, card);
    const dx = derivativeOf(frame, card);
    value.title = x === null ? "" : fullText(x, card.type);
    derivative.title = dx === null ? "" : fullText(dx, "float");
    setText(value, x !== null ? shortText(x, card.type, 12, 18) : (card.tensor?.value?.summary ?? "—"));
    setText(derivativeName, byName(card, frame));
    derivativeName.hidden = derivative.hidden = !model.of.length;
    setText(derivative, dx !== null ? shortText(dx, "float", 12, 18) : (card.tensor?.derivative[frame.state.of]?.summary ?? "—"));
    const words = isStale(frame, card)
      ? "Recorded at the start."
      : frame.muted.has(card.id)
        ? "This side is not taken."
        : scrubbed(frame, card) >= 0
          ? "At this step of the loop."
          : "";
    setText(note, words);
    note.hidden = !words;
    facts.hidden = !card.type && x === null;
  }

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  const byName = (card, frame) => `∂${ofName(model, frame)}/∂${names[card.id]}`;

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawHow(card, frame) {
    const x = valueOf(frame, card);
    if (x === null) return how.hide();
    const result = shortText(x, card.type, 6, 12);
    const name = card.title || card.label;
    if (card.kind === "input" || card.kind === "param") {
      return how.equation([[`${name} = `, strong(result), card.kind === "input" ? ", as given" : ", a parameter"]]);
    }
    const operands = card.how.map((part) => {
      const read = typeof part === "number" && model.cards[part];
      return read && read.kind !== "small" ? valueOf(frame, read) : null;
    });
    const missing = card.how.some((part, k) => typeof part === "number" && operands[k] === null);
    if (!operands.some((x) => x !== null) || missing || scrubbed(frame, card) >= 0) return how.hide();
    const words = card.how.map((part) => (typeof part === "number" ? names[part] : part));
    const figures = card.how.map((part, k) => {
      if (typeof part === "string") return part;
      const figure = shortText(/** @type {number} */ (operands[k]), model.cards[part].type, 6, 12);
      return isInCall(card.how, k) ? figure : operand(figure);
    });
    const first = card.title ? [`${card.title} = `, ...breakable(words)] : breakable(words);
    const lines = [first, ["= ", ...breakable(figures)], ["= ", strong(result)]];
    return how.equation(figures.join("") === words.join("") ? [lines[0], lines[2]] : lines);
  }

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawBack(card, frame) {
    const total = derivativeOf(frame, card);
    const of = frame.state.of;
    if (!model.of.length || (total === null && !card.tensor?.derivative[of])) return back.hide();
    const name = byName(card, frame);
    if (model.of[of].card === card.id) {
      return back.equation([[`${name} = `, strong(total === null ? "1" : text(total)), ": here the backward pass begins"]]);
    }
    const arrows = model.consumers[card.id].filter((k) => {
      const { target, style } = model.arrows[k];
      return style !== "condition" && model.reaching(of)[target] && !frame.muted.has(target);
    });
    if (total === null) return back.equation(rules(arrows, frame));
    const terms = arrows.map((k) => {
      const arrow = model.arrows[k];
      const outer = derivativeOf(frame, model.cards[arrow.target]);
      const inner = arrow.slot < 0 ? null : frame.slots[arrow.slot] + 0;
      return { k, outer, inner, product: outer === null || inner === null ? NaN : outer * inner };
    });
    // where the arrows do not account for the whole derivative, the equation would not be true
    const isWhole = terms.length && terms.every((t) => t.outer !== null && t.inner !== null);
    if (!isWhole || !addUp(terms.map((t) => t.product), total)) return back.equation([[`${name} = `, strong(text(total))], ...rules(arrows, frame)]);
    const size = (/** @type {{product: number}} */ t) => (Number.isNaN(t.product) ? Infinity : Math.abs(t.product));
    const listed = terms.length > MOST_TERMS ? [...terms].sort((s, t) => size(t) - size(s)).slice(0, MOST_TERMS) : terms;
    const others = terms.filter((term) => !listed.includes(term));
    const rest = others.reduce((before, term) => before + term.product, 0);
    const more = others.length ? [` + ${others.length} others`] : [];
    const moreNumbers = others.length ? [` + ${operand(text(rest))}`] : [];
    const named = listed.map((term) => nowrap(`${outerName(term.k, frame)} · ${innerName(term.k)}`));
    const figures = listed.map((t) => nowrap(`${operand(text(t.outer ?? 0))} · ${operand(text(t.inner ?? 0))}`));
    return back.equation([
      [`${name} = `, ...joined(named), ...more],
      ["= ", ...joined(figures), ...moreNumbers],
      ["= ", strong(text(total))],
    ]);
  }

  /**
   * @param {number} k
   * @param {import("./frame.js").Frame} frame
   */
  const outerName = (k, frame) => `∂${ofName(model, frame)}/∂${names[model.arrows[k].target]}`;

  /** @param {number} k */
  function innerName(k) {
    const { source, target, prefix } = model.arrows[k];
    return prefix.replace(/ = $/, "") || `∂${names[target]}/∂${names[source]}`;
  }

  /**
   * How cotangents of tensors pass back, in words.
   * @param {number[]} arrows
   * @param {import("./frame.js").Frame} frame
   */
  const rules = (arrows, frame) =>
    arrows
      .filter((k) => model.arrows[k].rule)
      .map((k) => [`from ${outerName(k, frame)}: ${model.arrows[k].rule}`]);

  /**
   * @param {import("./data.js").Card} card
   * @param {import("./frame.js").Frame} frame
   */
  function drawPaths(card, frame) {
    const output = model.of[frame.state.of];
    const total = derivativeOf(frame, card);
    if (!output || output.card === card.id || total === null) return paths.hide();
    const all = pathsToOutput(model, frame, card.id);
    if (!all?.largest.length || !addUp([...all.largest.map((p) => p.product), all.othersSum], total)) return paths.hide();
    const rows = all.largest.map((path) => {
      const cards = pathCards(model, card.id, path).map((id) => names[id]);
      const words = cards.length > 5 ? [...cards.slice(0, 2), "…", ...cards.slice(-2)] : cards;
      return row(words.join(" → "), text(path.product), cards.join(" → "));
    });
    if (all.others) {
      const count = all.others === 1 ? "1 other" : `${shortText(all.others, "float", 6, 12)} others together`;
      rows.push(row(count, text(all.othersSum), ""));
    }
    paths.title(`Paths to ${output.name}`);
    return paths.show(html("table", { class: "paths" }, html("tbody", {}, ...rows)));
  }

  return { draw };
}

/**
 * @param {string} words
 * @param {string} number
 * @param {string} title
 */
const row = (words, number, title) =>
  html("tr", {}, html("td", { title }, words), html("td", { class: "number accent" }, number));

/**
 * @param {string} title
 * @param {string} [kind]
 */
function section(title, kind = "") {
  const heading = html("h2", {}, title);
  const body = html("div", { class: `equation ${kind}` });
  const element = html("section", {}, heading, body);
  return {
    element,
    title: (/** @type {string} */ words) => setText(heading, words),
    hide() {
      element.hidden = true;
    },
    /** @param {(string | Node)[]} content */
    show(...content) {
      element.hidden = false;
      body.replaceChildren(...content);
    },
    /** @param {(string | Node)[][]} lines */
    equation(lines) {
      element.hidden = !lines.length;
      body.replaceChildren(...lines.map((line) => html("p", {}, ...line)));
    },
  };
}

/** @param {string} words */
const strong = (words) => html("strong", {}, words);

/** @param {string} words */
const nowrap = (words) => html("span", { class: "term" }, words);

/** @param {Node[]} terms */
const joined = (terms) => terms.flatMap((term, k) => (k ? [" + ", term] : [term]));

/**
 * Parts of a formula, which is broken before a sum's sign alone.
 * @param {string[]} parts
 */
function breakable(parts) {
  return parts
    .join("")
    .split(/(?<= [+−] )/)
    .map(nowrap);
}

/**
 * Whether an operand stands alone between a parenthesis or a comma on each side.
 * @param {(string | number)[]} how
 * @param {number} k
 */
const isInCall = (how, k) => /[(,\[]\s*$/.test(String(how[k - 1] ?? "")) && /^\s*[),\]]/.test(String(how[k + 1] ?? ""));

/**
 * The scrubber of the loop that a card belongs to.
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 */
function makeScrubber(model, store) {
  let loop = -1;
  const slider = html("input", { type: "range", min: 0, step: 1, "aria-label": "step of the loop", input: scrub });
  slider.addEventListener("change", store.settle);
  const words = html("output", { class: "quiet" });
  const title = html("h2");
  const element = html("section", { class: "scrubber", hidden: true }, title, slider, words);

  function scrub() {
    const step = Number(slider.value) === Number(slider.max) ? -1 : Number(slider.value);
    const loops = store.state().loops.map((before, k) => (k === loop ? step : before));
    store.set({ loops }, `loop ${loop}`);
  }

  return {
    element,
    /**
     * @param {import("./data.js").Card} card
     * @param {import("./frame.js").Frame} frame
     */
    draw(card, frame) {
      loop = card.loop >= 0 ? card.loop : model.loops.findIndex((each) => each.cards.includes(card.id));
      const member = loop < 0 ? undefined : model.loops[loop].cards.find((id) => model.cards[id].series >= 0);
      element.hidden = member === undefined;
      if (member === undefined) return;
      const last = Math.max(0, (frame.series[model.cards[member].series] ?? []).length - 1);
      const step = frame.state.loops[loop];
      const at = step < 0 ? last : Math.min(step, last);
      setText(title, model.loops[loop].title);
      slider.max = String(last);
      setSlider(slider, at);
      setText(words, `step ${at} of ${last}`);
    },
  };
}
