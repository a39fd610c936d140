/** The program as it was written; the line of the chosen card is marked, and a click on a line chooses its card. */

import { html } from "./dom.js";

/**
 * @param {import("./data.js").Model} model
 * @param {import("./state.js").Store} store
 * @param {any} panel
 */
export function makeSource(model, store, panel) {
  /** @type {Map<number, number>} */
  const cardOfLine = new Map();
  for (const card of model.cards) {
    const before = cardOfLine.get(card.line);
    if (card.line > 0 && (before === undefined || card.title)) cardOfLine.set(card.line, card.id);
  }
  const texts = model.source.lines.slice(0, model.source.lines.at(-1) === "" ? -1 : undefined);
  const lines = texts.map((text, k) => {
    const card = cardOfLine.get(k + 1);
    const words = text || " ";
    const code = html("code", { class: /^\s*#/.test(text) ? "comment" : false }, words);
    const item = html("li", {}, code);
    if (card !== undefined) {
      item.classList.add("has-card");
      item.addEventListener("click", () => store.set({ card }));
    }
    return item;
  });
  panel.append(html("h2", { title: model.source.name }, "Program"), html("ol", { class: "source", tabindex: 0 }, ...lines));
  panel.hidden = !lines.length;
  let marked = -1;
  return {
    /** @param {import("./frame.js").Frame} frame */
    draw(frame) {
      const line = (model.cards[frame.state.card]?.line ?? 0) - 1;
      if (line === marked) return;
      for (const [k, on] of /** @type {[number, boolean][]} */ ([[marked, false], [line, true]])) {
        lines[k]?.classList.toggle("current", on);
        if (on) lines[k]?.setAttribute("aria-current", "true");
        else lines[k]?.removeAttribute("aria-current");
      }
      marked = line;
      const current = lines[line];
      if (!current) return;
      const [top, height] = [current.offsetTop, panel.clientHeight];
      if (top < panel.scrollTop || top > panel.scrollTop + height - 40) panel.scrollTop = top - height / 2;
    },
  };
}
