// The axes of charts whose curves go on: their ranges, and the numbers that stand along them, as
// `latentviz/raster/ticks.py` writes them.

/** @import { Ticks } from "./document.js" */

const MOST = 5; // labels along an axis, unless it had more
const MINUS = "\u2212";
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const AIR = 0.05; // of the range, beyond a value that has left it

/**
 * The end of an axis of steps that has room for a step: the range is doubled until it has.
 * @param {number} first the step at its beginning
 * @param {number} end the step at its end
 * @param {number} step
 */
export function doubledEnd(first, end, step) {
  let range = Math.max(1, end - first);
  while (first + range < step) range *= 2;
  return first + range;
}

/**
 * The ticks of an axis of steps: whole numbers.
 * @param {number} first
 * @param {number} end
 * @param {number} most so many at most, or two
 * @returns {Ticks}
 */
export function stepTicks(first, end, most) {
  const values = multiplesWithin(first, end, Math.max(2, most), 1);
  return { values, labels: values.map((value) => value.toFixed(0)), minor: [] };
}

/**
 * The limits of an axis of values, wide enough for some more of them.
 * @param {[number, number]} limits
 * @param {Float32Array} values those that are not finite, or cannot be shown, do not count
 * @param {boolean} log
 * @returns {[number, number]} the same, if no value lies beyond
 */
export function widened(limits, values, log) {
  let [low, high] = limits;
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === limits[0] && high === limits[1]) return limits;
  if (log) {
    const air = (high / low) ** AIR;
    return [low < limits[0] ? low / air : low, high > limits[1] ? high * air : high];
  }
  const air = AIR * (high - low);
  return [low < limits[0] ? low - air : low, high > limits[1] ? high + air : high];
}

/**
 * The ticks of an axis of values.
 * @param {[number, number]} limits
 * @param {boolean} log
 * @returns {Ticks}
 */
export function valueTicks([low, high], log) {
  const decades = log ? decadesWithin(low, high) : [];
  if (decades.length < 2) {
    const values = multiplesWithin(low, high, MOST, 0);
    return { values, labels: numberLabels(values), minor: [] };
  }
  const every = Math.ceil(decades.length / MOST);
  const values = decades.filter((_, i) => i % every === 0);
  const minor = decades.filter((_, i) => i % every !== 0);
  return { values, labels: numberLabels(values), minor };
}

/**
 * All as plain numbers where these are short, else all as powers of ten.
 * @param {number[]} values
 */
export function numberLabels(values) {
  const plain = values.map((value) => String(Number(value.toPrecision(10))));
  const usual = values.every((v) => v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5));
  const longest = Math.max(0, ...plain.map((text) => text.replace("-", "").length));
  if (!plain.some((text) => text.includes("e")) && longest <= (usual ? 8 : 6)) {
    return plain.map((text) => text.replace("-", MINUS));
  }
  return values.map(asPower);
}

/**
 * A number as a power of ten.
 * @param {number} value
 */
function asPower(value) {
  if (value === 0) return "0";
  const [digits, exponent] = Math.abs(value).toExponential(9).split("e");
  const mantissa = digits.replace(/\.?0+$/, "");
  const power = Array.from(String(Number(exponent)), (c) => (c === "-" ? "⁻" : SUPERSCRIPT[+c]));
  const text = `10${power.join("")}`;
  return (value < 0 ? MINUS : "") + (mantissa === "1" ? text : `${mantissa}·${text}`);
}

/**
 * Multiples of 1, 2 or 5 times a power of ten.
 * @param {number} low
 * @param {number} high
 * @param {number} most so many at most
 * @param {number} least the smallest that they may be multiples of
 */
function multiplesWithin(low, high, most, least) {
  const range = Math.max(high - low, Number.MIN_VALUE);
  for (let exponent = Math.floor(Math.log10(range / (most + 1))); ; exponent++) {
    for (const digit of [1, 2, 5]) {
      const step = Number(`${digit}e${exponent}`);
      if (step < least) continue;
      const from = Math.ceil(low / step - 1e-9);
      const to = Math.floor(high / step + 1e-9);
      if (to - from + 1 > most) continue;
      return Array.from({ length: to - from + 1 }, (_, i) =>
        Number(((from + i) * step).toPrecision(12)),
      );
    }
  }
}

/**
 * Powers of ten.
 * @param {number} low
 * @param {number} high
 */
function decadesWithin(low, high) {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => Number(`1e${from + i}`));
}
