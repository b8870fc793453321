// Points that are pinned, and how they are found.

import { pointName } from "./state.js";

/** @import { Page } from "./page.js" */
/** @import { PointOf } from "./view.js" */

/**
 * Pin a point; one that is pinned, no more.
 * @param {Page} page
 * @param {PointOf} point
 */
export function pinnedWith(page, point) {
  const { pinned } = page.store.get();
  const others = pinned.filter((other) => !isSame(other, point));
  const isNew = others.length === pinned.length;
  page.set({ pinned: isNew ? [...pinned, point] : others });
  page.tell(`${pointName(page.data, point)} ${isNew ? "pinned" : "no longer pinned"}`);
}

/**
 * Pin points, those that are not.
 * @param {Page} page
 * @param {readonly PointOf[]} points
 */
export function pinAll(page, points) {
  const { pinned } = page.store.get();
  const added = points.filter((point) => !pinned.some((other) => isSame(other, point)));
  if (added.length) page.set({ pinned: [...pinned, ...added] });
}

/**
 * @param {PointOf} a
 * @param {PointOf} b
 */
export function isSame(a, b) {
  return a.row === b.row && a.point === b.point;
}

/**
 * The points that a text names, one of each row at most: by its name, else by its number, else by
 * how a name begins.
 * @param {Page} page
 * @param {string} text
 * @returns {PointOf[]}
 */
export function foundBy(page, text) {
  const wanted = text.trim();
  if (!wanted) return [];
  return page.document.rows.flatMap(({ names, points }, row) => {
    const point = indexOfName(names ?? [], points, wanted);
    return point < 0 ? [] : [{ row, point }];
  });
}

/**
 * @param {readonly string[]} names
 * @param {number} points how many there are
 * @param {string} wanted
 */
function indexOfName(names, points, wanted) {
  const exact = names.indexOf(wanted);
  if (exact >= 0) return exact;
  const number = /^#?\d{1,9}$/.test(wanted) ? Number(wanted.replace("#", "")) : -1;
  if (number >= 0 && number < points) return number;
  const lower = wanted.toLowerCase();
  return names.findIndex((name) => name.toLowerCase().startsWith(lower));
}
