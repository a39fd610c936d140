/** The page: one store of the state, one frame computed from it, panels that draw the frame. */

import { byId, delayed, html, setText } from "./dom.js";
import { readData } from "./data.js";
import { checkExpected, compute, isLive, stopped } from "./compute.js";
import { fromFragment, makeStore, toFragment, VIEWS } from "./state.js";
import { mutedCards, playerSteps, valueOf } from "./frame.js";
import { cardWords, makePicture } from "./picture.js";
import { makeCamera } from "./camera.js";
import { makeInspector } from "./inspector.js";
import { makeInputs } from "./inputs.js";
import { makePlayer } from "./player.js";
import { makeSource } from "./source.js";
import { makeSearch } from "./search.js";
import { makeTable } from "./table.js";
import { listen, neighbour } from "./keys.js";
import { fullText } from "./numbers.js";

const KEYS = [
  ["← → ↑ ↓", "choose the next card"],
  ["Enter", "play to the chosen card"],
  ["Esc", "show every value and derivative"],
  ["space", "play and pause"],
  [", .", "a step back, a step on"],
  ["/", "find a value"],
  ["t", "all values as a table"],
  ["f", "fit the picture"],
  ["+ −", "zoom; also by wheel or fingers"],
  ["ctrl z", "undo; with shift redo"],
  ["?", "these keys"],
];

