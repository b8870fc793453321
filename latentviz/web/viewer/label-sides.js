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
// The cost of a side: for a dot under the name at the last step; for being pushed back into the
// panel, a pixel; and for being preferred less.
const [DOT, PUSHED, RANK] = [2, 0.3, 0.5];
const MOMENTS = 6; // at which names are looked at, from the first step to the last

/**
 * What was chosen for a panel.
 * @typedef {{shown: string, sides: Map<number, Side>, dots: Float32Array | null}} Chosen
 */

/** @type {WeakMap<CloudPlace, Chosen>} */
const chosenFor = new WeakMap();

/**
 * The top left corner of a name beside a point, where there is no panel that pushes it.
 * @param {number} x
 * @param {number} y
 * @param {Side} side
 * @param {readonly [number, number]} size width and height
 * @param {number} distance from the point to the name's box
 * @returns {[number, number]}
 */
export function cornerBeside(x, y, [right, down], [width, height], distance) {
  const reach = right && down ? DIAGONAL * distance : distance;
  return [
    x + right * (reach + width / 2) - width / 2,
    y + down * (reach + height / 2) - height / 2,
  ];
}

/**
 * The side on which a name covers the fewest dots, and is pushed the least.
 * @param {ArrayLike<number>} path (2 * n) where the point is at some moments; NaN: nowhere
 * @param {Float32Array | null} dots (2 * N) all points, at the last one of these
 * @param {readonly [number, number]} size
 * @param {number} distance
 * @param {Box} room names stay in there
 * @returns {Side}
 */
export function bestSide(path, dots, size, distance, room) {
  let [best, least] = [SIDES[0], Infinity];
  const n = path.length / 2;
  SIDES.forEach((side, rank) => {
    let cost = RANK * rank;
    for (let m = 0; m < n; m++) {
      const [x, y] = cornerBeside(path[2 * m], path[2 * m + 1], side, size, distance);
      if (Number.isNaN(x)) continue;
      const left = Math.max(room.x, Math.min(x, room.x + room.width - size[0]));
      const top = Math.max(room.y, Math.min(y, room.y + room.height - size[1]));
      cost += (PUSHED * (Math.abs(left - x) + Math.abs(top - y))) / n;
      if (m === n - 1 && dots) cost += DOT * dotsIn(dots, left, top, size);
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
 * @returns {Side}
 */
export function steadySide(panel, dims, reader, point, size, distance, room) {
  const { place, plane } = panel;
  const shown = dims.join();
  const steps = reader.shape[0];
  let chosen = chosenFor.get(place);
  if (chosen?.shown !== shown) {
    const isLoaded = reader.isLoaded(steps - 1, steps);
    const dots = isLoaded ? pagePlaces(plane, reader.read(steps - 1)) : null;
    chosen = { shown, sides: new Map(), dots };
    chosenFor.set(place, chosen);
  }
  let side = chosen.sides.get(point);
  if (side) return side;
  const moments = Array.from({ length: MOMENTS }, (_, m) =>
    Math.round((m * (steps - 1)) / (MOMENTS - 1)),
  );
  const path = moments
    .filter((t) => reader.isLoaded(t, t + 1))
    .flatMap((t) => Array.from(pagePlaces(plane, placesOfSome(reader, [point], t))));
  side = bestSide(path, chosen.dots, size, distance, room);
  chosen.sides.set(point, side);
  return side;
}
