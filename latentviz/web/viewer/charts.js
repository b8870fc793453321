// Curves over the steps, on a canvas whose unit is a pixel of the layout.

import { inTurns } from "./coincide.js";

/** @typedef {import("./document.js").Chart} Chart */
/** @typedef {import("./document.js").ChartPlace} ChartPlace */
/** @typedef {import("./document.js").Theme} Theme */
/** @typedef {import("./document.js").ThemeName} ThemeName */

/**
 * The numbers of a chart.
 * @typedef {object} ChartArrays
 * @property {Float64Array} steps (T)
 * @property {number} end the step at the end of its axis
 * @property {{values: Float32Array, raw: Float32Array | null}[]} curves
 */

/**
 * How a canvas is drawn on.
 * @typedef {object} Pen
 * @property {CanvasRenderingContext2D} context its unit is a pixel of the layout
 * @property {Theme} theme
 * @property {ThemeName} themeName
 * @property {number} scale of lines and text, 1 on a page of 1920x1080; the layout's
 * @property {number} px pixels of the window for one of the layout
 */

export const FONT = "system-ui, sans-serif";
const LEAST_TEXT_PX = 10; // of the window
const TICK_PX = 17; // sizes on a page of 1080 pixels
const LINE_PX = 2.2;
const [RAW_PX, RAW_ALPHA] = [1.2, 0.25];
const GRID_PX = 1.2;
const PAD_PX = 6;
const LEAST_PAD_PX = 3; // of the window: a keyframe of the first step reaches beyond the axis
const SIDE_PX = 96; // so much left of a chart is its own
const AIR = 1 / 3; // of the text's height, between two of them
const [DASH_PX, LEAST_DASH_PX] = [12, 5];
const [LEAST_LOG, GREATEST] = [1e-100, 1e100]; // what is beyond is drawn there

/**
 * The height of text on the canvas.
 * @param {Pen} pen
 * @param {number} size on a page of 1080 pixels
 */
export function textPx(pen, size) {
  return Math.max(size * pen.scale, LEAST_TEXT_PX / pen.px);
}

/**
 * A line's width: no less than a pixel of the window.
 * @param {Pen} pen
 * @param {number} size on a page of 1080 pixels
 */
export function linePx(pen, size) {
  return Math.max(size * pen.scale, 1 / pen.px);
}

/**
 * The steps at which a chart begins and ends.
 * @param {Pick<ChartArrays, "steps" | "end">} arrays
 * @returns {[number, number]}
 */
export function stepRange({ steps, end }) {
  const first = steps[0] ?? 0;
  return [first, Math.max(end, first + 1)];
}

/**
 * Where a step is in a chart.
 * @param {ChartPlace} place
 * @param {Pick<ChartArrays, "steps" | "end">} arrays the chart's
 * @param {number} step
 */
export function xOfStep(place, arrays, step) {
  const [first, last] = stepRange(arrays);
  return place.body.x + ((step - first) / (last - first)) * place.body.width;
}

/**
 * The step that is at a place in a chart; the nearest end's beyond.
 * @param {ChartPlace} place
 * @param {Pick<ChartArrays, "steps" | "end">} arrays the chart's
 * @param {number} x
 */
export function stepAtX(place, arrays, x) {
  const [first, last] = stepRange(arrays);
  const share = Math.min(1, Math.max(0, (x - place.body.x) / place.body.width));
  return first + share * (last - first);
}

/**
 * Gives the height of a value in a chart; NaN where it has no place. On a log axis that is so of
 * values below 0, and of 0 itself, unless the axis has a number for it.
 * @param {Pick<ChartPlace, "body" | "limits" | "ticks">} place
 * @param {boolean} log whether a log axis was asked for; with values below 0 it is none
 * @returns {(value: number) => number}
 */
export function heightIn(place, log) {
  const { y, height } = place.body;
  const isLog = isLogAxis(place, log);
  const [low, high] = isLog ? place.limits.map(Math.log10) : place.limits;
  const zero = isLog ? place.ticks.values[place.ticks.labels.indexOf("0")] : undefined;
  const zeroAt = zero === undefined ? NaN : Math.log10(zero);
  return (value) => {
    let at = Math.min(GREATEST, Math.max(-GREATEST, value));
    if (isLog) at = value > 0 ? Math.log10(Math.max(LEAST_LOG, at)) : value === 0 ? zeroAt : NaN;
    return y + height * (1 - (at - low) / (high - low));
  };
}

