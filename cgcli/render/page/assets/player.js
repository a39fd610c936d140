/** The player: every value in turn, operands first; then every derivative, from the output back. */

import { html, setSlider, setText } from "./dom.js";
import { nameInEquation } from "./data.js";

const MOST_CHIPS = 40;
const [SLOWEST, FASTEST, WHOLE] = [800, 60, 40_000]; // milliseconds: of a step, of a step, of all steps

/**
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 * @param {any} panel
 */
export function makePlayer(model, store, panel) {
  const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ click) =>
    html("button", { "aria-label": label, title: label, click }, text);
  const play = button("▶", "play (space)", toggle);
  const all = button("all", "show every value and derivative", () => go(-1));
  const words = html("output", { class: "step-words" });
  const track = html("div", { class: "track" });
  panel.append(button("◀", "one step back (,)", () => move(-1)), play, button("▶|", "one step on (.)", () => move(1)), all, words, track);
  play.classList.add("play");
  /** @type {import("./frame.js").Frame | null} */
  let frame = null;
  /** @type {readonly import("./frame.js").Step[] | null} */
  let laidOut = null;
  /** @type {any[]} */
  let chips = [];
  /** @type {any} */
  let slider = null;
  let timer = 0;

  /** @param {number} step */
  function go(step) {
    const card = frame?.steps[step]?.card;
    store.set(card === undefined ? { step } : { step, card });
  }

  /** @param {number} by */
  function move(by) {
    if (!frame) return;
    const last = frame.steps.length - 1;
    const step = frame.step < 0 ? (by > 0 ? 0 : last) : frame.step + by;
    if (step < 0 || step > last) stop();
    else go(step);
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    setText(play, "▶");
    play.ariaLabel = "play (space)";
  }

  function toggle() {
    if (timer || !frame) {
      stop();
      return;
    }
    if (frame.step === frame.steps.length - 1) go(0);
    else move(1);
    timer = setInterval(() => move(1), Math.max(FASTEST, Math.min(SLOWEST, WHOLE / frame.steps.length)));
    setText(play, "❚❚");
    play.ariaLabel = "pause (space)";
  }

  /** @param {import("./frame.js").Frame} next */
  function layOut(next) {
    laidOut = next.steps;
    chips = [];
    slider = null;
    if (next.steps.length > MOST_CHIPS) {
      slider = html("input", { type: "range", min: -1, max: next.steps.length - 1, step: 1, "aria-label": "step of the player" });
      slider.addEventListener("input", () => go(Number(slider.value)));
      track.replaceChildren(slider);
      return;
    }
    chips = next.steps.map((step, k) => {
      const name = nameInEquation(model.cards[step.card]);
      const label = `${step.back ? "derivative by" : "value of"} ${name}`;
      const short = name.length > 12 ? `${name.slice(0, 11)}…` : name;
      const attributes = { class: step.back ? "step back" : "step", title: label, "aria-label": label };
      return html("button", { ...attributes, click: () => go(k) }, step.back ? `∂${short}` : short);
    });
    track.replaceChildren(...chips);
  }

  /** @param {import("./frame.js").Frame} next */
  function draw(next) {
    const before = frame;
    frame = next;
    if (next.steps !== laidOut) layOut(next);
    else if (before && before.step === next.step) return;
    chips.forEach((chip, k) => {
      chip.classList.toggle("done", next.step >= 0 && k < next.step);
      chip.classList.toggle("current", k === next.step);
      if (k === next.step) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    if (slider) setSlider(slider, next.step);
    const current = chips[next.step];
    if (current) track.scrollLeft = current.offsetLeft - track.clientWidth / 2;
    all.classList.toggle("on", next.step < 0);
    const step = next.steps[next.step];
    panel.classList.toggle("backward", Boolean(step?.back));
    setText(words, step ? `${step.back ? "back" : "forward"} ${next.step + 1} of ${next.steps.length}` : `${next.steps.length} steps`);
  }

  return { draw, toggle, move, stop };
}
