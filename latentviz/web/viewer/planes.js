// From the components of points to the page: flat, turned, or on a tour through all of them.

/**
 * How a panel shows points: place = middle + px_per_unit * (axes · (components - center)), y down.
 * @typedef {object} Plane
 * @property {Float64Array} right (k) of length 1
 * @property {Float64Array} up (k) of length 1, at a right angle to it
 * @property {Float64Array | null} toward (k) toward the viewer, where there is depth
 * @property {Float64Array} center (k) in data units, in the middle of the panel
 * @property {number} limits so much to either side of the middle is shown, in data units
 * @property {number} pxPerUnit pixels of the layout for a data unit
 * @property {[number, number]} middle of the panel, in pixels of the layout
 */

/** @typedef {import("./document.js").CloudPlace} CloudPlace */
/** @typedef {import("./document.js").Row} Row */
/** @typedef {import("./view.js").PanelView} PanelView */

// A turned cloud may reach as far as the diagonal of a box as large as its components; few do.
const DIAGONAL_SHARE = 0.8;
const TOUR_SEED = 7;
// So many planes there are on a tour, which then goes back through them: each depends on the one
// before it, and an address may ask for any place.
const TOUR_PLANES = 64;

/**
 * How a panel shows its row's points.
 * @param {CloudPlace} place
 * @param {Row} row
 * @param {PanelView} panel
 * @param {number} tour
 * @returns {Plane}
 */
export function planeOf(place, row, panel, tour) {
  const k = row.components.length;
  const own = row.projections[place.projection];
  const { dims } = panel;
  /** @type {[number, number]} */
  const middle = [place.body.x + place.body.width / 2, place.body.y + place.body.height / 2];
  const center = new Float64Array(k);
  const shown = dims.length ? dims : row.components.map((_, i) => i);
  for (const i of shown) center[i] = row.framed && !row.origin ? row.components[i].center : 0;
  let limits = limitsOf(place, row, shown);
  let [right, up] = [axis(k, shown[0]), axis(k, shown[1] ?? shown[0])];
  /** @type {Float64Array | null} */
  let toward = null;
  if (dims.length === 2) {
    if (dims[0] === own.right && dims[1] === own.up) {
      [center[dims[0]], center[dims[1]]] = place.center;
      limits = place.limits;
    }
  } else if (dims.length === 3) {
    [right, up, toward] = turned(k, dims, panel.azimuth, panel.elevation);
    limits = diagonal(row, place, shown);
  } else {
    [right, up] = tourPlane(k, [own.right, own.up], tour);
    limits = diagonal(row, place, shown);
  }
  const pxPerUnit = (place.px_per_unit * place.limits) / limits;
  return { right, up, toward, center, limits, pxPerUnit, middle };
}

/**
 * Where points are on the page, in pixels of the layout: x and y of each.
 * @param {Plane} plane
 * @param {Float32Array} places (N * k) in data units
 * @param {Float32Array} [out] (2 * N)
 */
export function pagePlaces(plane, places, out) {
  const { right, up, center, pxPerUnit, middle } = plane;
  const k = right.length;
  const n = places.length / k;
  const found = out ?? new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    let x = 0;
    let y = 0;
    for (let j = 0; j < k; j++) {
      const from = places[i * k + j] - center[j];
      x += right[j] * from;
      y += up[j] * from;
    }
    found[2 * i] = middle[0] + x * pxPerUnit;
    found[2 * i + 1] = middle[1] - y * pxPerUnit;
  }
  return found;
}

/**
 * How far points are toward the viewer from the plane's center, in data units, (N).
 * @param {Plane} plane
 * @param {Float32Array} places (N * k)
 * @param {Float32Array} [out] (N)
 */
export function depthsOf(plane, places, out) {
  const { toward, center } = plane;
  const k = center.length;
  const found = out ?? new Float32Array(places.length / k);
  for (let i = 0; i < found.length; i++) {
    let depth = 0;
    for (let j = 0; toward && j < k; j++) depth += toward[j] * (places[i * k + j] - center[j]);
    found[i] = depth;
  }
  return found;
}

/**
 * A unit axis.
 * @param {number} k
 * @param {number} i
 * @returns {Float64Array}
 */
function axis(k, i) {
  const found = new Float64Array(k);
  found[i] = 1;
  return found;
}

/**
 * What a panel of some components shows to either side of its middle.
 * @param {CloudPlace} place
 * @param {Row} row
 * @param {readonly number[]} shown
 */
function limitsOf(place, row, shown) {
  if (!row.framed) return place.limits;
  return Math.max(...shown.map((i) => row.components[i].limits));
}

/**
 * What is shown of a cloud that is turned: most of the diagonal of its components' box.
 * @param {Row} row
 * @param {CloudPlace} place
 * @param {readonly number[]} shown
 */
