// What lies over the dots: the line at the step, marks at edges, trails, rings, names, a lasso.

import { FONT, linePx, textPx, xOfStep } from "./charts.js";
import { seenLabels } from "./labels.js";
import { pagePlaces, planeOf } from "./planes.js";
import { fitted } from "./under.js";

/** @typedef {import("./charts.js").ChartArrays} ChartArrays */
/** @typedef {import("./charts.js").Pen} Pen */
/** @typedef {import("./document.js").CloudPlace} CloudPlace */
/** @typedef {import("./document.js").Layout} Layout */
/** @typedef {import("./document.js").ViewerDocument} ViewerDocument */
/** @typedef {import("./moments.js").Moments} Moments */
/** @typedef {import("./places.js").PlacesReader} PlacesReader */
/** @typedef {import("./planes.js").Plane} Plane */
/** @typedef {import("./view.js").View} View */

/**
 * A panel of points, and where they are.
 * @typedef {object} PanelSpots
 * @property {CloudPlace} place
 * @property {Plane} plane
 * @property {Float32Array} spots (2 * N) right and down, in pixels of the layout; NaN: not seen
 */

/**
 * What rows need to be marked.
 * @typedef {object} RowMarks
 * @property {import("./document.js").ByTheme<Uint8Array>} rgb (N * 3)
 * @property {Uint32Array | null} highlighted
 * @property {Uint16Array | null} classes
 */

const CURSOR_PX = 2; // sizes on a page of 1080 pixels
const CURSOR_ALPHA = 0.85;
const MARK_PX = 18;
const MARK_SHARE = 1 / 14; // of a frame's side, at most
const LEAST_MARK_PX = 8;
const TRAIL_PX = 3;
const TRAIL_ALPHA = 0.85;
const RING_PX = 2.5;
const HOVERED_PX = 4;
const HIGHLIGHTED_PX = 5;
const LABEL_PX = 17;
const LONGEST_LABEL = 0.4; // of the panel's width
const MOST_TRAILS = 200; // more would hide everything
const RIGHT = /** @type {const} */ ([1, 0]);

/**
 * Where all points are in each panel, at the last sub-step of a view.
 * @param {ViewerDocument} document
 * @param {Layout} layout
 * @param {View} view
 * @param {Moments} moments
 * @param {readonly PlacesReader[]} readers by row; loaded
 * @param {readonly RowMarks[]} marks by row
 * @returns {PanelSpots[]}
 */
export function placesOf(document, layout, view, moments, readers, marks) {
  const clouds = layout.panels.filter((panel) => panel.kind === "cloud");
  return clouds.map((place, p) => {
    const row = document.rows[place.row];
    const plane = planeOf(place, row, view.panels[p], view.tour);
    const spots = pagePlaces(plane, readers[place.row].read(moments.placeAt(row.run, view.moment)));
    const { classes } = marks[place.row];
    const hidden = view.hidden[place.row];
    for (let i = 0; classes && hidden.size && i < classes.length; i++) {
      if (hidden.has(classes[i])) spots[2 * i] = spots[2 * i + 1] = NaN;
    }
    return { place, plane, spots };
  });
}

/**
 * Draws all that moves over the dots.
 * @param {Pen} pen
 * @param {ViewerDocument} document
 * @param {Layout} layout
 * @param {View} view
 * @param {Moments} moments
 * @param {readonly PlacesReader[]} readers by row
 * @param {readonly RowMarks[]} marks by row
 * @param {readonly ChartArrays[]} charts
 * @param {readonly PanelSpots[]} panels as `placesOf` gives them
 */
export function drawOver(pen, document, layout, view, moments, readers, marks, charts, panels) {
  const { context, theme } = pen;
  context.clearRect(0, 0, layout.size[0] + 2, layout.size[1] + 2);
  for (const panel of layout.panels) {
    if (panel.kind !== "chart") continue;
    const x = xOfStep(panel, charts[panel.chart], moments.stepAt(view.moment));
    const width = linePx(pen, CURSOR_PX);
    context.globalAlpha = CURSOR_ALPHA;
    context.fillStyle = theme.cursor;
    context.fillRect(x - width / 2, panel.body.y, width, panel.body.height);
    context.globalAlpha = 1;
  }
  panels.forEach((panel, p) => {
    const row = document.rows[panel.place.row];
    const room = row.framed
      ? panel.place.body
      : { ...panel.place.body, x: 0, width: layout.size[0] };
    context.save();
    context.beginPath();
    context.rect(room.x, room.y, room.width, room.height);
    context.clip();
    drawTrails(pen, document, view, moments, readers, marks, panel);
    drawEdgeMarks(pen, panel, row.framed);
    drawRings(pen, document, view, panel);
    drawLabels(pen, document, view, panel, room);
    if (view.lassoPanel === p) drawLasso(pen, view);
    context.restore();
  });
}

