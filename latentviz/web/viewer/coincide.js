// Curves that lie on each other: in turns, a dash each, so that all are seen, as the film has them
// (raster/coincide.py).

// Among more than so many nobody could tell whose turn it is, and each is held against each.
export const MOST_CURVES = 60;
const LEAST_DASHES = 4; // what coincides for less than so many dashes is no more than a crossing

/**
 * A line; broken where ys is NaN.
 * @typedef {{xs: Float64Array, ys: Float64Array}} Line
 */

/**
 * Each curve's line, less the dashes of those that lie where it does. The dashes have fixed places
 * along the axis. A curve leaves out a dash only where another that hides it is drawn.
 * @param {Float64Array} xs (n) places along the axis, which do not fall
 * @param {readonly Float64Array[]} curves (n) heights of each, NaN where there is none
 * @param {number} width of the lines
 * @param {number} dash how long a dash is
 * @returns {Line[]}
 */
export function inTurns(xs, curves, width, dash) {
  const n = xs.length;
  const count = curves.length;
  const alone = () => curves.map((ys) => ({ xs, ys }));
  if (n < 2 || count < 2 || count > MOST_CURVES) return alone();
  /** @type {Uint8Array[][]} for each curve and each before it, where they are together */
  const same = curves.map((curve, i) =>
    curves.slice(0, i).map((other) => together(xs, other, curve, width, LEAST_DASHES * dash)),
  );
  if (!same.some((before) => before.some((pieces) => pieces.includes(1)))) return alone();
  const edges = edgesWithin(xs, dash);
  const { x, from } = merged(xs, edges);
  const isSeen = seenPieces(xs, x, dash, same, count);
  return curves.map((ys, c) => {
    const at = edges.map((edge) => between(xs, ys, edge));
    const heights = from.map((source) => (source < n ? ys[source] : at[source - n]));
    return withGaps(x, heights, isSeen[c]);
  });
}

/**
 * Where dashes begin.
 * @param {Float64Array} xs
 * @param {number} dash
 */
function edgesWithin(xs, dash) {
  const first = Math.ceil(xs[0] / dash);
  const last = Math.floor(xs[xs.length - 1] / dash);
  return Float64Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * dash);
}

/**
 * Places and dashes' edges in one order.
 * @param {Float64Array} xs
 * @param {Float64Array} edges
 * @returns {{x: Float64Array, from: Float64Array}} and where each is from: its index in xs, or,
 *     from the length of xs on, among the edges
 */
function merged(xs, edges) {
  const x = new Float64Array(xs.length + edges.length);
  const from = new Float64Array(x.length);
  let [i, e] = [0, 0];
  for (let m = 0; m < x.length; m++) {
    const isPlace = e >= edges.length || (i < xs.length && xs[i] <= edges[e]);
    x[m] = isPlace ? xs[i] : edges[e];
    from[m] = isPlace ? i++ : xs.length + e++;
  }
  return { x, from };
}

/**
 * Which curves are drawn on each piece between neighbors of `x`.
 * @param {Float64Array} xs
 * @param {Float64Array} x
 * @param {number} dash
 * @param {readonly Uint8Array[][]} same
 * @param {number} n how many curves there are
 */
function seenPieces(xs, x, dash, same, n) {
  const seen = Array.from({ length: n }, () => new Uint8Array(x.length - 1));
  let piece = 0;
  for (let m = 0; m + 1 < x.length; m++) {
    const middle = (x[m] + x[m + 1]) / 2;
    while (piece < xs.length - 2 && xs[piece + 1] <= middle) piece++;
    const isSame = (/** @type {number} */ i, /** @type {number} */ j) =>
      same[Math.max(i, j)][Math.min(i, j)][piece];
    const number = Math.floor(middle / dash);
    const turns = seen.map((_, i) => {
      let [rank, all] = [0, 1];
      for (let j = 0; j < n; j++) {
        if (j === i || !isSame(i, j)) continue;
        all += 1;
        if (j < i) rank += 1;
      }
      return (((rank - number) % all) + all) % all;
    });
    for (let now = 0; now <= Math.max(...turns); now++) {
      turns.forEach((turn, i) => {
        if (turn !== now) return;
        const isHidden = seen.some((other, j) => j !== i && other[m] && isSame(i, j));
        if (!isHidden) seen[i][m] = 1;
      });
    }
  }
  return seen;
}

/**
 * A line without the pieces that are not seen.
 * @param {Float64Array} x
 * @param {Float64Array} y
 * @param {Uint8Array} isSeen
 * @returns {Line}
 */
function withGaps(x, y, isSeen) {
  const xs = [x[0]];
  const ys = [y[0]];
  for (let m = 1; m < x.length; m++) {
    if (!isSeen[m - 1]) {
      xs.push(x[m - 1]);
      ys.push(NaN);
    }
    xs.push(x[m]);
    ys.push(y[m]);
  }
  return { xs: Float64Array.from(xs), ys: Float64Array.from(ys) };
}

/**
 * A curve's height at a place.
 * @param {Float64Array} xs
 * @param {Float64Array} ys
 * @param {number} x within them
 */
function between(xs, ys, x) {
  const after = firstWhere(xs, (other) => other > x);
  if (after === 0) return ys[0];
  if (after === xs.length) return ys[xs.length - 1];
  const share = (x - xs[after - 1]) / (xs[after] - xs[after - 1]);
  // So that a place beside a gap has what it had.
  if (share === 0) return ys[after - 1];
  return ys[after - 1] + share * (ys[after] - ys[after - 1]);
}

/**
 * The first index from which on something holds.
 * @param {Float64Array} sorted
 * @param {(x: number) => boolean} holds
 */
function firstWhere(sorted, holds) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The pieces of two curves, (n - 1), that hide each other over a length that matters.
 * @param {Float64Array} xs
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @param {number} width
 * @param {number} least that length
 */
function together(xs, a, b, width, least) {
  const n = xs.length;
  const hidden = new Int32Array(n + 1); // how many of those before are hidden
  const near = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    hidden[i + 1] = hidden[i] + (Math.abs(a[i] - b[i]) < width / 2 ? 1 : 0);
    near[i] = Math.abs(a[i] - b[i]) < width ? 1 : 0;
  }
  let [begin, end] = [0, 0];
  for (let i = 0; i < n; i++) {
    while (xs[begin] < xs[i] - least / 2) begin++;
    while (end < n && xs[end] <= xs[i] + least / 2) end++;
    // Noise makes them part for a pixel now and then: they are together where they are as a rule.
    if (2 * (hidden[end] - hidden[begin]) < end - begin) near[i] = 0;
  }
  const found = new Uint8Array(n - 1);
  for (let start = 0; start < n - 1; start++) {
    let stop = start;
    while (stop < n - 1 && near[stop] && near[stop + 1]) stop++;
    if (stop > start && xs[stop] - xs[start] >= least) found.fill(1, start, stop);
    start = stop;
  }
  return found;
}
