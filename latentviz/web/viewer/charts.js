// Curves over the steps, on a canvas whose unit is a pixel of the layout.

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
const KEY_PX = 7;
const MEASURED_PX = 5.5;
const MEASURED_PITCH = 2; // how far apart these are, in their size, or there are none
const FINAL_PX = 8;
const POINT_PX = 3.2;
const BROKEN_PX = 8;
const DASH_PX = 12;
const SAME_PX = 1; // curves that are closer coincide

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
 * Gives the height of a value in a chart; NaN where it has no place.
 * @param {ChartPlace} place
 * @param {boolean} log
 * @returns {(value: number) => number}
 */
export function heightIn(place, log) {
  const { y, height } = place.body;
  const scaled = log ? Math.log10 : Number;
  const [low, high] = place.limits.map(scaled);
  return (value) => {
    // On a log axis zero stands at the bottom, where the film has room for it.
    const at = log && value === 0 ? low : log && value < 0 ? NaN : scaled(value);
    return y + height * (1 - (at - low) / (high - low));
  };
}

/**
 * Draws a chart, but for its legend and the line at the step.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 */
export function drawChart(pen, place, chart, arrays) {
  const { context } = pen;
  drawAxes(pen, place, chart, arrays);
  const yOf = heightIn(place, chart.log);
  const { body } = place;
  context.save();
  context.beginPath();
  // Marks of values stand beyond the ends, not above and below.
  const more = 2 * pen.scale;
  context.rect(body.x - body.width, body.y - more, 3 * body.width, body.height + 2 * more);
  context.clip();
  const lines = arrays.curves.map((curve) => thinnedLine(place, arrays, curve.values, yOf));
  chart.curves.forEach((curve, c) => {
    const raw = arrays.curves[c].raw;
    context.strokeStyle = curve.color[pen.themeName];
    if (!raw) return;
    context.globalAlpha = RAW_ALPHA;
    context.lineWidth = linePx(pen, RAW_PX);
    const seen = chart.log ? (/** @type {number} */ v) => (v > 0 ? yOf(v) : NaN) : yOf;
    stroke(context, thinnedLine(place, arrays, raw, seen));
  });
  context.globalAlpha = 1;
  chart.curves.forEach((curve, c) => {
    context.strokeStyle = context.fillStyle = curve.color[pen.themeName];
    context.lineWidth = linePx(pen, LINE_PX);
    const below = lines.slice(0, c).filter((other) => coincide(lines[c], other)).length;
    const above = lines.slice(c + 1).filter((other) => coincide(lines[c], other)).length;
    if (below && !above) context.setLineDash([DASH_PX * pen.scale, DASH_PX * pen.scale * below]);
    stroke(context, lines[c]);
    context.setLineDash([]);
    for (const [x, y] of alone(lines[c])) dot(context, x, y, linePx(pen, POINT_PX) / 2);
  });
  context.restore();
  drawMarks(pen, place, chart, arrays, yOf);
  drawBroken(pen, place, chart, arrays);
}

/**
 * Grid, numbers, and what the axes are of.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 */