/**
 * Whether an axis of values is logarithmic: where it was to be, but has values below 0, its limits
 * are those of another.
 * @param {Pick<ChartPlace, "limits">} place
 * @param {boolean} log
 */
export function isLogAxis(place, log) {
  return log && place.limits[0] > 0;
}

/**
 * Draws a chart's axes and curves: all but its legend, marks, and the line at the step.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 * @param {number} width of the layout
 */
export function drawChart(pen, place, chart, arrays, width) {
  const { context } = pen;
  const { body } = place;
  const yOf = heightIn(place, chart.log);
  context.save();
  drawGrid(pen, place, yOf);
  drawNumbers(pen, place, chart, arrays, yOf, width);
  context.beginPath();
  context.rect(body.x - pen.scale, body.y, body.width + 2 * pen.scale, body.height);
  context.clip();
  context.lineJoin = "round";
  const columns = 2 * Math.ceil(body.width);
  const xs = thinnedPlaces(place, arrays, columns);
  const isLog = isLogAxis(place, chart.log);
  // No zero: a raw curve may touch it at every other step.
  const rawY = isLog ? (/** @type {number} */ v) => (v > 0 ? yOf(v) : NaN) : yOf;
  context.globalAlpha = RAW_ALPHA;
  context.lineWidth = linePx(pen, RAW_PX);
  chart.curves.forEach((curve, c) => {
    const { raw } = arrays.curves[c];
    context.strokeStyle = curve.color[pen.themeName];
    if (raw) strokeLine(context, xs, thinnedHeights(raw, columns, rawY), body.x);
  });
  context.globalAlpha = 1;
  context.lineWidth = linePx(pen, LINE_PX);
  const heights = arrays.curves.map(({ values }) => thinnedHeights(values, columns, yOf));
  const dash = Math.max(DASH_PX * pen.scale, LEAST_DASH_PX / pen.px);
  inTurns(xs, heights, context.lineWidth, dash).forEach((line, c) => {
    context.strokeStyle = chart.curves[c].color[pen.themeName];
    strokeLine(context, line.xs, line.ys, body.x);
  });
  context.restore();
}

/**
 * Lines at the numbers of the axis of values.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {(value: number) => number} yOf
 */
function drawGrid(pen, { body, ticks }, yOf) {
  const { context, theme } = pen;
  context.lineWidth = linePx(pen, GRID_PX);
  context.strokeStyle = theme.grid;
  const lines = (/** @type {readonly number[]} */ values, /** @type {number} */ alpha) => {
    context.globalAlpha = alpha;
    for (const y of values.map(yOf)) stroke(context, [[body.x, y], [body.x + body.width, y]]);
  };
  lines(ticks.values, 1);
  lines(ticks.minor, 0.5);
  context.globalAlpha = 1;
}

/**
 * Numbers along the axes, and what these are of, where there is room.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 * @param {(value: number) => number} yOf
 * @param {number} pageWidth
 */