/**
 * The radius of dots, in pixels of the layout.
 * @param {Pen} pen
 * @param {CloudPlace} place
 */
function radiusOf(pen, place) {
  return Math.max(place.dot_radius * place.px_per_unit, HIGHLIGHTED_PX * pen.scale);
}

/**
 * The paths of pinned points, and of those that the film highlights.
 * @param {Pen} pen
 * @param {ViewerDocument} document
 * @param {View} view
 * @param {Moments} moments
 * @param {readonly PlacesReader[]} readers
 * @param {readonly RowMarks[]} marks
 * @param {PanelSpots} panel
 */
function drawTrails(pen, document, view, moments, readers, marks, panel) {
  const { context } = pen;
  const r = panel.place.row;
  const row = document.rows[r];
  const pinned = view.pinned.filter((pin) => pin.row === r).map((pin) => pin.point);
  const lit = document.trail ? Array.from(marks[r].highlighted ?? []).slice(0, MOST_TRAILS) : [];
  const points = [...new Set([...lit, ...pinned])];
  if (!points.length || view.trail < 1) return;
  const reader = readers[r];
  const k = row.components.length;
  const [start, stop] = moments.placesOf(row.run, view.moment, view.trail + 1);
  // A path of thousands of steps is as well seen by some hundreds of them.
  const stride = Math.max(1, Math.ceil((stop - start) / 300));
  /** @type {number[]} */
  const steps = [];
  for (let t = stop - 1; t >= start; t -= stride) if (reader.isLoaded(t, t + 1)) steps.unshift(t);
  const paths = points.map(() => new Float32Array(2 * steps.length));
  steps.forEach((t, s) => {
    const places = reader.read(t);
    points.forEach((point, i) => {
      const at = places.subarray(point * k, (point + 1) * k);
      paths[i].set(pagePlaces(panel.plane, at), 2 * s);
    });
  });
  context.lineWidth = linePx(pen, TRAIL_PX);
  context.lineCap = "round";
  points.forEach((point, i) => {
    if (Number.isNaN(panel.spots[2 * point])) return;
    const [red, green, blue] = marks[r].rgb[view.theme].subarray(3 * point, 3 * point + 3);
    for (let s = 1; s < steps.length; s++) {
      // The oldest first: where paths cross, the newer part is seen.
      const alpha = (TRAIL_ALPHA * s) / (steps.length - 1);
      context.strokeStyle = `rgb(${red} ${green} ${blue} / ${alpha})`;
      context.beginPath();
      context.moveTo(paths[i][2 * s - 2], paths[i][2 * s - 1]);
      context.lineTo(paths[i][2 * s], paths[i][2 * s + 1]);
      context.stroke();
    }
  });
  context.lineCap = "butt";
}

/**
 * Triangles at a panel's edges, where points lie beyond; one where they would overlap.
 * @param {Pen} pen
 * @param {PanelSpots} panel
 * @param {boolean} framed
 */
function drawEdgeMarks(pen, panel, framed) {
  const { context, theme } = pen;
  const { body, edges, px_per_unit: pxPerUnit } = panel.place;
  const [cx, cy] = panel.plane.middle;
  // Without a frame a panel reaches farther than its limits, into its neighbour's share.
  const half = framed ? [body.width / 2, body.height / 2] : edges.map((edge) => edge * pxPerUnit);
  const size = Math.max(
    LEAST_MARK_PX / pen.px,
    framed ? Math.min(MARK_PX * pen.scale, MARK_SHARE * body.width) : MARK_PX * pen.scale,
  );
  const box = [body.width / 2, body.height / 2];
  /** @type {Set<string>} */
  const found = new Set();
  for (let i = 0; i < panel.spots.length; i += 2) {
    const from = [panel.spots[i] - cx, panel.spots[i + 1] - cy];
    const excess = [Math.abs(from[0]) / half[0], Math.abs(from[1]) / half[1]];
    if (!(excess[0] > 1 || excess[1] > 1)) continue;
    const axis = excess[0] >= excess[1] ? 0 : 1;
    const room = box[1 - axis] - 1.5 * size;
    const along = Math.round(Math.max(-room, Math.min(room, from[1 - axis])) / size);
    found.add(`${axis} ${from[axis] > 0 ? 1 : -1} ${along}`);
  }
  context.fillStyle = theme.text;
  for (const key of found) {
    const [axis, sign, along] = key.split(" ").map(Number);
    const far = sign * (box[axis] - size / 2);
    const [x, y] = axis === 0 ? [cx + far, cy + along * size] : [cx + along * size, cy + far];
    context.beginPath();
    // A triangle that points outward.
    const [tip, base] = [0.3 * size * sign, -0.5 * size * sign];
    if (axis === 0) {
      context.moveTo(x + tip, y);
      context.lineTo(x + base, y - size / 2);
      context.lineTo(x + base, y + size / 2);
    } else {
      context.moveTo(x, y + tip);
      context.lineTo(x - size / 2, y + base);
      context.lineTo(x + size / 2, y + base);
    }
    context.fill();
  }
}

