// On which side of its point a name stands: chosen once for a panel and what it shows, so that none
// jumps. Names that the film has beside points have their sides from the film.

import { pagePlaces } from "./planes.js";
import { placesOfSome } from "./some-places.js";

/** @typedef {import("./document.js").Box} Box */
/** @typedef {import("./document.js").CloudPlace} CloudPlace */
/** @typedef {import("./over.js").PanelSpots} PanelSpots */
/** @typedef {import("./places.js").PlacesReader} PlacesReader */
/** @typedef {readonly [number, number]} Side -1, 0 or 1, right and down */

// As raster/label_places.py has them, in order of preference.
/** @type {readonly Side[]} */
const SIDES = [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]];
const DIAGONAL = 0.7; // of the distance, along each axis, where a name lies at a dot's corner
// The cost of a side: for a moment at which an earlier name would hide the name, the one that is
// shown above all; for a dot under it at that one; for being pushed back into the panel, a pixel;
// and for being preferred less.
const [HIDDEN, HIDDEN_NOW, DOT, PUSHED, RANK] = [10, 200, 2, 0.3, 0.5];
const MOMENTS = 6; // at which names are looked at, from the first step to the last

/**
 * A name beside its point at some moments, the last of which is the one that is shown.
 * @typedef {object} Beside
 * @property {ArrayLike<number>} path (2 * n) where the point is; NaN: nowhere
 * @property {readonly [number, number]} size width and height
 * @property {Side} side
 */

/**
 * What was chosen for a panel.
 * @typedef {{shown: string, names: Map<number, Beside>}} Chosen
 */

/** @type {WeakMap<CloudPlace, Chosen>} */
const chosenFor = new WeakMap();

/**
 * The top left corner of a name beside a point, pushed within a panel.
 * @param {number} x of the point
 * @param {number} y
 * @param {Side} side
 * @param {readonly [number, number]} size width and height
 * @param {number} distance from the point to the name's box
 * @param {Box} room
 * @returns {{corner: [number, number], pushed: number}} and by how much
 */
export function cornerBeside(x, y, [right, down], [width, height], distance, room) {
  const reach = right && down ? DIAGONAL * distance : distance;
  const own = [
    x + right * (reach + width / 2) - width / 2,
    y + down * (reach + height / 2) - height / 2,
  ];
  const left = Math.max(room.x, Math.min(own[0], room.x + room.width - width));
  const top = Math.max(room.y, Math.min(own[1], room.y + room.height - height));
  return { corner: [left, top], pushed: Math.abs(left - own[0]) + Math.abs(top - own[1]) };
}

/**
 * `cornerBeside` at a moment.
 * @param {Beside} name
 * @param {number} m
 * @param {number} distance
 * @param {Box} room
 */
function cornerAt({ path, size, side }, m, distance, room) {
  return cornerBeside(path[2 * m], path[2 * m + 1], side, size, distance, room);
}

/**
 * The side on which a name is hidden the least, covers the fewest dots, and is pushed the least.
 * @param {ArrayLike<number>} path (2 * n) where the point is at some moments, the last of which is
 *     shown; NaN: nowhere
 * @param {Float32Array} dots (2 * N) all points, at that one
 * @param {readonly [number, number]} size
 * @param {number} distance
 * @param {Box} room names stay in there
 * @param {readonly Beside[]} earlier names, at the same moments, which hide this one
 * @returns {Side}
 */
export function bestSide(path, dots, size, distance, room, earlier = []) {
  let [best, least] = [SIDES[0], Infinity];
  const n = path.length / 2;
  SIDES.forEach((side, rank) => {
    let cost = RANK * rank;
    for (let m = 0; m < n; m++) {
      const { corner, pushed } = cornerAt({ path, size, side }, m, distance, room);
      if (Number.isNaN(corner[0])) continue;
      cost += (PUSHED * pushed) / n;
      const isHidden = earlier.some((name) => {
        const at = cornerAt(name, m, distance, room).corner;
        return [0, 1].every((axis) => {
          const end = Math.min(corner[axis] + size[axis], at[axis] + name.size[axis]);
          return end > Math.max(corner[axis], at[axis]);
        });
      });
      if (isHidden) cost += HIDDEN / n + (m === n - 1 ? HIDDEN_NOW : 0);
      if (m === n - 1) cost += DOT * dotsIn(dots, corner[0], corner[1], size);
    }
    if (cost < least) [best, least] = [side, cost];
  });
  return best;
}

/**
 * How many dots lie in a box.
 * @param {Float32Array} dots
 * @param {number} left
 * @param {number} top
 * @param {readonly [number, number]} size
 */
function dotsIn(dots, left, top, [width, height]) {
  let found = 0;
  for (let i = 0; i < dots.length; i += 2) {
    const [x, y] = [dots[i] - left, dots[i + 1] - top];
    if (x >= 0 && x <= width && y >= 0 && y <= height) found++;
  }
  return found;
}

/**
 * The side of a point's name; the same one as long as the panel shows the same components.
 * @param {PanelSpots} panel
 * @param {readonly number[]} dims that it shows
 * @param {PlacesReader} reader
 * @param {number} point
 * @param {readonly [number, number]} size of the name
 * @param {number} distance
 * @param {Box} room
 * @param {readonly number[]} earlier points whose names hide this one
 * @returns {Side}
 */
export function steadySide(panel, dims, reader, point, size, distance, room, earlier) {
  const { place, plane, spots } = panel;
  const shown = dims.join();
  let chosen = chosenFor.get(place);
  if (chosen?.shown !== shown) {
    chosen = { shown, names: new Map() };
    chosenFor.set(place, chosen);
  }
  const { names } = chosen;
  const known = names.get(point);
  if (known) return known.side;
  const steps = reader.shape[0];
  const path = Array.from({ length: MOMENTS }, (_, m) => {
    const t = Math.round((m * (steps - 1)) / (MOMENTS - 1));
    if (!reader.isLoaded(t, t + 1)) return [NaN, NaN];
    return Array.from(pagePlaces(plane, placesOfSome(reader, [point], t)));
  }).flat();
  path.push(spots[2 * point], spots[2 * point + 1]);
  const hiding = earlier.flatMap((other) => {
    const name = names.get(other);
    if (!name) return [];
    // Where it is now, which is not where it was when its side was chosen.
    const now = spots.subarray(2 * other, 2 * other + 2);
    return { ...name, path: [...Array.from(name.path).slice(0, -2), ...now] };
  });
  const side = bestSide(path, spots, size, distance, room, hiding);
  names.set(point, { path, size, side });
  return side;
}
