// The paths of points over the last moments, which fade towards their beginning.

import { linePx } from "./charts.js";
import { pagePlaces } from "./planes.js";
import { placesOfSome } from "./some-places.js";

/** @typedef {import("./charts.js").Pen} Pen */
/** @typedef {import("./places.js").PlacesReader} PlacesReader */
/** @typedef {import("./planes.js").Plane} Plane */

const TRAIL_PX = 3; // on a page of 1080 pixels
const OPACITY = 0.85; // where a path ends, at its point
const [LEAST_LEVELS, MOST_LEVELS] = [8, 32]; // of opacity along a path
const MOST_STROKES = 2000; // of a panel, above which there are fewer levels
const MOST_PARTS = 300; // of a path: one of thousands of steps is as well seen by some hundreds
const MOST_KEPT = 3 * MOST_PARTS; // steps whose places are kept for the frames that follow

/**
 * Places of some points at the steps that were asked for last.
 * @typedef {{points: string, at: Map<number, Float32Array>}} KeptPlaces
 */

/** @type {WeakMap<PlacesReader, KeptPlaces>} */
const keptOf = new WeakMap();

/**
 * Which steps of a path are drawn: the last one, and so many before it that stand at fixed steps,
 * so that what is drawn of a path stays where it is as it grows.
 * @param {number} start
 * @param {number} stop
 * @returns {number[]} rising
 */
export function stepsOfTrail(start, stop) {
  const stride = Math.max(1, Math.ceil((stop - start) / MOST_PARTS));
  const found = [];
  for (let t = Math.ceil(start / stride) * stride; t < stop - 1; t += stride) found.push(t);
  if (stop > start) found.push(stop - 1);
  return found;
}

/**
 * What `placesOfSome` gives, kept for the frames that follow.
 * @param {PlacesReader} reader
 * @param {readonly number[]} points
 * @param {number} t
 */
function keptPlaces(reader, points, t) {
  const key = points.join();
  let kept = keptOf.get(reader);
  if (kept?.points !== key) {
    kept = { points: key, at: new Map() };
    keptOf.set(reader, kept);
  }
  let places = kept.at.get(t);
  if (places) return places;
  places = placesOfSome(reader, points, t);
  kept.at.set(t, places);
  if (kept.at.size > MOST_KEPT) {
    const [oldest] = kept.at.keys();
    kept.at.delete(oldest);
  }
  return places;
}

/**
 * Draws the paths of some points in a panel.
 * @param {Pen} pen
 * @param {Plane} plane
 * @param {PlacesReader} reader
 * @param {readonly number[]} points
 * @param {Uint8Array} rgb (N * 3)
 * @param {readonly [number, number]} range the steps, from the first up to, and without, the second
 * @param {(point: number) => boolean} isThere one that is nowhere now has left no path
 */
export function drawTrails(pen, plane, reader, points, rgb, [start, stop], isThere) {
  const steps = stepsOfTrail(start, stop).filter((t) => reader.isLoaded(t, t + 1));
  if (steps.length < 2 || !points.length) return;
  const paths = steps.map((t) => pagePlaces(plane, keptPlaces(reader, points, t)));
  const { context } = pen;
  context.save();
  context.lineWidth = linePx(pen, TRAIL_PX);
  context.lineCap = context.lineJoin = "round";
  const colors = colorsOf(points, rgb, isThere);
  const levels = Math.floor(MOST_STROKES / (2 * colors.size));
  for (const { first, last, opacity } of partsOf(steps, levels)) {
    for (const [color, some] of colors) {
      // The newer part takes the place of what it crosses, and does not add to it; at its edges, of
      // as much of it as it covers.
      context.globalCompositeOperation = "destination-out";
      context.strokeStyle = "#000";
      strokePaths(context, paths, some, first, last);
      context.globalCompositeOperation = "lighter";
      context.strokeStyle = `rgb(${color} / ${opacity})`;
      strokePaths(context, paths, some, first, last);
    }
  }
  context.restore();
}

/**
 * Which of some points have which color.
 * @param {readonly number[]} points
 * @param {Uint8Array} rgb
 * @param {(point: number) => boolean} isThere
 * @returns {Map<string, number[]>} indices among the points, by "r g b"
 */
function colorsOf(points, rgb, isThere) {
  /** @type {Map<string, number[]>} */
  const found = new Map();
  points.forEach((point, i) => {
    if (!isThere(point)) return;
    const color = rgb.subarray(3 * point, 3 * point + 3).join(" ");
    const same = found.get(color);
    if (same) same.push(i);
    else found.set(color, [i]);
  });
  return found;
}

/**
 * A path's parts of one opacity each, the oldest first.
 * @param {readonly number[]} steps rising; two or more
 * @param {number} levels how many parts there may be
 * @returns {{first: number, last: number, opacity: number}[]} from one index of a step to another
 */
export function partsOf(steps, levels = MOST_LEVELS) {
  const n = steps.length - 1;
  const count = Math.min(n, Math.max(LEAST_LEVELS, Math.min(MOST_LEVELS, levels)));
  return Array.from({ length: count }, (_, level) => {
    const [first, last] = [Math.floor((level * n) / count), Math.floor(((level + 1) * n) / count)];
    return { first, last, opacity: (OPACITY * last) / n };
  });
}

/**
 * Strokes a part of some paths, which are broken where they are NaN.
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Float32Array[]} paths by step
 * @param {readonly number[]} some indices of points
 * @param {number} first
 * @param {number} last
 */
function strokePaths(context, paths, some, first, last) {
  context.beginPath();
  for (const i of some) {
    let on = false;
    for (let s = first; s <= last; s++) {
      const [x, y] = [paths[s][2 * i], paths[s][2 * i + 1]];
      const isThere = !Number.isNaN(x + y);
      if (isThere && on) context.lineTo(x, y);
      else if (isThere) context.moveTo(x, y);
      on = isThere;
    }
  }
  context.stroke();
}
