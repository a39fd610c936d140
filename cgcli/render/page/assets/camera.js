/** Which piece of the picture is seen: zoom at the pointer, drag, pinch, fit. */

const LARGEST_FIT = 1.6;
const CLOSEST = 6;
const MARGIN = 24;
const [LEGIBLE, OF_FEW] = [0.45, 0.2]; // the scales below which no number is written: of many cards, of few
const FEW = 150;
const BEYOND = 60; // what is taken for in sight beyond the edges
const MOVED = 4; // pixels that a press moves at least to be a drag

/**
 * @param {{root: any, world: any, boxes: number[][], cardOf: (target: any) => number, choose: (card: number) => void, look: (sight: any) => void}} picture
 * @param {{width: number, height: number}} scene
 */
export function makeCamera(picture, scene) {
  const { root, world } = picture;
  const legible = picture.boxes.length > FEW ? LEGIBLE : OF_FEW;
  let scale = 1;
  let x = 0;
  let y = 0;
  let fitted = true;
  /** @type {Map<number, {x: number, y: number}>} */
  const pressed = new Map();
  let travelled = 0;

  const size = () => [root.clientWidth || 1, root.clientHeight || 1];
  const smallest = () => Math.min(0.1, fitScale() / 2);

  function apply() {
    world.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
    const [width, height] = size();
    const [left, top] = [-x / scale - BEYOND, -y / scale - BEYOND];
    const [right, bottom] = [left + width / scale + 2 * BEYOND, top + height / scale + 2 * BEYOND];
    root.classList.toggle("tiny", scale < legible / 2);
    picture.look({ left, top, right, bottom, legible: scale >= legible });
  }

  function fitScale() {
    const [width, height] = size();
    const room = Math.min((width - 2 * MARGIN) / scene.width, (height - 2 * MARGIN) / scene.height);
    return Math.max(0.01, Math.min(LARGEST_FIT, room));
  }

  function fit() {
    const [width, height] = size();
    scale = fitScale();
    x = (width - scene.width * scale) / 2;
    y = (height - scene.height * scale) / 2;
    fitted = true;
    apply();
  }

  /**
   * @param {number} factor
   * @param {number} [px] the point that stays where it is; the middle if left out
   * @param {number} [py]
   */
  function zoom(factor, px, py) {
    const [width, height] = size();
    const [cx, cy] = [px ?? width / 2, py ?? height / 2];
    const next = Math.max(smallest(), Math.min(CLOSEST, scale * factor));
    x = cx - ((cx - x) * next) / scale;
    y = cy - ((cy - y) * next) / scale;
    scale = next;
    fitted = false;
    apply();
  }

  /** @param {PointerEvent} event */
  function press(event) {
    pressed.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pressed.size === 1) travelled = 0;
  }

  /** @param {PointerEvent} event */
  function move(event) {
    const before = pressed.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (travelled < MOVED) return;
    if (!root.hasPointerCapture(event.pointerId)) root.setPointerCapture(event.pointerId);
    if (pressed.size === 2) {
      const [other] = [...pressed].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      const spread = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
      const corner = root.getBoundingClientRect();
      zoom(spread || 1, (now.x + other.x) / 2 - corner.left, (now.y + other.y) / 2 - corner.top);
    } else {
      x += now.x - before.x;
      y += now.y - before.y;
      fitted = false;
      apply();
    }
    pressed.set(event.pointerId, now);
  }

  const release = (/** @type {PointerEvent} */ event) => pressed.delete(event.pointerId);

  /** @param {MouseEvent} event of a pointer that did not move, or of a keyboard or a screen reader */
  function click(event) {
    const card = picture.cardOf(event.target);
    if (card >= 0 && (travelled < MOVED || !event.detail)) picture.choose(card);
  }

  const handlers = { pointerdown: press, pointermove: move, pointerup: release, pointercancel: release, click };
  for (const [name, handler] of Object.entries(handlers)) root.addEventListener(name, handler);
  root.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
      event.preventDefault();
      const corner = root.getBoundingClientRect();
      const lines = event.deltaMode === 1 ? 20 : 1;
      zoom(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - corner.left, event.clientY - corner.top);
    }, { passive: false });
  new ResizeObserver(() => fitted && fit()).observe(root);

  return {
    fit,
    zoom,
    /**
     * Moves a card into sight, if it is not there.
     * @param {number} id
     */
    reveal(id) {
      const box = picture.boxes[id];
      if (!box) return;
      const [width, height] = size();
      const [left, top] = [box[0] * scale + x, box[1] * scale + y];
      const inside = left >= 0 && top >= 0 && left + box[2] * scale <= width && top + box[3] * scale <= height;
      if (inside && scale >= LEGIBLE) return;
      scale = Math.max(scale, 0.7);
      x = width / 2 - (box[0] + box[2] / 2) * scale;
      y = height / 2 - (box[1] + box[3] / 2) * scale;
      fitted = false;
      apply();
    },
  };
}
