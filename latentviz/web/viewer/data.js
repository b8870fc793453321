// What a page holds, opened: its arrays at hand, its places ready to be read, its clock.

import { Moments } from "./moments.js";
import { openPlaces } from "./places.js";
import { readArray } from "./unpack.js";

/** @import { ArrayRef, ByTheme, Chart, Row, ViewerDocument } from "./document.js" */
/** @import { PlacesReader } from "./places.js" */
/** @import { Numbers } from "./unpack.js" */

/**
 * A row's arrays.
 * @typedef {object} RowArrays
 * @property {ByTheme<Uint8Array>} rgb (N, 3)
 * @property {Uint32Array} order (N) the points' numbers, the lowest first
 * @property {Float32Array} alphas
 * @property {Float32Array | null} fadedAlphas
 * @property {Uint32Array | null} highlighted
 * @property {Uint16Array | null} classes (N) each point's index among its key's names
 * @property {Float32Array | null} values (N) each point's scalar
 */

/**
 * A chart's arrays; of a live recording, they are replaced by longer ones.
 * @typedef {object} ChartArrays
 * @property {Float64Array} steps (T)
 * @property {number} end the step at the end of its axis
 * @property {{values: Float32Array, raw: Float32Array | null}[]} curves (T) each
 */

/**
 * @typedef {object} Data
 * @property {ViewerDocument} document
 * @property {PlacesReader[]} readers one for each row
 * @property {RowArrays[]} rows
 * @property {ChartArrays[]} charts
 * @property {Moments} moments
 */

/**
 * Open all that a page holds.
 * @param {ViewerDocument} document
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Data>}
 */
export async function openData(document, bytes) {
  const read = arrayReader(bytes);
  const { rows, charts, runs } = document;
  const runSteps = await Promise.all(
    runs.map(async ({ steps, after, end }) => ({ steps: await read.doubles(steps), after, end })),
  );
  return {
    document,
    readers: await Promise.all(rows.map((row) => openPlaces(bytes, row.places))),
    rows: await Promise.all(rows.map((row) => rowArrays(row, read))),
    charts: await Promise.all(charts.map((chart) => chartArrays(chart, read))),
    moments: new Moments(runSteps, await read.words(document.frames)),
  };
}

/**
 * Readers of arrays by their type.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function arrayReader(bytes) {
  /**
   * @template {Numbers} A
   * @param {new (...given: never[]) => A} kind
   * @returns {(ref: ArrayRef) => Promise<A>}
   */
  const of = (kind) => async (ref) => {
    const numbers = await readArray(bytes, ref);
    if (!(numbers instanceof kind)) throw new Error(`An array is of ${ref.dtype}`);
    return numbers;
  };
  return {
    bytes: of(/** @type {new (...given: never[]) => Uint8Array<ArrayBuffer>} */ (Uint8Array)),
    shorts: of(/** @type {new (...given: never[]) => Uint16Array<ArrayBuffer>} */ (Uint16Array)),
    words: of(/** @type {new (...given: never[]) => Uint32Array<ArrayBuffer>} */ (Uint32Array)),
    floats: of(/** @type {new (...given: never[]) => Float32Array<ArrayBuffer>} */ (Float32Array)),
    doubles: of(
      /** @type {new (...given: never[]) => Float64Array<ArrayBuffer>} */ (Float64Array),
    ),
  };
}

/**
 * @param {Row} row
 * @param {ReturnType<typeof arrayReader>} read
 * @returns {Promise<RowArrays>}
 */
async function rowArrays(row, read) {
  const { key } = row;
  return {
    rgb: { dark: await read.bytes(row.rgb.dark), light: await read.bytes(row.rgb.light) },
    order: await read.words(row.order),
    alphas: await read.floats(row.alphas),
    fadedAlphas: row.faded_alphas && (await read.floats(row.faded_alphas)),
    highlighted: row.highlighted && (await read.words(row.highlighted)),
    classes: key?.kind === "categories" ? await read.shorts(key.classes) : null,
    values: key?.kind === "ramp" ? await read.floats(key.values) : null,
  };
}

/**
 * @param {Chart} chart
 * @param {ReturnType<typeof arrayReader>} read
 * @returns {Promise<ChartArrays>}
 */
async function chartArrays(chart, read) {
  const curves = chart.curves.map(async (curve) => ({
    values: await read.floats(curve.values),
    raw: curve.raw && (await read.floats(curve.raw)),
  }));
  const steps = await read.doubles(chart.steps);
  return { steps, end: steps[steps.length - 1], curves: await Promise.all(curves) };
}
