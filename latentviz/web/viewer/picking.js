// Which points are at a place of the page, or within an outline.

import { depthsOf, pagePlaces, planeOf } from "./planes.js";
import { isInside } from "./polygon.js";
import { placeOfPanel } from "./state.js";

/** @import { Data } from "./data.js" */
/** @import { CloudPlace, Layout } from "./document.js" */
/** @import { Spot, View } from "./view.js" */

const HIGHLIGHTED_PX = 5; // radius of a highlighted dot on a page of 1080 pixels, at least

/**
 * A panel's points on the page.
 * @typedef {object} Placed
 * @property {number} row
 * @property {Float32Array} xy (2 * N) px of the layout
 * @property {Float32Array | null} depths (N) where what is nearer lies on top
 * @property {(point: number) => boolean} isDrawn
 * @property {(point: number) => number} radius of its dot, px of the layout
 */

/**
 * The panels of points of a layout.
 * @param {Layout} layout
 * @returns {CloudPlace[]}
 */
export function cloudsOf(layout) {
  return layout.panels.filter((panel) => panel.kind === "cloud");
}

/**
 * Where a panel's points are at the moment that a view shows.
 * @param {Data} data
 * @param {Layout} layout
 * @param {View} view
 * @param {number} index of the panel
 * @returns {Placed | null} null where the places are not at hand yet
 */
export function placedIn(data, layout, view, index) {
  const { row } = placeOfPanel(data, index);
  const reader = data.readers[row];
  const t = data.moments.placeAt(data.document.rows[row].run, view.moment);
  if (!reader.isLoaded(t, t + 1)) return null;
  const places = reader.read(t);
  const place = cloudsOf(layout)[index];
  const plane = planeOf(place, data.document.rows[row], view.panels[index], view.tour);
  const xy = pagePlaces(plane, places);
  return {
    row,
    xy,
    depths: plane.toward ? depthsOf(plane, places) : null,
    isDrawn: drawnIn(data, view, place, row, xy),
    radius: radiusIn(data, layout, place, row),
  };
}

/**
 * Which of a row's points a panel draws.
 * @param {Data} data
 * @param {View} view
 * @param {CloudPlace} place
 * @param {number} row
 * @param {Float32Array} xy
 * @returns {(point: number) => boolean}
 */
function drawnIn(data, view, { body }, row, xy) {
  const { classes } = data.rows[row];
  const hidden = view.hidden[row];
  const { framed } = data.document.rows[row];
  const [right, bottom] = [body.x + body.width, body.y + body.height];
  return (point) => {
    if (classes && hidden.has(classes[point])) return false;
    const [x, y] = [xy[2 * point], xy[2 * point + 1]];
    return !framed || (x >= body.x && x <= right && y >= body.y && y <= bottom);
  };
}

/**
 * How large dots are.
 * @param {Data} data
 * @param {Layout} layout
 * @param {CloudPlace} place
 * @param {number} row
 * @returns {(point: number) => number}
 */
function radiusIn(data, layout, place, row) {
  const radius = place.dot_radius * place.px_per_unit;
  const { highlighted } = data.rows[row];
  if (!highlighted) return () => radius;
  const these = new Set(highlighted);
  const larger = Math.max(radius, HIGHLIGHTED_PX * layout.scale);
  return (point) => (these.has(point) ? larger : radius);
}

/**
 * The point that is meant by a place: the nearest whose middle is `exact` px away or less; else the
 * topmost whose dot is there; else the nearest whose dot is `slack` px away or less.
 * @param {Placed} placed
 * @param {ArrayLike<number>} order of its row's points, the lowest first
 * @param {Spot} spot px of the layout
 * @param {number} exact px of the layout
 * @param {number} slack px of the layout
 * @returns {number} -1 for none
 */
export function pointAt(placed, order, spot, exact, slack) {
  const { xy, depths } = placed;
  /** @type {[number, number, number]} */
  const found = [-1, -1, -1]; // exact, on top, near
  let [least, depth, nearest] = [exact, -Infinity, slack];
  for (let i = 0; i < order.length; i++) {
    const point = order[i];
    const away = Math.hypot(xy[2 * point] - spot.x, xy[2 * point + 1] - spot.y);
    const outside = away - placed.radius(point);
    if ((away > least && outside > nearest) || !placed.isDrawn(point)) continue;
    // Of two at the same place the one that comes later lies on top.
    if (away <= least) [found[0], least] = [point, away];
    if (outside <= 0 && (!depths || depths[point] >= depth)) {
      found[1] = point;
      if (depths) depth = depths[point];
    }
    if (outside <= nearest) [found[2], nearest] = [point, Math.max(outside, 0)];
  }
  return found.find((point) => point >= 0) ?? -1;
}

/**
 * The drawn points within an outline, in the order of their numbers.
 * @param {Placed} placed
 * @param {readonly Spot[]} outline px of the layout
 * @returns {Set<number>}
 */
export function pointsIn(placed, outline) {
  const { xy } = placed;
  const found = new Set();
  for (let point = 0; 2 * point < xy.length; point++) {
    if (!isInside(outline, xy[2 * point], xy[2 * point + 1])) continue;
    if (placed.isDrawn(point)) found.add(point);
  }
  return found;
}