function start() {
  const model = readData(byId("data").textContent);
  const locked = checkExpected(model);
  const canvas = byId("canvas");
  const sections = /** @type {Record<string, any>} */ ({});
  for (const id of ["inputs", "source", "inspector", "player", "problem", "live", "table"]) sections[id] = byId(id);

  const store = makeStore(fromFragment(location.hash, model), schedule);
  const choose = (/** @type {number} */ card) => {
    store.set({ card });
    document.body.dataset.panel = "value";
    camera.reveal(card);
  };
  const picture = makePicture(model, choose);
  canvas.append(picture.root);
  const camera = makeCamera(picture, model.scene);
  const inputs = makeInputs(model, store, sections.inputs);
  const source = makeSource(model, store, sections.source);
  const inspector = makeInspector(model, store, sections.inspector);
  const player = makePlayer(model, store, sections.player);
  const table = makeTable(model, sections.table, (card) => {
    byId("table-dialog").close();
    choose(card);
  });
  const search = makeSearch(model, byId("search"), byId("hits"), (card) => {
    choose(card);
    picture.focus(card);
  });

  /** @type {{inputs: readonly number[], of: number, slots: ArrayLike<number>, series: number[][]}} */
  let computed = { inputs: model.start, of: 0, slots: model.slots, series: model.series };
  let problem = "";
  /** @type {{key: string, steps: ReturnType<typeof playerSteps>}} */
  let plan = { key: "", steps: playerSteps(model, 0, new Set()) };
  let sliding = false;
  let waiting = 0;
  /** @type {import("./frame.js").Frame} */
  let frame;

  /**
   * Computes where the inputs or the output have changed; what stopped it leaves the last numbers as they are.
   * @param {import("./state.js").State} state
   */
  function recompute(state) {
    if (locked || (state.inputs === computed.inputs && state.of === computed.of)) return;
    if (sliding && !isLive(model)) return;
    const result = compute(state.inputs, state.of);
    problem = "";
    if (result.status) problem = `Stopped: ${stopped(result.status, state.of, model)}. The picture shows the last inputs that ran.`;
    else computed = { inputs: state.inputs, of: state.of, slots: result.slots, series: result.series };
  }

  function redraw() {
    waiting = 0;
    const held = store.state();
    const state = locked ? { ...held, inputs: model.start, of: 0 } : held;
    recompute(state);
    const muted = mutedCards(model, computed.slots);
    const key = `${computed.of}:${[...muted].join()}`;
    if (key !== plan.key) plan = { key, steps: playerSteps(model, computed.of, muted) };
    frame = {
      state: { ...state, of: computed.of },
      inputs: computed.inputs,
      slots: computed.slots,
      series: computed.series,
      problem,
      muted,
      ...plan.steps,
      step: Math.min(state.step, plan.steps.steps.length - 1),
      atStart: computed.inputs.every((x, k) => Object.is(x, model.start[k])),
      locked: locked !== "",
      settled: !sliding,
    };
    setTheme(state.theme);
    for (const panel of [picture, inputs, source, inspector, player]) panel.draw(frame);
    setText(sections.problem, locked || problem);
    sections.problem.classList.toggle("wrong", !model.why);
    sections.problem.hidden = !(locked || problem);
    for (const button of document.querySelectorAll("[data-view]")) {
      button.ariaPressed = String(/** @type {any} */ (button).dataset.view === state.view);
    }
    afterwards();
  }

  const afterwards = delayed(() => {
    picture.describe();
    const fragment = toFragment(store.state(), model);
    try {
      if (fragment !== location.hash.slice(1)) history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname);
    } catch {
      // a frame without an address of its own keeps its state for itself
    }
    const card = model.cards[frame.state.card];
    const output = model.cards[model.of[frame.state.of]?.card ?? -1];
    const result = output && valueOf(frame, output);
    const ends = output && result !== null && output !== card ? `; ${output.label} is ${fullText(result, output.type)}` : "";
    setText(sections.live, problem || (card ? cardWords(model, frame, card) + ends : ""));
  }, 300);

  function schedule() {
    if (!waiting) waiting = requestAnimationFrame(redraw);
  }

  // ---- the theme

  let painted = "";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const printed = matchMedia("print");
  function setTheme(/** @type {string} */ chosen) {
    const theme = printed.matches ? "light" : chosen || (dark.matches ? "dark" : "light");
    if (theme === painted) return;
    painted = theme;
    const style = document.documentElement.style;
    for (const [role, value] of Object.entries(model.themes[theme])) style.setProperty(`--${role.replaceAll(" ", "-")}`, value);
    style.colorScheme = theme;
    document.documentElement.dataset.theme = theme;
    setText(byId("theme"), theme === "dark" ? "light" : "dark");
  }
  dark.addEventListener("change", schedule);

  // ---- the frame around the picture

  document.title = model.name;
  setText(byId("name"), model.name);
  setText(byId("formula"), model.formula);
  setText(byId("notes"), model.notes.join("; "));
  const views = VIEWS.map((view) => html("button", { "data-view": view, click: () => store.set({ view }) }, view));
  byId("views").append(...views);
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.addEventListener("click", () => (document.body.dataset.panel = /** @type {any} */ (button).dataset.tab));
  }
  byId("keys").append(...KEYS.flatMap(([key, words]) => [html("dt", {}, html("kbd", {}, key)), html("dd", {}, words)]));
  const open = (/** @type {string} */ id) => byId(id).showModal();
  const openTable = () => {
    table.fill(frame);
    open("table-dialog");
  };
  const openHelp = () => open("help-dialog");
  const [closer, farther] = [1.25, 0.8].map((factor) => () => camera.zoom(factor));
  const switchTheme = () => store.set({ theme: painted === "dark" ? "light" : "dark" });
  const clicks = { help: openHelp, values: openTable, fit: camera.fit, closer, farther, theme: switchTheme };
  for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector("button.close")?.addEventListener("click", () => dialog.close());
  }
  addEventListener("keydown", (event) => {
    const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog[open]"));
    if (dialog && (event.key === "t" || event.key === "?")) dialog.close();
  }, true);
  document.addEventListener("pointerdown", (event) => {
    sliding = /** @type {any} */ (event.target).type === "range";
  }, true);
  for (const name of ["pointerup", "pointercancel", "change"]) {
    document.addEventListener(name, () => {
      if (sliding) schedule();
      sliding = false;
    }, true);
  }
  addEventListener("hashchange", () => store.replace(fromFragment(location.hash, model)));
  addEventListener("beforeprint", () => {
    setTheme("light");
    table.fill(frame);
    picture.root.setAttribute("viewBox", `0 0 ${model.scene.width} ${model.scene.height}`);
    picture.world.setAttribute("transform", "");
    picture.look({ left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity, legible: true });
  });
  addEventListener("afterprint", () => {
    picture.root.removeAttribute("viewBox");
    camera.fit();
    schedule();
  });

  const move = (/** @type {KeyboardEvent} */ event) => {
    const next = neighbour(model, picture.boxes, store.state().card, event.key);
    if (next < 0) return;
    choose(next);
    picture.focus(next);
  };
  listen({
    ArrowLeft: move,
    ArrowRight: move,
    ArrowUp: move,
    ArrowDown: move,
    Enter: () => {
      const step = frame.forwardAt[store.state().card] ?? -1;
      store.set({ step });
    },
    Escape: () => {
      player.stop();
      store.set({ step: -1 });
    },
    " ": player.toggle,
    ",": () => player.move(-1),
    ".": () => player.move(1),
    "/": search.open,
    t: openTable,
    f: camera.fit,
    "+": closer,
    "=": closer,
    "-": farther,
    "?": openHelp,
    undo: store.undo,
    redo: store.redo,
  });

  redraw();
  camera.fit();
  picture.describe();
}

start();
