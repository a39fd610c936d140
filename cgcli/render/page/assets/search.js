/** Finds a card by its name or its formula. */

import { html } from "./dom.js";

const MOST_HITS = 12;

/**
 * @param {import("./data.js").Model} model
 * @param {any} field
 * @param {any} list
 * @param {(card: number) => void} choose
 */
export function makeSearch(model, field, list, choose) {
  /** @type {number[]} */
  let hits = [];
  let at = 0;
  const texts = model.cards.map((card) => `${card.label}\n${card.formula}`.toLowerCase());

  function close() {
    list.hidden = true;
    field.ariaExpanded = "false";
    field.removeAttribute("aria-activedescendant");
  }

  /** @param {string} words */
  function ranked(words) {
    const rank = (/** @type {number} */ id) => {
      const label = model.cards[id].label.toLowerCase();
      return label === words ? 0 : label.startsWith(words) ? 1 : label.includes(words) ? 2 : 3;
    };
    const matching = model.cards.map((card) => card.id).filter((id) => texts[id].includes(words));
    return matching.sort((a, b) => rank(a) - rank(b) || a - b).slice(0, MOST_HITS);
  }

  function show() {
    const words = field.value.trim().toLowerCase();
    hits = words ? ranked(words) : [];
    at = 0;
    const items = hits.map((id, k) => {
      const { label, formula } = model.cards[id];
      const option = html("li", { role: "option", id: `hit-${k}`, "aria-selected": k === 0 }, html("b", {}, label));
      if (formula && formula !== label) option.append(html("span", { class: "quiet" }, ` ${formula}`));
      option.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
        event.preventDefault();
        take(k);
      });
      return option;
    });
    list.replaceChildren(...(items.length || !words ? items : [html("li", { class: "quiet" }, "nothing has that name")]));
    list.hidden = !words;
    field.ariaExpanded = String(Boolean(words));
    mark();
  }

  function mark() {
    [...list.children].forEach((item, k) => (item.ariaSelected = String(k === at && hits.length > 0)));
    if (hits.length) field.setAttribute("aria-activedescendant", `hit-${at}`);
  }

  /** @param {number} k */
  function take(k) {
    if (hits[k] === undefined) return;
    field.value = "";
    close();
    field.blur();
    choose(hits[k]);
  }

  field.addEventListener("input", show);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % Math.max(1, hits.length);
      mark();
    } else if (event.key === "Enter") {
      take(at);
    } else if (event.key === "Escape") {
      field.value = "";
      close();
      field.blur();
    } else {
      return;
    }
    event.stopPropagation();
  });
  return { open: () => field.focus() };
}