function drawAxes(pen, place, chart, arrays) {
  const { context, theme } = pen;
  const { body } = place;
  const yOf = heightIn(place, chart.log);
  const size = textPx(pen, TICK_PX);
  const pad = PAD_PX * pen.scale;
  context.lineWidth = linePx(pen, GRID_PX);
  context.strokeStyle = theme.grid;
  for (const [values, alpha] of /** @type {[number[], number][]} */ ([
    [place.ticks.values, 1],
    [place.ticks.minor, 0.5],
  ])) {
    context.globalAlpha = alpha;
    for (const value of values) {
      const y = yOf(value);
      stroke(context, [[body.x, y], [body.x + body.width, y]]);
    }
  }
  context.globalAlpha = 1;
  context.font = `${size}px ${FONT}`;
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  let left = body.x - pad;
  place.ticks.values.forEach((value, i) => {
    const text = place.ticks.labels[i];
    context.fillText(text, body.x - pad, yOf(value));
    left = Math.min(left, body.x - pad - context.measureText(text).width);
  });
  // Upright, where there is room for it left of the numbers.
  const room = left - pad - size;
  if (room >= 0 && context.measureText(chart.quantity).width <= body.height) {
    context.save();
    context.translate(left - pad - size / 2, body.y + body.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(chart.quantity, 0, 0);
    context.restore();
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  const below = body.y + body.height + pad;
  let begins = body.x;
  place.steps.values.forEach((value, i) => {
    const x = xOfStep(place, arrays, value);
    context.fillText(place.steps.labels[i], x, below);
    begins = Math.min(begins, x - context.measureText(place.steps.labels[i]).width / 2);
  });
  const width = context.measureText("step").width;
  context.textAlign = "right";
  if (begins - size / 2 - width >= 0) context.fillText("step", begins - size / 2, below);
}

/**
 * A line's points: of many steps each pixel column's least and greatest, which look the same.
 * @param {ChartPlace} place
 * @param {Pick<ChartArrays, "steps" | "end">} arrays
 * @param {Float32Array} values
 * @param {(value: number) => number} yOf
 * @returns {[number, number][]} NaN where the line is broken
 */
export function thinnedLine(place, arrays, values, yOf) {
  const { steps } = arrays;
  const columns = 2 * Math.ceil(place.body.width);
  const n = values.length;
  /** @type {[number, number][]} */
  const found = [];
  if (n <= 2 * columns) {
    for (let i = 0; i < n; i++) found.push([xOfStep(place, arrays, steps[i]), yOf(values[i])]);
    return found;
  }
  for (let c = 0; c < columns; c++) {
    const [start, stop] = [Math.floor((c * n) / columns), Math.floor(((c + 1) * n) / columns)];
    let [low, high] = [Infinity, -Infinity];
    for (let i = start; i < stop; i++) {
      const y = yOf(values[i]);
      if (y < low) low = y;
      if (y > high) high = y;
    }
    const x = xOfStep(place, arrays, steps[start]);
    if (low > high) found.push([x, NaN]);
    else found.push([x, high], [x, low]);
  }
  return found;
}

/**
 * Strokes a line, which is broken where it is NaN.
 * @param {CanvasRenderingContext2D} context
 * @param {readonly [number, number][]} line
 */
export function stroke(context, line) {
  context.beginPath();
  let on = false;
  for (const [x, y] of line) {
    if (!Number.isFinite(y)) on = false;
    else if (on) context.lineTo(x, y);
    else {
      context.moveTo(x, y);
      on = true;
    }
  }
  context.stroke();
}

/**
 * Points that have no neighbour to draw a line to.
 * @param {readonly [number, number][]} line
 */
function alone(line) {
  const is = (/** @type {number} */ i) => i >= 0 && i < line.length && Number.isFinite(line[i][1]);
  return line.filter((_, i) => is(i) && !is(i - 1) && !is(i + 1));
}

/**
 * Whether two lines are the same to the eye, for most of their length.
 * @param {readonly [number, number][]} a
 * @param {readonly [number, number][]} b
 */
function coincide(a, b) {
  if (a.length !== b.length) return false;
  let [same, both] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const far = Math.abs(a[i][1] - b[i][1]);
    if (!Number.isNaN(far)) both += 1;
    if (far < SAME_PX) same += 1;
  }
  return both > 1 && same > 0.5 * both;
}

/**
 * Keyframes, values that were measured now and then, and what was measured after the last update.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 * @param {(value: number) => number} yOf
 */
function drawMarks(pen, place, chart, arrays, yOf) {
  const { context, theme } = pen;
  const { steps } = arrays;
  chart.curves.forEach((curve, c) => {
    const { values } = arrays.curves[c];
    context.fillStyle = context.strokeStyle = curve.color[pen.themeName];
    const measured = linePx(pen, MEASURED_PX);
    const at = curve.measured;
    const length = at.length
      ? xOfStep(place, arrays, steps[at[at.length - 1]]) - xOfStep(place, arrays, steps[at[0]])
      : 0;
    if (length >= MEASURED_PITCH * measured * (at.length - 1)) {
      for (const i of at) {
        dot(context, xOfStep(place, arrays, steps[i]), yOf(values[i]), measured / 2);
      }
    }
    const key = Math.max(KEY_PX * pen.scale, 4 / pen.px) * Math.SQRT1_2;
    for (const i of curve.keyed) {
      const [x, y] = [xOfStep(place, arrays, steps[i]), yOf(values[i])];
      if (!Number.isFinite(y)) continue;
      context.beginPath();
      context.moveTo(x - key, y);
      context.lineTo(x, y - key);
      context.lineTo(x + key, y);
      context.lineTo(x, y + key);
      context.closePath();
      context.fill();
      context.lineWidth = linePx(pen, GRID_PX);
      context.strokeStyle = theme.background;
      context.stroke();
      context.strokeStyle = curve.color[pen.themeName];
    }
    if (curve.final !== null && Number.isFinite(yOf(curve.final))) {
      context.beginPath();
      const x = place.body.x + place.body.width;
      context.arc(x, yOf(curve.final), Math.max(FINAL_PX * pen.scale, 5 / pen.px) / 2, 0, 7);
      context.fillStyle = theme.background;
      context.fill();
      context.lineWidth = linePx(pen, LINE_PX);
      context.stroke();
    }
  });
}

/**
 * A filled disc, if it has a place.
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function dot(context, x, y, radius) {
  if (!Number.isFinite(y)) return;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

/**
 * A cross where a curve breaks, and dots as long as it is broken, in a row for each curve.
 * @param {Pen} pen
 * @param {ChartPlace} place
 * @param {Chart} chart
 * @param {ChartArrays} arrays
 */
function drawBroken(pen, place, chart, arrays) {
  const { context } = pen;
  const { steps } = arrays;
  const size = Math.max(BROKEN_PX * pen.scale, 4 / pen.px);
  const curves = chart.curves.filter((curve) => curve.broken.length);
  curves.forEach((curve, row) => {
    const y = place.body.y + (row + 0.5) * 1.5 * size;
    context.strokeStyle = curve.color[pen.themeName];
    context.lineWidth = linePx(pen, 1.6);
    let before = -Infinity;
    for (const i of curve.broken) {
      const x = xOfStep(place, arrays, steps[i]);
      if (x - before > 1.5 * size) {
        stroke(context, [[x - size / 2, y - size / 2], [x + size / 2, y + size / 2]]);
        stroke(context, [[x - size / 2, y + size / 2], [x + size / 2, y - size / 2]]);
      } else {
        context.setLineDash([linePx(pen, 1.6), 2 * linePx(pen, 1.6)]);
        stroke(context, [[before, y], [x, y]]);
        context.setLineDash([]);
      }
      before = x;
    }
  });
}
