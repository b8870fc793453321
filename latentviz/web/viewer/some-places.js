// Places of a few points, without those of all others.

/** @typedef {import("./places.js").PlacesReader} PlacesReader */

/**
 * Where some points are at a step, (points * k) in data units.
 * @param {PlacesReader} reader
 * @param {readonly number[]} points
 * @param {number} t a step that is loaded
 */
export function placesOfSome(reader, points, t) {
  return reader.svd ? ofSvd(reader, reader.svd, points, t) : ofAll(reader, points, t);
}

/**
 * Of differences all of a step are read.
 * @param {PlacesReader} reader
 * @param {readonly number[]} points
 * @param {number} t
 */
function ofAll(reader, points, t) {
  const k = reader.shape[2];
  const all = reader.read(t);
  const found = new Float32Array(points.length * k);
  points.forEach((point, i) => found.set(all.subarray(point * k, (point + 1) * k), i * k));
  return found;
}

/**
 * The reader's own sums, of some points.
 * @param {PlacesReader} reader
 * @param {NonNullable<PlacesReader["svd"]>} svd
 * @param {readonly number[]} points
 * @param {number} t
 */
function ofSvd({ shape, scale, origin }, { rank, coefficients, basis, mean }, points, t) {
  const k = shape[2];
  const found = new Float32Array(points.length * k);
  points.forEach((point, i) => {
    for (let j = 0; j < k; j++) {
      const at = point * k + j;
      let sum = mean[at];
      for (let q = 0; q < rank; q++) {
        sum = Math.fround(sum + coefficients[t * rank + q] * basis[q * mean.length + at]);
      }
      found[i * k + j] = sum * scale[j] + origin[j];
    }
  });
  return found;
}
