// What lies under the dots: the ground, discs, frames with their scale, and charts.

import { drawChart, FONT, linePx, stroke, textPx } from "./charts.js";
import { planeOf } from "./planes.js";
import { linearTicks } from "./ticks.js";

/** @typedef {import("./charts.js").ChartArrays} ChartArrays */
/** @typedef {import("./charts.js").Pen} Pen */
/** @typedef {import("./document.js").CloudPlace} CloudPlace */
/** @typedef {import("./document.js").Layout} Layout */
/** @typedef {import("./document.js").Row} Row */
/** @typedef {import("./document.js").ViewerDocument} ViewerDocument */
/** @typedef {import("./planes.js").Plane} Plane */
/** @typedef {import("./view.js").View} View */

const FRAME_PX = 1.5; // sizes on a page of 1080 pixels
const NUMBER_PX = 16;
const TICK_PX = 5;
const MOST_NUMBERS = 4; // of which the first and the last are written

/**
 * A pen for a canvas that shows a layout.
 * @param {CanvasRenderingContext2D} context
 * @param {ViewerDocument} document
 * @param {Layout} layout
 * @param {View} view
 * @param {number} px pixels of the window for one of the layout
 * @returns {Pen}
 */
export function penFor(context, document, layout, view, px) {
  const theme = document.themes[view.theme];
  return { context, theme, themeName: view.theme, scale: layout.scale, px };
}

/**
 * Draws all that does not move.
 * @param {Pen} pen
 * @param {ViewerDocument} document
 * @param {Layout} layout
 * @param {View} view
 * @param {readonly ChartArrays[]} charts
 */
export function drawUnder(pen, document, layout, view, charts) {
  const { context, theme } = pen;
  context.fillStyle = theme.background;
  // The canvas may end within a pixel of the layout.
  context.fillRect(0, 0, layout.size[0] + 2, layout.size[1] + 2);
  let p = 0;
  for (const panel of layout.panels) {
    if (panel.kind === "chart") {
      drawChart(pen, panel, document.charts[panel.chart], charts[panel.chart]);
    }
    if (panel.kind !== "cloud") continue;
    const row = document.rows[panel.row];
    const plane = planeOf(panel, row, view.panels[p], view.tour);
    const isFlat = view.panels[p].dims.length === 2;
    p += 1;
    if (row.framed) drawFrame(pen, panel, row, plane, isFlat);
    else if (row.plate !== null) drawPlate(pen, row.plate, plane, isFlat);
  }
}

/**
 * The disc about the origin; of a cloud that can be turned, the outline of the sphere, too.
 * @param {Pen} pen
 * @param {number} radius in data units
 * @param {Plane} plane
 * @param {boolean} isFlat
 */
function drawPlate(pen, radius, plane, isFlat) {
  const { context, theme } = pen;
  const [x, y] = originOf(plane);
  context.beginPath();
  context.arc(x, y, radius * plane.pxPerUnit, 0, 2 * Math.PI);
  context.fillStyle = theme.disc;
  context.fill();
  if (isFlat) return;
  context.strokeStyle = theme.muted;
  context.lineWidth = linePx(pen, FRAME_PX);
  context.stroke();
}

/**
 * Where the origin is on the page.
 * @param {Plane} plane
 * @returns {[number, number]}
 */
function originOf(plane) {
  let [x, y] = plane.middle;
  plane.center.forEach((at, j) => {
    x -= plane.right[j] * at * plane.pxPerUnit;
    y += plane.up[j] * at * plane.pxPerUnit;
  });
  return [x, y];
}

/**
 * The line around a panel, its disc, the axes through the origin, and a scale.
 * @param {Pen} pen
 * @param {CloudPlace} place
 * @param {Row} row
 * @param {Plane} plane
 * @param {boolean} isFlat
 */
function drawFrame(pen, place, row, plane, isFlat) {
  const { context, theme } = pen;
  const { x, y, width, height } = place.body;
  const line = linePx(pen, FRAME_PX);
  context.lineWidth = line;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  if (row.plate !== null) drawPlate(pen, row.plate, plane, isFlat);
  context.lineWidth = line;
  context.strokeStyle = theme.grid;
  const [left, top] = originOf(plane);
  if (isFlat) {
    stroke(context, [[left, y], [left, y + height]]);
    stroke(context, [[x, top], [x + width, top]]);
  }
  context.restore();
  // The line lies outside: dots go up to it.
  context.strokeStyle = theme.grid;
  context.strokeRect(x - line / 2, y - line / 2, width + line, height + line);
  if (isFlat) drawNumbers(pen, place, plane);
}

/**
 * Two round numbers below a frame, as far as there is room for them.
 * @param {Pen} pen
 * @param {CloudPlace} place
 * @param {Plane} plane
 */
function drawNumbers(pen, place, plane) {
  const { context, theme } = pen;
  const { body } = place;
  const size = textPx(pen, NUMBER_PX);
  const tick = Math.max(TICK_PX * pen.scale, 2 / pen.px);
  const middle = plane.center[plane.right.indexOf(1)] ?? 0;
  const ends = /** @type {const} */ ([middle - plane.limits, middle + plane.limits]);
  const { values, labels } = linearTicks(...ends, MOST_NUMBERS);
  context.font = `${size}px ${FONT}`;
  context.fillStyle = context.strokeStyle = theme.muted;
  context.textAlign = "left";
  context.textBaseline = "top";
  context.lineWidth = 1 / pen.px;
  const bottom = body.y + body.height;
  let taken = body.x - size;
  for (const i of new Set([0, values.length - 1])) {
    const x = plane.middle[0] + (values[i] - middle) * plane.pxPerUnit;
    const width = context.measureText(labels[i]).width;
    const start = Math.min(Math.max(x - width / 2, body.x), body.x + body.width - width);
    if (start < taken + size / 2) continue;
    taken = start + width;
    stroke(context, [[x, bottom], [x, bottom + tick]]);
    context.fillText(labels[i], start, bottom + 1.3 * tick);
  }
}

/**
 * A text, shortened to a width.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 */
export function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const letters = Array.from(text);
  const shortened = () => `${letters.join("")}…`;
  while (letters.length > 1 && context.measureText(shortened()).width > width) letters.pop();
  return shortened();
}
