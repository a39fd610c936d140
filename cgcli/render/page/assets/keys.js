/** Keys of the page, and the card that an arrow key leads to. */

/**
 * The card in the direction of an arrow key: one that an arrow joins, else the nearest.
 * @param {import("./data.js").Model} model
 * @param {number[][]} boxes
 * @param {number} from
 * @param {string} key
 */
export function neighbour(model, boxes, from, key) {
  const start = boxes[from];
  if (!start) return model.order[0] ?? -1;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
  const joined = new Set([
    ...model.consumers[from].map((k) => model.arrows[k].target),
    ...model.operands[from].map((k) => model.arrows[k].source),
  ]);
  let best = -1;
  let least = Infinity;
  boxes.forEach((box, id) => {
    if (id === from) return;
    const across = box[0] + box[2] / 2 - start[0] - start[2] / 2;
    const down = box[1] + box[3] / 2 - start[1] - start[3] / 2;
    const along = across * dx + down * dy;
    const aside = Math.abs(across * dy) + Math.abs(down * dx);
    if (along < 4 || (!joined.has(id) && aside > 2 * along)) return;
    const distance = (along + 2 * aside) * (joined.has(id) ? 0.25 : 1);
    if (distance < least) [best, least] = [id, distance];
  });
  return best;
}

/**
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by key; `undo` and `redo` for the combinations
 */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {any} */ (event.target);
    const typing = target.matches?.("input:not([type=range]):not([type=checkbox]), select, textarea");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const name = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : "";
      if (!name || (typing && target.type !== "text")) return;
      event.preventDefault();
      if (typing) target.blur();
      actions[name](event);
      return;
    }
    if (typing || event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const sliding = target.type === "range" || target.type === "checkbox";
    if (sliding && (key.startsWith("Arrow") || key === " ")) return;
    if (target.closest?.("button") && (key === "Enter" || key === " ")) return;
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}
