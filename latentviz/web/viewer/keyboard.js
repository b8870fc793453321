// What keys do, wherever the focus is, but where one writes or chooses.

import { showHelp } from "./controls.js";
import { SPEEDS } from "./state.js";

/** @import { Page } from "./page.js" */

const STRIDE = 10; // moments, with shift
const SLIDER = ["ArrowUp", "ArrowDown"]; // who hears a page knows them as the slider's own

/**
 * Listen to keys.
 * @param {Page} page
 */
export function setUpKeyboard(page) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const does = actionOf(page, event);
    if (!does || isTaken(event)) return;
    event.preventDefault();
    does();
  });
}

/**
 * What a key does.
 * @param {Page} page
 * @param {KeyboardEvent} event
 * @returns {(() => void) | null}
 */
function actionOf(page, event) {
  const { moment } = page.store.get();
  const stride = event.shiftKey ? STRIDE : 1;
  switch (event.key) {
    case " ":
      return () => event.repeat || page.toggle();
    case "ArrowLeft":
      return () => page.goTo(moment - stride);
    case "ArrowRight":
      return () => page.goTo(moment + stride);
    case "Home":
      return () => page.goTo(0);
    case "End":
      return () => page.goTo(page.data.moments.count - 1);
    case "ArrowUp":
      return () => faster(page, 1);
    case "ArrowDown":
      return () => faster(page, -1);
    case "?":
      return () => showHelp();
    case "Escape":
      return () => clear(page);
    default:
      return null;
  }
}

/**
 * Whether what has the focus has its own use for a key.
 * @param {KeyboardEvent} event
 */
function isTaken(event) {
  const { target, key } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (document.querySelector("dialog[open]")) return true;
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLInputElement) return target.type !== "range" || SLIDER.includes(key);
  if (key === " ") return target.matches("button, summary, a");
  return false;
}

/**
 * @param {Page} page
 * @param {number} by
 */
function faster(page, by) {
  const at = SPEEDS.indexOf(page.store.get().speed) + by;
  const speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))];
  page.set({ speed });
  page.tell(`speed ${speed}`);
}

/**
 * Lets go of all points.
 * @param {Page} page
 */
function clear(page) {
  const { chosen } = page.store.get();
  page.set({ pinned: [], chosen: chosen.map(() => new Set()), hovered: null });
  page.tell("no points pinned or chosen");
}
