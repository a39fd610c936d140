/** All values and derivatives as a table, behind `t` and in print. */

import { html } from "./dom.js";
import { derivativeOf, isStale, ofName, valueOf } from "./frame.js";
import { fullText } from "./numbers.js";

/**
 * @param {import("./data.js").Model} model
 * @param {any} holder
 * @param {(card: number) => void} choose
 */
export function makeTable(model, holder, choose) {
  /** @param {import("./frame.js").Frame} frame */
  function fill(frame) {
    const name = ofName(model, frame);
    const header = ["name", "formula", "type", "value", name ? `derivative of ${name}` : "derivative"];
    const rows = model.cards.map((card) => {
      const x = valueOf(frame, card);
      const dx = derivativeOf(frame, card);
      const tensor = isStale(frame, card) ? null : card.tensor;
      const value = x !== null ? fullText(x, card.type) : (tensor?.value?.summary ?? "");
      const derivative = dx !== null ? fullText(dx, "float") : (tensor?.derivative[frame.state.of]?.summary ?? "");
      const open = () => choose(card.id);
      return html(
        "tr",
        {},
        html("th", { scope: "row" }, html("button", { click: open }, card.label)),
        html("td", {}, card.formula === card.label ? "" : card.formula),
        html("td", { class: "quiet" }, card.type),
        html("td", { class: "number" }, value),
        html("td", { class: "number accent" }, derivative),
      );
    });
    const head = html("tr", {}, ...header.map((words) => html("th", { scope: "col" }, words)));
    const caption = html("caption", {}, `${model.name}: all values`);
    holder.replaceChildren(html("table", { class: "values" }, caption, html("thead", {}, head), html("tbody", {}, ...rows)));
  }
  return { fill };
}
