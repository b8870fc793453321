// Which components each panel shows, and how it is turned.

import { button, byId, choice, element, say } from "./element.js";
import { turn } from "./gestures.js";
import { placeOfPanel } from "./state.js";
import { titleOf } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { State } from "./state.js" */
/** @import { PanelView } from "./view.js" */

const SIDES = ["right", "up", "toward you"];
const FLAT = "flat";
const STEP = Math.PI / 24; // of a turn by a button
// So a panel is turned when it first has depth, as else nothing of it would be seen.
const FIRST = { azimuth: Math.PI / 6, elevation: Math.PI / 9 };
const ARROWS = /** @type {const} */ ([
  ["←", "to the left", -STEP, 0],
  ["→", "to the right", STEP, 0],
  ["↑", "upward", 0, -STEP],
  ["↓", "downward", 0, STEP],
]);

/**
 * Set up the menu of axes.
 * @param {Page} page
 */
export function setUpAxes(page) {
  const menu = byId("axes", HTMLElement);
  const updates = page.usual.panels.map((_, index) => addPanel(page, menu, index));
  updates.push(addTour(page, menu));
  /** @param {State} state */
  const update = (state) => {
    for (const each of updates) each(state);
  };
  update(page.store.get());
  page.store.subscribe((state, before) => {
    const { panels, touring, going } = before;
    const isSame = state.panels === panels && state.touring === touring && state.going === going;
    if (!isSame) update(state);
  });
}

/**
 * The toggle of the grand tour, and what stops it midway.
 * @param {Page} page
 * @param {HTMLElement} menu
 * @returns {(state: State) => void}
 */
function addTour(page, menu) {
  const toggle = button("Grand tour", () => {
    const touring = !page.store.get().touring;
    page.set({ touring, going: touring, tour: touring ? page.store.get().tour : 0 });
  }, { class: "toggle", title: "Turn all panels through all components" });
  const go = button("", () => page.set({ going: !page.store.get().going }));
  menu.append(element("div", { class: "pair" }, toggle, go));
  toggle.disabled = page.document.rows.every((row) => row.components.length < 3);
  return ({ touring, going }) => {
    toggle.setAttribute("aria-pressed", String(touring));
    go.hidden = !touring;
    say(go, going ? "Stop here" : "Go on");
  };
}

/**
 * The controls of a panel.
 * @param {Page} page
 * @param {HTMLElement} menu
 * @param {number} index
 * @returns {(state: State) => void} shows what holds
 */
function addPanel(page, menu, index) {
  const { row } = placeOfPanel(page.data, index);
  const { components, name } = page.document.rows[row];
  const n = page.usual.panels.length;
  const legend = element("legend", {});
  const group = element("fieldset", {}, legend);
  const options = components.map(({ name: of }, i) => /** @type {const} */ ([String(i), of]));
  const selects = SIDES.slice(0, components.length < 3 ? 2 : 3).map((side, at) => {
    const given = at === 2 ? [/** @type {const} */ ([FLAT, FLAT]), ...options] : options;
    const select = choice(given, "", (value) => setDim(page, index, at, value));
    group.append(element("label", {}, element("span", {}, side), select));
    return select;
  });
  const turns = ARROWS.map(([arrow, where, right, down]) =>
    button(arrow, () => turn(page, index, right, down), {
      "aria-label": `Turn ${where}`, title: `Turn ${where}`, class: "icon",
    }));
  const reset = button("Reset", () => setPanel(page, index, page.usual.panels[index]));
  const tools = element("div", { class: "pair" }, ...(selects.length > 2 ? turns : []), reset);
  group.append(tools);
  menu.append(group);
  return ({ panels, touring }) => {
    const panel = panels[index];
    const of = n > 1 ? `Panel ${index + 1}` : "Panel";
    say(legend, [of, name, titleOf(page.data, index, panel)].filter(Boolean).join(" · "));
    selects.forEach((select, at) => {
      select.value = panel.dims[at] === undefined ? FLAT : String(panel.dims[at]);
    });
    group.disabled = touring;
    for (const each of turns) each.disabled = panel.dims.length !== 3;
  };
}

/**
 * @param {Page} page
 * @param {number} index
 * @param {PanelView} panel
 */
function setPanel(page, index, panel) {
  const { panels } = page.store.get();
  page.set({ panels: panels.map((other, i) => (i === index ? panel : other)) });
}

/**
 * Show another component on a side of a panel. Where it was on another side, that one takes what
 * was here.
 * @param {Page} page
 * @param {number} index
 * @param {number} side
 * @param {string} value
 */
function setDim(page, index, side, value) {
  const panel = page.store.get().panels[index];
  if (value === FLAT) {
    setPanel(page, index, { dims: panel.dims.slice(0, 2), azimuth: 0, elevation: 0 });
    return;
  }
  const dims = [...panel.dims];
  const other = dims.indexOf(Number(value));
  const free = [0, 1, 2].find((dim) => !dims.includes(dim)) ?? 0;
  if (other >= 0 && other !== side) dims[other] = dims[side] ?? free;
  dims[side] = Number(value);
  const isNew = dims.length === 3 && panel.dims.length < 3;
  setPanel(page, index, { ...panel, dims, ...(isNew ? FIRST : {}) });
}
