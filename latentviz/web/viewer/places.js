// The places of N points in k components at T recorded steps, read from a page's bytes.

import { readArray } from "./unpack.js";

/** @import { ArrayRef, DeltaPlaces, Places, SvdPlaces } from "./document.js" */

/**
 * A decomposition over time, out of its units: the place at step t is, in units of `scale` and
 * about `origin`, `mean + sum over q of coefficients[t, q] * basis[q]`.
 * @typedef {object} Svd
 * @property {number} rank
 * @property {Float32Array} coefficients (T*rank)
 * @property {Float32Array} basis (rank*N*k)
 * @property {Float32Array} mean (N*k)
 */

/**
 * Consecutive steps of differences. `bytes` holds its array, which `numbers` are, once inflated.
 * @typedef {object} Chunk
 * @property {number} start the first step
 * @property {number} stop the step after the last
 * @property {Uint8Array<ArrayBuffer>} bytes
 * @property {ArrayRef} ref
 * @property {Int32Array | Float64Array | null} numbers
 * @property {Promise<void> | null} loading while it is inflated
 * @property {number} used when it was last needed
 */

const MOST_INFLATED = 256 * 2 ** 20; // bytes
const MOST_READ = 8; // the latest steps whose places are kept

/** Gives places in data units: at once where they are loaded. */
export class PlacesReader {
  /** @type {[number, number, number]} T, N and k */
  shape;
  /** @type {Svd | null} null of differences */
  svd;
  /** @type {Float64Array} (k) what a unit is worth, in data units */
  scale;
  /** @type {Float64Array} (k) what is added to that */
  origin;
  /** @type {Chunk[]} in order; none of an SVD */
  #chunks;
  /** @type {Map<number, Float32Array>} the latest that were read, by step */
  #read = new Map();
  #clock = 0;

  /**
   * What `openPlaces` calls.
   * @param {number[]} shape
   * @param {Svd | null} svd
   * @param {Float64Array} scale
   * @param {Float64Array} origin
   */
  constructor(shape, svd, scale, origin) {
    this.shape = [shape[0], shape[1], shape[2]];
    this.svd = svd;
    this.scale = scale;
    this.origin = origin;
    this.#chunks = [];
  }

  /**
   * Whether all steps from `start` up to, and without, `stop` can be read at once.
   * @param {number} start
   * @param {number} stop
   */
  isLoaded(start, stop) {
    return this.#needed(start, stop).every((chunk) => chunk.numbers);
  }

  /**
   * Have all steps from `start` up to, and without, `stop` at hand. Others may be let go for that.
   * @param {number} start
   * @param {number} stop
   */
  async load(start, stop) {
    const needed = this.#needed(start, stop);
    for (const chunk of needed) chunk.used = ++this.#clock;
    await Promise.all(needed.map((chunk) => this.#inflated(chunk)));
    this.#letGo(needed);
  }

  /**
   * The places at a step, in data units. Unless `out` is given, not to be written to.
   * @param {number} t index of the step
   * @param {Float32Array} [out] (N*k) where to write them
   * @returns {Float32Array} (N*k)
   */
  read(t, out) {
    let places = this.#read.get(t);
    if (places) {
      this.#read.delete(t); // to be the latest again
    } else {
      places = this.svd ? this.#ofSvd(this.svd, t) : this.#ofDifferences(t);
    }
    this.#read.set(t, places);
    if (this.#read.size > MOST_READ) {
      const [oldest] = this.#read.keys();
      this.#read.delete(oldest);
    }
    if (!out) return places;
    out.set(places);
    return out;
  }

  /**
   * Steps follow: a chunk of differences that came of a live recording.
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {ArrayRef} ref (n, N*k) with delta, within these bytes
   */
  append(bytes, ref) {
    const width = this.shape[1] * this.shape[2];
    if (this.svd) throw new Error("Steps can follow those of differences only");
    if (ref.shape[1] !== width) {
      throw new Error(`Steps that follow have ${width} numbers each, got ${ref.shape[1]}`);
    }
    const start = this.shape[0];
    const stop = start + ref.shape[0];
    this.#chunks.push({ start, stop, bytes, ref, numbers: null, loading: null, used: 0 });
    this.shape[0] = stop;
  }

  /**
   * The chunks that hold some of these steps.
   * @param {number} start
   * @param {number} stop
   */
  #needed(start, stop) {
    if (start < 0 || stop > this.shape[0]) {
      throw new RangeError(`Steps ${start} to ${stop} are not all of the ${this.shape[0]} steps`);
    }
    return this.#chunks.filter((chunk) => chunk.start < stop && chunk.stop > start);
  }

  /**
   * Inflate a chunk that is not; what asks for it meanwhile waits for the same.
   * @param {Chunk} chunk
   */
  async #inflated(chunk) {
    if (chunk.numbers) return;
    chunk.loading ??= (async () => {
      try {
        const numbers = await readArray(chunk.bytes, chunk.ref);
        chunk.numbers = /** @type {Int32Array | Float64Array} */ (numbers);
      } finally {
        chunk.loading = null;
      }
    })();
    await chunk.loading;
  }