/**
 * Rings around pinned points, and a stronger one around the one under the pointer.
 * @param {Pen} pen
 * @param {ViewerDocument} document
 * @param {View} view
 * @param {PanelSpots} panel
 */
function drawRings(pen, document, view, panel) {
  const { context, theme } = pen;
  const r = panel.place.row;
  const radius = radiusOf(pen, panel.place);
  const run = document.rows[r].run;
  /** @param {number} point @param {number} px @param {number} more */
  const ring = (point, px, more) => {
    const [x, y] = panel.spots.subarray(2 * point, 2 * point + 2);
    if (!Number.isFinite(x)) return;
    const width = linePx(pen, px);
    for (const [color, wide] of /** @type {[string, number][]} */ ([
      [theme.background, 2.2 * width],
      [theme.text, width],
    ])) {
      context.strokeStyle = color;
      context.lineWidth = wide;
      context.beginPath();
      context.arc(x, y, radius + more + width, 0, 2 * Math.PI);
      context.stroke();
    }
  };
  for (const pin of view.pinned) if (pin.row === r) ring(pin.point, RING_PX, 0);
  const { hovered } = view;
  if (!hovered) return;
  // The same point of another run is marked, too: rows of as many points correspond.
  const same = document.rows[hovered.row].points === document.rows[r].points;
  if (hovered.row === r || (same && document.rows[hovered.row].run !== run)) {
    ring(hovered.point, HOVERED_PX, pen.scale);
  }
}

/**
 * Names beside points: of those that the film names, of pinned ones, and of the one under the
 * pointer.
 * @param {Pen} pen
 * @param {ViewerDocument} document
 * @param {View} view
 * @param {PanelSpots} panel
 * @param {import("./document.js").Box} room
 */
function drawLabels(pen, document, view, panel, room) {
  const { context, theme } = pen;
  const r = panel.place.row;
  const row = document.rows[r];
  const hovered = view.hovered && view.hovered.row === r ? [view.hovered.point] : [];
  const pinned = view.pinned.filter((pin) => pin.row === r).map((pin) => pin.point);
  const points = [...new Set([...hovered, ...pinned, ...row.labels])];
  if (!points.length) return;
  const size = textPx(pen, LABEL_PX);
  const radius = radiusOf(pen, panel.place);
  context.font = `${size}px ${FONT}`;
  const labels = points.map((point) => {
    const named = row.labels.indexOf(point);
    const name = row.names?.[point] ?? String(point);
    const text = fitted(context, name, LONGEST_LABEL * panel.place.body.width);
    return {
      text,
      x: panel.spots[2 * point],
      y: panel.spots[2 * point + 1],
      width: context.measureText(text).width,
      height: 1.1 * size,
      side: panel.place.sides?.[named] ?? RIGHT,
    };
  });
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const seen = seenLabels(labels, radius + 0.2 * size, 0.3 * size, room);
  // All halos lie below all names.
  for (const halo of [true, false]) {
    for (const { label, x, y, opacity } of seen) {
      context.globalAlpha = opacity;
      context.strokeStyle = theme.background;
      context.lineWidth = 0.28 * size;
      context.fillStyle = theme.text;
      if (halo) context.strokeText(label.text, x, y + label.height / 2);
      else context.fillText(label.text, x, y + label.height / 2);
    }
  }
  context.globalAlpha = 1;
}

/**
 * The outline that is being drawn around points.
 * @param {Pen} pen
 * @param {View} view
 */
function drawLasso(pen, view) {
  const { context, theme } = pen;
  if (view.lasso.length < 2) return;
  context.beginPath();
  for (const { x, y } of view.lasso) context.lineTo(x, y);
  context.closePath();
  context.fillStyle = theme.text;
  context.globalAlpha = 0.08;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = theme.text;
  context.lineWidth = linePx(pen, 1.5);
  context.setLineDash([6 / pen.px, 4 / pen.px]);
  context.stroke();
  context.setLineDash([]);
}
