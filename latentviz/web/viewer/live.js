// Follows a recording: asks the server that the page came from for what was recorded since, and
// has the page go on with it. Nothing that the page shows moves for that, but for what is added.

import { doubledEnd, stepTicks, valueTicks, widened } from "./grown-axes.js";
import { continued, readSteps, readValues, recordingWords, takenApart } from "./growth.js";

/** @import { ChartPlace, ViewerDocument } from "./document.js" */
/** @import { GrownChart, Growth, RecordingState } from "./growth.js" */
/** @import { RunSteps } from "./moments.js" */
/** @import { PlacesReader } from "./places.js" */

/**
 * The numbers of a curve, as they are drawn.
 * @typedef {{values: Float32Array, raw: Float32Array | null}} LiveCurve
 */

/**
 * The numbers of a chart.
 * @typedef {object} LiveChart
 * @property {Float64Array} steps
 * @property {number} end the step at the end of its axis, which is not the last one
 * @property {LiveCurve[]} curves in the order of the document's
 */

/**
 * What a page lets a recording change. All of these are changed in place, and the document's runs,
 * curves (where they are keyed, measured and broken, and their final values), and its charts' axes.
 * @typedef {object} LivePage
 * @property {ViewerDocument} document
 * @property {readonly RunSteps[]} runs one
 * @property {number[]} starts the moment at which each frame of the film begins
 * @property {PlacesReader[]} places of each row
 * @property {LiveChart[]} charts
 * @property {() => void} grown is called after that: what depends on any of it is made anew, and
 *     who was at the newest moment goes on to that which is it now
 * @property {(words: string) => void} say shows how the recording is doing
 */

const HIDDEN_TIMES = 10; // so much less often a page asks that nobody sees
const TRIES = 3; // before a server that does not answer has ended
const MOST_FRAMES = 4; // are added for one answer's steps
/** @type {readonly RecordingState[]} */
const LAST = ["finished", "gone", "replaced", "outdated"];

/**
 * Follow the recording of a page until it ends, or the server does.
 * @param {LivePage} page whose document says where to ask
 */
export async function follow(page) {
  const { live } = page.document;
  if (!live) return;
  let failures = 0;
  let held = 0;
  for (;;) {
    try {
      const { growth, bytes } = await asked(live.address, page.runs[0].steps.length);
      failures = 0;
      if (growth.steps) {
        await goOn(page, growth, bytes);
        held = Math.max(held, growth.held);
        page.grown();
      }
      page.say(recordingWords(growth.state, growth.step, page.document.runs[0].left_out, held));
      if (growth.steps ? growth.last : LAST.includes(growth.state)) return;
      if (growth.steps) continue; // there may be more that others have seen already
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // of a server that does not answer
      failures += 1;
      if (failures === TRIES) {
        page.say(recordingWords("unreachable", null, 0, 0));
        return;
      }
    }
    await pause(live.every_ms);
  }
}

/**
 * What the server answers.
 * @param {string} address
 * @param {number} from how many steps the page has
 */
async function asked(address, from) {
  const response = await fetch(`${address}&from=${from}`, { cache: "no-store" });
  if (!response.ok) throw new TypeError(`the server answers ${response.status}`);
  return takenApart(await response.arrayBuffer());
}

/**
 * Wait a while; longer while the page is hidden, but no longer than until it is seen again.
 * @param {number} ms
 */
async function pause(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (document.visibilityState === "visible") return;
  await new Promise((resolve) => {
    const timer = setTimeout(done, (HIDDEN_TIMES - 1) * ms);
    document.addEventListener("visibilitychange", done);
    /** Go on, once. */
    function done() {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", done);
      resolve(undefined);
    }
  });
}

/**
 * Go on with what came.
 * @param {LivePage} page
 * @param {Growth} growth
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function goOn(page, growth, bytes) {
  const [run] = page.runs;
  const [facts] = page.document.runs;
  const steps = growth.steps ? await readSteps(bytes, growth.steps) : new Float64Array();
  /** @type {(() => void)[]} */
  const changes = []; // made at once, when all is read, so that none is drawn without the others
  for (const [i, grown] of growth.charts.entries()) {
    changes.push(await grownChart(page, i, grown, bytes));
  }
  for (const change of changes) change();
  for (const [i, ref] of growth.places.entries()) page.places[i].append(bytes, ref);
  const before = run.steps.length;
  run.steps = continued(run.steps, before, steps);
  run.after = facts.after = growth.after;
  facts.dense = growth.dense;
  facts.left_out = growth.left_out;
  // A frame covers as many moments as the last one, or more where many came at once.
  const { starts } = page;
  const stride = Math.max(
    1,
    starts.length > 1 ? starts[starts.length - 1] - starts[starts.length - 2] : 1,
    Math.ceil(steps.length / MOST_FRAMES),
  );
  const first = starts.length ? starts[starts.length - 1] + stride : 0;
  for (let start = first; start < run.steps.length; start += stride) starts.push(start);
}

/**
 * Read what a chart goes on with.
 * @param {LivePage} page
 * @param {number} i which chart
 * @param {GrownChart} grown
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<() => void>} changes the chart
 */
async function grownChart(page, i, grown, bytes) {
  const chart = page.charts[i];
  const { curves, log } = page.document.charts[i];
  const steps = await readSteps(bytes, grown.steps);
  const read = await Promise.all(
    grown.curves.map(async (curve) => ({
      values: await readValues(bytes, curve.values),
      raw: curve.raw && (await readValues(bytes, curve.raw)),
    })),
  );
  return () => {
    chart.steps = continued(chart.steps, grown.from, steps);
    for (const [j, { from, keyed, measured, broken }] of grown.curves.entries()) {
      const curve = chart.curves[j];
      const { values, raw } = read[j];
      curve.values = continued(curve.values, from, values);
      if (curve.raw && raw) curve.raw = continued(curve.raw, from, raw);
      curves[j].keyed.push(...keyed);
      curves[j].measured.push(...measured);
      curves[j].broken.push(...broken);
    }
    for (const [j, final] of (grown.final ?? []).entries()) curves[j].final = final;
    const places = page.document.layouts.flatMap(({ panels }) => panels);
    for (const place of places) {
      if (place.kind !== "chart" || place.chart !== i) continue;
      growAxes(place, chart, log, read.map(({ values }) => values));
    }
  };
}

/**
 * Have the axes of a chart reach as far as its curves do.
 * @param {ChartPlace} place
 * @param {LiveChart} chart
 * @param {boolean} log
 * @param {Float32Array[]} added
 */
function growAxes(place, chart, log, added) {
  const first = chart.steps[0];
  const last = chart.steps[chart.steps.length - 1];
  const end = doubledEnd(first, chart.end, last);
  const { steps } = place;
  if (end > chart.end || steps.values[steps.values.length - 1] * 2 < end) {
    place.steps = stepTicks(first, end, Math.max(2, steps.values.length));
  }
  chart.end = end;
  let limits = place.limits;
  for (const values of added) limits = widened(limits, values, log);
  if (limits === place.limits) return;
  place.limits = limits;
  place.ticks = valueTicks(limits, log);
}