  /**
   * Forget the chunks that were not needed for longest, where there are too many.
   * @param {Chunk[]} needed which are to stay
   */
  #letGo(needed) {
    const inflated = this.#chunks.filter((chunk) => chunk.numbers);
    let bytes = 0;
    for (const { numbers } of inflated) bytes += numbers ? numbers.byteLength : 0;
    inflated.sort((a, b) => a.used - b.used);
    for (const chunk of inflated) {
      if (bytes <= MOST_INFLATED) return;
      if (needed.includes(chunk) || !chunk.numbers) continue;
      bytes -= chunk.numbers.byteLength;
      chunk.numbers = null;
    }
  }

  /**
   * The places at a step of an SVD. The sums are of 32 bits, as `latentviz` measured their error.
   * @param {Svd} svd
   * @param {number} t
   */
  #ofSvd({ rank, coefficients, basis, mean }, t) {
    this.#needed(t, t + 1);
    const sums = mean.slice();
    const width = sums.length;
    for (let q = 0; q < rank; q++) {
      const c = coefficients[t * rank + q];
      const row = basis.subarray(q * width, (q + 1) * width);
      for (let i = 0; i < width; i++) sums[i] += c * row[i];
    }
    return this.#inDataUnits(sums);
  }

  /**
   * The places at a step of differences.
   * @param {number} t
   */
  #ofDifferences(t) {
    const [chunk] = this.#needed(t, t + 1);
    if (!chunk?.numbers) throw new Error(`Step ${t} is not loaded`);
    chunk.used = ++this.#clock;
    const width = this.shape[1] * this.shape[2];
    const at = (t - chunk.start) * width;
    return this.#inDataUnits(chunk.numbers.subarray(at, at + width));
  }

  /**
   * Numbers in data units.
   * @param {Float32Array | Float64Array | Int32Array} numbers (N*k)
   */
  #inDataUnits(numbers) {
    const k = this.shape[2];
    const places = new Float32Array(numbers.length);
    for (let j = 0; j < k; j++) {
      const scale = this.scale[j];
      const origin = this.origin[j];
      for (let i = j; i < numbers.length; i += k) places[i] = numbers[i] * scale + origin;
    }
    return places;
  }
}

/**
 * A reader of places.
 * @param {Uint8Array<ArrayBuffer>} bytes all of the page's
 * @param {Places} places
 * @returns {Promise<PlacesReader>} of an SVD, all steps are loaded; of differences, none
 */
export async function openPlaces(bytes, places) {
  const scale = /** @type {Float64Array} */ (await readArray(bytes, places.scale));
  const origin = /** @type {Float64Array} */ (await readArray(bytes, places.origin));
  if (places.way === "svd") {
    return new PlacesReader(places.shape, await readSvd(bytes, places), scale, origin);
  }
  const reader = new PlacesReader([0, places.shape[1], places.shape[2]], null, scale, origin);
  for (const ref of places.chunks) reader.append(bytes, ref);
  return reader;
}

/**
 * The arrays of an SVD.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {SvdPlaces} places
 * @returns {Promise<Svd>}
 */
async function readSvd(bytes, places) {
  const [mean, coefficients, coefficientUnits, basis, basisUnits] = await Promise.all(
    [
      places.mean,
      places.coefficients,
      places.coefficient_units,
      places.basis,
      places.basis_units,
    ].map((ref) => readArray(bytes, ref)),
  );
  const { rank } = places;
  const c = new Float32Array(coefficients.length);
  for (let i = 0; i < c.length; i++) c[i] = coefficients[i] * coefficientUnits[i % rank];
  const b = new Float32Array(basis.length);
  const width = mean.length;
  for (let q = 0; q < rank; q++) {
    const unit = basisUnits[q];
    for (let i = q * width; i < (q + 1) * width; i++) b[i] = basis[i] * unit;
  }
  return { rank, coefficients: c, basis: b, mean: /** @type {Float32Array} */ (mean) };
}