function diagonal(row, place, shown) {
  // Points that are colors lie about the unit disc, however they are turned.
  if (!row.framed) return place.limits;
  const limits = shown.map((i) => row.components[i].limits);
  return Math.max(Math.max(...limits), DIAGONAL_SHARE * Math.hypot(...limits));
}

/**
 * Right, up and toward the viewer of three components, turned about the upright axis, then tipped.
 * @param {number} k
 * @param {readonly number[]} dims
 * @param {number} azimuth
 * @param {number} elevation
 * @returns {[Float64Array, Float64Array, Float64Array]}
 */
function turned(k, dims, azimuth, elevation) {
  const [ca, sa] = [Math.cos(azimuth), Math.sin(azimuth)];
  const [ce, se] = [Math.cos(elevation), Math.sin(elevation)];
  // After turning, x is right and z toward the viewer; tipping then moves what is near downward.
  return [
    mixed(k, dims, [ca, 0, sa]),
    mixed(k, dims, [sa * se, ce, -ca * se]),
    mixed(k, dims, [-sa * ce, se, ca * ce]),
  ];
}

/**
 * A direction with some weights of some components.
 * @param {number} k
 * @param {readonly number[]} dims
 * @param {readonly number[]} weights
 */
function mixed(k, dims, weights) {
  const found = new Float64Array(k);
  dims.forEach((dim, i) => {
    found[dim] += weights[i];
  });
  return found;
}

/**
 * The plane at a place of the grand tour: from the panel's own at 0 through one at random to the
 * next, always the same ones.
 * @param {number} k
 * @param {readonly number[]} own
 * @param {number} tour 0 or more
 * @returns {[Float64Array, Float64Array]}
 */
export function tourPlane(k, own, tour) {
  const at = Math.floor(tour);
  const share = tour - at;
  // Slow at each plane, so that it can be read.
  const eased = share * share * (3 - 2 * share);
  const from = tourAxes(k, own, planeAt(at));
  const to = tourAxes(k, own, planeAt(at + 1));
  const right = from[0].map((x, i) => x + eased * (to[0][i] - x));
  const up = from[1].map((x, i) => x + eased * (to[1][i] - x));
  return orthonormal(right, up);
}

/**
 * Which plane a tour is at after so many: to the last one and back, again and again.
 * @param {number} n
 */
function planeAt(n) {
  const last = TOUR_PLANES - 1;
  return last - Math.abs((n % (2 * last)) - last);
}

/**
 * One of the planes between which a tour goes.
 * @param {number} k
 * @param {readonly number[]} own
 * @param {number} n
 * @returns {[Float64Array, Float64Array]}
 */
function tourStop(k, own, n) {
  if (n === 0 || k < 3) return [axis(k, own[0]), axis(k, own[1])];
  const random = generator(TOUR_SEED + 1000 * n + 10 * own[0] + own[1]);
  const normal = () => random() + random() + random() + random() - 2;
  const right = Float64Array.from({ length: k }, normal);
  const up = Float64Array.from({ length: k }, normal);
  const before = tourAxes(k, own, n - 1);
  // Of a plane and its mirror image the one that is nearer: so the way there does not collapse.
  const found = orthonormal(right, up);
  if (dot(found[0], before[0]) < 0) found[0] = found[0].map((x) => -x);
  if (dot(found[1], before[1]) < 0) found[1] = found[1].map((x) => -x);
  return found;
}

/** @type {Map<string, [Float64Array, Float64Array]>} */
const KNOWN_STOPS = new Map();

/**
 * `tourStop`, each computed once.
 * @param {number} k
 * @param {readonly number[]} own
 * @param {number} n
 */
function tourAxes(k, own, n) {
  const key = `${k} ${own} ${n}`;
  const known = KNOWN_STOPS.get(key);
  if (known) return known;
  const found = tourStop(k, own, n);
  KNOWN_STOPS.set(key, found);
  return found;
}

/**
 * Two directions made as long as 1, and square to each other.
 * @param {Float64Array} right
 * @param {Float64Array} up
 * @returns {[Float64Array, Float64Array]}
 */
function orthonormal(right, up) {
  const r = Math.sqrt(dot(right, right)) || 1;
  const first = right.map((x) => x / r);
  const along = dot(up, first);
  const rest = up.map((x, i) => x - along * first[i]);
  const u = Math.sqrt(dot(rest, rest)) || 1;
  return [first, rest.map((x) => x / u)];
}

/**
 * @param {Float64Array} a
 * @param {Float64Array} b
 */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * Numbers from 0 to 1 that look random, the same for a seed (mulberry32).
 * @param {number} seed
 */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