function drawNumbers(pen, place, chart, arrays, yOf, pageWidth) {
  const { context, theme } = pen;
  const { body } = place;
  const size = textPx(pen, TICK_PX);
  const pad = PAD_PX * pen.scale;
  context.font = `${size}px ${FONT}`;
  context.fillStyle = theme.muted;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const edge = body.x - Math.max(pad, LEAST_PAD_PX / pen.px);
  const lengthOf = (/** @type {string} */ text) => context.measureText(text).width;
  const values = place.ticks.values.map((value, i) => {
    const text = place.ticks.labels[i];
    return { text, left: edge - lengthOf(text), right: edge, y: yOf(value) };
  });
  const below = body.y + body.height + pad + size / 2;
  const steps = place.steps.values.map((value, i) => {
    const text = place.steps.labels[i];
    const [x, half] = [xOfStep(place, arrays, value), lengthOf(text) / 2];
    return { text, left: x - half, right: x + half, y: below };
  });
  const written = [
    ...values.filter(({ left }) => left >= 0),
    ...apart(steps, AIR * size).filter(({ left, right }) => left >= 0 && right <= pageWidth),
  ];
  for (const { text, left, y } of written) context.fillText(text, left, y);
  const least = Math.max(0, body.x - SIDE_PX * pen.scale);
  // The values' upright, left of their numbers.
  const right = Math.min(body.x, ...values.map(({ left }) => left)) - pad;
  if (right - size >= least && lengthOf(chart.quantity) <= body.height) {
    context.save();
    context.translate(right - size / 2, body.y + body.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(chart.quantity, 0, 0);
    context.restore();
  }
  // The steps' left of all numbers that it would touch.
  const what = chart.parts === null ? "step" : "of run";
  const length = lengthOf(what);
  let end = Math.min(body.x, ...steps.map(({ left }) => left)) - size / 2;
  for (const { left, right: stop, y } of written.sort((a, b) => b.left - a.left)) {
    const isLevel = Math.abs(y - below) < size;
    if (isLevel && left < end && stop > end - length) end = left - AIR * size;
  }
  if (end - length >= least) context.fillText(what, end - length, below);
}

/**
 * Numbers that do not touch: every one, every second, and so on, from the first.
 * @template {{left: number, right: number}} N
 * @param {readonly N[]} numbers from left to right
 * @param {number} air between two
 * @returns {N[]}
 */
export function apart(numbers, air) {
  for (let every = 1; every < numbers.length; every++) {
    const some = numbers.filter((_, i) => i % every === 0);
    if (some.every(({ left }, i) => i === 0 || left >= some[i - 1].right + air)) return some;
  }
  return numbers.slice(0, 1);
}

/**
 * The first step of a column of steps; all columns have as many, as far as that is possible.
 * @param {number} n how many steps there are
 * @param {number} columns
 * @param {number} column
 */
function beginOf(n, columns, column) {
  return Math.floor((column * n) / columns);
}

/**
 * The places of a thinned line along its axis, from the chart's left: two for each column of steps.
 * Of few steps they are all there.
 * @param {ChartPlace} place
 * @param {Pick<ChartArrays, "steps" | "end">} arrays
 * @param {number} columns
 */
export function thinnedPlaces(place, arrays, columns) {
  const { steps } = arrays;
  const n = steps.length;
  const at = (/** @type {number} */ i) => xOfStep(place, arrays, steps[i]) - place.body.x;
  if (n <= 2 * columns) return Float64Array.from(steps, (_, i) => at(i));
  return Float64Array.from({ length: 2 * columns }, (_, i) => at(beginOf(n, columns, i >> 1)));
}

/**
 * A thinned line's heights: of many steps each column's least value and its greatest, which look
 * the same. NaN where the line is broken.
 * @param {Float32Array} values
 * @param {number} columns
 * @param {(value: number) => number} yOf
 */
export function thinnedHeights(values, columns, yOf) {
  const n = values.length;
  if (n <= 2 * columns) return Float64Array.from(values, finiteOr(yOf));
  const found = new Float64Array(2 * columns);
  const heightOf = finiteOr(yOf);
  for (let c = 0; c < columns; c++) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = beginOf(n, columns, c); i < beginOf(n, columns, c + 1); i++) {
      const y = heightOf(values[i]);
      if (y < low) low = y;
      if (y > high) high = y;
    }
    // Down the page: the least value is the greatest height.
    found[2 * c] = low > high ? NaN : high;
    found[2 * c + 1] = low > high ? NaN : low;
  }
  return found;
}

/**
 * Heights of finite values alone.
 * @param {(value: number) => number} yOf
 */
function finiteOr(yOf) {
  return (/** @type {number} */ value) => (Number.isFinite(value) ? yOf(value) : NaN);
}

/**
 * Strokes a line of many places, which is broken where a height is NaN.
 * @param {CanvasRenderingContext2D} context
 * @param {Float64Array} xs
 * @param {Float64Array} ys
 * @param {number} left is added to each place
 */
function strokeLine(context, xs, ys, left) {
  context.beginPath();
  let on = false;
  for (let i = 0; i < ys.length; i++) {
    const isThere = Number.isFinite(ys[i]);
    if (isThere && on) context.lineTo(left + xs[i], ys[i]);
    else if (isThere) context.moveTo(left + xs[i], ys[i]);
    on = isThere;
  }
  context.stroke();
}

/**
 * Strokes a line between a few places.
 * @param {CanvasRenderingContext2D} context
 * @param {readonly [number, number][]} line
 */
export function stroke(context, line) {
  context.beginPath();
  for (const [x, y] of line) context.lineTo(x, y);
  context.stroke();
}
