// Marks on the curves of a chart: keyframes, measured values, what came after the last update, and
// where curves are broken.

import { heightIn, linePx, stroke, thinnedHeights, thinnedPlaces, xOfStep } from "./charts.js";
import { MOST_CURVES } from "./coincide.js";

/** @typedef {import("./charts.js").ChartArrays} ChartArrays */
/** @typedef {import("./charts.js").Pen} Pen */
/** @typedef {import("./document.js").Chart} Chart */
/** @typedef {import("./document.js").ChartPlace} ChartPlace */
/** @typedef {import("./document.js").Curve} Curve */

/**
 * A mark's place.
 * @typedef {{i: number, x: number, y: number}} Mark `i` is the step's index, by which marks of
 *     several curves correspond
 */

// Sizes on a page of 1080 pixels, and the least in pixels of the window.
const [KEY_PX, LEAST_KEY_PX] = [7, 4];
const [MEASURED_PX, LEAST_MEASURED_PX] = [5.5, 3];
const MEASURED_PITCH = 2; // how far apart these are, in their size, or there are none
const [FINAL_PX, LEAST_FINAL_PX] = [8, 5];
const [POINT_PX, LEAST_POINT_PX] = [3.2, 2];
const [BROKEN_PX, LEAST_BROKEN_PX] = [8, 4];
const BROKEN_LINE_PX = 1.6;
const BROKEN_PITCH = 1.5; // the height of a row of such marks, in theirs
const BROKEN_SHARE = 0.3; // of the height, at most, for all rows
const DOTS = [1, 1.65]; // of a dotted line and between them, in its width
const LINE_PX = 2.2;
const EDGE_PX = 1.2;
const [NESTED, MOST_NESTED] = [0.35, 3]; // so much larger is a mark for each that lies on it

/**
 * Draws the marks of a chart.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 */
export function drawChartMarks(pen, place, chart, arrays) {
  const { context } = pen;
  const yOf = heightIn(place, chart.log);
  const { steps } = arrays;
  const size = (/** @type {number} */ px, /** @type {number} */ least) =>
    Math.max(px * pen.scale, least / pen.px);
  const marksAt = (/** @type {readonly number[]} */ at, /** @type {number} */ c) =>
    at
      .map((i) => ({ i, x: xOfStep(place, arrays, steps[i]), y: yOf(arrays.curves[c].values[i]) }))
      .filter(({ y }) => Number.isFinite(y));
  const alone = chart.curves.map((_, c) => aloneIn(place, arrays, c, yOf));
  const points = size(steps.length === 1 ? KEY_PX : POINT_PX, LEAST_POINT_PX);
  drawMarks(pen, chart, alone, points, "dot");
  const measuredPx = size(MEASURED_PX, LEAST_MEASURED_PX);
  const measured = chart.curves.map((curve, c) => {
    const marks = marksAt(curve.measured, c);
    return areApart(place, arrays, curve.measured, measuredPx) ? marks : [];
  });
  drawMarks(pen, chart, measured, measuredPx, "dot");
  const keyed = chart.curves.map((curve, c) => marksAt(curve.keyed, c));
  drawMarks(pen, chart, keyed, size(KEY_PX, LEAST_KEY_PX), "diamond");
  const x = xOfStep(place, arrays, steps[steps.length - 1] ?? 0);
  const finals = chart.curves.map(({ final }) =>
    [{ i: 0, x, y: final === null ? NaN : yOf(final) }].filter(({ y }) => Number.isFinite(y)),
  );
  drawMarks(pen, chart, finals, size(FINAL_PX, LEAST_FINAL_PX), "ring");
  context.save();
  drawBroken(pen, place, chart, arrays, size(BROKEN_PX, LEAST_BROKEN_PX));
  context.restore();
}

/**
 * Values that have no neighbor to draw a line to.
 * @param {ChartPlace} place
 * @param {ChartArrays} arrays
 * @param {number} c the curve
 * @param {(value: number) => number} yOf
 * @returns {Mark[]}
 */
function aloneIn(place, arrays, c, yOf) {
  const columns = 2 * Math.ceil(place.body.width);
  const ys = thinnedHeights(arrays.curves[c].values, columns, yOf);
  const xs = thinnedPlaces(place, arrays, columns);
  /** @type {Mark[]} */
  const found = [];
  ys.forEach((y, i) => {
    const hasNeighbor = Number.isFinite(ys[i - 1]) || Number.isFinite(ys[i + 1]);
    if (Number.isFinite(y) && !hasNeighbor) found.push({ i, x: place.body.x + xs[i], y });
  });
  return found;
}

/**
 * Whether marks of some steps would leave some of their curve to be seen.
 * @param {ChartPlace} place
 * @param {ChartArrays} arrays
 * @param {readonly number[]} at
 * @param {number} size
 */
