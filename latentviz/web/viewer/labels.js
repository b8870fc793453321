// Names beside points: each on a side of its own, and gone before it touches another one.

import { cornerBeside } from "./label-sides.js";

/** @typedef {import("./document.js").Box} Box */

/**
 * A name, and where its point is.
 * @typedef {object} Label
 * @property {string} text
 * @property {number} x of the point, in pixels of the layout
 * @property {number} y
 * @property {number} width of the text
 * @property {number} height
 * @property {readonly [number, number]} side on which of its point it stands: -1, 0 or 1, right and
 *     down
 */

/**
 * A name's top left corner, and how much of it is seen.
 * @typedef {{label: Label, x: number, y: number, opacity: number}} SeenLabel
 */

const FAINT = 0.25; // a name of less opacity may lie below another

/**
 * The names that are seen; of two that come close the earlier one stays.
 * @param {readonly Label[]} labels the most important first
 * @param {number} distance from a point to its name's box
 * @param {number} gap a name that comes closer to an earlier one begins to fade
 * @param {Box} within names stay in there; a point beyond has none
 * @returns {SeenLabel[]}
 */
export function seenLabels(labels, distance, gap, within) {
  /** @type {SeenLabel[]} */
  const seen = [];
  for (const label of labels) {
    const { x, y, width, height, side } = label;
    const [right, bottom] = [within.x + within.width, within.y + within.height];
    // NaN is nowhere.
    if (!(x >= within.x && x <= right && y >= within.y && y <= bottom)) continue;
    const [left, top] = cornerBeside(x, y, side, [width, height], distance, within).corner;
    const found = { label, x: left, y: top, opacity: 1 };
    for (const other of seen) {
      const deep = Math.min(1, overlap(found, other, gap) / gap);
      found.opacity *= 1 - deep * Math.min(1, other.opacity / FAINT);
    }
    if (found.opacity > 0) seen.push(found);
  }
  return seen;
}

/**
 * How far two names lie in each other, each with a margin of half a gap.
 * @param {SeenLabel} a
 * @param {SeenLabel} b
 * @param {number} gap
 */
function overlap(a, b, gap) {
  const across = Math.min(a.x + a.label.width, b.x + b.label.width) - Math.max(a.x, b.x) + gap;
  const down = Math.min(a.y + a.label.height, b.y + b.label.height) - Math.max(a.y, b.y) + gap;
  return Math.max(0, Math.min(across, down));
}
