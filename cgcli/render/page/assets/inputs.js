/** The inputs: a slider, a number field and the derivative of each; the choice of the output; as started. */

import { html, setSlider, setText } from "./dom.js";
import { isTensor } from "./data.js";
import { derivativeText, fullText, isWhole, niceStep, parseNumber, shortText } from "./numbers.js";
import { rangeOf } from "./plot.js";

/**
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 * @param {any} panel
 */
export function makeInputs(model, store, panel) {
  const rows = model.inputs.map((input, k) => makeRow(model, store, input, k));
  const outputs = html("select", { "aria-label": "the output that is differentiated" });
  outputs.append(...model.of.map((output, k) => html("option", { value: k }, output.name)));
  outputs.addEventListener("change", () => store.set({ of: Number(outputs.value), step: -1 }));
  const choice = html("label", { class: "choice", hidden: model.of.length < 2 }, "derivatives of ", outputs);
  const reset = html("button", { click: () => store.set({ inputs: model.start }) }, "as started");
  panel.append(html("h2", {}, "Inputs"), ...rows.map((row) => row.element), html("div", { class: "row" }, reset, choice));
  if (!model.inputs.length) panel.append(html("p", { class: "quiet" }, "This program has no inputs."));

  /** @param {import("./frame.js").Frame} frame */
  function draw(frame) {
    rows.forEach((row) => row.draw(frame));
    outputs.value = String(frame.state.of);
    outputs.disabled = frame.locked;
    reset.disabled = frame.state.inputs.every((x, k) => Object.is(x, model.start[k]));
  }
  return { draw };
}

/**
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 * @param {import("./data.js").Input} input
 * @param {number} k
 */
function makeRow(model, store, input, k) {
  const derivative = html("span", { class: "number accent" });
  const name = html("button", { class: "name", title: input.doc, click: () => store.set({ card: input.card }) }, input.name);
  name.disabled = input.card < 0;
  const kind = input.name.length > 3 ? "input long" : "input";
  const words = html("span", { class: "accent derivative-name" });
  if (isTensor(/** @type {any} */ (input)) || input.value === null) {
    const shape = html("span", { class: "quiet number" }, input.type);
    return { element: html("div", { class: kind }, name, shape), draw() {} };
  }
  let [low, high] = [input.low, input.high];
  /** @type {(frame: import("./frame.js").Frame) => void} */
  let show;
  /** @type {any[]} */
  let controls;

  /** @param {number} x */
  function change(x) {
    const inputs = store.state().inputs.map((before, j) => (j === k ? x : before));
    store.set({ inputs }, `input ${k}`);
  }

  if (input.type === "bool") {
    const box = html("input", { type: "checkbox", "aria-label": input.name });
    box.addEventListener("change", () => change(box.checked ? 1 : 0));
    const text = html("span", { class: "number" });
    controls = [html("label", { class: "tick" }, box, text)];
    show = (frame) => {
      box.checked = frame.state.inputs[k] === 1;
      box.disabled = frame.locked;
      setText(text, fullText(frame.state.inputs[k], "bool"));
    };
  } else {
    const read = (/** @type {string} */ text) => parseNumber(text, input.type);
    const current = () => store.state().inputs[k];
    const slider = html("input", {
      type: "range",
      "aria-label": input.name,
      input: () => change(read(slider.value) ?? Number(slider.value)),
      change: store.settle,
    });
    const field = html("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `${input.name}, a number` });
    field.addEventListener("input", () => {
      const x = read(field.value);
      field.ariaInvalid = String(x === null);
      if (x !== null) change(x);
    });
    field.addEventListener("focus", () => (field.value = fullText(current(), input.type)));
    field.addEventListener("blur", () => {
      field.ariaInvalid = "false";
      field.value = brief(current());
      store.settle();
    });
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") field.select();
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      const step = Number(slider.step) * (event.shiftKey ? 10 : 1) * (event.key === "ArrowUp" ? 1 : -1);
      change(read(String(Number((current() + step).toPrecision(12)))) ?? current());
      field.value = fullText(current(), input.type);
    });
    const brief = (/** @type {number} */ x) => shortText(x, input.type, 8, 9);
    controls = [slider, field];
    let [shownLow, shownHigh] = [NaN, NaN];
    show = (frame) => {
      const x = frame.state.inputs[k];
      const isHeld = document.activeElement === slider; // what a slider under the pointer spans stays
      [low, high] = rangeOf(isHeld ? { ...input, low, high } : input, x);
      if (low !== shownLow || high !== shownHigh) {
        [shownLow, shownHigh] = [low, high];
        slider.min = String(low);
        slider.max = String(high);
        slider.step = String(isWhole(input.type) ? 1 : high > low ? Number(niceStep(high - low, 1000).toPrecision(3)) : 1);
      }
      setSlider(slider, x);
      const text = fullText(x, input.type);
      if (document.activeElement !== field && field.value !== brief(x)) field.value = brief(x);
      field.title = text;
      slider.disabled = field.disabled = frame.locked;
      slider.ariaValueText = text;
    };
  }
  const element = html("div", { class: kind }, name, ...controls, words, derivative);

  /** @param {import("./frame.js").Frame} frame */
  function draw(frame) {
    show(frame);
    const slot = input.card < 0 ? -1 : (model.cards[input.card].derivative[frame.state.of] ?? -1);
    const title = input.card < 0 ? input.name : model.cards[input.card].title || input.name;
    setText(words, slot < 0 ? "" : `∂${model.of[frame.state.of].name}/∂${title}`);
    setText(derivative, slot < 0 ? "" : derivativeText(frame.slots[slot]));
    element.classList.toggle("chosen", frame.state.card === input.card && input.card >= 0);
  }
  return { element, draw };
}
