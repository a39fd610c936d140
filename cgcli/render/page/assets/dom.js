/** Elements of the page. Text enters as text nodes alone, so that nothing a user wrote is read as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Record<string, string | number | boolean | undefined | ((event: any) => void)>} Attributes
 */

/**
 * @param {Element} element
 * @param {Attributes} attributes a function listens to the event of that name; false or undefined leave one out
 * @param {(Node | string)[]} children
 */
function equip(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
}

/**
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {any} an HTML element
 */
export function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  equip(element, attributes, children);
  return element;
}

/**
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {any} an SVG element
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  equip(element, attributes, children);
  return element;
}

/**
 * @param {string} id
 * @returns {any} the element of the page's markup
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Sets a text only where it differs, so that nothing is laid out anew for nothing.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Moves a slider, and the colour of its track with it.
 * @param {any} slider
 * @param {number} value
 */
export function setSlider(slider, value) {
  const [low, high] = [Number(slider.min), Number(slider.max)];
  if (document.activeElement !== slider || Number(slider.value) !== value) slider.value = String(value);
  slider.style.setProperty("--share", high > low ? (value - low) / (high - low) : 0);
}

/**
 * A path through points, broken where one is missing.
 * @param {(number[] | null)[]} points
 */
export function pathThrough(points) {
  let path = "";
  points.forEach((point, k) => {
    if (point) path += `${points[k - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
  });
  return path;
}

/**
 * Delays calls: only the last of many in a row is made.
 * @param {() => void} action
 * @param {number} milliseconds
 */
export function delayed(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
