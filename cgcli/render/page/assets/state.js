/** All that the reader can change, as one immutable record; the fragment of the page's address holds it. */

import { parseNumber, fullText } from "./numbers.js";

/**
 * @typedef {Readonly<{inputs: readonly number[], of: number, step: number, card: number, view: string,
 *   theme: string, loops: readonly number[]}>} State
 *   of: index of the output; step: of the player, -1 for all shown; card: the chosen one or -1;
 *   loops: of each loop the step that is shown, -1 for the last
 */

export const VIEWS = ["values", "derivatives", "both"];
const UNDONE = /** @type {const} */ (["inputs", "of", "loops"]);

/**
 * @param {import("./data.js").Model} model
 * @returns {State}
 */
function startState(model) {
  const card = model.of.length ? model.of[0].card : -1;
  return { inputs: model.start, of: 0, step: -1, card, view: "both", theme: model.theme, loops: model.loops.map(() => -1) };
}

/**
 * Only what differs from the start is written. Names of our own begin with a point, which no input's name does.
 * @param {State} state
 * @param {import("./data.js").Model} model
 */
export function toFragment(state, model) {
  const start = startState(model);
  const pairs = new URLSearchParams();
  model.inputs.forEach((input, k) => {
    const x = state.inputs[k];
    if (!Object.is(x, start.inputs[k])) pairs.set(input.name, plain(fullText(x, input.type)));
  });
  if (state.of !== start.of) pairs.set(".of", model.of[state.of].name);
  if (state.step >= 0) pairs.set(".step", String(state.step));
  if (state.card !== start.card) pairs.set(".card", String(state.card));
  if (state.view !== start.view) pairs.set(".view", state.view);
  if (state.theme !== start.theme) pairs.set(".theme", state.theme);
  if (state.loops.some((step) => step >= 0)) pairs.set(".loops", state.loops.join(","));
  return pairs.toString();
}

/** @param {string} text */
const plain = (text) => text.replaceAll("−", "-").replace("∞", "inf");

/**
 * The state of an address; of what makes no sense the start's part stays.
 * @param {string} fragment
 * @param {import("./data.js").Model} model
 * @returns {State}
 */
export function fromFragment(fragment, model) {
  const start = startState(model);
  const pairs = new URLSearchParams(fragment.replace(/^#/, ""));
  const inputs = model.inputs.map((input, k) => {
    const text = pairs.get(input.name);
    if (text === null || input.value === null) return start.inputs[k];
    const x = input.type === "bool" ? ["false", "true"].indexOf(text) : parseNumber(text, input.type);
    return x === null || x === -1 && input.type === "bool" ? start.inputs[k] : x;
  });
  const of = model.of.findIndex((output) => output.name === pairs.get(".of"));
  const view = pairs.get(".view") ?? "";
  const theme = pairs.get(".theme") ?? "";
  const loops = (pairs.get(".loops") ?? "").split(",");
  return {
    inputs,
    of: Math.max(0, of),
    step: index(pairs.get(".step"), 2 * model.cards.length, -1),
    card: index(pairs.get(".card"), model.cards.length, start.card),
    view: VIEWS.includes(view) ? view : start.view,
    theme: ["light", "dark"].includes(theme) ? theme : start.theme,
    loops: start.loops.map((_, k) => index(loops[k], 1e9, -1)),
  };
}

/**
 * @param {string | null | undefined} text
 * @param {number} count
 * @param {number} otherwise
 */
function index(text, count, otherwise) {
  return text && /^(\d+|-1)$/.test(text) && Number(text) < count ? Number(text) : otherwise;
}

/**
 * Holds the state and what was before it. Changes under one name that follow each other are undone together.
 * @param {State} state
 * @param {(state: State) => void} changed
 */
export function makeStore(state, changed) {
  /** @type {State[]} */
  let past = [];
  /** @type {State[]} */
  let future = [];
  let last = "";
  const become = (/** @type {State} */ next) => {
    state = next;
    changed(state);
  };
  const revert = (/** @type {State[]} */ from, /** @type {State[]} */ to) => {
    const other = from.pop();
    if (!other) return;
    to.push(state);
    last = "";
    become({ ...state, inputs: other.inputs, of: other.of, loops: other.loops });
  };
  return {
    state: () => state,
    /**
     * @param {Partial<State>} patch
     * @param {string} [name] of the change; none is never joined with the one before
     */
    set(patch, name = "") {
      const next = { ...state, ...patch };
      if (UNDONE.some((key) => next[key] !== state[key])) {
        if (!name || name !== last) past.push(state);
        future = [];
        last = name;
      }
      become(next);
    },
    /** Ends a change, as a slider that is let go. */
    settle() {
      last = "";
    },
    undo: () => revert(past, future),
    redo: () => revert(future, past),
    /** @param {State} next a state from elsewhere, as from a link */
    replace(next) {
      past.push(state);
      last = "";
      become(next);
    },
  };
}

/** @typedef {ReturnType<typeof makeStore>} Store */
