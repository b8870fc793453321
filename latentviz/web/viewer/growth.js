// What a server answers while a recording is followed, and how a page goes on with it. An answer
// is the number of bytes of a text (u32, little-endian), the text, which is JSON, and the bytes of
// the arrays that it refers to.

import { readArray } from "./unpack.js";

/** @import { ArrayRef } from "./document.js" */

/**
 * What has become of a recording; `outdated` is a page that must be loaded anew.
 * @typedef {"waiting"|"recording"|"stopped"|"finished"|"gone"|"replaced"|"unreadable"
 *     |"outdated"} RecordingState
 */

/**
 * A curve's values from `from` on: what the page has from there on gives way to them, as the last
 * smoothed values change with those that follow.
 * @typedef {object} GrownCurve
 * @property {number} from index among the chart's steps
 * @property {ArrayRef} values (m) f32, NaN where there is none
 * @property {ArrayRef | null} raw (m) f32
 * @property {number[]} keyed indices of new steps among the chart's
 * @property {number[]} measured likewise
 * @property {number[]} broken likewise
 */

/**
 * A chart, in the order of the document's. Curves of names that came up later are not there.
 * @typedef {object} GrownChart
 * @property {number} from how many steps it had
 * @property {ArrayRef} steps (n) f64, those that are added
 * @property {GrownCurve[]} curves in the order of the document's; none where no steps are added
 * @property {(number | null)[] | null} final each curve's value after the last update, at the end
 */

/**
 * What came since a page had `from` steps. Where nothing came, `steps` is null and no more is there
 * than the state and the step.
 *
 * A point that is not finite at a step stays where it was last, and is counted in `held`; one that
 * is farther out than 2**29 units of `scale` is drawn there.
 * @typedef {object} Growth
 * @property {RecordingState} state
 * @property {number | null} step the last one that is whole, whether the page has it or not
 * @property {ArrayRef | null} steps (n) f64, those that are added
 * @property {number} from how many steps the page had
 * @property {boolean} last whether nothing follows, as the recording was finished
 * @property {boolean} after whether the last places are those after the last update
 * @property {boolean} dense whether nothing came between the last two steps
 * @property {number} left_out how many recorded steps are not in the page, from the first on
 * @property {number} held how many points are not finite at some of the steps
 * @property {ArrayRef[]} places for each row (n or n + 1, N*k) i32 with delta, in the units of the
 *     row's places; empty where there are none
 * @property {GrownChart[]} charts
 */

/**
 * An answer, taken apart.
 * @param {ArrayBuffer} answer
 * @returns {{growth: Growth, bytes: Uint8Array<ArrayBuffer>}} and the bytes of its arrays
 */
export function takenApart(answer) {
  const size = new DataView(answer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(answer, 4, size));
  return { growth: JSON.parse(text), bytes: new Uint8Array(answer, 4 + size) };
}

/**
 * Numbers with others from some index on.
 * @template {Float32Array | Float64Array} A
 * @param {A} numbers
 * @param {number} from
 * @param {A} more
 * @returns {A}
 */
export function continued(numbers, from, more) {
  const Kind = /** @type {new (size: number) => A} */ (numbers.constructor);
  const result = new Kind(from + more.length);
  result.set(numbers.subarray(0, from));
  result.set(more, from);
  return result;
}

/**
 * An array of an answer.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {ArrayRef} ref
 * @returns {Promise<Float64Array>}
 */
export async function readSteps(bytes, ref) {
  return /** @type {Float64Array} */ (await readArray(bytes, ref));
}

/**
 * An array of a curve.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {ArrayRef} ref
 * @returns {Promise<Float32Array>}
 */
export async function readValues(bytes, ref) {
  return /** @type {Float32Array} */ (await readArray(bytes, ref));
}

/**
 * What a page says of a recording.
 * @param {RecordingState | "unreachable"} state
 * @param {number | null} step the last one that is whole
 * @param {number} leftOut how many recorded steps are not in the page
 * @param {number} held how many points are not finite at some step
 */
export function recordingWords(state, step, leftOut, held) {
  const at = step === null ? "" : `, step ${step.toLocaleString("en-US")}`;
  const words = {
    waiting: "waiting for the recording",
    recording: `recording${at}`,
    finished: `finished${at}`,
    stopped: `the recording has stopped${at}`,
    gone: `the recording was removed${at}`,
    replaced: "another recording has begun: load this page anew",
    unreadable: "what was recorded since cannot be read",
    outdated: "this page is out of date: load it anew",
    unreachable: "the watcher has ended",
  }[state];
  const more = [];
  if (leftOut > 0) more.push(`${leftOut.toLocaleString("en-US")} steps left out`);
  if (held > 0) more.push(`${held.toLocaleString("en-US")} points not finite, held in place`);
  return [words, ...more].join("; ");
}
