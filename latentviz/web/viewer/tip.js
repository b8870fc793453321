// The words beside the point under the pointer.

import { byId, element } from "./element.js";
import { placeOfPanel, pointName } from "./state.js";
import { momentWords, shortNumber } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { Stage } from "./stage.js" */
/** @import { View } from "./view.js" */

const GAP_PX = 14;

/**
 * Show them after each drawing.
 * @param {Page} page
 * @param {Stage} stage
 */
export function setUpTip(page, stage) {
  const tip = byId("tip", HTMLElement);
  let said = "";
  stage.onDrawn((view) => {
    const { hovered } = view;
    tip.hidden = hovered === null;
    if (!hovered) return;
    const lines = linesOf(page, view, hovered);
    if (lines.join("\n") !== said) {
      said = lines.join("\n");
      tip.replaceChildren(
        element("strong", {}, lines[0]),
        ...lines.slice(1).map((line) => element("span", {}, line)),
      );
    }
    place(tip, page, stage, hovered);
  });
}

/**
 * What is known of a point.
 * @param {Page} page
 * @param {View} view
 * @param {import("./view.js").PointOf} of
 */
function linesOf(page, view, of) {
  const { document, rows, moments, readers } = page.data;
  const row = document.rows[of.row];
  const arrays = rows[of.row];
  const lines = [pointName(page.data, of)];
  if (row.name) lines.push(row.name);
  if (arrays.classes && row.key?.kind === "categories") {
    lines.push(row.key.names[arrays.classes[of.point]]);
  }
  if (arrays.values) lines.push(`value ${shortNumber(arrays.values[of.point])}`);
  lines.push(momentWords(page.data, view.moment).replace(/ of \d+$/, ""));
  const t = moments.placeAt(row.run, view.moment);
  const k = row.components.length;
  const at = readers[of.row].read(t).subarray(of.point * k, (of.point + 1) * k);
  const panel = page.hoveredPanel;
  const mine = placeOfPanel(page.data, panel).row === of.row ? view.panels[panel].dims : [];
  const dims = mine.length ? mine : row.components.map((_, i) => i).slice(0, 3);
  const places = dims.map((i) => `${row.components[i].name.split(" ")[0]}: ${shortNumber(at[i])}`);
  lines.push(places.join(" · "));
  return lines;
}

/**
 * Beside the point, where there is room.
 * @param {HTMLElement} tip
 * @param {Page} page
 * @param {Stage} stage
 * @param {import("./view.js").PointOf} of
 */
function place(tip, page, stage, of) {
  const isOf = (/** @type {number} */ p) => stage.spots[p]?.place.row === of.row;
  const panel = isOf(page.hoveredPanel)
    ? page.hoveredPanel
    : stage.spots.findIndex((spots) => spots.place.row === of.row);
  const spots = stage.spots[panel]?.spots;
  if (!spots) return;
  const [x, y] = [spots[2 * of.point] * stage.scale, spots[2 * of.point + 1] * stage.scale];
  const width = stage.layout.size[0] * stage.scale;
  const isLeft = x + GAP_PX + tip.offsetWidth > width;
  const left = isLeft ? x - GAP_PX - tip.offsetWidth : x + GAP_PX;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight - GAP_PX / 2)}px`;
}
