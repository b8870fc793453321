// The keys of points' colors: classes, which can be hidden; or a bar of a scalar's colors.

import { button, element } from "./element.js";
import { counted } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { Categories, Row } from "./document.js" */
/** @import { State } from "./state.js" */

const LEAST_PX = 11; // css px of any letter

/**
 * Fill the box of a row's key.
 * @param {Page} page
 * @param {HTMLElement} box
 * @param {number} row
 * @param {number} barPx how long a bar of colors is, in css px
 * @returns {(state: State) => void} shows what holds now
 */
export function buildKey(page, box, row, barPx) {
  const { key } = page.data.document.rows[row];
  if (!key) return () => {};
  if (key.kind === "ramp") {
    const bar = element("span", { class: "ramp", role: "img", "aria-label": "from low to high" });
    bar.style.backgroundImage = `linear-gradient(to right, ${key.stops.join(", ")})`;
    bar.style.width = `min(${barPx}px, 40%)`;
    box.append(element("span", {}, key.low), bar, element("span", {}, key.high));
    return () => {};
  }
  return buildClasses(page, box, row, key);
}

/**
 * @param {Page} page
 * @param {HTMLElement} box
 * @param {number} row
 * @param {Categories} key
 * @returns {(state: State) => void}
 */
function buildClasses(page, box, row, key) {
  const { rows } = page.data.document;
  const mine = rowsOfKey(rows, row);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Classes");
  const dots = key.names.map(() => element("span", { class: "dot" }));
  const buttons = key.names.map((name, k) => {
    const made = element("button", { type: "button", class: "class" }, dots[k], name);
    made.title = `${name}: click to hide or show, alt-click to see it alone`;
    made.addEventListener("click", (event) => {
      const isAlone = event.altKey || event.shiftKey;
      setHidden(page, mine, (hidden) => (isAlone ? allBut(k, key, hidden) : toggled(k, hidden)));
    });
    return made;
  });
  const all = button("all", () => setHidden(page, mine, () => new Set()), { class: "all" });
  all.title = "Show all classes";
  box.append(...buttons, all);
  fitLetters(box);
  return (state) => {
    const hidden = state.hidden[row];
    buttons.forEach((made, k) => {
      made.setAttribute("aria-pressed", String(!hidden.has(k)));
      dots[k].style.backgroundColor = key.colors[state.theme][k];
    });
    all.hidden = hidden.size === 0;
  };
}

/**
 * Has names stand closer, then makes their letters smaller, until all fit; if they never do, the
 * box has whole lines of them, and scrolls.
 * @param {HTMLElement} box
 */
function fitLetters(box) {
  const isFull = () => box.scrollHeight > box.clientHeight + 2;
  let px = parseFloat(box.style.fontSize);
  box.classList.toggle("close", isFull());
  while (px > LEAST_PX && isFull()) {
    px = Math.max(LEAST_PX, px - 0.5);
    box.style.fontSize = `${px}px`;
  }
  if (!isFull()) return;
  const [first, ...others] = [...box.children].map((made) => made.getBoundingClientRect());
  const next = others.find(({ top }) => top > first.top + 1);
  const line = next ? next.top - first.top : first.height;
  box.style.height = `${Math.max(1, Math.floor((box.clientHeight + 2) / line)) * line}px`;
  box.classList.add("scrolling");
}

/**
 * The rows that share a key.
 * @param {readonly Row[]} rows
 * @param {number} row
 */
function rowsOfKey(rows, row) {
  const names = (/** @type {Row} */ of) =>
    of.key?.kind === "categories" ? of.key.names.join("\n") : null;
  return rows.flatMap((other, k) => (names(other) === names(rows[row]) ? [k] : []));
}

/**
 * Change which classes of some rows are hidden.
 * @param {Page} page
 * @param {readonly number[]} mine
 * @param {(hidden: ReadonlySet<number>) => Set<number>} change
 */
function setHidden(page, mine, change) {
  const { hidden } = page.store.get();
  const changed = change(hidden[mine[0]]);
  page.store.set({ hidden: hidden.map((set, row) => (mine.includes(row) ? changed : set)) });
  const { size } = changed;
  page.tell(size ? `${counted(size, "class", "classes")} hidden` : "all classes shown");
}

/**
 * @param {number} k
 * @param {ReadonlySet<number>} hidden
 */
function toggled(k, hidden) {
  const changed = new Set(hidden);
  if (!changed.delete(k)) changed.add(k);
  return changed;
}

/**
 * All hidden but one; none, if that one is alone already.
 * @param {number} k
 * @param {Categories} key
 * @param {ReadonlySet<number>} hidden
 */
function allBut(k, key, hidden) {
  const n = key.names.length;
  if (hidden.size === n - 1 && !hidden.has(k)) return /** @type {Set<number>} */ (new Set());
  return new Set(Array.from({ length: n }, (_, i) => i).filter((i) => i !== k));
}
