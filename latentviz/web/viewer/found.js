// The row below the controls: points that are pinned, and points that are chosen.

import { hex } from "./colors.js";
import { copy } from "./copying.js";
import { button, byId, element, say } from "./element.js";
import { foundBy, pinAll, pinnedWith } from "./pins.js";
import { pointName } from "./state.js";
import { counted } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { State } from "./state.js" */
/** @import { PointOf } from "./view.js" */

const MOST_NAMES = 1000; // that are offered
const MOST_CLASSES = 6; // that are counted one by one

/**
 * Set up how points are found, and shown once they are.
 * @param {Page} page
 */
export function setUpFound(page) {
  setUpFind(page);
  const chips = byId("chips", HTMLElement);
  const chosen = byId("chosen", HTMLElement);
  const hint = byId("hint", HTMLElement);
  /** @param {State} state @param {State | null} before */
  const update = (state, before) => {
    if (state.pinned !== before?.pinned || state.theme !== before?.theme) {
      const keep = focusedIndex(chips);
      chips.replaceChildren(...state.pinned.map((point) => chip(page, point, state)));
      refocus(chips, keep);
    }
    if (state.chosen !== before?.chosen) {
      showChosen(page, chosen, state);
      if (before) page.tell(chosenWords(page, state) || "none chosen");
    }
    chips.hidden = state.pinned.length === 0;
    chosen.hidden = !chosen.childElementCount;
    hint.hidden = !(chips.hidden && chosen.hidden);
  };
  say(hint, "Point at a dot to name it, click to pin it, drag around dots to choose them.");
  update(page.store.get(), null);
  page.store.subscribe(update);
}

/**
 * Which button of some has the focus.
 * @param {HTMLElement} chips
 */
function focusedIndex(chips) {
  return [...chips.children].indexOf(/** @type {Element} */ (document.activeElement));
}

/**
 * Give the focus back to a button, or to the last one.
 * @param {HTMLElement} chips
 * @param {number} index
 */
function refocus(chips, index) {
  if (index < 0) return;
  const next = chips.children[Math.min(index, chips.children.length - 1)];
  if (next instanceof HTMLElement) next.focus();
  else byId("play", HTMLElement).focus();
}

/**
 * A pinned point, which a click lets go.
 * @param {Page} page
 * @param {PointOf} point
 * @param {State} state
 */
function chip(page, point, state) {
  const name = pointName(page.data, point);
  const where = page.document.rows[point.row].name;
  const words = page.document.rows.length > 1 && where ? `${name} · ${where}` : name;
  const dot = element("span", { class: "dot" });
  const rgb = page.data.rows[point.row].rgb[state.theme];
  dot.style.backgroundColor = hex([...rgb.subarray(3 * point.point, 3 * point.point + 3)]);
  const made = button("", () => pinnedWith(page, point), { class: "chip" });
  const does = element("span", { class: "unseen" }, ": no longer pin it");
  made.append(dot, element("span", { class: "chip-name" }, words), does);
  made.title = `${words}: no longer pin it`;
  made.addEventListener("pointerenter", () => page.set({ hovered: point }));
  made.addEventListener("pointerleave", () => page.set({ hovered: null }));
  return made;
}

/**
 * How many points are chosen, and how many of each class, in words.
 * @param {Page} page
 * @param {State} state
 */
function chosenWords(page, { chosen }) {
  const row = chosen.findIndex((points) => points.size > 0);
  if (row < 0) return "";
  const words = `${counted(chosen[row].size, "point")} chosen`;
  const { key } = page.document.rows[row];
  const { classes } = page.data.rows[row];
  if (!classes || key?.kind !== "categories") return words;
  const counts = new Map();
  for (const point of chosen[row]) {
    counts.set(classes[point], (counts.get(classes[point]) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const told = sorted.slice(0, MOST_CLASSES).map(([k, n]) => `${n} ${key.names[k]}`);
  if (sorted.length > MOST_CLASSES) {
    const n = sorted.slice(MOST_CLASSES).reduce((sum, [, count]) => sum + count, 0);
    told.push(`${n} of other classes`);
  }
  return `${words}: ${told.join(", ")}`;
}

/**
 * @param {Page} page
 * @param {HTMLElement} where
 * @param {State} state
 */
function showChosen(page, where, state) {
  const words = chosenWords(page, state);
  where.replaceChildren();
  if (!words) return;
  const numbers = state.chosen.flatMap((points) => [...points]).join(",");
  where.append(
    element("span", { class: "words", title: words }, words),
    button("Copy numbers", async () => {
      page.tell((await copy(numbers)) ? "numbers copied" : "the browser does not let it be copied");
    }),
    button("Clear", () => {
      page.set({ chosen: state.chosen.map(() => new Set()) });
      byId("play", HTMLElement).focus();
    }),
  );
}

/**
 * The field in which a point's name or number is written.
 * @param {Page} page
 */
function setUpFind(page) {
  const field = byId("find-point", HTMLInputElement);
  const said = byId("find-said", HTMLElement);
  const names = new Set(page.document.rows.flatMap((row) => row.names ?? []));
  const offered = [...names].slice(0, MOST_NAMES);
  byId("find-names", HTMLDataListElement).append(
    ...offered.map((name) => element("option", { value: name })),
  );
  byId("find-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const points = foundBy(page, field.value);
    pinAll(page, points);
    const last = Math.max(...page.document.rows.map((row) => row.points)) - 1;
    say(said, points.length ? `${pointName(page.data, points[0])} pinned`
      : `no point of that name; numbers go from 0 to ${last}`);
    if (points.length) field.value = "";
  });
}
