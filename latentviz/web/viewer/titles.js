// What stands on a page, in words.

import { placeOfPanel, pointName } from "./state.js";

/** @import { Data } from "./data.js" */
/** @import { Row } from "./document.js" */
/** @import { PanelView, View } from "./view.js" */

/**
 * The words of a heading.
 * @typedef {{words: string, number: string, speed: string, note: string}} Heading
 */

/**
 * What stands above a frame, as the film has it.
 * @param {Data} data
 * @param {number} moment
 * @param {"film" | "even"} pace
 * @returns {Heading}
 */
export function headingOf(data, moment, pace) {
  const { moments, document } = data;
  if (document.parts !== null) {
    return { words: momentWords(data, moment), number: "", speed: "", note: document.note };
  }
  let words = "step";
  let number = String(moments.stepAt(moment));
  if (moments.isAfter(moment)) {
    // Where not every step was recorded, nobody knows which one was the last.
    const isDense = document.runs.every((run) => run.dense);
    words = isDense ? "after step" : "after the last update";
    if (!isDense) number = "";
  }
  return { words, number, speed: number && speedWords(data, moment, pace), note: document.note };
}

/**
 * So many steps a frame of the film goes on; nothing where its moments are not all steps.
 * @param {Data} data
 * @param {number} moment
 * @param {"film" | "even"} pace
 */
function speedWords({ moments }, moment, pace) {
  const { steps, starts } = moments;
  const last = steps.length - 1;
  if (last < 1) return "▸1x";
  let n = 0;
  let covered = 0;
  if (pace === "film") {
    const frame = moments.frameOf(moment);
    const [start, stop] = [starts[frame], moments.endOf(frame) + 1];
    n = Math.min(stop, steps.length) - start;
    covered = steps[Math.min(stop, last)] - steps[start];
    // The last recorded step stands for as many as the one before it.
    if (stop > last) covered += steps[last] - steps[last - 1];
  } else {
    n = Math.max(1, moments.count / starts.length);
    covered = Math.round((n * (steps[last] - steps[0])) / last);
  }
  if (n === 1 && covered > 1) return "";
  return covered > 1 ? `▸▸${covered}x` : "▸1x";
}

/**
 * Which moment that is, in words.
 * @param {Data} data
 * @param {number} moment
 */
export function momentWords({ moments, document }, moment) {
  const last = moments.stepAt(moments.count - 1);
  if (document.parts !== null) {
    const isLast = moment >= moments.steps.length - 1;
    const share = isLast ? 100 : (100 * moments.stepAt(moment)) / document.parts;
    return moments.isAfter(moment) ? "after the last update" : `${share.toFixed(1)} % of each run`;
  }
  if (!moments.isAfter(moment)) return `step ${moments.stepAt(moment)} of ${last}`;
  return document.runs.every((run) => run.dense) ? `after step ${last}` : "after the last update";
}

/**
 * That the run of a panel has ended, where others go on; said above the first of its row.
 * @param {Data} data
 * @param {number} index of the panel
 * @param {number} moment
 */
export function endedWords(data, index, moment) {
  const { moments, document } = data;
  const { row, projection } = placeOfPanel(data, index);
  if (projection !== 0 || document.parts !== null || moments.isAfter(moment)) return "";
  const { steps } = moments.runs[document.rows[row].run];
  const last = steps[steps.length - 1];
  return moments.stepAt(moment) > last ? `, ended at step ${last}` : "";
}

/**
 * The caption of a moment; of several the last one that holds its step.
 * @param {Data} data
 * @param {number} moment
 */
export function captionOf({ moments, document }, moment) {
  const step = moments.stepAt(moment);
  const found = document.captions.findLast(
    ({ first, stop }) => step >= (first ?? -Infinity) && step < (stop ?? Infinity),
  );
  return found ? found.text : "";
}

/**
 * What stands above a panel.
 * @param {Data} data
 * @param {number} index of the panel
 * @param {PanelView} panel
 */
export function titleOf(data, index, panel) {
  const { row, projection } = placeOfPanel(data, index);
  const shown = data.document.rows[row];
  const own = shown.projections[projection];
  const [right, up, toward] = panel.dims;
  if (right === undefined) return `tour of ${shown.components.length} components`;
  const isOwn = right === own.right && up === own.up;
  if (toward === undefined && isOwn) return own.title;
  const title = componentsTitle(shown, panel.dims);
  return isOwn && own.name ? `${title} ${own.name}` : title;
}

/**
 * What the canvases show, for who does not see them, the lowest first.
 * @param {Data} data
 * @param {View} view
 * @returns {[string, string, string]}
 */
export function canvasWords(data, view) {
  const { document } = data;
  const charts = document.charts.map(
    ({ label, curves }) => `${label}: ${curves.map((curve) => curve.name).join(", ")}`,
  );
  const rows = document.rows.map((row, r) => {
    const titles = view.panels.flatMap((panel, i) =>
      placeOfPanel(data, i).row === r ? [titleOf(data, i, panel)] : [],
    );
    const of = document.rows.length > 1 && row.name ? ` of ${row.name}` : "";
    return `${counted(row.points, "point")}${of} in ${titles.join(", ")}`;
  });
  const pinned = view.pinned.map((point) => pointName(data, point));
  return [
    ["Axes", ...charts].join("; "),
    `${rows.join("; ")}; ${momentWords(data, view.moment)}`,
    pinned.length ? `Pinned points: ${pinned.join(", ")}` : "No points are pinned",
  ];
}

/**
 * A title that is made of components, as the film makes it.
 * @param {Row} row
 * @param {readonly number[]} dims
 */
function componentsTitle(row, dims) {
  const names = dims.map((dim) => row.components[dim].name);
  return names.every((name) => /^\d+$/.test(name)) ? `[${names.join(",")}]` : names.join(" · ");
}

/**
 * A number in few digits, as people read it.
 * @param {number} value
 */
export function shortNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
}

/**
 * A number of things.
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export function counted(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
}
