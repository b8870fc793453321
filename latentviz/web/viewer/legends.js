// The names of a chart's curves, in their colors, in a row above it.

import { readable } from "./colors.js";
import { element } from "./element.js";

/** @import { ChartPlace, ViewerDocument } from "./document.js" */
/** @import { State } from "./state.js" */

const LEGEND_PX = 20; // sizes on a page of 1080 pixels
const LEAST_PX = 11; // css px
const GAP_PX = 20;
const LONGEST_NAME = 32;

/**
 * Put a legend in its box; what does not fit is counted.
 * @param {ViewerDocument} document
 * @param {HTMLElement} box
 * @param {ChartPlace} panel
 * @param {number} scale css px for one on a page of 1080 pixels
 * @returns {(state: State) => void} colors it
 */
export function buildLegend(document, box, panel, scale) {
  const chart = document.charts[panel.chart];
  const names = chart.curves.map((curve) => shortened(curve.name));
  box.style.gap = `${GAP_PX * scale}px`;
  const said = [chart.label + chart.note, chart.label];
  /** @param {string} words @param {number} shown @param {number} px */
  const fill = (words, shown, px) => {
    box.style.fontSize = `${px}px`;
    box.replaceChildren();
    if (words) box.append(element("span", { class: "muted" }, words));
    for (const name of names.slice(0, shown)) box.append(element("span", { class: "name" }, name));
    const left = names.length - shown;
    if (left) {
      const all = chart.curves.map((curve) => curve.name).join(", ");
      box.append(element("span", { class: "muted", title: all }, `+${left}`));
    }
    return box.scrollWidth <= box.clientWidth + 1;
  };
  const most = Math.max(LEAST_PX, LEGEND_PX * scale);
  const least = Math.max(LEAST_PX, 0.65 * LEGEND_PX * scale);
  const fits = said.some((words) =>
    [most, (most + least) / 2, least].some((px) => fill(words, names.length, px)),
  );
  for (let n = names.length - 1; !fits && n >= 0; n--) {
    if (fill(said[1], n, least)) break;
  }
  let theme = "";
  return (state) => {
    if (state.theme === theme) return;
    theme = state.theme;
    const { background, text } = document.themes[state.theme];
    box.querySelectorAll(".name").forEach((name, i) => {
      const color = readable(chart.curves[i].color[state.theme], background, text);
      /** @type {HTMLElement} */ (name).style.color = color;
    });
  };
}

/** @param {string} name */
function shortened(name) {
  const letters = Array.from(name);
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME - 1).join("")}…` : name;
}
