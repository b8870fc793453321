// Points within an outline.

/** @import { Spot } from "./view.js" */

/**
 * Whether a place lies within a closed outline; where it crosses itself, within an odd number of
 * its turns.
 * @param {readonly Spot[]} outline
 * @param {number} x
 * @param {number} y
 */
export function isInside(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [a, b] = [outline[i], outline[j]];
    if (a.y > y === b.y > y) continue;
    if (x < a.x + ((b.x - a.x) * (y - a.y)) / (b.y - a.y)) inside = !inside;
  }
  return inside;
}