function areApart(place, arrays, at, size) {
  if (!at.length) return false;
  const ends = [at[0], at[at.length - 1]];
  const [first, last] = ends.map((i) => xOfStep(place, arrays, arrays.steps[i]));
  return last - first >= MEASURED_PITCH * size * (at.length - 1);
}

/**
 * Draws marks of each curve; where marks coincide, those below are larger and so seen.
 * @param {Pen} pen
 * @param {Chart} chart
 * @param {readonly Mark[][]} marks
 * @param {number} size
 * @param {"dot" | "diamond" | "ring"} shape
 */
function drawMarks(pen, chart, marks, size, shape) {
  const { context, theme } = pen;
  const heights = marks.length <= MOST_CURVES ? marks.map(heightsOf) : [];
  marks.forEach((mine, c) => {
    const color = chart.curves[c].color[pen.themeName];
    const above = heights.slice(c + 1);
    for (const mark of mine) {
      const side = size * nesting(mark, above);
      context.beginPath();
      if (shape === "diamond") addDiamond(context, mark, side);
      else context.arc(mark.x, mark.y, side / 2, 0, 2 * Math.PI);
      context.fillStyle = shape === "ring" ? theme.background : color;
      context.fill();
      if (shape === "dot") continue;
      context.strokeStyle = shape === "ring" ? color : theme.background;
      context.lineWidth = linePx(pen, shape === "ring" ? LINE_PX : EDGE_PX);
      context.stroke();
    }
  });
}

/**
 * The height of each of a curve's marks.
 * @param {readonly Mark[]} marks
 */
export function heightsOf(marks) {
  return new Map(marks.map(({ i, y }) => [i, y]));
}

/**
 * How much larger a mark is for those that lie on it.
 * @param {Mark} mark
 * @param {readonly ReadonlyMap<number, number>[]} above of the curves that are drawn later
 */
export function nesting({ i, y }, above) {
  const covered = above.filter((heights) => Math.abs((heights.get(i) ?? NaN) - y) < 1).length;
  return 1 + NESTED * Math.min(covered, MOST_NESTED);
}

/**
 * A square on its corner.
 * @param {CanvasRenderingContext2D} context
 * @param {Mark} mark
 * @param {number} side of the square
 */
function addDiamond(context, { x, y }, side) {
  const reach = side * Math.SQRT1_2;
  context.moveTo(x - reach, y);
  context.lineTo(x, y - reach);
  context.lineTo(x + reach, y);
  context.lineTo(x, y + reach);
  context.closePath();
}

/**
 * The curves that are broken, a row each; where they are many, the last is of all others.
 * @param {readonly Curve[]} curves
 * @param {number} most rows that there is room for
 * @returns {{curve: Curve | null, at: number[]}[]} null of all others
 */
export function rowsOfBroken(curves, most) {
  /** @type {{curve: Curve | null, at: number[]}[]} */
  const rows = curves
    .filter(({ broken }) => broken.length)
    .map((curve) => ({ curve, at: curve.broken }));
  if (rows.length <= most) return rows;
  const rest = new Set(rows.slice(most - 1).flatMap(({ at }) => at));
  return [...rows.slice(0, most - 1), { curve: null, at: [...rest].sort((a, b) => a - b) }];
}

/**
 * Where a curve breaks, and where it goes on; what is close together is one.
 * @param {readonly number[]} xs rising
 * @param {number} gap
 * @returns {[number, number][]}
 */
export function breaksOf(xs, gap) {
  /** @type {[number, number][]} */
  const found = [];
  for (const x of xs) {
    const last = found[found.length - 1];
    if (last && x - last[1] <= gap) last[1] = x;
    else found.push([x, x]);
  }
  return found;
}

/**
 * A cross where a curve breaks, and dots from there on as long as it is broken.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 * @param {number} size
 */
function drawBroken(pen, place, chart, arrays, size) {
  const { context, theme } = pen;
  const pitch = BROKEN_PITCH * size;
  const most = Math.max(1, Math.floor((BROKEN_SHARE * place.body.height) / pitch));
  const width = linePx(pen, BROKEN_LINE_PX);
  context.lineWidth = width;
  rowsOfBroken(chart.curves, most).forEach(({ curve, at }, n) => {
    const y = place.body.y + (n + 0.5) * pitch;
    const half = size / 2;
    context.strokeStyle = curve ? curve.color[pen.themeName] : theme.muted;
    const xs = at.map((i) => xOfStep(place, arrays, arrays.steps[i]));
    for (const [x, end] of breaksOf(xs, 1.5 * size)) {
      context.setLineDash([]);
      stroke(context, [[x - half, y - half], [x + half, y + half]]);
      stroke(context, [[x - half, y + half], [x + half, y - half]]);
      context.setLineDash(DOTS.map((length) => length * width));
      if (end > x) stroke(context, [[x, y], [end, y]]);
    }
  });
}
